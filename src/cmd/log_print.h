/* The forms in which `log` prints. */
#ifndef CMD_LOG_PRINT_H
#define CMD_LOG_PRINT_H

#include "flow/log.h"

struct ctx;
struct err;
struct js;

struct log_view {
	const struct log *log;
	const struct log_filter *filter;
	const bool *shown; /* by position */
	int limit; /* of migrations, with --graph of those that fix none; -1: all */
	bool reverse;
};

/** Positions in the order in which they are shown; `*order` is the caller's. */
void log_order(const struct log_view *v, size_t **order, size_t *nr);

/** Whether a target's records are shown. */
bool log_shows_target(const struct log_view *v, const struct log_target *t);

void log_print_text(const struct ctx *ctx, const struct log_view *v);
/** Fixes under what they fix. */
void log_print_graph(const struct ctx *ctx, const struct log_view *v);
void log_print_oneline(const struct ctx *ctx, const struct log_view *v);
void log_print_porcelain(const struct log_view *v);
void log_print_json(const struct log_view *v);

/** One migration with its records, as --json has it. The caller's. */
struct js *log_json(const struct log_view *v, size_t pos);

/**
 * Prints a line for each migration as `format` says (git-migrate(1), log). 0; -1
 * before anything is printed: there is no such placeholder (ERR_USAGE).
 */
int log_print_format(const struct log_view *v, const char *format, struct err *err);

#endif
