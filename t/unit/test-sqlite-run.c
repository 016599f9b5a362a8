/* Batches on SQLite: groups of migrations, and what each failure leaves behind. */
#include "base/compat.h"

#include <setjmp.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/source.h"
#include "base/text.h"
#include "db/sqlite.h"
#include "sqlite-batch.h"

/* --- short words ------------------------------------------------------- */

/* A trial with the log, in which no time passes. */
static struct trial logged(struct fixture *f)
{
	make_log(f->db);
	f->db->group_ms = INT_MAX;
	return (struct trial){ .db = f->db, .log = true };
}

static unsigned commits;

static int count_commit(void *arg UNUSED)
{
	commits++;
	return 0;
}

static void count_commits(struct fixture *f)
{
	commits = 0;
	sqlite3_commit_hook(f->db->sql, count_commit, NULL);
}

/* --- groups ------------------------------------------------------------ */

static void test_group(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	trial_add(&t, "create table t (a);\n\ninsert into t values (1);");
	trial_add(&t, "insert into t values (2); insert into t values (3)");
	trial_add(&t, NULL)->name = "alone";
	t.tell_statements = true;
	count_commits(f);
	run_all(&t, "statement 0:1\nstatement 0:3\nstatement 1:1\nstatement 1:1\n"
		    "done 0: 2\ndone 1: 2\ndone 2: 0\n");
	assert_int_equal(commits, 1);
	expect(f->db, "select seq, name from note", "1|0001.sql\n2|0001.sql\n3|alone\n");
	trial_release(&t);
}

static void test_group_ends(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	trial_add(&t, "create table p (id integer primary key)");
	trial_add(&t, "create table c (p references p (id) on delete cascade);"
		      "insert into p values (1), (2); insert into c values (1), (2);");
	trial_add(&t, "delete from p where id = 1")->foreign_keys = true;
	trial_add(&t, "create table x (a)");
	trial_add(&t, "create table y (a)");
	count_commits(f);
	run_all(&t, "done 0: 1\ndone 1: 3\ndone 2: 1\ndone 3: 1\ndone 4: 1\n");
	assert_int_equal(commits, 3);
	expect(f->db, "select p from c", "2\n");

	/* when no time is left each is committed by itself */
	t.nr = 0;
	t.head = 5;
	trial_add(&t, "insert into x values (1)");
	trial_add(&t, "insert into x values (2)");
	trial_add(&t, "insert into x values (3)");
	f->db->group_ms = 0;
	count_commits(f);
	run_all(&t, "done 0: 1\ndone 1: 1\ndone 2: 1\n");
	assert_int_equal(commits, 3);
	trial_release(&t);
}

static void test_failure(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	trial_add(&t, "create table t (a unique)");
	trial_add(&t, "insert into t values (1)");
	trial_add(&t, "insert into t values (2);\n  insert into t values (1);");
	trial_add(&t, "insert into t values (3)");
	count_commits(f);
	fails_at(&t, 2, DB_SCRIPT, "UNIQUE");
	assert_int_equal(commits, 1);
	assert_int_equal(t.err.line, 2);
	assert_int_equal(t.err.column, 3);
	assert_string_equal(t.err.excerpt, "  insert into t values (1);");
	assert_int_equal(t.err.caret, 2);
	assert_string_equal(buf_str(&t.told), "done 0: 1\ndone 1: 1\n");
	expect(f->db, "select a from t", "1\n");
	expect(f->db, "select count(*) from note", "2\n");

	/* the first of a group: nothing is left behind */
	t.nr = 0;
	t.head = 2;
	trial_add(&t, "insert into t values (2); insert into t values (1)");
	trial_add(&t, "insert into t values (3)");
	fails_at(&t, 0, DB_SCRIPT, "UNIQUE");
	assert_string_equal(buf_str(&t.told), "");
	expect(f->db, "select a from t", "1\n");
	run_ok(f->db, "insert into t values (2)");
	trial_release(&t);
}

/* A long line is cut near the place, at characters. */
static void together(struct trial *t, size_t from, size_t to)
{
	t->together = from;
	t->together_to = to;
}

/* `nr` inserts; unit `at` is another script. */
static void add_inserts(struct trial *t, size_t nr, size_t at, const char *sql)
{
	size_t i;

	for (i = 0; i < nr; i++)
		trial_add(t,
			  i == at ? sql
				  : "insert into t values ((select max(a) + 1 from t))");
}

/* Some last together or not at all; what stands before them lasts. */
static void test_together(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	run_ok(f->db, "create table t (a unique); insert into t values (0)");
	together(&t, 1, 3);
	add_inserts(&t, 5, 3, "insert into t values (1)");
	fails_at(&t, 1, DB_SCRIPT, "UNIQUE");
	assert_int_equal(t.failure.culprit, 3);
	assert_string_equal(buf_str(&t.told), "done 0: 1\n");
	expect(f->db, "select max(a) from t", "1\n");
	expect(f->db, "select count(*) from note", "1\n");
	/* the same where SQLite itself takes back all that there is */
	trial_next(&t);
	add_inserts(&t, 5, 2, "insert or rollback into t values (1)");
	fails_at(&t, 1, DB_SCRIPT, "UNIQUE");
	assert_int_equal(t.failure.culprit, 2);
	expect(f->db, "select max(a) from t", "2\n");
	/* one of them writes to the log */
	trial_next(&t);
	add_inserts(&t, 5, 2, "insert into note values (99, 'x')");
	fails_at(&t, 1, DB_RECORD, "wrote to the tracker");
	assert_int_equal(t.failure.culprit, 2);
	expect(f->db, "select max(a) from t", "3\n");
	/* there is no time for more than one, and yet they are committed at once */
	trial_next(&t);
	f->db->group_ms = 0;
	add_inserts(&t, 5, 5, NULL);
	count_commits(f);
	run_all(&t, "done 0: 1\ndone 1: 1\ndone 2: 1\ndone 3: 1\ndone 4: 1\n");
	assert_int_equal(commits, 3);
	expect(f->db, "select max(a) from t", "8\n");
	expect(f->db, "select count(*) from note", "8\n");
	trial_release(&t);
}

