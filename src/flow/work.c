/* One migration while it is run: its file, its records, what is told of it. */
#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/sha256.h"
#include "flow/job.h"
#include "git/repo.h"
#include "sql/caret.h"
#include "sql/split.h"

#define CODE_CHARACTERS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

enum { FIXED_PATHS_MAX = 1600, LARGE_HEAD = 64 * 1024 };

/* --- the file ---------------------------------------------------------- */

static int refuse_directive(const struct migration *m, const struct directive *d,
			    struct err *err)
{
	err_set(err, ERR_REFUSED,
		"migration '%s' asks for \"-- migrate: %s%s%s\", which this version of "
		"git-migrate does not carry out",
		m->path, d->word, d->value ? "=" : "", d->value ? d->value : "");
	err_hint(err, "version",
		 "\"foreign-keys=on\", \"no-transaction\" and \"batch table=.. key=.. "
		 "size=..\" are understood.");
	return -1;
}

/* table=, key= or size= of batches: whether it is one. */
static bool read_batched(const struct directive *d, struct sql_batched *out)
{
	if (!d->value)
		return false;
	if (strcasecmp(d->word, "table") == 0)
		out->table = d->value;
	else if (strcasecmp(d->word, "key") == 0)
		out->key = d->value;
	else if (strcasecmp(d->word, "size") == 0)
		out->size = d->value;
	else
		return false;
	return true;
}

/* How what is asked for goes together. `keys_off`: it asks for that by name. */
static int check_directives(const struct migration *m, struct db_script *script,
			    bool keys_off, struct err *err)
{
	const struct sql_batched *batch = &script->batch;
	const char *other = script->no_transaction ? "no-transaction"
			    : keys_off		   ? "foreign-keys=off"
						   : NULL;

	if (!script->batched && !batch->table && !batch->key && !batch->size)
		return 0;
	if (!script->batched) {
		err_set(err, ERR_REFUSED,
			"migration '%s' says table=, key= or size= without \"batch\"",
			m->path);
		err_hint(err, "batch", "-- migrate: batch table=users key=id size=1000");
		return -1;
	}
	if (!other) {
		/* else each batch would search the whole table for lost keys */
		script->foreign_keys = true;
		return 0;
	}
	err_set(err, ERR_REFUSED,
		"migration '%s' asks for batches and for \"%s\" at once", m->path, other);
	err_hint(err, "batch",
		 "Each batch is a transaction, with foreign keys enforced: take the "
		 "other one out.");
	return -1;
}

int read_directives(struct job *j, size_t pos, struct db_script *script, struct err *err)
{
	const struct migration *m = &j->s->plan.items[pos];
	const struct directive *d;
	bool keys_off = false;
	size_t i;

	memset(script, 0, sizeof(*script));
	if (plan_describe(&j->s->plan, pos, err) < 0)
		return -1;
	for (i = 0; i < m->how.nr; i++) {
		d = &m->how.items[i];
		if (strcasecmp(d->word, "foreign-keys") == 0 && d->value &&
		    (!strcasecmp(d->value, "on") || !strcasecmp(d->value, "off"))) {
			keys_off = strcasecmp(d->value, "off") == 0;
			script->foreign_keys = !keys_off;
		} else if (strcasecmp(d->word, "no-transaction") == 0 && !d->value) {
			script->no_transaction = true;
		} else if (strcasecmp(d->word, "batch") == 0 && !d->value) {
			script->batched = true;
		} else if (!read_batched(d, &script->batch)) {
			return refuse_directive(m, d, err);
		}
	}
	script->name = m->path;
	return check_directives(m, script, keys_off, err);
}

/* A large file is run statement by statement as it is read. */
static bool is_streamed(const struct work *w)
{
	return w->size > BLOB_LARGE && !w->script.no_transaction && !w->script.batched;
}

static int open_blob(struct job *j, const struct migration *m, struct work *w,
		     struct err *err)
{
	struct buf path = BUF_INIT;
	int ret;

	buf_addf(&path, "%s/%s", j->s->plan.folder, m->path);
	ret = repo_blob_open(j->repo, &m->blob, path.s, &w->blob, err);
	buf_release(&path);
	if (ret == 0) {
		w->source = blob_source(w->blob);
		w->script.source = &w->source;
	}
	return ret;
}

