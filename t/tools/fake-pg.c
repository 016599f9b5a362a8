/*
 * A server that talks as PostgreSQL does and answers as a script says: for servers
 * that cannot be had on a test machine, and answers that a real one rarely gives.
 *
 *	fake-pg --listen=WHERE --script=FILE [--log=FILE]
 *
 * WHERE is a folder to make a socket in or a port (0: any); it is printed as soon as
 * the server listens. The log has a line "N SQL" for each statement that connection
 * N runs. SIGTERM ends it.
 *
 * The script: lines that begin in the first column, and below a "match" those that
 * belong to it, indented. '#' begins a comment line.
 *
 *	parameter NAME VALUE	told to each client at its start, as server_version,
 *				crdb_version or standard_conforming_strings
 *	keep TABLE [now]	a table that keeps what is inserted (fake-table.h); it is
 *				there once a CREATE TABLE of that name was run, or now
 *	match GLOB		for statements that the glob fits, upper and lower case
 *				alike; the first that fits answers:
 *		after N		not for the first N statements that it fits,
 *		times N		and then for N statements only
 *		columns A B	the answer's columns,
 *		row X|Y		and a row of it; again for each further row
 *		exists		a row "1" if the table that $1 names is there
 *		tag TEXT	the command tag, in place of the usual one
 *		notice TEXT	a notice before the answer
 *		error STATE TEXT  an error, that fails the transaction; at COMMIT it has
 *				been rolled back
 *		close		no answer: the connection is closed
 *		commits		the transaction is committed nevertheless, by an "error"
 *				or "close" at COMMIT, or silently by another statement
 *
 * A statement that nothing fits is carried out without an effect: its usual tag, no
 * rows. BEGIN, COMMIT, ROLLBACK and errors move the transaction's status as they
 * should, and with it what the kept tables hold.
 */
#include "base/compat.h"

#include <fnmatch.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"
#include "base/vec.h"
#include "tools/fake-table.h"
#include "tools/wire.h"

enum { PARAMS_MAX = 32, FIELDS_MAX = 32, TEXT_TYPE = 25 };

struct rule {
	char *glob;
	long skip; /* how often it still does not answer */
	long left; /* how often it may then; -1: always */
	char *columns, *tag, *notice, *state, *message;
	char **rows;
	size_t nr_rows;
	bool close, exists, commits;
};

struct pair {
	char *name, *value;
};

struct script {
	struct rule *rules;
	size_t nr_rules, rules_alloc;
	struct pair *parameters;
	size_t nr_parameters, parameters_alloc;
};

struct prepared {
	char *name, *sql;
};

struct connection {
	unsigned nr;
	int fd; /* -1: to be taken away */
	bool started, skipping, copying;
	char status; /* 'I', 'T' or 'E' */
	struct buf in, out;
	struct prepared *statements;
	size_t nr_statements, statements_alloc;
	char *sql; /* of the portal */
	char *params[PARAMS_MAX];
	size_t nr_params;
};

struct server {
	struct script script;
	struct store store;
	FILE *log;
	int listener;
	struct connection **items;
	size_t nr, alloc;
	unsigned last;
};

static volatile sig_atomic_t told_end;

static void on_signal(int sig UNUSED)
{
	told_end = 1;
}

/* --- the script -------------------------------------------------------------- */

/* The next word of a line, cut off from it; what is left begins behind it. */
static char *word(char **line)
{
	char *start = *line + strspn(*line, " \t");

	*line = start + strcspn(start, " \t");
	if (**line)
		*(*line)++ = '\0';
	*line += strspn(*line, " \t");
	return start;
}

static void put(char **place, const char *text)
{
	free(*place);
	*place = xstrdup(text);
}

