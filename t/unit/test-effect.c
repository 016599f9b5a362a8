/* What a migration did to data, which types keep values, what code uses. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "sql/effect.h"
#include "sql/key.h"
#include "sql/narrow.h"
#include "sql/usage.h"

/* "kind table.column" of each effect, joined by commas. */
static void effects_are(const char *before_sql, const char *sql, const char *wanted)
{
	struct sql_catalog before = { 0 }, after = { 0 };
	struct sql_effects e;
	struct buf got = BUF_INIT;
	size_t i;

	sql_catalog_read(&before, before_sql, strlen(before_sql));
	sql_catalog_read(&after, before_sql, strlen(before_sql));
	sql_catalog_read(&after, sql, strlen(sql));
	sql_effects_read(&before, &after, sql, strlen(sql), &e);
	for (i = 0; i < e.nr; i++)
		buf_addf(&got, "%s%s %s%s%s", i ? ", " : "",
			 sql_effect_word(e.items[i].kind), e.items[i].table_key,
			 e.items[i].column_key ? "." : "",
			 e.items[i].column_key ? e.items[i].column_key : "");
	assert_string_equal(buf_str(&got), wanted);
	buf_release(&got);
	sql_effects_release(&e);
	sql_catalog_release(&before);
	sql_catalog_release(&after);
}

#define USERS "CREATE TABLE users (id int, phone text);"

static void effects(void **state UNUSED)
{
	effects_are(USERS, "SELECT 1", "");
	effects_are(USERS, "ALTER TABLE users ADD COLUMN \"E Mail\" text",
		    "new-column users.E Mail");
	effects_are(USERS, "CREATE TABLE orders (id int)", "new-table orders");
	effects_are(USERS, "CREATE TABLE orders AS SELECT 1", "new-table orders");
	effects_are(USERS, "CREATE TABLE u1 PARTITION OF users DEFAULT", "new-table u1");
	effects_are(USERS, "CREATE TABLE IF NOT EXISTS users AS SELECT 1", "");
	effects_are(USERS, "SELECT id INTO UNLOGGED TABLE ids FROM users",
		    "new-table ids");
	effects_are(USERS, "SELECT id FROM users", "");
	effects_are(USERS, "CREATE MATERIALIZED VIEW ids AS SELECT id FROM users",
		    "new-table ids");
	effects_are(USERS,
		    "CREATE MATERIALIZED VIEW ids AS SELECT 1; DROP MATERIALIZED VIEW "
		    "ids",
		    "");
	effects_are(USERS "SELECT 1 INTO ids", "CREATE INDEX i ON ids (id)", "");
	effects_are(USERS "CREATE TABLE old.a (x int); CREATE TABLE older.b (x int)",
		    "DROP SCHEMA IF EXISTS new, old CASCADE", "gone-table old.a");
	effects_are(USERS "CREATE TABLE old.a (x int)", "DROP SCHEMA public CASCADE",
		    "gone-table users");
	effects_are(USERS, "ALTER TABLE users DROP phone", "gone-column users.phone");
	effects_are(USERS, "DROP TABLE users", "gone-table users");
	effects_are(USERS, "ALTER TABLE users ALTER phone TYPE int USING phone::int",
		    "type users.phone");
	effects_are(USERS, "DELETE FROM users WHERE id = 1; DELETE FROM users",
		    "deleted users");
	effects_are(USERS, "TRUNCATE app.users", "deleted app.users");
	effects_are(USERS, "UPDATE OR IGNORE users SET id = 1", "updated users");
	effects_are(USERS, "TRUNCATE users, app.orders",
		    "deleted users, deleted app.orders");
	/* of a table that nobody saw made */
	effects_are("", "ALTER TABLE people ADD COLUMN age int", "new-column people.age");
}

