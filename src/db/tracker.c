#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/pool.h"
#include "base/sha256.h"
#include "core/ledger.h"
#include "core/record.h"
#include "core/record_stream.h"
#include "db/dialect.h"
#include "db/driver.h"
#include "db/tracker.h"

#ifdef PACKAGE_VERSION
#define TOOL "git-migrate/" PACKAGE_VERSION
#else
#define TOOL "git-migrate"
#endif

enum {
	NUMBER_TEXT = 24,
	HOLDERS_SHOWN = 3,
};

static const struct dialect *dialect(const struct tracker *t)
{
	return dialect_of(t->driver->capabilities(t->db)->schema);
}

/* --- reading ----------------------------------------------------------- */

struct reading {
	struct pool *pool;
	struct ledger *ledger;
};

struct examining {
	const struct tracker_reader *reader;
	struct record_stream stream;
};

/* LOG_COLUMNS */
enum column {
	COLUMN_SEQ,
	COLUMN_EVENT,
	COLUMN_PATH,
	COLUMN_BLOB,
	COLUMN_COMMIT,
	COLUMN_AT,
	COLUMN_BY,
	COLUMN_RUN,
	COLUMN_RECORD,
	COLUMN_HASH,
	COLUMN_NR,
};

static const struct {
	const char *name;
	enum field field; /* FIELD_NR: not a field */
} columns[COLUMN_NR] = {
	[COLUMN_SEQ] = { "seq", FIELD_NR },
	[COLUMN_EVENT] = { "event", FIELD_NR },
	[COLUMN_PATH] = { "path", FIELD_PATH },
	[COLUMN_BLOB] = { "blob", FIELD_BLOB },
	[COLUMN_COMMIT] = { "commit", FIELD_COMMIT },
	[COLUMN_AT] = { "at", FIELD_AT },
	[COLUMN_BY] = { "by", FIELD_BY },
	[COLUMN_RUN] = { "run", FIELD_RUN },
	[COLUMN_RECORD] = { "record", FIELD_NR },
	[COLUMN_HASH] = { "hash", FIELD_NR },
};

/* What each column of a record's row holds; `seq` is room for the number. */
static void fill_columns(const struct record *r, char seq[NUMBER_TEXT],
			 const char *values[COLUMN_NR])
{
	int i;

	for (i = 0; i < COLUMN_NR; i++)
		values[i] = columns[i].field == FIELD_NR ? NULL
							 : r->field[columns[i].field];
	snprintf(seq, NUMBER_TEXT, "%" PRIu64, r->seq);
	values[COLUMN_SEQ] = seq;
	values[COLUMN_EVENT] = event_name(r->event);
	values[COLUMN_RECORD] = r->line;
	values[COLUMN_HASH] = r->hash;
}

static void compare_columns(const struct tracker_reader *to, const struct record *r,
			    uint64_t seq, const char *const *values)
{
	const char *wanted[COLUMN_NR];
	char number[NUMBER_TEXT];
	struct buf what = BUF_INIT;
	int i;

	fill_columns(r, number, wanted);
	for (i = 0; i < COLUMN_NR; i++) {
		if (values[i] && wanted[i] ? strcmp(values[i], wanted[i]) == 0
					   : values[i] == wanted[i])
			continue;
		buf_reset(&what);
		buf_addf(&what, "column '%s' holds '%s', the record '%s'",
			 columns[i].name, values[i] ? values[i] : "nothing",
			 wanted[i] ? wanted[i] : "nothing");
		to->bad(to->arg, seq, buf_str(&what));
	}
	buf_release(&what);
}

static int on_record(void *arg, const char *const *values, size_t nr UNUSED,
		     struct err *err)
{
	const struct reading *reading = arg;
	const char *line = values[0] && values[1] ? values[0] : "";
	struct record *r = ledger_room(reading->ledger);
	const struct record *last = ledger_last(reading->ledger);

