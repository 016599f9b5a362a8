#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "core/plan.h"
#include "core/policy.h"

/* Two plans that are compared. */
struct step {
	const struct plan *older, *newer;
	const struct lineage *lineage;
	const struct applied_set *applied; /* NULL: all that landed is kept */
	struct findings *f;
	size_t *new_by_blob; /* entries that the old plan lacks; NULL until asked for */
	size_t nr_new;
};

const struct applied *applied_find(const struct applied_set *set, const char *path)
{
	size_t low = 0, high = set->nr, mid;
	int order;

	while (low < high) {
		mid = low + (high - low) / 2;
		order = strcmp(path, set->items[mid].path);
		if (order == 0)
			return &set->items[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* Whether an entry of the old plan must stay. */
static bool is_kept(const struct step *s, const struct migration *m)
{
	return !s->applied || applied_find(s->applied, m->path);
}

static const char *landed_word(const struct step *s)
{
	return s->applied ? "was applied" : "landed";
}

static int cmp_blob(const void *a, const void *b, void *items)
{
	const struct migration *m = items;
	size_t i = *(const size_t *)a, k = *(const size_t *)b;
	int order = oid_cmp(&m[i].blob, &m[k].blob);

	return order ? order : (i > k) - (i < k);
}

static void index_new(struct step *s)
{
	const struct plan *newer = s->newer;
	size_t i;

	s->new_by_blob = xcalloc(newer->nr + 1, sizeof(*s->new_by_blob));
	for (i = 0; i < newer->nr; i++)
		if (plan_find(s->older, newer->items[i].path) < 0)
			s->new_by_blob[s->nr_new++] = i;
	if (s->nr_new)
		qsort_r(s->new_by_blob, s->nr_new, sizeof(*s->new_by_blob), cmp_blob,
			newer->items);
}

/* The first new entry that has the bytes of one that is gone, or -1. */
static ssize_t renamed_to(struct step *s, const struct migration *gone)
{
	const struct migration *items = s->newer->items;
	size_t low = 0, high, mid;

	if (!s->new_by_blob)
		index_new(s);
	for (high = s->nr_new; low < high;) {
		mid = low + (high - low) / 2;
		if (oid_cmp(&items[s->new_by_blob[mid]].blob, &gone->blob) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == s->nr_new || !oid_eq(&items[s->new_by_blob[low]].blob, &gone->blob))
		return -1;
	return (ssize_t)s->new_by_blob[low];
}

/* The commit that brought it, or the merge that it came with, is said to be reverted. */
static bool is_reverted(const struct step *s, const struct migration *m)
{
	size_t i;

	for (i = 0; i < s->lineage->nr_reverted; i++)
		if (oid_eq(&s->lineage->reverted[i], &m->commit) ||
		    oid_eq(&s->lineage->reverted[i], &m->arrival))
			return true;
	return false;
}

static void was_removed(struct step *s, const struct migration *m)
{
	ssize_t to = renamed_to(s, m);
	char hex[OID_HEXSZ + 1];

	if (to >= 0)
		findings_add(s->f, RULE_RENAMED, false, m->path,
			     "migration '%s' was renamed to '%s' after it %s", m->path,
			     s->newer->items[to].path, landed_word(s));
	else if (is_reverted(s, m))
		findings_add(s->f, RULE_REVERTED, false, m->path,
			     "migration '%s' was reverted after it %s", m->path,
			     landed_word(s));
	else
		findings_add(s->f, RULE_DELETED, false, m->path,
			     "migration '%s' was deleted after it %s", m->path,
			     landed_word(s));
	findings_hint(s->f,
		      "Put it back as it was (git checkout %.12s -- %s/%s) and add a "
		      "migration that undoes its effect (git migrate new), with the "
		      "trailer \"Fixes: %s\".",
		      oid_hex(&s->older->head, hex), s->older->folder, m->path, m->path);
}

/*
 * A push that is no fast-forward takes files out by where it points, not by a
 * commit that deletes them. Returns whether there are any such files.
 */
static bool were_dropped(struct step *s)
{
	const struct plan *older = s->older;
	const char *first = NULL;
	size_t i, nr = 0;

	for (i = 0; i < older->nr; i++) {
		if (plan_find(s->newer, older->items[i].path) >= 0 ||
		    !is_kept(s, &older->items[i]) || renamed_to(s, &older->items[i]) >= 0)
			continue;
		if (nr++ == 0)
			first = older->items[i].path;
	}
	if (!nr)
		return false;
	findings_add(s->f, RULE_FORCED, false, nr == 1 ? first : NULL,
		     s->lineage->new_is_ancestor
			     ? "the branch would go back to a commit that lacks '%s'"
			     : "a forced push would put in the branch's place one that "
			       "lacks '%s'",
		     first);
	if (nr > 1)
		findings_detail(s->f, "It lacks %zu migrations that have landed.", nr);
	findings_hint(s->f, "Fetch, rebase onto the branch (git pull --rebase) and push "
			    "without force; to undo what a migration did, add another "
			    "one.");
	return true;
}

/* One that is there on both sides. */
static void compare_file(struct step *s, const struct migration *m,
			 const struct migration *n)
{
	const struct applied *ran = s->applied ? applied_find(s->applied, m->path) : NULL;
	char was[OID_HEXSZ + 1], now[OID_HEXSZ + 1];

	if (!oid_eq(&m->blob, &n->blob)) {
		if (ran && oid_eq(&ran->blob, &n->blob))
			return; /* back to what ran is the way home */
		findings_add(s->f, RULE_EDITED, false, m->path,
			     "migration '%s' was edited after it %s", m->path,
			     landed_word(s));
		findings_detail(s->f, "It landed as blob %.12s; now it is %.12s.",
				oid_hex(&m->blob, was), oid_hex(&n->blob, now));
	} else if (m->mode != n->mode) {
		findings_add(s->f, RULE_MODE, false, m->path,
			     "the mode of migration '%s' was changed after it %s",
			     m->path, landed_word(s));
		findings_detail(s->f, "It landed as %06o; now it is %06o.", m->mode,
				n->mode);
	} else {
		return;
	}
	findings_hint(s->f,
		      "Restore it (git checkout %.12s -- %s/%s) and add a migration with "
		      "the trailer \"Fixes: %s\".",
		      oid_hex(&s->older->head, was), s->older->folder, m->path, m->path);
}

/* Adds what changed of the files themselves; returns how many did. */
static size_t compare_files(struct step *s)
{
	const struct migration *m;
	size_t i, before = s->f->nr;
	bool dropped = !s->lineage->old_is_ancestor && were_dropped(s);
	ssize_t pos;

	for (i = 0; i < s->older->nr; i++) {
		m = &s->older->items[i];
		if (!is_kept(s, m))
			continue;
		pos = plan_find(s->newer, m->path);
		if (pos >= 0)
			compare_file(s, m, &s->newer->items[pos]);
		else if (!dropped || renamed_to(s, m) >= 0)
			was_removed(s, m);
	}
	return s->f->nr - before;
}

static void order_changed(struct step *s, const char *was, const char *now)
{
	struct findings *f = s->f;

	if (!s->lineage->old_is_ancestor) {
		findings_add(f, RULE_REWRITTEN, false, NULL,
			     "the history was rewritten: '%s' would come before '%s'",
			     now, was);
		findings_hint(f, "Rebase onto the branch (git pull --rebase) and push "
				 "without force.");
	} else if (!s->lineage->old_on_first_parents) {
		findings_add(f, RULE_FOXTROT, false, NULL,
			     "the merge is the wrong way round: '%s' would come before "
			     "'%s'",
			     now, was);
		findings_detail(f, "The branch was merged into the work instead of the "
				   "work into the branch, so what had landed would "
				   "come second.");
		findings_hint(f, "Start from the branch and merge the work into it (git "
				 "merge --no-ff <work>), or rebase the work (git pull "
				 "--rebase).");
	} else {
		findings_add(f, RULE_REORDERED, false, NULL,
			     "the order of landed migrations changed: '%s' would come "
			     "before '%s'",
			     now, was);
		findings_hint(f, "Leave what landed where it is, and add to its end.");
	}
}

/* The next entry of the old plan from `at` to `end` that must stay, or -1. */
static ssize_t next_kept(const struct step *s, size_t at, size_t end)
{
	for (; at < end; at++)
		if (is_kept(s, &s->older->items[at]))
			return (ssize_t)at;
	return -1;
}

/* Nothing may come to stand before one that is kept. Returns whether all is in order. */
static bool compare_order(struct step *s)
{
	const struct plan *older = s->older;
	size_t i, passed = 0; /* of the old plan */
	ssize_t pos, kept;

	for (i = 0; i < s->newer->nr; i++) {
		pos = plan_find(older, s->newer->items[i].path);
		if (pos >= 0 && (size_t)pos < passed)
			continue;
		kept = next_kept(s, passed, pos < 0 ? older->nr : (size_t)pos);
		if (kept >= 0) {
			order_changed(s, older->items[kept].path,
				      s->newer->items[i].path);
			return false;
		}
		if (pos < 0)
			return true;
		passed = (size_t)pos + 1;
	}
	return true;
}

static int compare_labels(const struct step *s, struct plan *older, struct plan *newer,
			  struct err *err)
{
	const struct migration *m, *n;
	size_t i;
	ssize_t pos;

	for (i = 0; i < older->nr; i++) {
		m = &older->items[i];
		pos = is_kept(s, m) ? plan_find(newer, m->path) : -1;
		n = pos < 0 ? m : &newer->items[pos];
		if (oid_eq(&m->commit, &n->commit))
			continue;
		if (plan_describe(older, i, err) < 0 ||
		    plan_describe(newer, (size_t)pos, err) < 0)
			return -1;
		if (trailers_eq(&m->trailers, &n->trailers))
			continue;
		findings_add(s->f, RULE_RELABELLED, false, m->path,
			     "the trailers of migration '%s' were changed after it %s",
			     m->path, landed_word(s));
		findings_hint(s->f,
			      "Keep the commit that brought it, and say what is new in "
			      "the commit of a further migration.");
	}
	return 0;
}

/* What was changed by a push that gives the branch another line is told as that. */
static void name_cause(const struct lineage *lineage, struct findings *f)
{
	size_t i;

	for (i = 0; i < f->nr; i++)
		if (f->items[i].rule == RULE_FORCED)
			return;
	if (!lineage->old_is_ancestor) {
		findings_add(f, RULE_REWRITTEN, false, NULL,
			     "the history was rewritten: the tip that had landed is not "
			     "in the new one");
		findings_hint(f, "Rebase onto the branch (git pull --rebase) and push "
				 "without force.");
	} else if (!lineage->old_on_first_parents) {
		findings_add(f, RULE_FOXTROT, false, NULL,
			     "the merge is the wrong way round: what had landed would be "
			     "its second parent");
		findings_hint(f, "Start from the branch and merge the work into it (git "
				 "merge --no-ff <work>).");
	}
}

void policy_as_applied(const struct plan *older, const struct plan *newer,
		       const struct applied_set *applied, struct findings *f)
{
	const struct migration *m;
	const struct applied *ran;
	char was[OID_HEXSZ + 1], now[OID_HEXSZ + 1];
	size_t i;

	for (i = 0; i < newer->nr; i++) {
		m = &newer->items[i];
		ran = applied_find(applied, m->path);
		if (!ran || oid_eq(&ran->blob, &m->blob) ||
		    plan_find(older, m->path) >= 0)
			continue;
		findings_add(f, RULE_EDITED, false, m->path,
			     "migration '%s' is not the one that was applied to target "
			     "'%s'",
			     m->path, ran->target);
		findings_detail(f, "It ran as blob %.12s; here it is %.12s.",
				oid_hex(&ran->blob, was), oid_hex(&m->blob, now));
		findings_hint(f,
			      "Bring the file as it ran, and add a migration with the "
			      "trailer \"Fixes: %s\".",
			      m->path);
	}
}

int policy_append_only(struct plan *older, struct plan *newer,
		       const struct lineage *lineage, const struct applied_set *applied,
		       struct findings *f, struct err *err)
{
	struct step s = { .older = older,
			  .newer = newer,
			  .lineage = lineage,
			  .applied = applied,
			  .f = f };
	int ret = 0;

	if (compare_files(&s))
		name_cause(lineage, f);
	else if (compare_order(&s))
		ret = compare_labels(&s, older, newer, err);
	if (applied)
		policy_as_applied(older, newer, applied, f);
	free(s.new_by_blob);
	return ret;
}
