/* SQLite outside of transactions: VACUUM and journal modes, soundness, copies. */
#include "base/compat.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "db/sqlite.h"
#include "sqlite-batch.h"

/* --- without a transaction --------------------------------------------- */

static struct db_script alone(const char *sql)
{
	return (struct db_script){
		.name = "0001.sql", .sql = sql, .len = strlen(sql), .no_transaction = true
	};
}

static int run_script_alone(struct db *db, const struct db_script *script,
			    struct db_report *report, struct err *err)
{
	const struct db_unit unit = { .script = script };
	enum db_phase phase = DB_BEGIN;
	int rc = db_sqlite.run_alone(db, &unit, report, &phase, err);

	assert_int_equal(phase, DB_SCRIPT);
	return rc;
}

static void alone_ok(struct db *db, const char *sql, unsigned statements)
{
	const struct db_script script = alone(sql);
	struct db_report report = { .ms = -1 };
	struct err err = { 0 };

	assert_int_equal(db_sqlite.check(db, &script, &err), 0);
	if (run_script_alone(db, &script, &report, &err) < 0)
		fail_msg("%s: %s", sql, err.message);
	assert_int_equal(report.statements, statements);
	assert_true(report.ms >= 0);
}

/* Refused by check(), and by run_alone() when nobody asked check(). */
static void alone_refused(struct db *db, const char *sql, const char *word, unsigned line,
			  unsigned column)
{
	const struct db_script script = alone(sql);
	struct db_report report;
	struct err err = { 0 };

	assert_int_equal(run_script_alone(db, &script, &report, &err), -1);
	assert_int_equal(db_sqlite.check(NULL, &script, &err), -1);
	if (!strstr(err.message, word))
		fail_msg("'%s' is not in '%s'", word, err.message);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_true(err.hint[0]);
	assert_int_equal(err.line, line);
	assert_int_equal(err.column, column);
}

static void test_alone(void **state)
{
	struct fixture *f = *state;

	run_ok(f->db, "create table t (a); insert into t values (zeroblob(100000));"
		      "create view v as select * from t; create trigger g after insert "
		      "on t begin select 1; end; delete from t");
	expect(f->db, "select freelist_count > 20 from pragma_freelist_count", "1\n");
	alone_ok(f->db, "-- migrate: no-transaction\nVACUUM;\n", 1);
	expect(f->db, "pragma freelist_count", "0\n");
	alone_ok(f->db, "/* c */ vacuum main", 1);
	alone_ok(f->db,
		 "pragma page_size = 8192; pragma main.auto_vacuum(FULL);\nvacuum;", 3);
	expect(f->db, "pragma page_size", "8192\n");
	expect(f->db, "pragma auto_vacuum", "1\n");
	alone_ok(f->db, "pragma auto_vacuum = 'none'; vacuum;", 2);
	expect(f->db, "pragma auto_vacuum", "0\n");
	alone_ok(f->db, "PRAGMA journal_mode=wal;", 1);
	expect(f->db, "pragma journal_mode", "wal\n");
	run_ok(f->db, "insert into t values (1)");
	alone_ok(f->db, "PRAGMA main.journal_mode = DELETE;", 1);
	expect(f->db, "pragma journal_mode", "delete\n");
	/* and the connection is as before */
	run_refused(f->db, "attach 'x.db' as x", "ATTACH", 1, 1);
	run_refused(f->db, "create table git_migrate_x (a)", "tracker", 1, 1);
	expect(f->db, "pragma synchronous", "3\n");
}

static void test_alone_refused(void **state)
{
	struct fixture *f = *state;
	char none[128];

	run_ok(f->db, "create table t (a)");
	alone_refused(f->db, "-- nothing\n", "holds no statement", 2, 1);
	alone_refused(f->db, " insert into t values (1);", "without a transaction", 1, 2);
	alone_refused(f->db, "pragma user_version=3", "without a transaction", 1, 1);
	alone_refused(f->db, "pragma journal_mode", "without a transaction", 1, 1);
	alone_refused(f->db, "vacuumed;", "without a transaction", 1, 1);
	alone_refused(f->db, "vacuum;\nvacuum;", "a second statement", 2, 1);
	alone_refused(f->db, "vacuum;\ndelete from t;", "a second statement", 2, 1);
	alone_refused(f->db, "pragma page_size=512;\npragma journal_mode=wal",
		      "without a transaction", 2, 1);
	alone_refused(f->db, "pragma page_size=512;", "holds no statement", 1, 22);
	alone_refused(f->db, "vacuum /* x */ into 'copy.db'", "VACUUM INTO", 1, 1);
	alone_refused(f->db, "vacuum main into 'copy.db'", "VACUUM INTO", 1, 1);
	alone_refused(f->db, "vacuum; /*", "never closed", 1, 9);
	snprintf(none, sizeof(none), "%s/copy.db", f->dir);
	assert_int_equal(access(none, F_OK), -1);
	expect(f->db, "pragma journal_mode", "delete\n");
}

