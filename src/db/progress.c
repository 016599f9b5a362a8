#include "base/compat.h"

#include "base/err.h"
#include "db/dialect.h"
#include "db/driver.h"
#include "db/progress.h"
#include "db/tracker.h"
#include "sql/backfill.h"

enum { QUESTIONS_MAX = 5 };

static const struct dialect *dialect(const struct tracker *t)
{
	return dialect_of(t->driver->capabilities(t->db)->schema);
}

/* --- the row ----------------------------------------------------------- */

void progress_release(struct progress *p)
{
	buf_release(&p->upto);
	memset(p, 0, sizeof(*p));
}

static int on_progress(void *arg, const char *const *values, size_t nr,
		       struct err *err UNUSED)
{
	struct progress *p = arg;

	buf_adds(&p->upto, values[0] ? values[0] : "");
	p->batches = values[1] ? strtoull(values[1], NULL, 10) : 0;
	p->rows = values[2] ? strtoull(values[2], NULL, 10) : 0;
	snprintf(p->at, sizeof(p->at), "%s", values[3] ? values[3] : "");
	snprintf(p->blob, sizeof(p->blob), "%s", nr > 4 && values[4] ? values[4] : "");
	return 0;
}

/* The last key goes into SQL: it is what we wrote there, or nothing is done with it. */
static int refuse_literals(const char *path, struct err *err)
{
	err_set(err, ERR_REFUSED, "the progress of migration '%s' was changed", path);
	err_detail(err, "Its last key is none that git migrate writes.");
	err_hint(err, "batch",
		 "See in the table who has which rows, then close it: git migrate "
		 "diagnose --abandon. The rest is for a migration of another name.");
	return -1;
}

/* 0; 1: the tracker has no such table yet; -1 */
static int ask_row(struct tracker *t, const char *sql, const char *path, const char *blob,
		   struct progress *p, struct err *err)
{
	const char *params[] = { path, blob };
	struct db_question question = {
		.ask = { sql, params, ARRAY_SIZE(params) },
		.row = on_progress,
		.arg = p,
	};

	progress_release(p);
	if (t->driver->ask(t->db, &question, 1, err) < 0)
		return -1;
	return question.lacks;
}

int progress_read(struct tracker *t, const char *path, const char *blob, size_t nr_keys,
		  struct progress *p, struct err *err)
{
	int ret = ask_row(t, dialect(t)->progress_read, path, blob, p, err);

	if (ret >= 0 && nr_keys && p->batches &&
	    !sql_is_literals(buf_str(&p->upto), nr_keys))
		return refuse_literals(path, err);
	return ret;
}

int progress_find(struct tracker *t, const char *path, const char *blob,
		  struct progress *p, struct err *err)
{
	return ask_row(t, dialect(t)->progress_find, path, blob, p, err);
}

void progress_write(struct tracker *t, const char *path, const char *blob,
		    const struct progress *next, uint64_t before,
		    struct progress_row *row, struct db_statement *out)
{
	snprintf(row->batches, sizeof(row->batches), "%" PRIu64, next->batches);
	snprintf(row->rows, sizeof(row->rows), "%" PRIu64, next->rows);
	snprintf(row->before, sizeof(row->before), "%" PRIu64, before);
	clock_utc(row->at);
	row->params[0] = path;
	row->params[1] = blob;
	row->params[2] = buf_str(&next->upto);
	row->params[3] = row->batches;
	row->params[4] = row->rows;
	row->params[5] = row->at;
	row->params[6] = row->before;
	*out = (struct db_statement){ dialect(t)->progress_write, row->params,
				      ARRAY_SIZE(row->params) };
}

/* --- the table --------------------------------------------------------- */

/* Several questions, names looked up as a migration's statements do. */
struct asking {
	struct db_question questions[QUESTIONS_MAX];
	struct buf texts[QUESTIONS_MAX];
	size_t nr;
};

static void asking_begin(struct asking *a, const struct dialect *d)
{
	memset(a, 0, sizeof(*a));
	if (d->names)
		a->questions[a->nr++].ask.sql = d->names;
}

/* One more, whose text is to be written to what is returned, until it is asked. */
static struct buf *asking_add(struct asking *a, db_row_fn row, void *arg)
{
	struct db_question *q;

	if (a->nr == QUESTIONS_MAX)
		BUG("more than %d questions", QUESTIONS_MAX);
	q = &a->questions[a->nr];
	q->row = row;
	q->arg = arg;
	return &a->texts[a->nr++];
}

/* 0; 1: what it is about is not there; -1. */
static int asking_ask(struct asking *a, struct tracker *t, struct err *err)
{
	size_t i;
	int ret;

	for (i = 0; i < a->nr; i++)
		if (a->texts[i].len)
			a->questions[i].ask.sql = a->texts[i].s;
	ret = t->driver->ask(t->db, a->questions, a->nr, err);
	for (i = 0; i < a->nr; i++) {
		if (ret == 0 && a->questions[i].lacks)
			ret = 1;
		buf_release(&a->texts[i]);
	}
	return ret;
}