static void parse_answer(struct rule *rule, char *line)
{
	const char *key = word(&line);

	if (strcmp(key, "after") == 0)
		rule->skip = strtol(line, NULL, 10);
	else if (strcmp(key, "times") == 0)
		rule->left = strtol(line, NULL, 10);
	else if (strcmp(key, "columns") == 0)
		put(&rule->columns, line);
	else if (strcmp(key, "tag") == 0)
		put(&rule->tag, line);
	else if (strcmp(key, "notice") == 0)
		put(&rule->notice, line);
	else if (strcmp(key, "close") == 0)
		rule->close = true;
	else if (strcmp(key, "exists") == 0)
		rule->exists = true;
	else if (strcmp(key, "commits") == 0)
		rule->commits = true;
	else if (strcmp(key, "error") == 0) {
		put(&rule->state, word(&line));
		put(&rule->message, line);
	} else if (strcmp(key, "row") == 0) {
		rule->rows = xreallocarray(rule->rows, rule->nr_rows + 1,
					   sizeof(*rule->rows));
		rule->rows[rule->nr_rows++] = xstrdup(line);
	} else
		die("the script says '%s' below a match", key);
}

static void parse_line(struct server *s, char *line)
{
	struct script *script = &s->script;
	const char *key;

	if (line[0] == '#' || line[strspn(line, " \t")] == '\0')
		return;
	if (line[0] == ' ' || line[0] == '\t') {
		if (!script->nr_rules)
			die("the script begins with an indented line");
		parse_answer(&script->rules[script->nr_rules - 1], line);
		return;
	}
	key = word(&line);
	if (strcmp(key, "keep") == 0) {
		key = word(&line);
		store_keep(&s->store, key, strcmp(word(&line), "now") == 0);
	} else if (strcmp(key, "parameter") == 0) {
		VEC_GROW(script->parameters, script->nr_parameters,
			 script->parameters_alloc);
		script->parameters[script->nr_parameters].name = xstrdup(word(&line));
		script->parameters[script->nr_parameters++].value = xstrdup(line);
	} else if (strcmp(key, "match") == 0) {
		VEC_GROW(script->rules, script->nr_rules, script->rules_alloc);
		script->rules[script->nr_rules++] = (struct rule){ .glob = xstrdup(line),
								   .left = -1 };
	} else {
		die("the script says '%s'", key);
	}
}

static void read_script(struct server *s, const char *path)
{
	FILE *in = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;

	if (!in)
		die("could not read '%s': %s", path, strerror(errno));
	while (getline(&line, &room, in) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		parse_line(s, line);
	}
	free(line);
	fclose(in);
}

static void script_release(struct script *script)
{
	size_t i, k;

	for (i = 0; i < script->nr_rules; i++) {
		struct rule *r = &script->rules[i];

		for (k = 0; k < r->nr_rows; k++)
			free(r->rows[k]);
		free(r->rows);
		free(r->glob);
		free(r->columns);
		free(r->tag);
		free(r->notice);
		free(r->state);
		free(r->message);
	}
	for (i = 0; i < script->nr_parameters; i++) {
		free(script->parameters[i].name);
		free(script->parameters[i].value);
	}
	free(script->rules);
	free(script->parameters);
}

/* The rule that answers; `run`: the statement is run, so it counts. */
static struct rule *find_rule(struct script *script, const char *sql, bool run)
{
	struct rule *rule;
	size_t i;

	for (i = 0; i < script->nr_rules; i++) {
		rule = &script->rules[i];
		if (rule->left == 0 || fnmatch(rule->glob, sql, FNM_CASEFOLD) != 0)
			continue;
		if (rule->skip > 0) {
			rule->skip -= run;
			continue;
		}
		if (run && rule->left > 0)
			rule->left--;
		return rule;
	}
	return NULL;
}

/* --- statements -------------------------------------------------------------- */

/* The end of a quoted thing that begins at `s`, or `s` when nothing does. */
static const char *skip_quoted(const char *s)
{
	const char *end, *tag;
	char *close;

	if (strncmp(s, "--", 2) == 0)
		return s + strcspn(s, "\n");
	if (*s == '\'' || *s == '"') {
		end = strchr(s + 1, *s);
		return end ? end + 1 : s + strlen(s);
	}
	if (*s != '$')
		return s;
	for (tag = s + 1; ascii_isalnum((unsigned char)*tag) || *tag == '_'; tag++)
		;
	if (*tag != '$' || ascii_isdigit((unsigned char)s[1]))
		return s;
	close = xstrndup(s, (size_t)(tag + 1 - s));
	end = strstr(tag + 1, close);
	end = end ? end + strlen(close) : s + strlen(s);
	free(close);
	return end;
}

