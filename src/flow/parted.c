#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/pool.h"
#include "core/parting.h"
#include "flow/mirror.h"
#include "flow/parted.h"

/* The records of lines and tracker; the array is the caller's to free. */
static struct record *gather_records(const struct mirror *m, const struct ledger *tracker,
				     struct pool *pool, size_t *nr)
{
	size_t more = tracker ? tracker->nr : 0, i;
	struct record *records = xcalloc(m->nr + more + 1, sizeof(*records));
	struct err ignored = { 0 };

	*nr = 0;
	for (i = 0; i < m->nr; i++)
		if (record_parse_kept(&records[*nr], pool, m->lines[i],
				      *nr ? &records[*nr - 1] : NULL, &ignored) == 0)
			(*nr)++;
	for (i = 0; i < more; i++)
		records[(*nr)++] = tracker->records[i];
	return records;
}

/* A fetched commit that was built upon ours has all of our lines, unless some were taken
 * out of it. */
static int count_taken_out(struct repo *repo, const char *target, const struct mirror *m,
			   size_t *nr, struct err *err)
{
	struct pool pool = { 0 };
	struct mirror ours, theirs;
	size_t i;
	int ret = -1;

	*nr = 0;
	if (!oid_is_zero(&m->parted) || !mirror_own_side(m))
		return 0;
	if (mirror_read_at(repo, target, &m->tip, &pool, &ours, err) < 0 ||
	    mirror_read_at(repo, target, &m->base, &pool, &theirs, err) < 0)
		goto out;
	for (i = 0; i < ours.nr; i++)
		*nr += !mirror_has(&theirs, ours.lines[i]);
	ret = 0;
out:
	pool_release(&pool);
	return ret;
}

int parted_look(struct repo *repo, const char *target, const struct ledger *tracker,
		struct pool *pool, struct parted *out, struct err *err)
{
	const struct record *end;
	struct record *records;
	struct mirror m;
	size_t nr;

	memset(out, 0, sizeof(*out));
	if (mirror_read(repo, target, MIRROR_FETCHED, pool, &m, err) < 0 ||
	    count_taken_out(repo, target, &m, &out->taken_out, err) < 0)
		return -1;
	records = gather_records(&m, tracker, pool, &nr);
	out->what = parting_find(records, nr, pool, &end);
	/* a tracker at hand tells for itself whose log it is */
	if (!out->what && m.other && !(tracker && tracker->nr))
		out->what = pool_printf(pool,
					"the newest commit of it that names a head names "
					"that of target '%s'",
					m.other);
	if (end) {
		out->end_seq = end->seq;
		out->end_hash = pool_strdup(pool, end->hash);
	}
	free(records);
	return 0;
}

const char *parted_way_out(const char *target, struct pool *pool)
{
	return pool_printf(pool,
			   "Two databases call themselves '%s', or somebody edited a "
			   "tracker or a mirror: \"git migrate audit %s\" shows which. "
			   "One that is another database takes another name: git config "
			   "--rename-section migrate.%s migrate.<name>; git update-ref "
			   "-d " MIRROR_REFS "%s; git migrate sync. One that takes the "
			   "other's place says so: git migrate target clone %s --reason "
			   "\"...\", or target restored where it begins empty.",
			   target, target, target, target, target);
}

int parted_refuse(const char *target, const char *what, struct err *err)
{
	struct pool pool = { 0 };

	err_set(err, ERR_REFUSED, "the mirrors of target '%s' part", target);
	err_detail(err, "%s.", what);
	err_hint(err, "fork", "%s", parted_way_out(target, &pool));
	pool_release(&pool);
	return -1;
}
