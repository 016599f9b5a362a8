#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "cmd/cmd.h"
#include "cmd/new_file.h"
#include "core/scenario.h"
#include "flow/fix.h"
#include "out/term.h"

struct fix_files {
	struct new_file fix, copy, contract;
	struct buf copy_text;
	struct buf scenario, copy_scenario; /* paths of the files */
	bool has_copy, wants_contract, has_contract, wants_scenario;
};

/* "fix-phone" for "2026/phone.sql", in the same folder. */
static void default_name(const char *path, struct buf *out)
{
	const char *base = migration_base(path);

	buf_add(out, path, (size_t)(base - path));
	buf_addf(out, "fix-%s", base);
}

/* "fix-phone-copy.sql" beside "fix-phone.sql". */
static void add_sibling(const struct fix_files *f, const char *suffix, struct buf *name)
{
	buf_add(name, f->fix.name.s, f->fix.name.len - strlen(".sql"));
	buf_adds(name, suffix);
}

/* What is run in batches has a file of its own. */
static int write_copy(struct ctx *ctx, struct fix_files *f, struct err *err)
{
	struct buf name = BUF_INIT;
	int ret;

	if (!f->has_copy)
		return 0;
	add_sibling(f, "-copy.sql", &name);
	ret = new_file_plan(ctx, name.s, &f->copy, err);
	if (ret == 0)
		ret = new_file_write(&f->copy, &f->copy_text, err);
	buf_release(&name);
	return ret;
}

static int write_contract(struct ctx *ctx, struct fix_draft *d, struct fix_files *f,
			  struct err *err)
{
	struct buf name = BUF_INIT, partner = BUF_INIT, text = BUF_INIT;
	int ret = -1;

	add_sibling(f, "-contract.sql", &name);
	add_sibling(f, fix_has_copy(d) ? "-copy.sql" : ".sql", &partner);
	f->has_contract = fix_write_contract(d, partner.s, &text);
	if (!f->has_contract) {
		err_set(err, ERR_USAGE,
			"a fix of the kind %s leaves nothing to clear away",
			sql_trouble_word(d->remedy.trouble.kind));
		err_hint(err, "usage", "Leave --contract out.");
	} else if (new_file_plan(ctx, name.s, &f->contract, err) == 0) {
		ret = new_file_write(&f->contract, &text, err);
	}
	buf_release(&name);
	buf_release(&partner);
	buf_release(&text);
	return ret;
}

/* Beside the fix, or its copy, and under that name. */
static int plan_scenario(const struct fix_files *f, const char *suffix, struct buf *path,
			 struct err *err)
{
	struct buf migration = BUF_INIT;

	buf_add(&migration, f->fix.path.s, f->fix.path.len - strlen(".sql"));
	buf_adds(&migration, suffix);
	scenario_path(path, migration.s);
	buf_release(&migration);
	if (access(path->s, F_OK) != 0)
		return 0;
	err_set(err, ERR_REFUSED, "file '%s' is there already", path->s + f->fix.top);
	err_hint(err, "name",
		 "Choose another name for the fix, or leave --scenario out.");
	return -1;
}

static int plan_scenarios(struct fix_files *f, struct err *err)
{
	if (!f->wants_scenario)
		return 0;
	if (plan_scenario(f, ".sql", &f->scenario, err) < 0)
		return -1;
	return f->has_copy ? plan_scenario(f, "-copy.sql", &f->copy_scenario, err) : 0;
}

static int write_scenario(const struct buf *path, const char *migration,
			  enum scenario_for what, struct err *err)
{
	struct buf text = BUF_INIT;
	int ret;

	scenario_skeleton(&text, migration, what);
	ret = file_replace(path->s, text.s, text.len, 0644, err);
	buf_release(&text);
	return ret;
}