	if (record_parse_next(r, reading->pool, line, last, err) < 0 ||
	    ledger_check(last, r, err) < 0)
		return err_wrap(err, "record %s of the tracker",
				values[0] && values[1] ? values[1] : "");
	ledger_add(reading->ledger, r);
	return 0;
}

static void tell_bad(const struct tracker_reader *to, uint64_t seq, struct err *why)
{
	to->bad(to->arg, seq, why->message);
	memset(why, 0, sizeof(*why));
}

static int on_examined(void *arg, const char *const *values, size_t nr UNUSED,
		       struct err *err UNUSED)
{
	struct examining *e = arg;
	const struct tracker_reader *to = e->reader;
	const bool whole = values[COLUMN_SEQ] && values[COLUMN_RECORD];
	const uint64_t seq = whole ? strtoull(values[COLUMN_SEQ], NULL, 10) : 0;
	const struct record *last = record_stream_last(&e->stream), *r;
	struct err why = { 0 };

	r = record_stream_next(&e->stream, whole ? values[COLUMN_RECORD] : "", false,
			       &why);
	if (!r) {
		tell_bad(to, seq, &why);
		return 0;
	}
	if (ledger_check(last, r, &why) < 0)
		tell_bad(to, seq, &why);
	compare_columns(to, r, seq, values);
	to->record(to->arg, r);
	return 0;
}

/* Something has our names that is not of our making. */
static void hint_foreign(struct err *err)
{
	err_hint(err, "tracker-foreign",
		 "A table, view or schema of the tracker's name (git_migrate) is there "
		 "that this tool did not make; its owner renames it.");
}

static int on_version(void *arg, const char *const *values, size_t nr UNUSED,
		      struct err *err UNUSED)
{
	*(unsigned *)arg = values[0] ? (unsigned)strtoul(values[0], NULL, 10) : 0;
	return 0;
}

/* One transaction that only reads: what is read belongs together. */
static int read_whole(struct tracker *t, const struct db_question *log, struct err *err)
{
	struct db_question questions[] = {
		*log,
		{ .ask = { dialect(t)->version, NULL, 0 },
		  .row = on_version,
		  .arg = &t->version },
	};

	t->version = 0;
	if (t->driver->ask(t->db, questions, ARRAY_SIZE(questions), err) < 0) {
		if (t->driver->is_undefined_column(err))
			hint_foreign(err);
		return -1;
	}
	return !questions[0].lacks;
}

int tracker_read(struct tracker *t, struct pool *pool, struct ledger *ledger,
		 struct err *err)
{
	struct reading reading = { .pool = pool, .ledger = ledger };
	const struct db_question log = { .ask = { dialect(t)->read, NULL, 0 },
					 .row = on_record,
					 .arg = &reading };

	return read_whole(t, &log, err);
}

int tracker_examine(struct tracker *t, const struct tracker_reader *reader,
		    struct err *err)
{
	struct examining e = { .reader = reader };
	/* the copies for queries are read where they are compared alone */
	const struct db_question log = { .ask = { dialect(t)->examine, NULL, 0 },
					 .row = on_examined,
					 .arg = &e };
	int ret = read_whole(t, &log, err);

	record_stream_release(&e.stream);
	return ret;
}

struct guards {
	const char *const *wanted;
	uint64_t seen; /* a bit for each of them */
	void (*bad)(void *arg, const char *id, const char *what);
	void *arg;
};

/* What is wrong with a part, "trigger log_change" or "column log.seq". */
PRINTF_LIKE(4, 5)
static void tell_part(const struct guards *g, const char *kind, const char *name,
		      const char *fmt, ...)
{
	const char *id = strcmp(kind, "column") == 0  ? "columns"
			 : strcmp(kind, "table") == 0 ? "tables"
			 : strcmp(kind, "lock") == 0  ? "lock-row"
						      : "guards";
	struct buf what = BUF_INIT;
	va_list ap;

	buf_addf(&what, "%s '%s'", kind, name);
	va_start(ap, fmt);
	buf_vaddf(&what, fmt, ap);
	va_end(ap);
	g->bad(g->arg, id, buf_str(&what));
	buf_release(&what);
}

