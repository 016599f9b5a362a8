/*
 * A dry run on SQLite: all units in one transaction, which the database itself
 * would not let anybody commit.
 */
#include "base/compat.h"

#include "base/err.h"
#include "db/driver.h"
#include "db/sqlite.h"
#include "db/sqlite_unit.h"

struct dry {
	struct sqlite_units units;
	bool foreign_keys; /* in the transaction */
};

/* --- what is touched --------------------------------------------------- */

static void tell(const struct dry *d, size_t unit, const struct sqlite_touches *t)
{
	const struct db_batch *batch = d->units.batch;
	struct db_touched what = { 0 };
	size_t i;

	for (i = 0; i < t->nr && batch->touched; i++) {
		what.name = t->items[i].name;
		what.rewritten = t->items[i].rewritten;
		what.dropped = t->items[i].dropped;
		what.destroyed = t->items[i].destroyed;
		batch->touched(batch->arg, unit, &what);
	}
}

/* --- the run ----------------------------------------------------------- */

static int try_unit(struct dry *d, size_t i, const struct db_unit *unit, struct err *err)
{
	const struct db_batch *batch = d->units.batch;
	struct sqlite_touches touches = { 0 };
	struct db_report report;
	const struct sqlite_outcome out = { &report, &touches };
	int ret = sqlite_unit_run(&d->units, i, unit, &out, err);

	if (ret == 0) {
		tell(d, i, &touches);
		batch->done(batch->arg, i, &report);
	}
	sqlite_touches_release(&touches);
	return ret;
}

static int begin(struct dry *d, const struct db_unit *first, struct err *err)
{
	d->foreign_keys = first->script && first->script->foreign_keys;
	if (sqlite_begin(d->units.db, d->foreign_keys, err) < 0 ||
	    sqlite_keys_begin(&d->units.keys, err) < 0)
		return sqlite_units_failed(&d->units, 0, DB_BEGIN);
	return sqlite_unit_ask(&d->units, 0, first, err);
}

/* 0; 1 when this unit is not for this transaction; -1. */
static int next(struct dry *d, size_t i, struct err *err)
{
	const struct db_batch *batch = d->units.batch;
	struct db_unit unit = { 0 };
	bool foreign_keys;

	if (sqlite_look_for_signal(d->units.db, err) < 0 ||
	    batch->unit(batch->arg, i, &unit, err) < 0)
		return sqlite_units_failed(&d->units, i, DB_BEGIN);
	foreign_keys = unit.script && unit.script->foreign_keys;
	if ((unit.script && unit.script->no_transaction) ||
	    (i > 0 && foreign_keys != d->foreign_keys)) {
		sqlite_units_failed(&d->units, i, DB_BEGIN);
		return 1;
	}
	if (i == 0 && begin(d, &unit, err) < 0)
		return -1;
	return try_unit(d, i, &unit, err);
}

static int refuse_commit(void *arg UNUSED)
{
	return 1;
}

int sqlite_run_dry(struct db *db, const struct db_batch *batch,
		   struct db_failure *failure, struct err *err)
{
	struct dry d = { 0 };
	int ret = 0;
	size_t i;

	sqlite_units_init(&d.units, db, batch, failure);
	sqlite3_commit_hook(db->sql, refuse_commit, NULL);
	for (i = 0; i < batch->nr && ret == 0; i++)
		ret = next(&d, i, err);
	sqlite_units_release(&d.units);
	sqlite_rollback(db);
	sqlite3_commit_hook(db->sql, NULL, NULL);
	return ret;
}