static void test_excerpt(void **state)
{
	struct fixture *f = *state;
	struct trial t = { .db = f->db };
	struct buf sql = BUF_INIT;
	const char *place;
	int i;

	buf_adds(&sql, "select 1;\r\nselect '");
	for (i = 0; i < 200; i++)
		buf_adds(&sql, "\xc3\xa4");
	buf_adds(&sql, "', nowhere, '");
	for (i = 0; i < 200; i++)
		buf_adds(&sql, "\xc3\xa4");
	buf_adds(&sql, "';\r\n");
	trial_add(&t, buf_str(&sql));
	fails_at(&t, 0, DB_SCRIPT, "nowhere");
	assert_int_equal(t.err.line, 2);
	assert_int_equal(t.err.column, 212);
	assert_memory_equal(t.err.excerpt, "...\xc3\xa4", 5);
	place = strstr(t.err.excerpt, "nowhere, '\xc3\xa4");
	assert_non_null(place);
	assert_int_equal(t.err.caret,
			 utf8_count(t.err.excerpt, (size_t)(place - t.err.excerpt)));
	assert_string_equal(t.err.excerpt + strlen(t.err.excerpt) - 5, "\xc3\xa4...");
	buf_release(&sql);
	trial_release(&t);
}

/* --- texts that come in pieces ------------------------------------------ */

struct pieces {
	const char *text;
	size_t len, at, most; /* bytes at a time */
	bool broken;	      /* the last piece cannot be had */
};

static int rewind_pieces(void *arg, struct err *err UNUSED)
{
	((struct pieces *)arg)->at = 0;
	return 0;
}

static ssize_t read_piece(void *arg, char *out, size_t room, struct err *err)
{
	struct pieces *p = arg;
	size_t n = p->len - p->at;

	if (n == 0 && p->broken)
		return err_set(err, ERR_FATAL, "the blob is not what it was");
	n = n < room ? n : room;
	n = n < p->most ? n : p->most;
	memcpy(out, p->text + p->at, n);
	p->at += n;
	return (ssize_t)n;
}

/* check() and run() of one that comes so many bytes at a time. */
static int run_pieces(struct trial *t, struct pieces *p, size_t most)
{
	const struct source source = { rewind_pieces, read_piece, p };
	struct db_script *script;
	int checked;

	t->nr = 0;
	script = trial_add(t, NULL);
	script->source = &source;
	script->len = p->len;
	p->most = most;
	memset(&t->err, 0, sizeof(t->err));
	checked = db_sqlite.check(t->db, script, &t->err);
	return checked < 0 ? checked : trial_run(t);
}

static void test_pieces(void **state)
{
	static const char all[] =
		"\xef\xbb\xbf-- it's a comment; really\r\n/* and \"more';\n*/ begin;\n"
		"create table t (a, \"b;\" text, [c;'] , `d;--`);;\n"
		"create trigger g after insert on t when new.a = 'x;y' begin\n"
		"  update t set a = 'it''s; --'; delete from t where a = '/*';\n"
		"  select case when 1 then 2 end; end;\n"
		"insert into t (a) values ('x;y');insert into t (a) select 0-1;"
		"insert into t (a) values (1 - -2), (4/2), ('\xe2\x82\xac');\n"
		"commit; -- last";
	static const size_t sizes[] = { 1, 2, 3, 5, 7, 64, 4096 };
	struct fixture *f = *state;
	struct trial t = { .db = f->db };
	struct pieces p = { .text = all, .len = sizeof(all) - 1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (run_pieces(&t, &p, sizes[i]) < 0)
			fail_msg("%zu: %u: %s", sizes[i], t.err.line, t.err.message);
		assert_string_equal(buf_str(&t.told), "done 0: 5\n");
		expect(f->db, "select a from t", "it's; --\n-1\n3\n2\n\xe2\x82\xac\n");
		run_ok(f->db, "drop table t");
	}
	trial_release(&t);
}

