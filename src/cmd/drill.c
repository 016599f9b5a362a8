#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/interrupt.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/drill_print.h"
#include "flow/drill.h"
#include "flow/drill_judge.h"
#include "flow/drill_log.h"
#include "out/term.h"

struct drill_ask {
	struct ctx *ctx;
	struct drill_start start;
	enum drill_form form;
};

/* --- what needs no drill ----------------------------------------------- */

static int list(const struct drill_ask *a, struct err *err)
{
	struct drill_catalogue c = { 0 };
	struct drill_log log = { 0 };
	struct pool pool = { 0 };
	int ret = drill_catalogue_read(a->start.engine ? a->start.engine : "sqlite",
				       &pool, &c, err);

	if (ret == 0)
		ret = drill_log_read(a->ctx->repo, &log, err);
	if (ret == 0)
		drill_print_list(a->ctx, a->form, &c, &log);
	drill_log_release(&log);
	drill_catalogue_release(&c);
	pool_release(&pool);
	if (ret < 0)
		return -1;
	cmd_flush(a->ctx);
	if (a->form == DRILL_PEOPLE)
		say_hint(&a->ctx->say, "drill",
			 "\"git migrate drill <incident>\" begins one.");
	return 0;
}

static int show_log(const struct drill_ask *a, struct err *err)
{
	struct drill_log log = { 0 };
	int ret = drill_log_read(a->ctx->repo, &log, err);

	if (ret == 0)
		drill_print_log(a->ctx, a->form, &log);
	cmd_flush(a->ctx);
	if (ret == 0 && !log.nr && a->form == DRILL_PEOPLE)
		say_hint(&a->ctx->say, "drill",
			 "There was none yet; \"git migrate drill list\" shows what can "
			 "be practised.");
	drill_log_release(&log);
	return ret;
}

/* --- beginning --------------------------------------------------------- */

static int refuse_second(const struct drill *d, struct err *err)
{
	err_set(err, ERR_REFUSED, "a drill is under way in '%s'", d->dir);
	err_hint(err, "drill",
		 "Go on there: git migrate drill status. Or give it up: git migrate "
		 "drill abandon");
	return -1;
}

/* A drill that was passed lies about until the next one, for its person to look at. */
static int clear_last(struct ctx *ctx, struct err *err)
{
	struct drill last;
	char *here = getcwd(NULL, 0);
	int ret = drill_find_active(ctx->repo, &last, err);

	if (ret == 0)
		ret = last.ended ? drill_remove(&last, err) : refuse_second(&last, err);
	else if (ret > 0)
		ret = 0;
	drill_release(&last);
	if (ret == 0 && here && chdir(here) < 0)
		ret = err_errno(err, ERR_FATAL, "could not go back to '%s'", here);
	free(here);
	return ret;
}

static void say_begun(struct ctx *ctx, const struct drill *d)
{
	cmd_flush(ctx);
	say_hint(&ctx->say, "drill", "The clock runs: cd %s && git migrate status",
		 d->dir);
	say_hint(&ctx->say, "drill",
		 "There, \"git migrate drill status\" tries the application again,");
	say_hint(&ctx->say, "drill",
		 "\"git migrate drill hint\" helps, and \"git migrate drill check\" "
		 "judges.");
}

static int begin(const struct drill_ask *a, struct err *err)
{
	struct drill_judgement j = { 0 };
	struct drill d;
	int ret = clear_last(a->ctx, err);

	if (ret < 0)
		return -1;
	ret = drill_begin(a->ctx->repo, &a->start, &d, err);
	if (ret == 0)
		ret = drill_try_application(&d, &j, err);
	if (ret == 0 && a->form == DRILL_JSON) {
		drill_print_json(&d, &j);
	} else if (ret == 0) {
		drill_print_story(a->ctx, &d);
		drill_print_verdicts(a->ctx, &j, true);
		say_begun(a->ctx, &d);
	}
	drill_judgement_release(&j);
	drill_release(&d);
	return ret;
}

/* --- one that is under way --------------------------------------------- */

