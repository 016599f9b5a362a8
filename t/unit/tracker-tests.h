/* Tests of the tracker that hold on every engine; a program has one. */
#ifndef UNIT_TRACKER_TESTS_H
#define UNIT_TRACKER_TESTS_H

#include "batch.h"

struct fixture;

/* What the engines say in their own words. */
struct tracker_engine {
	const char *log, *schema; /* the tables, as SQL names them */
	const char *installed;	  /* version, name and size of sum of its migrations */
	unsigned version;
	const char *behind;  /* words of a refusal: of a record that is not the next, */
	const char *settled; /* of a path that is settled, */
	const char *broken;  /* of a chain that is not continued, */
	const char *unequal; /* of a hash that is not the record's; NULL: not compared */
	const char *const *refused; /* what a person may try, up to NULL */
	const char *after_refused;  /* undoes what those have set; NULL: nothing */
	const char *tamper;	    /* lets updates through */

	struct db *(*db)(struct fixture *f);
	/* Another session on the same database. 0 or -1. */
	int (*another)(struct fixture *f, struct db **out, struct err *err);
	/* Runs a text as a migration. 0 or -1. */
	int (*migrate)(struct db *db, const char *sql, struct err *err);
};

extern const struct tracker_engine tracker_engine;

void test_tracker(void **state);
void test_grown(void **state);
void test_restored(void **state);
void test_append_only(void **state);
void test_examine(void **state);
void test_install_race(void **state);

/* All of them, in a list that T() fills. */
#define TRACKER_TESTS                                                                    \
	T(test_tracker), T(test_grown), T(test_restored), T(test_append_only),           \
		T(test_examine), T(test_install_race)

#endif