static void test_pieces_refused(void **state)
{
	static const struct {
		const char *sql, *word;
		unsigned line, column;
	} cases[] = {
		{ "select 1;\nselect 'a;\n", "quote is never closed", 2, 8 },
		{ "select 1;\n/* select 'a;\n", "comment is never closed", 2, 1 },
		{ "-- one\rselect 2;\n", "bare carriage return", 1, 7 },
		{ "select '\xc3\xa4' --\rx\n", "bare carriage return", 1, 14 },
		{ "select 1;\n select \xff;", "not UTF-8", 2, 9 },
		{ "select 1;\nselekt 2;\n", "syntax error", 2, 1 },
		{ "create table t (a);\ncreate trigger g after insert on t begin\n"
		  "select 1; select 2;",
		  "incomplete input", 2, 1 },
		{ "begin;\nselect 1;\n", "BEGIN without COMMIT", 1, 1 },
		{ "select 1;\n vacuum;\n", "VACUUM", 2, 2 },
	};
	static const size_t sizes[] = { 1, 3, 4096 };
	struct fixture *f = *state;
	struct trial t = { .db = f->db };
	struct pieces p = { 0 };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		p.text = cases[i].sql;
		p.len = strlen(p.text);
		run_refused(f->db, p.text, cases[i].word, cases[i].line, cases[i].column);
		for (k = 0; k < ARRAY_SIZE(sizes); k++) {
			assert_int_equal(run_pieces(&t, &p, sizes[k]), -1);
			if (!strstr(t.err.message, cases[i].word))
				fail_msg("%zu: %s", i, t.err.message);
			assert_int_equal(t.err.line, cases[i].line);
			assert_int_equal(t.err.column, cases[i].column);
			assert_true(t.err.excerpt[0]);
		}
	}
	/* what cannot be read to its end is not run */
	p = (struct pieces){ "create table t (a);", 19, .broken = true };
	assert_int_equal(run_pieces(&t, &p, 4), -1);
	assert_int_equal(t.err.code, ERR_FATAL);
	expect(f->db, "select count(*) from sqlite_schema", "0\n");
	trial_release(&t);
}

/* Far more than is held at a time: places are those of the file. */
static void test_pieces_long(void **state)
{
	struct fixture *f = *state;
	struct trial t = { .db = f->db };
	struct buf sql = BUF_INIT;
	struct pieces p = { 0 };
	int i;

	buf_adds(&sql, "create table t (a);\n");
	for (i = 0; i < 30000; i++)
		buf_addf(&sql, "insert into t values ('\xc3\xa4 row %d');\n", i);
	p.text = sql.s;
	p.len = sql.len;
	assert_int_equal(run_pieces(&t, &p, 10000), 0);
	assert_string_equal(buf_str(&t.told), "done 0: 30001\n");
	expect(f->db, "select count(*) from t", "30000\n");
	run_ok(f->db, "drop table t");
	buf_adds(&sql, "  insert into t values (1, 2);\n");
	p.text = sql.s;
	p.len = sql.len;
	assert_int_equal(run_pieces(&t, &p, 10000), -1);
	assert_int_equal(t.err.line, 30002);
	assert_int_equal(t.err.column, 3);
	assert_string_equal(t.err.excerpt, "  insert into t values (1, 2);");
	assert_int_equal(t.err.caret, 2);
	expect(f->db, "select count(*) from sqlite_schema", "0\n");
	buf_release(&sql);
	trial_release(&t);
}

/* --- where SQLite itself ends the transaction -------------------------- */

static void test_or_rollback(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	trial_add(&t, "create table t (a unique); insert into t values (1)");
	trial_add(&t, "insert into t values (2)");
	trial_add(&t, "insert into t values (3);\ninsert or rollback into t values (1);\n"
		      "insert into t values (4);");
	trial_add(&t, "insert into t values (5)");
	t.tell_statements = true;
	fails_at(&t, 2, DB_SCRIPT, "UNIQUE");
	assert_int_equal(t.err.line, 2);
	assert_non_null(strstr(t.err.detail, "ended the transaction"));
	/* those that are run anew are told once */
	assert_string_equal(buf_str(&t.told),
			    "statement 0:1\nstatement 0:1\nstatement 1:1\nstatement 2:1\n"
			    "done 0: 2\ndone 1: 1\n");
	expect(f->db, "select a from t", "1\n2\n");
	expect(f->db, "select count(*) from note", "2\n");

	t.nr = 0;
	t.head = 2;
	t.tell_statements = false;
	trial_add(&t, "insert into t values (3)");
	trial_add(&t, "create trigger g after insert on t begin select raise(rollback, "
		      "'never'); end; insert into t values (4);");
	fails_at(&t, 1, DB_SCRIPT, "never");
	expect(f->db, "select a from t", "1\n2\n3\n");
	trial_release(&t);
}

static void test_disk_full(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);
	struct buf sql = BUF_INIT;

	trial_add(&t, "create table t (a)");
	trial_add(&t, "insert into t values ('small')");
	trial_add(&t, "insert into t values (zeroblob(1000000))");
	execute(f->db, "pragma max_page_count=40");
	fails_at(&t, 2, DB_SCRIPT, "full");
	assert_string_equal(t.err.sqlstate, "13");
	assert_string_equal(buf_str(&t.told), "done 0: 1\ndone 1: 1\n");
	expect(f->db, "select a from t", "small\n");
	expect(f->db, "select count(*) from note", "2\n");
	expect(f->db, "pragma integrity_check", "ok\n");
	execute(f->db, "pragma max_page_count=4000");
	t.nr = 0;
	t.head = 2;
	trial_add(&t, "insert into t values (zeroblob(1000000))");
	run_all(&t, "done 0: 1\n");
	buf_release(&sql);
	trial_release(&t);
}

/* --- foreign keys ------------------------------------------------------ */

