#include "base/compat.h"

#include "base/io.h"
#include "base/pool.h"
#include "core/parting.h"
#include "core/record.h"

enum { GAPS_MAX = 64 }; /* that are bridged: each costs a look at all records */

/* By what they continue, those that say why there are two behind the others. */
static int cmp_prev(const void *left, const void *right)
{
	const struct record *a = left, *b = right;
	int order = strcmp(a->field[FIELD_PREV], b->field[FIELD_PREV]);

	return order ? order
		     : (int)event_begins_anew(a->event) -
			       (int)event_begins_anew(b->event);
}

static bool begins_log(const struct record *r)
{
	return strcmp(r->field[FIELD_PREV], RECORD_NO_PREV) == 0;
}

static const char *find_fork(struct record *records, size_t nr, struct pool *pool)
{
	const struct record *a, *b;
	size_t i;

	if (nr > 1)
		qsort(records, nr, sizeof(*records), cmp_prev);
	for (i = 1; i < nr; i++) {
		a = &records[i - 1];
		b = &records[i];
		/* what began anew is the first of another log */
		if (begins_log(a) || event_begins_anew(b->event) ||
		    strcmp(a->field[FIELD_PREV], b->field[FIELD_PREV]) != 0 ||
		    strcmp(a->hash, b->hash) == 0)
			continue;
		return pool_printf(pool,
				   "records %010" PRIu64
				   " of %s (%s, run %.8s) and of %s (%s, "
				   "run %.8s) continue the same one",
				   a->seq, a->field[FIELD_AT], event_name(a->event),
				   a->field[FIELD_RUN], b->field[FIELD_AT],
				   event_name(b->event), b->field[FIELD_RUN]);
	}
	return NULL;
}

static void mark(bool *continued, const struct record *records, const struct record *r)
{
	if (r)
		continued[r - records] = true;
}

/* What may stand before a gap: the last one of the same target below its end. */
static const struct record *find_before(const struct record *records, size_t nr,
					const bool *continued, const struct record *r)
{
	const struct record *best = NULL;
	size_t i;

	for (i = 0; i < nr; i++)
		if (!continued[i] && records[i].seq < r->seq &&
		    strcmp(records[i].field[FIELD_TARGET], r->field[FIELD_TARGET]) == 0 &&
		    (!best || records[i].seq > best->seq))
			best = &records[i];
	return best;
}

/* Which of them others continue, or name as what they took the place of. */
static void mark_continued(const struct record *records, size_t nr, bool *continued)
{
	const struct record *r;
	size_t i, gaps = 0;

	for (i = 0; i < nr; i++) {
		mark(continued, records,
		     records_find(records, nr, records[i].field[FIELD_PREV]));
		mark(continued, records,
		     records_find(records, nr, record_old_hash(&records[i])));
	}
	for (i = 0; i < nr && gaps < GAPS_MAX; i++) {
		r = &records[i];
		if (begins_log(r) || records_find(records, nr, r->field[FIELD_PREV]))
			continue;
		gaps++;
		mark(continued, records, find_before(records, nr, continued, r));
	}
}

static const char *describe_ends(const struct record *a, const struct record *b,
				 struct pool *pool)
{
	return pool_printf(pool,
			   "the log of target %s ends in record %" PRIu64
			   " of %s, that of %s in record %" PRIu64
			   " of %s, and neither says that it took the other's place",
			   a->field[FIELD_TARGET], a->seq, a->field[FIELD_AT],
			   b->field[FIELD_TARGET], b->seq, b->field[FIELD_AT]);
}

/* Each record once. */
static size_t drop_copies(struct record *records, size_t nr)
{
	size_t i, kept = 0;

	for (i = 0; i < nr; i++)
		if (!kept || strcmp(records[kept - 1].hash, records[i].hash) != 0)
			records[kept++] = records[i];
	return kept;
}

const char *parting_find(struct record *records, size_t nr, struct pool *pool,
			 const struct record **end)
{
	const char *what = find_fork(records, nr, pool);
	const struct record *other = NULL, *r;
	bool *continued;
	size_t i;

	*end = NULL;
	if (what)
		return what;
	records_sort(records, nr);
	nr = drop_copies(records, nr);
	continued = xcalloc(nr + 1, sizeof(*continued));
	mark_continued(records, nr, continued);
	for (i = 0; i < nr; i++) {
		r = &records[i];
		if (continued[i])
			continue;
		if (!*end)
			*end = r;
		else if (!other ||
			 strcmp(r->field[FIELD_TARGET], (*end)->field[FIELD_TARGET]) != 0)
			other = r;
	}
	free(continued);
	return other ? describe_ends(*end, other, pool) : NULL;
}
