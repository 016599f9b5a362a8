#include "base/compat.h"

#include "base/err.h"
#include "cmd/cmd.h"
#include "flow/audit.h"
#include "out/json.h"
#include "out/term.h"

static const char *result_word(enum check_result r)
{
	switch (r) {
	case CHECK_OK:
		return "ok";
	case CHECK_WARNING:
		return "warning";
	case CHECK_FAILED:
		return "failed";
	}
	BUG("unhandled result %d", (int)r);
}

static void print_people(struct ctx *ctx, const char *target, const struct audit *a)
{
	static const enum color colors[] = { COLOR_GREEN, COLOR_YELLOW, COLOR_RED };
	const struct audit_check *c;
	size_t i;

	printf("target %s\n", target);
	for (i = 0; i < a->nr; i++) {
		c = &a->checks[i];
		printf("  %s%-7s%s  %-14s  ", term_color(ctx->color, colors[c->result]),
		       result_word(c->result), term_reset(ctx->color), c->id);
		term_print(stdout, c->message);
		printf("\n");
	}
	if (a->head[0])
		printf("head: %s\n", a->head);
}

static void print_porcelain(const char *target, const struct audit *a)
{
	size_t i;

	for (i = 0; i < a->nr; i++) {
		printf("%s %s %s %" PRIu64 " ", target, result_word(a->checks[i].result),
		       a->checks[i].id, a->checks[i].seq);
		term_print(stdout, a->checks[i].message);
		printf("\n");
	}
}

static struct js *audit_json(const char *target, const struct audit *a)
{
	struct js *j = js_object(), *checks = js_array(), *c;
	size_t i;

	js_put_str(j, "target", target);
	js_put_int(j, "records", (int64_t)a->records);
	js_put_str(j, "head", a->head[0] ? a->head : NULL);
	js_put_bool(j, "sound", a->failed == 0);
	for (i = 0; i < a->nr; i++) {
		c = js_object();
		js_put_str(c, "id", a->checks[i].id);
		js_put_str(c, "result", result_word(a->checks[i].result));
		if (a->checks[i].seq)
			js_put_int(c, "seq", (int64_t)a->checks[i].seq);
		js_put_str(c, "message", a->checks[i].message);
		js_add(checks, c);
	}
	js_put(j, "checks", checks);
	return j;
}

int cmd_audit(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] [<target>...]", NULL };
	struct audit_options o = { 0 };
	bool porcelain = false, json = false;
	const struct opt opts[] = {
		{ OPT_STRING, 0, "at", &o.rev, "<rev>",
		  "the plan of this commit, not HEAD's" },
		{ OPT_BOOL, 0, "offline", &o.offline, NULL,
		  "ask no database: what the mirror says, against plan and history" },
		{ OPT_BOOL, 0, "full", &o.full, NULL,
		  "all of the mirror's history, also what was in order before" },
		{ OPT_BOOL, 0, "porcelain", &porcelain, NULL, "lines for scripts" },
		{ OPT_BOOL, 0, "json", &json, NULL, "JSON" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err), i, ret = 0;
	static char fallback[] = "default";
	struct audit a;
	struct js *all;

	if (nr < 0 || cmd_one_form(porcelain, json, err) < 0)
		return -1;
	if (nr == 0)
		argv[nr++] = fallback;
	all = js_array();
	for (i = 0; i < nr && ret >= 0; i++) {
		o.target.name = argv[i];
		if (audit_run(ctx->repo, &o, &a, err) < 0)
			ret = -1;
		else if (json)
			js_add(all, audit_json(argv[i], &a));
		else if (porcelain)
			print_porcelain(argv[i], &a);
		else
			print_people(ctx, argv[i], &a);
		if (ret >= 0 && a.failed)
			ret = 1;
		audit_release(&a);
	}
	if (ret >= 0 && json)
		js_print(all, stdout);
	js_free(all);
	return ret;
}