static void add_family(struct trial *t)
{
	trial_add(t, "create table p (id integer primary key);"
		     "create table c (p references p (id));"
		     "create table other (a); insert into p values (1), (2);"
		     "insert into c values (1), (2);");
}

static void test_culprit(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	add_family(&t);
	trial_add(&t, "insert into other values (1)");
	trial_add(&t, "delete from p where id = 1");
	trial_add(&t, "insert into other values (2)");
	fails_at(&t, 2, DB_SCRIPT, "foreign keys that point nowhere: 1");
	assert_string_equal(t.err.sqlstate, "787");
	assert_string_equal(buf_str(&t.told), "done 0: 5\ndone 1: 1\n");
	expect(f->db, "select id from p", "1\n2\n");
	expect(f->db, "select a from other", "1\n");
	expect(f->db, "select count(*) from note", "2\n");

	/* the accepted twin takes the rows with it */
	t.nr = 0;
	t.head = 2;
	trial_add(&t, "delete from p where id = 1; delete from c where p = 1");
	trial_add(&t, "insert into other values (2)");
	run_all(&t, "done 0: 2\ndone 1: 1\n");
	trial_release(&t);
}

static void test_old_violations(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	add_family(&t);
	run_all(&t, "done 0: 5\n");
	execute(f->db, "insert into c values (77)");
	/* what was there before is no fault of theirs */
	t.nr = 0;
	t.head = 1;
	trial_add(&t, "insert into p values (3)");
	trial_add(&t, "insert into c values (3)");
	count_commits(f);
	run_all(&t, "done 0: 1\ndone 1: 1\n");
	assert_int_equal(commits, 1);
	/* a further one is */
	t.nr = 0;
	t.head = 3;
	trial_add(&t, "insert into c values (1)");
	trial_add(&t, "insert into c values (78)");
	fails_at(&t, 1, DB_SCRIPT, "point nowhere: 1");
	expect(f->db, "select count(*) from c", "5\n");
	trial_release(&t);
}

/* What one leaves is its own: a group that ends before the repair refuses it too. */
static void test_repaired_later(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	add_family(&t);
	trial_add(&t, "delete from p where id = 1");
	trial_add(&t, "delete from c where p = 1");
	fails_at(&t, 1, DB_SCRIPT, "point nowhere: 1");
	expect(f->db, "select count(*) from note", "1\n");
	t.dry = true;
	t.nr = 0;
	t.head = 1;
	trial_add(&t, "delete from c where p = 1");
	trial_add(&t, "delete from p where id = 1");
	run_all(&t, "touched 0: c 1\ndone 0: 1\ntouched 1: p 1\ndone 1: 1\n");
	t.dry = false;
	run_all(&t, "done 0: 1\ndone 1: 1\n");
	trial_release(&t);
}

/* One that was mended within the group is new when it comes back. */
static void test_old_violation_returns(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	add_family(&t);
	run_all(&t, "done 0: 5\n");
	execute(f->db, "insert into c (rowid, p) values (9, 77)");
	t.nr = 0;
	t.head = 1;
	trial_add(&t, "update c set p = 78 where rowid = 9");
	trial_add(&t, "update c set p = 1 where rowid = 9");
	trial_add(&t, "update c set p = 77 where rowid = 9");
	fails_at(&t, 2, DB_SCRIPT, "point nowhere: 1");
	expect(f->db, "select p from c where rowid = 9", "1\n");
	t.nr = 0;
	t.head = 3;
	trial_add(&t, "update c set p = 2 where rowid = 9");
	run_all(&t, "done 0: 1\n");
	trial_release(&t);
}

/* Keys that came, went and were changed within the group are those that count. */
static void test_keys_change(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	add_family(&t);
	trial_add(&t, "create table late (p references P (id))");
	trial_add(&t, "insert into late values (1)");
	trial_add(&t, "drop table late; create table late (p)");
	trial_add(&t, "insert into late values (9)");
	trial_add(&t, "alter table other add column c references p (id)");
	trial_add(&t, "insert into OTHER (c) values (2)");
	run_all(&t, "done 0: 5\ndone 1: 1\ndone 2: 1\ndone 3: 2\ndone 4: 1\n"
		    "done 5: 1\ndone 6: 1\n");
	t.nr = 0;
	t.head = 7;
	trial_add(&t, "delete from c");
	trial_add(&t, "delete from p where id = 1");
	trial_add(&t, "delete from p where id = 2");
	fails_at(&t, 2, DB_SCRIPT, "point nowhere: 1");
	assert_non_null(strstr(t.err.detail, "table 'other'"));
	trial_release(&t);
}

/* An index that a key needs is part of what it refers to. */
static void test_index_of_a_key(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	trial_add(&t, "create table p (code); create unique index codes on p (code);"
		      "create table c (p references p (code))");
	trial_add(&t, "drop index codes; create unique index others on p (code)");
	trial_add(&t, "drop index others");
	fails_at(&t, 2, DB_SCRIPT, "point nowhere: 1");
	assert_non_null(strstr(t.err.detail, "refers to columns that are no key"));
	assert_string_equal(buf_str(&t.told), "done 0: 3\ndone 1: 2\n");
	trial_release(&t);
}