/* The next statement of a text, without comments before it; NULL at the end. */
static char *next_statement(const char **at)
{
	const char *start = *at, *end, *skipped;
	char *sql;

	for (;;) {
		start += strspn(start, " \t\r\n;");
		if (strncmp(start, "--", 2) != 0)
			break;
		start = skip_quoted(start);
	}
	if (!*start)
		return NULL;
	for (end = start; *end && *end != ';';) {
		skipped = skip_quoted(end);
		end = skipped > end ? skipped : end + 1;
	}
	*at = end;
	sql = xstrndup(start, (size_t)(end - start));
	return sql;
}

static bool begins(const char *sql, const char *keyword)
{
	size_t len = strlen(keyword);

	return strncasecmp(sql, keyword, len) == 0 &&
	       !ascii_isalnum((unsigned char)sql[len]) && sql[len] != '_';
}

static bool ends_transaction(const char *sql)
{
	return begins(sql, "COMMIT") || begins(sql, "END");
}

static bool rolls_back(const char *sql)
{
	return begins(sql, "ROLLBACK") || begins(sql, "ABORT");
}

/* The usual tag: one word, two for what is defined, counts for rows. */
static void usual_tag(const char *sql, char *tag, size_t room)
{
	size_t len = strcspn(sql, " \t\r\n(;"), i;

	if (begins(sql, "CREATE") || begins(sql, "ALTER") || begins(sql, "DROP")) {
		len += strspn(sql + len, " \t\r\n");
		len += strcspn(sql + len, " \t\r\n(;");
	}
	for (i = 0; i < len && i + 1 < room; i++)
		tag[i] = (char)(ascii_islower(sql[i]) ? sql[i] - 'a' + 'A' : sql[i]);
	tag[i] = '\0';
	if (begins(sql, "INSERT"))
		snprintf(tag, room, "INSERT 0 1");
	else if (begins(sql, "SELECT") || begins(sql, "UPDATE") || begins(sql, "DELETE"))
		snprintf(tag + i, room - i, " 0");
}

/* --- messages to the client -------------------------------------------------- */

static void say(struct connection *c, char type)
{
	wire_end(&c->out, wire_begin(&c->out, type));
}

static void say_number(struct connection *c, char type, uint32_t n)
{
	size_t begun = wire_begin(&c->out, type);

	wire_add_number(&c->out, n, 4);
	wire_end(&c->out, begun);
}

static void say_text(struct connection *c, char type, const char *first,
		     const char *second)
{
	size_t begun = wire_begin(&c->out, type);

	wire_add_string(&c->out, first);
	if (second)
		wire_add_string(&c->out, second);
	wire_end(&c->out, begun);
}

static void say_ready(struct connection *c)
{
	size_t begun = wire_begin(&c->out, 'Z');

	buf_addc(&c->out, c->status);
	wire_end(&c->out, begun);
}

static void say_field(struct connection *c, char field, const char *text)
{
	buf_addc(&c->out, field);
	wire_add_string(&c->out, text);
}

static void say_problem(struct connection *c, char type, const char *severity,
			const char *state, const char *message)
{
	size_t begun = wire_begin(&c->out, type);

	say_field(c, 'S', severity);
	say_field(c, 'V', severity);
	say_field(c, 'C', state);
	say_field(c, 'M', message);
	buf_addc(&c->out, '\0');
	wire_end(&c->out, begun);
}

/* Returns false, and the transaction has failed. */
static bool refuse(struct connection *c, const char *state, const char *message)
{
	say_problem(c, 'E', "ERROR", state, message);
	if (c->status == 'T')
		c->status = 'E';
	return false;
}

static void say_columns(struct connection *c, const struct answer *a)
{
	size_t begun = wire_begin(&c->out, 'T'), i;

	wire_add_number(&c->out, (uint32_t)a->nr, 2);
	for (i = 0; i < a->nr; i++) {
		wire_add_string(&c->out, a->columns[i]);
		wire_add_number(&c->out, 0, 4);
		wire_add_number(&c->out, 0, 2);
		wire_add_number(&c->out, TEXT_TYPE, 4);
		wire_add_number(&c->out, 0xffff, 2); /* of any length */
		wire_add_number(&c->out, 0xffffffff, 4);
		wire_add_number(&c->out, 0, 2);
	}
	wire_end(&c->out, begun);
}