static int no_drill(struct err *err)
{
	err_set(err, ERR_REFUSED, "no drill is under way");
	err_hint(err, "drill",
		 "\"git migrate drill list\" shows what can be practised; \"git migrate "
		 "drill <incident>\" begins it.");
	return -1;
}

static void print_clock(const struct drill *d)
{
	struct buf time = BUF_INIT;

	drill_clock(&time, drill_seconds(d));
	printf("%s: %s, %s, %zu hint%s\n", d->incident->name,
	       d->ended ? "passed" : "under way", time.s, d->hints, plural(d->hints));
	buf_release(&time);
}

static int status(struct drill_ask *a, struct drill *d, struct err *err)
{
	struct drill_judgement j = { 0 };
	int ret;

	interrupt_watch(); /* what is made for a try goes again */
	ret = drill_try_application(d, &j, err);
	if (ret == 0 && a->form == DRILL_JSON) {
		drill_print_json(d, &j);
	} else if (ret == 0) {
		print_clock(d);
		putchar('\n');
		drill_print_story(a->ctx, d);
		drill_print_verdicts(a->ctx, &j, true);
	}
	drill_judgement_release(&j);
	return ret;
}

/* What the person asks for next; behind the last one there is the answer. */
static int hint(struct drill_ask *a, struct drill *d, struct err *err)
{
	const struct drill_part *p = NULL;
	size_t i;

	for (i = 0; i <= d->hints; i++) {
		p = drill_next(d->incident, DRILL_HINT, p);
		if (!p)
			break;
	}
	if (p)
		printf("%s\n", p->text);
	cmd_flush(a->ctx);
	if (!p || !drill_next(d->incident, DRILL_HINT, p))
		say_hint(&a->ctx->say, "drill",
			 "There is no further one; \"git migrate drill answer\" shows "
			 "one way to do it.");
	return p && !d->ended ? drill_count_hints(d, d->hints + 1, err) : 0;
}

/* Counts as all hints and one more. */
static int answer(struct drill_ask *a, struct drill *d, struct err *err)
{
	const struct drill_part *p = NULL;
	size_t nr = 1;
	bool any = false;

	while ((p = drill_next(d->incident, DRILL_HINT, p)))
		nr++;
	while ((p = drill_next(d->incident, DRILL_MODEL, p))) {
		printf("%s-- in migrations/%s: %s\n%s\n", any ? "\n" : "", p->name,
		       p->about, p->text);
		any = true;
	}
	cmd_flush(a->ctx);
	if (any)
		say_hint(&a->ctx->say, "drill",
			 "Write it, commit each file by itself, and run it: git migrate "
			 "apply");
	else
		say_hint(&a->ctx->say, "drill",
			 "Nothing has to be written: git migrate apply");
	return d->ended ? 0 : drill_count_hints(d, nr, err);
}

static int passed(struct drill_ask *a, struct drill *d, struct drill_judgement *j,
		  struct err *err)
{
	bool before = d->ended != NULL;

	if (!before && drill_end(d, "passed", err) < 0)
		return -1;
	if (a->form == DRILL_JSON) {
		drill_print_json(d, j);
		return 0;
	}
	drill_print_verdicts(a->ctx, j, true);
	putchar('\n');
	print_clock(d);
	cmd_flush(a->ctx);
	if (!before)
		say_hint(&a->ctx->say, "drill",
			 "It is noted; \"git migrate drill log\" shows it. Folder and "
			 "database stay until \"git migrate drill abandon\" or the next "
			 "drill.");
	return 0;
}

static int check(struct drill_ask *a, struct drill *d, struct err *err)
{
	struct drill_judgement j = { 0 };
	int ret;

	interrupt_watch();
	ret = drill_judge(d, &j, err);
	if (ret == 0 && !j.failed) {
		ret = passed(a, d, &j, err);
	} else if (ret == 0) {
		if (a->form == DRILL_JSON)
			drill_print_json(d, &j);
		else
			drill_print_verdicts(a->ctx, &j, false);
		cmd_flush(a->ctx);
		err_set(err, ERR_REFUSED, "not yet: %zu of %zu checks fail", j.failed,
			j.nr);
		err_hint(err, "drill",
			 "The clock runs on. What is there stays; what comes next is a "
			 "further commit. \"git migrate drill hint\" helps.");
		ret = -1;
	}
	drill_judgement_release(&j);
	return ret;
}

