/* The SQLite driver and the tracker, on files of a temporary folder. */
#include "base/compat.h"

#include <setjmp.h>

#include <cmocka.h>

#include "sqlite-batch.h"
#include "tracker-tests.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "db/driver.h"
#include "db/sqlite.h"
#include "db/tracker.h"

static const struct db_driver *const sqlite = &db_sqlite;

/* --- URLs and files ---------------------------------------------------- */

static void test_urls(void **state)
{
	struct fixture *f = *state;
	struct buf out = BUF_INIT;
	struct err err = { 0 };
	struct db *db = NULL;
	bool has_password = true;

	assert_ptr_equal(db_driver_for("sqlite:a.db", &err), &db_sqlite);
	assert_ptr_equal(db_driver_for("postgres://h/d", &err), &db_postgresql);
	assert_null(db_driver_for("mysql://u:secret@h/d", &err));
	assert_int_equal(err.code, ERR_USAGE);
	assert_null(strstr(err.message, "secret"));
	assert_non_null(strstr(err.hint, "sqlite:FILE"));

	assert_int_equal(sqlite->describe("sqlite:a/b.db", &out, &has_password, &err), 0);
	assert_false(has_password);
	assert_string_equal(buf_str(&out), "sqlite:a/b.db");
	buf_reset(&out);
	assert_int_equal(sqlite->describe("sqlite:///b.db", &out, &has_password, &err),
			 0);
	assert_string_equal(buf_str(&out), "sqlite:/b.db");
	assert_int_equal(sqlite->describe("sqlite://h/b.db", &out, &has_password, &err),
			 -1);
	assert_int_equal(sqlite->describe("sqlite:", &out, &has_password, &err), -1);
	assert_int_equal(sqlite->describe("sqlite::memory:", &out, &has_password, &err),
			 -1);
	assert_int_equal(err.code, ERR_USAGE);
	buf_release(&out);

	assert_int_equal(open_db(f, "sqlite:none.db", DB_MUST_EXIST, &db, &err), 1);
	assert_int_equal(open_db(f, "sqlite:no/folder.db", 0, &db, &err), -1);
	assert_int_equal(err.code, ERR_FATAL);
	assert_true(err.hint[0]);
	assert_int_equal(open_db(f, "sqlite:test.db", DB_MUST_EXIST, &db, &err), 0);
	assert_memory_equal(sqlite->engine(db), "sqlite/3.", 9);
	assert_true(sqlite->capabilities(db)->file);
	sqlite->free(db);
}

static void test_not_a_database(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct db *db = NULL;
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), "%s/text.db", f->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("this is a text and no database, and it is long enough to be looked at by "
	      "SQLite, which wants a header of a hundred bytes\n",
	      file);
	fclose(file);
	assert_int_equal(open_db(f, "sqlite:text.db", 0, &db, &err), -1);
	assert_non_null(strstr(err.message, "not a database"));
}

/* --- running ----------------------------------------------------------- */

static void test_run(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	unsigned nr = 0;

	assert_int_equal(run_with(f->db,
				  "\xef\xbb\xbf-- a comment\r\ncreate table t (a, b); "
				  "select 1 union "
				  "select 2;\ncreate trigger g after insert on t begin "
				  "update t set b = "
				  "1; select 2; end;\ninsert into t (a) values "
				  "('x;y');; ",
				  false, &nr, &err),
			 0);
	assert_int_equal(nr, 4);
	expect(f->db, "select a, b from t", "x;y|1\n");
	assert_int_equal(run_with(f->db, "-- nothing", false, &nr, &err), 0);
	assert_int_equal(nr, 0);
	run_ok(f->db, "delete from t");
}

static void test_errors(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	run_ok(f->db, "create table t (a not null, b unique)");
	run_refused(f->db, "select 1;\n  select \xc3\xa4 from t;", "no such column", 2,
		    10);
	run_refused(f->db, "select 1;\nselekt 1;", "syntax error", 2, 1);
	run_refused(f->db,
		    "insert into t values (1, 1);\n insert into t values (null, 2);",
		    "NOT NULL", 2, 2);
	expect(f->db, "select count(*) from t", "0\n");
	assert_int_equal(run_with(f->db, "insert into t values (null, 2)", false, NULL,
				  &err),
			 -1);
	assert_string_equal(err.sqlstate, "1299");
	assert_false(sqlite->is_conflict(&err));
	run_refused(f->db, "insert into t values (1, 1), (2, 1)", "UNIQUE", 1, 1);
	assert_int_equal(run_with(f->db, "insert into t values (1, 1), (2, 1)", false,
				  NULL, &err),
			 -1);
	assert_true(sqlite->is_conflict(&err));
	assert_int_equal(run_with(f->db, "select * from nowhere", false, NULL, &err), -1);
	run_refused(f->db, "select 1;\n.read other.sql\n", "syntax error", 2, 1);
	run_refused(f->db, "insert into t values (:a, ?);", "':a' has no value", 1, 1);
	run_refused(f->db, "select 1;\nvacuum;", "VACUUM", 2, 1);
}

