/*
 * What the catalog shows of a statement that ran outside of a transaction, when
 * nobody knows how far it came. Each question has a snapshot of its own, and the
 * first is whether a session still runs it: what is seen afterwards stays.
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "db/driver.h"
#include "db/pg.h"
#include "db/pg_look.h"
#include "sql/split.h"

/* --- partitions --------------------------------------------------------- */

static int look_at_partition(struct look *l, struct err *err)
{
	static const char sql[] = "SELECT inhdetachpending FROM pg_catalog.pg_inherits "
				  "WHERE inhrelid = $1::pg_catalog.oid AND inhparent = "
				  "$2::pg_catalog.oid";
	struct look_place table, part;
	const char *params[2];
	struct look_answer a;

	if (look_find(l, &l->a.name, false, &table, err) < 0 ||
	    look_find(l, &l->a.other, false, &part, err) < 0)
		return -1;
	if (!table.oid || !part.oid) {
		buf_addf(l->text, "table %s is not there",
			 look_shown(l, table.oid ? &l->a.other : &l->a.name));
		return look_conclude(l, DB_UNKNOWN);
	}
	params[0] = part.oid;
	params[1] = table.oid;
	if (look_ask(l, sql, params, 2, &a, err) < 0)
		return -1;
	buf_addf(l->text, "%s.%s is ", part.schema, part.name);
	if (!a.rows) {
		buf_addf(l->text, "no partition of %s.%s any more", table.schema,
			 table.name);
		return look_conclude(l, DB_FINISHED);
	}
	buf_addf(l->text, "a partition of %s.%s", table.schema, table.name);
	if (!look_is_true(a.values[0]))
		return look_conclude(l, DB_ABSENT);
	buf_adds(l->text, " whose detaching has begun and is not finished");
	return look_conclude(l, l->a.kind == ALONE_FINALIZE ? DB_ABSENT : DB_HALF);
}

/* --- what is there, or is not ------------------------------------------- */

/* What has no schema: the question for its name. */
static const char *question_for(enum sql_alone_object object)
{
	switch (object) {
	case ALONE_DATABASE:
		return "SELECT 1 FROM pg_catalog.pg_database WHERE datname = "
		       "$1::pg_catalog.name";
	case ALONE_TABLESPACE:
		return "SELECT 1 FROM pg_catalog.pg_tablespace WHERE spcname = "
		       "$1::pg_catalog.name";
	case ALONE_SUBSCRIPTION:
		return "SELECT 1 FROM pg_catalog.pg_subscription WHERE subname = "
		       "$1::pg_catalog.name AND subdbid = (SELECT oid FROM "
		       "pg_catalog.pg_database WHERE datname = "
		       "pg_catalog.current_database())";
	case ALONE_SCHEMA:
		return "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = "
		       "$1::pg_catalog.name";
	case ALONE_NOTHING:
	case ALONE_TABLE:
	case ALONE_INDEX:
	case ALONE_VIEW:
	case ALONE_SEQUENCE:
	case ALONE_TYPE:
	case ALONE_COLUMN:
	case ALONE_CONSTRAINT:
		return NULL;
	}
	BUG("unhandled object %d", (int)object);
}

static int look_for_object(struct look *l, struct err *err)
{
	bool create = l->a.kind == ALONE_CREATE;
	const char *question = question_for(l->a.object);
	struct look_place place = { .first = true };
	struct look_answer a = { 0 };
	bool there;

	if (question ? look_ask(l, question, &l->a.name.base, 1, &a, err) < 0
		     : look_find(l, &l->a.name, l->a.object == ALONE_TYPE, &place, err) <
			       0)
		return -1;
	there = question ? a.rows > 0 : place.oid != NULL;
	/* CREATE makes it in the first schema; DROP may have taken it from there */
	if (there && create && !place.first)
		there = false;
	buf_addf(l->text, "%s %s is %sthere", sql_alone_object_word(l->a.object),
		 place.oid && there
			 ? pool_printf(&l->pool, "%s.%s", place.schema, place.name)
			 : look_shown(l, &l->a.name),
		 there ? "" : "not ");
	if (there && !place.first) {
		buf_adds(l->text, ", but not in the first schema of the search_path, "
				  "where it may have been as well");
		return look_conclude(l, DB_UNKNOWN);
	}
	return look_conclude(l, there == create ? DB_FINISHED : DB_ABSENT);
}

