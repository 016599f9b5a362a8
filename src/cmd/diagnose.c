#include "base/compat.h"

#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/decide_print.h"
#include "flow/decide.h"
#include "out/json.h"
#include "out/term.h"

enum form { FORM_PEOPLE, FORM_PORCELAIN, FORM_JSON };

/* --- words, frozen ----------------------------------------------------- */

static const char *state_word(const struct diagnosis *d)
{
	switch (d->state) {
	case DIAGNOSIS_PENDING:
		return d->newest.event == EVENT_FAILED ? "failed" : "pending";
	case DIAGNOSIS_SETTLED:
		return event_name(d->newest.event);
	case DIAGNOSIS_OPEN:
		return "open";
	}
	BUG("unhandled state %d", (int)d->state);
}

static const char *evidence_word(const struct diagnosis *d)
{
	if (!d->looked)
		return "-";
	switch (d->evidence) {
	case DB_FINISHED:
		return "finished";
	case DB_ABSENT:
		return "absent";
	case DB_HALF:
		return "half";
	case DB_RUNNING:
		return "running";
	case DB_REPEAT:
		return "repeat";
	case DB_UNKNOWN:
		return "unknown";
	}
	BUG("unhandled evidence %d", (int)d->evidence);
}

/* --- for people -------------------------------------------------------- */

static void print_part(const char *before, const char *value)
{
	if (!value)
		return;
	fputs(before, stdout);
	term_print(stdout, value);
}

static bool is_about(const struct diagnosis *d, const struct record *r)
{
	return r->field[FIELD_PATH] && strcmp(r->field[FIELD_PATH], d->path) == 0;
}

static void print_log(const struct ctx *ctx, const struct diagnosis *d)
{
	const struct ledger *l = &d->survey.target.ledger;
	const struct record *r;
	size_t i;

	for (i = 0; i < l->nr; i++) {
		r = &l->records[i];
		if (!is_about(d, r))
			continue;
		printf("  %s%-9s%s at %s by ",
		       term_color(ctx->color,
				  event_settles(r->event) ? COLOR_GREEN : COLOR_YELLOW),
		       event_name(r->event), term_reset(ctx->color), r->field[FIELD_AT]);
		term_print(stdout, r->field[FIELD_BY]);
		printf(", record %" PRIu64 ", run %.12s", r->seq, r->field[FIELD_RUN]);
		print_part(", sqlstate ", r->field[FIELD_SQLSTATE]);
		print_part(", line ", r->field[FIELD_LINE]);
		print_part(": ", r->field[FIELD_REASON]);
		printf("\n");
	}
	if (!d->newest.seq)
		printf("  the log says nothing of it\n");
}

/* What follows for one that stays open. */
static const char *meaning(const struct diagnosis *d)
{
	switch (d->evidence) {
	case DB_FINISHED:
		return "it has taken effect";
	case DB_ABSENT:
		return d->as_begun ? "nothing of it is there: the next apply runs it"
				   : "nothing of it is there";
	case DB_HALF:
		return d->as_begun ? "a part of it is there: the next apply mends that, "
				     "and runs it"
				   : "a part of it is there";
	case DB_RUNNING:
		return "it is still at work";
	case DB_REPEAT:
		if (d->batched)
			return d->as_begun
				       ? "the next apply goes on behind the last batch"
				       : "a part of its batches is done at most";
		return d->as_begun ? "it can be run again: the next apply does"
				   : "it can be run again";
	case DB_UNKNOWN:
		return "whether it has taken effect cannot be told: a person must decide";
	}
	BUG("unhandled evidence %d", (int)d->evidence);
}

static void print_conclusion(const struct diagnosis *d)
{
	if (d->recorded.seq)
		printf("recorded as %s: record %" PRIu64 " %s\n",
		       event_name(d->recorded.event), d->recorded.seq, d->recorded.hash);
	else if (d->looked)
		printf("%s\n", meaning(d));
	else
		printf("nothing is to be settled\n");
}

