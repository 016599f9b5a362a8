#include "base/compat.h"

#include "base/err.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/ledger.h"
#include "flow/applied.h"
#include "flow/mirror.h"
#include "flow/mirror_paths.h"
#include "flow/note_lines.h"
#include "flow/push.h"
#include "flow/target.h"
#include "git/config.h"
#include "git/notes_delta.h"
#include "git/repo.h"

enum { PUSHED_MAX = 256 << 20 }; /* bytes of notes that a push may bring */

struct reading {
	struct repo *repo;
	struct applied_list *list;
};

static void add_settled(struct applied_list *list, const char *target,
			const struct record *settled)
{
	const char *hex = settled->field[FIELD_BLOB];
	struct applied *to;
	struct oid blob;

	if (oid_parse(&blob, hex, strlen(hex)) < 0)
		return;
	VEC_GROW(list->set.items, list->set.nr, list->alloc);
	to = &list->set.items[list->set.nr++];
	to->path = settled->field[FIELD_PATH];
	to->blob = blob;
	to->target = pool_strdup(&list->pool, target);
	to->at = settled->field[FIELD_AT];
}

static void add_ledger(struct applied_list *list, const char *target,
		       const struct ledger *l)
{
	size_t i;

	for (i = 0; i < l->nr_entries; i++)
		if (l->entries[i].settled)
			add_settled(list, target, l->entries[i].settled);
}

/* Adds what the chain of a mirror has settled. */
static void add_mirror(struct applied_list *list, const char *target,
		       const struct mirror *m)
{
	struct ledger ledger = { 0 };

	mirror_fold(m, &list->pool, &ledger, NULL, NULL);
	add_ledger(list, target, &ledger);
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

/* The target whose mirror such an update brings; NULL: none. */
static const char *brings_mirror(const struct push_update *u)
{
	const char *target = u->ref + strlen(MIRROR_REFS);

	return starts_with(u->ref, MIRROR_REFS) && !oid_is_zero(&u->newer) &&
			       target_name_ok(target)
		       ? target
		       : NULL;
}

/* A mirror in the same push: what was applied just now counts at once. */
static int add_pushed(struct repo *repo, const struct push_update *u,
		      struct applied_list *list, struct err *err)
{
	const char *target = brings_mirror(u);
	struct mirror m;

	if (!target)
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

/* --- of a few paths -------------------------------------------------------- */

struct wanted {
	struct repo *repo;
	const char *const *paths;
	size_t nr;
	struct applied_list *list;
};

static int add_target_paths(void *arg, const char *target, struct err *err)
{
	struct wanted *w = arg;
	struct ledger ledger = { 0 };
	int ret = mirror_fold_paths(w->repo, target, w->paths, w->nr, &w->list->pool,
				    &ledger, NULL, err);

	if (ret == 0)
		add_ledger(w->list, target, &ledger);
	ledger_release(&ledger);
	return ret;
}

static bool is_wanted(const struct wanted *w, const char *path, size_t len)
{
	size_t i;

	for (i = 0; i < w->nr; i++)
		if (strncmp(w->paths[i], path, len) == 0 && !w->paths[i][len])
			return true;
	return false;
}

static void add_wanted_line(struct wanted *w, const char *target, const char *line)
{
	struct err quiet = { 0 };
	struct record r;
	const char *path;
	size_t len;

	path = record_line_path(line, &len);
	if (path && is_wanted(w, path, len) &&
	    record_parse(&r, &w->list->pool, line, strlen(line), &quiet) == 0 &&
	    event_settles(r.event))
		add_settled(w->list, target, &r);
}

static int add_pushed_lines(struct wanted *w, const char *target,
			    const struct push_update *u, struct err *err)
{
	struct note_limits most = { PUSHED_MAX, SIZE_MAX, SIZE_MAX };
	struct notes_delta notes = { 0 };
	size_t at = 0, i;
	int ret = notes_delta(w->repo, &u->older, &u->newer, false, &notes, err);

	while (ret == 0 && at < notes.nr) {
		struct note_lines now = { 0 };

		ret = note_lines_read(w->repo, &notes, &notes.items[at].object, &at,
				      &most, &now, err);
		for (i = 0; i < now.nr && ret == 0; i++)
			add_wanted_line(w, target, now.lines[i]);
		note_lines_release(&now);
	}
	notes_delta_release(&notes);
	return ret;
}

int applied_read_paths(struct repo *repo, const struct push *push,
		       const char *const *paths, size_t nr, struct applied_list *out,
		       struct err *err)
{
	struct wanted w = { repo, paths, nr, out };
	const char *target;
	size_t i;

	if (mirror_each(repo, add_target_paths, &w, err) < 0)
		return -1;
	for (i = 0; push && i < push->nr; i++) {
		target = brings_mirror(&push->items[i]);
		if (target && add_pushed_lines(&w, target, &push->items[i], err) < 0)
			return -1;
	}
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
