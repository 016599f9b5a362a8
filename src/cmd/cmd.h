/* Commands: one row each in the table of main.c, one file each. */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdbool.h>

#include "cmd/opt.h"
#include "out/progress.h"
#include "out/say.h"

struct err;
struct findings;
struct held;
struct js;
struct migration;
struct oid;
struct repo;
struct survey_options;
struct sync_event;

struct ctx {
	struct repo *repo; /* opened before the command runs, if it NEED_REPOs one */
	struct say say;	   /* for stderr */
	struct progress progress; /* on stderr */
	bool color;		  /* on stdout */
	const char *pager;	  /* the command that git would page with */
	const struct command *command;
	int write_errno; /* why results could not be written, 0 while they could */
};

enum command_needs {
	NEED_REPO = 1 << 0,
};

struct command {
	const char *name;
	/** Returns an exit status, or -1 with `err` set. */
	int (*run)(struct ctx *ctx, int argc, char **argv, struct err *err);
	enum command_needs needs;
	const char *group;
	const char *help;
};

int cmd_apply(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_at(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_audit(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_check(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_diagnose(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_drill(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_fix(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_hook(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_init(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_log(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_new(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_plan(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_rehearse(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_report(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_schema(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_show(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_status(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_sync(struct ctx *ctx, int argc, char **argv, struct err *err);
int cmd_target(struct ctx *ctx, int argc, char **argv, struct err *err);

/**
 * Parses the options of a command. Returns how many arguments are left in
 * argv[0..], -1 with `err` set. "-h" prints the usage and ends the program,
 * "--help" shows the manual.
 */
int cmd_options(struct ctx *ctx, const struct usage *u, int argc, char **argv,
		struct err *err);

/** Refuses --porcelain together with --json (ERR_USAGE). 0 or -1. */
int cmd_one_form(bool porcelain, bool json, struct err *err);

/** Flushes stdout before something is said on stderr, and keeps what goes wrong. */
void cmd_flush(struct ctx *ctx);

/** Refuses more than `max` arguments (ERR_USAGE). 0 or -1. */
int cmd_at_most(int nr, int max, char **argv, struct err *err);

/**
 * Reads --since and --until (either may be NULL) as records have times; `*_text` has
 * room for CLOCK_TEXT. 0 or -1.
 */
int cmd_read_bounds(struct ctx *ctx, const char *since, const char *until,
		    char *since_text, char *until_text, struct err *err);

/** Refuses a target whose mirror is not at hand (ERR_REFUSED); -1. */
int cmd_no_mirror(const char *target, struct err *err);

enum { SHORT_ID = 8 };

/** The beginning of a commit's id, dashes for one that is not known; returns `text`. */
const char *cmd_short_id(const struct oid *id, char text[SHORT_ID + 1]);

/**
 * Bounds the rest of the command, which judges what strangers push: sizes, memory, and
 * CPU time (migrate.hookTimeout), commits (migrate.hookCommits); a crash is said. 0, or
 * -1 for a setting that is none.
 */
int cmd_bound_hook(struct ctx *ctx, struct err *err);
/** The same where no server waits: more time and memory. */
int cmd_bound_check(struct ctx *ctx, struct err *err);

/** Prints findings on stderr as errors and warnings, with details and hints. */
void cmd_say_findings(const struct ctx *ctx, const struct findings *f);
/** The same as an array for --json. */
struct js *cmd_json_findings(const struct findings *f);

/** What a migration waits for, as an object for --json. */
struct js *cmd_json_held(const struct held *h);

/** Tells people what a sync does; `arg` is the ctx. */
void cmd_tell_sync(void *arg, const struct sync_event *e);

/** The configured target names; `fn` as in config_subsections. */
int cmd_each_target(struct ctx *ctx, int (*fn)(void *arg, const char *name), void *arg);

#endif