/* Kind, name, and where it is not as it was made what is wrong with it. */
static int on_guard(void *arg, const char *const *values, size_t nr UNUSED,
		    struct err *err UNUSED)
{
	struct guards *g = arg;
	const char *kind = values[0] ? values[0] : "", *name = values[1] ? values[1] : "";
	size_t len = strlen(kind), i;

	if (values[2]) {
		tell_part(g, kind, name, " %s", values[2]);
		return 0;
	}
	for (i = 0; g->wanted[i]; i++) {
		if (strncmp(g->wanted[i], kind, len) != 0 || g->wanted[i][len] != ' ' ||
		    strcmp(g->wanted[i] + len + 1, name) != 0)
			continue;
		g->seen |= UINT64_C(1) << i;
		return 0;
	}
	tell_part(g, kind, name, ", which git migrate did not make, is there");
	return 0;
}

static void tell_gone(const struct guards *g, const char *wanted)
{
	size_t len = strcspn(wanted, " ");
	char kind[16];

	snprintf(kind, sizeof(kind), "%.*s", (int)len, wanted);
	if (strcmp(kind, "column") == 0)
		tell_part(g, kind, wanted + len + 1, " is gone");
	else
		tell_part(g, kind, wanted + len + 1,
			  ", which keeps the log append-only, is gone, changed or "
			  "switched "
			  "off");
}

/* Whether the schema that was read has it already: apply brings what is missing. */
static bool is_due(const struct tracker *t, const char *wanted)
{
	static const char *const later[] = { "function enter", "function leave" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(later); i++)
		if (strcmp(wanted, later[i]) == 0)
			return t->version >= dialect(t)->session_step;
	return true;
}

static int count_row(void *arg, const char *const *values UNUSED, size_t nr UNUSED,
		     struct err *err UNUSED)
{
	++*(unsigned *)arg;
	return 0;
}

/* Who may read the log need not have the right to read this. 0 or -1. */
static int look_for_lock(struct tracker *t, const struct guards *g, struct err *err)
{
	const struct dialect *d = dialect(t);
	unsigned rows = 0;
	struct db_question question = { .ask = { d->lock_row, NULL, 0 },
					.row = count_row,
					.arg = &rows };
	struct err why = { 0 };

	if (!d->lock_row)
		return 0;
	if (t->driver->ask(t->db, &question, 1, &why) < 0) {
		if (strcmp(why.sqlstate, "42501") == 0)
			return 0;
		*err = why;
		return -1;
	}
	if (rows != 1)
		tell_part(g, "lock", "1",
			  ", the row that keeps two runs apart, is not there");
	return 0;
}

int tracker_guards(struct tracker *t,
		   void (*bad)(void *arg, const char *id, const char *what), void *arg,
		   struct err *err)
{
	const struct dialect *d = dialect(t);
	struct guards guards = { .wanted = d->guards, .bad = bad, .arg = arg };
	char *text = xstrndup((const char *)d->whole.sql, d->whole.len);
	const char *params[] = { text };
	struct db_question question = { .ask = { d->guarding, params, d->compares },
					.row = on_guard,
					.arg = &guards };
	size_t i;
	int ret = t->driver->ask(t->db, &question, 1, err);

	for (i = 0; ret == 0 && d->guards[i]; i++)
		if (!(guards.seen & UINT64_C(1) << i) && is_due(t, d->guards[i]))
			tell_gone(&guards, d->guards[i]);
	free(text);
	return ret < 0 ? -1 : look_for_lock(t, &guards, err);
}

/* --- who holds the lock ------------------------------------------------ */

struct holders {
	struct buf text;
	char first[NUMBER_TEXT]; /* the pid of the one that holds it longest */
	unsigned nr;
};

static int on_holder(void *arg, const char *const *values, size_t nr,
		     struct err *err UNUSED)
{
	struct holders *h = arg;
	const char *v[4] = { "", "", "", "" };
	size_t i;

