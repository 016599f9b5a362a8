#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/message.h"
#include "core/plan.h"
#include "core/policy.h"

/* As many paths as a record has room for. */
enum { FIXES_MAX = 8 };

const char *rule_name(enum rule r)
{
	static const char *const names[RULE_NR] = {
		[RULE_EDITED] = "edited",	[RULE_DELETED] = "deleted",
		[RULE_RENAMED] = "renamed",	[RULE_MODE] = "mode",
		[RULE_FOXTROT] = "foxtrot",	[RULE_REWRITTEN] = "rewritten",
		[RULE_REORDERED] = "reordered", [RULE_RELABELLED] = "relabelled",
		[RULE_NAME] = "name",		[RULE_TYPE] = "type",
		[RULE_CASE] = "case",		[RULE_UNRESOLVED] = "unresolved",
		[RULE_LATER] = "later",		[RULE_FAILURE_MODE] = "failure-mode",
		[RULE_MISPLACED] = "misplaced", [RULE_UNBOUND] = "unbound",
		[RULE_SETTINGS] = "settings",	[RULE_BRANCH] = "branch",
		[RULE_MIRROR] = "mirror",	[RULE_GAP] = "gap",
		[RULE_LATE] = "late",		[RULE_SHALLOW] = "shallow",
		[RULE_OPEN] = "open",		[RULE_FORCED] = "forced",
		[RULE_CLASH] = "clash",		[RULE_OVERLAP] = "overlap",
		[RULE_REASON] = "reason",	[RULE_REVERTED] = "reverted",
		[RULE_UNSEEN] = "unseen",
	};

	if (r >= RULE_NR)
		BUG("unhandled rule %d", (int)r);
	return names[r];
}

void findings_release(struct findings *f)
{
	pool_release(&f->pool);
	free(f->items);
	memset(f, 0, sizeof(*f));
}

static char *vformat(struct pool *pool, const char *fmt, va_list ap)
{
	char text[2048];

	vsnprintf(text, sizeof(text), fmt, ap);
	return pool_strdup(pool, text);
}

void findings_add(struct findings *f, enum rule rule, bool warning, const char *path,
		  const char *fmt, ...)
{
	struct finding *new;
	va_list ap;

	VEC_GROW(f->items, f->nr, f->alloc);
	new = &f->items[f->nr++];
	new->rule = rule;
	new->warning = warning;
	new->path = path ? pool_strdup(&f->pool, path) : NULL;
	new->detail = new->hint = "";
	va_start(ap, fmt);
	new->message = vformat(&f->pool, fmt, ap);
	va_end(ap);
	f->errors += !warning;
}

void findings_detail(struct findings *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	f->items[f->nr - 1].detail = vformat(&f->pool, fmt, ap);
	va_end(ap);
}

void findings_hint(struct findings *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	f->items[f->nr - 1].hint = vformat(&f->pool, fmt, ap);
	va_end(ap);
}

/* The new entry that has the bytes of one that is gone, or -1. */
static ssize_t renamed_to(const struct plan *older, const struct plan *newer,
			  const struct migration *gone)
{
	size_t i;

	for (i = 0; i < newer->nr; i++)
		if (oid_eq(&newer->items[i].blob, &gone->blob) &&
		    plan_find(older, newer->items[i].path) < 0)
			return (ssize_t)i;
	return -1;
}

static void was_removed(const struct plan *older, const struct plan *newer,
			const struct migration *m, struct findings *f)
{
	ssize_t to = renamed_to(older, newer, m);
	char hex[OID_HEXSZ + 1];

	if (to >= 0)
		findings_add(f, RULE_RENAMED, false, m->path,
			     "migration '%s' was renamed to '%s' after it landed",
			     m->path, newer->items[to].path);
	else
		findings_add(f, RULE_DELETED, false, m->path,
			     "migration '%s' was deleted after it landed", m->path);
	findings_hint(f,
		      "Put it back as it was (git checkout %.12s -- %s/%s) and add a "
		      "migration that undoes its effect, with the trailer \"Fixes: %s\".",
		      oid_hex(&older->head, hex), older->folder, m->path, m->path);
}

