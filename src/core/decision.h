/*
 * The decision tree of `diagnose`: questions, the evidence that each asks for, what
 * follows from each answer, and the ways forward that it ends in. Data alone; who walks
 * it finds the answers.
 */
#ifndef CORE_DECISION_H
#define CORE_DECISION_H

#include <stdbool.h>
#include <stddef.h>

struct err;

enum decision_question {
	ASK_OPEN, /* the first one */
	ASK_EFFECT,
	ASK_PLANNED,
	ASK_HERE,
	ASK_CAUSE,
	ASK_HELD,
	ASK_FREE,
	ASK_OTHER,
	ASK_UNTRIED,
	ASK_KNOWN,
	ASK_ELSEWHERE,
	ASK_FIXED,
	ASK_STILL,
	ASK_WAITERS,
	ASK_INDEX,
	ASK_LOSSY,
	ASK_REQUIRED,
	ASK_RENAMED,
	ASK_DROPPED,
	ASK_CONSTRAINT,
	ASK_BACKFILL,
	ASK_DELETED,
	ASK_SLOW,
	ASK_WHERE,
	ASK_SPARED,
	ASK_NR,
};

enum decision_way {
	WAY_WAIT,
	WAY_RESUME,
	WAY_RESUME_BATCHES,
	WAY_RESUME_AT,
	WAY_LOOK,
	WAY_VOUCH,
	WAY_ABANDON,
	WAY_BRING_BACK,
	WAY_SWITCH,
	WAY_GONE,
	WAY_REPLACED,
	WAY_AGAIN,
	WAY_OUTWAIT_SERVER,
	WAY_OUTWAIT_FILE,
	WAY_AMEND,
	WAY_FIXUP,
	WAY_MEND_ROWS,
	WAY_PUT_BACK,
	WAY_SUPERSEDE,
	WAY_SUPERSEDE_HERE,
	WAY_SETTLE_OTHER,
	WAY_APPLY,
	WAY_APPLY_FIX,
	WAY_MENDED,
	WAY_UNBLOCK,
	WAY_FIX,
	WAY_FIX_FIRST,
	WAY_FIX_AND_REPLACE,
	WAY_NEW_FIX,
	WAY_NR,
};

/** What a person is asked to type: "@name@" stands for what only the walk knows. */
struct decision_command {
	const char *text;
	bool edit; /* of a file, between the commands; not to be typed as it stands */
};

enum { DECISION_ANSWERS = 6, DECISION_COMMANDS = 10 };

struct decision_answer {
	const char *word; /* "no"; for programs too, and frozen */
	bool ends;	  /* in `way`, else `next` is asked */
	unsigned next;	  /* enum decision_question, always a later one */
	unsigned way;	  /* enum decision_way */
	const char *kind; /* of trouble, as `fix --kind` takes it; NULL: none */
};

struct decision_node {
	const char *id; /* frozen */
	const char *text;
	const char *evidence; /* what decides, for the manual */
	bool personal;	      /* a person may know better than the evidence */
	struct decision_answer answers[DECISION_ANSWERS]; /* up to one without a word */
};

struct decision_end {
	const char *id; /* frozen */
	const char *advice;
	struct decision_command commands[DECISION_COMMANDS]; /* up to one without text */
};

extern const struct decision_node decision_nodes[ASK_NR];
extern const struct decision_end decision_ends[WAY_NR];

struct decision_step {
	enum decision_question question;
	size_t answer; /* in the node's */
};

/** Start with `= { 0 }`. */
struct decision_walk {
	struct decision_step steps[ASK_NR];
	size_t nr;
	enum decision_way way;
	const char *kind; /* of the trouble that was found; NULL: none was */
};

/**
 * Answers a question: the position of one of its node's answers, or -1 with `err` set.
 */
typedef int (*decision_fn)(void *arg, enum decision_question question, struct err *err);

/** Walks from the first question to a way. 0, or -1: an answer could not be had. */
int decision_walk(decision_fn answer, void *arg, struct decision_walk *out,
		  struct err *err);

/** Position of the answer with that word; it must be there. */
int decision_answer(enum decision_question question, const char *word);

#endif