/* Under whatever name the rows end up. */
static void test_renamed(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	add_family(&t);
	trial_add(&t, "create table n (p references p (id)); insert into n values (9);"
		      "drop table c; alter table n rename to c;");
	fails_at(&t, 1, DB_SCRIPT, "point nowhere: 1");
	trial_add(&t, "insert into c values (9)");
	t.scripts[1].sql = "create table n (p references p (id)); insert into n values "
			   "(1);";
	t.scripts[1].len = strlen(t.scripts[1].sql);
	t.scripts[2].sql = "alter table n rename to m; update m set p = 9;";
	t.scripts[2].len = strlen(t.scripts[2].sql);
	t.scripts[0].sql = "select 1";
	t.scripts[0].len = strlen(t.scripts[0].sql);
	t.head = 1;
	fails_at(&t, 2, DB_SCRIPT, "point nowhere: 1");
	trial_release(&t);
}

/* A deferred key that is enforced is found before COMMIT has to say it. */
static void test_deferred(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	add_family(&t);
	trial_add(&t, "create table d (p references p (id) deferrable initially "
		      "deferred)");
	trial_add(&t, "insert into d values (9)")->foreign_keys = true;
	fails_at(&t, 2, DB_SCRIPT, "point nowhere: 1");
	expect(f->db, "select count(*) from d", "0\n");
	trial_release(&t);
}

/* --- the tracker ------------------------------------------------------- */

static void test_expect(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);
	struct db *other = NULL;
	struct err err = { 0 };

	assert_int_equal(open_db(f, "sqlite:test.db", 0, &other, &err), 0);
	trial_add(&t, "create table t (a)");
	run_all(&t, "done 0: 1\n");
	/* another runner that read the same head comes too late */
	t.db = other;
	fails_at(&t, 0, DB_EXPECT, "written to since");
	assert_int_equal(t.err.code, ERR_REFUSED);
	assert_string_equal(buf_str(&t.told), "");
	/* a tracker that is not there is another head as well */
	t.db = f->db;
	execute(f->db, "drop table note");
	fails_at(&t, 0, DB_EXPECT, "no such table");
	db_sqlite.free(other);
	trial_release(&t);
}

/* Several processes with the same batch: one of them runs it. */
static void test_race(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);
	int i, status, done = 0, refused = 0;

	trial_add(&t, "create table t (a)");
	trial_add(&t, "insert into t values (1)");
	for (i = 0; i < 6; i++) {
		if (fork() == 0) {
			struct err err = { 0 };
			int ret;

			if (open_db(f, "sqlite:test.db", 0, &t.db, &err) != 0)
				_exit(3);
			t.db->group_ms = i % 2 ? 0 : INT_MAX;
			ret = trial_run(&t);
			_exit(ret == 0 ? 0 : t.failure.phase == DB_EXPECT ? 1 : 2);
		}
	}
	for (i = 0; i < 6; i++) {
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		done += WEXITSTATUS(status) == 0;
		refused += WEXITSTATUS(status) == 1;
	}
	assert_int_equal(done, 1);
	assert_int_equal(refused, 5);
	expect(f->db, "select count(*) from t", "1\n");
	expect(f->db, "select count(*) from note", "2\n");
	trial_release(&t);
}

static void test_records(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	trial_add(&t, "create table t (a)");
	t.record = "insert into note select 1, 'x' where false returning seq";
	fails_at(&t, 0, DB_RECORD, "did not take the record");
	t.record = "insert into note (nothing) values (1)";
	fails_at(&t, 0, DB_RECORD, "nothing");
	expect(f->db, "select count(*) from sqlite_schema where name = 't'", "0\n");

	/* one that writes the log itself, past the authorizer */
	t.record = NULL;
	t.scripts[0].sql = "insert into note values (1, 'forged')";
	t.scripts[0].len = strlen(t.scripts[0].sql);
	fails_at(&t, 0, DB_RECORD, "the migration wrote to the tracker");
	t.scripts[0].sql = "drop table note";
	t.scripts[0].len = strlen(t.scripts[0].sql);
	fails_at(&t, 0, DB_RECORD, "the tracker cannot be read after");
	expect(f->db, "select count(*) from note", "0\n");

	/* the one of a group that does is found */
	t.nr = 0;
	trial_add(&t, "create table t (a)");
	trial_add(&t, "insert into t values (1)");
	trial_add(&t, "insert into note values (3, 'forged')");
	trial_add(&t, "insert into t values (2)");
	fails_at(&t, 2, DB_RECORD, "the migration wrote to the tracker");
	assert_string_equal(buf_str(&t.told), "done 0: 1\ndone 1: 1\n");
	expect(f->db, "select name from note", "0001.sql\n0001.sql\n");
	expect(f->db, "select a from t", "1\n");
	trial_release(&t);
}

/* Tables of the tool's own are for its own schema alone. */
static void test_own(void **state)
{
	struct fixture *f = *state;
	struct trial t = { .db = f->db };

	trial_add(&t, "create table git_migrate_x (a); insert into git_migrate_x values "
		      "(1);");
	fails_at(&t, 0, DB_SCRIPT, "cannot change the tracker ('git_migrate_x')");
	t.scripts[0].own = true;
	run_all(&t, "done 0: 2\n");
	trial_release(&t);
}

/* --- the session ------------------------------------------------------- */