static void rows_change_by_more_than_update_and_delete(void **state UNUSED)
{
	effects_are(USERS, "INSERT INTO users VALUES (1, '2')", "");
	effects_are(USERS,
		    "INSERT INTO users VALUES (1, '2') ON CONFLICT (id) DO NOTHING", "");
	effects_are(USERS,
		    "INSERT INTO users VALUES (1, '2') ON CONFLICT (id) DO UPDATE "
		    "SET phone = 'x'",
		    "updated users");
	effects_are(USERS,
		    "INSERT OR REPLACE INTO users VALUES (1, replace('2', 'a', 'b'))",
		    "updated users");
	effects_are(USERS, "REPLACE INTO users VALUES (1, '2')", "updated users");
	effects_are(USERS, "INSERT OR IGNORE INTO users SELECT 1, replace('2', '1', '0')",
		    "");
	effects_are(USERS,
		    "MERGE INTO users u USING v ON u.id = v.id WHEN MATCHED AND v.gone "
		    "THEN DELETE WHEN MATCHED THEN UPDATE SET phone = v.phone",
		    "deleted users, updated users");
	effects_are(USERS,
		    "MERGE INTO users u USING v ON false WHEN NOT MATCHED THEN INSERT "
		    "(id) "
		    "VALUES (v.id)",
		    "");
	effects_are(USERS,
		    "WITH gone AS (DELETE FROM ONLY users RETURNING id), "
		    "seen AS (UPDATE app.u SET x = 1 RETURNING 1) SELECT * FROM gone",
		    "deleted users, updated app.u");
	effects_are(USERS, "WITH a AS (SELECT id FROM users FOR NO KEY UPDATE) TABLE a",
		    "");
}

/* "DO 1": what cannot be told, and where it stands first. */
static void unread_is(const char *sql, bool sqlite, const char *wanted)
{
	struct sql_catalog before = { 0 }, after = { .sqlite = sqlite };
	struct buf got = BUF_INIT;
	struct sql_effects e;

	sql_effects_read(&before, &after, sql, strlen(sql), &e);
	if (e.unread)
		buf_addf(&got, "%s %u", e.unread, e.line);
	assert_string_equal(buf_str(&got), wanted);
	buf_release(&got);
	sql_effects_release(&e);
}

static void what_cannot_be_told_is_said(void **state UNUSED)
{
	unread_is("SELECT 1;\nDO $$ BEGIN UPDATE t SET x = 1; END $$;\nCALL p();", false,
		  "DO 2");
	unread_is("CALL p()", false, "CALL 1");
	unread_is("EXECUTE p", false, "EXECUTE 1");
	unread_is("SELECT app.mend(1)", false, "a function 1");
	unread_is("SELECT 1, mend()", false, "a function 1");
	unread_is("SELECT * FROM mend(1)", false, "a function 1");
	unread_is("SELECT load_extension(1)", true, "");
	unread_is("SELECT count(*) FROM t; SELECT setval('s', 1); SELECT 1 WHERE (true)",
		  false, "");
	unread_is("SELECT pg_catalog.set_config('search_path', '', false)", false, "");
	unread_is("DROP SCHEMA old CASCADE", false, "DROP 1");
	unread_is("DROP SCHEMA old; DROP TABLE t CASCADE", false, "");
	unread_is("DROP OWNED BY ada", false, "DROP 1");
	unread_is("INSERT INTO t SELECT f(1); UPDATE t SET x = 1", false, "");
}

static void using_is_a_cast_or_more(void **state UNUSED)
{
	assert_true(sql_using_is_cast("phone", "phone", "text"));
	assert_true(sql_using_is_cast("phone::int", "phone", "integer"));
	assert_true(sql_using_is_cast("PHONE :: varchar(20)", "phone", "varchar(20)"));
	assert_true(sql_using_is_cast("CAST(phone AS int)", "phone", "integer"));
	assert_true(sql_using_is_cast("\"P\"::int", "\"P\"", "int4"));
	assert_false(sql_using_is_cast("left(phone, 3)", "phone", "text"));
	assert_false(sql_using_is_cast("phone::varchar(3)", "phone", "text"));
	assert_false(sql_using_is_cast("phone::int::text", "phone", "text"));
	assert_false(sql_using_is_cast("phone::int / 2", "phone", "integer"));
	assert_false(sql_using_is_cast("phones", "phone", "text"));
	assert_false(sql_using_is_cast("CAST(left(phone, 3) AS text)", "phone", "text"));
	assert_false(sql_using_is_cast("CAST(phone AS varchar(3))", "phone", "text"));
	assert_false(sql_using_is_cast("cast", "phone", "text"));
	assert_false(sql_using_is_cast("cast(phone as )", "phone", "text"));
	assert_false(sql_using_is_cast("", "phone", "text"));
}