/*
 * A push that is no fast-forward takes files out by where it points, not by a
 * commit that deletes them. Returns whether there are any such files.
 */
static bool were_dropped(const struct plan *older, const struct plan *newer,
			 const struct lineage *lineage, struct findings *f)
{
	const char *first = NULL;
	size_t i, nr = 0;

	for (i = 0; i < older->nr; i++) {
		if (plan_find(newer, older->items[i].path) >= 0 ||
		    renamed_to(older, newer, &older->items[i]) >= 0)
			continue;
		if (nr++ == 0)
			first = older->items[i].path;
	}
	if (!nr)
		return false;
	findings_add(f, RULE_FORCED, false, nr == 1 ? first : NULL,
		     lineage->new_is_ancestor
			     ? "the branch would go back to a commit that lacks '%s'"
			     : "a forced push would put in the branch's place one that "
			       "lacks '%s'",
		     first);
	if (nr > 1)
		findings_detail(f, "It lacks %zu migrations that have landed.", nr);
	findings_hint(f, "Fetch, rebase onto the branch (git pull --rebase) and push "
			 "without force; to undo what a migration did, add another one.");
	return true;
}

/* Adds what changed of the files themselves; returns how many did. */
static size_t compare_files(const struct plan *older, const struct plan *newer,
			    const struct lineage *lineage, struct findings *f)
{
	char was[OID_HEXSZ + 1], now[OID_HEXSZ + 1];
	const struct migration *m, *n;
	size_t i, before = f->nr;
	bool dropped = !lineage->old_is_ancestor &&
		       were_dropped(older, newer, lineage, f);
	ssize_t pos;

	for (i = 0; i < older->nr; i++) {
		m = &older->items[i];
		pos = plan_find(newer, m->path);
		if (pos < 0 && dropped && renamed_to(older, newer, m) < 0)
			continue;
		if (pos < 0) {
			was_removed(older, newer, m, f);
			continue;
		}
		n = &newer->items[pos];
		if (!oid_eq(&m->blob, &n->blob)) {
			findings_add(f, RULE_EDITED, false, m->path,
				     "migration '%s' was edited after it landed",
				     m->path);
			findings_detail(f, "It landed as blob %.12s; now it is %.12s.",
					oid_hex(&m->blob, was), oid_hex(&n->blob, now));
		} else if (m->mode != n->mode) {
			findings_add(f, RULE_MODE, false, m->path,
				     "the mode of migration '%s' was changed after it "
				     "landed",
				     m->path);
			findings_detail(f, "It landed as %06o; now it is %06o.", m->mode,
					n->mode);
		} else {
			continue;
		}
		findings_hint(f,
			      "Restore it (git checkout %.12s -- %s/%s) and add a "
			      "migration with the trailer \"Fixes: %s\".",
			      oid_hex(&older->head, was), older->folder, m->path,
			      m->path);
	}
	return f->nr - before;
}