static int look_for_part(struct look *l, const char *table, const char *part, bool *there,
			 struct err *err)
{
	static const char column[] =
		"SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid = "
		"$1::pg_catalog.oid AND attname = $2::pg_catalog.name AND attnum > 0 AND "
		"NOT attisdropped";
	static const char constraint[] =
		"SELECT 1 FROM pg_catalog.pg_constraint WHERE conrelid = "
		"$1::pg_catalog.oid AND conname = $2::pg_catalog.name";
	const char *params[] = { table, part };
	struct look_answer a;

	if (look_ask(l, l->a.object == ALONE_COLUMN ? column : constraint, params, 2, &a,
		     err) < 0)
		return -1;
	*there = a.rows > 0;
	buf_addf(l->text, "%s%s %s is %sthere", l->text->len ? "; " : "",
		 sql_alone_object_word(l->a.object), part, *there ? "" : "not ");
	return 0;
}

/* Before and after a change of names: both, or none, says nothing. */
static int conclude_rename(struct look *l, bool old, bool new)
{
	if (old == new)
		return look_conclude(l, DB_UNKNOWN);
	return look_conclude(l, new ? DB_FINISHED : DB_ABSENT);
}

static int look_at_table_rename(struct look *l, struct err *err)
{
	struct sql_ident to = { .schema = l->a.name.schema, .base = l->a.to };
	struct look_place old, new;

	if (look_find(l, &l->a.name, false, &old, err) < 0 ||
	    look_find(l, &to, false, &new, err) < 0)
		return -1;
	buf_addf(l->text, "table %s is %sthere; ", look_shown(l, &l->a.name),
		 old.oid ? "" : "not ");
	buf_addf(l->text, "table %s is %sthere", look_shown(l, &to),
		 new.oid ? "" : "not ");
	return conclude_rename(l, old.oid != NULL, new.oid != NULL);
}

static int look_at_table(struct look *l, struct err *err)
{
	bool there, renamed = false;
	struct look_place table;

	if (l->a.kind == ALONE_RENAME && !l->a.part)
		return look_at_table_rename(l, err);
	if (look_find(l, &l->a.name, false, &table, err) < 0)
		return -1;
	if (!table.oid) {
		buf_addf(l->text, "table %s is not there", look_shown(l, &l->a.name));
		return look_conclude(l, DB_UNKNOWN);
	}
	if (look_for_part(l, table.oid, l->a.part, &there, err) < 0)
		return -1;
	if (l->a.kind == ALONE_RENAME) {
		if (look_for_part(l, table.oid, l->a.to, &renamed, err) < 0)
			return -1;
		return conclude_rename(l, there, renamed);
	}
	return look_conclude(l,
			     there == (l->a.kind == ALONE_ADD) ? DB_FINISHED : DB_ABSENT);
}

static int look_at_database(struct look *l, struct err *err)
{
	static const char sql[] =
		"SELECT t.spcname FROM pg_catalog.pg_database d JOIN "
		"pg_catalog.pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = "
		"$1::pg_catalog.name AND t.spcname = $2::pg_catalog.name";
	const char *params[] = { l->a.name.base, l->a.to };
	struct look_answer a;

	if (look_ask(l, sql, params, 2, &a, err) < 0)
		return -1;
	buf_addf(l->text, "database %s is %sin tablespace %s", l->a.name.base,
		 a.rows ? "" : "not ", l->a.to);
	return look_conclude(l, a.rows ? DB_FINISHED : DB_ABSENT);
}

static int repeat(struct look *l)
{
	sql_alone_title(&l->a, l->text);
	buf_adds(l->text, " can be run again");
	return look_conclude(l, DB_REPEAT);
}

static int unknown(struct look *l)
{
	buf_adds(l->text, "nothing in the catalog tells whether it ran");
	return look_conclude(l, DB_UNKNOWN);
}

/* Whether all names that the question needs were understood. */
static bool has_names(const struct sql_alone *a)
{
	bool other = a->kind == ALONE_DETACH || a->kind == ALONE_FINALIZE ||
		     (a->kind == ALONE_CREATE && a->object == ALONE_INDEX);

	if (!a->name.base || (other && !a->other.base))
		return false;
	if (a->kind == ALONE_MOVE_DATABASE)
		return a->to != NULL;
	return a->kind != ALONE_DROP || a->names == 1;
}

