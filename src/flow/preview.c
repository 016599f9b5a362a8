#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/merge.h"
#include "core/policy.h"
#include "flow/applied.h"
#include "flow/check.h"
#include "flow/preview.h"
#include "flow/require.h"
#include "git/history.h"
#include "git/repo.h"
#include "sql/objects.h"

void preview_release(struct preview *p)
{
	size_t i;

	plan_release(&p->plan);
	plan_release(&p->ours);
	plan_release(&p->theirs);
	for (i = 0; i < p->nr_kept; i++) {
		plan_release(p->kept[i]);
		free(p->kept[i]);
	}
	free(p->kept);
	free(p->bases);
	memset(p, 0, sizeof(*p));
}

static struct plan *keep_plan(struct preview *p)
{
	struct plan *plan = xcalloc(1, sizeof(*plan));

	p->kept = xreallocarray(p->kept, p->nr_kept + 1, sizeof(struct plan *));
	p->kept[p->nr_kept++] = plan;
	return plan;
}

static int common_plan(struct repo *repo, const struct oid *bases, size_t nr,
		       struct preview *p, const struct plan **out, struct err *err);

/* Merges one more base into `*out`, on top of what those two have in common. */
static int merge_base(struct repo *repo, const struct oid *first, const struct plan *one,
		      struct preview *p, const struct plan **out, struct err *err)
{
	struct merge_input in = { .ours = *out, .theirs = one, .among_bases = true };
	struct findings none = { 0 };
	struct plan *merged;
	struct oid *deeper;
	size_t nr;
	int ret;

	if (repo_merge_bases(repo, first, &one->head, &deeper, &nr, err) < 0)
		return -1;
	ret = common_plan(repo, deeper, nr, p, &in.base, err);
	free(deeper);
	if (ret < 0)
		return -1;
	merged = keep_plan(p);
	plan_merge(&in, merged, &none);
	findings_release(&none);
	*out = merged;
	return 0;
}

/* The plan of the bases, merged into one; NULL when there are none. */
static int common_plan(struct repo *repo, const struct oid *bases, size_t nr,
		       struct preview *p, const struct plan **out, struct err *err)
{
	enum { KEPT_MAX = 64 }; /* deeper than any two branches crossed in earnest */
	struct plan *one;
	size_t i;

	*out = NULL;
	for (i = 0; i < nr && (i == 0 || p->nr_kept < KEPT_MAX); i++) {
		one = keep_plan(p);
		if (history_plan(repo, &bases[i], one, err) < 0)
			return -1;
		if (!*out)
			*out = one;
		else if (merge_base(repo, &bases[0], one, p, out, err) < 0)
			return -1;
	}
	return 0;
}

/* One object that a new migration of either side touches. */
struct touch {
	struct sql_object object;
	size_t pos; /* of the migration in the merged plan */
};

struct touches {
	struct pool pool;
	struct touch *items;
	size_t nr, alloc;
};

static int add_touches(struct repo *repo, const struct plan *plan, size_t pos,
		       struct touches *t, struct err *err)
{
	struct sql_objects objects = { 0 };
	struct buf sql = BUF_INIT;
	struct err quiet = { 0 };
	int ret = repo_read_blob(repo, &plan->items[pos].blob, &sql, err);
	size_t i;

	if (ret == 0) {
		/* what cannot be split is refused elsewhere; what was told counts */
		sql_objects(buf_str(&sql), sql.len, &t->pool, &objects, &quiet);
		for (i = 0; i < objects.nr; i++) {
			VEC_GROW(t->items, t->nr, t->alloc);
			t->items[t->nr++] = (struct touch){ objects.items[i], pos };
		}
	}
	sql_objects_release(&objects);
	buf_release(&sql);
	return ret == 0 ? 0 : -1;
}

static int cmp_touch(const void *a, const void *b)
{
	const struct touch *x = a, *y = b;
	int order = sql_object_cmp(&x->object, &y->object);

	return order ? order : (x->pos > y->pos) - (x->pos < y->pos);
}

/* `theirs` touches what `nr` migrations of ours touch. */
static void found_overlap(const struct plan *plan, const struct touch *ours, size_t nr,
			  const struct touch *theirs, struct findings *f)
{
	enum { NAMED_MAX = 4 };
	const char *there = plan->items[theirs->pos].path;
	struct buf here = BUF_INIT;
	size_t i;

	for (i = 0; i < nr && i < NAMED_MAX; i++)
		buf_addf(&here, "%s'%s' %ss it (line %u)", i ? ", " : "",
			 plan->items[ours[i].pos].path,
			 sql_touch_word(ours[i].object.how), ours[i].object.line);
	if (nr > NAMED_MAX)
		buf_addf(&here, " and %zu more", nr - NAMED_MAX);
	findings_add(f, RULE_OVERLAP, true, there,
		     "'%s' %ss %s '%s' (line %u), and here %s", there,
		     sql_touch_word(theirs->object.how),
		     sql_kind_word(theirs->object.kind), theirs->object.name,
		     theirs->object.line, here.s);
	findings_hint(f,
		      "Neither was written with the other in place. After the merge '%s' "
		      "runs second: try it on a database that has run the other%s.",
		      there, plural(nr));
	buf_release(&here);
}