static int abandon(struct drill_ask *a, struct drill *d, struct err *err)
{
	if (!d->ended && d->incident && drill_end(d, "abandoned", err) < 0)
		return -1;
	if (drill_remove(d, err) < 0)
		return -1;
	printf("removed the drill in ");
	term_print(stdout, d->dir);
	putchar('\n');
	cmd_flush(a->ctx);
	if (d->home)
		say_hint(&a->ctx->say, "drill", "Where you came from: cd %s", d->home);
	return 0;
}

static int with_drill(struct drill_ask *a,
		      int (*run)(struct drill_ask *, struct drill *, struct err *),
		      struct err *err)
{
	struct drill d;
	int ret = drill_find_active(a->ctx->repo, &d, err);

	if (ret > 0)
		ret = no_drill(err);
	else if (ret == 0)
		ret = run(a, &d, err);
	else if (run == abandon && d.dir && !d.incident) /* it was made in part */
		ret = abandon(a, &d, err);
	drill_release(&d);
	return ret;
}

/* --- the command ------------------------------------------------------- */

/* Whoever removes the folder by hand has given the drill up. */
static int note_lost(struct drill_ask *a, struct err *err)
{
	struct drill d;
	int ret = drill_note_lost(a->ctx->repo, &d, err);

	if (ret > 0)
		say_warning(&a->ctx->say,
			    "the folder '%s' is gone: drill '%s' is noted as abandoned",
			    d.dir, d.incident->name);
	drill_release(&d);
	return ret < 0 ? -1 : 0;
}

static int run(struct drill_ask *a, const char *what, struct err *err)
{
	static const struct {
		const char *word;
		int (*run)(struct drill_ask *, struct drill *, struct err *);
		bool has_json;
	} verbs[] = { { "status", status, true },
		      { "hint", hint, false },
		      { "answer", answer, false },
		      { "check", check, true },
		      { "abandon", abandon, false } };
	size_t i;

	if (note_lost(a, err) < 0)
		return -1;
	if (!what || strcmp(what, "list") == 0)
		return list(a, err);
	if (strcmp(what, "log") == 0)
		return show_log(a, err);
	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(what, verbs[i].word) != 0)
			continue;
		if (a->form == DRILL_PORCELAIN ||
		    (a->form == DRILL_JSON && !verbs[i].has_json))
			return err_set(err, ERR_USAGE, "'drill %s' is for people alone",
				       what);
		return with_drill(a, verbs[i].run, err);
	}
	a->start.incident = what;
	return begin(a, err);
}

int cmd_drill(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = {
		"[list] [--porcelain | --json]",
		"<incident> [--on <url>] [--dir <folder>] [--json]",
		"status | hint | answer | check | abandon", "log [--porcelain | --json]",
		NULL
	};
	struct drill_ask a = { .ctx = ctx };
	bool porcelain = false, json = false;
	const struct opt opts[] = {
		{ OPT_STRING, 0, "engine", &a.start.engine, "<engine>",
		  "sqlite or postgresql (default: by --on)" },
		{ OPT_STRING, 0, "on", &a.start.on, "<url>",
		  "a PostgreSQL server on which a database may be made; else one of its "
		  "own" },
		{ OPT_STRING, 0, "dir", &a.start.dir, "<folder>",
		  "where to make the drill (default: a new one for temporary files)" },
		{ OPT_BOOL, 0, "porcelain", &porcelain, NULL,
		  "list, log: lines for scripts" },
		{ OPT_BOOL, 0, "json", &json, NULL, "JSON" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err);

	if (nr < 0 || cmd_one_form(porcelain, json, err) < 0 ||
	    cmd_at_most(nr, 1, argv, err) < 0)
		return -1;
	a.form = json ? DRILL_JSON : porcelain ? DRILL_PORCELAIN : DRILL_PEOPLE;
	return run(&a, nr ? argv[0] : NULL, err);
}