static void test_leftovers(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	trial_add(&t, "create table t (id integer primary key); insert into t values (7);"
		      "create temp table x (a); create table temp.y (a);"
		      "pragma recursive_triggers=on; pragma case_sensitive_like=on");
	trial_add(&t, "create temp table x (a); create temp table y (a);"
		      "create table seen as select last_insert_rowid() as r,"
		      " (select recursive_triggers from pragma_recursive_triggers) as t,"
		      " 'A' like 'a' as l");
	run_all(&t, "done 0: 6\ndone 1: 3\n");
	expect(f->db, "select r, t, l from seen", "0|0|1\n");
	expect(f->db, "select count(*) from temp.sqlite_schema", "0\n");
	trial_release(&t);
}

/* --- signals and locks ------------------------------------------------- */

static void send_signal(struct trial *t, size_t i)
{
	struct fixture *f = t->arg;

	if (i == 2)
		f->signals = 1; /* the look before it passes, the one within does not */
}

static void test_interrupt(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	trial_add(&t, "create table t (a)");
	trial_add(&t, "insert into t values (1)");
	trial_add(&t, "insert into t values (2);"
		      "insert into t with recursive n(i) as (select 1 union all select "
		      "i + 1 from n) select max(i) from n");
	trial_add(&t, "insert into t values (3)");
	t.at_unit = send_signal;
	t.arg = f;
	fails_at(&t, 2, DB_SCRIPT, "interrupted");
	assert_int_equal(t.err.code, ERR_INTERRUPTED);
	assert_string_equal(buf_str(&t.told), "done 0: 1\ndone 1: 1\n");
	f->signals = -1;
	expect(f->db, "select a from t", "1\n");

	/* between two units */
	t.nr = 0;
	t.head = 2;
	t.at_unit = NULL;
	trial_add(&t, "insert into t values (2)");
	trial_add(&t, "insert into t values (3)");
	f->signals = 1;
	fails_at(&t, 1, DB_BEGIN, "interrupted");
	f->signals = -1;
	expect(f->db, "select a from t", "1\n2\n");
	/* and the next is seen again */
	f->signals = 0;
	t.head = 3;
	fails_at(&t, 0, DB_BEGIN, "interrupted");
	f->signals = -1;
	trial_release(&t);
}

static void test_busy(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);
	struct db *other = NULL;
	struct err err = { 0 };

	assert_int_equal(open_db(f, "sqlite:test.db", 0, &other, &err), 0);
	f->db->busy_ms = 1;
	trial_add(&t, "create table t (a)");
	trial_add(&t, "insert into t values (1)");
	execute(other, "begin immediate");
	fails_at(&t, 0, DB_BEGIN, "another program holds it");
	assert_true(db_sqlite.is_passing(&t.err));
	execute(other, "rollback");

	/* a reader that stays makes COMMIT fail */
	execute(other, "begin");
	expect(other, "select count(*) from note", "0\n");
	fails_at(&t, 0, DB_COMMIT, "another program holds it");
	assert_true(db_sqlite.is_passing(&t.err));
	assert_string_equal(buf_str(&t.told), "");
	execute(other, "rollback");
	run_all(&t, "done 0: 1\ndone 1: 1\n");
	db_sqlite.free(other);
	trial_release(&t);
}

/* That the file cannot be written is no fault of the migration. */
static void test_readonly(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);
	char from[128], to[128];

	snprintf(from, sizeof(from), "%s/test.db", f->dir);
	snprintf(to, sizeof(to), "%s/moved.db", f->dir);
	trial_add(&t, "create table t (a)");
	assert_int_equal(rename(from, to), 0);
	fails_at(&t, 0, DB_SCRIPT, "test.db' cannot be written");
	assert_int_equal(t.err.code, ERR_FATAL);
	assert_int_equal(t.err.line, 0);
	assert_non_null(strstr(t.err.hint, "its folder"));
	assert_int_equal(rename(to, from), 0);
	run_all(&t, "done 0: 1\n");
	trial_release(&t);
}

/* Another process: it has the lock until it is told to end. */
static pid_t hold(struct fixture *f, int *to_end)
{
	int ready[2], end[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(end), 0);
	pid = fork();
	if (pid == 0) {
		struct err err = { 0 };
		struct db *db;

		close(end[1]);
		if (open_db(f, "sqlite:test.db", 0, &db, &err) != 0 ||
		    sqlite_exec(db, "begin exclusive", &err) < 0 ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(read(end[0], &c, 1) != 0);
	}
	assert_true(pid > 0);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	close(end[0]);
	*to_end = end[1];
	return pid;
}

static void let_go(pid_t pid, int to_end)
{
	int status;

	close(to_end);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void let_go_at_wait(struct fixture *f)
{
	let_go(f->holder, f->to_end);
	f->at_wait = NULL;
}

/* One who holds the file so that it cannot be read either is named, or waited for. */
static void test_holder(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);
	struct db *waiting = NULL;
	struct err err = { 0 };
	char name[32];

	trial_add(&t, "create table t (a)");
	assert_int_equal(open_db(f, "sqlite:test.db", DB_WAIT, &waiting, &err), 0);
	f->db->busy_ms = 1;
	f->holder = hold(f, &f->to_end);
	fails_at(&t, 0, DB_BEGIN, "another program holds it");
	snprintf(name, sizeof(name), "Process %d (", (int)f->holder);
	assert_true(starts_with(t.err.detail, name));
	assert_non_null(strstr(t.err.detail, ") holds it. It was waited for"));
	f->db->busy_ms = 1;
	assert_int_equal(sqlite_query(f->db, "select * from note", NULL, 0, NULL, NULL,
				      &err),
			 -1);
	assert_true(starts_with(err.detail, name));

	/* it ends while it is waited for */
	assert_true(waiting->busy_ms == INT_MAX);
	f->at_wait = let_go_at_wait;
	t.db = waiting;
	run_all(&t, "done 0: 1\n");
	assert_null(f->at_wait);
	db_sqlite.free(waiting);
	trial_release(&t);
}

/* What makes the question for the head fail is no other head. */
static void test_question_fails(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);
	static const struct db_statement other = { "select 1 from note", NULL, 0 };
	static const struct db_statement full = {
		"insert into note (name) values (zeroblob(9000000)) returning 1", NULL, 0
	};

	trial_add(&t, "create table t (a)");
	t.ask = &full;
	execute(f->db, "pragma max_page_count=40");
	fails_at(&t, 0, DB_BEGIN, "full");
	execute(f->db, "pragma max_page_count=4000");
	t.ask = &other;
	fails_at(&t, 0, DB_EXPECT, "written to since");
	t.ask = NULL;
	run_all(&t, "done 0: 1\n");
	trial_release(&t);
}