/* Whether the change of users.phone, a varchar(20), keeps its values. */
static bool change_keeps(const char *sql)
{
	const char *made = "CREATE TABLE users (id int, phone varchar(20));";
	struct sql_catalog before = { 0 }, after = { 0 };
	struct sql_effects e;
	bool keeps;

	sql_catalog_read(&before, made, strlen(made));
	sql_catalog_read(&after, made, strlen(made));
	sql_catalog_read(&after, sql, strlen(sql));
	sql_effects_read(&before, &after, sql, strlen(sql), &e);
	assert_int_equal(e.nr, 1);
	assert_int_equal(e.items[0].kind, EFFECT_TYPE);
	keeps = e.items[0].keeps;
	sql_effects_release(&e);
	sql_catalog_release(&before);
	sql_catalog_release(&after);
	return keeps;
}

static void using_may_lose_what_the_type_keeps(void **state UNUSED)
{
	assert_true(change_keeps("ALTER TABLE users ALTER phone TYPE text"));
	assert_true(
		change_keeps("ALTER TABLE users ALTER phone TYPE text USING phone::text, "
			     "ALTER id SET DEFAULT 1"));
	assert_false(change_keeps("ALTER TABLE users ALTER phone TYPE text "
				  "USING left(phone, 3)"));
	assert_false(change_keeps("ALTER TABLE users ALTER phone SET DATA TYPE text "
				  "COLLATE \"C\" USING left(phone, 3)"));
	assert_false(change_keeps("ALTER TABLE users ALTER phone TYPE varchar(20) "
				  "USING upper(phone)"));
}

static void what_is_renamed_is_not_new(void **state UNUSED)
{
	effects_are(USERS, "ALTER TABLE users RENAME phone TO number", "");
	effects_are(USERS, "ALTER TABLE users RENAME TO people", "");
	effects_are(USERS,
		    "ALTER TABLE users RENAME TO people; ALTER TABLE people ADD age int;",
		    "new-column people.age");
	effects_are(USERS,
		    "ALTER TABLE users DROP phone; ALTER TABLE users RENAME TO people; "
		    "UPDATE people SET id = 1",
		    "gone-column people.phone, updated people");
	effects_are(USERS "CREATE TABLE n (id int);",
		    "DROP TABLE users; ALTER TABLE n RENAME TO users",
		    "gone-table users");
	effects_are(USERS,
		    "ALTER TABLE users DROP phone; ALTER TABLE users ADD phone text",
		    "type users.phone");
}

static void a_rebuild_is_what_it_comes_to(void **state UNUSED)
{
	effects_are(USERS,
		    "CREATE TABLE users_new (id int, phone int, age int);"
		    "INSERT INTO users_new (id, phone) SELECT id, phone FROM users;"
		    "DROP TABLE users; ALTER TABLE users_new RENAME TO users;",
		    "type users.phone, new-column users.age");
}

/* A rebuild of users whose rows come by that statement. */
static void copied_by(const char *copy, const char *wanted)
{
	struct buf sql = BUF_INIT;

	buf_addf(&sql,
		 "CREATE TABLE n (id int, phone text); %s; DROP TABLE users; "
		 "ALTER TABLE n RENAME TO users;",
		 copy);
	effects_are(USERS "CREATE TABLE other (id int, phone text);", sql.s, wanted);
	buf_release(&sql);
}

