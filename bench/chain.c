/*
 * Makes what a target and its mirror would be after years, for mirror.sh:
 *
 *	chain history NR               a stream for "git fast-import": a migration a
 *commit chain records EACH RECORD      reads "git migrate plan --porcelain" and prints
 *SQL that adds, behind RECORD (the line), what happened to those migrations of the plan
 *that come behind the first chain notes NR                 entries of a stream for "git
 *fast-import": a note on each of so many made-up commits
 *
 * EACH is how many records a migration has: 1, it was applied; 2, its run has an end
 * too; with more it had failed so often before.
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/pool.h"
#include "core/record.h"

enum { EACH_MAX = 10000, NR_MAX = 10000000 };

static NORETURN void die(const char *what)
{
	fprintf(stderr, "error: %s\n", what);
	exit(128);
}

static unsigned number(const char *text, unsigned most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || !n || n > most)
		die("a number is expected");
	return (unsigned)n;
}

/* --- history --------------------------------------------------------------- */

static void add_sql(struct buf *out, const char *name)
{
	buf_addf(out, "CREATE TABLE %s (id integer PRIMARY KEY, name text);\n", name);
}

static void print_commit(unsigned nr)
{
	struct buf sql = BUF_INIT, message = BUF_INIT;
	char name[16];

	snprintf(name, sizeof(name), "t%07u", nr);
	add_sql(&sql, name);
	buf_addf(&message, "add %s\n\nReason, ticket APP-%u\n", name, nr);
	printf("commit refs/heads/main\ncommitter Ann Author <ann@example.com> %u +0000\n"
	       "data %zu\n%sM 100644 inline migrations/%s.sql\ndata %zu\n%s\n",
	       1400000000 + 3600 * nr, message.len, message.s, name, sql.len, sql.s);
	buf_release(&sql);
	buf_release(&message);
}

static void print_history(unsigned nr, unsigned every)
{
	unsigned i, k;

	for (i = 0; i < nr; i++) {
		print_commit(i);
		for (k = 1; k < every; k++)
			printf("commit refs/heads/main\n"
			       "committer Ann Author <ann@example.com> %u +0000\n"
			       "data 12\nedit a file\nM 100644 inline src/file\n"
			       "data 8\n%07u\n\n",
			       1400000000 + 3600 * i + k, (i * every + k) % 10000000);
	}
	puts("done");
}

/* --- records --------------------------------------------------------------- */

/* The tracker so far; texts of what is behind are freed again and again. */
struct log {
	struct record last;
	struct pool pool;
	char at[CLOCK_TEXT], run[33];
	unsigned runs;
};

static void begin_run(struct log *log)
{
	clock_text(1400000000 + (int64_t)3600 * ++log->runs, log->at);
	snprintf(log->run, sizeof(log->run), "%032x", log->runs);
}

static void print_column(const char *value)
{
	if (value)
		printf("'%s', ", value);
	else
		printf("NULL, ");
}

/* What follows the last record, with the fields of `r`, is sealed and printed. */
static void print_record(struct log *log, const struct record *fields)
{
	static const enum field columns[] = { FIELD_EVENT,  FIELD_PATH, FIELD_BLOB,
					      FIELD_COMMIT, FIELD_AT,	FIELD_BY,
					      FIELD_RUN };
	struct record next = *fields;
	struct pool pool = { 0 };
	size_t i;

	next.seq = log->last.seq + 1;
	next.field[FIELD_PREV] = pool_strdup(&pool, log->last.hash);
	next.field[FIELD_AT] = log->at;
	next.field[FIELD_RUN] = log->run;
	next.field[FIELD_BY] = log->last.field[FIELD_BY];
	next.field[FIELD_ENGINE] = log->last.field[FIELD_ENGINE];
	next.field[FIELD_TARGET] = log->last.field[FIELD_TARGET];
	next.field[FIELD_TOOL] = log->last.field[FIELD_TOOL];
	record_seal(&next, &pool);
	printf("INSERT INTO git_migrate_log VALUES (%" PRIu64 ", ", next.seq);
	for (i = 0; i < ARRAY_SIZE(columns); i++)
		print_column(next.field[columns[i]]);
	printf("'%s', '%s');\n", next.line, next.hash);
	pool_release(&log->pool);
	log->pool = pool;
	log->last = next;
}

