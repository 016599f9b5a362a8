/* The decision tree as it was walked: for people and programs, and who is asked. */
#ifndef CMD_DECIDE_PRINT_H
#define CMD_DECIDE_PRINT_H

#include <stdbool.h>

#include "core/decision.h"

struct ctx;
struct decide;
struct diagnosis;
struct err;
struct js;

/** Whether somebody sits at the terminal who can be asked. */
bool decide_can_ask(void);

/** A person at the terminal, who is told once what the questions are about. */
struct decide_person {
	struct ctx *ctx;
	const struct diagnosis *d;
	bool told;
};

/** Asks on the terminal; `arg` is a decide_person. As struct decide_options has it. */
int decide_ask(void *arg, enum decision_question question, int usual,
	       const char *evidence, struct err *err);

/** Prints each question with its answer, what a down migration would do, the way. */
void decide_print(const struct ctx *ctx, const struct decide *way);

/** Adds the same to an object; `way` NULL: there was no walk. */
void decide_json(const struct decide *way, struct js *to);

#endif