static void print_people(const struct ctx *ctx, const struct diagnosis *d)
{
	printf("migration %s on target ", d->path);
	term_print(stdout, d->survey.target.name);
	printf(": %s\n", state_word(d));
	print_log(ctx, d);
	if (d->looked) {
		printf("in the database: ");
		term_print(stdout, d->seen.s);
		printf("\n");
	}
	print_conclusion(d);
}

/* --- for programs ------------------------------------------------------ */

static struct js *records_json(const struct diagnosis *d)
{
	const struct ledger *l = &d->survey.target.ledger;
	struct js *array = js_array(), *j;
	const struct record *r;
	size_t i;

	for (i = 0; i < l->nr; i++) {
		r = &l->records[i];
		if (!is_about(d, r))
			continue;
		j = js_object();
		js_put_int(j, "seq", (int64_t)r->seq);
		js_put_str(j, "event", event_name(r->event));
		js_put_str(j, "at", r->field[FIELD_AT]);
		js_put_str(j, "by", r->field[FIELD_BY]);
		js_put_str(j, "run", r->field[FIELD_RUN]);
		js_put_str(j, "sqlstate", r->field[FIELD_SQLSTATE]);
		if (r->field[FIELD_LINE])
			js_put_int(j, "line", strtoll(r->field[FIELD_LINE], NULL, 10));
		js_put_str(j, "reason", r->field[FIELD_REASON]);
		js_put_str(j, "record", r->line);
		js_add(array, j);
	}
	return array;
}

static void print_json(const struct diagnosis *d, const struct decide *way)
{
	struct js *j = js_object();

	js_put_str(j, "target", d->survey.target.name);
	js_put_str(j, "path", d->path);
	js_put_str(j, "state", state_word(d));
	js_put_str(j, "evidence", d->looked ? evidence_word(d) : NULL);
	js_put_str(j, "seen", d->looked ? d->seen.s : NULL);
	js_put_str(j, "recorded", d->recorded.line);
	js_put(j, "records", records_json(d));
	decide_json(way, j);
	js_print(j, stdout);
	js_free(j);
}

static void print_porcelain(const struct diagnosis *d)
{
	printf("%s %s %s %" PRIu64 " %s\n", d->survey.target.name, state_word(d),
	       evidence_word(d), d->newest.seq, d->path);
}

/* --- the command ------------------------------------------------------- */

static void say_unmirrored(struct ctx *ctx, struct diagnosis *d)
{
	say_warning(&ctx->say, "the mirror was not written: %s", d->unmirrored.message);
	say_hint(&ctx->say, "mirror",
		 "The record is in the tracker; the next \"git migrate apply%s\" writes "
		 "it.",
		 target_argument(&d->survey.target));
}

/* Whether somebody has to do something else before apply can go on. */
static bool is_stuck(const struct diagnosis *d)
{
	return d->state == DIAGNOSIS_OPEN &&
	       (!d->as_begun || d->evidence == DB_RUNNING || d->evidence == DB_UNKNOWN);
}

static int show(struct ctx *ctx, struct diagnosis *d, const struct decide *way,
		enum form form)
{
	switch (form) {
	case FORM_PEOPLE:
		print_people(ctx, d);
		if (way)
			decide_print(ctx, way);
		break;
	case FORM_PORCELAIN:
		print_porcelain(d);
		break;
	case FORM_JSON:
		print_json(d, way);
		break;
	}
	cmd_flush(ctx);
	if (d->unmirrored.code)
		say_unmirrored(ctx, d);
	return is_stuck(d);
}

/* Looks, and finds the way unless a person has just said it, or a script asks. */
static int look(struct ctx *ctx, const struct diagnose_options *o, enum form form,
		struct err *err)
{
	struct diagnosis d;
	struct decide_person person = { .ctx = ctx, .d = &d };
	const struct decide_options how = {
		.ask = form == FORM_PEOPLE && decide_can_ask() ? decide_ask : NULL,
		.arg = &person,
	};
	struct decide way;
	int ret = diagnose(ctx->repo, o, &d, err);