int work_read(struct job *j, size_t pos, struct work *w, struct err *err)
{
	const struct migration *m = &j->s->plan.items[pos];

	w->pos = pos;
	if (read_directives(j, pos, &w->script, err) < 0)
		return -1;
	if (repo_blob_size(j->repo, &m->blob, &w->size, err) != 0 ||
	    (is_streamed(w) ? open_blob(j, m, w, err)
			    : repo_read_blob(j->repo, &m->blob, &w->sql, err)) != 0)
		return err_wrap(err, "migration '%s'", m->path);
	if (!w->blob) {
		w->script.sql = buf_str(&w->sql);
		w->script.len = w->sql.len;
		sha256_hex(w->script.sql, w->script.len, w->sha256);
	}
	return 0;
}

/* Into `digest`, of a file that does not run. */
static int digest_other(struct job *j, size_t pos, char digest[SHA256_HEXSZ + 1],
			struct err *err)
{
	struct work other = { 0 };
	const char *found;
	int ret = work_read(j, pos, &other, err);

	if (ret == 0) {
		found = work_digest(&other);
		if (found)
			memcpy(digest, found, SHA256_HEXSZ + 1);
		else
			ret = err_set(err, ERR_FATAL, "'%s' could not be read to its end",
				      j->s->plan.items[pos].path);
	}
	work_release(&other);
	return ret;
}

int work_begin(struct job *j, const struct job_step *step, struct work *w,
	       struct err *err)
{
	w->step = step->step;
	w->with_next = step->with_next;
	if (work_read(j, step->step.pos, w, err) < 0)
		return -1;
	return step->step.replaces < 0
		       ? 0
		       : digest_other(j, (size_t)step->step.replaces, w->replaced, err);
}

static int refuse_overlooked(const char *sql, size_t len, size_t at, struct err *err)
{
	err_set(err, ERR_REFUSED, "this \"-- migrate:\" line is not read");
	err_hint(err, "directive",
		 "A line like \"-- migrate: no-transaction\", with one blank and a "
		 "colon, "
		 "stands in the comment that the file begins with. Put it there, or take "
		 "it out.");
	sql_place(sql, len, at, &err->line, &err->column);
	sql_excerpt(sql, len, at, err);
	return -1;
}

static int refuse_large(const struct buf *head, size_t at, struct err *err)
{
	refuse_overlooked(buf_str(head), head->len, at, err);
	err_detail(err, "A file of more than 16 MiB is run as it is read, in a "
			"transaction: it cannot ask for anything else.");
	err_hint(err, "directive",
		 "Take the line out; or put the statement that needs it into a file of "
		 "its own, without so much data.");
	return -1;
}

/* The beginning of a large file, whose header nobody reads. 0 or -1. */
static int check_large(struct work *w, struct err *err)
{
	struct buf head = BUF_INIT;
	char piece[16 * 1024];
	size_t at = 0;
	bool below;
	ssize_t n;
	int ret = w->source.rewind(w->source.arg, err);

	while (ret == 0 && head.len < LARGE_HEAD) {
		n = w->source.read(w->source.arg, piece, sizeof(piece), err);
		if (n <= 0) {
			ret = n < 0 ? -1 : 0;
			break;
		}
		buf_add(&head, piece, (size_t)n);
	}
	if (ret == 0 &&
	    directive_overlooked(buf_str(&head), head.len, false, &at, &below) &&
	    sql_is_comment(buf_str(&head), head.len, at))
		ret = refuse_large(&head, at, err);
	buf_release(&head);
	return ret;
}

int work_check_header(struct work *w, struct err *err)
{
	const char *sql = w->script.sql;
	size_t at = 0;
	bool below;

	if (w->blob)
		return check_large(w, err);
	for (; directive_overlooked(sql, w->script.len, true, &at, &below); at++) {
		if (below && !sql_is_comment(sql, w->script.len, at))
			continue;
		refuse_overlooked(sql, w->script.len, at, err);
		err_detail(err, below ? "It stands below the first statement."
				      : "It is not written as such lines are.");
		return -1;
	}
	return 0;
}

void work_release(struct work *w)
{
	buf_release(&w->sql);
	blob_source_free(w->blob);
	w->blob = NULL;
}

const char *work_digest(struct work *w)
{
	char piece[64 * 1024];
	struct err ignored;
	ssize_t n;

	if (!w->blob)
		return w->sha256;
	if (!blob_source_sha256(w->blob) &&
	    w->source.rewind(w->source.arg, &ignored) == 0)
		do {
			n = w->source.read(w->source.arg, piece, sizeof(piece), &ignored);
		} while (n > 0);
	return blob_source_sha256(w->blob);
}

/* --- its records ------------------------------------------------------- */