/* --- what reaches the disk --------------------------------------------- */

/* How deleting the journal, which is what commits, is to go wrong. */
enum trouble {
	TROUBLE_NONE,
	TROUBLE_KEPT, /* the journal is still there: nothing is committed */
	TROUBLE_GONE, /* it is not, but the folder could not be synced */
};

/* SQLite's own file system, with its syncs counted. */
static struct {
	sqlite3_vfs vfs, *real;
	sqlite3_io_methods methods[2]; /* with locks, and without */
	int (*sync)(sqlite3_file *file, int flags);
	unsigned syncs;
	enum trouble trouble;
} disk;

static int disk_sync(sqlite3_file *file, int flags)
{
	disk.syncs++;
	return disk.sync(file, flags);
}

static int disk_open(sqlite3_vfs *vfs UNUSED, const char *name, sqlite3_file *file,
		     int flags, int *out)
{
	int rc = disk.real->xOpen(disk.real, name, file, flags, out);
	sqlite3_io_methods *m = &disk.methods[flags & SQLITE_OPEN_MAIN_DB ? 0 : 1];

	if (rc == SQLITE_OK) {
		disk.sync = file->pMethods->xSync;
		*m = *file->pMethods;
		m->xSync = disk_sync;
		file->pMethods = m;
	}
	return rc;
}

static int disk_delete(sqlite3_vfs *vfs UNUSED, const char *name, int sync_folder)
{
	enum trouble trouble = disk.trouble;
	int rc;

	disk.trouble = TROUBLE_NONE; /* once */
	if (trouble == TROUBLE_KEPT)
		return SQLITE_IOERR_DELETE;
	rc = disk.real->xDelete(disk.real, name, sync_folder);
	disk.syncs += sync_folder != 0;
	return trouble == TROUBLE_GONE ? SQLITE_IOERR_DIR_FSYNC : rc;
}

static void disk_watch(struct fixture *f)
{
	struct err err = { 0 };

	memset(&disk, 0, sizeof(disk));
	disk.real = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.real;
	disk.vfs.pNext = NULL;
	disk.vfs.zName = "watched";
	disk.vfs.xOpen = disk_open;
	disk.vfs.xDelete = disk_delete;
	sqlite3_vfs_register(&disk.vfs, 1);
	db_sqlite.free(f->db);
	assert_int_equal(open_db(f, "sqlite:test.db", 0, &f->db, &err), 0);
}

static void disk_leave(struct fixture *f)
{
	struct err err = { 0 };

	db_sqlite.free(f->db);
	sqlite3_vfs_unregister(&disk.vfs);
	assert_int_equal(open_db(f, "sqlite:test.db", 0, &f->db, &err), 0);
}

static void test_syncs(void **state)
{
	struct fixture *f = *state;
	struct buf told = BUF_INIT;
	struct trial t;
	unsigned i;

	disk_watch(f);
	t = logged(f);
	for (i = 0; i < 100; i++) {
		trial_add(&t, i ? "insert into t values (zeroblob(2000))"
				: "create table t (a)");
		buf_addf(&told, "done %u: 1\n", i);
	}
	disk.syncs = 0;
	run_all(&t, buf_str(&told));
	assert_in_range(disk.syncs, 3, 8);
	expect(f->db, "select count(*) from t", "99\n");
	disk_leave(f);
	trial_release(&t);
	buf_release(&told);
}

static void test_commit_fails(void **state)
{
	struct fixture *f = *state;
	struct trial t;

	disk_watch(f);
	t = logged(f);
	trial_add(&t, "create table t (a)");
	trial_add(&t, "insert into t values (1)");
	disk.trouble = TROUBLE_KEPT;
	fails_at(&t, 0, DB_COMMIT, "I/O");
	assert_int_equal(t.err.code, ERR_REFUSED);
	assert_string_equal(buf_str(&t.told), "");
	disk_leave(f);
	expect(f->db, "select count(*) from note", "0\n");
	t.db = f->db;
	run_all(&t, "done 0: 1\ndone 1: 1\n");
	trial_release(&t);
}

