#include "base/compat.h"

#include "base/err.h"
#include "cmd/cmd.h"
#include "core/plan.h"
#include "core/policy.h"
#include "git/history.h"
#include "git/repo.h"
#include "out/json.h"
#include "out/table.h"

static int print_porcelain(const struct plan *plan)
{
	char blob[OID_HEXSZ + 1], commit[OID_HEXSZ + 1], arrival[OID_HEXSZ + 1];
	const struct migration *m;
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		m = &plan->items[i];
		printf("%zu %s %s %s %s\n", i + 1, oid_hex(&m->blob, blob),
		       oid_hex(&m->commit, commit), oid_hex(&m->arrival, arrival),
		       m->path);
	}
	return 0;
}

static int print_table(struct ctx *ctx, struct plan *plan, struct err *err)
{
	struct table *t = table_new(ctx->color);
	char commit[SHORT_ID + 1];
	const char *fixes;
	size_t i;
	int ret = 0;

	for (i = 0; i < plan->nr && ret == 0; i++) {
		ret = plan_describe(plan, i, err);
		if (ret < 0)
			break;
		fixes = trailers_get(&plan->items[i].trailers, TRAILER_FIXES);
		table_cellf(t, COLOR_DIM, "%zu", i + 1);
		table_cell(t, COLOR_NONE, plan->items[i].path);
		table_cell(t, COLOR_DIM, cmd_short_id(&plan->items[i].commit, commit));
		if (fixes)
			table_cellf(t, COLOR_CYAN, "fixes %s", fixes);
		else
			table_cell(t, COLOR_NONE, plan->items[i].subject);
		table_row(t);
	}
	if (ret == 0)
		table_print(t, stdout, 0);
	table_free(t);
	return ret;
}

static struct js *trailers_json(const struct trailers *t)
{
	struct js *all = js_array(), *one;
	size_t i;

	for (i = 0; i < t->nr; i++) {
		one = js_object();
		js_put_str(one, "key", trailer_name(t->items[i].key));
		js_put_str(one, "value", t->items[i].value);
		js_add(all, one);
	}
	return all;
}

static int print_json(struct plan *plan, struct err *err)
{
	struct js *j = js_object(), *entries = js_array(), *one;
	char hex[OID_HEXSZ + 1];
	int ret = 0;
	size_t i;

	js_put_str(j, "commit", oid_hex(&plan->head, hex));
	js_put_str(j, "folder", plan->folder);
	for (i = 0; i < plan->nr && ret == 0; i++) {
		const struct migration *m = &plan->items[i];

		ret = plan_describe(plan, i, err);
		one = js_object();
		js_put_str(one, "path", m->path);
		js_put_str(one, "blob", oid_hex(&m->blob, hex));
		js_put_str(one, "commit", oid_hex(&m->commit, hex));
		js_put_str(one, "arrival", oid_hex(&m->arrival, hex));
		js_put_bool(one, "order_unknown", m->order_unknown);
		js_put_str(one, "subject", m->subject);
		js_put(one, "trailers", trailers_json(&m->trailers));
		js_add(entries, one);
	}
	js_put(j, "migrations", entries);
	if (ret == 0)
		js_print(j, stdout);
	js_free(j);
	return ret;
}

int cmd_plan(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] [<rev>]", NULL };
	bool porcelain = false, json = false;
	const struct opt opts[] = {
		{ OPT_BOOL, 0, "porcelain", &porcelain, NULL, "lines for scripts" },
		{ OPT_BOOL, 0, "json", &json, NULL, "JSON" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err), ret = -1;
	struct findings f = { 0 };
	struct plan plan = { 0 };
	struct oid commit;

	if (nr < 0 || cmd_at_most(nr, 1, argv, err) < 0 ||
	    cmd_one_form(porcelain, json, err) < 0 ||
	    repo_resolve(ctx->repo, nr ? argv[0] : "HEAD", &commit, err) < 0 ||
	    repo_load_shared(ctx->repo, &commit, err) < 0 ||
	    history_plan(ctx->repo, &commit, &plan, err) < 0)
		return -1;
	if (json)
		ret = print_json(&plan, err);
	else if (porcelain)
		ret = print_porcelain(&plan);
	else
		ret = print_table(ctx, &plan, err);
	/* files that cannot be migrations are errors wherever they are met */
	if (ret == 0 && policy_new_entries(&plan, plan.nr, &f, err) < 0)
		ret = -1;
	if (ret == 0 && f.errors) {
		cmd_flush(ctx);
		cmd_say_findings(ctx, &f);
		ret = 1;
	}
	findings_release(&f);
	plan_release(&plan);
	return ret;
}
