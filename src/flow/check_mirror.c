#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/pool.h"
#include "core/ledger.h"
#include "core/policy.h"
#include "core/record.h"
#include "flow/check_mirror.h"
#include "flow/mirror.h"
#include "flow/target.h"
#include "git/repo.h"

static void refuse_mirror(struct findings *f, const char *ref, const char *what,
			  const char *detail)
{
	findings_add(f, RULE_MIRROR, false, NULL, "%s: %s", ref, what);
	if (detail[0])
		findings_detail(f, "%s", detail);
	findings_hint(f, "A mirror only grows. Fetch it (git fetch origin "
			 "\"refs/notes/migrate/*:refs/notes/origin/migrate/*\") and let "
			 "\"git migrate apply\" add to it.");
}

static bool begins_anew(const struct record *r)
{
	return r->event == EVENT_RESTORED || r->event == EVENT_CLONED;
}

/* Every record continues one that is there; two never continue the same one. */
static void check_chain(const char *ref, struct record *records, size_t nr,
			struct findings *f)
{
	const struct record **next = xcalloc(nr + 1, sizeof(*next)), *prev;
	struct err why = { 0 };
	size_t i, at;

	records_sort(records, nr);
	for (i = 0; i < nr; i++) {
		prev = records_find(records, nr, records[i].field[FIELD_PREV]);
		if (ledger_check(prev, &records[i], &why) < 0) {
			refuse_mirror(f, ref, why.message, records[i].line);
			break;
		}
		if (!prev || begins_anew(&records[i]))
			continue;
		at = (size_t)(prev - records);
		if (next[at]) {
			refuse_mirror(f, ref, "two records continue the same one",
				      records[i].line);
			break;
		}
		next[at] = &records[i];
	}
	free(next);
}

/* The head that the new commit names must be one of its records. */
static void check_head(const char *ref, const struct mirror *now,
		       const struct record *records, size_t nr, struct findings *f)
{
	const struct record *r = NULL;

	if (!nr) {
		refuse_mirror(f, ref, "there is no record in it", "");
		return;
	}
	if (!now->head_seq) {
		refuse_mirror(f, ref, "its commits name no head (Migrate-Head:)", "");
		return;
	}
	r = records_find(records, nr, now->head_hash);
	if (!r || r->seq != now->head_seq)
		refuse_mirror(f, ref, "the head that it names is none of its records",
			      "");
}

/* Each old line must still be there, and all must be records of one chain. */
static void compare_mirrors(const char *ref, const struct mirror *was,
			    const struct mirror *now, struct pool *pool,
			    struct findings *f)
{
	struct record *records = xcalloc(now->nr + 1, sizeof(*records));
	struct err why = { 0 };
	size_t i;

	for (i = 0; i < was->nr; i++) {
		if (mirror_has(now, was->lines[i]))
			continue;
		refuse_mirror(f, ref, "a record was taken out or changed", was->lines[i]);
		goto out;
	}
	for (i = 0; i < now->nr; i++) {
		if (record_parse(&records[i], pool, now->lines[i], strlen(now->lines[i]),
				 &why) < 0) {
			refuse_mirror(f, ref, why.message, now->lines[i]);
			goto out;
		}
	}
	check_chain(ref, records, now->nr, f);
	check_head(ref, now, records, now->nr, f);
out:
	free(records);
}

int check_mirror(struct repo *repo, const char *ref, const struct oid *older,
		 const struct oid *newer, struct findings *f, struct err *err)
{
	const char *target = ref + strlen(MIRROR_REFS);
	struct mirror was, now;
	struct pool pool = { 0 };
	int ancestor, ret = -1;

	if (oid_is_zero(newer)) {
		refuse_mirror(f, ref, "a mirror cannot be deleted", "");
		return 0;
	}
	if (!target_name_ok(target)) {
		refuse_mirror(f, ref, "no target can have that name", "");
		return 0;
	}
	if (!oid_is_zero(older)) {
		ancestor = repo_is_ancestor(repo, older, newer, err);
		if (ancestor < 0)
			return -1;
		if (!ancestor) {
			refuse_mirror(f, ref, "the mirror was rewritten",
				      "The push is no fast-forward.");
			return 0;
		}
	}
	if (mirror_read_at(repo, target, older, &pool, &was, err) == 0 &&
	    mirror_read_at(repo, target, newer, &pool, &now, err) == 0) {
		compare_mirrors(ref, &was, &now, &pool, f);
		ret = 0;
	}
	pool_release(&pool);
	return ret;
}