static void test_silent_traps(void **state)
{
	struct fixture *f = *state;
	struct trial nul = { .db = f->db };

	run_refused(f->db, "select 1;\n /* select 2;", "comment is never closed", 2, 2);
	run_refused(f->db, "select 'a;\n", "quote is never closed", 1, 8);
	run_refused(f->db, "select [a;\n", "quote is never closed", 1, 8);
	run_refused(f->db, "-- one\rselect 2;\r", "bare carriage return", 1, 7);
	run_ok(f->db, "-- one\r\nselect 2;\rselect '-- \r';");
	run_ok(f->db,
	       "select 'it''s /*', \"a\"\"--\", `b```, [c'] from (select 1 as [c'], 2 as "
	       "\"a\"\"--\", 3 as `b```)");
	trial_add(&nul, "select 1;\0select 2;")->len = 19;
	assert_int_equal(trial_run(&nul), -1);
	assert_int_equal(nul.err.column, 10);
	trial_release(&nul);
	run_refused(f->db, "select '\xe4';", "not UTF-8", 1, 9);
}

static void test_control(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	unsigned nr;

	run_ok(f->db, "create table t (a)");
	/* the outer pair is left out */
	assert_int_equal(run_with(f->db,
				  "-- c\nBEGIN IMMEDIATE TRANSACTION;\ninsert into t "
				  "values "
				  "(1);\nCOMMIT;\n-- end\n",
				  false, &nr, &err),
			 0);
	assert_int_equal(nr, 1);
	run_ok(f->db, "begin; insert into t values (2); end transaction");
	expect(f->db, "select a from t", "1\n2\n");
	/* and nothing else */
	run_refused(f->db, "insert into t values (3);\ncommit;", "COMMIT", 2, 1);
	run_refused(f->db, "insert into t values (3);\nbegin;\nend;", "BEGIN", 2, 1);
	run_refused(f->db, "begin;\n begin;", "BEGIN", 2, 2);
	run_refused(f->db, "begin; insert into t values (3);", "BEGIN without COMMIT", 1,
		    1);
	run_refused(f->db, "begin; commit;\ninsert into t values (3);",
		    "a statement behind COMMIT", 2, 1);
	run_refused(f->db, "begin; commit; commit", "COMMIT", 1, 16);
	run_refused(f->db, "select 1; rollback;", "ROLLBACK", 1, 11);
	run_refused(f->db, "savepoint s; release s;", "SAVEPOINT", 1, 1);
	run_refused(f->db,
		    "begin; create trigger g after insert on t begin select 1; end;",
		    "BEGIN without COMMIT", 1, 1);
	expect(f->db, "select count(*) from t", "2\n");
}

static void test_ended_transaction(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	run_ok(f->db, "create table t (a unique); insert into t values (1);"
		      "create table u (a); create trigger g after insert on u begin "
		      "select raise(rollback, 'no'); end");
	assert_int_equal(run_with(f->db,
				  "insert into t values (2);\ninsert or rollback into t "
				  "values "
				  "(1);\ninsert into t values (3);",
				  false, NULL, &err),
			 -1);
	assert_int_equal(err.line, 2);
	assert_non_null(strstr(err.detail, "ended the transaction"));
	assert_int_equal(run_with(f->db,
				  "insert into t values (2); insert into u values (1)",
				  false, NULL, &err),
			 -1);
	assert_non_null(strstr(err.detail, "ended the transaction"));
	expect(f->db, "select a from t", "1\n");
	run_ok(f->db, "insert or abort into t values (2)");
}