static void a_rebuild_may_lose_rows_and_values(void **state UNUSED)
{
	copied_by("INSERT INTO n SELECT * FROM users", "");
	copied_by("INSERT INTO n (phone, id) SELECT u.phone, id AS i FROM users AS u",
		  "");
	copied_by("INSERT INTO n SELECT id, CAST(phone AS text) FROM users ORDER BY id",
		  "");
	copied_by("INSERT INTO n TABLE users", "");
	copied_by("INSERT INTO n SELECT id, phone FROM users WHERE id < 0",
		  "deleted users");
	copied_by("INSERT INTO n SELECT id, phone FROM users LIMIT 1", "deleted users");
	copied_by("INSERT INTO n SELECT id, substr(phone, 1, 2) FROM users",
		  "updated users");
	copied_by("INSERT INTO n SELECT id, NULL FROM users", "updated users");
	copied_by("INSERT INTO n SELECT DISTINCT id, phone FROM users", "deleted users");
	copied_by("INSERT OR IGNORE INTO n SELECT * FROM users", "deleted users");
	copied_by("INSERT OR ABORT INTO n SELECT * FROM users", "");
	copied_by("REPLACE INTO n SELECT * FROM users", "deleted users, updated users");
	copied_by("INSERT INTO n SELECT * FROM users ORDER BY id LIMIT 1",
		  "deleted users");
	copied_by("INSERT INTO n SELECT * FROM users ORDER BY id OFFSET 1",
		  "deleted users");
	copied_by("INSERT INTO n SELECT id, CAST(phone AS int) FROM users",
		  "updated users");
	copied_by("INSERT INTO n SELECT users.* FROM users", "");
	copied_by("INSERT INTO n (SELECT * FROM users)", "");
	copied_by("INSERT INTO n (id, phone) SELECT phone, id FROM users",
		  "updated users");
	copied_by("INSERT INTO n (phone, id) SELECT * FROM users", "updated users");
	copied_by("INSERT INTO n (phone, id) SELECT phone p, id FROM users", "");
	copied_by("INSERT INTO n SELECT id, 'phone' FROM users", "updated users");
	copied_by("INSERT INTO n SELECT * FROM users UNION SELECT * FROM other",
		  "deleted users");
	copied_by("INSERT INTO n SELECT o.id, u.phone FROM other o JOIN users u USING "
		  "(id)",
		  "deleted users, updated users");
	copied_by("INSERT INTO n WITH a AS (SELECT * FROM users) SELECT * FROM a",
		  "deleted users, updated users");
	copied_by("INSERT INTO n SELECT * FROM (SELECT * FROM users) s",
		  "deleted users, updated users");
	copied_by("WITH a AS (SELECT * FROM users) INSERT INTO n SELECT * FROM a",
		  "deleted users, updated users");
	copied_by("SELECT 1", "gone-table users, new-table users");
	copied_by("INSERT INTO n VALUES (1, '2')", "gone-table users, new-table users");
	copied_by("INSERT INTO n SELECT * FROM other",
		  "gone-table users, new-table users");
}

static void a_table_that_is_dropped_and_made_again_is_empty(void **state UNUSED)
{
	effects_are(USERS, "DROP TABLE users; CREATE TABLE users (id int, phone int)",
		    "gone-table users, new-table users");
	effects_are(USERS,
		    "CREATE TABLE kept AS SELECT * FROM users; DROP TABLE users; "
		    "CREATE TABLE users (id int, phone text); "
		    "INSERT INTO users SELECT * FROM kept",
		    "new-table kept");
	effects_are(USERS,
		    "CREATE TEMPORARY TABLE b (id, phone); INSERT INTO b SELECT id, "
		    "phone FROM users; DROP TABLE users; CREATE TABLE users (id int, "
		    "phone text, z text); INSERT INTO users (id, phone) SELECT id, phone "
		    "FROM b; DROP TABLE b",
		    "new-column users.z");
	effects_are(USERS,
		    "CREATE TEMPORARY TABLE b (x, y); INSERT INTO b SELECT * FROM users "
		    "WHERE id > 1; UPDATE b SET y = 1; DROP TABLE users; CREATE TABLE "
		    "users (id int, phone text); INSERT INTO users (id, phone) SELECT "
		    "y, x FROM b; DROP TABLE b",
		    "deleted users, updated users");
	effects_are(USERS,
		    "CREATE TABLE b AS SELECT id, phone AS number FROM users; DROP TABLE "
		    "users; ALTER TABLE b RENAME TO users",
		    "updated users");
	effects_are(USERS,
		    "CREATE TABLE b AS SELECT * FROM users; DROP TABLE users; ALTER "
		    "TABLE b RENAME TO users",
		    "");
	effects_are(USERS,
		    "ALTER TABLE users RENAME TO o; CREATE TABLE users (id int, phone "
		    "text); INSERT INTO users SELECT id, phone FROM o WHERE id > 1",
		    "");
	effects_are(USERS,
		    "ALTER TABLE users RENAME TO o; CREATE TABLE users (id int, phone "
		    "text)",
		    "new-table users");
	effects_are(USERS,
		    "ALTER TABLE users RENAME TO o; CREATE TABLE users (id int, phone "
		    "text); "
		    "INSERT INTO users SELECT id, phone FROM o; DROP TABLE o",
		    "");
}

