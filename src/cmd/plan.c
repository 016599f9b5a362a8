#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/plan_print.h"
#include "core/policy.h"
#include "flow/preview.h"
#include "git/history.h"
#include "git/repo.h"
#include "out/term.h"

struct plan_options {
	bool porcelain, json, graph, verify;
	const char *since, *merge;
};

/* Refuses options that do not go together. 0 or -1. */
static int check_together(const struct plan_options *o, struct err *err)
{
	if (cmd_one_form(o->porcelain, o->json, err) < 0)
		return -1;
	if (o->graph && (o->porcelain || o->json)) {
		err_set(err, ERR_USAGE, "--graph cannot be used with --%s",
			o->json ? "json" : "porcelain");
		err_hint(err, "usage", "The trailers in --json tell what fixes what.");
		return -1;
	}
	if (o->verify && (o->porcelain || o->json || o->graph || o->since || o->merge)) {
		err_set(err, ERR_USAGE, "--verify stands alone");
		err_hint(err, "usage",
			 "It prints no plan: it tells whether the cached "
			 "one is right.");
		return -1;
	}
	return 0;
}

static int verify(struct ctx *ctx, const struct oid *commit, struct err *err)
{
	char id[SHORT_ID + 1];
	size_t nr;
	int ret = preview_verify(ctx->repo, commit, &nr, err);

	if (ret <= 0)
		return -1; /* a difference is a refusal, and says so */
	printf("commit %s: %zu migration%s, and what is cached agrees with the history\n",
	       cmd_short_id(commit, id), nr, plural(nr));
	return 0;
}

static void warn_unknown(struct ctx *ctx, const struct plan *plan)
{
	size_t i, nr = 0;

	for (i = 0; i < plan->nr; i++)
		nr += plan->items[i].order_unknown;
	if (nr < 2)
		return;
	cmd_flush(ctx);
	say_warning(&ctx->say,
		    "the order of %zu migrations lies before what this shallow clone has",
		    nr);
	say_hint(&ctx->say, "shallow",
		 "They stand by name. Bring the history: git fetch --unshallow.");
}

/* As status or apply has kept it, or worked out. 0 or -1. */
static int take_plan(struct repo *repo, const struct oid *commit, struct plan *out,
		     struct err *err)
{
	int known = history_plan_kept(repo, commit, out, err);

	if (known)
		return known < 0 ? -1 : 0;
	return history_plan(repo, commit, out, err);
}

/* What is asked for, worked out: `view` and what speaks against it. */
static int work_out(struct ctx *ctx, const struct plan_options *o, struct preview *p,
		    struct plan_view *view, struct findings *f, struct err *err)
{
	struct repo *repo = ctx->repo;
	struct oid theirs, since;

	if (o->merge) {
		if (repo_resolve(repo, o->merge, &theirs, err) < 0 ||
		    preview_merge(repo, &view->commit, &theirs, p, f, err) < 0)
			return -1;
		view->merging = true;
		view->arriving = p->arriving;
		view->theirs = theirs;
	} else if (take_plan(repo, &view->commit, &p->plan, err) < 0 ||
		   policy_new_entries(&p->plan, p->plan.nr, f, err) < 0) {
		/* files that cannot be migrations are errors wherever they are met */
		return -1;
	}
	view->plan = &p->plan;
	view->shown = xcalloc(p->plan.nr + 1, sizeof(*view->shown));
	memset(view->shown, 1, p->plan.nr * sizeof(*view->shown));
	if (!o->since)
		return 0;
	if (repo_resolve(repo, o->since, &since, err) < 0)
		return -1;
	return preview_since(repo, &p->plan, &since, view->shown, f, err);
}

static int print(struct ctx *ctx, const struct plan_options *o, struct plan_view *view,
		 const struct findings *f, struct err *err)
{
	int ret;

	if (o->json)
		return plan_print_json(view, f, err);
	if (!o->porcelain)
		term_pager_start(ctx->pager);
	ret = o->porcelain ? plan_print_porcelain(view)
			   : plan_print_table(ctx, view, o->graph, err);
	if (ret < 0)
		return -1;
	warn_unknown(ctx, view->plan);
	cmd_flush(ctx);
	cmd_say_findings(ctx, f);
	return 0;
}

int cmd_plan(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] [<rev>]",
					     "--merge <branch> [<options>] [<rev>]",
					     "--verify [<rev>]", NULL };
	struct plan_options o = { 0 };
	const struct opt opts[] = {
		{ OPT_BOOL, 0, "graph", &o.graph, NULL,
		  "draw what fixes or supersedes what" },
		{ OPT_STRING, 0, "since", &o.since, "<rev>",
		  "only what the plan of that commit lacks" },
		{ OPT_STRING, 0, "merge", &o.merge, "<branch>",
		  "the plan if that were merged now, and what would clash" },
		{ OPT_BOOL, 0, "verify", &o.verify, NULL,
		  "compare the cached plan with the history" },
		{ OPT_BOOL, 0, "porcelain", &o.porcelain, NULL, "lines for scripts" },
		{ OPT_BOOL, 0, "json", &o.json, NULL, "JSON" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err), ret = -1;
	struct findings f = { 0 };
	struct preview p = { 0 };
	struct plan_view view = { 0 };
	const char *rev;

	if (nr < 0 || cmd_at_most(nr, 1, argv, err) < 0 || check_together(&o, err) < 0)
		return -1;
	rev = nr ? argv[0] : "HEAD";
	if (repo_resolve(ctx->repo, rev, &view.commit, err) < 0 ||
	    (o.verify && repo_check_shared(ctx->repo, &view.commit, err) < 0) ||
	    repo_load_shared(ctx->repo, &view.commit, err) < 0)
		return -1;
	if (o.verify)
		return verify(ctx, &view.commit, err);
	if (work_out(ctx, &o, &p, &view, &f, err) == 0 &&
	    print(ctx, &o, &view, &f, err) == 0)
		ret = f.errors ? 1 : 0;
	free(view.shown);
	findings_release(&f);
	preview_release(&p);
	return ret;
}