static void test_authorizer(void **state)
{
	struct fixture *f = *state;
	struct tracker t = { .driver = &db_sqlite, .db = f->db };
	struct pool pool = { 0 };
	struct record first;

	run_ok(f->db, "create table t (a)");
	install(&t, &pool, &first);
	run_refused(f->db, "select 1;\nattach 'x.db' as x;", "ATTACH", 2, 1);
	run_refused(f->db, "detach x;", "DETACH", 1, 1);
	run_refused(f->db, "pragma writable_schema=on;", "PRAGMA writable_schema", 1, 1);
	run_refused(f->db, "pragma journal_mode=wal;", "PRAGMA journal_mode", 1, 1);
	run_refused(f->db, "pragma synchronous=off;", "PRAGMA synchronous", 1, 1);
	run_refused(f->db, "pragma locking_mode=exclusive;", "PRAGMA locking_mode", 1, 1);
	run_ok(f->db,
	       "pragma journal_mode; pragma user_version=7; pragma table_info(t);");
	expect(f->db, "pragma user_version", "7\n");
	run_refused(f->db, "select load_extension('x')", "extension", 1, 1);
	run_refused(f->db, "update sqlite_schema set sql = ''", "may not be modified", 1,
		    1);

	run_refused(f->db, "delete from git_migrate_log", "tracker", 1, 1);
	run_refused(f->db, "insert into GIT_MIGRATE_LOG (seq) values (1)", "tracker", 1,
		    1);
	run_refused(f->db, "update git_migrate_schema set tool = ''", "tracker", 1, 1);
	run_refused(f->db, "drop table git_migrate_log", "tracker", 1, 1);
	run_refused(f->db, "drop trigger git_migrate_log_update", "tracker", 1, 1);
	run_refused(f->db, "drop index git_migrate_log_settled", "tracker", 1, 1);
	run_refused(f->db, "alter table git_migrate_log rename to x", "tracker", 1, 1);
	run_refused(f->db, "create index i on git_migrate_log (at)", "tracker", 1, 1);
	run_refused(f->db,
		    "create trigger g before insert on git_migrate_log begin select 1; "
		    "end",
		    "tracker", 1, 1);
	run_refused(f->db,
		    "create temp trigger g before insert on git_migrate_log begin select "
		    "1; end",
		    "tracker", 1, 1);
	run_refused(f->db,
		    "create trigger g after insert on t begin delete from "
		    "git_migrate_log; end;"
		    "insert into t values (1)",
		    "tracker", 1, 75);
	run_ok(f->db,
	       "select count(*) from git_migrate_log; create table git_migrated (a); "
	       "alter table git_migrated add column git_migrate_x; "
	       "update git_migrated set git_migrate_x = 1; drop table git_migrated");
	pool_release(&pool);
}

static void test_session(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	run_ok(f->db,
	       "create table t (a); create temp table x (a); create temp view y as "
	       "select 1; create temp trigger z after insert on t begin select 1; end; "
	       "pragma legacy_alter_table=on; pragma recursive_triggers=on");
	expect(f->db, "select name from temp.sqlite_schema", "");
	expect(f->db, "pragma legacy_alter_table", "0\n");
	expect(f->db, "pragma recursive_triggers", "0\n");
	assert_int_equal(run_with(f->db, "pragma recursive_triggers=on; nonsense", false,
				  NULL, &err),
			 -1);
	expect(f->db, "pragma recursive_triggers", "0\n");
	expect(f->db, "pragma synchronous", "3\n");
}

/* --- foreign keys ------------------------------------------------------ */

static const char family[] =
	"create table p (id integer primary key, a);"
	"create table c (id integer primary key, p references p (id) on delete cascade);"
	"insert into p values (1, 'x'), (2, 'y'); insert into c values (10, 1), (20, 2);";

static void test_rebuild(void **state)
{
	struct fixture *f = *state;

	run_ok(f->db, family);
	run_ok(f->db, "create table p_new (id integer primary key, a not null);"
		      "insert into p_new select * from p; drop table p;"
		      "alter table p_new rename to p;");
	expect(f->db, "select id, p from c", "10|1\n20|2\n");
}

static void test_keys(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	run_ok(f->db, family);
	assert_int_equal(run_with(f->db, "delete from p where id = 1", false, NULL, &err),
			 -1);
	assert_string_equal(err.message,
			    "the migration leaves foreign keys that point nowhere: 1");
	assert_string_equal(err.detail,
			    "Among them table 'c', row 10, refers to table 'p'.");
	assert_string_equal(err.sqlstate, "787");
	run_ok(f->db, "delete from p where id = 1; delete from c where p = 1");

	/* an old one is no fault of the migration, a further one is */
	assert_int_equal(run_sql(f->db, "insert into c values (30, 99)", &err), 0);
	run_ok(f->db, "insert into p values (3, 'z')");
	run_ok(f->db, "alter table c add column q references p (id)");
	assert_int_equal(run_with(f->db, "insert into c values (40, 98, null)", false,
				  NULL, &err),
			 -1);
	run_ok(f->db, "delete from c where id = 30");

	/* a key to columns that are no key */
	assert_int_equal(run_with(f->db,
				  "create table bad (a references p (a)); "
				  "insert into bad values ('x')",
				  false, NULL, &err),
			 -1);
	assert_non_null(strstr(err.detail, "'bad'"));
}