/* With a copy nothing is mended before that: what goes wrong stands beside it. */
static int write_scenarios(const struct fix_files *f, struct err *err)
{
	if (!f->wants_scenario)
		return 0;
	if (!f->has_copy)
		return write_scenario(&f->scenario, f->fix.name.s, SCENARIO_FOR_FIX, err);
	if (write_scenario(&f->scenario, f->fix.name.s, SCENARIO_FOR_STEP, err) < 0)
		return -1;
	return write_scenario(&f->copy_scenario, f->copy.name.s, SCENARIO_FOR_FIX, err);
}

static int write_files(struct ctx *ctx, struct fix_draft *d, const char *named,
		       struct fix_files *f, struct err *err)
{
	struct buf name = BUF_INIT, text = BUF_INIT;
	int ret;

	if (named)
		buf_adds(&name, named);
	else
		default_name(d->log.plan.items[d->pos].path, &name);
	ret = new_file_plan(ctx, name.s, &f->fix, err);
	if (ret == 0) {
		fix_write(d, f->fix.name.s, &text);
		f->has_copy = fix_write_copy(d, f->fix.name.s, &f->copy_text);
		ret = plan_scenarios(f, err);
	}
	if (ret == 0 && f->wants_contract)
		ret = write_contract(ctx, d, f, err);
	if (ret == 0)
		ret = write_copy(ctx, f, err);
	if (ret == 0)
		ret = new_file_write(&f->fix, &text, err);
	if (ret == 0)
		ret = write_scenarios(f, err);
	buf_release(&name);
	buf_release(&text);
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

	fix_add_more(d, &more);
	if (more.len)
		say_hint(&ctx->say, "more",
			 "The same is true of %s: write it into the fix, too, or into a "
			 "further one.",
			 more.s);
	buf_release(&more);
}

static void say_next(struct ctx *ctx, const struct fix_files *f)
{
	const char *path = f->fix.path.s + f->fix.top;

	say_hint(&ctx->say, "fix",
		 "Fill in what stands in <...>, the failure mode too, and try it: git "
		 "migrate apply --dry-run. Then: git add %s%s%s && git commit",
		 path, f->has_copy ? " " : "",
		 f->has_copy ? f->copy.path.s + f->copy.top : "");
	if (f->wants_scenario && f->has_copy)
		say_hint(&ctx->say, "scenario",
			 "Fill in %s too, and commit it with the fix: git migrate "
			 "rehearse %s tries all of it. %s is for what the fix does "
			 "before the copy, alone.",
			 f->copy_scenario.s + f->fix.top, f->copy.name.s,
			 f->scenario.s + f->fix.top);
	else if (f->wants_scenario)
		say_hint(&ctx->say, "scenario",
			 "Fill in %s too, and commit it with the fix: git migrate "
			 "rehearse %s tries both.",
			 f->scenario.s + f->fix.top, f->fix.name.s);
	if (f->has_contract)
		say_hint(&ctx->say, "contract",
			 "Commit %s behind the fix, with \"Not-Before: <date>\" where "
			 "that "
			 "can be said (\"git migrate status --owed\" lists it until "
			 "then); "
			 "else keep it uncommitted until no running code needs what it "
			 "drops.",
			 f->contract.path.s + f->contract.top);
}

static void print_files(const struct fix_files *f)
{
	new_file_print(&f->fix);
	if (f->has_copy)
		new_file_print(&f->copy);
	if (f->has_contract)
		new_file_print(&f->contract);
	if (f->wants_scenario)
		print_path(f->scenario.s + f->fix.top);
	if (f->wants_scenario && f->has_copy)
		print_path(f->copy_scenario.s + f->fix.top);
}

static void release_files(struct fix_files *f)
{
	new_file_release(&f->fix);
	new_file_release(&f->copy);
	new_file_release(&f->contract);
	buf_release(&f->copy_text);
	buf_release(&f->scenario);
	buf_release(&f->copy_scenario);
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
		ret = write_files(ctx, &d, name, &files, err);
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
