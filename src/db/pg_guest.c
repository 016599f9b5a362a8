/*
 * A guest's database stands on a server that others use too: what is about all of it is
 * refused by its words, and what code does that no text shows before it is committed.
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "db/pg.h"
#include "sql/server.h"
#include "sql/split.h"

/* Around what was seen, in the server's message: the rest may be in any language. */
#define OPENS "[["
#define CLOSES "]]"

static void advise(struct err *err)
{
	err_hint(err, "scratch",
		 "Try it on a private server, which goes away with it: --on "
		 "postgresql:");
}

int pg_check_guest(const struct db *db, const struct sql_statement *st, struct err *err)
{
	struct buf title = BUF_INIT;
	int ret = 0;

	if (db && (db->how.flags & DB_GUEST) && sql_changes_server(st, &title)) {
		err_set(err, ERR_REFUSED,
			"%s is about the whole server, which others use too", title.s);
		err_detail(err, "What it does would outlive this database: the next "
				"attempt, and the target, would find it there.");
		advise(err);
		ret = pg_at_statement(st, err);
	}
	buf_release(&title);
	return ret;
}

int pg_check_guest_code(const struct db *db, const struct sql_statement *st,
			struct err *err)
{
	if (!db || !(db->how.flags & DB_GUEST))
		return 0;
	err_set(err, ERR_REFUSED,
		"what this runs outside of a transaction cannot be seen before it is "
		"done");
	err_detail(err, "It may change the whole server, which others use too.");
	advise(err);
	return pg_at_statement(st, err);
}

/*
 * What is changed in the server's own catalogs stays locked until the transaction ends,
 * but for rights: of those there are rows that are not committed yet and that we see,
 * so our own (age() counts back from our transaction; its savepoints come behind it).
 * pg_shdepend is written for each owner of a table too; what is about no database (0)
 * is about the server. What is found makes it an error: the number that it is no
 * number tells what.
 */
const char pg_guest_sql[] =
	"SELECT CASE WHEN seen IS NULL THEN 1"
	" ELSE CAST(concat('" OPENS "', seen, '" CLOSES "') AS integer) END"
	" FROM (SELECT string_agg(DISTINCT name, ', ') AS seen FROM ("
	"SELECT c.relname::text AS name FROM pg_catalog.pg_locks AS l"
	" JOIN pg_catalog.pg_class AS c ON c.oid = l.relation"
	" WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation'"
	" AND l.database = 0 AND c.relisshared AND c.relname <> 'pg_shdepend'"
	" AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')"
	" UNION ALL SELECT 'pg_' || catalog FROM ("
	"SELECT 'database' AS catalog, pg_catalog.age(xmin) AS age FROM"
	" pg_catalog.pg_database UNION ALL"
	" SELECT 'tablespace', pg_catalog.age(xmin) FROM pg_catalog.pg_tablespace UNION "
	"ALL"
	" SELECT 'shdepend', pg_catalog.age(xmin) FROM pg_catalog.pg_shdepend"
	" WHERE dbid = 0) AS r WHERE CASE WHEN age > 0 THEN false"
	" ELSE pg_catalog.txid_status(pg_catalog.txid_current() - age) = 'in progress' "
	"END"
	") AS n) AS s";

void pg_guest_explain(struct err *err)
{
	const char *from = strstr(err->message, OPENS), *to;
	struct buf seen = BUF_INIT;

	to = from ? strstr(from, CLOSES) : NULL;
	if (to) {
		buf_add(&seen, from + strlen(OPENS), (size_t)(to - from) - strlen(OPENS));
		err_set(err, ERR_REFUSED,
			"what was run changes the whole server, which others use too");
		err_detail(err,
			   "Behind its last statement there are changes in %s. They were "
			   "rolled back.",
			   seen.s);
		advise(err);
	} else {
		err_wrap(err, "whether it changes the whole server cannot be looked at");
	}
	buf_release(&seen);
}
