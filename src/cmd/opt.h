/* Options as a table that is also the usage text. */
#ifndef CMD_OPT_H
#define CMD_OPT_H

#include <stdbool.h>
#include <stdio.h>

struct err;

enum opt_type {
	OPT_END,
	OPT_BOOL,   /* bool *: true when given, false for --no-<name> */
	OPT_SWITCH, /* int *: 1 when given, 0 for --no-<name>, else as it was */
	OPT_STRING, /* const char ** */
	OPT_COUNT,  /* int *: a number from 0 */
};

struct opt {
	enum opt_type type;
	char letter; /* 0 for none */
	const char *name;
	void *value;
	const char *arg; /* what stands for the argument in the usage, "<rev>" */
	const char *help;
};

struct usage {
	const char *const *lines; /* NULL-terminated: "[<options>] <name>" */
	const struct opt *opts;	  /* ends in OPT_END */
};

/**
 * Takes the options out of argv[1..] and moves the rest to argv[0..]: returns
 * how many are left (argv[n] is NULL), -1 with `err` (ERR_USAGE) set.
 * Long options may be cut short where that is unique; "--" ends them.
 */
int opt_parse(const struct usage *u, int argc, char **argv, struct err *err);

/** Prints the usage of "git migrate <command>". */
void opt_usage(const struct usage *u, const char *command, FILE *to);

#endif
