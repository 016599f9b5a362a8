#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/report_print.h"

struct report_options {
	const char *target, *since, *until, *output, *rev;
	bool csv, json, markdown;
};

static void print_report(const struct report_options *o, const struct report *r, FILE *to)
{
	char now[CLOCK_TEXT];

	clock_utc(now);
	if (o->csv)
		report_print_csv(r, to);
	else if (o->json)
		report_print_json(r, now, to);
	else if (o->markdown)
		report_print_markdown(r, now, to);
	else
		report_print_html(r, now, to);
}

static int write_file(const struct report_options *o, const struct report *r,
		      struct err *err)
{
	FILE *to = fopen(o->output, "we");
	int bad;

	if (!to)
		return err_errno(err, ERR_FATAL, "could not write '%s'", o->output);
	print_report(o, r, to);
	bad = ferror(to);
	if (fclose(to) != 0 || bad)
		return err_errno(err, ERR_FATAL, "could not write '%s'", o->output);
	return 0;
}

static int show_report(struct ctx *ctx, const struct report_options *o, struct err *err)
{
	char since[CLOCK_TEXT], until[CLOCK_TEXT];
	struct log_filter filter = { .target = o->target };
	struct report r;
	int ret = -1;

	if (cmd_read_bounds(ctx, o->since, o->until, since, until, err) < 0)
		return -1;
	filter.since = o->since ? since : NULL;
	filter.until = o->until ? until : NULL;
	if (report_read(ctx->repo, o->rev, &filter, &r, err) == 0) {
		if (o->target && !log_target(&r.log, o->target)) {
			ret = cmd_no_mirror(o->target, err);
		} else if (o->output) {
			ret = write_file(o, &r, err);
		} else {
			print_report(o, &r, stdout);
			ret = 0;
		}
		if (ret == 0)
			ret = log_check_whole(&r.log, o->target, err);
	}
	report_release(&r);
	return ret;
}

int cmd_report(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>]", NULL };
	struct report_options o = { 0 };
	const struct opt opts[] = {
		{ OPT_STRING, 'o', "output", &o.output, "<file>",
		  "write there, not to standard output" },
		{ OPT_STRING, 0, "target", &o.target, "<target>", "of this one alone" },
		{ OPT_STRING, 0, "since", &o.since, "<date>", "records since" },
		{ OPT_STRING, 0, "until", &o.until, "<date>", "and until" },
		{ OPT_STRING, 0, "at", &o.rev, "<rev>",
		  "the plan of this commit, not HEAD's" },
		{ OPT_BOOL, 0, "csv", &o.csv, NULL, "a row for each record" },
		{ OPT_BOOL, 0, "json", &o.json, NULL, "JSON" },
		{ OPT_BOOL, 0, "markdown", &o.markdown, NULL, "Markdown" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err);

	if (nr < 0 || cmd_at_most(nr, 0, argv, err) < 0)
		return -1;
	if (o.csv + o.json + o.markdown > 1)
		return err_set(err, ERR_USAGE,
			       "--csv, --json and --markdown cannot be used together");
	return show_report(ctx, &o, err);
}