/* Each object's migrations of ours against each one of theirs. */
static void compare_touches(const struct preview *p, struct touches *t,
			    struct findings *f)
{
	size_t i, first = 0, nr = 0;

	if (t->nr)
		qsort(t->items, t->nr, sizeof(*t->items), cmp_touch);
	for (i = 0; i < t->nr; i++) {
		if (!sql_object_same(&t->items[first].object, &t->items[i].object)) {
			first = i;
			nr = 0;
		}
		if (t->items[i].pos < p->arriving)
			nr++;
		else if (nr)
			found_overlap(&p->plan, &t->items[first], nr, &t->items[i], f);
	}
}

/* What both sides have brought since they parted, read and compared. */
static int find_overlaps(struct repo *repo, const struct preview *p, struct findings *f,
			 struct err *err)
{
	struct touches t = { 0 };
	const char *path;
	size_t i;
	int ret = 0;

	for (i = 0; i < p->plan.nr && p->arriving < p->plan.nr && ret == 0; i++) {
		path = p->plan.items[i].path;
		if ((p->base && plan_find(p->base, path) >= 0) ||
		    (i < p->arriving && plan_find(&p->theirs, path) >= 0))
			continue;
		ret = add_touches(repo, &p->plan, i, &t, err);
	}
	if (ret == 0)
		compare_touches(p, &t, f);
	free(t.items);
	pool_release(&t.pool);
	return ret;
}

/*
 * What `theirs` has changed in .gitmigrate since the two parted comes with it;
 * what this side alone has changed stays.
 */
static int merge_settings(struct repo *repo, const struct preview *p, struct findings *f,
			  struct err *err)
{
	struct findings there = { 0 };
	size_t i;
	int ret = 0;

	for (i = 0; i < p->nr_bases && ret == 0; i++) {
		findings_release(&there);
		ret = check_settings(repo, &p->bases[i], &p->theirs.head, &there, err);
		if (ret == 0 && !there.errors)
			break;
	}
	if (ret == 0 && (there.errors || !p->nr_bases))
		ret = check_settings(repo, &p->ours.head, &p->theirs.head, f, err);
	findings_release(&there);
	return ret == 0 ? repo_load_shared(repo, &p->ours.head, err) : -1;
}

/*
 * Where git fast-forwards unless it is told not to, the plan becomes that of the
 * other branch; one that had merged this one (a foxtrot) has another order.
 */
static int warn_fast_forward(struct repo *repo, struct preview *p, struct findings *f,
			     struct err *err)
{
	struct findings then = { 0 };
	struct lineage forward;
	size_t i;
	int ret;

	if (p->nr_bases != 1 || !oid_eq(&p->bases[0], &p->ours.head))
		return 0;
	ret = check_lineage(repo, &p->ours.head, &p->theirs.head, &forward, err);
	if (ret == 0)
		ret = policy_append_only(&p->ours, &p->theirs, &forward, NULL, &then,
					 err);
	for (i = 0; i < then.nr && ret == 0; i++) {
		if (then.items[i].rule != RULE_FOXTROT)
			continue;
		findings_add(f, RULE_FOXTROT, true, NULL,
			     "git would fast-forward here, and reorder what has landed");
		findings_hint(f, "Make a merge commit: git merge --no-ff.");
	}
	findings_release(&then);
	return ret;
}

/* I1 on the result, which is a merge commit on top of ours. */
static int judge_kept(struct repo *repo, struct preview *p, struct findings *f,
		      struct err *err)
{
	const struct lineage forward = { .old_is_ancestor = true,
					 .old_on_first_parents = true };
	struct applied_list applied = { 0 };
	const struct applied_set *kept;
	int ret = applied_to_keep(repo, NULL, &applied, &kept, err);

	if (ret == 0)
		ret = policy_append_only(&p->ours, &p->plan, &forward, kept, f, err);
	applied_release(&applied);
	return ret;
}

int preview_merge(struct repo *repo, const struct oid *ours, const struct oid *theirs,
		  struct preview *p, struct findings *f, struct err *err)
{
	struct merge_input in = { .ours = &p->ours, .theirs = &p->theirs };
	struct required what = { .plan = &p->plan, .was = &p->ours, .tip = theirs };

