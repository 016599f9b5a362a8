#include "base/compat.h"

#include <signal.h>

#include "base/err.h"
#include "base/interrupt.h"
#include "base/io.h"
#include "base/text.h"
#include "base/vec.h"
#include "cmd/cmd.h"
#include "flow/apply.h"
#include "flow/mirror.h"
#include "flow/sync.h"
#include "flow/worktree.h"
#include "git/config.h"
#include "git/repo.h"
#include "out/json.h"
#include "out/progress.h"
#include "out/term.h"

enum { SQLSTATE_LEN = 5 }; /* codes of SQLite are shorter or numbers of their own */

enum form { FORM_PEOPLE, FORM_PORCELAIN, FORM_JSON };

/* A statement of a migration that has not ended yet. */
struct timed {
	const struct migration *migration;
	unsigned line;
	int64_t ms;
};

/* How one run over one target is told. */
struct telling {
	struct ctx *ctx;
	enum form form;
	bool dry_run;
	const char *target;
	const char *shown;
	struct js *entries;  /* FORM_JSON */
	const char *running; /* path of the migration whose notices may come */
	struct progress progress;
	struct timed *timed; /* FORM_JSON: of what runs */
	size_t nr_timed, alloc_timed;
	struct js *touched;  /* FORM_JSON: of the running one */
	size_t tries;	     /* for a lock */
	bool loads[LOAD_NR]; /* that were told of */
	struct buf lines;    /* dry run: what the next one touched */
};

static void tell_unmirrored(struct telling *t, const struct apply_event *e)
{
	say_warning(&t->ctx->say, "the mirror was not written: %s", e->text);
	if (e->hint[0])
		say_hint(&t->ctx->say, "mirror", "%s", e->hint);
	else
		say_hint(&t->ctx->say, "mirror",
			 "The records are in the tracker; the next \"git migrate apply\" "
			 "writes them.");
}

static void tell_undescribed(struct telling *t, const struct apply_event *e)
{
	cmd_flush(t->ctx);
	say_warning(&t->ctx->say, "the end of the run was not recorded: %s", e->text);
	say_hint(&t->ctx->say, "schema",
		 "The migrations are applied and recorded. The fingerprint of the schema "
		 "is missing, until the next run that applies something records it.");
}

/* What a dry run saw of one relation. */
static void add_touched(struct buf *out, const struct db_touched *what)
{
	const char *part = ": ";

	buf_adds(out, "    ");
	text_printable(out, what->name, strlen(what->name), 0);
	if (what->lock) {
		buf_addf(out, "%s%s", part, what->lock);
		part = ", ";
	}
	if (what->dropped || what->rewritten) {
		buf_addf(out, "%s%s", part, what->dropped ? "dropped" : "rewritten");
		part = ", ";
	}
	if (what->destroyed)
		buf_addf(out, "%s%s%" PRIu64 " row%s destroyed", part,
			 what->estimated ? "about " : "", what->destroyed,
			 plural(what->destroyed));
	buf_addc(out, '\n');
}

/* A line about something whose name came from outside. */
static void print_about(const char *what, const char *name, const char *rest)
{
	printf("%s", what);
	term_print(stdout, name);
	printf("%s\n", rest);
}

static const char *settled_word(const struct apply_event *e)
{
	return e->nr == EVENT_SUPERSEDED ? "superseded" : "unneeded";
}

/* What nobody runs: a record says what becomes of it, or it waits. */
static void tell_left_out(struct telling *t, const struct apply_event *e)
{
	if (e->step == APPLY_SETTLED)
		printf("  %s%s  ", t->dry_run ? "would be " : "", settled_word(e));
	else
		printf("  waits    ");
	term_print(stdout, e->migration->path);
	printf("  ");
	term_print(stdout, e->text);
	printf("\n");
}

static void tell_singly(struct telling *t, const struct apply_event *e)
{
	cmd_flush(t->ctx);
	say_note(&t->ctx->say,
		 "'%s' and its fix '%s' run singly, and not in one transaction: %s",
		 e->migration->path, e->fix->path, e->text);
}