/* Paths of what it fixes, joined by commas, which no path holds. */
static const char *fixed_paths(struct job *j, size_t pos)
{
	const struct trailers *t = &j->s->plan.items[pos].trailers;
	struct buf paths = BUF_INIT;
	struct resolution r;
	const char *ret = NULL;
	size_t i;

	for (i = 0; i < t->nr; i++) {
		if (t->items[i].key != TRAILER_FIXES)
			continue;
		plan_resolve(&j->s->plan, pos, t->items[i].value, &r);
		if (r.how == RESOLVE_FOUND && paths.len < FIXED_PATHS_MAX)
			buf_addf(&paths, "%s%s", paths.len ? "," : "",
				 j->s->plan.items[r.pos].path);
	}
	if (paths.len)
		ret = pool_strdup(&j->s->target.pool, paths.s);
	buf_release(&paths);
	return ret;
}

/* A record about the entry at `pos`. */
static struct record *begin_record(struct job *j, struct work *w, enum event event,
				   size_t pos, const struct record *last)
{
	struct record *r = &w->records[w->nr_records++];
	struct pool *pool = &j->s->target.pool;

	if (r > w->records)
		last = r - 1;
	scribe_begin(&j->scribe, pool, last, event, r);
	scribe_migration(pool, r, &j->s->plan, pos,
			 pos == w->pos ? work_digest(w) : w->replaced);
	if (j->backup.len && w->pos == j->steps[j->backup_of].step.pos && r == w->records)
		r->field[FIELD_BACKUP] = pool_strdup(pool, j->backup.s);
	return r;
}

struct record *work_begin_record(struct job *j, struct work *w, enum event event,
				 const struct record *last)
{
	return begin_record(j, w, event, w->pos, last);
}

void work_seal_records(struct job *j, struct work *w)
{
	size_t i = w->nr_records - 1;

	record_seal(&w->records[i], &j->s->target.pool);
	tracker_append(&j->s->target.tracker, &w->records[i], &w->rows[i],
		       &w->statements[i]);
}

static const char *reason_of(struct job *j, const struct work *w)
{
	return schedule_reason(&j->s->plan, &j->s->judgement.schedule, &w->step,
			       &j->s->target.pool);
}

/* Nothing is run: the record says why. */
static void settle_alone(struct job *j, struct work *w, const struct record *last)
{
	struct record *r = work_begin_record(j, w, w->step.event, last);

	r->field[FIELD_REASON] = reason_of(j, w);
	work_seal_records(j, w);
}

void work_record(struct job *j, struct work *w, const struct record *last,
		 const struct db_report *report, const char *reason)
{
	struct pool *pool = &j->s->target.pool;
	const char *exception = survey_exception(j->s, w->pos);
	struct record *r;

	w->nr_records = 0;
	if (w->step.event != EVENT_APPLIED) {
		settle_alone(j, w, last);
		return;
	}
	if (exception) {
		r = work_begin_record(j, w, EVENT_EXCEPTED, last);
		r->field[FIELD_REASON] = exception;
		work_seal_records(j, w);
	}
	if (w->step.replaces >= 0) {
		r = begin_record(j, w, EVENT_SUPERSEDED, (size_t)w->step.replaces, last);
		r->field[FIELD_REASON] = reason_of(j, w);
		work_seal_records(j, w);
	}
	r = work_begin_record(j, w, EVENT_APPLIED, last);
	r->field[FIELD_FIXES] = fixed_paths(j, w->pos);
	r->field[FIELD_STATEMENTS] = pool_printf(pool, "%u", report->statements);
	if (report->ms >= 0)
		r->field[FIELD_MS] = pool_printf(pool, "%" PRId64, report->ms);
	if (w->script.batched)
		r->field[FIELD_ROWS] = pool_printf(pool, "%" PRIu64, report->rows);
	r->field[FIELD_REASON] = reason;
	work_seal_records(j, w);
}

int write_failure(struct job *j, struct work *w, const struct err *why, unsigned wait_ms,
		  struct err *err)
{
	struct target *t = &j->s->target;
	const char *digest = work_digest(w);
	const struct record *last = ledger_last(&t->ledger);
	struct record r;
	int ret;

