#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "core/ledger.h"
#include "core/plan.h"
#include "core/policy.h"
#include "flow/audit_asked.h"
#include "flow/audit_story.h"
#include "flow/require.h"
#include "git/config.h"
#include "git/history.h"
#include "git/repo.h"

/* How much of the plan is older than what is asked for: migrate.requireSince. */
static int find_since(struct repo *repo, size_t *from, struct err *err)
{
	const char *rev = config_get(repo_config(repo), "migrate.requiresince");
	struct plan before = { 0 };
	struct oid commit;
	int ret = 0;

	*from = 0;
	if (!rev)
		return 0;
	if (repo_resolve(repo, rev, &commit, err) < 0 ||
	    history_plan(repo, &commit, &before, err) < 0)
		ret = err_wrap(err, "migrate.requireSince");
	*from = before.nr;
	plan_release(&before);
	return ret;
}

/* What ran; what was taken over, or was not needed, nobody had to approve. */
static size_t mark_applied(const struct plan *plan, size_t from, const struct ledger *l,
			   bool *only)
{
	const struct ledger_entry *e;
	size_t pos, nr = 0;

	for (pos = from; pos < plan->nr; pos++) {
		e = ledger_find(l, plan->items[pos].path);
		only[pos] = e && e->settled && e->settled->event == EVENT_APPLIED;
		nr += only[pos];
	}
	return nr;
}

static void note_finding(struct audit *a, const struct ledger *l, const struct finding *f)
{
	const struct ledger_entry *e = f->path ? ledger_find(l, f->path) : NULL;

	audit_note(a, rule_name(f->rule), f->warning ? CHECK_WARNING : CHECK_FAILED,
		   e && e->settled ? e->settled->seq : 0, "%s", f->message);
}

int audit_asked(struct audit *a, struct repo *repo, struct plan *plan,
		const struct ledger *l, struct err *err)
{
	struct findings f = { 0 };
	bool *only = NULL;
	size_t from, i, nr;
	int ret = -1;

	if (!require_is_asked(repo))
		return 0;
	if (find_since(repo, &from, err) < 0)
		return -1;
	only = xcalloc(plan->nr + 1, sizeof(*only));
	nr = mark_applied(plan, from, l, only);
	if (require_landed(repo, plan, only, &f, err) < 0)
		goto out;
	for (i = 0; i < f.nr; i++)
		note_finding(a, l, &f.items[i]);
	if (!f.nr)
		audit_note(a, "asked", CHECK_OK, 0,
			   "%zu applied migrations have the signatures, reviews and "
			   "rehearsals that settings ask for",
			   nr);
	ret = 0;
out:
	findings_release(&f);
	free(only);
	return ret;
}
