/* What drills print. */
#ifndef CMD_DRILL_PRINT_H
#define CMD_DRILL_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct ctx;
struct drill;
struct drill_catalogue;
struct drill_judgement;
struct drill_log;

enum drill_form { DRILL_PEOPLE, DRILL_PORCELAIN, DRILL_JSON };

/** Appends "4:12" or "1:04:12". */
void drill_clock(struct buf *out, int64_t seconds);

/** All incidents, and how the newest drill of each ended. */
void drill_print_list(struct ctx *ctx, enum drill_form form,
		      const struct drill_catalogue *c, const struct drill_log *log);

/** What there was, newest first. */
void drill_print_log(struct ctx *ctx, enum drill_form form, const struct drill_log *log);

/** One that has begun: what has happened, and where. */
void drill_print_story(struct ctx *ctx, const struct drill *d);

/** What was looked at; `all`: what is well too. */
void drill_print_verdicts(struct ctx *ctx, const struct drill_judgement *j, bool all);

/** The drill as JSON, with what was looked at (NULL: nothing was). */
void drill_print_json(const struct drill *d, const struct drill_judgement *j);

#endif
