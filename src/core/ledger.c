#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "core/ledger.h"

static void forget_state(struct ledger *l)
{
	free(l->entries);
	l->entries = NULL;
	l->nr_entries = 0;
	l->target = l->server = NULL;
	l->open = NULL;
}

void ledger_release(struct ledger *l)
{
	forget_state(l);
	free(l->records);
	memset(l, 0, sizeof(*l));
}

static const struct record *moved(const struct record *r, const struct record *from,
				  const struct record *to)
{
	return r ? to + (r - from) : NULL;
}

/* Memory that is not touched costs nothing, a log that moves while it is read does. */
enum { FIRST = 1024 };

/* Room for one more record; the state from the last fold stays good. */
static void grow(struct ledger *l)
{
	size_t alloc = l->alloc ? 2 * l->alloc : FIRST, i;
	struct record *to;

	if (l->nr < l->alloc)
		return;
	l->alloc = alloc;
	if (!l->nr_entries) { /* nobody points at one: while a log is read */
		l->records = xreallocarray(l->records, alloc, sizeof(*to));
		return;
	}
	to = xreallocarray(NULL, alloc, sizeof(*to));
	if (l->nr)
		memcpy(to, l->records, l->nr * sizeof(*to));
	for (i = 0; i < l->nr_entries; i++) {
		struct ledger_entry *e = &l->entries[i];

		e->settled = moved(e->settled, l->records, to);
		e->failed = moved(e->failed, l->records, to);
		e->started = moved(e->started, l->records, to);
	}
	l->open = moved(l->open, l->records, to);
	free(l->records);
	l->records = to;
}

void ledger_add(struct ledger *l, const struct record *r)
{
	struct record copy;

	if (l->nr < l->alloc && r == &l->records[l->nr]) { /* see ledger_room */
		l->nr++;
		return;
	}
	copy = *r; /* may be one of our own, which are about to move */
	grow(l);
	l->records[l->nr++] = copy;
}

struct record *ledger_room(struct ledger *l)
{
	grow(l);
	return &l->records[l->nr];
}

static int check_first(const struct record *r, struct err *err)
{
	if (r->seq != 1)
		return err_set(err, ERR_REFUSED,
			       "record %" PRIu64 " begins the log, record 1 is missing",
			       r->seq);
	if (r->event != EVENT_CREATED)
		return err_set(err, ERR_REFUSED, "record 1 is '%s', not 'created'",
			       event_name(r->event));
	if (strcmp(r->field[FIELD_PREV], RECORD_NO_PREV) != 0)
		return err_set(err, ERR_REFUSED, "record 1 names a record before it: %s",
			       r->field[FIELD_PREV]);
	return 0;
}

static int check_seq(const struct record *last, const struct record *r, struct err *err)
{
	if (r->seq == last->seq)
		return err_set(err, ERR_REFUSED, "two records have the number %" PRIu64,
			       r->seq);
	if (r->seq < last->seq)
		return err_set(err, ERR_REFUSED,
			       "record %" PRIu64 " stands behind record %" PRIu64, r->seq,
			       last->seq);
	if (r->event == EVENT_RESTORED && r->field[FIELD_OLD] &&
	    r->seq != strtoull(r->field[FIELD_OLD], NULL, 10) + 1)
		return err_set(err, ERR_REFUSED,
			       "record %" PRIu64 " says that the last one that was lost "
			       "is %llu, and does not stand behind that",
			       r->seq, strtoull(r->field[FIELD_OLD], NULL, 10));
	/* what lies between survives in the mirror alone */
	if (r->seq != last->seq + 1 && r->event != EVENT_RESTORED)
		return err_set(err, ERR_REFUSED,
			       "record %" PRIu64 " is missing: record %" PRIu64
			       " follows record %" PRIu64,
			       last->seq + 1, r->seq, last->seq);
	return 0;
}

