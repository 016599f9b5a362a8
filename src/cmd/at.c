#include "base/compat.h"

#include <time.h>

#include "base/err.h"
#include "base/moment.h"
#include "cmd/cmd.h"
#include "flow/at.h"
#include "git/date.h"
#include "out/json.h"
#include "out/table.h"
#include "out/term.h"

static void print_in_force(const struct ctx *ctx, const struct at *a)
{
	struct table *t = table_new(ctx->color);
	size_t i;

	for (i = 0; i < a->nr_in_force; i++) {
		const struct record *r = a->in_force[i];

		table_cell(t, COLOR_NONE, r->field[FIELD_PATH]);
		table_cell(t, COLOR_GREEN, event_name(r->event));
		table_cell(t, COLOR_NONE, r->field[FIELD_AT]);
		table_cell(t, COLOR_NONE, r->field[FIELD_BY]);
		table_row(t);
	}
	if (a->nr_in_force)
		fputc('\n', stdout);
	table_print(t, stdout, 2);
	table_free(t);
}

static void print_fault(struct table *t, const struct at *a, const struct at_fault *f)
{
	const struct migration *of = &a->log.plan.items[f->fix.of];
	const struct migration *fix = &a->log.plan.items[f->fix.fix];
	const char *mode = trailers_get(&fix->trailers, TRAILER_FAILURE_MODE);
	char when[CLOCK_TEXT];

	clock_text(fix->when, when);
	table_cell(t, COLOR_RED, of->path);
	if (f->known)
		table_cellf(t, COLOR_NONE, "fixed by %s since %.10s", fix->path, when);
	else
		table_cellf(t, COLOR_NONE, "fixed by %s on %.10s, not known then",
			    fix->path, when);
	if (f->mended)
		table_cellf(t, COLOR_NONE, "%s here at %s", event_name(f->mended->event),
			    f->mended->field[FIELD_AT]);
	else
		table_cell(t, COLOR_YELLOW, "not applied here until now");
	if (mode)
		table_cell(t, COLOR_DIM, mode);
	table_row(t);
}

/* What became of that log since, where it is not the one of today. */
static void print_lost(const struct at *a)
{
	const char *reason;

	if (!a->lost_by)
		return;
	reason = a->lost_by->field[FIELD_REASON];
	printf("its last record was lost since: record %" PRIu64 " (%s) of %s%s",
	       a->lost_by->seq, event_name(a->lost_by->event),
	       a->lost_by->field[FIELD_AT], reason ? ": " : "");
	if (reason)
		term_print(stdout, reason);
	fputc('\n', stdout);
}

static void print_text(const struct ctx *ctx, const struct at *a)
{
	struct table *t = table_new(ctx->color);
	const struct record *last = ledger_last(&a->ledger);
	size_t i;

	printf("target %s at %s\n", a->target->name, a->moment);
	if (last)
		printf("%zu in force, by record %" PRIu64 " of %s\n", a->nr_in_force,
		       last->seq, last->field[FIELD_AT]);
	else
		printf("it has no record that old\n");
	print_lost(a);
	print_in_force(ctx, a);
	for (i = 0; i < a->nr_faults; i++)
		print_fault(t, a, &a->faults[i]);
	if (a->nr_faults)
		printf("\n%zu fault%s live:\n\n", a->nr_faults,
		       a->nr_faults == 1 ? " was" : "s were");
	table_print(t, stdout, 2);
	table_free(t);
}

static struct js *fault_json(const struct at *a, const struct at_fault *f)
{
	const struct migration *fix = &a->log.plan.items[f->fix.fix];
	struct js *j = js_object();

	js_put_str(j, "path", a->log.plan.items[f->fix.of].path);
	js_put_str(j, "fixed_by", fix->path);
	js_put_str(j, "failure_mode", trailers_get(&fix->trailers, TRAILER_FAILURE_MODE));
	js_put_int(j, "fix_committed", fix->when);
	js_put_bool(j, "known", f->known);
	js_put_str(j, "mended_at", f->mended ? f->mended->field[FIELD_AT] : NULL);
	return j;
}

static void print_json(const struct at *a)
{
	struct js *all = js_object(), *in_force = js_array(), *faults = js_array(), *one;
	const struct record *last = ledger_last(&a->ledger);
	size_t i;

	for (i = 0; i < a->nr_in_force; i++) {
		one = js_object();
		js_put_str(one, "path", a->in_force[i]->field[FIELD_PATH]);
		js_put_str(one, "event", event_name(a->in_force[i]->event));
		js_put_str(one, "at", a->in_force[i]->field[FIELD_AT]);
		js_put_str(one, "by", a->in_force[i]->field[FIELD_BY]);
		js_put_str(one, "record", a->in_force[i]->line);
		js_add(in_force, one);
	}
	for (i = 0; i < a->nr_faults; i++)
		js_add(faults, fault_json(a, &a->faults[i]));
	js_put_str(all, "target", a->target->name);
	js_put_str(all, "moment", a->moment);
	js_put_str(all, "head", last ? last->hash : NULL);
	js_put_str(all, "lost", a->lost_by ? event_name(a->lost_by->event) : NULL);
	js_put_str(all, "broken", a->target->broken);
	js_put(all, "in_force", in_force);
	js_put(all, "faults", faults);
	js_print(all, stdout);
	js_free(all);
}

/* A tag or a commit says when it was made; else nothing is guessed: it is evidence. */
static int find_moment(struct ctx *ctx, const char *text, int64_t *seconds,
		       struct err *err)
{
	int found = text[0] ? repo_date_of(ctx->repo, text, seconds, err) : 0;

	if (found != 0)
		return found < 0 ? -1 : 0;
	if (moment_parse(text, time(NULL), seconds) == 0)
		return 0;
	err_set(err, ERR_USAGE, "'%s' is neither a revision nor a date", text);
	err_hint(err, "usage",
		 "A tag may have to be fetched. A date is written so: 2026-11-22, "
		 "\"2026-11-22 14:00 +0100\", 2026-11-22T14:00:00Z, now, yesterday, \"3 "
		 "days ago\".");
	return -1;
}

int cmd_at(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] (<date> | <tag>)", NULL };
	const char *target = NULL, *rev = NULL;
	bool json = false;
	const struct opt opts[] = {
		{ OPT_STRING, 0, "target", &target, "<target>", "of this one" },
		{ OPT_STRING, 0, "at", &rev, "<rev>",
		  "with the fixes that this commit knows, not HEAD" },
		{ OPT_BOOL, 0, "json", &json, NULL, "JSON" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err), ret = -1;
	int64_t seconds;
	struct at a;

	if (nr < 0 || cmd_at_most(nr, 1, argv, err) < 0)
		return -1;
	if (nr == 0) {
		opt_usage(&usage, ctx->command->name, stderr);
		return err_exit_status(ERR_USAGE);
	}
	if (find_moment(ctx, argv[0], &seconds, err) < 0)
		return -1;
	if (at_read(ctx->repo, rev, target, seconds, &a, err) == 0) {
		if (json)
			print_json(&a);
		else
			print_text(ctx, &a);
		ret = log_check_whole(&a.log, a.target->name, err);
	}
	at_release(&a);
	return ret;
}