static void say_rows(struct connection *c, const struct answer *a)
{
	size_t i, k, begun, len;

	for (i = 0; i < a->nr_rows; i++) {
		begun = wire_begin(&c->out, 'D');
		wire_add_number(&c->out, (uint32_t)a->nr, 2);
		for (k = 0; k < a->nr; k++) {
			len = a->rows[i][k] ? strlen(a->rows[i][k]) : 0;
			wire_add_number(&c->out,
					a->rows[i][k] ? (uint32_t)len : 0xffffffff, 4);
			buf_add(&c->out, a->rows[i][k] ? a->rows[i][k] : "", len);
		}
		wire_end(&c->out, begun);
	}
}

/* --- answers ----------------------------------------------------------------- */

static void row_of_rule(struct answer *a, const char *text)
{
	const char *values[FIELDS_MAX] = { NULL };
	char *copy = xstrdup(text), *at = copy, *bar;
	size_t i;

	for (i = 0; i < a->nr && i < FIELDS_MAX && at; i++) {
		bar = strchr(at, '|');
		if (bar)
			*bar++ = '\0';
		values[i] = at;
		at = bar;
	}
	answer_row(a, values);
	free(copy);
}

static void answer_of_rule(const struct server *s, const struct connection *c,
			   const struct rule *rule, struct answer *a)
{
	char *columns = xstrdup(rule->columns ? rule->columns : "exists"), *at = columns;
	static const char *const one[] = { "1" };
	size_t i;

	while (*at)
		answer_column(a, word(&at));
	free(columns);
	for (i = 0; i < rule->nr_rows; i++)
		row_of_rule(a, rule->rows[i]);
	if (rule->exists && c->nr_params && c->params[0] &&
	    store_has(&s->store, c->nr, c->params[0]))
		answer_row(a, one);
	snprintf(a->tag, sizeof(a->tag), "SELECT %zu", a->nr_rows);
}

/* What a statement answers; `look`: its columns alone, and nothing is done. */
static void make_answer(struct server *s, struct connection *c, const char *sql,
			const struct rule *rule, bool look, struct answer *a)
{
	if (rule && (rule->columns || rule->exists)) {
		answer_of_rule(s, c, rule, a);
	} else if (!store_run(&s->store, c->nr, sql, (const char *const *)c->params,
			      c->nr_params, look, a)) {
		answer_release(a);
		if (begins(sql, "SELECT") || begins(sql, "SHOW") || begins(sql, "VALUES"))
			answer_column(a, "?column?");
		usual_tag(sql, a->tag, sizeof(a->tag));
	}
	if (rule && rule->tag)
		snprintf(a->tag, sizeof(a->tag), "%s", rule->tag);
}

static void end_transaction(struct server *s, struct connection *c, bool commit)
{
	store_end(&s->store, c->nr, commit);
	c->status = 'I';
}

/* What the rule has instead of an answer. Returns whether there was such a thing. */
static bool spoil(struct server *s, struct connection *c, const struct rule *rule,
		  bool ends)
{
	if (rule->notice)
		say_problem(c, 'N', "NOTICE", "00000", rule->notice);
	if (!rule->close && !rule->state)
		return false;
	if (ends || rule->close)
		end_transaction(s, c, rule->commits);
	if (rule->close) {
		close(c->fd);
		c->fd = -1;
	} else {
		refuse(c, rule->state, rule->message);
	}
	return true;
}

/* BEGIN and its like: the tag, NULL when it is none of them. */
static const char *control(struct server *s, struct connection *c, const char *sql)
{
	bool failed = c->status == 'E';

	if (begins(sql, "BEGIN") || begins(sql, "START")) {
		c->status = 'T';
		return "BEGIN";
	}
	if (ends_transaction(sql)) {
		end_transaction(s, c, !failed);
		return failed ? "ROLLBACK" : "COMMIT";
	}
	if (!rolls_back(sql))
		return NULL;
	if (strcasestr(sql, " TO ")) /* what a savepoint held is not told apart */
		c->status = 'T';
	else
		end_transaction(s, c, false);
	return "ROLLBACK";
}

