#include "base/compat.h"

#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/setup.h"
#include "flow/events.h"
#include "flow/target.h"
#include "git/config.h"
#include "git/repo.h"
#include "out/json.h"
#include "out/table.h"

/* A target as configured; what of it cannot be understood is said in its place. */
static void describe(struct repo *repo, const char *name, struct buf *shown)
{
	const struct db_driver *driver;
	struct err err = { 0 };
	const char *url;
	bool password;

	if (target_url(repo, name, &url, &err) == 0) {
		driver = db_driver_for(url, &err);
		if (driver && driver->describe(url, shown, &password, &err) == 0)
			return;
	}
	buf_addf(shown, "(%s)", err.message);
}

struct listing {
	struct ctx *ctx;
	struct table *table;
	struct js *json;
	bool porcelain;
	size_t nr;
};

static int list_one(void *arg, const char *name)
{
	struct listing *l = arg;
	struct buf shown = BUF_INIT;
	struct js *j;

	describe(l->ctx->repo, name, &shown);
	if (l->json) {
		j = js_object();
		js_put_str(j, "name", name);
		js_put_str(j, "url", shown.s);
		js_add(l->json, j);
	} else if (l->porcelain) {
		printf("%s ", name);
		term_print(stdout, shown.s);
		printf("\n");
	} else {
		table_cell(l->table, COLOR_BOLD, name);
		table_cell(l->table, COLOR_NONE, shown.s);
		table_row(l->table);
	}
	l->nr++;
	buf_release(&shown);
	return 0;
}

static int list(struct ctx *ctx, bool porcelain, bool json)
{
	struct listing l = { .ctx = ctx, .porcelain = porcelain };

	l.table = table_new(ctx->color);
	if (json)
		l.json = js_array();
	cmd_each_target(ctx, list_one, &l);
	table_print(l.table, stdout, 0);
	table_free(l.table);
	if (json) {
		js_print(l.json, stdout);
		js_free(l.json);
	}
	if (!l.nr && !json)
		say_hint(&ctx->say, "noTarget",
			 "There is none yet; \"git migrate target add "
			 "<name> <url>\" adds one.");
	return 0;
}

/* What the engine can do, as the driver found it. */
static void show_abilities(const struct db_capabilities *can)
{
	printf("\nddl:     %s\nlock:    %s\nsend:    %s\nsession: %s\nlog:     %s\n",
	       can->tx_ddl ? "in transactions" : "not in transactions",
	       can->file ? "the database file" : "a row of the tracker",
	       can->file      ? "in one transaction for many migrations"
	       : can->careful ? "each statement is waited for"
			      : "many migrations in one pipeline",
	       can->fresh_session ? "a new one for each migration"
				  : "put back after each migration",
	       can->append_triggers ? "triggers refuse changes"
				    : "no triggers: the chain alone shows changes");
	if (!can->known)
		printf("note:    nobody has tried this version with git-migrate: it is "
		       "used with care\n");
}

static int show(struct ctx *ctx, const char *name, struct err *err)
{
	const struct target_options o = { .name = name };
	const struct record *last;
	struct target t;
	int ret = -1;

	if (target_open(&t, ctx->repo, &o, err) < 0)
		goto out;
	printf("name:    %s\nurl:     ", name);
	term_print(stdout, t.shown.s);
	if (!t.db) {
		printf("\nstate:   there is no database yet; the first apply makes it\n");
		ret = 0;
		goto out;
	}
	printf("\nengine:  ");
	term_print(stdout, t.driver->engine(t.db));
	show_abilities(t.driver->capabilities(t.db));
	printf("tracker: ");
	last = ledger_last(&t.ledger);
	if (last)
		printf("%zu records, uuid %s\nhead:    %s\n", t.ledger.nr,
		       t.ledger.target, last->hash);
	else
		printf("none yet; the first apply installs it\n");
	ret = 0;
out:
	target_release(&t);
	return ret;
}

static int cmp_name(void *arg, const char *name)
{
	return strcmp(arg, name) == 0;
}

