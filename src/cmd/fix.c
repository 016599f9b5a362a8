#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "cmd/cmd.h"
#include "cmd/new_file.h"
#include "core/scenario.h"
#include "flow/fix.h"
#include "out/term.h"

/* One step of the fix, or the contract. */
struct fix_file {
	bool there;
	struct new_file file;
	struct buf text, scenario; /* of that one the path */
};

struct fix_files {
	struct fix_file steps[STEP_NR], contract;
	struct fix_file *first, *last; /* of the steps */
	bool wants_contract, wants_scenario;
	bool replaces;	 /* it is no fix, but takes the place of something */
	struct buf kept; /* what early steps say of the column, in their scenarios */
};

/* "fix-phone" for "2026/phone.sql", in the same folder. */
static void default_name(const struct fix_draft *d, struct buf *out)
{
	const char *path = d->log.plan.items[d->pos].path, *base = migration_base(path);

	buf_add(out, path, (size_t)(base - path));
	buf_addf(out, "%s-%s", d->replaces ? "replace" : "fix", base);
}

/* "fix-phone-copy.sql" beside "fix-phone.sql". */
static void add_sibling(const struct fix_files *f, const char *suffix, struct buf *name)
{
	buf_add(name, f->first->file.name.s, f->first->file.name.len - strlen(".sql"));
	buf_adds(name, suffix);
}

/* What is run in batches, and behind that, has files of its own. */
static int plan_steps(struct ctx *ctx, struct fix_draft *d, struct fix_files *f,
		      struct err *err)
{
	struct buf name = BUF_INIT;
	struct fix_file *step;
	int i, ret = 0;

	for (i = STEP_FIRST + 1; i < STEP_NR && ret == 0; i++) {
		step = &f->steps[i];
		step->there = fix_write_step(d, (enum remedy_step)i, f->last->file.name.s,
					     &step->text);
		if (!step->there)
			continue;
		buf_reset(&name);
		add_sibling(f, sql_remedy_suffix((enum remedy_step)i), &name);
		ret = new_file_plan(ctx, name.s, &step->file, err);
		f->last = step;
	}
	buf_release(&name);
	return ret;
}

static int plan_contract(struct ctx *ctx, struct fix_draft *d, struct fix_files *f,
			 struct err *err)
{
	struct buf name = BUF_INIT;
	int ret;

	if (!f->wants_contract)
		return 0;
	add_sibling(f, "-contract.sql", &name);
	f->contract.there = fix_write_contract(d, name.s, f->last->file.name.s,
					       &f->contract.text);
	if (!f->contract.there) {
		buf_release(&name);
		err_set(err, ERR_USAGE,
			"a fix of the kind %s leaves nothing to clear away",
			sql_trouble_word(d->remedy.trouble.kind));
		err_hint(err, "usage", "Leave --contract out.");
		return -1;
	}
	ret = new_file_plan(ctx, name.s, &f->contract.file, err);
	buf_release(&name);
	return ret;
}

/* Each step has one beside it, under its name. */
static int plan_scenarios(struct fix_files *f, struct err *err)
{
	struct fix_file *step;
	int i;

	for (i = 0; f->wants_scenario && i < STEP_NR; i++) {
		step = &f->steps[i];
		if (!step->there)
			continue;
		scenario_path(&step->scenario, step->file.path.s);
		if (access(step->scenario.s, F_OK) != 0)
			continue;
		err_set(err, ERR_REFUSED, "file '%s' is there already",
			step->scenario.s + step->file.top);
		err_hint(err, "name",
			 "Choose another name for the fix, or leave --scenario out.");
		return -1;
	}
	return 0;
}

/* Before the last step runs, what was renamed or dropped is not there yet. */
static void plan_kept(const struct fix_draft *d, struct fix_files *f)
{
	const struct sql_trouble *t = &d->remedy.trouble;

	if (t->kind == TROUBLE_RENAMED && t->column && t->to)
		buf_addf(&f->kept, "%s.%s is now %s.%s: a later step brings the old name",
			 t->table, t->column, t->table, t->to);
	else if (t->kind == TROUBLE_DROPPED_EARLY && t->column)
		buf_addf(&f->kept, "%s.%s may go: a later step brings it back", t->table,
			 t->column);
	if (strchr(buf_str(&f->kept), '\n'))
		buf_reset(&f->kept); /* it would end the comment */
}