static void order_changed(const struct plan *older, const struct plan *newer, size_t at,
			  const struct lineage *lineage, struct findings *f)
{
	const char *was = older->items[at].path;
	const char *now = newer->items[at].path;

	if (!lineage->old_is_ancestor) {
		findings_add(f, RULE_REWRITTEN, false, NULL,
			     "the history was rewritten: '%s' would come before '%s'",
			     now, was);
		findings_hint(f, "Rebase onto the branch (git pull --rebase) and push "
				 "without force.");
	} else if (!lineage->old_on_first_parents) {
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

static int compare_labels(struct plan *older, struct plan *newer, struct findings *f,
			  struct err *err)
{
	const struct migration *m, *n;
	size_t i;

	for (i = 0; i < older->nr; i++) {
		m = &older->items[i];
		n = &newer->items[i];
		if (oid_eq(&m->commit, &n->commit))
			continue;
		if (plan_describe(older, i, err) < 0 || plan_describe(newer, i, err) < 0)
			return -1;
		if (trailers_eq(&m->trailers, &n->trailers))
			continue;
		findings_add(f, RULE_RELABELLED, false, m->path,
			     "the trailers of migration '%s' were changed after it "
			     "landed",
			     m->path);
		findings_hint(f,
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

int policy_append_only(struct plan *older, struct plan *newer,
		       const struct lineage *lineage, struct findings *f, struct err *err)
{
	size_t i;

	if (compare_files(older, newer, lineage, f)) {
		name_cause(lineage, f);
		return 0;
	}
	for (i = 0; i < older->nr; i++) {
		if (strcmp(older->items[i].path, newer->items[i].path) != 0) {
			order_changed(older, newer, i, lineage, f);
			return 0;
		}
	}
	return compare_labels(older, newer, f, err);
}

static const char *mode_word(unsigned mode)
{
	return mode == MODE_SYMLINK   ? "a symbolic link"
	       : mode == MODE_GITLINK ? "a submodule"
				      : "not a regular file";
}

static void check_misfits(const struct plan *plan, struct findings *f)
{
	const struct misfit *m;
	size_t i;

	for (i = 0; i < plan->nr_misfits; i++) {
		m = &plan->misfits[i];
		if (!m->path[0]) {
			findings_add(f, RULE_TYPE, false, NULL,
				     "'%s' cannot hold migrations: it is %s",
				     plan->folder,
				     m->mode == MODE_REGULAR || m->mode == MODE_EXECUTABLE
					     ? "a file"
					     : mode_word(m->mode));
			findings_hint(f, "Commit a real folder in its place.");
		} else if (m->name != NAME_OK) {
			findings_add(f, RULE_NAME, false, m->path,
				     "file '%s/%s' cannot be a migration: %s",
				     plan->folder, m->path,
				     migration_name_reason(m->name));
			findings_hint(f,
				      "Rename it; letters, digits and \"._-\" can stand "
				      "in a name that ends in \".sql\".");
		} else {
			findings_add(f, RULE_TYPE, false, m->path,
				     "'%s/%s' cannot be a migration: it is %s",
				     plan->folder, m->path, mode_word(m->mode));
			findings_hint(f, "Commit the SQL itself as a regular file.");
		}
	}
}

/* Without regard to case, the earlier one first. */
static int cmp_folded(const void *a, const void *b, void *items)
{
	const struct migration *m = items;
	size_t i = *(const size_t *)a, k = *(const size_t *)b;
	int order = strcasecmp(m[i].path, m[k].path);

	return order ? order : (i > k) - (i < k);
}

/* Pairs of paths that are one file where case does not matter. */
static void check_case(const struct plan *plan, size_t from, struct findings *f)
{
	size_t *by_name, i, first = 0;

	if (from >= plan->nr)
		return;
	by_name = xcalloc(plan->nr, sizeof(*by_name));
	for (i = 0; i < plan->nr; i++)
		by_name[i] = i;
	qsort_r(by_name, plan->nr, sizeof(*by_name), cmp_folded, plan->items);
	for (i = 1; i < plan->nr; i++) {
		if (strcasecmp(plan->items[by_name[first]].path,
			       plan->items[by_name[i]].path) != 0) {
			first = i;
			continue;
		}
		if (by_name[i] < from)
			continue;
		findings_add(f, RULE_CASE, false, plan->items[by_name[i]].path,
			     "migrations '%s' and '%s' differ in case alone",
			     plan->items[by_name[first]].path,
			     plan->items[by_name[i]].path);
		findings_hint(f, "Rename the new one: on many machines both are one "
				 "file.");
	}
	free(by_name);
}

static void names_later(struct plan *plan, size_t pos, const char *key,
			const struct resolution *r, struct findings *f)
{
	const char *path = plan->items[pos].path;

	if (r->how == RESOLVE_FOUND && r->pos == pos) {
		findings_add(f, RULE_LATER, false, path,
			     "migration '%s' names itself in \"%s: %s\"", path, key,
			     r->name);
		findings_hint(f, "Name the earlier migration that it is about.");
		return;
	}
	findings_add(f, RULE_LATER, false, path,
		     "\"%s: %s\" of migration '%s' names one that comes later in the "
		     "plan",
		     key, r->name, path);
	findings_hint(f, "A migration can only build on those before it.");
}

static int unresolved(struct plan *plan, size_t pos, const char *key,
		      const struct resolution *r, struct findings *f, struct err *err)
{
	const char *path = plan->items[pos].path;
	ssize_t candidate = -1;
	int other = 0;

	if (r->is_id)
		other = plan->source.is_commit(plan->source.ctx, r->name, err);
	if (other < 0)
		return -1;
	if (other) {
		findings_add(f, RULE_UNRESOLVED, true, path,
			     "\"%s: %s\" of migration '%s' names a commit that brought "
			     "no "
			     "migration",
			     key, r->name, path);
		findings_hint(f, "If a migration was meant, write its path, as \"git "
				 "migrate plan\" prints it.");
		return 0;
	}
	findings_add(
		f, RULE_UNRESOLVED, false, path,
		r->how != RESOLVE_NONE
			? "\"%s: %s\" of migration '%s' is neither a path nor a commit"
			: "\"%s: %s\" of migration '%s' names no migration of the plan",
		key, r->name, path);
	if (plan_by_subject(plan, r->subject, &candidate, err) < 0)
		return -1;
	if (candidate >= 0 && (size_t)candidate < pos)
		findings_hint(f,
			      "Write \"%s: %s\", which was brought by a commit with "
			      "that subject.",
			      key, plan->items[candidate].path);
	else
		findings_hint(f, "Write the path of the migration, as \"git migrate "
				 "plan\" prints it.");
	return 0;
}

static int check_reference(struct plan *plan, size_t pos, const struct trailer *t,
			   struct findings *f, struct err *err)
{
	const char *key = trailer_name(t->key);
	struct resolution r, all;

	plan_resolve(plan, pos, t->value, &r);
	if (r.how == RESOLVE_FOUND || (r.how == RESOLVE_ISSUE && t->key == TRAILER_FIXES))
		return 0;
	if (r.how == RESOLVE_MANY) {
		findings_add(f, RULE_UNRESOLVED, false, plan->items[pos].path,
			     "\"%s: %s\" of migration '%s' names more than one", key,
			     r.name, plan->items[pos].path);
		findings_detail(f, "It could be '%s' or '%s'.", plan->items[r.pos].path,
				plan->items[r.other].path);
		findings_hint(f, "Write the whole path.");
		return 0;
	}
	plan_resolve(plan, plan->nr, t->value, &all);
	if (all.how == RESOLVE_FOUND || all.how == RESOLVE_MANY) {
		names_later(plan, pos, key, &all, f);
		return 0;
	}
	if (r.how != RESOLVE_NONE)
		snprintf(r.name, sizeof(r.name), "%s", t->value);
	return unresolved(plan, pos, key, &r, f, err);
}

static void check_misplaced(const struct migration *m, struct findings *f)
{
	size_t i;

	for (i = 0; i < m->in_message.misplaced_nr; i++) {
		findings_add(f, RULE_MISPLACED, false, m->path,
			     "a trailer of migration '%s' stands where git does not read "
			     "it: \"%s\"",
			     m->path, m->in_message.misplaced[i]);
		findings_hint(f, "Trailers are the last paragraph of the message, with "
				 "nothing else in it.");
	}
}

static void check_unbound(const struct migration *m, struct findings *f)
{
	const struct trailer *t;
	size_t i;

	for (i = 0; m->company > 1 && i < m->in_message.nr; i++) {
		t = &m->in_message.items[i];
		if (t->key == TRAILER_OUT_OF_ORDER)
			continue; /* names its migration itself */
		findings_add(f, RULE_UNBOUND, false, m->path,
			     "\"%s:\" is in the message of a commit that brings %u "
			     "migrations, '%s' among them",
			     trailer_name(t->key), m->company, m->path);
		findings_hint(f,
			      "Commit each migration by itself, or write the line \"-- "
			      "%s: %s\" at the head of the file that it is meant for.",
			      trailer_name(t->key), t->value);
		return;
	}
}

/* "Out-Of-Order: <path> -- <reason>" may name any entry; `path`: who says it, or NULL. */
static void check_permission(const struct plan *plan, const char *path,
			     const struct trailer *t, struct findings *f)
{
	const char *what, *reason;
	struct resolution r;

	trailer_split_reason(&f->pool, t->value, &what, &reason);
	plan_resolve(plan, plan->nr, what, &r);
	if (r.how != RESOLVE_FOUND)
		findings_add(f, RULE_UNRESOLVED, false, path,
			     "\"Out-Of-Order: %s\"%s%s%s names no migration of the plan",
			     what, path ? " of migration '" : "", path ? path : "",
			     path ? "'" : "");
	else if (message_is_unfilled(reason))
		findings_add(f, RULE_REASON, false, path,
			     "\"Out-Of-Order: %s\"%s%s%s gives no reason", what,
			     path ? " of migration '" : "", path ? path : "",
			     path ? "'" : "");
	else
		return;
	findings_hint(f, "Write \"Out-Of-Order: <path> -- <reason>\".");
}

/* "Lint-Waive: <rule> -- <reason>"; which rules there are is for lint to say. */
static void check_waiver(const char *path, const struct trailer *t, struct findings *f)
{
	const char *what, *reason;

	trailer_split_reason(&f->pool, t->value, &what, &reason);
	if (what[0] && !message_is_unfilled(reason))
		return;
	findings_add(f, RULE_REASON, false, path,
		     "\"Lint-Waive: %s\" of migration '%s' %s", what, path,
		     what[0] ? "gives no reason" : "names no rule");
	findings_hint(f,
		      "Write \"Lint-Waive: <rule> -- <reason>\"; the audit counts it.");
}

void policy_message(const struct plan *plan, size_t brought, const char *message,
		    struct findings *f)
{
	struct trailers t = { 0 };
	size_t i;

	if (brought == 1)
		return; /* judged as that migration's */
	trailers_from_message(&t, &f->pool, message, strlen(message));
	for (i = 0; i < t.nr; i++)
		if (t.items[i].key == TRAILER_OUT_OF_ORDER)
			check_permission(plan, NULL, &t.items[i], f);
}

static int check_trailers(struct plan *plan, size_t pos, struct findings *f,
			  struct err *err)
{
	struct migration *m = &plan->items[pos];
	const struct trailer *t;
	const char *mode;
	size_t fixed = 0;
	size_t i;

	if (plan_describe(plan, pos, err) < 0)
		return -1;
	check_misplaced(m, f);
	check_unbound(m, f);
	for (i = 0; i < m->trailers.nr; i++) {
		t = &m->trailers.items[i];
		if (t->key == TRAILER_OUT_OF_ORDER)
			check_permission(plan, m->path, t, f);
		if (t->key == TRAILER_LINT_WAIVE)
			check_waiver(m->path, t, f);
		if (t->key != TRAILER_FIXES && t->key != TRAILER_REQUIRES &&
		    t->key != TRAILER_SUPERSEDES && t->key != TRAILER_PAIRS_WITH &&
		    t->key != TRAILER_CHECKPOINT)
			continue;
		if (check_reference(plan, pos, t, f, err) < 0)
			return -1;
		fixed += t->key == TRAILER_FIXES && !trailer_is_issue(t->value);
	}
	if (fixed > FIXES_MAX) {
		findings_add(f, RULE_UNRESOLVED, false, m->path,
			     "migration '%s' names %zu others in \"Fixes:\", more than "
			     "%d",
			     m->path, fixed, FIXES_MAX);
		findings_hint(f, "Make several migrations of it.");
	}
	mode = trailers_get(&m->trailers, TRAILER_FAILURE_MODE);
	if (fixed && (!mode || message_is_unfilled(mode))) {
		findings_add(f, RULE_FAILURE_MODE, false, m->path,
			     "migration '%s' says what it fixes and not how that failed",
			     m->path);
		findings_hint(f,
			      "Add the trailer \"Failure-Mode: <what went wrong, and why "
			      "this mends it>\" beside \"Fixes:\".");
	}
	return 0;
}

int policy_new_entries(struct plan *plan, size_t from, struct findings *f,
		       struct err *err)
{
	size_t pos;

	check_misfits(plan, f);
	check_case(plan, from, f);
	for (pos = from; pos < plan->nr; pos++)
		if (check_trailers(plan, pos, f, err) < 0)
			return -1;
	return 0;
}