static void test_keys_on(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	run_ok(f->db, family);
	assert_int_equal(run_with(f->db, "delete from p where id = 1", true, NULL, &err),
			 0);
	expect(f->db, "select id, p from c", "20|2\n");
	assert_int_equal(run_with(f->db, "insert into c values (30, 99)", true, NULL,
				  &err),
			 -1);
	assert_string_equal(err.sqlstate, "787");
	assert_int_equal(run_with(f->db, "pragma foreign_keys=on; select 1", true, NULL,
				  &err),
			 0);
	assert_int_equal(run_with(f->db, "pragma foreign_keys=off; select 1", true, NULL,
				  &err),
			 -1);
}

static void test_keys_pragma(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	unsigned nr;

	run_ok(f->db, family);
	assert_int_equal(run_with(f->db,
				  "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n"
				  "drop table p; create table p (id integer primary "
				  "key);\n"
				  "insert into p values (1), (2);\nCOMMIT;\n"
				  "PRAGMA foreign_keys = ON;\n",
				  false, &nr, &err),
			 0);
	assert_int_equal(nr, 3);
	expect(f->db, "select count(*) from c", "2\n");
	run_ok(f->db,
	       "pragma foreign_keys(0); select 1; pragma foreign_keys=yes; -- end");
	run_ok(f->db, "pragma foreign_keys; pragma foreign_key_check;");
	run_refused(f->db, "pragma foreign_keys=on; select 1", "foreign_keys", 1, 1);
	run_refused(f->db, "pragma foreign_keys=on", "foreign_keys", 1, 1);
	run_refused(f->db, "pragma foreign_keys=off;\npragma foreign_keys=on;\nselect 1;",
		    "foreign_keys", 2, 1);
	assert_int_equal(run_with(f->db, "pragma foreign_keys=on; select 1", false, NULL,
				  &err),
			 -1);
	assert_non_null(strstr(err.hint, "-- migrate: foreign-keys=on"));
}

/* --- locks and signals ------------------------------------------------- */

static void test_locked(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct db *other = NULL;
	int64_t begun;

	run_ok(f->db, "create table t (a)");
	assert_int_equal(open_db(f, "sqlite:test.db", 0, &other, &err), 0);
	execute(other, "begin immediate");
	f->db->busy_ms = 200;
	begun = clock_ms();
	run_refused(f->db, "insert into t values (1)", "another program", 0, 0);
	assert_true(clock_ms() - begun >= 200);

	/* a signal ends the wait */
	f->db->busy_ms = INT_MAX;
	f->signals = 3;
	assert_int_equal(run_with(f->db, "insert into t values (1)", false, NULL, &err),
			 -1);
	assert_int_equal(err.code, ERR_INTERRUPTED);
	f->signals = -1;
	execute(other, "rollback");
	run_ok(f->db, "insert into t values (1)");
	sqlite->free(other);
}

/* A reader makes COMMIT wait, and fail. */
static void test_reader(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct db *other = NULL;

	run_ok(f->db, "create table t (a); insert into t values (1)");
	assert_int_equal(open_db(f, "sqlite:test.db", 0, &other, &err), 0);
	f->db->busy_ms = other->busy_ms = 200;
	execute(other, "begin");
	expect(other, "select a from t", "1\n");
	run_refused(f->db, "insert into t values (2)", "another program", 0, 0);
	assert_int_equal(run_with(f->db, "insert into t values (2)", false, NULL, &err),
			 -1);
	assert_true(sqlite->is_conflict(&err));
	execute(other, "commit");
	expect(f->db, "select a from t", "1\n");
	run_ok(f->db, "insert into t values (2)");
	run_ok(other, "insert into t values (3)");
	sqlite->free(other);
}

static int no_row(void *arg UNUSED, const char *const *values UNUSED, size_t nr UNUSED,
		  struct err *err UNUSED)
{
	return 0;
}

/* Questions cannot write. */
static void test_ask_reads(void **state)
{
	struct fixture *f = *state;
	struct db_question question = { .ask = { "insert into t values (1)", NULL, 0 },
					.row = no_row };
	struct err err = { 0 };

	run_ok(f->db, "create table t (a)");
	assert_int_equal(sqlite->ask(f->db, &question, 1, &err), -1);
	question.ask.sql = "select a from nowhere";
	assert_int_equal(sqlite->ask(f->db, &question, 1, &err), 0);
	assert_true(question.lacks);
	expect(f->db, "select count(*) from t", "0\n");
	run_ok(f->db, "insert into t values (1)");
}

