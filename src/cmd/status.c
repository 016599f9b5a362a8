#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/owed.h"
#include "flow/backfill.h"
#include "flow/drill_log.h"
#include "flow/partly.h"
#include "flow/survey.h"
#include "flow/worktree.h"
#include "out/json.h"
#include "out/table.h"

struct options {
	bool all, owed, porcelain, json, exit_code;
	const char *at;
};

struct extra {
	struct pool pool;
	struct worktree_file *files;
	size_t nr;
};

static enum color verdict_color(enum verdict v)
{
	switch (v) {
	case VERDICT_SETTLED:
		return COLOR_GREEN;
	case VERDICT_PENDING:
		return COLOR_YELLOW;
	case VERDICT_EDITED:
	case VERDICT_GAP:
	case VERDICT_LATE:
		return COLOR_RED;
	case VERDICT_WAITING:
		return COLOR_NONE;
	}
	BUG("unhandled verdict %d", (int)v);
}

/* The event that settled an entry, or the verdict of one that is not settled. */
static const char *state_word(const struct survey *s, size_t pos)
{
	const struct ledger_entry *e;

	if (s->judgement.of[pos] != VERDICT_SETTLED)
		return verdict_word(s->judgement.of[pos]);
	e = ledger_find(&s->target.ledger, s->plan.items[pos].path);
	return event_name(e->settled->event);
}

static void print_porcelain(const struct survey *s)
{
	char blob[OID_HEXSZ + 1], commit[OID_HEXSZ + 1];
	const struct migration *m;
	size_t i;

	for (i = 0; i < s->plan.nr; i++) {
		m = &s->plan.items[i];
		printf("%s %s %s %s\n", state_word(s, i), oid_hex(&m->blob, blob),
		       oid_hex(&m->commit, commit), m->path);
	}
	for (i = 0; i < s->judgement.nr_missing; i++)
		printf("%s %s %s %s\n", s->ahead ? "ahead" : "missing",
		       s->judgement.missing[i]->settled->field[FIELD_BLOB],
		       s->judgement.missing[i]->settled->field[FIELD_COMMIT],
		       s->judgement.missing[i]->path);
}

static void print_counts(const struct survey *s)
{
	const size_t *count = s->judgement.count;
	char head[OID_HEXSZ + 1];

	oid_hex(&s->plan.head, head);
	printf("target ");
	term_print(stdout, s->target.name);
	printf(" (");
	term_print(stdout, s->target.shown.s);
	printf("), commit %.8s\n", head);
	printf("%zu migration%s: %zu applied, %zu pending", s->plan.nr,
	       plural(s->plan.nr), count[VERDICT_SETTLED], survey_pending(s));
	if (count[VERDICT_EDITED])
		printf(", %zu edited", count[VERDICT_EDITED]);
	if (count[VERDICT_WAITING])
		printf(", %zu waiting", count[VERDICT_WAITING]);
	if (s->judgement.nr_missing && !s->ahead)
		printf(", %zu missing", s->judgement.nr_missing);
	if (s->ahead)
		printf("; %zu more applied, from later commits", s->judgement.nr_missing);
	printf("\n");
}

static void held_cell(struct table *t, const struct held *h)
{
	struct buf words = BUF_INIT;

	gates_say(h, &words);
	table_cell(t, COLOR_YELLOW, words.s);
	buf_release(&words);
}

/* How far one has come that is run in batches; of any other nobody knows. */
static void add_begun(struct table *t, struct survey *s, size_t pos,
		      const struct ledger_entry *e)
{
	struct buf text = BUF_INIT;
	struct err ignored;

	if (directives_ask(&s->plan.items[pos].how, "batch") &&
	    backfill_describe(&s->target, e->started, &text, &ignored) < 0)
		buf_reset(&text);
	if (text.len)
		table_cellf(t, COLOR_YELLOW, "begun at %s, %s",
			    e->started->field[FIELD_AT], text.s);
	else
		table_cellf(t, COLOR_RED, "begun at %s, its end is not known",
			    e->started->field[FIELD_AT]);
	buf_release(&text);
}