static void the_body_of_a_trigger_is_not_run(void **state UNUSED)
{
	effects_are(USERS,
		    "CREATE TRIGGER t AFTER INSERT ON users BEGIN "
		    "DELETE FROM users WHERE id = 1; UPDATE users SET id = 2; END;"
		    "DELETE FROM users;",
		    "deleted users");
	effects_are(USERS,
		    "CREATE TEMP TRIGGER t AFTER INSERT ON users BEGIN "
		    "DELETE FROM users WHERE id = 1; END;",
		    "");
}

static void types(void **state UNUSED)
{
	static const struct {
		const char *old, *now;
		bool keeps;
	} rows[] = {
		{ "int", "bigint", true },
		{ "BIGINT", "integer", false },
		{ "varchar(20)", "varchar(40)", true },
		{ "varchar(40)", "varchar(20)", false },
		{ "varchar(20)", "text", true },
		{ "text", "varchar(20)", false },
		{ "varchar(20)", "character varying", true },
		{ "varchar(20)", "integer", false },
		{ "integer", "text", true },
		{ "integer", "varchar(3)", false },
		{ "numeric(10,2)", "numeric(12,2)", true },
		{ "numeric(10,2)", "numeric(10,4)", false },
		{ "numeric(10, 2)", "numeric", true },
		{ "numeric", "numeric(10,2)", false },
		{ "int", "numeric", true },
		{ "int", "numeric(5)", false },
		{ "real", "double precision", true },
		{ "double precision", "real", false },
		{ "date", "timestamp with time zone", true },
		{ "timestamp", "date", false },
		{ "uuid", "uuid", true },
		{ "uuid", "bytea", false },
		{ "", "text", true },
		{ "text", "", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (sql_type_keeps(rows[i].old, rows[i].now) != rows[i].keeps)
			fail_msg("%s to %s", rows[i].old, rows[i].now);
}

#define QUOTED "SELECT \"Phone\" FROM \"Users\""

static size_t used(const char *sql, const char *table, const char *column, bool without)
{
	const struct sql_used what = { table, column, without, false };
	unsigned line;

	return sql_usage(sql, strlen(sql), &what, &line);
}

static void usage(void **state UNUSED)
{
	const struct sql_used what = { "users", "phone", false, false };
	const struct sql_used anycase = { "users", "phone", false, true };
	static const char two[] = "SELECT 1;\nSELECT u.phone\nFROM users u;";
	unsigned line;

	assert_int_equal(sql_usage(two, strlen(two), &what, &line), 1);
	assert_int_equal(line, 2);
	assert_int_equal(used("SELECT phone FROM orders", "users", "phone", false), 0);
	assert_int_equal(sql_usage(QUOTED, strlen(QUOTED), &what, &line), 0);
	assert_int_equal(sql_usage(QUOTED, strlen(QUOTED), &anycase, &line), 1);
	assert_int_equal(used("SELECT 'phone' || x FROM users", "users", "mail", false),
			 0);
	assert_int_equal(used("SELECT \"Phone\" FROM users", "users", "phone", false), 0);
	assert_int_equal(used("SELECT PHONE FROM public.Users", "users", "phone", false),
			 1);
	assert_int_equal(used("SELECT users.phone FROM app.users", "app.users", "phone",
			      false),
			 1);
	assert_int_equal(used("DELETE FROM users", "users", NULL, false), 1);
	assert_int_equal(used("SELECT 1 -- users", "users", NULL, false), 0);
	assert_int_equal(used("SELECT 'unterminated", "users", NULL, false), 0);
}

static void inserts_that_leave_out(void **state UNUSED)
{
	assert_int_equal(used("INSERT INTO users (id) VALUES (1)", "users", "mail", true),
			 1);
	assert_int_equal(used("INSERT INTO users (id, mail) VALUES (1, 2)", "users",
			      "mail", true),
			 0);
	assert_int_equal(used("INSERT INTO users VALUES (1)", "users", "mail", true), 1);
	assert_int_equal(used("INSERT OR REPLACE INTO users (id) VALUES (1)", "users",
			      "mail", true),
			 1);
	assert_int_equal(used("INSERT INTO orders (id) VALUES (1)", "users", "mail",
			      true),
			 0);
	assert_int_equal(used("UPDATE users SET id = 1", "users", "mail", true), 0);
	assert_int_equal(used("WITH x AS (SELECT 1) INSERT INTO users (id) SELECT 1",
			      "users", "mail", true),
			 1);
}

/* Of "users", without "mail". */
static void leaves_out(const char *sql, bool wanted)
{
	assert_int_equal(used(sql, "users", "mail", true), wanted);
}

static void inserts_by_other_ways(void **state UNUSED)
{
	leaves_out("WITH x AS (INSERT INTO users (id) VALUES (1) RETURNING id) TABLE x",
		   true);
	leaves_out("WITH x AS (INSERT INTO users (id, mail) VALUES (1, 2)) SELECT 1",
		   false);
	leaves_out("WITH x AS (INSERT INTO orders (id) VALUES (1) RETURNING 1) "
		   "INSERT INTO users (id) SELECT 1",
		   true);
	leaves_out("INSERT INTO users AS u (id, mail) VALUES (1, 2)", false);
	leaves_out("PREPARE p AS INSERT INTO users (id) VALUES ($1)", true);
	leaves_out("REPLACE INTO users (id) VALUES (1)", true);
	leaves_out("SELECT replace(mail, 'a', 'b') FROM users", false);
	leaves_out("COPY users (id, name) FROM STDIN", true);
	leaves_out("COPY users (id, mail) FROM STDIN", false);
	leaves_out("COPY users FROM '/x'", true);
	leaves_out("COPY users (id) TO STDOUT", false);
	leaves_out("COPY orders (id) FROM STDIN", false);
	leaves_out("MERGE INTO users USING v ON false WHEN NOT MATCHED THEN "
		   "INSERT (id) VALUES (v.id)",
		   true);
	leaves_out("MERGE INTO users USING v ON false WHEN NOT MATCHED THEN "
		   "INSERT (id, mail) VALUES (1, 2)",
		   false);
	leaves_out("MERGE INTO orders USING users ON false WHEN NOT MATCHED THEN "
		   "INSERT (id) VALUES (1)",
		   false);
}

static void key_is(const char *key, const char *schema, const char *base)
{
	struct pool pool = { 0 };
	const char *got_schema, *got_base;

	sql_key_parts(&pool, key, &got_schema, &got_base);
	if (schema)
		assert_string_equal(got_schema, schema);
	else
		assert_null(got_schema);
	assert_string_equal(got_base, base);
	pool_release(&pool);
}

static void keys(void **state UNUSED)
{
	key_is("users", NULL, "users");
	key_is("app.users", "app", "users");
	key_is("\"a.b\"", NULL, "a.b");
	key_is("\"a.b\".\"c\"\"d\"", "a.b", "c\"d");
	key_is("\"a", NULL, "a");
	key_is("", NULL, "");
	key_is("a.", "a", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(effects),
		cmocka_unit_test(a_rebuild_may_lose_rows_and_values),
		cmocka_unit_test(a_table_that_is_dropped_and_made_again_is_empty),
		cmocka_unit_test(using_is_a_cast_or_more),
		cmocka_unit_test(using_may_lose_what_the_type_keeps),
		cmocka_unit_test(what_cannot_be_told_is_said),
		cmocka_unit_test(rows_change_by_more_than_update_and_delete),
		cmocka_unit_test(what_is_renamed_is_not_new),
		cmocka_unit_test(a_rebuild_is_what_it_comes_to),
		cmocka_unit_test(the_body_of_a_trigger_is_not_run),
		cmocka_unit_test(types),
		cmocka_unit_test(usage),
		cmocka_unit_test(inserts_that_leave_out),
		cmocka_unit_test(inserts_by_other_ways),
		cmocka_unit_test(keys),
	};

	return cmocka_run_group_tests_name("effect", tests, NULL, NULL);
}
