/* Batches on a PostgreSQL server: the log of trials, and scripts one by one. */
#ifndef UNIT_PG_BATCH_H
#define UNIT_PG_BATCH_H

#include "batch.h"
#include "pg-fixture.h"

/* The lock rows of the log of trials and of the tracker. */
#define LOCK_WAIT                                                                        \
	"SELECT 1 / count(*) FROM (SELECT id FROM git_migrate.lock WHERE id = 1"         \
	" FOR UPDATE) AS found"
#define LOCK_NOW                                                                         \
	"SELECT 1 / count(*) FROM (SELECT id FROM git_migrate.lock WHERE id = 1"         \
	" FOR UPDATE NOWAIT) AS found"

/* Judges one script, and runs it in a batch of its own. */
int run_count(struct db *db, const char *sql, unsigned *nr, struct err *err);
void run_ok(struct db *db, const char *sql);
/* Runs what must be refused with a message that holds `word`. */
void run_refused(struct db *db, const char *sql, const char *word, unsigned line,
		 unsigned column);

/* COMMITs of a trial with a log may be late: put behind make_log(). */
void let_be_late(struct trial *t);

#endif