/* What goes wrong when it is run. */
static void test_alone_fails(void **state)
{
	struct fixture *f = *state;
	const struct db_script vacuum = alone("\n  vacuum;"),
			       wal = alone("pragma journal_mode=wal"),
			       mode = alone("pragma journal_mode=nonsense"),
			       pages = alone("pragma page_size=512; vacuum");
	struct db_report report;
	struct db *other = NULL;
	struct err err = { 0 };

	run_ok(f->db, "create table t (a)");
	assert_int_equal(open_db(f, "sqlite:test.db", 0, &other, &err), 0);
	execute(other, "begin immediate");
	f->db->busy_ms = 1;
	assert_int_equal(run_script_alone(f->db, &vacuum, &report, &err), -1);
	assert_non_null(strstr(err.message, "another program holds it"));
	assert_int_equal(err.line, 2);
	assert_int_equal(err.column, 3);
	assert_string_equal(err.excerpt, "  vacuum;");
	assert_string_equal(err.detail, "It was waited for 0 seconds.");
	execute(other, "rollback");
	db_sqlite.free(other);

	f->signals = 0;
	assert_int_equal(run_script_alone(f->db, &vacuum, &report, &err), -1);
	assert_int_equal(err.code, ERR_INTERRUPTED);
	f->signals = -1;
	/* settings that SQLite passes over in silence */
	assert_int_equal(run_script_alone(f->db, &mode, &report, &err), -1);
	assert_string_equal(err.message,
			    "PRAGMA journal_mode is 'delete', not 'nonsense'");
	assert_int_equal(run_script_alone(f->db, &wal, &report, &err), 0);
	assert_int_equal(run_script_alone(f->db, &pages, &report, &err), -1);
	assert_string_equal(err.message, "PRAGMA page_size is '4096', not '512'");
}

static void test_check_together(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *sql, *word;
		unsigned line;
	} refused[] = {
		{ "create table t (a);\nvacuum;", "VACUUM cannot run in a trans", 2 },
		{ "pragma main.journal_mode=wal", "PRAGMA journal_mode cannot", 1 },
		{ ".read x.sql", "the sqlite3 shell", 1 },
		{ "select 1;\ncommit;", "COMMIT cannot", 2 },
		{ "begin; select 1; end;\nselect 2", "a statement behind COMMIT", 2 },
		{ "select 1;\nbegin; end;", "BEGIN cannot", 2 },
		{ "\nBEGIN IMMEDIATE;\nselect 1;", "BEGIN without COMMIT", 2 },
		{ "/* x */ Rollback", "ROLLBACK cannot", 1 },
		{ "savepoint s", "SAVEPOINT cannot", 1 },
		{ "pragma max_page_count=9", "PRAGMA max_page_count cannot", 1 },
		{ "release s", "RELEASE cannot", 1 },
		{ "attach 'x' as y", "ATTACH cannot", 1 },
		{ "detach y", "DETACH cannot", 1 },
		{ "pragma synchronous = -1", "PRAGMA synchronous cannot", 1 },
		{ "pragma main.\"Query_Only\"('on')", "PRAGMA query_only cannot", 1 },
		{ "pragma foreign_keys=on; select 1", "no effect inside", 1 },
		{ "insert or ignore into main.[git_migrate_log] default values",
		  "cannot change the tracker ('git_migrate_log')", 1 },
		{ "drop view if exists git_migrate_x", "cannot change the tracker", 1 },
		/* behind a trigger, whose own END is none */
		{ "create trigger x after insert on t begin select 1; end;\nend;",
		  "COMMIT cannot", 2 },
		{ "select 1;\n\nvacuum into 'x'", "VACUUM INTO", 3 },
	};
	static const char *const accepted[] = {
		"select 'a;vacuum;'; -- ;vacuum\n/*;vacuum*/ select 2",
		"create table vacuum_log (a); select \"vacuum\" from t",
		"pragma journal_mode; pragma page_size=512",
		"begin; select 1; commit",
		"pragma foreign_keys=0; begin transaction; select 1; end transaction;"
		"pragma foreign_keys=on;",
		"create temp trigger x after insert on t begin select case when 1 then 2 "
		"end; delete from t; /**/ end; select 1;",
		"explain create trigger x after insert on t begin select 1; end",
		"create table end (begin); update [end] set begin = 1; select release "
		"from savepoint",
		"select * from git_migrate_log; create table my_git_migrate_x (a)",
		"",
	};
	struct db_script script = { .name = "0001.sql" };
	struct err err = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		script.sql = refused[i].sql;
		script.len = strlen(script.sql);
		assert_int_equal(db_sqlite.check(f->db, &script, &err), -1);
		if (!strstr(err.message, refused[i].word))
			fail_msg("'%s' is not in '%s'", refused[i].word, err.message);
		assert_int_equal(err.line, refused[i].line);
		assert_true(err.hint[0]);
	}
	assert_non_null(strstr(err.hint, "--backup"));
	for (i = 0; i < ARRAY_SIZE(accepted); i++) {
		script.sql = accepted[i];
		script.len = strlen(script.sql);
		if (db_sqlite.check(f->db, &script, &err) < 0)
			fail_msg("%s: %s", script.sql, err.message);
	}
}