static void note(const struct server *s, const struct connection *c, const char *sql)
{
	if (!s->log)
		return;
	fprintf(s->log, "%u ", c->nr);
	for (; *sql; sql++)
		fputc(*sql == '\n' || *sql == '\t' ? ' ' : *sql, s->log);
	fputc('\n', s->log);
	fflush(s->log);
}

/* Runs one statement; `columns`: tells them too. false when it failed. */
static bool run(struct server *s, struct connection *c, const char *sql, bool columns)
{
	struct answer answer = { 0 };
	struct rule *rule;
	const char *tag;

	note(s, c, sql);
	if (c->status == 'E' && !ends_transaction(sql) && !rolls_back(sql))
		return refuse(c, "25P02", "current transaction is aborted");
	rule = find_rule(&s->script, sql, true);
	if (rule && spoil(s, c, rule, ends_transaction(sql)))
		return false;
	tag = control(s, c, sql);
	if (tag) {
		say_text(c, 'C', rule && rule->tag ? rule->tag : tag, NULL);
		return true;
	}
	if (begins(sql, "COPY") && strcasestr(sql, "STDIN")) {
		size_t begun = wire_begin(&c->out, 'G');

		wire_add_number(&c->out, 0, 3); /* text, no column told */
		wire_end(&c->out, begun);
		c->copying = true;
		return true;
	}
	make_answer(s, c, sql, rule, false, &answer);
	if (answer.state) {
		refuse(c, answer.state, answer.message);
		answer_release(&answer);
		return false;
	}
	if (columns && answer.nr)
		say_columns(c, &answer);
	say_rows(c, &answer);
	say_text(c, 'C', answer.tag, NULL);
	if ((rule && rule->commits) || c->status == 'I')
		end_transaction(s, c, true);
	answer_release(&answer);
	return true;
}

/* --- messages of the client --------------------------------------------------- */

static void clear_params(struct connection *c)
{
	while (c->nr_params)
		free(c->params[--c->nr_params]);
}

static void on_query(struct server *s, struct connection *c, const char *text)
{
	bool some = false, good = true;
	char *sql;

	clear_params(c);
	while (good && c->fd >= 0 && !c->copying && (sql = next_statement(&text))) {
		some = true;
		good = run(s, c, sql, true);
		free(sql);
	}
	if (!some)
		say(c, 'I');
	if (!c->copying)
		say_ready(c);
}

static struct prepared *find_prepared(struct connection *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->nr_statements; i++)
		if (strcmp(c->statements[i].name, name) == 0)
			return &c->statements[i];
	return NULL;
}

static void on_parse(struct connection *c, const struct wire_message *m)
{
	const char *text = wire_text(m);
	struct prepared *p = find_prepared(c, m->body);
	char *sql = next_statement(&text);

	if (!p) {
		VEC_GROW(c->statements, c->nr_statements, c->statements_alloc);
		p = &c->statements[c->nr_statements++];
		*p = (struct prepared){ .name = xstrdup(m->body) };
	}
	free(p->sql);
	p->sql = sql ? sql : xstrdup("");
	say(c, '1');
}

static size_t short_number(const char *at)
{
	return (size_t)(unsigned char)at[0] << 8 | (unsigned char)at[1];
}

static bool on_bind(struct connection *c, const struct wire_message *m)
{
	const char *name = m->body + strlen(m->body) + 1;
	const char *at = name + strlen(name) + 1;
	struct prepared *p = find_prepared(c, name);
	uint32_t len;
	size_t nr;

	if (!p)
		return refuse(c, "26000", "prepared statement does not exist");
	put(&c->sql, p->sql);
	clear_params(c);
	at += 2 + 2 * short_number(at); /* formats: all are taken for text */
	nr = short_number(at);
	for (at += 2; c->nr_params < nr && c->nr_params < PARAMS_MAX; c->nr_params++) {
		len = wire_number(at);
		at += 4;
		c->params[c->nr_params] = NULL;
		if (len == 0xffffffff)
			continue;
		c->params[c->nr_params] = xstrndup(at, len);
		at += len;
	}
	say(c, '2');
	return true;
}

/* The number of parameters of a statement: its greatest $n. */
static uint32_t count_params(const char *sql)
{
	unsigned long nr, most = 0;

	while ((sql = strchr(sql, '$')) != NULL) {
		nr = strtoul(++sql, NULL, 10);
		most = nr > most ? nr : most;
	}
	return (uint32_t)most;
}