/* Also where no terminal shows progress: it may go on for hours. */
static void tell_blocked(struct telling *t, const struct apply_event *e)
{
	cmd_flush(t->ctx);
	say_note(&t->ctx->say, "'%s' has to wait. %s", e->migration->path, e->text);
}

static void print_tried(const struct apply_event *e)
{
	printf("  %" PRIu64 " row%s in the next batch", e->rows, plural(e->rows));
	if (e->statements)
		printf(", of about %u", e->statements);
	printf(", %" PRId64 " ms\n", e->ms);
}

static void print_state(const struct telling *t, enum color color, const char *word,
			const struct apply_event *e)
{
	bool colored = t->ctx->color;

	printf("  %s%s%s  ", term_color(colored, color), word, term_reset(colored));
	term_print(stdout, e->migration->path);
}

static void tell_done(struct telling *t, const struct apply_event *e)
{
	print_state(t, COLOR_GREEN, t->dry_run ? "would apply" : "applied", e);
	if (e->batched && t->dry_run)
		print_tried(e);
	else if (e->batched)
		printf("  %" PRIu64 " row%s in %u batch%s\n", e->rows, plural(e->rows),
		       e->statements, e->statements == 1 ? "" : "es");
	else if (e->ms >= 0)
		printf("  %u statement%s, %" PRId64 " ms\n", e->statements,
		       plural(e->statements), e->ms);
	else /* an earlier run, or session, had begun it */
		printf("  seen to be done\n");
	printf("%s", buf_str(&t->lines));
	buf_reset(&t->lines);
}

static void tell_people(struct telling *t, const struct apply_event *e)
{
	switch (e->step) {
	case APPLY_PLANNED:
		if (!e->nr)
			return;
		printf("target %s (", t->target);
		term_print(stdout, e->text);
		printf("): %zu migration%s to %s\n", e->nr, plural(e->nr),
		       t->dry_run ? "try" : "run");
		break;
	case APPLY_STARTING:
		break;
	case APPLY_DONE:
		tell_done(t, e);
		break;
	case APPLY_FAILED:
		printf("  %sfailed%s   ", term_color(t->ctx->color, COLOR_RED),
		       term_reset(t->ctx->color));
		term_print(stdout, e->migration->path);
		printf("\n");
		break;
	case APPLY_UNCERTAIN:
		print_state(t, COLOR_RED, "uncertain", e);
		printf("\n");
		break;
	case APPLY_SETTLED:
	case APPLY_OWED:
		tell_left_out(t, e);
		break;
	case APPLY_SINGLY:
		tell_singly(t, e);
		break;
	case APPLY_WAS_DONE:
		print_about("  done     ", e->migration->path,
			    "  by another run meanwhile");
		break;
	case APPLY_HELD:
		gates_say(e->held, &t->lines);
		print_state(t, COLOR_YELLOW, "waiting", e);
		printf("  %s\n", buf_str(&t->lines));
		buf_reset(&t->lines);
		break;
	case APPLY_UNTRIED:
		printf("  not tried  ");
		term_print(stdout, e->migration->path);
		printf(" and what follows: %s\n", e->text);
		break;
	case APPLY_MIRRORED:
		printf("mirror: %zu record%s added to %s%s\n", e->nr, plural(e->nr),
		       MIRROR_REFS, t->target);
		break;
	case APPLY_UNMIRRORED:
		cmd_flush(t->ctx);
		tell_unmirrored(t, e);
		break;
	case APPLY_UNDESCRIBED:
		tell_undescribed(t, e);
		break;
	case APPLY_TOUCHED:
		add_touched(&t->lines, e->touched);
		return;
	case APPLY_BACKED_UP:
		print_about("backup: ", e->text, "");
		break;
	case APPLY_STOPPED:
		print_state(t, COLOR_YELLOW, "stopped", e);
		printf("  %" PRIu64 " row%s done so far\n", e->rows, plural(e->rows));
		break;
	case APPLY_STATEMENT:
	case APPLY_PROGRESS:
	case APPLY_BATCH:
	case APPLY_LOADED:
	case APPLY_WAITING:
	case APPLY_BLOCKED:
		return;
	}
	cmd_flush(t->ctx);
}

