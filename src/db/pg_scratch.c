/* Databases that are made on a PostgreSQL server for a while. */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "db/driver.h"
#include "db/pg.h"

/* Names are of our own making: nothing in them has to be escaped. */
static void check_name(const char *name)
{
	if (!starts_with(name, DB_SCRATCH_PREFIX) ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")])
		BUG("'%s' is no name of a scratch database", name);
}

static int explain(struct err *err)
{
	if (strcmp(err->sqlstate, "42501") == 0)
		err_hint(err, "scratch",
			 "The role needs the right to make databases (ALTER ROLE ... "
			 "CREATEDB); or name another server with --on.");
	else if (strcmp(err->sqlstate, "55006") == 0)
		err_hint(err, "scratch",
			 "A database can be copied while nobody is connected to it. Copy "
			 "one that was restored from a backup, named with --template.");
	else if (strcmp(err->sqlstate, "3D000") == 0)
		err_hint(err, "scratch", "It was named with --template.");
	return err_wrap(err, "could not make a scratch database");
}

static int add_name(void *arg, const char *const *values, size_t nr UNUSED,
		    struct err *err UNUSED)
{
	struct buf *names = arg;

	buf_addf(names, "%s%s", names->len ? "\n" : "", values[0]);
	return 0;
}

static int ask_names(struct db *db, const char *sql, struct buf *out, struct err *err)
{
	struct db_question q = { .ask = { sql, NULL, 0 }, .row = add_name, .arg = out };

	return db_postgresql.ask(db, &q, 1, err);
}

/*
 * A copy of the database that we are connected to: nobody may be, so it is made from
 * another one of the server.
 */
static int copy_own(struct db *db, const char *name, struct err *err)
{
	static const char others[] =
		"SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate"
		" AND datname <> current_database() ORDER BY datname <> 'postgres'"
		" LIMIT 1";
	struct buf own = BUF_INIT, other = BUF_INIT, url = BUF_INIT;
	PQconninfoOption *options = pg_url_parse(db->pq, db->how.url, err);
	struct db_open how = db->how;
	struct db *beside = NULL;
	struct err ignored;
	int ret = -1;

	if (!options || ask_names(db, "SELECT current_database()", &own, err) < 0 ||
	    ask_names(db, others, &other, err) < 0)
		goto out;
	pg_url_other(options, other.len ? other.s : "template1", &url);
	how.url = url.s;
	if (db_postgresql.open(&beside, &how, err) < 0)
		goto out;
	pg_abandon(db); /* our own session is one that is in the way */
	ret = pg_scratch.make(beside, name, own.s, NULL, err);
	if (db_postgresql.reconnect(db, ret < 0 ? &ignored : err) < 0)
		ret = -1;
out:
	if (options)
		db->pq->conninfo_free(options);
	pg_free(beside);
	buf_release(&own);
	buf_release(&other);
	buf_release(&url);
	return ret;
}

static int create(struct db *db, const char *name, const char *like, struct err *err)
{
	struct pg_answer answer = { .code = ERR_REFUSED };
	struct buf sql = BUF_INIT;
	int ret;

	/* template1 may hold what somebody has put there */
	buf_addf(&sql, "CREATE DATABASE %s TEMPLATE ", name);
	like = like ? like : "template0";
	buf_add_quoted(&sql, like, strlen(like), '"');
	ret = pg_exec(db, sql.s, &answer, err);
	buf_release(&sql);
	return ret < 0 ? explain(err) : 0;
}

static int make(struct db *db, const char *name, const char *like, struct buf *url,
		struct err *err)
{
	PQconninfoOption *options;

	check_name(name);
	if ((like && !like[0] ? copy_own(db, name, err) : create(db, name, like, err)) <
	    0)
		return -1;
	if (!url)
		return 0;
	options = pg_url_parse(db->pq, db->how.url, err);
	if (!options)
		return -1;
	pg_url_other(options, name, url);
	db->pq->conninfo_free(options);
	return 0;
}

static int drop(struct db *db, const char *name, struct err *err)
{
	struct pg_answer answer = { .code = ERR_FATAL };
	struct buf sql = BUF_INIT;
	int ret;

	check_name(name);
	buf_addf(&sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", name);
	ret = pg_exec(db, sql.s, &answer, err);
	if (ret < 0 && strcmp(err->sqlstate, "42601") == 0) { /* before 13 */
		buf_reset(&sql);
		buf_addf(&sql, "DROP DATABASE IF EXISTS %s", name);
		ret = pg_exec(db, sql.s, &answer, err);
	}
	buf_release(&sql);
	return ret;
}

static int sweep(struct db *db, size_t *nr, struct err *err)
{
	static const char idle[] =
		"SELECT d.datname FROM pg_database AS d JOIN pg_roles AS r ON r.oid ="
		" d.datdba WHERE r.rolname = current_user AND d.datname ~"
		" '^" DB_SCRATCH_PREFIX "[0-9a-f]+$' AND NOT EXISTS (SELECT FROM"
		" pg_stat_activity AS s WHERE s.datname = d.datname)";
	struct pg_answer answer = { .code = ERR_FATAL };
	struct buf names = BUF_INIT, sql = BUF_INIT;
	char *name, *rest = NULL;
	struct err busy;
	int ret = ask_names(db, idle, &names, err);

	*nr = 0;
	for (name = ret == 0 && names.len ? strtok_r(names.s, "\n", &rest) : NULL; name;
	     name = strtok_r(NULL, "\n", &rest)) {
		/* without force: somebody may have connected meanwhile */
		buf_reset(&sql);
		buf_addf(&sql, "DROP DATABASE IF EXISTS %s", name);
		*nr += pg_exec(db, sql.s, &answer, &busy) == 0;
	}
	buf_release(&names);
	buf_release(&sql);
	return ret;
}

const struct db_scratch pg_scratch = { .make = make, .drop = drop, .sweep = sweep };