static bool on_describe(struct server *s, struct connection *c,
			const struct wire_message *m)
{
	struct answer answer = { 0 };
	const char *sql = c->sql;
	struct prepared *p;
	uint32_t nr, i;
	size_t begun;
	bool good;

	if (m->body[0] == 'S') {
		p = find_prepared(c, m->body + 1);
		if (!p)
			return refuse(c, "26000", "prepared statement does not exist");
		sql = p->sql;
		nr = count_params(sql);
		begun = wire_begin(&c->out, 't');
		wire_add_number(&c->out, nr, 2);
		for (i = 0; i < nr; i++)
			wire_add_number(&c->out, TEXT_TYPE, 4);
		wire_end(&c->out, begun);
	}
	make_answer(s, c, sql ? sql : "", find_rule(&s->script, sql ? sql : "", false),
		    true, &answer);
	if (answer.state)
		refuse(c, answer.state, answer.message);
	else if (answer.nr)
		say_columns(c, &answer);
	else
		say(c, 'n');
	good = !answer.state;
	answer_release(&answer);
	return good;
}

static bool on_execute(struct server *s, struct connection *c)
{
	if (c->sql && c->sql[0])
		return run(s, c, c->sql, false);
	say(c, 'I');
	return true;
}

static void on_copy_end(struct connection *c, bool done)
{
	c->copying = false;
	if (done)
		say_text(c, 'C', "COPY 0", NULL);
	else
		refuse(c, "57014", "COPY from stdin failed");
	say_ready(c);
}

static void on_message(struct server *s, struct connection *c,
		       const struct wire_message *m)
{
	bool good = true;

	if (c->skipping && m->type != 'S' && m->type != 'X')
		return;
	switch (m->type) {
	case 'Q':
		on_query(s, c, m->body);
		break;
	case 'P':
		on_parse(c, m);
		break;
	case 'B':
		good = on_bind(c, m);
		break;
	case 'D':
		good = on_describe(s, c, m);
		break;
	case 'E':
		good = on_execute(s, c);
		break;
	case 'C':
		say(c, '3');
		break;
	case 'S':
		c->skipping = false;
		say_ready(c);
		break;
	case 'c':
	case 'f':
		on_copy_end(c, m->type == 'c');
		break;
	case 'd': /* data of a COPY, for nobody */
	case 'H': /* all is sent at once anyway */
		break;
	case 'X':
		close(c->fd);
		c->fd = -1;
		break;
	default:
		die("a message of the type '%c'", m->type);
	}
	c->skipping |= !good;
}

static void on_start(struct server *s, struct connection *c, const struct wire_message *m)
{
	static const char *const usual[][2] = {
		{ "server_version", "15.0" },  { "server_encoding", "UTF8" },
		{ "client_encoding", "UTF8" }, { "standard_conforming_strings", "on" },
		{ "DateStyle", "ISO, MDY" },   { "integer_datetimes", "on" },
		{ "TimeZone", "UTC" },
	};
	uint32_t code = m->len >= 4 ? wire_number(m->body) : 0;
	size_t i, begun;

	if (code == WIRE_SSL || code == WIRE_GSS) {
		buf_addc(&c->out, 'N');
		return;
	}
	if (code == WIRE_CANCEL) {
		close(c->fd);
		c->fd = -1;
		return;
	}
	c->started = true;
	c->status = 'I';
	say_number(c, 'R', 0);
	for (i = 0; i < ARRAY_SIZE(usual); i++)
		say_text(c, 'S', usual[i][0], usual[i][1]);
	/* the last word on a parameter counts */
	for (i = 0; i < s->script.nr_parameters; i++)
		say_text(c, 'S', s->script.parameters[i].name,
			 s->script.parameters[i].value);
	begun = wire_begin(&c->out, 'K');
	wire_add_number(&c->out, c->nr, 4);
	wire_add_number(&c->out, c->nr, 4);
	wire_end(&c->out, begun);
	say_ready(c);
}

/* --- connections -------------------------------------------------------------- */