static void tell_porcelain(struct telling *t, const struct apply_event *e)
{
	switch (e->step) {
	case APPLY_PLANNED:
		printf("planned %s %zu\n", t->target, e->nr);
		break;
	case APPLY_STARTING:
		break;
	case APPLY_DONE:
		printf("%s %" PRIu64 " %u %" PRId64 " %s\n",
		       t->dry_run ? "would-apply" : "applied",
		       e->record ? e->record->seq : 0, e->statements, e->ms,
		       e->migration->path);
		break;
	case APPLY_FAILED:
		printf("failed %s\n", e->migration->path);
		break;
	case APPLY_UNCERTAIN:
		printf("uncertain %s\n", e->migration->path);
		break;
	case APPLY_SETTLED:
		printf("%s%s %" PRIu64 " %s\n", t->dry_run ? "would-be-" : "",
		       settled_word(e), e->record ? e->record->seq : 0,
		       e->migration->path);
		break;
	case APPLY_OWED:
		printf("waiting %s\n", e->migration->path);
		break;
	case APPLY_SINGLY:
		printf("singly %s %s\n", e->migration->path, e->fix->path);
		break;
	case APPLY_WAS_DONE:
		printf("done %s\n", e->migration->path);
		break;
	case APPLY_HELD:
		printf("waiting %s\n", e->migration->path);
		break;
	case APPLY_UNTRIED:
		printf("untried %s\n", e->migration->path);
		break;
	case APPLY_MIRRORED:
		printf("mirrored %zu\n", e->nr);
		break;
	case APPLY_UNMIRRORED:
		printf("unmirrored\n");
		cmd_flush(t->ctx);
		tell_unmirrored(t, e);
		break;
	case APPLY_UNDESCRIBED:
		tell_undescribed(t, e);
		break;
	case APPLY_TOUCHED:
		printf("touched %s %c%c%c %" PRIu64 " ",
		       e->touched->lock ? e->touched->lock : "-",
		       e->touched->dropped ? 'd' : '-', e->touched->rewritten ? 'r' : '-',
		       e->touched->estimated ? '~' : '-', e->touched->destroyed);
		term_print(stdout, e->touched->name);
		printf("\n");
		break;
	case APPLY_BACKED_UP:
		print_about("backup ", e->text, "");
		break;
	case APPLY_STOPPED:
		printf("stopped %" PRIu64 " %s\n", e->rows, e->migration->path);
		break;
	case APPLY_STATEMENT:
	case APPLY_PROGRESS:
	case APPLY_BATCH:
	case APPLY_LOADED:
	case APPLY_WAITING:
	case APPLY_BLOCKED:
		return;
	}
	cmd_flush(t->ctx);
}

static struct js *touched_json(const struct db_touched *what)
{
	struct js *j = js_object();

	js_put_str(j, "relation", what->name);
	js_put_str(j, "lock", what->lock);
	js_put_bool(j, "dropped", what->dropped);
	js_put_bool(j, "rewritten", what->rewritten);
	js_put_int(j, "rows_destroyed", (int64_t)what->destroyed);
	js_put_bool(j, "estimated", what->estimated);
	return j;
}

/* What comes while a migration runs, kept until it has ended. */
static void collect_json(struct telling *t, const struct apply_event *e)
{
	if (e->step == APPLY_TOUCHED)
		js_add(t->touched, touched_json(e->touched));
	/* it was rolled back, and runs again */
	if (e->step == APPLY_WAITING || e->step == APPLY_SINGLY)
		t->nr_timed = 0;
	if (e->step != APPLY_STATEMENT)
		return;
	VEC_GROW(t->timed, t->nr_timed, t->alloc_timed);
	t->timed[t->nr_timed++] = (struct timed){ e->migration, e->line, e->ms };
}

/* Takes those of a migration that has ended; of others more may be known. */
static struct js *take_durations(struct telling *t, const struct migration *m)
{
	struct js *all = js_array(), *j;
	size_t i, kept = 0;