	for (i = 0; i < nr && i < ARRAY_SIZE(v); i++)
		v[i] = values[i] ? values[i] : "unknown";
	if (++h->nr <= HOLDERS_SHOWN)
		buf_addf(&h->text, "%sProcess %s of the server (%s, user %s), since %s.",
			 h->nr > 1 ? " " : "", v[0], v[1], v[2], v[3]);
	if (h->nr == 1 && strspn(v[0], "0123456789") == strlen(v[0]))
		snprintf(h->first, sizeof(h->first), "%s", v[0]);
	return 0;
}

static void tell_holders(const struct holders *h, struct err *err)
{
	if (!h->nr)
		err_detail(err, "It has ended in the meantime.");
	else
		err_detail(err,
			   "%s\nIt may also be what a run that was killed has left: the "
			   "server ends such a session with the statement that it is at, "
			   "and at once by SELECT pg_terminate_backend(%s).",
			   buf_str(&h->text), h->first);
}

static int on_runner(void *arg, const char *const *values, size_t nr,
		     struct err *err UNUSED)
{
	size_t i;

	for (i = 0; i < 3; i++)
		if (i >= nr || !values[i])
			return 0;
	buf_addf(arg, "process %s of the server (%s), connected since %s", values[0],
		 values[1], values[2]);
	return 0;
}

void tracker_tell_runner(struct tracker *t, struct buf *out)
{
	struct db_question question = { .ask = { dialect(t)->runners, NULL, 0 },
					.row = on_runner,
					.arg = out };
	struct err ignored;

	if (question.ask.sql)
		t->driver->ask(t->db, &question, 1, &ignored);
}

int tracker_held(struct tracker *t, struct err *err)
{
	const struct dialect *d = dialect(t);
	struct holders holders = { .text = BUF_INIT };
	struct db_question question = { .ask = { d->holders, NULL, 0 },
					.row = on_holder,
					.arg = &holders };
	bool is_named = t->name && strcmp(t->name, "default") != 0;
	char sqlstate[sizeof(err->sqlstate)];
	struct err ignored;

	/* the lock of a file may be any program's: what the driver says stays */
	if (!t->driver->capabilities(t->db)->file) {
		memcpy(sqlstate, err->sqlstate, sizeof(sqlstate));
		err_set(err, ERR_REFUSED,
			"another git migrate is at work on this target");
		memcpy(err->sqlstate, sqlstate, sizeof(sqlstate));
	}
	if (d->holders && t->driver->ask(t->db, &question, 1, &ignored) == 0)
		tell_holders(&holders, err);
	err_hint(err, "lock-held",
		 "Try again when it is done, or let git migrate wait for it: git migrate "
		 "apply --wait%s%s",
		 is_named ? " " : "", is_named ? t->name : "");
	buf_release(&holders.text);
	return -1;
}

/* --- writing ----------------------------------------------------------- */

/* Whether units behind `head` begin and end by functions of the tracker. */
static bool has_session(const struct tracker *t, const struct record *head)
{
	const struct dialect *d = dialect(t);

	return head && d->session_step && (!t->version || t->version >= d->session_step);
}

void tracker_begin(struct tracker *t, const struct record *head, unsigned wait_ms,
		   struct tracker_head *room, struct db_unit *out)
{
	const struct dialect *d = dialect(t);

	out->tracked = true;
	out->lock = wait_ms ? d->wait : d->lock;
	out->lock_wait_ms = wait_ms;
	if (!head) {
		out->expect = (struct db_statement){ d->is_empty, NULL, 0 };
		return;
	}
	snprintf(room->seq, sizeof(room->seq), "%" PRIu64, head->seq);
	memcpy(room->hash, head->hash, sizeof(room->hash));
	room->params[0] = room->seq;
	room->params[1] = room->hash;
	out->expect = (struct db_statement){ d->is_head, room->params, 2 };
	if (!has_session(t, head))
		return;
	out->enter = d->enter;
	out->leave = d->leave;
}

void tracker_append(struct tracker *t, const struct record *r, struct tracker_row *row,
		    struct db_statement *out)
{
	_Static_assert(ARRAY_SIZE(row->values) == COLUMN_NR, "a value for each column");