static void send_all(struct connection *c)
{
	size_t sent = 0;
	ssize_t n;

	while (c->fd >= 0 && sent < c->out.len) {
		n = send(c->fd, c->out.s + sent, c->out.len - sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			close(c->fd);
			c->fd = -1;
			return;
		}
		sent += (size_t)n;
	}
	buf_reset(&c->out);
}

static void serve(struct server *s, struct connection *c)
{
	struct wire_message m;
	struct buf rest = BUF_INIT;
	char bytes[64 * 1024];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);
	const char *at;
	size_t left;

	if (n <= 0) {
		close(c->fd);
		c->fd = -1;
		return;
	}
	buf_add(&c->in, bytes, (size_t)n);
	at = buf_str(&c->in);
	left = c->in.len;
	while (c->fd >= 0 && wire_next(at, left, !c->started, &m)) {
		if (c->started)
			on_message(s, c, &m);
		else
			on_start(s, c, &m);
		at += m.total;
		left -= m.total;
	}
	buf_add(&rest, at, left);
	buf_release(&c->in);
	c->in = rest;
	send_all(c);
}

static void connection_free(struct server *s, struct connection *c)
{
	size_t i;

	store_end(&s->store, c->nr, false);
	if (c->fd >= 0)
		close(c->fd);
	for (i = 0; i < c->nr_statements; i++) {
		free(c->statements[i].name);
		free(c->statements[i].sql);
	}
	free(c->statements);
	free(c->sql);
	clear_params(c);
	buf_release(&c->in);
	buf_release(&c->out);
	free(c);
}

static void accept_one(struct server *s)
{
	struct connection *c;
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	c = xcalloc(1, sizeof(*c));
	c->nr = ++s->last;
	c->fd = fd;
	VEC_GROW(s->items, s->nr, s->alloc);
	s->items[s->nr++] = c;
}

static void turn(struct server *s, const sigset_t *waiting)
{
	struct pollfd *fds = xcalloc(s->nr + 1, sizeof(*fds));
	size_t nr = s->nr, kept = 0, i;

	fds[0] = (struct pollfd){ .fd = s->listener, .events = POLLIN };
	for (i = 0; i < nr; i++)
		fds[i + 1] = (struct pollfd){ .fd = s->items[i]->fd, .events = POLLIN };
	if (ppoll(fds, nr + 1, NULL, waiting) > 0) {
		for (i = 0; i < nr; i++)
			if (fds[i + 1].revents)
				serve(s, s->items[i]);
		if (fds[0].revents)
			accept_one(s);
	}
	for (i = 0; i < s->nr; i++) {
		if (s->items[i]->fd >= 0)
			s->items[kept++] = s->items[i];
		else
			connection_free(s, s->items[i]);
	}
	s->nr = kept;
	free(fds);
}

static const char *parse(struct server *s, int argc, char **argv)
{
	const char *where = NULL, *value;
	int i;

	for (i = 1; i < argc; i++) {
		if ((value = option_value(argv[i], "listen")) != NULL)
			where = value;
		else if ((value = option_value(argv[i], "script")) != NULL)
			read_script(s, value);
		else if ((value = option_value(argv[i], "log")) != NULL)
			s->log = fopen(value, "w");
		else
			die("no option '%s'", argv[i]);
	}
	if (!where)
		die("--listen is missing");
	return where;
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_signal };
	struct server s = { .listener = -1 };
	struct buf shown = BUF_INIT;
	sigset_t held, waiting;
	const char *where;
	size_t i;

	sigemptyset(&held);
	sigaddset(&held, SIGTERM);
	sigaction(SIGTERM, &act, NULL);
	sigprocmask(SIG_BLOCK, &held, &waiting);
	sigdelset(&waiting, SIGTERM);
	where = parse(&s, argc, argv);
	s.listener = wire_listen(where, &shown);
	if (s.listener < 0)
		die("could not listen at '%s': %s", where, strerror(errno));
	printf("%s\n", buf_str(&shown));
	fflush(stdout);
	while (!told_end)
		turn(&s, &waiting);
	for (i = 0; i < s.nr; i++)
		connection_free(&s, s.items[i]);
	free(s.items);
	close(s.listener);
	script_release(&s.script);
	store_release(&s.store);
	if (s.log)
		fclose(s.log);
	buf_release(&shown);
	return 0;
}