static void test_evidence(void **state)
{
	struct fixture *f = *state;
	const struct db_script script = alone("vacuum");
	const struct db_unit unit = { .script = &script };
	enum db_phase phase = DB_BEGIN;
	enum db_evidence what = DB_UNKNOWN;
	struct buf text = BUF_INIT;
	struct err err = { 0 };

	assert_int_equal(db_sqlite.evidence(f->db, &script, &what, &text, &err), 0);
	assert_int_equal(what, DB_REPEAT);
	assert_true(text.len > 0);
	assert_int_equal(db_sqlite.mend(f->db, &unit, &phase, &err), 0);
	buf_release(&text);
}

static void counted(struct fixture *f, const char *table, const char *column,
		    int limit_ms, enum db_counted how)
{
	struct db_count c = { .table = { .base = table }, .column = column };
	struct err err = { 0 };

	if (db_sqlite.count(f->db, &c, limit_ms, &err) < 0)
		fail_msg("%s: %s", table, err.message);
	assert_int_equal(c.how, how);
	if (how == COUNTED_ALL)
		assert_int_equal(c.nr, 20000);
	else if (how == COUNTED_AT_LEAST)
		assert_true(c.nr < 20000);
	else
		assert_int_equal(c.nr, 0);
}

static void test_count(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	assert_int_equal(sqlite_exec(f->db,
				     "CREATE TABLE \"a\"\"b\" (\"X\" int, y);"
				     "CREATE VIEW v AS SELECT 1 AS x;"
				     "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT "
				     "x + 1 FROM c WHERE x < 20000) INSERT INTO "
				     "\"a\"\"b\" (x) SELECT x FROM c",
				     &err),
			 0);
	counted(f, "A\"b", NULL, 60000, COUNTED_ALL);
	counted(f, "a\"b", "x", 60000, COUNTED_ALL);
	/* the time is over at the first look at the clock */
	counted(f, "a\"b", NULL, 0, COUNTED_AT_LEAST);
	/* a name in quotes that is no column is no text either */
	counted(f, "a\"b", "z", 60000, COUNTED_ABSENT);
	counted(f, "v", "x", 60000, COUNTED_ABSENT);
	counted(f, "nothing", NULL, 60000, COUNTED_ABSENT);
	counted(f, "a\"b", "x", 60000, COUNTED_ALL);
}

/* --- damage ------------------------------------------------------------ */

/* Overwrites the database from `offset` on, behind SQLite's back. */
static void damage(struct fixture *f, long offset, size_t len)
{
	static const char junk[4096] = "junk";
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/test.db", f->dir);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, len, offset), (ssize_t)len);
	close(fd);
}

static void reopen(struct fixture *f)
{
	struct err err = { 0 };

	db_sqlite.free(f->db);
	assert_int_equal(open_db(f, "sqlite:test.db", 0, &f->db, &err), 0);
}