/* A question has a small cache, and leaves what there was, also when it fails. */
static void test_ask_cache(void **state)
{
	struct fixture *f = *state;
	struct buf during = BUF_INIT;
	struct db_question question = { .ask = { "pragma cache_size", NULL, 0 },
					.row = collect,
					.arg = &during };
	struct err err = { 0 };

	execute(f->db, "pragma cache_size = -1234");
	assert_int_equal(sqlite->ask(f->db, &question, 1, &err), 0);
	assert_string_equal(buf_str(&during), "16\n");
	expect(f->db, "pragma cache_size", "-1234\n");
	question.ask.sql = "pragma cache_size(";
	assert_int_equal(sqlite->ask(f->db, &question, 1, &err), -1);
	expect(f->db, "pragma cache_size", "-1234\n");
	buf_release(&during);
}

static void test_interrupted(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	run_ok(f->db, "create table t (a)");
	f->signals = 2;
	assert_int_equal(run_with(f->db,
				  "insert into t values (1); with recursive n(i) as "
				  "(select 1 "
				  "union all select i + 1 from n) select max(i) from n",
				  false, NULL, &err),
			 -1);
	assert_int_equal(err.code, ERR_INTERRUPTED);
	f->signals = -1;
	expect(f->db, "select count(*) from t", "0\n");
	run_ok(f->db, "insert into t values (1)");
}

/* --- the tracker ------------------------------------------------------- */

/* --- tracker ------------------------------------------------------------ */

/* What a person with the sqlite3 shell may try: all is refused by the triggers. */
static const char *const refused[] = {
	"update git_migrate_log set path = 'x'",
	"update or replace git_migrate_log set seq = 1 where seq = 2",
	"delete from git_migrate_log",
	"replace into git_migrate_log select * from git_migrate_log where seq = "
	"2",
	"insert or replace into git_migrate_log select 3, event, path, blob, "
	"\"commit\", at, \"by\", run, record, hash from git_migrate_log where "
	"seq = 2",
	"insert or replace into git_migrate_log (seq, event, at, record, hash) "
	"select 3, 'applied', at, '0000000003 prev=' || hash || ' ', hash "
	"from git_migrate_log where seq = 2",
	"insert or replace into git_migrate_log (seq, event, path, at, record, "
	"hash) "
	"select 3, 'applied', path, at, '0000000003 prev=' || hash || ' ', "
	"replace(hash, substr(hash, 1, 1), 'f') from git_migrate_log where seq = "
	"2",
	"insert or ignore into git_migrate_log select * from git_migrate_log",
	"insert into git_migrate_log select * from git_migrate_log where seq = 2 "
	"on conflict (seq) do update set path = 'x'",
	"insert into git_migrate_log (event, at, record, hash) values ('x', 1, "
	"2, 3)",
	"insert into git_migrate_log (seq, event, at, record, hash) "
	"select 3, 'ran', at, '0000000003 prev=' || hash || ' ', 'short' "
	"from git_migrate_log where seq = 2",
	"update git_migrate_schema set tool = 'x'",
	"delete from git_migrate_schema",
	"replace into git_migrate_schema values (1, 'x', 'x', 'x', 'x')",
	"insert into git_migrate_schema values (4, 'x', 'x', 'x', 'x')",
	NULL,
};

static struct db *first_session(struct fixture *f)
{
	return f->db;
}

static int another_session(struct fixture *f, struct db **out, struct err *err)
{
	return open_db(f, "sqlite:test.db", 0, out, err);
}

static int migrate(struct db *db, const char *sql, struct err *err)
{
	return run_with(db, sql, false, NULL, err);
}

const struct tracker_engine tracker_engine = {
	.log = "git_migrate_log",
	.schema = "git_migrate_schema",
	.installed = "1|0001-tracker.sql|64\n2|0002-progress.sql|64\n",
	.version = 2,
	.behind = "next number",
	.settled = "settled already",
	.broken = "chain",
	.refused = refused,
	.tamper = "drop trigger git_migrate_log_update;",
	.db = first_session,
	.another = another_session,
	.migrate = migrate,
};

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_urls),
		T(test_not_a_database),
		T(test_run),
		T(test_errors),
		T(test_silent_traps),
		T(test_control),
		T(test_ended_transaction),
		T(test_authorizer),
		T(test_session),
		T(test_rebuild),
		T(test_keys),
		T(test_keys_on),
		T(test_keys_pragma),
		T(test_locked),
		T(test_reader),
		T(test_ask_reads),
		T(test_ask_cache),
		T(test_interrupted),
		TRACKER_TESTS,
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
