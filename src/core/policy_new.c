#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "core/message.h"
#include "core/plan.h"
#include "core/policy.h"
#include "core/policy_ties.h"

/* As many paths as a record has room for. */
enum { FIXES_MAX = 8 };

static const char *mode_word(unsigned mode)
{
	return mode == MODE_SYMLINK   ? "a symbolic link"
	       : mode == MODE_GITLINK ? "a submodule"
				      : "not a regular file";
}

void policy_misfit(const char *folder, const struct misfit *m, struct findings *f)
{
	if (!m->path[0]) {
		findings_add(f, RULE_TYPE, false, NULL,
			     "'%s' cannot hold migrations: it is %s", folder,
			     m->mode == MODE_REGULAR || m->mode == MODE_EXECUTABLE
				     ? "a file"
				     : mode_word(m->mode));
		findings_hint(f, "Commit a real folder in its place.");
	} else if (m->name != NAME_OK) {
		findings_add(f, RULE_NAME, false, m->path,
			     "file '%s/%s' cannot be a migration: %s", folder, m->path,
			     migration_name_reason(m->name));
		findings_hint(f, "Rename it; letters, digits and \"._-\" can stand in a "
				 "name that ends in \".sql\".");
	} else {
		findings_add(f, RULE_TYPE, false, m->path,
			     "'%s/%s' cannot be a migration: it is %s", folder, m->path,
			     mode_word(m->mode));
		findings_hint(f, "Commit the SQL itself as a regular file.");
	}
}

void policy_same_but_for_case(const char *there, const char *path, struct findings *f)
{
	findings_add(f, RULE_CASE, false, path,
		     "migrations '%s' and '%s' differ in case alone", there, path);
	findings_hint(f, "Rename the new one: on many machines both are one file.");
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
		policy_same_but_for_case(plan->items[by_name[first]].path,
					 plan->items[by_name[i]].path, f);
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
	if (policy_check_ties(plan, pos, f, err) < 0)
		return -1;
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
	size_t i, pos;

	for (i = 0; i < plan->nr_misfits; i++)
		policy_misfit(plan->folder, &plan->misfits[i], f);
	check_case(plan, from, f);
	for (pos = from; pos < plan->nr; pos++)
		if (check_trailers(plan, pos, f, err) < 0)
			return -1;
	return 0;
}

void policy_one_each(const struct plan *plan, size_t from, struct findings *f)
{
	const struct oid *last = NULL;
	const struct migration *m;
	char hex[OID_HEXSZ + 1];
	size_t pos;

	for (pos = from; pos < plan->nr; pos++) {
		m = &plan->items[pos];
		if (m->company < 2 || (last && oid_eq(last, &m->commit)))
			continue;
		last = &m->commit;
		if (oid_is_zero(&m->commit))
			findings_add(f, RULE_SEVERAL, false, m->path,
				     "this commit would bring %u migrations, '%s' among "
				     "them",
				     m->company, m->path);
		else
			findings_add(f, RULE_SEVERAL, false, m->path,
				     "commit %.12s brings %u migrations, '%s' among them",
				     oid_hex(&m->commit, hex), m->company, m->path);
		findings_hint(f, "Commit each migration by itself "
				 "(migrate.oneMigrationPerCommit asks for it).");
	}
}