	for (i = 0; i < t->nr_timed; i++) {
		if (t->timed[i].migration != m) {
			t->timed[kept++] = t->timed[i];
			continue;
		}
		j = js_object();
		js_put_int(j, "line", t->timed[i].line);
		js_put_int(j, "ms", t->timed[i].ms);
		js_add(all, j);
	}
	t->nr_timed = kept;
	return all;
}

static void tell_json(struct telling *t, const struct apply_event *e)
{
	struct js *j;

	if (e->step == APPLY_UNMIRRORED)
		tell_unmirrored(t, e);
	if (e->step == APPLY_UNDESCRIBED)
		tell_undescribed(t, e);
	collect_json(t, e);
	if (e->step == APPLY_SINGLY)
		tell_singly(t, e);
	if (e->step != APPLY_DONE && e->step != APPLY_FAILED &&
	    e->step != APPLY_SETTLED && e->step != APPLY_OWED &&
	    e->step != APPLY_WAS_DONE && e->step != APPLY_UNTRIED &&
	    e->step != APPLY_UNCERTAIN && e->step != APPLY_HELD &&
	    e->step != APPLY_STOPPED)
		return;
	j = js_object();
	js_put_str(j, "path", e->migration->path);
	js_put_str(j, "result",
		   e->step == APPLY_FAILED	? "failed"
		   : e->step == APPLY_WAS_DONE	? "done"
		   : e->step == APPLY_UNTRIED	? "untried"
		   : e->step == APPLY_UNCERTAIN ? "uncertain"
		   : e->step == APPLY_HELD	? "waiting"
		   : e->step == APPLY_STOPPED	? "stopped"
		   : e->step == APPLY_OWED	? "waiting"
		   : e->step == APPLY_SETTLED	? settled_word(e)
		   : t->dry_run			? "would-apply"
						: "applied");
	if (e->step == APPLY_OWED || e->step == APPLY_SETTLED)
		js_put_str(j, "why", e->text);
	js_put_int(j, "statements", e->statements);
	js_put_int(j, "ms", e->ms);
	if (e->batched || e->step == APPLY_STOPPED)
		js_put_int(j, "rows", (int64_t)e->rows);
	js_put(j, "durations", take_durations(t, e->migration));
	if (t->dry_run)
		js_put(j, "touched", t->touched);
	if (t->dry_run)
		t->touched = js_array();
	if (e->held)
		js_put(j, "waits", cmd_json_held(e->held));
	if (e->record) {
		js_put_int(j, "seq", (int64_t)e->record->seq);
		js_put_str(j, "record", e->record->line);
	}
	js_add(t->entries, j);
}

/* Where no line on a terminal shows it: once, so that nobody takes it for a hang. */
static void tell_loaded(struct telling *t, const struct apply_event *e)
{
	if (t->progress.to || t->loads[e->load])
		return;
	t->loads[e->load] = true;
	cmd_flush(t->ctx);
	say_note(&t->ctx->say, "'%s' waits between batches: %s (migrate.%s.%s)",
		 e->migration->path, e->text, t->target,
		 e->load == LOAD_LAG ? "batchLag" : "batchSlow");
}

static void tell(void *arg, const struct apply_event *e)
{
	struct telling *t = arg;

	if (e->step == APPLY_PROGRESS)
		progress_bytes(&t->progress, e->migration->path, e->bytes, e->bytes_of,
			       e->statements);
	else if (e->step == APPLY_BATCH || e->step == APPLY_LOADED)
		progress_rows(&t->progress, e->migration->path, e->rows, e->rows_of,
			      e->text);
	else if (e->step == APPLY_WAITING)
		progress_show(&t->progress, "Waiting for a lock, tries", ++t->tries);
	else if (e->step != APPLY_STATEMENT && e->step != APPLY_STARTING)
		progress_end(&t->progress);
	if (e->step == APPLY_BLOCKED)
		tell_blocked(t, e);
	if (e->step == APPLY_LOADED)
		tell_loaded(t, e);
	if (e->step == APPLY_STARTING)
		t->running = e->migration->path;
	switch (t->form) {
	case FORM_PEOPLE:
		tell_people(t, e);
		break;
	case FORM_PORCELAIN:
		tell_porcelain(t, e);
		break;
	case FORM_JSON:
		tell_json(t, e);
		break;
	}
}