int ledger_check(const struct record *last, const struct record *r, struct err *err)
{
	const char *prev = r->field[FIELD_PREV], *target = r->field[FIELD_TARGET];
	bool same_target;

	if (!last)
		return check_first(r, err);
	if (check_seq(last, r, err) < 0)
		return -1;
	if (strcmp(prev, last->hash) != 0) {
		err_set(err, ERR_REFUSED,
			"record %" PRIu64 " does not continue record %" PRIu64, r->seq,
			last->seq);
		err_detail(err,
			   "It names %s as the record before it; record %" PRIu64
			   " is %s.",
			   prev, last->seq, last->hash);
		return -1;
	}
	if (r->event == EVENT_CREATED)
		return err_set(err, ERR_REFUSED,
			       "record %" PRIu64
			       " is 'created', which only the first can be",
			       r->seq);
	same_target = strcmp(target, last->field[FIELD_TARGET]) == 0;
	if (r->event == EVENT_CLONED && same_target)
		return err_set(err, ERR_REFUSED,
			       "record %" PRIu64 " is 'cloned' and brings no new target",
			       r->seq);
	if (r->event != EVENT_CLONED && !same_target)
		return err_set(err, ERR_REFUSED,
			       "record %" PRIu64
			       " is of target %s, the log is of target %s",
			       r->seq, target, last->field[FIELD_TARGET]);
	return 0;
}

/* Bytewise by path, then in chain order (both stand in one array). */
static int compare(const void *left, const void *right)
{
	const struct record *a = *(const struct record *const *)left;
	const struct record *b = *(const struct record *const *)right;
	int order = strcmp(a->field[FIELD_PATH], b->field[FIELD_PATH]);

	return order ? order : (a > b) - (a < b);
}

static void fold_into(struct ledger_entry *e, const struct record *r)
{
	if (event_settles(r->event)) {
		e->settled = r;
		e->failed = NULL;
		e->started = NULL;
	} else if (r->event == EVENT_FAILED) {
		/* written when nothing is left of it */
		e->failed = r;
		e->started = NULL;
	} else if (r->event == EVENT_STARTED) {
		e->started = r;
	} else if (r->event == EVENT_ABANDONED) {
		e->started = NULL;
	}
}

static void fold_entries(struct ledger *l, const struct record **by_path, size_t nr)
{
	struct ledger_entry *e = NULL;
	size_t i;

	l->entries = xcalloc(nr, sizeof(*l->entries));
	for (i = 0; i < nr; i++) {
		if (!e || strcmp(e->path, by_path[i]->field[FIELD_PATH]) != 0) {
			e = &l->entries[l->nr_entries++];
			e->path = by_path[i]->field[FIELD_PATH];
		}
		fold_into(e, by_path[i]);
	}
	for (i = 0; i < l->nr_entries; i++) {
		e = &l->entries[i];
		if (e->started && (!l->open || e->started < l->open))
			l->open = e->started;
	}
}

void ledger_fold(struct ledger *l)
{
	const struct record **by_path = xcalloc(l->nr, sizeof(*by_path));
	const struct record *r;
	size_t i, nr = 0;

	forget_state(l);
	for (i = 0; i < l->nr; i++) {
		r = &l->records[i];
		l->target = r->field[FIELD_TARGET];
		/* a clone runs elsewhere, and what the original ran on says nothing */
		if (r->event == EVENT_CREATED || r->event == EVENT_CLONED ||
		    r->field[FIELD_SERVER])
			l->server = r->field[FIELD_SERVER];
		if (event_has_migration(r->event))
			by_path[nr++] = r;
	}
	for (i = 1; i < nr && compare(&by_path[i - 1], &by_path[i]) < 0; i++)
		;
	if (i < nr) /* names that are numbers are sorted already */
		qsort(by_path, nr, sizeof(*by_path), compare);
	fold_entries(l, by_path, nr);
	free(by_path);
}

static int compare_path(const void *path, const void *entry)
{
	return strcmp(path, ((const struct ledger_entry *)entry)->path);
}

const struct ledger_entry *ledger_find(const struct ledger *l, const char *path)
{
	if (l->nr_entries == 0)
		return NULL;
	return bsearch(path, l->entries, l->nr_entries, sizeof(*l->entries),
		       compare_path);
}

const struct record *ledger_last(const struct ledger *l)
{
	return l->nr ? &l->records[l->nr - 1] : NULL;
}