static int plan_files(struct ctx *ctx, struct fix_draft *d, const char *named,
		      struct fix_files *f, struct err *err)
{
	struct buf name = BUF_INIT;
	int ret;

	if (named)
		buf_adds(&name, named);
	else
		default_name(d, &name);
	f->first = f->last = &f->steps[STEP_FIRST];
	ret = new_file_plan(ctx, name.s, &f->first->file, err);
	buf_release(&name);
	if (ret < 0)
		return ret;
	f->first->there = true;
	f->replaces = d->replaces;
	plan_kept(d, f);
	fix_write(d, f->first->file.name.s, &f->first->text);
	if (plan_steps(ctx, d, f, err) < 0 || plan_contract(ctx, d, f, err) < 0)
		return -1;
	return plan_scenarios(f, err);
}

/* Only the last step mends: what goes wrong stands beside that one. */
static int write_scenario(const struct fix_files *f, const struct fix_file *step,
			  struct err *err)
{
	enum scenario_for what = step == f->last ? SCENARIO_FOR_FIX : SCENARIO_FOR_STEP;
	struct buf text = BUF_INIT;
	int ret;

	scenario_skeleton(&text, step->file.name.s,
			  f->replaces ? SCENARIO_FOR_PLAIN : what,
			  f->kept.len ? f->kept.s : NULL);
	ret = file_replace(step->scenario.s, text.s, text.len, 0644, err);
	buf_release(&text);
	return ret;
}

/* All of them are free: nothing is written before that is known. */
static int write_files(struct fix_files *f, struct err *err)
{
	struct fix_file *step;
	int i, ret = 0;

	for (i = 0; i < STEP_NR && ret == 0; i++) {
		step = &f->steps[i];
		if (!step->there)
			continue;
		ret = new_file_write(&step->file, &step->text, err);
		if (ret == 0 && f->wants_scenario)
			ret = write_scenario(f, step, err);
	}
	if (ret == 0 && f->contract.there)
		ret = new_file_write(&f->contract.file, &f->contract.text, err);
	return ret;
}

static void print_path(const char *path)
{
	term_print(stdout, path);
	printf("\n");
}

/* What the SQL was taken for, and what else it could be. */
static void say_kind(struct ctx *ctx, const struct fix_draft *d)
{
	enum sql_trouble_kind kind = d->remedy.trouble.kind;
	struct buf others = BUF_INIT;
	size_t i;

	if (d->replaces) {
		say_hint(&ctx->say, "kind",
			 "It is a contract that has not run: this copies what has no "
			 "copy, and takes its place. If it is not that: --kind=<kind>.");
		return;
	}
	say_hint(&ctx->say, "kind", "The SQL tells of %s: %s.", sql_trouble_word(kind),
		 sql_trouble_clause(kind));
	for (i = 0; i < TROUBLE_NR; i++)
		if (d->others[i])
			buf_addf(&others, "%s%s", others.len ? ", " : "",
				 sql_trouble_word((enum sql_trouble_kind)i));
	if (others.len)
		say_hint(&ctx->say, "kind", "If it is not that: --kind=<kind>, of %s.",
			 others.s);
	buf_release(&others);
}

/* A template is of one column or table. */
static void say_more(struct ctx *ctx, const struct fix_draft *d)
{
	struct buf more = BUF_INIT;

	if (d->replaces)
		return;
	fix_add_more(d, &more);
	if (more.len)
		say_hint(&ctx->say, "more",
			 "The same is true of %s: write it into the fix, too, or into a "
			 "further one.",
			 more.s);
	buf_release(&more);
}

/* The paths of the steps, or of their scenarios, with that in front of each. */
static void add_paths(const struct fix_files *f, bool scenarios, const char *before,
		      struct buf *out)
{
	const struct fix_file *step;
	int i;

	for (i = 0; i < STEP_NR; i++) {
		step = &f->steps[i];
		if (!step->there || (scenarios && step == f->last))
			continue;
		buf_adds(out, out->len ? before : "");
		buf_adds(out, (scenarios ? step->scenario.s : step->file.path.s) +
				      step->file.top);
	}
}