static void notice(void *arg, const char *severity, const char *message, unsigned line)
{
	struct telling *t = arg;
	char *text = xstrdup(message), *c;

	/* a line of its own could pass for one of ours */
	for (c = text; *c; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	if (line && t->running)
		say_note(&t->ctx->say, "%s:%u: %s: %s", t->running, line, severity, text);
	else
		say_note(&t->ctx->say, "%s: %s", severity, text);
	free(text);
}

/* What follows can take a while: the server may not answer. */
static void interrupted(void *arg)
{
	struct telling *t = arg;

	progress_end(&t->progress);
	say_note(&t->ctx->say,
		 "cancelling what is under way; press Ctrl-C again to leave at once");
}

/* What lies in the work tree and did not run, since it is not committed. */
static void warn_uncommitted(struct telling *t, const struct survey *s,
			     const struct apply_result *r)
{
	struct worktree_file *files;
	struct pool pool = { 0 };
	struct err quiet = { 0 };
	char *asked = xcalloc(s->plan.nr + 1, 1);
	size_t nr, i;

	for (i = 0; i < s->plan.nr; i++)
		asked[i] = s->plan.items[i].known && (r->done || r->left || r->failed);
	if (worktree_list(t->ctx->repo, &s->plan, asked, &pool, &files, &nr, &quiet) < 0)
		nr = 0; /* a remark gets lost, nothing else */
	for (i = 0; i < nr; i++)
		say_warning(&t->ctx->say,
			    files[i].how == UNCOMMITTED_NEW
				    ? "%s/%s is not committed and did not run"
				    : "%s/%s has changes that are not committed; the "
				      "committed version counts",
			    s->plan.folder, files[i].path);
	pool_release(&pool);
	free(asked);
}

/* How it ended, for people: what is done, and what comes next. */
static void conclude(struct telling *t, const struct apply_result *r,
		     const struct survey *s)
{
	size_t settled = s->judgement.count[VERDICT_SETTLED];

	if (r->ahead)
		printf("target %s is ahead of this commit: nothing to do\n", t->target);
	else if (!r->done && !r->left && !r->settled)
		printf("target %s is up to date: %zu migration%s applied\n", t->target,
		       settled, plural(settled));
	else if (t->dry_run)
		printf("dry run: everything was rolled back\n");
	else if (r->last.seq)
		printf("head: record %" PRIu64 " %s\n", r->last.seq, r->last.hash);
	if (r->left)
		printf("%zu more pending\n", r->left);
	cmd_flush(t->ctx);
	warn_uncommitted(t, s, r);
	if (r->done && !t->dry_run)
		say_hint(&t->ctx->say, "log",
			 "\"git migrate log\" shows what ran; \"git "
			 "migrate audit\" proves it.");
	if (!r->done && !r->left && !s->plan.nr)
		say_hint(&t->ctx->say, "new",
			 "\"git migrate new <name>\" writes a first "
			 "migration; commit it, then apply.");
}

static struct js *result_json(const struct telling *t, const struct apply_result *r,
			      const struct survey *s, const struct err *err, int ret)
{
	struct js *j = js_object();

	js_put_str(j, "target", t->target);
	js_put_str(j, "url", s->target.shown.s);
	js_put_str(j, "uuid", s->target.ledger.target);
	js_put_bool(j, "dry_run", t->dry_run);
	js_put_bool(j, "ahead", r->ahead);
	js_put(j, "migrations", t->entries);
	js_put_int(j, "left", (int64_t)r->left);
	if (r->last.seq) {
		js_put_int(j, "seq", (int64_t)r->last.seq);
		js_put_str(j, "hash", r->last.hash);
	}
	js_put_str(j, "error", ret < 0 ? err->message : NULL);
	return j;
}

/* A lone statement whose end nobody knows has a place too. */
static bool is_about_sql(const struct err *err)
{
	return err->code == ERR_REFUSED ||
	       ((err->code == ERR_UNCERTAIN || err->code == ERR_INTERRUPTED) &&
		err->line);
}

/* A failure in SQL gets its place, and the way forward for what was rolled back. */
static void explain_failure(const struct apply_result *r, const struct survey *s,
			    bool dry_run, struct err *err)
{
	if (err->code == ERR_INTERRUPTED && !r->open) {
		err_detail(err, "%s", "");
		err->excerpt[0] = '\0';
		err->line = 0;
		err_hint(err, "interrupted",
			 r->failed ? "What was under way was rolled back; \"git migrate "
				     "apply\" goes on from there."
				   : "Nothing was under way; \"git migrate apply\" goes "
				     "on from there.");
	}
	if (!r->failed || (r->open && !err->line) || !is_about_sql(err))
		return;
	if (err->line)
		err_wrap(err, "%s/%s:%u:%u", s->plan.folder, r->failed, err->line,
			 err->column);
	else
		err_wrap(err, "%s/%s", s->plan.folder, r->failed);
	if (strlen(err->sqlstate) == SQLSTATE_LEN)
		err_detail(err, "%s%sSQLSTATE %s.", err->detail,
			   err->detail[0] ? "\n" : "", err->sqlstate);
	if (r->open)
		return;
	if (r->undone)
		err_detail(err,
			   "%s%sAll from '%s' on was rolled back with it: what is broken "
			   "does not stay without its fix%s.",
			   err->detail, err->detail[0] ? "\n" : "", r->undone,
			   r->done ? "; the migrations before that stay applied" : "");
	else if (r->begun)
		err_detail(err, "%s%s%s%s.", err->detail, err->detail[0] ? "\n" : "",
			   r->alone ? "It ran outside of a transaction, and is pending "
				      "again"
			   : r->batched && !dry_run
				   ? "The batch was rolled back, and those before it "
				     "stay; the migration is pending again"
				   : "It was rolled back",
			   r->done && !dry_run ? "; the migrations before it stay applied"
					       : "");
	else
		err_detail(err, "%s%sNothing was run.", err->detail,
			   err->detail[0] ? "\n" : "");
	if (!err->hint[0])
		err_hint(err, "failed",
			 "Where it has not been pushed, correct it (git "
			 "commit --amend) and apply again.");
}

/* Whether --push, migrate.<target>.push or migrate.push asks for it. */
static bool wants_push(const struct ctx *ctx, const char *target, int option)
{
	const struct config *config = repo_config(ctx->repo);
	struct buf key = BUF_INIT;
	bool ret;

	if (option >= 0)
		return option;
	buf_addf(&key, "migrate.%s.push", target);
	ret = config_bool(config, key.s, config_bool(config, "migrate.push", false));
	buf_release(&key);
	return ret;
}

static void tell_push(void *arg, const struct sync_event *e)
{
	const struct telling *t = arg;
	bool good = e->step == SYNC_PUSHED || e->step == SYNC_COPIED ||
		    e->step == SYNC_SAME || e->step == SYNC_FETCHED;

	if (!good || (t->form == FORM_PEOPLE && e->step != SYNC_SAME))
		cmd_tell_sync(t->ctx, e);
}

/* The proof goes to the server. That it could not is told, and is no failure. */
static bool push_mirror(struct telling *t)
{
	const struct sync_options o = { .targets = &t->target,
					.nr_targets = 1,
					.offline = true,
					.tell = tell_push,
					.arg = t };
	struct sync_result result;
	struct err why = { 0 };
	bool pushed = sync_run(t->ctx->repo, &o, &result, &why) == 0 && !result.forked &&
		      !result.rejected;

	if (t->form == FORM_PORCELAIN)
		printf("%s\n", pushed ? "pushed" : "unpushed");
	if (why.code != ERR_NONE) {
		cmd_flush(t->ctx);
		say_warning(&t->ctx->say, "the mirror was not pushed: %s", why.message);
		if (why.detail[0])
			say_note(&t->ctx->say, "%s", why.detail);
		say_hint(&t->ctx->say, "push", "\"git migrate sync\" pushes it.");
	}
	return pushed;
}

static int apply_target(struct ctx *ctx, struct apply_options o, enum form form, int push,
			struct js *all, struct err *err)
{
	struct telling t = {
		.ctx = ctx, .form = form, .dry_run = o.dry_run, .target = o.target.name
	};
	struct apply_result result;
	struct survey survey;
	struct js *j = NULL;
	int ret;

	o.tell = tell;
	o.target.wait = o.wait;
	o.durations = form == FORM_JSON;
	o.arg = &t;
	o.target.notice = notice;
	o.target.notice_arg = &t;
	o.target.interrupted = interrupted;
	o.target.interrupted_arg = &t;
	t.progress.to = ctx->progress.to;
	if (form == FORM_JSON) {
		t.entries = js_array();
		t.touched = js_array();
	}
	ret = apply_run(ctx->repo, &o, &result, &survey, err);
	if (ret < 0)
		explain_failure(&result, &survey, o.dry_run, err);
	if (form == FORM_JSON)
		j = result_json(&t, &result, &survey, err, ret);
	else if (form == FORM_PEOPLE && ret == 0)
		conclude(&t, &result, &survey);
	else if (form == FORM_PORCELAIN && ret == 0)
		printf("%s %s %" PRIu64 " %s\n", result.ahead ? "ahead" : "head",
		       t.target, result.last.seq,
		       result.last.hash[0] ? result.last.hash : "-");
	progress_end(&t.progress);
	if (!o.dry_run && wants_push(ctx, t.target, push)) {
		bool pushed = push_mirror(&t);

		if (j)
			js_put_bool(j, "pushed", pushed);
	}
	if (j)
		js_add(all, j);
	free(t.timed);
	js_free(t.touched);
	buf_release(&t.lines);
	apply_result_release(&result);
	survey_release(&survey);
	return ret;
}

static int read_check(const char *how, bool *full, struct err *err)
{
	*full = how && strcmp(how, "full") == 0;
	if (!how || *full || strcmp(how, "quick") == 0)
		return 0;
	err_set(err, ERR_USAGE, "'%s' is no way to check a file", how);
	err_hint(err, "usage", "--check=quick (the usual) or --check=full.");
	return -1;
}

int cmd_apply(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] [<target>...]", NULL };
	struct apply_options o = { 0 };
	bool porcelain = false, json = false;
	int push = -1;
	const char *check = NULL;
	const struct opt opts[] = {
		{ OPT_BOOL, 'n', "dry-run", &o.dry_run, NULL,
		  "run it in a transaction that is rolled back" },
		{ OPT_BOOL, 0, "backup", &o.backup, NULL,
		  "SQLite: copy the file before" },
		{ OPT_STRING, 0, "check", &check, "<quick|full>",
		  "SQLite: how to look for damage of the file before" },
		{ OPT_BOOL, 0, "wait", &o.wait, NULL,
		  "wait for another git migrate that is at work" },
		{ OPT_STRING, 0, "to", &o.to, "<migration>", "stop after this one" },
		{ OPT_STRING, 0, "at", &o.rev, "<rev>",
		  "the plan of this commit, not HEAD's" },
		{ OPT_SWITCH, 0, "push", &push, NULL,
		  "push the mirror afterwards (migrate.push)" },
		{ OPT_BOOL, 0, "porcelain", &porcelain, NULL, "lines for scripts" },
		{ OPT_BOOL, 0, "json", &json, NULL, "JSON" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err), i, ret = 0;
	static char fallback[] = "default";
	struct js *all;

	if (nr < 0 || cmd_one_form(porcelain, json, err) < 0 ||
	    read_check(check, &o.full_check, err) < 0)
		return -1;
	if (nr == 0)
		argv[nr++] = fallback;
	interrupt_watch();
	signal(SIGPIPE, SIG_IGN); /* a reader that leaves must not end it half way */
	all = js_array();
	for (i = 0; i < nr && ret == 0; i++) {
		o.target.name = argv[i];
		ret = apply_target(ctx, o,
				   json	       ? FORM_JSON
				   : porcelain ? FORM_PORCELAIN
					       : FORM_PEOPLE,
				   push, all, err);
	}
	if (json)
		js_print(all, stdout);
	js_free(all);
	return ret;
}
