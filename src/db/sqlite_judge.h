/*
 * What has no place in a migration for SQLite. It is judged twice: by its words
 * before anything runs (sqlite_alone.c), and by what the authorizer sees of it when
 * it is compiled, however it is written (sqlite_script.c).
 */
#ifndef DB_SQLITE_JUDGE_H
#define DB_SQLITE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct sqlite_text;

/* What is refused, whatever stands before it. */
enum sqlite_refusal {
	REFUSED_NOTHING,
	REFUSED_ATTACH,
	REFUSED_PRAGMA,
	REFUSED_TRACKER,
	REFUSED_EXTENSION,
};

/* What is left out, if it may stand where it stands. */
enum sqlite_control {
	CONTROL_NONE,
	CONTROL_BEGIN,
	CONTROL_COMMIT,
	CONTROL_OTHER,	    /* ROLLBACK, savepoints */
	CONTROL_KEYS_AS_IS, /* PRAGMA foreign_keys with the value in force */
	CONTROL_KEYS_OTHER,
};

/** Start with `foreign_keys` alone set. */
struct sqlite_judge {
	bool foreign_keys; /* in force */
	/* the findings on the present statement */
	enum sqlite_refusal refusal;
	enum sqlite_control control;
	char subject[80];
	/* an outer BEGIN..COMMIT pair, and PRAGMA foreign_keys around it */
	bool began, ended, keys_told;
	struct err pair; /* has the place where it begins */
	unsigned done;	 /* statements so far that are not left out */
};

/** A statement begins, of which nothing was found. */
void sqlite_judge_begin(struct sqlite_judge *j);

/** The first thing that is found counts. */
void sqlite_judge_deny(struct sqlite_judge *j, enum sqlite_refusal refusal,
		       const char *subject);

/** BEGIN, COMMIT, ROLLBACK, or what is said of savepoints. */
void sqlite_judge_transaction(struct sqlite_judge *j, const char *operation);

/** A PRAGMA that is given a value. */
void sqlite_judge_pragma(struct sqlite_judge *j, const char *name, const char *value);

/** The refusal that was found, of the statement at `at`. Returns -1. */
int sqlite_judge_refuse(const struct sqlite_judge *j, const struct sqlite_text *t,
			size_t at, struct err *err);

/**
 * The verdict on the statement at `at`, which nothing refuses; `last` when none is
 * behind it. 0: it is to be run; 1: it is to be left out; -1 (ERR_REFUSED).
 */
int sqlite_judge_statement(struct sqlite_judge *j, const struct sqlite_text *t, size_t at,
			   bool last, struct err *err);

/** The verdict at the end of the text: 0 or -1. */
int sqlite_judge_end(const struct sqlite_judge *j, struct err *err);

#endif