static void test_verify(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	run_ok(f->db, "create table t (a, b); create index i on t (a);"
		      "insert into t with recursive n(i) as (select 1 union all select "
		      "i + 1 from n where i < 2000) select i, hex(i) from n");
	assert_int_equal(db_sqlite.verify(f->db, false, &err), 0);
	assert_int_equal(db_sqlite.verify(f->db, true, &err), 0);
	damage(f, 3L * 4096, 4096);
	reopen(f);
	/* a migration would run on it without a word */
	run_ok(f->db, "create table u (a)");
	assert_int_equal(db_sqlite.verify(f->db, false, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_non_null(strstr(err.message, "is damaged"));
	assert_true(err.detail[0]);
	assert_non_null(strstr(err.hint, ".recover"));
	assert_int_equal(db_sqlite.verify(f->db, true, &err), -1);
	/* a large one is looked at when that is asked for */
	f->db->quick_bytes = 4096;
	assert_int_equal(db_sqlite.verify(f->db, false, &err), 0);
	assert_int_equal(db_sqlite.verify(f->db, true, &err), -1);
}

/* Of much that is wrong some is told. */
static void test_verify_tells(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	const char *c;
	unsigned lines = 1;

	run_ok(f->db, "create table t (a); create table u (a); insert into t values "
		      "(zeroblob(200000))");
	sqlite3_db_config(f->db->sql, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
	execute(f->db, "pragma writable_schema=on;"
		       "delete from sqlite_schema where name = 't'");
	reopen(f);
	assert_int_equal(db_sqlite.verify(f->db, true, &err), -1);
	for (c = err.detail; *c; c++)
		lines += *c == '\n';
	assert_in_range(lines, 2, 6);
}

/* An index that lacks rows is found by the full check alone. */
static void test_verify_full(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	run_ok(f->db, "create table t (a); create index i on t (a) where a = 1;"
		      "insert into t values (1), (2)");
	sqlite3_db_config(f->db->sql, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
	execute(f->db, "pragma writable_schema=on; update sqlite_schema set sql = "
		       "'create index i on t (a)' where name = 'i'; "
		       "pragma writable_schema=off");
	reopen(f);
	assert_int_equal(db_sqlite.verify(f->db, false, &err), 0);
	assert_int_equal(db_sqlite.verify(f->db, true, &err), -1);
	if (!strstr(err.detail, "index i"))
		fail_msg("%s", err.detail);
}

static void test_header(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	run_ok(f->db, "create table t (a)");
	db_sqlite.free(f->db);
	f->db = NULL;
	damage(f, 100, 200);
	assert_int_equal(open_db(f, "sqlite:test.db", 0, &f->db, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_non_null(strstr(err.message, "is damaged"));
	assert_non_null(strstr(err.hint, ".recover"));
}

/* --- copies ------------------------------------------------------------ */

static void fill(struct fixture *f)
{
	run_ok(f->db, "create table t (a, b);"
		      "insert into t with recursive n(i) as (select 1 union all select "
		      "i + 1 from n where i < 20000) select i, zeroblob(100) from n");
}

static void test_backup(void **state)
{
	struct fixture *f = *state;
	struct buf path = BUF_INIT;
	struct db *copy = NULL;
	struct err err = { 0 };
	struct stat st;
	char wanted[128], original[128];

	fill(f);
	snprintf(original, sizeof(original), "%s/test.db", f->dir);
	snprintf(wanted, sizeof(wanted), "%s/test.db.before-12", f->dir);
	assert_int_equal(chmod(original, 0640), 0);
	if (db_sqlite.backup(f->db, "before-12", &path, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(buf_str(&path), wanted);
	assert_int_equal(stat(wanted, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	run_ok(f->db, "delete from t");
	assert_int_equal(open_db(f, "sqlite:test.db.before-12", DB_MUST_EXIST, &copy,
				 &err),
			 0);
	expect(copy, "select count(*), sum(a) from t", "20000|200010000\n");
	expect(copy, "pragma integrity_check", "ok\n");
	db_sqlite.free(copy);

	/* never over another file, and that is left as it was */
	assert_int_equal(db_sqlite.backup(f->db, "before-12", &path, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_non_null(strstr(err.message, "before-12"));
	assert_non_null(strstr(err.hint, "never written over"));
	assert_int_equal(open_db(f, "sqlite:test.db.before-12", DB_MUST_EXIST, &copy,
				 &err),
			 0);
	expect(copy, "select count(*) from t", "20000\n");
	db_sqlite.free(copy);
	buf_release(&path);
}

static void test_backup_wal(void **state)
{
	struct fixture *f = *state;
	struct buf path = BUF_INIT;
	struct db *other = NULL;
	struct err err = { 0 };

	fill(f);
	alone_ok(f->db, "pragma journal_mode=wal", 1);
	/* what another connection has not committed is not in it */
	assert_int_equal(open_db(f, "sqlite:test.db", 0, &other, &err), 0);
	run_ok(other, "insert into t values (1, 'committed')");
	execute(other, "begin; insert into t values (2, 'not yet')");
	if (db_sqlite.backup(f->db, "wal", &path, &err) < 0)
		fail_msg("%s", err.message);
	execute(other, "commit");
	db_sqlite.free(other);
	assert_int_equal(open_db(f, "sqlite:test.db.wal", DB_MUST_EXIST, &other, &err),
			 0);
	expect(other, "select count(*) from t", "20001\n");
	expect(other, "pragma integrity_check", "ok\n");
	db_sqlite.free(other);
	buf_release(&path);
}

/* How many files the folder holds whose name begins so. */
static void expect_files(struct fixture *f, const char *prefix, const char *nr)
{
	char command[256];

	snprintf(command, sizeof(command), "test $(ls '%s' | grep -c '^%s') = %s", f->dir,
		 prefix, nr);
	assert_int_equal(system(command), 0);
}

static void test_backup_fails(void **state)
{
	struct fixture *f = *state;
	struct buf path = BUF_INIT;
	struct db *memory = NULL, *other = NULL;
	struct err err = { 0 };

	fill(f);
	/* a signal, in the middle of it */
	f->signals = 1;
	assert_int_equal(db_sqlite.backup(f->db, "half", &path, &err), -1);
	assert_int_equal(err.code, ERR_INTERRUPTED);
	expect_files(f, "test.db.half", "0");
	f->signals = -1;
	assert_int_equal(open_db(f, "sqlite:x.db", DB_IN_MEMORY, &memory, &err), 0);
	assert_int_equal(db_sqlite.backup(memory, "x", &path, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_non_null(strstr(err.message, "in memory"));
	db_sqlite.free(memory);
	assert_int_equal(db_sqlite.backup(f->db, "no/folder", &path, &err), -1);
	assert_int_equal(err.code, ERR_FATAL);
	/* a damaged original makes no backup to rely on */
	damage(f, 30L * 4096, 4096);
	reopen(f);
	assert_int_equal(db_sqlite.backup(f->db, "bad", &path, &err), -1);
	assert_non_null(strstr(err.message, "damaged"));
	expect_files(f, "test.db.bad", "0");
	assert_int_equal(path.len, 0);
	/* and the database is free afterwards */
	assert_int_equal(open_db(f, "sqlite:test.db", 0, &other, &err), 0);
	run_ok(other, "create table u (a)");
	db_sqlite.free(other);
	buf_release(&path);
}

/* --- memory ------------------------------------------------------------ */

static unsigned char mark(size_t block, size_t at)
{
	return (unsigned char)(block * 7 + at);
}

static void expect_marks(const unsigned char *p, size_t block, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		assert_int_equal(p[i], mark(block, i));
}

/* Blocks keep what is theirs while others come, grow, shrink and go. */
static void test_heap(void **state UNUSED)
{
	enum { BLOCKS = 64, ROUNDS = 20000, LARGEST = 5000 };
	unsigned char *blocks[BLOCKS] = { 0 };
	size_t lens[BLOCKS] = { 0 }, i, b, len;
	uint32_t random = 1;

	for (i = 0; i < ROUNDS; i++) {
		random = random * 1664525 + 1013904223;
		b = (random >> 8) % BLOCKS;
		len = (random >> 16) % (random & 0x80 ? LARGEST : 100);
		expect_marks(blocks[b], b, lens[b]);
		blocks[b] = sqlite3_realloc64(blocks[b], len);
		assert_int_equal((uintptr_t)blocks[b] % 8, 0);
		assert_true(sqlite3_msize(blocks[b]) >= len);
		expect_marks(blocks[b], b, len < lens[b] ? len : lens[b]);
		for (lens[b] = 0; lens[b] < len; lens[b]++)
			blocks[b][lens[b]] = mark(b, lens[b]);
	}
	for (b = 0; b < BLOCKS; b++)
		sqlite3_free(blocks[b]);
}

static void test_network(void **state UNUSED)
{
	assert_true(sqlite_is_network(0x6969));
	assert_true(sqlite_is_network(0x517b));
	assert_true(sqlite_is_network((long)0xff534d42L));
	assert_true(sqlite_is_network((long)0xfe534d42L));
	assert_false(sqlite_is_network(0xef53));     /* ext4 */
	assert_false(sqlite_is_network(0x01021994)); /* tmpfs */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_alone),		T(test_alone_refused), T(test_alone_fails),
		T(test_check_together), T(test_evidence),      T(test_verify),
		T(test_verify_full),	T(test_verify_tells),  T(test_header),
		T(test_backup),		T(test_backup_wal),    T(test_backup_fails),
		T(test_heap),		T(test_network),       T(test_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