static void print_failure(struct log *log, struct record r)
{
	r.event = EVENT_FAILED;
	r.field[FIELD_SQLSTATE] = "1";
	r.field[FIELD_LINE] = "1";
	begin_run(log);
	print_record(log, &r);
}

static void print_life(struct log *log, unsigned each, struct record *r)
{
	struct record ran = { .event = EVENT_RAN };
	unsigned i;

	for (i = 2; i < each; i++)
		print_failure(log, *r);
	begin_run(log);
	r->event = EVENT_APPLIED;
	r->field[FIELD_STATEMENTS] = r->field[FIELD_MS] = "1";
	print_record(log, r);
	if (each == 1)
		return;
	ran.field[FIELD_HEAD] = r->field[FIELD_HEAD];
	ran.field[FIELD_MIGRATIONS] = ran.field[FIELD_MS] = "1";
	print_record(log, &ran);
}

/* "<position> <blob> <commit> <arrival> <path>" of print_history's. */
static void take_entry(struct log *log, unsigned each, char *line)
{
	struct record r = { 0 };
	struct buf sql = BUF_INIT, name = BUF_INIT;
	char sha256[SHA256_HEXSZ + 1];
	const char *path, *blob, *commit;

	strsep(&line, " ");
	blob = strsep(&line, " ");
	commit = strsep(&line, " ");
	strsep(&line, " ");
	path = strsep(&line, "\n");
	if (!path)
		die("this is no plan");
	buf_add(&name, path, strcspn(path, "."));
	add_sql(&sql, name.s);
	sha256_hex(sql.s, sql.len, sha256);
	r.field[FIELD_PATH] = path;
	r.field[FIELD_BLOB] = blob;
	r.field[FIELD_SHA256] = sha256;
	r.field[FIELD_COMMIT] = r.field[FIELD_HEAD] = commit;
	print_life(log, each, &r);
	buf_release(&sql);
	buf_release(&name);
}

static void print_records(unsigned each, const char *last)
{
	struct pool pool = { 0 };
	struct log log = { 0 };
	struct err err = { 0 };
	char *line = NULL;
	size_t alloc = 0;

	if (record_parse(&log.last, &pool, last, strlen(last), &err) < 0)
		die(err.message);
	puts("BEGIN;");
	if (getline(&line, &alloc, stdin) < 0)
		die("the plan is empty");
	while (getline(&line, &alloc, stdin) > 0)
		take_entry(&log, each, line);
	puts("COMMIT;");
	free(line);
	pool_release(&log.pool);
	pool_release(&pool);
}

/* --- notes ----------------------------------------------------------------- */

static void print_notes(unsigned nr)
{
	char text[16], hex[SHA256_HEXSZ + 1];
	unsigned i;

	for (i = 0; i < nr; i++) {
		snprintf(text, sizeof(text), "%u\n", i);
		sha256_hex(text, strlen(text), hex);
		printf("M 100644 inline %.2s/%.38s\ndata %zu\n%s\n", hex, hex + 2,
		       strlen(text), text);
	}
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "history") == 0)
		print_history(number(argv[2], NR_MAX), number(argv[3], EACH_MAX));
	else if (argc == 4 && strcmp(argv[1], "records") == 0)
		print_records(number(argv[2], EACH_MAX), argv[3]);
	else if (argc == 3 && strcmp(argv[1], "notes") == 0)
		print_notes(number(argv[2], NR_MAX));
	else
		die("see the head of bench/chain.c");
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 128;
}