/* What is going to become of it, where that is not that it runs. */
static const char *remark(struct survey *s, size_t pos)
{
	const struct course *c = survey_course(s, pos);
	const struct migration *m = s->plan.items;

	switch (c->fate) {
	case FATE_SETTLED:
		break;
	case FATE_RUN:
		if (partly_found(s, pos))
			return "changed after batches of it were done";
		if (c->replaces >= 0)
			return pool_printf(&s->plan.pool,
					   partly_found(s, (size_t)c->replaces)
						   ? "cannot run in the place of '%s'"
						   : "runs in the place of '%s'",
					   m[c->replaces].path);
		break;
	case FATE_SUPERSEDED:
		return pool_printf(&s->plan.pool,
				   partly_found(s, pos)
					   ? "batches of it are done, so '%s' cannot run "
					     "in its place"
					   : "superseded: '%s' runs in its place",
				   m[c->other].path);
	case FATE_UNNEEDED:
		return pool_printf(&s->plan.pool, "unneeded: '%s' is not in force here",
				   m[c->other].path);
	case FATE_WAITS:
		return schedule_wait(&s->plan, c, &s->plan.pool);
	case FATE_HELD:
		return pool_printf(&s->plan.pool, "held: '%s' waits", m[c->other].path);
	}
	return NULL;
}

static int print_rows(struct ctx *ctx, struct survey *s, bool all, struct err *err)
{
	struct table *t = table_new(ctx->color);
	const struct ledger_entry *e;
	char commit[SHORT_ID + 1];
	size_t i, rows = 0;
	int ret = 0;

	for (i = 0; i < s->plan.nr && ret == 0; i++) {
		if (!all && s->judgement.of[i] == VERDICT_SETTLED)
			continue;
		ret = plan_describe(&s->plan, i, err);
		if (ret < 0)
			break;
		e = ledger_find(&s->target.ledger, s->plan.items[i].path);
		table_cell(t, verdict_color(s->judgement.of[i]), state_word(s, i));
		table_cell(t, COLOR_NONE, s->plan.items[i].path);
		table_cell(t, COLOR_DIM, cmd_short_id(&s->plan.items[i].commit, commit));
		if (e && e->started)
			add_begun(t, s, i, e);
		else if (e && !e->settled && e->failed)
			table_cellf(t, COLOR_RED, "failed at %s",
				    e->failed->field[FIELD_AT]);
		else if (gates_held(&s->gates, i))
			held_cell(t, gates_held(&s->gates, i));
		else
			table_cell(t, COLOR_NONE,
				   remark(s, i) ? remark(s, i)
						: s->plan.items[i].subject);
		table_row(t);
		rows++;
	}
	if (rows && ret == 0) {
		printf("\n");
		table_print(t, stdout, 2);
	}
	table_free(t);
	return ret;
}

static void print_unfixed(const struct survey *s)
{
	struct unfixed *unfixed;
	size_t nr = survey_unfixed(s, &unfixed), i;

	if (nr)
		printf("\nbroken and unfixed here:\n");
	for (i = 0; i < nr; i++)
		printf("  %s  its fix %s is %s\n", s->plan.items[unfixed[i].of].path,
		       s->plan.items[unfixed[i].fix].path,
		       verdict_word(s->judgement.of[unfixed[i].fix]));
	free(unfixed);
}

static void print_uncommitted(const struct survey *s, const struct extra *x)
{
	size_t i;

	if (!x->nr)
		return;
	printf("\nnot committed, so it does not run:\n");
	for (i = 0; i < x->nr; i++) {
		printf("  %s  %s/",
		       x->files[i].how == UNCOMMITTED_NEW ? "new    " : "changed",
		       s->plan.folder); /* printable: see repo_folder */
		term_print(stdout, x->files[i].path);
		printf("\n");
	}
}

static void say_next(struct ctx *ctx, const struct survey *s, const struct extra *x)
{
	const char *name = strcmp(s->target.name, "default") ? s->target.name : "";

	if (s->problems.errors)
		return;
	if (survey_pending(s) > s->gates.nr)
		say_hint(&ctx->say, "apply",
			 s->gates.nr
				 ? "\"git migrate apply%s%s\" runs what is pending, up "
				   "to the first that waits."
				 : "\"git migrate apply%s%s\" runs what is pending.",
			 name[0] ? " " : "", name);
	else if (survey_pending(s))
		return; /* what it waits for was said */
	else if (x->nr)
		say_hint(&ctx->say, "commit",
			 "Commit the file, then \"git migrate apply\" "
			 "runs it.");
	else if (!s->plan.nr)
		say_hint(&ctx->say, "new",
			 "\"git migrate new <name>\" writes a first "
			 "migration.");
}