	if (ret == 0 && (form == FORM_PORCELAIN || o->wish != DIAGNOSE_LOOK)) {
		ret = show(ctx, &d, NULL, form);
	} else if (ret == 0) {
		ret = decide(ctx->repo, &d, &how, &way, err);
		if (ret == 0)
			ret = show(ctx, &d, &way, form);
		decide_release(&way);
	}
	diagnosis_release(&d);
	return ret;
}

/* What a person decides is worth nothing without the reason. 0 or -1. */
static int check_reason(const struct diagnose_options *o, struct err *err)
{
	const char *decision = o->wish == DIAGNOSE_ABANDON ? "--abandon" : "--finished";
	bool is_default = strcmp(o->target, "default") == 0;
	bool said = o->reason && o->reason[strspn(o->reason, " \t\n")];

	if (o->wish == DIAGNOSE_LOOK && o->reason) {
		err_set(err, ERR_USAGE, "--reason goes with --abandon or --finished");
		err_hint(err, "usage", "\"git migrate diagnose -h\" lists the options.");
		return -1;
	}
	if (o->wish == DIAGNOSE_LOOK || said)
		return 0;
	err_set(err, ERR_USAGE, "%s wants a reason", decision);
	err_hint(err, "usage",
		 "Say how you know, for the log: git migrate diagnose %s --reason "
		 "\"...\" "
		 "%s%s%s",
		 decision, is_default ? "" : o->target, is_default ? "" : " ",
		 o->migration ? o->migration : "<migration>");
	return -1;
}

static int read_wish(bool abandon, bool finished, struct diagnose_options *o,
		     struct err *err)
{
	o->wish = abandon ? DIAGNOSE_ABANDON : finished ? DIAGNOSE_FINISHED : o->wish;
	if (!abandon || !finished)
		return check_reason(o, err);
	err_set(err, ERR_USAGE, "--abandon and --finished cannot be used together");
	err_hint(err, "usage",
		 "The one says that it is to be run, the other that it has run.");
	return -1;
}

static int is_name(void *arg, const char *name)
{
	return strcmp(arg, name) == 0;
}

/* One name alone is a migration, unless a target is called so. */
static void read_names(struct ctx *ctx, int nr, char **argv, struct diagnose_options *o)
{
	bool target = nr == 2 || (nr == 1 && cmd_each_target(ctx, is_name, argv[0]) != 0);

	if (target)
		o->target = argv[0];
	if (nr == 2 || (nr == 1 && !target))
		o->migration = argv[nr - 1];
}

int cmd_diagnose(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] [<target>] [<migration>]",
					     NULL };
	bool abandon = false, finished = false, porcelain = false, json = false;
	struct diagnose_options o = { .target = "default" };
	const struct opt opts[] = {
		{ OPT_BOOL, 0, "abandon", &abandon, NULL,
		  "close one that was begun: it is pending again" },
		{ OPT_BOOL, 0, "finished", &finished, NULL,
		  "vouch that one that was begun has taken effect" },
		{ OPT_STRING, 0, "reason", &o.reason, "<text>",
		  "how you know, for the log" },
		{ OPT_BOOL, 0, "porcelain", &porcelain, NULL, "a line for scripts" },
		{ OPT_BOOL, 0, "json", &json, NULL, "JSON" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err);

	if (nr < 0 || cmd_one_form(porcelain, json, err) < 0 ||
	    cmd_at_most(nr, 2, argv, err) < 0)
		return -1;
	read_names(ctx, nr, argv, &o);
	if (read_wish(abandon, finished, &o, err) < 0)
		return -1;
	return look(ctx, &o,
		    json	? FORM_JSON
		    : porcelain ? FORM_PORCELAIN
				: FORM_PEOPLE,
		    err);
}