	memset(p, 0, sizeof(*p));
	if (history_plan(repo, ours, &p->ours, err) < 0 ||
	    history_plan(repo, theirs, &p->theirs, err) < 0 ||
	    repo_merge_bases(repo, ours, theirs, &p->bases, &p->nr_bases, err) < 0 ||
	    common_plan(repo, p->bases, p->nr_bases, p, &p->base, err) < 0)
		return -1;
	in.base = p->base;
	what.from = p->arriving = plan_merge(&in, &p->plan, f);
	if (judge_kept(repo, p, f, err) < 0 || warn_fast_forward(repo, p, f, err) < 0 ||
	    merge_settings(repo, p, f, err) < 0 ||
	    policy_new_entries(&p->plan, p->arriving, f, err) < 0 ||
	    require_check(repo, &what, f, err) < 0)
		return -1;
	return find_overlaps(repo, p, f, err);
}

int preview_since(struct repo *repo, struct plan *plan, const struct oid *older,
		  bool *since, struct findings *f, struct err *err)
{
	struct lineage lineage = { .old_is_ancestor = true,
				   .old_on_first_parents = true };
	struct plan was = { 0 };
	size_t i;
	int ret = history_plan(repo, older, &was, err);

	/* the plan of a merge that is not made yet has no commit */
	if (ret == 0 && !oid_is_zero(&plan->head) &&
	    (check_lineage(repo, older, &plan->head, &lineage, err) < 0 ||
	     check_settings(repo, older, &plan->head, f, err) < 0))
		ret = -1;
	if (ret == 0)
		ret = policy_append_only(&was, plan, &lineage, NULL, f, err);
	for (i = 0; i < plan->nr && ret == 0; i++)
		since[i] = plan_find(&was, plan->items[i].path) < 0;
	plan_release(&was);
	return ret;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_directives(const struct directives *a, const struct directives *b)
{
	size_t i;

	for (i = 0; i < a->nr && i < b->nr; i++)
		if (strcmp(a->items[i].word, b->items[i].word) != 0 ||
		    !same_text(a->items[i].value, b->items[i].value))
			return false;
	return a->nr == b->nr;
}

/* What differs, NULL when nothing does. */
static const char *differs(const struct migration *a, const struct migration *b)
{
	if (strcmp(a->path, b->path) != 0)
		return "path";
	if (!oid_eq(&a->blob, &b->blob) || a->mode != b->mode)
		return "file";
	if (!oid_eq(&a->commit, &b->commit) || a->company != b->company)
		return "bringing commit";
	if (!oid_eq(&a->arrival, &b->arrival) || a->order_unknown != b->order_unknown)
		return "arrival";
	return NULL;
}

static const char *described_otherwise(const struct migration *a,
				       const struct migration *b)
{
	if (!same_text(a->subject, b->subject) || !same_text(a->author, b->author) ||
	    a->when != b->when)
		return "subject or author";
	if (!trailers_eq(&a->in_message, &b->in_message) ||
	    !trailers_eq(&a->in_header, &b->in_header) ||
	    a->in_message.misplaced_nr != b->in_message.misplaced_nr ||
	    !same_directives(&a->how, &b->how))
		return "trailers";
	return NULL;
}

static int compare_plans(struct plan *kept, struct plan *fresh, struct err *err)
{
	const char *what;
	size_t i;

	if (kept->nr != fresh->nr)
		return err_set(err, ERR_REFUSED,
			       "the cache is wrong: it has %zu migrations, the history "
			       "%zu",
			       kept->nr, fresh->nr);
	for (i = 0; i < kept->nr; i++) {
		what = differs(&kept->items[i], &fresh->items[i]);
		/* not before: a commit that is another one may not be there */
		if (!what &&
		    (plan_describe(kept, i, err) < 0 || plan_describe(fresh, i, err) < 0))
			return -1;
		if (!what)
			what = described_otherwise(&kept->items[i], &fresh->items[i]);
		if (what)
			return err_set(err, ERR_REFUSED,
				       "the cache is wrong: the %s of migration %zu, "
				       "'%s', "
				       "is another one",
				       what, i + 1, fresh->items[i].path);
	}
	return 0;
}

int preview_verify(struct repo *repo, const struct oid *commit, size_t *nr,
		   struct err *err)
{
	struct plan kept = { 0 }, whole = { 0 }, fresh = { 0 };
	const char *dir = repo_common_dir(repo);
	int ret = -1, known;

	if (history_plan(repo, commit, &kept, err) < 0 ||
	    history_plan_raw(repo, commit, &fresh, err) < 0)
		goto out;
	known = history_plan_kept(repo, commit, &whole, err);
	if (known < 0)
		goto out;
	*nr = fresh.nr;
	ret = compare_plans(&kept, &fresh, err);
	if (ret == 0 && known) {
		dir = repo_git_dir(repo);
		ret = compare_plans(&whole, &fresh, err);
	}
	if (ret < 0 && err->code == ERR_REFUSED) {
		repo_hint_cache(dir, err);
		ret = 0;
	} else if (ret == 0) {
		ret = 1;
	}
out:
	plan_release(&kept);
	plan_release(&whole);
	plan_release(&fresh);
	return ret;
}