static void test_commit_unclear(void **state)
{
	struct fixture *f = *state;
	struct trial t;

	disk_watch(f);
	t = logged(f);
	trial_add(&t, "create table t (a)");
	trial_add(&t, "insert into t values (1)");
	disk.trouble = TROUBLE_GONE;
	assert_int_equal(trial_run(&t), -1);
	assert_int_equal(t.err.code, ERR_UNCERTAIN);
	assert_int_equal(t.failure.phase, DB_COMMIT);
	assert_int_equal(t.failure.unit, 0);
	assert_int_equal(t.failure.sent, 2);
	assert_string_equal(buf_str(&t.told), "");
	disk_leave(f);
	expect(f->db, "select count(*) from note", "2\n");
	trial_release(&t);
}

/* --- dry runs ---------------------------------------------------------- */

static void test_dry(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	add_family(&t);
	run_all(&t, "done 0: 5\n");
	t.nr = 0;
	t.head = 1;
	t.dry = true;
	trial_add(&t, "create table t (a, b); insert into t values (1, 2), (3, 4);");
	trial_add(&t, "delete from t where a = 1; alter table t drop column b;");
	trial_add(&t, "drop table c; insert into p values (7); update p set id = 8 where "
		      "id = 7; drop table t");
	count_commits(f);
	run_all(&t, "touched 0: t 0\ndone 0: 2\n"
		    "touched 1: t rewritten 1\ndone 1: 2\n"
		    "touched 2: c dropped 2\ntouched 2: p 0\ntouched 2: t dropped 1\n"
		    "done 2: 4\n");
	assert_int_equal(commits, 0);
	expect(f->db, "select count(*) from c", "2\n");
	expect(f->db, "select max(seq) from note", "1\n");

	/* what would fail fails, and what is behind it is not tried */
	t.nr = 2;
	trial_add(&t, "delete from p");
	trial_add(&t, "create table z (a)");
	fails_at(&t, 2, DB_SCRIPT, "point nowhere: 2");
	t.scripts[2].sql = "delete from nowhere";
	t.scripts[2].len = strlen(t.scripts[2].sql);
	fails_at(&t, 2, DB_SCRIPT, "no such table");
	expect(f->db, "select count(*) from p", "2\n");
	/* the hook that would refuse a COMMIT has gone */
	run_ok(f->db, "insert into other values (1)");
	expect(f->db, "select a from other", "1\n");
	trial_release(&t);
}

/* What a virtual table, or a key, deletes besides is not what is told. */
static void test_dry_behind(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	if (!sqlite3_compileoption_used("ENABLE_RTREE"))
		skip();
	trial_add(&t,
		  "create virtual table r using rtree (id, a, b);"
		  "insert into r values (1, 2, 3); create table p (id integer primary "
		  "key); create table c (p references p on delete cascade);"
		  "insert into p values (1); insert into c values (1), (1), (1)");
	run_all(&t, "done 0: 6\n");
	t.nr = 0;
	t.head = 1;
	t.dry = true;
	trial_add(&t, "update r set a = 1")->foreign_keys = true;
	trial_add(&t, "delete from r")->foreign_keys = true;
	trial_add(&t, "delete from p")->foreign_keys = true;
	assert_int_equal(trial_run(&t), 0);
	assert_non_null(strstr(t.told.s, "touched 0: r 0\n"));
	assert_non_null(strstr(t.told.s, "touched 1: r 1\n"));
	assert_non_null(strstr(t.told.s, "touched 2: p 1\n"));
	assert_null(strstr(t.told.s, "r_parent 1"));
	trial_release(&t);
}

static void test_dry_untried(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	t.dry = true;
	trial_add(&t, "create table t (a)");
	trial_add(&t, "insert into t values (1)")->foreign_keys = true;
	trial_add(&t, "insert into t values (2)");
	assert_int_equal(trial_run(&t), 1);
	assert_int_equal(t.failure.unit, 1);
	assert_int_equal(t.failure.phase, DB_BEGIN);
	assert_int_equal(t.err.code, ERR_NONE);
	assert_string_equal(buf_str(&t.told), "touched 0: t 0\ndone 0: 1\n");
	expect(f->db, "select count(*) from sqlite_schema where name = 't'", "0\n");

	t.scripts[0].foreign_keys = true;
	t.scripts[2].foreign_keys = true;
	t.scripts[2].no_transaction = true;
	assert_int_equal(trial_run(&t), 1);
	assert_int_equal(t.failure.unit, 2);
	trial_release(&t);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_group),
		T(test_group_ends),
		T(test_failure),
		T(test_together),
		T(test_excerpt),
		T(test_pieces),
		T(test_pieces_refused),
		T(test_pieces_long),
		T(test_or_rollback),
		T(test_disk_full),
		T(test_culprit),
		T(test_old_violations),
		T(test_repaired_later),
		T(test_old_violation_returns),
		T(test_keys_change),
		T(test_index_of_a_key),
		T(test_renamed),
		T(test_deferred),
		T(test_expect),
		T(test_race),
		T(test_records),
		T(test_own),
		T(test_leftovers),
		T(test_interrupt),
		T(test_busy),
		T(test_holder),
		T(test_readonly),
		T(test_dry_behind),
		T(test_question_fails),
		T(test_syncs),
		T(test_commit_fails),
		T(test_commit_unclear),
		T(test_dry),
		T(test_dry_untried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