static int remove_target(struct ctx *ctx, const char *name, struct err *err)
{
	struct buf section = BUF_INIT, said = BUF_INIT;
	const char *args[] = { "config", "--local", "--remove-section", NULL, NULL };
	int status;

	if (!cmd_each_target(ctx, cmp_name, (void *)name)) {
		err_set(err, ERR_REFUSED, "there is no target '%s'", name);
		err_hint(err, "noTarget",
			 "\"git migrate target list\" shows those that are "
			 "known.");
		return -1;
	}
	buf_addf(&section, "migrate.%s", name);
	args[3] = section.s;
	status = repo_git(ctx->repo, args, NULL, &said, err);
	if (status > 0) {
		err_set(err, ERR_REFUSED, "target '%s' is not set in this repository",
			name);
		err_hint(err, "noTarget",
			 "\"git config --show-origin --get-all "
			 "migrate.%s.url\" tells where it is.",
			 name);
		status = -1;
	}
	if (status == 0)
		printf("removed target %s; its database and its mirror are untouched\n",
		       name);
	buf_release(&section);
	buf_release(&said);
	return status;
}

/* restored and clone: what happened outside of this tool, with the reason. */
static int say_event(struct ctx *ctx, const char *what, const char *name,
		     const char *reason, struct err *err)
{
	bool clone = strcmp(what, "clone") == 0;
	struct err unmirrored = { 0 };
	bool anew = false;
	int ret;

	if (!reason || !reason[0]) {
		err_set(err, ERR_USAGE, "'target %s' wants a reason", what);
		err_hint(err, "usage",
			 "git migrate target %s %s --reason \"...\"; it goes "
			 "into the log.",
			 what, name);
		return -1;
	}
	ret = clone ? events_cloned(ctx->repo, name, reason, &unmirrored, err)
		    : events_restored(ctx->repo, name, reason, &anew, &unmirrored, err);
	if (ret == 0)
		printf(clone  ? "target %s is a database of its own from here on\n"
		       : anew ? "recorded that target %s starts over; all is pending\n"
			      : "recorded that target %s was restored; what it lost is "
				"pending again\n",
		       name);
	if (ret == 0 && unmirrored.code) {
		cmd_flush(ctx);
		say_warning(&ctx->say, "the mirror was not written: %s",
			    unmirrored.message);
		say_hint(&ctx->say, "mirror",
			 "The record is in the tracker; the next \"git migrate apply "
			 "%s\" "
			 "writes it.",
			 name);
	}
	return ret;
}

int cmd_target(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "list [--porcelain] [--json]",
					     "add <name> <url>",
					     "show <name>",
					     "remove <name>",
					     "restored <name> --reason <text>",
					     "clone <name> --reason <text>",
					     NULL };
	bool porcelain = false, json = false;
	const char *reason = NULL;
	const struct opt opts[] = {
		{ OPT_BOOL, 0, "porcelain", &porcelain, NULL, "list: lines for scripts" },
		{ OPT_BOOL, 0, "json", &json, NULL, "list: JSON" },
		{ OPT_STRING, 0, "reason", &reason, "<text>",
		  "restored, clone: why, for the log" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err);

	if (nr < 0 || cmd_one_form(porcelain, json, err) < 0)
		return -1;
	if (nr == 0 || (nr == 1 && strcmp(argv[0], "list") == 0))
		return list(ctx, porcelain, json);
	if (nr == 3 && strcmp(argv[0], "add") == 0)
		return setup_target(ctx, argv[1], argv[2], err);
	if (nr == 2 && strcmp(argv[0], "show") == 0)
		return show(ctx, argv[1], err);
	if (nr == 2 && strcmp(argv[0], "remove") == 0)
		return remove_target(ctx, argv[1], err);
	if (nr == 2 && (!strcmp(argv[0], "restored") || !strcmp(argv[0], "clone")))
		return say_event(ctx, argv[0], argv[1], reason, err);
	opt_usage(&usage, ctx->command->name, stderr);
	return err_exit_status(ERR_USAGE);
}
