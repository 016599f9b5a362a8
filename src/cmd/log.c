#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "cmd/cmd.h"
#include "cmd/log_print.h"
#include "out/term.h"

struct log_options {
	const char *target, *since, *until, *author, *format;
	bool fixes, failed, graph, oneline, porcelain, json, reverse;
	int limit;
	char since_text[CLOCK_TEXT], until_text[CLOCK_TEXT];
};

static int make_filter(struct ctx *ctx, struct log_options *o, const struct log *l,
		       struct log_filter *f, struct err *err)
{
	*f = (struct log_filter){ .target = o->target,
				  .author = o->author,
				  .fixes = o->fixes,
				  .failed = o->failed };
	if (cmd_read_bounds(ctx, o->since, o->until, o->since_text, o->until_text, err) <
	    0)
		return -1;
	f->since = o->since ? o->since_text : NULL;
	f->until = o->until ? o->until_text : NULL;
	return !o->target || log_target(l, o->target) ? 0 : cmd_no_mirror(o->target, err);
}

static int print_log(struct ctx *ctx, const struct log_options *o,
		     const struct log_view *v, struct err *err)
{
	if (o->json || o->porcelain) {
		(o->json ? log_print_json : log_print_porcelain)(v);
		return 0;
	}
	term_pager_start(ctx->pager);
	if (o->format)
		return log_print_format(v, o->format, err);
	(o->graph     ? log_print_graph
	 : o->oneline ? log_print_oneline
		      : log_print_text)(ctx, v);
	return 0;
}

/* Reads the records of what is printed. With --graph that is more than a number. */
static int read_records(struct ctx *ctx, const struct log_options *o, struct log *l,
			const struct log_view *v, struct err *err)
{
	const char **paths;
	size_t *order, nr, i;
	int ret;

	if (log_judges_records(v->filter))
		return 0; /* they were read before */
	if (o->limit < 0 || o->graph)
		return log_add_records(ctx->repo, l, NULL, 0, err);
	log_order(v, &order, &nr);
	paths = xcalloc(nr + 1, sizeof(*paths));
	for (i = 0; i < nr; i++)
		paths[i] = l->plan.items[order[i]].path;
	ret = log_add_records(ctx->repo, l, paths, nr, err);
	free(paths);
	free(order);
	return ret;
}

static int show_log(struct ctx *ctx, struct log_options *o, const char *rev,
		    struct err *err)
{
	struct log_filter filter;
	struct log_view view = { .filter = &filter,
				 .limit = o->limit,
				 .reverse = o->reverse };
	bool *shown = NULL;
	struct log l;
	int ret = -1;

	if (log_begin(ctx->repo, rev, &l, err) < 0 ||
	    make_filter(ctx, o, &l, &filter, err) < 0 ||
	    (log_judges_records(&filter) &&
	     log_add_records(ctx->repo, &l, NULL, 0, err) < 0))
		goto out;
	shown = xcalloc(l.plan.nr + 1, sizeof(*shown));
	view.log = &l;
	view.shown = shown;
	if (log_select(&l, &filter, shown, err) == 0 &&
	    read_records(ctx, o, &l, &view, err) == 0)
		ret = print_log(ctx, o, &view, err);
	if (ret == 0)
		ret = log_check_whole(&l, o->target, err);
out:
	free(shown);
	log_release(&l);
	return ret;
}

/* Forms of the same results: one of them. */
static int check_forms(const struct log_options *o, struct err *err)
{
	int forms = o->graph + o->oneline + (o->format != NULL);

	if (cmd_one_form(o->porcelain, o->json, err) < 0)
		return -1;
	if (forms + o->porcelain + o->json <= 1)
		return 0;
	return err_set(err, ERR_USAGE,
		       "--graph, --oneline, --format, --porcelain and --json cannot be "
		       "used together");
}

int cmd_log(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] [<rev>]", NULL };
	struct log_options o = { .limit = -1 };
	const struct opt opts[] = {
		{ OPT_COUNT, 'n', "max-count", &o.limit, "<number>",
		  "show this many, with --graph their fixes too" },
		{ OPT_BOOL, 0, "reverse", &o.reverse, NULL, "oldest first" },
		{ OPT_STRING, 0, "target", &o.target, "<target>",
		  "what this one has records of" },
		{ OPT_STRING, 0, "since", &o.since, "<date>",
		  "what ran (or, where it never did, was committed) since" },
		{ OPT_STRING, 0, "until", &o.until, "<date>", "and until" },
		{ OPT_STRING, 0, "author", &o.author, "<pattern>",
		  "those whose author matches, as in git log" },
		{ OPT_BOOL, 0, "fixes", &o.fixes, NULL, "fixes, and what they fix" },
		{ OPT_BOOL, 0, "failed", &o.failed, NULL, "what has failed somewhere" },
		{ OPT_BOOL, 0, "graph", &o.graph, NULL, "fixes under what they fix" },
		{ OPT_BOOL, 0, "oneline", &o.oneline, NULL, "a line for each" },
		{ OPT_STRING, 0, "format", &o.format, "<format>",
		  "as git log's, with %(path), %(state:<target>) and others" },
		{ OPT_BOOL, 0, "porcelain", &o.porcelain, NULL, "for scripts" },
		{ OPT_BOOL, 0, "json", &o.json, NULL, "JSON" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err);

	if (nr < 0 || cmd_at_most(nr, 1, argv, err) < 0 || check_forms(&o, err) < 0)
		return -1;
	return show_log(ctx, &o, nr ? argv[0] : NULL, err);
}