static struct js *entry_json(struct survey *s, size_t pos)
{
	const struct migration *m = &s->plan.items[pos];
	const struct ledger_entry *e = ledger_find(&s->target.ledger, m->path);
	char hex[OID_HEXSZ + 1];
	struct js *j = js_object();

	js_put_str(j, "path", m->path);
	js_put_str(j, "state", state_word(s, pos));
	if (remark(s, pos))
		js_put_str(j, "remark", remark(s, pos));
	js_put_str(j, "blob", oid_hex(&m->blob, hex));
	js_put_str(j, "commit", oid_hex(&m->commit, hex));
	if (gates_held(&s->gates, pos))
		js_put(j, "waits", cmd_json_held(gates_held(&s->gates, pos)));
	if (e && e->settled) {
		js_put_int(j, "seq", (int64_t)e->settled->seq);
		js_put_str(j, "at", e->settled->field[FIELD_AT]);
		js_put_str(j, "by", e->settled->field[FIELD_BY]);
	}
	return j;
}

static struct js *missing_json(const struct record *r)
{
	struct js *j = js_object();

	js_put_str(j, "path", r->field[FIELD_PATH]);
	js_put_str(j, "blob", r->field[FIELD_BLOB]);
	js_put_str(j, "commit", r->field[FIELD_COMMIT]);
	js_put_int(j, "seq", (int64_t)r->seq);
	js_put_str(j, "at", r->field[FIELD_AT]);
	js_put_str(j, "by", r->field[FIELD_BY]);
	return j;
}

static struct js *unfixed_json(const struct survey *s)
{
	struct js *list = js_array(), *j;
	struct unfixed *unfixed;
	size_t nr = survey_unfixed(s, &unfixed), i;

	for (i = 0; i < nr; i++) {
		j = js_object();
		js_put_str(j, "path", s->plan.items[unfixed[i].of].path);
		js_put_str(j, "fix", s->plan.items[unfixed[i].fix].path);
		js_put_str(j, "state", verdict_word(s->judgement.of[unfixed[i].fix]));
		js_add(list, j);
	}
	free(unfixed);
	return list;
}

static struct js *survey_json(struct survey *s, const struct extra *x)
{
	struct js *j = js_object(), *entries = js_array(), *files = js_array(), *file;
	struct js *missing = js_array();
	char hex[OID_HEXSZ + 1];
	size_t i;

	js_put_str(j, "target", s->target.name);
	js_put_str(j, "url", s->target.shown.s);
	js_put_str(j, "uuid", s->target.ledger.target);
	js_put_str(j, "commit", oid_hex(&s->plan.head, hex));
	js_put_int(j, "applied", (int64_t)s->judgement.count[VERDICT_SETTLED]);
	js_put_int(j, "pending", (int64_t)survey_pending(s));
	js_put_int(j, "waiting", (int64_t)s->judgement.count[VERDICT_WAITING]);
	js_put_bool(j, "ahead", s->ahead);
	for (i = 0; i < s->plan.nr; i++)
		js_add(entries, entry_json(s, i));
	js_put(j, "migrations", entries);
	for (i = 0; i < s->judgement.nr_missing; i++)
		js_add(missing, missing_json(s->judgement.missing[i]->settled));
	js_put(j, s->ahead ? "later" : "missing", missing);
	for (i = 0; i < x->nr; i++) {
		file = js_object();
		js_put_str(file, "path", x->files[i].path);
		js_put_str(file, "state",
			   x->files[i].how == UNCOMMITTED_NEW ? "new" : "changed");
		js_add(files, file);
	}
	js_put(j, "unfixed", unfixed_json(s));
	js_put(j, "uncommitted", files);
	js_put(j, "problems", cmd_json_findings(&s->problems));
	return j;
}

