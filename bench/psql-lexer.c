/*
 * Takes an SQL file apart by psql's own lexer (PostgreSQL's libpgfeutils) and by
 * ours, and compares the statements. bench/psql-lexer.sh builds and runs it.
 *
 * usage: psql-lexer FILE...
 *
 * Prints a line for each file: "equal", "differs" or "refused", how many statements
 * psql sees, how often a COPY has no data, and the name; then, where they differ,
 * what is different. Blanks and comments around a statement do not matter.
 *
 * What psql's main loop does, and no lexer: commands with a backslash are taken out,
 * and a semicolon put in place of those that send (\g and its like). "\;" is made
 * "##" for both. Branches of \if are all read. Where the data of a COPY ... FROM
 * STDIN would be, the suite has none if the server refuses the statement: SQL in it
 * tells, and both then get an empty one.
 */
#include "postgres_fe.h"

#include "fe_utils/psqlscan.h"
#include "fe_utils/psqlscan_int.h"
#include "mb/pg_wchar.h"
#include "pqexpbuffer.h"

#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "base/vec.h"
#include "sql/split.h"

/* flex's own, of the scanner within a PsqlScanState */
extern char *psql_yyget_text(yyscan_t scanner);

struct statement {
	char *text;
	bool is_copy;
};

struct file {
	const char *name;
	char *at; /* the rest of what was read */
	PsqlScanState scan;
	PQExpBuffer query;
	struct buf clean; /* the same for our lexer, without psql's commands */
	struct statement *found;
	size_t nr, alloc;
	unsigned without_data;
};

/* --- reading as psql's main loop --------------------------------------- */

/* The next line, without its end; NULL at the end of the file. */
static char *next_line(struct file *f)
{
	char *line = f->at, *end;

	if (!*line)
		return NULL;
	end = line + strcspn(line, "\n");
	f->at = *end ? end + 1 : end;
	*end = '\0';
	return line;
}

/* Whether a line begins as a statement of the suite does. */
static bool looks_like_sql(const char *line, size_t len)
{
	static const char *const words[] = {
		"alter",  "analyze", "begin",	 "commit", "copy",  "create",
		"delete", "drop",    "end",	 "insert", "reset", "rollback",
		"select", "set",     "truncate", "update",
	};
	size_t i, n;

	if (len >= 2 && (memcmp(line, "--", 2) == 0 ||
			 (line[0] == '\\' && ascii_islower((unsigned char)line[1]))))
		return true;
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		n = strlen(words[i]);
		if (len > n && strncasecmp(line, words[i], n) == 0 &&
		    (line[n] == ' ' || line[n] == ';'))
			return true;
	}
	return false;
}

/* Whether lines up to "\." follow, none of them SQL. */
static bool has_data(const char *at)
{
	size_t len;

	for (; *at; at += len + (at[len] == '\n')) {
		len = strcspn(at, "\n");
		if (len == 2 && memcmp(at, "\\.", 2) == 0)
			return true;
		if (looks_like_sql(at, len))
			return false;
	}
	return false;
}

/* Passes the data of a COPY over; `keep`: it is for our lexer as well. */
static void take_data(struct file *f, bool keep)
{
	bool ended = !has_data(f->at);
	char *line;

	if (ended) {
		f->without_data++;
		if (keep)
			buf_adds(&f->clean, "\\.\n");
	}
	while (!ended && (line = next_line(f)) != NULL) {
		if (keep)
			buf_addf(&f->clean, "%s\n", line);
		ended = strcmp(line, "\\.") == 0;
	}
}

static void take_statement(struct file *f)
{
	struct statement *st;

	VEC_GROW(f->found, f->nr, f->alloc);
	st = &f->found[f->nr++];
	st->text = xstrndup(f->query->data, f->query->len);
	st->is_copy = psql_scan_count_copy_from_stdin(f->scan) > 0;
	psql_scan_reset(f->scan); /* the count, too, which is of what was not sent */
	resetPQExpBuffer(f->query);
}

static bool sends(const char *command)
{
	static const char *const names[] = { "g",     "gx",   "gset",	      "gexec",
					     "gdesc", "bind", "crosstabview", "watch" };
	size_t len = strcspn(command, " \t(;\\"), i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && strncmp(command, names[i], len) == 0)
			return true;
	return false;
}

/* A command of psql, to the end of its line. */
static void take_command(struct file *f, const char *command)
{
	if (sends(command)) {
		buf_addc(&f->clean, ';');
		if (f->query->len)
			take_statement(f);
		else
			psql_scan_reset(f->scan);
	}
}

static bool copies_from_file(const char *line)
{
	const char *copy = strstr(line, "\\copy ");

	return copy && strcasestr(copy, " from stdin");
}

/* Returns whether a COPY was sent, whose data begins on the next line. */
static bool take_line(struct file *f, char *line)
{
	size_t taken = 0;
	bool copy = false;
	promptStatus_t prompt;
	PsqlScanResult rc;

	do {
		rc = psql_scan(f->scan, f->query, &prompt);
		if (rc == PSCAN_SEMICOLON) {
			take_statement(f);
			copy |= f->found[f->nr - 1].is_copy;
		} else if (rc == PSCAN_BACKSLASH) {
			size_t before = f->nr;

			taken = (size_t)(psql_yyget_text(f->scan->scanner) -
					 f->scan->scanbuf);
			buf_add(&f->clean, line, taken);
			take_command(f, line + taken + 1);
			copy |= f->nr > before && f->found[f->nr - 1].is_copy;
			break;
		}
	} while (rc == PSCAN_SEMICOLON);
	if (rc != PSCAN_BACKSLASH)
		buf_adds(&f->clean, line);
	buf_addc(&f->clean, '\n');
	psql_scan_finish(f->scan);
	return copy;
}

