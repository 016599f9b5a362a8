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
	struct buf scenario; /* path of the file */
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
static int write_copy(struct ctx *ctx, struct fix_draft *d, struct fix_files *f,
		      struct err *err)
{
	struct buf name = BUF_INIT, text = BUF_INIT;
	int ret = 0;

	f->has_copy = fix_write_copy(d, f->fix.name.s, &text);
	if (f->has_copy) {
		add_sibling(f, "-copy.sql", &name);
		ret = new_file_plan(ctx, name.s, &f->copy, err);
	}
	if (ret == 0 && f->has_copy)
		ret = new_file_write(&f->copy, &text, err);
	buf_release(&name);
	buf_release(&text);
	return ret;
}

static int write_contract(struct ctx *ctx, struct fix_draft *d, struct fix_files *f,
			  struct err *err)
{
	struct buf name = BUF_INIT, text = BUF_INIT;
	int ret = -1;

	add_sibling(f, "-contract.sql", &name);
	f->has_contract = fix_write_contract(d, f->fix.name.s, &text);
	if (!f->has_contract) {
		err_set(err, ERR_USAGE,
			"a fix of the kind %s leaves nothing to clear away",
			sql_trouble_word(d->remedy.trouble.kind));
		err_hint(err, "usage", "Leave --contract out.");
	} else if (new_file_plan(ctx, name.s, &f->contract, err) == 0) {
		ret = new_file_write(&f->contract, &text, err);
	}
	buf_release(&name);
	buf_release(&text);
	return ret;
}

/* Beside the fix, under its name. */
static int plan_scenario(struct fix_files *f, struct err *err)
{
	const char *path;

	if (!f->wants_scenario)
		return 0;
	scenario_path(&f->scenario, f->fix.path.s);
	path = f->scenario.s + f->fix.top;
	if (access(f->scenario.s, F_OK) != 0)
		return 0;
	err_set(err, ERR_REFUSED, "file '%s' is there already", path);
	err_hint(err, "name",
		 "Choose another name for the fix, or leave --scenario out.");
	return -1;
}

static int write_scenario(struct fix_files *f, struct err *err)
{
	struct buf text = BUF_INIT;
	int ret;

	if (!f->wants_scenario)
		return 0;
	scenario_skeleton(&text, f->fix.name.s, true);
	ret = file_replace(f->scenario.s, text.s, text.len, 0644, err);
	buf_release(&text);
	return ret;
}

static int write_files(struct ctx *ctx, struct fix_draft *d, const char *named,
		       struct fix_files *f, struct err *err)
{
	struct buf name = BUF_INIT, text = BUF_INIT;
	int ret = -1;

	if (named)
		buf_adds(&name, named);
	else
		default_name(d->log.plan.items[d->pos].path, &name);
	if (new_file_plan(ctx, name.s, &f->fix, err) == 0 && plan_scenario(f, err) == 0) {
		fix_write(d, f->fix.name.s, &text);
		ret = f->wants_contract ? write_contract(ctx, d, f, err) : 0;
		if (ret == 0)
			ret = write_copy(ctx, d, f, err);
		if (ret == 0)
			ret = new_file_write(&f->fix, &text, err);
		if (ret == 0)
			ret = write_scenario(f, err);
	}
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

static void say_next(struct ctx *ctx, const struct fix_files *f)
{
	const char *path = f->fix.path.s + f->fix.top;

	say_hint(&ctx->say, "fix",
		 "Fill in what stands in <...>, the failure mode too, and try it: git "
		 "migrate apply --dry-run. Then: git add %s%s%s && git commit",
		 path, f->has_copy ? " " : "",
		 f->has_copy ? f->copy.path.s + f->copy.top : "");
	if (f->wants_scenario)
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

int cmd_fix(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] <migration>", NULL };
	struct fix_options o = { .target = "default" };
	struct fix_files files = { .wants_contract = false };
	const char *name = NULL;
	const struct opt opts[] = {
		{ OPT_STRING, 0, "kind", &o.kind, "<kind>",
		  "what went wrong; else the SQL tells" },
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
		new_file_print(&files.fix);
		if (files.has_copy)
			new_file_print(&files.copy);
		if (files.has_contract)
			new_file_print(&files.contract);
		if (files.wants_scenario)
			print_path(files.scenario.s + files.fix.top);
		cmd_flush(ctx);
		if (!o.kind)
			say_kind(ctx, &d);
		say_next(ctx, &files);
	}
	new_file_release(&files.fix);
	new_file_release(&files.copy);
	new_file_release(&files.contract);
	buf_release(&files.scenario);
	fix_release(&d);
	return ret;
}