/* Columns of unique indexes, one a row: whether those of one of them are the key. */
struct keys {
	const struct sql_backfill *b;
	struct buf index, columns, all;
	size_t nr;
	bool same, found;
	bool unusable; /* a column of it is an expression, or of a type that is none */
};

static void end_index(struct keys *k)
{
	k->found |= k->index.len && k->same && k->nr == k->b->nr_keys;
	if (k->columns.len && !k->unusable)
		buf_addf(&k->all, "%s%s", k->all.len ? " or " : "", k->columns.s);
	buf_reset(&k->columns);
	buf_reset(&k->index);
	k->nr = 0;
	k->same = true;
	k->unusable = false;
}

static int on_key(void *arg, const char *const *values, size_t nr UNUSED,
		  struct err *err UNUSED)
{
	struct keys *k = arg;
	const char *index = values[0] ? values[0] : "?", *column = values[1];

	if (strcmp(buf_str(&k->index), index) != 0) {
		end_index(k);
		buf_adds(&k->index, index);
	}
	buf_addf(&k->columns, "%s%s",
		 k->columns.len ? "," : "key=", column ? column : "(...)");
	k->unusable |= !column;
	k->same = k->same && column && k->nr < k->b->nr_keys &&
		  strcasecmp(column, k->b->keys[k->nr].name) == 0;
	k->nr++;
	return 0;
}

static int refuse_keys(const struct keys *k, struct err *err)
{
	struct buf asked = BUF_INIT;

	sql_backfill_keys(k->b, "@", ", ", &asked);
	err_set(err, ERR_REFUSED, "table %s has no unique key %s to go through it by",
		k->b->table, buf_str(&asked));
	if (k->all.len)
		err_hint(err, "batch", "It has %s. Say that at the head of the file.",
			 k->all.s);
	else
		err_hint(err, "batch",
			 "It is not there, or has no primary key and no unique index of "
			 "plain columns of types whose order and texts are always the "
			 "same: make one in a migration before this one.");
	buf_release(&asked);
	return -1;
}

static int check_keys(struct tracker *t, const struct sql_backfill *b, struct err *err)
{
	const struct dialect *d = dialect(t);
	const char *params[] = { d->names ? b->table : b->base };
	struct keys k = { .b = b, .same = true };
	struct db_question questions[] = {
		{ .ask = { d->names, NULL, 0 } },
		{ .ask = { d->keys, params, 1 }, .row = on_key, .arg = &k },
	};
	size_t from = !d->names;
	int ret;

	ret = t->driver->ask(t->db, questions + from, ARRAY_SIZE(questions) - from, err);
	end_index(&k);
	if (ret == 0 && !k.found)
		ret = refuse_keys(&k, err);
	buf_release(&k.index);
	buf_release(&k.columns);
	buf_release(&k.all);
	return ret;
}

static int on_number(void *arg, const char *const *values, size_t nr UNUSED,
		     struct err *err UNUSED)
{
	int64_t n = values[0] ? strtoll(values[0], NULL, 10) : 0;

	*(uint64_t *)arg = n > 0 ? (uint64_t)n : 0;
	return 0;
}

/* Rows whose key is NULL come before no key and behind none. */
static int check_nulls(struct tracker *t, const struct sql_backfill *b, struct err *err)
{
	uint64_t nulls = 0;
	struct asking a;
	struct buf *text;
	int ret;

	asking_begin(&a, dialect(t));
	text = asking_add(&a, on_number, &nulls);
	buf_addf(text, "SELECT 1 FROM %s WHERE ", b->table);
	sql_backfill_keys(b, "@ IS NULL", " OR ", text);
	buf_adds(text, " LIMIT 1");
	ret = asking_ask(&a, t, err);
	if (ret < 0 || !nulls)
		return ret < 0 ? -1 : 0;
	err_set(err, ERR_REFUSED, "table %s has rows without a key", b->table);
	err_detail(err, "Where the key is NULL no batch would meet them.");
	err_hint(err, "batch",
		 "Give them one, or delete them, in a migration before this one.");
	return -1;
}

/* Nobody needs it but the line that shows how far it is. */
static void estimate_rows(struct tracker *t, const struct sql_backfill *b,
			  uint64_t *estimate)
{
	const struct dialect *d = dialect(t);
	const char *params[] = { b->table };
	struct err ignored;
	struct asking a;
	struct buf *text;

	*estimate = 0;
	if (!d->estimate && !d->estimate_of)
		return;
	asking_begin(&a, d);
	text = asking_add(&a, on_number, estimate);
	if (d->estimate) {
		buf_addf(text, "%s%s", d->estimate, b->table);
	} else {
		buf_adds(text, d->estimate_of);
		a.questions[a.nr - 1].ask.params = params;
		a.questions[a.nr - 1].ask.nr = 1;
	}
	asking_ask(&a, t, &ignored);
}