static void read_all(struct file *f)
{
	char *line;
	bool copy;

	while ((line = next_line(f)) != NULL) {
		if (!line[0] && !psql_scan_in_quote(f->scan)) {
			buf_addc(&f->clean, '\n');
			continue;
		}
		if (f->query->len)
			appendPQExpBufferChar(f->query, '\n');
		psql_scan_setup(f->scan, line, (int)strlen(line), PG_UTF8, true);
		copy = take_line(f, line);
		if (copy || copies_from_file(line))
			take_data(f, copy);
	}
	if (f->query->len)
		take_statement(f);
}

/* --- comparing --------------------------------------------------------- */

static const char *pass_comment(const char *s)
{
	size_t depth = 0;

	do {
		if (s[0] == '/' && s[1] == '*') {
			depth++;
			s += 2;
		} else if (s[0] == '*' && s[1] == '/') {
			depth--;
			s += 2;
		} else {
			s++;
		}
	} while (*s && depth);
	return s;
}

/* Behind blanks and comments. */
static const char *pass_blanks(const char *s)
{
	for (;;) {
		if (*s && strchr(" \t\r\n\f", *s))
			s++;
		else if (s[0] == '-' && s[1] == '-')
			s += strcspn(s, "\n");
		else if (s[0] == '/' && s[1] == '*')
			s = pass_comment(s);
		else
			return s;
	}
}

/* Whether psql's text is ours, with nothing but blanks, comments and ';' around. */
static bool is_same(const char *theirs, const struct sql_statement *ours)
{
	size_t i;

	theirs = pass_blanks(theirs);
	for (i = 0; i < ours->len; i++) {
		if (strchr(" \t\r\n\f", ours->text[i]))
			continue;
		while (*theirs && strchr(" \t\r\n\f", *theirs))
			theirs++;
		if (*theirs++ != ours->text[i])
			return false;
	}
	theirs = pass_blanks(theirs);
	return !*theirs || (theirs[0] == ';' && !theirs[1]);
}

static bool is_empty(const struct statement *st)
{
	const char *rest = pass_blanks(st->text);

	return !*rest || strcmp(rest, ";") == 0;
}

static void say_different(const struct file *f, size_t nr, const struct sql_statement *st)
{
	const char *theirs = nr < f->nr ? f->found[nr].text : "(nothing)";

	printf("  psql: %.200s\n  ours: %.*s\n", theirs,
	       st->len < 200 ? (int)st->len : 200, st->text);
}

/* 1 equal, 0 different, -1 refused, with `err` */
static int compare(const struct file *f, struct err *err)
{
	struct sql_statement st;
	struct sql_split s;
	size_t nr = 0;
	int rc = sql_split_init(&s, buf_str(&f->clean), f->clean.len, err);

	while (rc == 0 && (rc = sql_split_next(&s, &st, err)) > 0) {
		while (nr < f->nr && is_empty(&f->found[nr]))
			nr++;
		if (nr == f->nr || !is_same(f->found[nr].text, &st) ||
		    f->found[nr].is_copy != (st.word == WORD_COPY_STDIN)) {
			printf("differs\t%zu\t%u\t%s\n", f->nr, f->without_data, f->name);
			say_different(f, nr, &st);
			sql_split_close(&s);
			return 0;
		}
		nr++;
		rc = 0;
	}
	sql_split_close(&s);
	while (nr < f->nr && is_empty(&f->found[nr]))
		nr++;
	if (rc == 0 && nr < f->nr) {
		printf("differs\t%zu\t%u\t%s\n  psql: %.200s\n  ours: (nothing)\n", f->nr,
		       f->without_data, f->name, f->found[nr].text);
		return 0;
	}
	return rc < 0 ? -1 : 1;
}

static void join_escapes(char *text)
{
	while ((text = strstr(text, "\\;")) != NULL)
		text[0] = text[1] = '#';
}

static int compare_file(const char *path)
{
	static const PsqlScanCallbacks no_variables = { NULL };
	const char *slash = strrchr(path, '/');
	struct file f = { .name = slash ? slash + 1 : path };
	struct buf text = BUF_INIT;
	struct err err = { 0 };
	size_t i;
	int rc;

	if (file_read(path, 1 << 28, &text, &err) != 0) {
		fprintf(stderr, "error: %s: %s\n", path, err.message);
		return -1;
	}
	join_escapes(text.s);
	f.at = text.s;
	f.scan = psql_scan_create(&no_variables);
	f.query = createPQExpBuffer();
	read_all(&f);
	rc = compare(&f, &err);
	if (rc == 1)
		printf("equal\t%zu\t%u\t%s\n", f.nr, f.without_data, f.name);
	else if (rc < 0)
		printf("refused\t%zu\t%u\t%s\n  %u:%u: %s\n", f.nr, f.without_data,
		       f.name, err.line, err.column, err.message);
	for (i = 0; i < f.nr; i++)
		free(f.found[i].text);
	free(f.found);
	buf_release(&f.clean);
	buf_release(&text);
	destroyPQExpBuffer(f.query);
	psql_scan_destroy(f.scan);
	return 0;
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (compare_file(argv[i]) < 0)
			return 1;
	return 0;
}