	fill_columns(r, row->seq, row->values);
	*out = (struct db_statement){ dialect(t)->append, row->values, COLUMN_NR };
}

size_t tracker_prove(struct tracker *t, const struct record *head,
		     const struct record *records, struct db_statement *statements,
		     size_t nr, struct tracker_proof *room)
{
	const struct dialect *d = dialect(t);
	size_t i;

	if (!has_session(t, head))
		return nr;
	if (nr > PROVEN_MAX)
		BUG("a proof of %zu records", nr);
	snprintf(room->nr, sizeof(room->nr), "%zu", nr + 1);
	room->params[0] = room->nr;
	room->params[1] = head->hash;
	for (i = 0; i < PROVEN_MAX; i++)
		room->params[2 + i] = nr ? records[i < nr ? i : nr - 1].hash : head->hash;
	for (i = 0; i < nr; i++)
		statements[i].sql = d->insert;
	statements[nr] = (struct db_statement){ d->proof, room->params,
						ARRAY_SIZE(room->params) };
	return nr + 1;
}

/* One transaction of our own: the lock, perhaps a script, records. */
struct writing {
	struct db_unit unit;
	const struct db_statement *records;
	size_t nr;
};

static int give_unit(void *arg, size_t i UNUSED, struct db_unit *out,
		     struct err *err UNUSED)
{
	*out = ((struct writing *)arg)->unit;
	return 0;
}

static int give_records(void *arg, size_t i UNUSED, const struct db_report *report UNUSED,
			const struct db_statement **out, size_t *nr,
			struct err *err UNUSED)
{
	struct writing *w = arg;

	*out = w->records;
	*nr = w->nr;
	return 0;
}

static void nothing_more(void *arg UNUSED, size_t i UNUSED,
			 const struct db_report *report UNUSED)
{
}

/* 0; 1 when what the unit expects is not so; -1. */
static int write_unit(struct tracker *t, struct writing *w, struct err *err)
{
	const struct db_batch batch = {
		.nr = 1,
		.unit = give_unit,
		.records = give_records,
		.done = nothing_more,
		.arg = w,
	};
	struct db_failure failure;

	if (t->driver->run(t->db, &batch, &failure, err) == 0)
		return 0;
	if (failure.phase == DB_EXPECT) {
		memset(err, 0, sizeof(*err));
		return 1;
	}
	if (failure.phase == DB_LOCK && t->driver->is_conflict(err))
		return tracker_held(t, err);
	return -1;
}

int tracker_write(struct tracker *t, const struct record *head,
		  const struct record *records, size_t nr, unsigned wait_ms,
		  struct err *err)
{
	struct db_statement *statements = xcalloc(nr, sizeof(*statements));
	struct tracker_row *rows = xcalloc(nr, sizeof(*rows));
	struct writing w = { .records = statements, .nr = nr };
	struct tracker_head room;
	size_t i;
	int ret;

	tracker_begin(t, head, wait_ms, &room, &w.unit);
	for (i = 0; i < nr; i++)
		tracker_append(t, &records[i], &rows[i], &statements[i]);
	ret = write_unit(t, &w, err);
	free(statements);
	free(rows);
	return ret;
}

int tracker_wait(struct tracker *t, unsigned wait_ms, struct err *err)
{
	struct writing w = { .unit = { .lock = dialect(t)->wait,
				       .lock_wait_ms = wait_ms } };

	return write_unit(t, &w, err);
}

/* --- installing -------------------------------------------------------- */

/* The record of a step, and the question whether the one before it is the newest. */
static void fill_step(const struct dialect *d, unsigned version, struct tracker_step *s,
		      struct db_statement *note)
{
	const struct schema_step *step = &d->steps[version - 1];

	snprintf(s->before, sizeof(s->before), "%u", version - 1);
	snprintf(s->number, sizeof(s->number), "%u", version);
	sha256_hex(step->sql, step->len, s->sha256);
	clock_utc(s->at);
	s->params[0] = s->number;
	s->params[1] = step->name;
	s->params[2] = s->sha256;
	s->params[3] = s->at;
	s->params[4] = TOOL;
	*note = (struct db_statement){ d->note, s->params, 5 };
}