int progress_check(struct tracker *t, const struct sql_backfill *b, uint64_t *estimate,
		   struct err *err)
{
	if (check_keys(t, b, err) < 0 || check_nulls(t, b, err) < 0)
		return -1;
	estimate_rows(t, b, estimate);
	return 0;
}

/* --- the next batch ---------------------------------------------------- */

void progress_range_release(struct progress_range *r)
{
	buf_release(&r->upto);
	buf_release(&r->replica);
	memset(r, 0, sizeof(*r));
}

/* Where a batch can end. */
struct edge {
	const struct dialect *d;
	struct buf literals;
};

static int on_edge(void *arg, const char *const *values, size_t nr, struct err *err)
{
	struct edge *e = arg;
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!values[i]) {
			err_set(err, ERR_REFUSED, "a key that holds a NUL byte");
			err_hint(err, "batch",
				 "Go through the table by another key, or change that "
				 "one in a migration before this one.");
			return -1;
		}
		buf_adds(&e->literals, i ? ", " : "");
		if (e->d->values_are_literals)
			buf_adds(&e->literals, values[i]);
		else
			buf_add_quoted(&e->literals, values[i], strlen(values[i]), '\'');
	}
	return 0;
}

static int on_replica(void *arg, const char *const *values, size_t nr UNUSED,
		      struct err *err UNUSED)
{
	struct progress_range *r = arg;

	buf_adds(&r->replica, values[0] && values[0][0] ? values[0] : "?");
	r->behind = values[1] ? strtoull(values[1], NULL, 10) : 0;
	return 0;
}

/* The row that comes `skip` rows behind the next one, or the last of all. */
static void ask_edge(struct asking *a, const struct sql_backfill *b, const char *from,
		     const unsigned *skip, struct edge *e)
{
	struct buf *text = asking_add(a, on_edge, e);

	buf_adds(text, "SELECT ");
	sql_backfill_keys(b, e->d->key_value, ", ", text);
	buf_addf(text, " FROM %s AS gm WHERE ", b->table);
	sql_backfill_range(b, "gm.", from, NULL, text);
	buf_adds(text, " AND ");
	sql_backfill_keys(b, "gm.@ IS NOT NULL", " AND ", text);
	buf_adds(text, " ORDER BY "); /* a bare name would be that of the text */
	sql_backfill_keys(b, skip ? "gm.@" : "gm.@ DESC", ", ", text);
	buf_adds(text, " LIMIT 1");
	if (skip)
		buf_addf(text, " OFFSET %u", *skip);
}

static void choose_edge(const struct edge *full, const struct edge *end,
			struct progress_range *out)
{
	const char *last = buf_str(&end->literals);
	const char *upto = full->literals.len ? full->literals.s : last;

	out->last = strcmp(upto, last) == 0;
	buf_adds(&out->upto, upto);
}

/* The same key again, and the same after that: there would be no end. */
static int check_moves(const struct sql_backfill *b, const char *from,
		       const struct progress_range *r, struct err *err)
{
	if (!from || !r->upto.len || strcmp(from, r->upto.s) != 0)
		return 0;
	err_set(err, ERR_REFUSED, "behind the last key of table %s comes the same again",
		b->table);
	err_detail(err, "The database does not read %s as the key that it wrote so.",
		   from);
	err_hint(err, "batch",
		 "Go through the table by another key, or change that one in a "
		 "migration before this one.");
	return -1;
}

int progress_next(struct tracker *t, const struct sql_backfill *b, const char *from,
		  unsigned size, struct progress_range *out, struct err *err)
{
	const struct dialect *d = dialect(t);
	struct edge full = { .d = d }, end = { .d = d };
	const unsigned skip = size - 1;
	struct asking a;
	int ret;

	progress_range_release(out);
	asking_begin(&a, d);
	if (d->formats)
		buf_adds(asking_add(&a, NULL, NULL), d->formats);
	ask_edge(&a, b, from, &skip, &full);
	ask_edge(&a, b, from, NULL, &end);
	if (d->behind)
		buf_adds(asking_add(&a, on_replica, out), d->behind);
	ret = asking_ask(&a, t, err);
	if (ret > 0)
		ret = err_set(err, ERR_REFUSED, "table %s is not there", b->table);
	if (ret == 0) {
		choose_edge(&full, &end, out);
		ret = check_moves(b, from, out, err);
	}
	buf_release(&full.literals);
	buf_release(&end.literals);
	return ret;
}