	if (!digest)
		return err_set(err, ERR_FATAL, "the file could not be read to its end");
	scribe_begin(&j->scribe, &t->pool, last, EVENT_FAILED, &r);
	scribe_migration(&t->pool, &r, &j->s->plan, w->pos, digest);
	/* a server's word: nothing but letters and digits goes into the log */
	if (why->sqlstate[strspn(why->sqlstate, CODE_CHARACTERS)] == '\0' &&
	    why->sqlstate[0])
		r.field[FIELD_SQLSTATE] = pool_strdup(&t->pool, why->sqlstate);
	if (why->line)
		r.field[FIELD_LINE] = pool_printf(&t->pool, "%u", why->line);
	if (why->code == ERR_INTERRUPTED)
		r.field[FIELD_REASON] = "interrupted";
	else if (why->code == ERR_UNCERTAIN || why->code == ERR_FATAL)
		r.field[FIELD_REASON] = "the connection was lost";
	record_seal(&r, &t->pool);
	ret = tracker_write(&t->tracker, last, &r, 1, wait_ms, err);
	if (ret == 0)
		ledger_add(&t->ledger, &r);
	return ret;
}

void record_failure(struct job *j, struct work *w, const struct err *why)
{
	struct target *t = &j->s->target;
	struct err quiet = { 0 };

	if (why->code == ERR_INTERRUPTED)
		target_grace(t);
	/* the migration may have ended its session, or the server */
	if (target_read(t, &quiet) < 0 &&
	    (t->driver->reconnect(t->db, &quiet) < 0 || target_read(t, &quiet) < 0))
		return;
	if (t->has_tracker)
		write_failure(j, w, why, 0, &quiet);
}

/* --- what is told of it ------------------------------------------------ */

void tell_next(struct job *j)
{
	if (j->next < j->nr)
		job_tell(j, (struct apply_event){
				    .step = APPLY_STARTING,
				    .migration = &j->s->plan.items[job_pos(j)] });
}

/* That a record alone says what became of an entry. */
static void tell_settled(struct job *j, const struct work *w, size_t pos,
			 const struct record *record)
{
	if (pos == w->pos)
		j->result->settled++;
	job_tell(j, (struct apply_event){ .step = APPLY_SETTLED,
					  .migration = &j->s->plan.items[pos],
					  .record = record,
					  .nr = pos == w->pos ? w->step.event
							      : EVENT_SUPERSEDED,
					  .text = reason_of(j, w) });
}

static void tell_done(struct job *j, struct work *w, const struct db_report *report,
		      const struct record *record)
{
	struct apply_event event = { .step = APPLY_DONE,
				     .migration = &j->s->plan.items[w->pos],
				     .nr = j->next + 1,
				     .of = j->nr,
				     .statements = report->statements,
				     .batched = w->script.batched,
				     .rows = report->rows,
				     .ms = report->ms,
				     .record = record };

	j->next++;
	j->tries = 0;
	j->patience = 0;
	j->name_blockers = false;
	j->result->begun = true;
	if (w->step.event == EVENT_APPLIED) {
		if (w->step.replaces >= 0)
			tell_settled(j, w, (size_t)w->step.replaces,
				     record && record > j->s->target.ledger.records
					     ? record - 1
					     : NULL);
		j->result->done++;
		if (!j->o->dry_run)
			ran_note(j, event.migration->path, report->ms);
		job_tell(j, event);
	} else {
		tell_settled(j, w, w->pos, record);
	}
	tell_next(j);
	work_release(w);
}

void work_done(struct job *j, struct work *w, const struct db_report *report)
{
	const struct record *last = NULL;
	size_t i;

	if (!j->o->dry_run) {
		for (i = 0; i < w->nr_records; i++)
			ledger_add(&j->s->target.ledger, &w->records[i]);
		last = ledger_last(&j->s->target.ledger);
	}
	tell_done(j, w, report, last);
}

void work_was_done(struct job *j, struct work *w, const struct record *record)
{
	const char *statements = record->field[FIELD_STATEMENTS];
	const struct db_report report = {
		.statements = statements ? (unsigned)strtoul(statements, NULL, 10) : 0,
		.ms = -1,
	};

	tell_done(j, w, &report, record);
}

/* A session that ended has left nothing behind; of a file nobody knows then. */
static bool is_recorded(const struct job *j, const struct err *why)
{
	const struct target *t = &j->s->target;

	return why->code == ERR_REFUSED || why->code == ERR_INTERRUPTED ||
	       (why->code == ERR_FATAL && !t->driver->capabilities(t->db)->file);
}

void work_failed(struct job *j, struct work *w, const struct err *why)
{
	struct apply_event event = { .step = APPLY_FAILED,
				     .migration = &j->s->plan.items[w->pos] };

	j->result->failed = xstrdup(event.migration->path);
	j->result->begun = true;
	j->result->alone = w->script.no_transaction;
	j->result->batched = w->script.batched;
	if (!j->o->dry_run && is_recorded(j, why))
		record_failure(j, w, why);
	if (why->code == ERR_UNCERTAIN)
		event.step = APPLY_UNCERTAIN;
	job_tell(j, event);
}