static int find_uncommitted(struct ctx *ctx, const struct survey *s, struct extra *x,
			    struct err *err)
{
	char *asked = xcalloc(s->plan.nr + 1, 1);
	size_t i;
	int ret;

	for (i = 0; i < s->plan.nr; i++)
		asked[i] = s->judgement.of[i] != VERDICT_SETTLED;
	ret = worktree_list(ctx->repo, &s->plan, asked, &x->pool, &x->files, &x->nr, err);
	free(asked);
	return ret;
}

static int show(struct ctx *ctx, struct survey *s, const struct options *o,
		struct js *all, struct err *err)
{
	struct extra x = { 0 };
	int ret = -1;

	if (o->owed)
		return owed_show(ctx, s, o->porcelain, o->json ? all : NULL, err);
	if (!o->porcelain && !o->at && find_uncommitted(ctx, s, &x, err) < 0)
		goto out;
	if (o->json) {
		js_add(all, survey_json(s, &x));
	} else if (o->porcelain) {
		print_porcelain(s);
	} else {
		print_counts(s);
		if (print_rows(ctx, s, o->all, err) < 0)
			goto out;
		print_unfixed(s);
		print_uncommitted(s, &x);
		cmd_flush(ctx);
		cmd_say_findings(ctx, &s->problems);
		say_next(ctx, s, &x);
	}
	ret = o->exit_code && (survey_pending(s) || s->problems.errors);
out:
	pool_release(&x.pool);
	return ret;
}

/* When somebody practised last, where anybody ever did or is asked to. */
static int print_drills(struct ctx *ctx, struct err *err)
{
	struct drill_log log = { 0 };
	const struct drilled *last;
	int64_t days = -1;
	unsigned interval;
	int ret = drill_interval(ctx->repo, &interval, err);

	if (ret == 0 && interval)
		ret = drill_log_read(ctx->repo, &log, err);
	if (ret < 0 || !interval)
		goto out;
	last = drill_log_passed(&log);
	if (last)
		days = drilled_days_ago(last);
	if (days >= 0) {
		printf("\nlast drill %" PRId64 " day%s ago (", days, plural(days));
		term_print(stdout, last->incident);
		printf(")\n");
	}
	cmd_flush(ctx);
	if (days >= (int64_t)interval || (days < 0 && log.nr) ||
	    (days < 0 && drill_interval_is_set(ctx->repo)))
		say_hint(&ctx->say, "drill",
			 "A drill is due: \"git migrate drill list\" shows what can be "
			 "practised.");
out:
	drill_log_release(&log);
	return ret;
}

int cmd_status(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] [<target>...]", NULL };
	struct options o = { 0 };
	const struct opt opts[] = {
		{ OPT_BOOL, 'a', "all", &o.all, NULL, "list what is applied too" },
		{ OPT_BOOL, 0, "owed", &o.owed, NULL,
		  "list the contracts that are still to run" },
		{ OPT_STRING, 0, "at", &o.at, "<rev>",
		  "the plan of this commit, not HEAD's" },
		{ OPT_BOOL, 0, "porcelain", &o.porcelain, NULL, "lines for scripts" },
		{ OPT_BOOL, 0, "json", &o.json, NULL, "JSON" },
		{ OPT_BOOL, 0, "exit-code", &o.exit_code, NULL,
		  "exit 1 when something is pending or wrong" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err), i, one, ret = 0;
	static char fallback[] = "default";
	struct survey_options so = { 0 };
	struct js *all;

	if (nr < 0 || cmd_one_form(o.porcelain, o.json, err) < 0)
		return -1;
	if (nr == 0)
		argv[nr++] = fallback;
	all = js_array();
	so.rev = o.at;
	for (i = 0; i < nr && ret >= 0; i++) {
		struct survey s;

		so.target.name = argv[i];
		if (i && !o.json && !o.porcelain)
			printf("\n");
		one = survey_take(&s, ctx->repo, &so, err);
		if (one == 0)
			one = show(ctx, &s, &o, all, err);
		survey_release(&s);
		ret = one < 0 ? -1 : ret | one;
	}
	if (ret >= 0 && o.json)
		js_print(all, stdout);
	else if (ret >= 0 && !o.porcelain && print_drills(ctx, err) < 0)
		ret = -1;
	js_free(all);
	return ret;
}
