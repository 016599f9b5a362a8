#include "base/compat.h"

#include "base/err.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/ledger.h"
#include "flow/applied.h"
#include "flow/mirror.h"
#include "flow/push.h"
#include "flow/target.h"
#include "git/config.h"
#include "git/repo.h"

struct reading {
	struct repo *repo;
	struct applied_list *list;
};

/* Adds what the chain of a mirror has settled. */
static void add_mirror(struct applied_list *list, const char *target,
		       const struct mirror *m)
{
	struct ledger ledger = { 0 };
	const struct record *settled;
	struct applied *to;
	struct oid blob;
	size_t i;

	mirror_fold(m, &list->pool, &ledger, NULL, NULL);
	for (i = 0; i < ledger.nr_entries; i++) {
		settled = ledger.entries[i].settled;
		if (!settled || oid_parse(&blob, settled->field[FIELD_BLOB],
					  strlen(settled->field[FIELD_BLOB])) < 0)
			continue;
		VEC_GROW(list->set.items, list->set.nr, list->alloc);
		to = &list->set.items[list->set.nr++];
		to->path = settled->field[FIELD_PATH];
		to->blob = blob;
		to->target = pool_strdup(&list->pool, target);
		to->at = settled->field[FIELD_AT];
	}
	ledger_release(&ledger);
}

static int add_target(void *arg, const char *target, struct err *err)
{
	struct reading *r = arg;
	struct mirror m;

	if (mirror_read(r->repo, target, MIRROR_FETCHED, &r->list->pool, &m, err) < 0)
		return -1;
	add_mirror(r->list, target, &m);
	return 0;
}

/* A mirror in the same push: what was applied just now counts at once. */
static int add_pushed(struct repo *repo, const struct push_update *u,
		      struct applied_list *list, struct err *err)
{
	const char *target = u->ref + strlen(MIRROR_REFS);
	struct mirror m;

	if (!starts_with(u->ref, MIRROR_REFS) || oid_is_zero(&u->newer) ||
	    !target_name_ok(target))
		return 0;
	if (mirror_read_at(repo, target, &u->newer, &list->pool, &m, err) < 0)
		return -1;
	add_mirror(list, target, &m);
	return 0;
}

static int cmp_applied(const void *a, const void *b)
{
	const struct applied *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	return order ? order : strcmp(x->at, y->at);
}

/* By path, of each the one that ran first. */
static void sort(struct applied_set *set)
{
	size_t i, nr = 0;

	if (set->nr)
		qsort(set->items, set->nr, sizeof(*set->items), cmp_applied);
	for (i = 0; i < set->nr; i++)
		if (!nr || strcmp(set->items[nr - 1].path, set->items[i].path) != 0)
			set->items[nr++] = set->items[i];
	set->nr = nr;
}

int applied_read(struct repo *repo, const struct push *push, struct applied_list *out,
		 struct err *err)
{
	struct reading r = { repo, out };
	size_t i;

	if (mirror_each(repo, add_target, &r, err) < 0)
		return -1;
	for (i = 0; push && i < push->nr; i++)
		if (add_pushed(repo, &push->items[i], out, err) < 0)
			return -1;
	sort(&out->set);
	return 0;
}

bool applied_alone_is_kept(struct repo *repo)
{
	const char *protect = config_get(repo_config(repo), "migrate.protect");

	return protect && strcmp(protect, "applied") == 0;
}

int applied_to_keep(struct repo *repo, const struct push *push, struct applied_list *out,
		    const struct applied_set **kept, struct err *err)
{
	*kept = NULL;
	if (!applied_alone_is_kept(repo))
		return 0;
	*kept = &out->set;
	return applied_read(repo, push, out, err);
}

void applied_release(struct applied_list *list)
{
	free(list->set.items);
	pool_release(&list->pool);
	memset(list, 0, sizeof(*list));
}