static void say_scenarios(struct ctx *ctx, const struct fix_files *f)
{
	struct buf others = BUF_INIT;

	if (f->last == f->first) {
		say_hint(&ctx->say, "scenario",
			 "Fill in %s too, and commit it with the fix: git migrate "
			 "rehearse %s tries both.",
			 f->first->scenario.s + f->first->file.top,
			 f->first->file.name.s);
		return;
	}
	add_paths(f, true, ", ", &others);
	say_hint(&ctx->say, "scenario",
		 "Fill in %s too, and commit it with the fix: git migrate rehearse %s "
		 "tries all of it. What the steps before it do alone: %s.",
		 f->last->scenario.s + f->last->file.top, f->last->file.name.s, others.s);
	buf_release(&others);
}

static void say_next(struct ctx *ctx, const struct fix_files *f)
{
	struct buf paths = BUF_INIT;

	add_paths(f, false, " ", &paths);
	say_hint(&ctx->say, "fix",
		 "Fill in what stands in <...>%s, and try it: git migrate apply "
		 "--dry-run. Then: git add %s && git commit",
		 f->replaces ? "" : ", the failure mode too", paths.s);
	buf_release(&paths);
	if (f->wants_scenario)
		say_scenarios(ctx, f);
	if (f->contract.there)
		say_hint(&ctx->say, "contract",
			 "Commit %s behind the fix, with \"Not-Before: <date>\" where "
			 "that "
			 "can be said (\"git migrate status --owed\" lists it until "
			 "then); "
			 "else keep it uncommitted until no running code needs what it "
			 "drops.",
			 f->contract.file.path.s + f->contract.file.top);
}

static void print_files(const struct fix_files *f)
{
	int i;

	for (i = 0; i < STEP_NR; i++)
		if (f->steps[i].there)
			new_file_print(&f->steps[i].file);
	if (f->contract.there)
		new_file_print(&f->contract.file);
	for (i = 0; f->wants_scenario && i < STEP_NR; i++)
		if (f->steps[i].there)
			print_path(f->steps[i].scenario.s + f->steps[i].file.top);
}

static void release_file(struct fix_file *f)
{
	new_file_release(&f->file);
	buf_release(&f->text);
	buf_release(&f->scenario);
}

static void release_files(struct fix_files *f)
{
	int i;

	for (i = 0; i < STEP_NR; i++)
		release_file(&f->steps[i]);
	release_file(&f->contract);
	buf_release(&f->kept);
}

int cmd_fix(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] <migration>", NULL };
	struct fix_options o = { .target = "default", .nth = 1 };
	struct fix_files files = { .wants_contract = false };
	const char *name = NULL;
	const struct opt opts[] = {
		{ OPT_STRING, 0, "kind", &o.kind, "<kind>",
		  "what went wrong; else the SQL tells" },
		{ OPT_COUNT, 0, "nth", &o.nth, "<n>",
		  "which of several that went wrong alike; the first is 1" },
		{ OPT_STRING, 0, "name", &name, "<name>", "of the file" },
		{ OPT_STRING, 0, "target", &o.target, "<target>",
		  "its URL tells the engine" },
		{ OPT_STRING, 0, "engine", &o.engine, "<engine>",
		  "sqlite or postgresql" },
		{ OPT_BOOL, 0, "contract", &files.wants_contract, NULL,
		  "write what clears away later, too" },
		{ OPT_BOOL, 0, "scenario", &files.wants_scenario, NULL,
		  "write what \"git migrate rehearse\" tries it with, too" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err), ret;
	struct fix_draft d;

	if (nr < 0 || cmd_at_most(nr, 1, argv, err) < 0)
		return -1;
	if (nr == 0) {
		opt_usage(&usage, ctx->command->name, stderr);
		return err_exit_status(ERR_USAGE);
	}
	o.migration = argv[0];
	ret = fix_read(ctx->repo, &o, &d, err);
	if (ret == 0)
		ret = plan_files(ctx, &d, name, &files, err);
	if (ret == 0)
		ret = write_files(&files, err);
	if (ret == 0) {
		print_files(&files);
		cmd_flush(ctx);
		if (!o.kind)
			say_kind(ctx, &d);
		say_more(ctx, &d);
		say_next(ctx, &files);
	}
	release_files(&files);
	fix_release(&d);
	return ret;
}