static int look_at_effect(struct look *l, struct err *err)
{
	switch (l->a.kind) {
	case ALONE_VACUUM:
	case ALONE_CLUSTER:
	case ALONE_ALTER_SYSTEM:
		return repeat(l);
	case ALONE_REINDEX:
		return look_at_reindex(l, err);
	case ALONE_ALTER_SUBSCRIPTION:
		return l->a.repeatable ? repeat(l) : unknown(l);
	case ALONE_OTHER:
	case ALONE_ROWS:
	case ALONE_CHANGE:
	case ALONE_DISCARD_ALL:
	case ALONE_PREPARED:
		return unknown(l);
	case ALONE_CREATE:
		if (!has_names(&l->a))
			return unknown(l);
		if (l->a.replace)
			return repeat(l);
		return l->a.object == ALONE_INDEX ? look_at_new_index(l, err)
						  : look_for_object(l, err);
	case ALONE_DROP:
		return has_names(&l->a) ? look_for_object(l, err) : unknown(l);
	case ALONE_ADD:
	case ALONE_REMOVE:
	case ALONE_RENAME:
		return has_names(&l->a) ? look_at_table(l, err) : unknown(l);
	case ALONE_DETACH:
	case ALONE_FINALIZE:
		return has_names(&l->a) ? look_at_partition(l, err) : unknown(l);
	case ALONE_MOVE_DATABASE:
		return has_names(&l->a) ? look_at_database(l, err) : unknown(l);
	}
	BUG("unhandled kind %d", (int)l->a.kind);
}

/* --- the slots ---------------------------------------------------------- */

/* A connection that is lost has no transaction to end. */
static void end_look(struct db *db)
{
	struct pg_answer answer = { .code = ERR_FATAL };
	struct err ignored;

	if (db->conn)
		pg_exec(db, "ROLLBACK", &answer, &ignored);
}

static int look(struct look *l, const struct db_script *script, struct err *err)
{
	struct pg_answer answer = { .code = ERR_FATAL };
	struct sql_statement st;
	int ret = -1;

	l->found = DB_UNKNOWN;
	if (pg_alone_statement(script, &st, err) < 0)
		return -1;
	sql_alone_read(&st, &l->pool, &l->a);
	l->statement = pool_strndup(&l->pool, st.text, st.len);
	if (pg_exec(l->db, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY", &answer,
		    err) < 0 ||
	    pg_exec(l->db, pg_own_settings(l->db), &answer, err) < 0)
		goto out;
	if (look_session(l, err) < 0)
		goto out;
	if (l->found != DB_RUNNING && look_at_effect(l, err) < 0)
		goto out;
	if (l->found == DB_FINISHED && l->a.lenient)
		l->found = DB_REPEAT; /* IF EXISTS: it may have been so before */
	ret = 0;
out:
	end_look(l->db);
	return ret;
}

int pg_evidence(struct db *db, const struct db_script *script, enum db_evidence *out,
		struct buf *text, struct err *err)
{
	struct look l = { .db = db, .text = text };
	int ret = look(&l, script, err);

	*out = l.found;
	pool_release(&l.pool);
	return ret;
}

/* What mends can be done again: to give it up undoes nothing. */
static int exec_mending(struct look *l, const char *sql, const struct db_unit *unit,
			struct err *err)
{
	const struct pg_alone what = { .sql = sql, .unit = unit, .repeatable = true };
	struct pg_answer answer = { .code = ERR_REFUSED };

	return pg_exec_alone(l->db, &what, &answer, err);
}

static int drop_leftovers(struct look *l, const struct db_unit *unit, struct err *err)
{
	const char *sql;
	size_t i;

	for (i = 0; i < l->nr_drops; i++) {
		sql = pool_printf(&l->pool, "DROP INDEX CONCURRENTLY IF EXISTS %s",
				  l->drops[i]);
		if (exec_mending(l, sql, unit, err) < 0)
			return err_wrap(err, "could not drop the INVALID index %s",
					l->drops[i]);
	}
	return 0;
}

static int finish_detaching(struct look *l, const struct db_unit *unit, struct err *err)
{
	const char *sql = pool_printf(&l->pool,
				      "ALTER TABLE %s DETACH PARTITION %s FINALIZE",
				      look_quoted(l, l->a.name.schema, l->a.name.base),
				      look_quoted(l, l->a.other.schema, l->a.other.base));

	return exec_mending(l, sql, unit, err);
}

int pg_mend(struct db *db, const struct db_unit *unit, enum db_phase *phase,
	    struct err *err)
{
	struct buf text = BUF_INIT;
	struct look l = { .db = db, .text = &text };
	struct db *holder;
	int ret;

	if (pg_hold_lock(db, unit, &holder, phase, err) < 0)
		return -1;
	*phase = DB_SCRIPT;
	/* looked at anew: what was half done may have been finished by now */
	ret = look(&l, unit->script, err);
	if (ret == 0 && l.found == DB_HALF)
		ret = l.a.kind == ALONE_DETACH ? finish_detaching(&l, unit, err)
					       : drop_leftovers(&l, unit, err);
	pg_let_go(holder);
	pool_release(&l.pool);
	buf_release(&text);
	return ret;
}