static void set_script(const struct schema_step *step, struct tracker_founding *f,
		       struct db_unit *out)
{
	memset(out, 0, sizeof(*out));
	f->script = (struct db_script){ .name = step->name,
					.sql = (const char *)step->sql,
					.len = step->len,
					.own = true };
	out->script = &f->script;
}

/* A step more, behind the lock. */
static void fill_further(struct tracker *t, unsigned version, struct tracker_founding *f,
			 struct db_unit *out)
{
	const struct dialect *d = dialect(t);
	struct tracker_step *s = &f->steps[0];

	set_script(&d->steps[version - 1], f, out);
	fill_step(d, version, s, &f->records[0]);
	f->nr_records = 1;
	s->asked[0] = s->before;
	out->lock = d->lock;
	out->expect = (struct db_statement){ d->is_step, s->asked, 1 };
}

/* All steps at once, and the log's first record with them. */
static void fill_whole(struct tracker *t, const struct record *created,
		       struct tracker_founding *f, struct db_unit *out)
{
	const struct dialect *d = dialect(t);
	unsigned i;

	set_script(&d->whole, f, out);
	for (i = 0; i < d->nr_steps; i++)
		fill_step(d, i + 1, &f->steps[i], &f->records[i]);
	tracker_append(t, created, &f->row, &f->records[i]);
	f->nr_records = i + 1;
	out->expect = (struct db_statement){ d->is_absent, NULL, 0 };
}

bool tracker_found(struct tracker *t, const struct record *created,
		   struct tracker_founding *room, struct db_unit *out)
{
	if (t->version)
		return false;
	fill_whole(t, created, room, out);
	return true;
}

/* Up to `version`: from nothing, or from the one before it. */
static int install_up_to(struct tracker *t, unsigned version,
			 const struct record *created, struct err *err)
{
	struct tracker_founding f;
	struct writing w = { .records = f.records };

	if (t->version)
		fill_further(t, version, &f, &w.unit);
	else
		fill_whole(t, created, &f, &w.unit);
	w.nr = f.nr_records;
	return write_unit(t, &w, err);
}

/* Refuses a tracker that a newer version of the tool made. */
static int check_version(const struct dialect *d, unsigned version, struct err *err)
{
	if (version <= d->nr_steps)
		return 0;
	err_set(err, ERR_REFUSED,
		"the tracker's schema is version %u, this git-migrate knows %u", version,
		d->nr_steps);
	err_hint(err, "tracker-version", "Use the newer git-migrate that made it.");
	return -1;
}

int tracker_not_installed(struct tracker *t, struct err *err)
{
	if (t->driver->is_conflict(err)) {
		hint_foreign(err);
		return 1;
	}
	if (strcmp(err->sqlstate, "42501") == 0 && !err->hint[0])
		err_hint(err, "privilege",
			 "Let the owner of the database prepare it: CREATE SCHEMA "
			 "git_migrate AUTHORIZATION <role>; or apply with a role that "
			 "has CREATE on the database.");
	if (err->code == ERR_REFUSED) {
		err->code = ERR_FATAL;
		err->excerpt[0] = '\0';
	}
	return err_wrap(err, "could not install the tracker");
}

int tracker_install(struct tracker *t, const struct record *created, struct err *err)
{
	const struct dialect *d = dialect(t);
	int ret = check_version(d, t->version, err);
	unsigned next;

	while (ret == 0 && t->version < d->nr_steps) {
		next = t->version ? t->version + 1 : d->nr_steps;
		ret = install_up_to(t, next, created, err);
		if (ret == 0)
			t->version = next;
	}
	/* a further step is left to one who may take it */
	if (ret < 0 && t->version && strcmp(err->sqlstate, "42501") == 0)
		return 1;
	return ret < 0 ? tracker_not_installed(t, err) : ret;
}
