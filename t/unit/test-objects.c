/* Which objects a migration touches. */
#include "base/compat.h"

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "sql/objects.h"
#include "sql/query.h"
#include "sql/split.h"

static void add_object(struct buf *out, const struct sql_object *o)
{
	buf_addf(out, "%s%s %s %s", out->len ? ", " : "", sql_touch_word(o->how),
		 sql_kind_word(o->kind), o->name);
	if (o->on)
		buf_addf(out, " on %s", o->on);
}

/* All objects of a text; "!line:column message" ends a refused one. */
static char *objects_of(const char *sql, size_t len)
{
	struct sql_objects found = { 0 };
	struct buf out = BUF_INIT;
	struct pool pool = { 0 };
	struct err err = { 0 };
	size_t i;
	int rc;

	rc = sql_objects(sql, len, &pool, &found, &err);
	for (i = 0; i < found.nr; i++)
		add_object(&out, &found.items[i]);
	if (rc < 0) {
		assert_int_equal(err.code, ERR_REFUSED);
		buf_addf(&out, "!%u:%u %s", err.line, err.column, err.message);
	} else {
		assert_int_equal(rc, 0);
	}
	sql_objects_release(&found);
	pool_release(&pool);
	return buf_detach(&out);
}

struct golden {
	const char *sql, *expect;
};

static void check_all(const struct golden *goldens, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		char *got = objects_of(goldens[i].sql, strlen(goldens[i].sql));

		if (strcmp(got, goldens[i].expect) != 0)
			print_error("in: %s\n", goldens[i].sql);
		assert_string_equal(got, goldens[i].expect);
		free(got);
	}
}

static void test_create(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "create table a (x int references b)", "create table a" },
		{ "CREATE TABLE IF NOT EXISTS a (x)", "create table a" },
		{ "create unlogged table a ()", "create table a" },
		{ "create foreign table a () server s", "create table a" },
		{ "create virtual table a using fts5(x)", "create table a" },
		{ "create table a as with d as (select 1) select * from d",
		  "create table a" },
		{ "create table if (x int)", "create table if" },
		{ "create table a partition of b for values in (1)",
		  "create table a, alter table b" },
		{ "create table a (x int) inherits (b)", "create table a" },
		{ "create table a (x int) without rowid", "create table a" },
		{ "create or replace view a as select * from b", "create view a" },
		{ "create recursive view a (n) as select 1", "create view a" },
		{ "create materialized view if not exists a as select 1",
		  "create materialized view a" },
		{ "create sequence if not exists a owned by b.c", "create sequence a" },
		{ "create type a as enum ('x', 'y')", "create type a" },
		{ "create type a", "create type a" },
		{ "create domain a as text check (value > '')", "create domain a" },
		{ "create or replace function a(x int) returns int as 'delete from b' "
		  "language sql",
		  "create function a" },
		{ "create procedure a() begin atomic delete from b; update c set d = 1; "
		  "end",
		  "create function a" },
		{ "create aggregate a(int) (sfunc = f, stype = int)",
		  "create function a" },
		{ "create schema a", "create schema a" },
		{ "create schema if not exists a authorization b", "create schema a" },
		{ "create schema authorization a", "create schema a" },
		{ "create schema public", "create schema public" },
		{ "create extension if not exists \"uuid-ossp\" with schema s",
		  "create extension uuid-ossp" },
		{ "create event trigger a on ddl_command_end execute function f()",
		  "create event trigger a" },
		{ "select 1 as x into a from b", "create table a" },
		{ "select b.c as into, 2 from b", "" },
		{ "create role a", "" },
		{ "create operator = (leftarg = int)", "" },
		{ "create foreign data wrapper a", "" },
		{ "create", "" },
		{ "create table", "" },
		{ "create table (x int)", "" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_what_hangs_on_a_table(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "create index i on a (x)", "create index i, alter table a" },
		{ "create unique index concurrently if not exists i on only a using "
		  "btree (x)",
		  "create index i, alter table a" },
		{ "create index on a (x)", "alter table a" },
		{ "create index concurrently on a (x)", "alter table a" },
		{ "create index \"on\" on a (x)", "create index on, alter table a" },
		{ "create index i on s.a (x)", "create index s.i, alter table s.a" },
		{ "create index main.i on a (x)", "create index i, alter table a" },
		{ "create index i on public.a (x)", "create index i, alter table a" },
		{ "create index i", "" },
		{ "create trigger t before insert or update of x, y on a for each row "
		  "execute function f()",
		  "create trigger t on a, alter table a" },
		{ "create or replace trigger t instead of delete on s.a execute "
		  "procedure f()",
		  "create trigger t on s.a, alter table s.a" },
		{ "create constraint trigger t after insert on a from b deferrable for "
		  "each row execute function f()",
		  "create trigger t on a, alter table a" },
		{ "create policy p on a for select using (x = 1)",
		  "create policy p on a, alter table a" },
		{ "create or replace rule r as on insert to a do instead (insert into b "
		  "values (1); delete from c)",
		  "create rule r on a, alter table a" },
		{ "alter trigger t on a rename to u",
		  "alter trigger t on a, alter table a, create trigger u on a" },
		{ "alter policy p on a to public", "alter policy p on a, alter table a" },
		{ "alter rule r on a rename to q",
		  "alter rule r on a, alter table a, create rule q on a" },
		{ "drop trigger if exists t on a cascade",
		  "drop trigger t on a, alter table a" },
		{ "drop trigger if exists main.t", "drop trigger t" },
		{ "drop policy p on a", "drop policy p on a, alter table a" },
		{ "drop rule r on a", "drop rule r on a, alter table a" },
		{ "comment on trigger t on a is 'x'",
		  "alter trigger t on a, alter table a" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_bodies_of_sqlite(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "create trigger t after insert on a begin update b set x = 1; end; "
		  "delete from d",
		  "create trigger t, alter table a, write table d" },
		{ "create trigger if not exists t after update of x on a when new.x > 1 "
		  "begin select case when 1 then 2 end; insert into b values (1); "
		  "delete from c; end; delete from d",
		  "create trigger t, alter table a, write table d" },
		{ "create temp trigger t after insert on a begin select 1; delete from "
		  "b; end; delete from d",
		  "write table d" },
		{ "create trigger temp.t after insert on a begin delete from b; end",
		  "" },
		{ "create trigger t after insert on a begin delete from b; delete from c",
		  "create trigger t, alter table a" },
		{ "create trigger begin before insert on begin execute function f(); "
		  "delete from d",
		  "create trigger begin on begin, alter table begin, write table d" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_alter(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "alter table a add column x int references b", "alter table a" },
		{ "alter table if exists only a * drop column x", "alter table a" },
		{ "alter table a rename to b", "alter table a, create table b" },
		{ "alter table s.a rename to b", "alter table s.a, create table s.b" },
		{ "alter table a rename column x to y", "alter table a" },
		{ "alter table a rename x to y", "alter table a" },
		{ "alter table a rename constraint x to y", "alter table a" },
		{ "alter table a set schema s", "alter table a, create table s.a" },
		{ "alter table s.a set schema public",
		  "alter table s.a, create table a" },
		{ "alter table a set (fillfactor = 10)", "alter table a" },
		{ "alter table a attach partition b for values in (1)",
		  "alter table a, alter table b" },
		{ "alter table a detach partition s.b concurrently",
		  "alter table a, alter table s.b" },
		{ "alter table a inherit b", "alter table a, alter table b" },
		{ "alter table a add x numeric(3, 2), no inherit b",
		  "alter table a, alter table b" },
		{ "alter table a add check (x > 1) no inherit not valid",
		  "alter table a" },
		{ "alter table all in tablespace x set tablespace y", "" },
		{ "alter foreign table a add x int", "alter table a" },
		{ "alter view a rename to b", "alter view a, create view b" },
		{ "alter materialized view a set (x = 1)", "alter materialized view a" },
		{ "alter index a rename to b", "alter index a, create index b" },
		{ "alter index a attach partition b", "alter index a, alter index b" },
		{ "alter sequence a owned by b.c", "alter sequence a" },
		{ "alter type a add value 'x' after 'y'", "alter type a" },
		{ "alter type a rename value 'x' to 'y'", "alter type a" },
		{ "alter domain a set not null", "alter domain a" },
		{ "alter function a(int, text) rename to b",
		  "alter function a, create function b" },
		{ "alter aggregate a(*) set schema s",
		  "alter function a, create function s.a" },
		{ "alter routine a owner to b", "alter function a" },
		{ "alter schema a rename to b", "alter schema a, create schema b" },
		{ "alter extension a set schema s", "alter extension a" },
		{ "alter extension a add table b", "alter extension a" },
		{ "alter event trigger a disable", "alter event trigger a" },
		{ "alter default privileges in schema s grant select on tables to x",
		  "" },
		{ "alter database a set x = 1", "" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_drop(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "drop table a, s.b, \"C\" cascade",
		  "drop table a, drop table s.b, drop table C" },
		{ "drop table if exists a", "drop table a" },
		{ "drop foreign table a, b restrict", "drop table a, drop table b" },
		{ "drop view if exists a", "drop view a" },
		{ "drop materialized view a", "drop materialized view a" },
		{ "drop index concurrently if exists a, b",
		  "drop index a, drop index b" },
		{ "drop sequence a", "drop sequence a" },
		{ "drop type a, b", "drop type a, drop type b" },
		{ "drop domain a", "drop domain a" },
		{ "drop function if exists a(int, numeric(3, 2)), b, c()",
		  "drop function a, drop function b, drop function c" },
		{ "drop aggregate a(*), b(int order by int)",
		  "drop function a, drop function b" },
		{ "drop procedure a()", "drop function a" },
		{ "drop schema a, b cascade", "drop schema a, drop schema b" },
		{ "drop extension a", "drop extension a" },
		{ "drop event trigger a", "drop event trigger a" },
		{ "drop owned by x", "" },
		{ "drop table a,", "drop table a" },
		{ "drop table ,a", "" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_rows(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "insert into a values (1), (2)", "write table a" },
		{ "insert into a (into, \"x\") select 1 from b", "write table a" },
		{ "insert or replace into a values (1)", "write table a" },
		{ "replace into a values (1)", "write table a" },
		{ "insert into a values (1) on conflict do update set x = 2",
		  "write table a" },
		{ "update a set x = 1", "write table a" },
		{ "update only a * set x = 1 from b", "write table a" },
		{ "update only (a) set x = 1", "write table a" },
		{ "update or ignore a set x = 1", "write table a" },
		{ "delete from a where x in (select 1 from b)", "write table a" },
		{ "delete from only s.a using b", "write table s.a" },
		{ "truncate a", "write table a" },
		{ "truncate table only a, s.b *, only c cascade",
		  "write table a, write table s.b, write table c" },
		{ "merge into a using b on a.x = b.x when matched then delete",
		  "write table a" },
		{ "copy a (x, y) from stdin;\n1\t2\n\\.\ndelete from b",
		  "write table a, write table b" },
		{ "copy a from '/f' with (format csv)", "write table a" },
		{ "copy a to stdout", "" },
		{ "copy a (x) to '/f'", "" },
		{ "copy (select * from a) to stdout", "" },
		{ "copy (delete from a returning *) to stdout", "write table a" },
		{ "refresh materialized view concurrently a",
		  "write materialized view a" },
		{ "select * from a", "" },
		{ "values (1)", "" },
		{ "explain delete from a", "" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_with(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "with b as (select 1) insert into a select * from b", "write table a" },
		{ "with recursive b(n) as (select 1 union select n + 1 from b), c as "
		  "(select 2) update a set x = 1",
		  "write table a" },
		{ "with b as materialized (delete from a returning *) select * from b",
		  "write table a" },
		{ "with b as (insert into c values (1) returning x), d as (update only e "
		  "as f set y = 1 returning *) delete from a using b",
		  "write table c, write table e, write table a" },
		{ "with b as (merge into c using d on true when matched then delete "
		  "returning *) select * into e from b",
		  "write table c, create table e" },
		{ "with update as (select 1), insert as (select 2) delete from a",
		  "write table a" },
		{ "with b as (select 1) select * from b", "" },
		{ "with b as (select 1) replace into a select * from b",
		  "write table a" },
		{ "insert into a with b as (delete from c returning *) select * from b",
		  "write table a, write table c" },
		{ "select (update), f(update, delete), (insert) from a where (update and "
		  "x)",
		  "" },
		{ "with", "" },
		{ "with b as (delete from", "!1:11 parenthesis is never closed" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_comments_and_rights(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "comment on table a is 'x'", "alter table a" },
		{ "comment on column a.x is 'x'", "alter table a" },
		{ "comment on column s.a.x is null", "alter table s.a" },
		{ "comment on column db.s.a.x is null", "alter table s.a" },
		{ "comment on column x is null", "" },
		{ "comment on constraint c on a is ''", "alter table a" },
		{ "comment on constraint c on domain a is ''", "alter domain a" },
		{ "comment on function a(int) is ''", "alter function a" },
		{ "comment on materialized view a is ''", "alter materialized view a" },
		{ "comment on database a is ''", "" },
		{ "grant select, update (x) on a, s.b to c",
		  "alter table a, alter table s.b" },
		{ "grant all privileges on table a to b with grant option",
		  "alter table a" },
		{ "revoke grant option for select on a from b cascade", "alter table a" },
		{ "grant usage on sequence a to b", "alter sequence a" },
		{ "grant execute on function a(int), b() to c",
		  "alter function a, alter function b" },
		{ "grant usage on schema a, b to c", "alter schema a, alter schema b" },
		{ "grant select on all tables in schema a, b to c",
		  "alter schema a, alter schema b" },
		{ "grant usage on type a to b", "alter type a" },
		{ "grant select on type to b", "alter table type" },
		{ "revoke select on event from b", "alter table event" },
		{ "grant connect on database a to b", "" },
		{ "grant usage on foreign server a to b", "" },
		{ "grant a to b", "" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_no_touch(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "", "" },
		{ "begin; lock table a; reindex table a; vacuum a; analyze a; cluster a; "
		  "commit",
		  "" },
		{ "do $$ begin delete from a; end $$", "" },
		{ "pragma foreign_keys = on; set search_path = a; call f()", "" },
		{ "select 'drop table a', \"drop table b\", $$drop table c$$ -- drop d",
		  "" },
		{ "security label on table a is 'x'", "" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_names(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "drop table Users, \"Users\", \"users\"",
		  "drop table users, drop table Users" },
		{ "drop table public.a, PUBLIC.b, \"public\".c, main.d, \"Public\".e",
		  "drop table a, drop table b, drop table c, drop table d, drop table "
		  "Public.e" },
		{ "drop table db.s.a, db.public.b", "drop table s.a, drop table b" },
		{ "drop table `a b`, [c d], 'e f', `g``h`",
		  "drop table a b, drop table c d, drop table e f, drop table g`h" },
		{ "drop table \"a\"\"b\", \"a.b\", a.b, \"\", s.\"x.y\"",
		  "drop table \"a\"\"b\", drop table \"a.b\", drop table a.b, drop table "
		  "\"\", drop table s.\"x.y\"" },
		{ "drop table U&\"d\\0061t\", u&\"a\"\"b\" uescape '!'",
		  "drop table U&\"d\\0061t\", drop table u&\"a\"\"b\"" },
		{ "drop table \xc3\x84"
		  "A\xc3\xa4, a$1, _x",
		  "drop table \xc3\x84"
		  "a\xc3\xa4, drop table a$1, drop table _x" },
		{ "drop/**/table--\n/* x */if\texists/* /* */ */a -- b\n . -- c\n \"b\" "
		  "/**/, c",
		  "drop table a.b, drop table c" },
		{ "create index i/**/on/**/a(x)", "create index i, alter table a" },
		{ "drop table 'a''b', [a]]", "drop table a'b, drop table a" },
		{ "drop table a, `b", "drop table a" },
		{ "drop table a, [b", "drop table a" },
		{ "drop table :a", "" },
		{ "drop table $1", "" },
		{ "drop table 1", "" },
		{ "drop table a.", "drop table a" },
		{ "drop table .a", "" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_each_once(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "update a set x = 1; alter table a add y int; update b set x = 1; "
		  "update a set x = 2",
		  "alter table a, write table b" },
		{ "create table a (); drop table public.a", "drop table a" },
		{ "update a set x = 1; drop view a", "drop view a" },
		{ "create table a (); create type a as (); create function a() returns "
		  "int; create schema a",
		  "create table a, create type a, create function a, create schema a" },
		{ "create domain a as int; drop type a", "drop type a" },
		{ "create table n (); insert into n select * from t; drop table t; alter "
		  "table n rename to t",
		  "create table n, drop table t" },
		{ "create policy p on a; create policy p on b",
		  "create policy p on a, alter table a, create policy p on b, alter "
		  "table b" },
		{ "create table a (); select 'x", "create table a!1:27 quoted string is "
						  "never closed" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_temporary(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "create temp table a (); insert into a values (1); drop table a", "" },
		{ "create local temporary table if not exists a (); create index i on a "
		  "(x); drop index i; update a set x = 1",
		  "" },
		{ "create temp table a (); drop table a; update a set x = 1",
		  "write table a" },
		{ "create temp table a as select * from public.a; insert into public.a "
		  "select * from a",
		  "write table a" },
		{ "update a set x = 1; create temp view a as select 1; drop view a",
		  "write table a" },
		{ "create temp sequence a", "" },
		{ "select 1 into temp a; delete from a", "" },
		{ "select 1 into temporary table a; delete from A", "" },
		{ "create table temp.a (x); delete from a; drop table temp.a; delete "
		  "from a",
		  "write table a" },
		{ "create table pg_temp.a (); create trigger t after insert on a execute "
		  "function f()",
		  "" },
		{ "create function pg_temp.f() returns int", "" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_lines(void **state UNUSED)
{
	static const char sql[] =
		"\xef\xbb\xbf-- x\ncreate index\ni\non\r\na (x);\r"
		"copy b from stdin;\r1\r2\r\\.\r"
		"alter trigger t\non c\nrename to u;\nupdate a set x = 1";
	static const unsigned lines[] = { 3, 5, 6, 10, 11, 12 };
	struct sql_objects found = { 0 };
	struct pool pool = { 0 };
	struct err err = { 0 };
	size_t i;

	assert_int_equal(sql_objects(sql, strlen(sql), &pool, &found, &err), 0);
	assert_int_equal(found.nr, ARRAY_SIZE(lines));
	for (i = 0; i < found.nr; i++)
		assert_int_equal(found.items[i].line, lines[i]);
	sql_objects_release(&found);
	pool_release(&pool);
}

static void test_same(void **state UNUSED)
{
	static const struct {
		struct sql_object a, b;
		bool same;
	} pairs[] = {
		{ { "a", NULL, OBJECT_TABLE, TOUCH_DROP, 1 },
		  { "a", NULL, OBJECT_INDEX, TOUCH_WRITE, 2 },
		  true },
		{ { "a", NULL, OBJECT_MATERIALIZED_VIEW, TOUCH_DROP, 1 },
		  { "a", NULL, OBJECT_SEQUENCE, TOUCH_WRITE, 2 },
		  true },
		{ { "a", NULL, OBJECT_TABLE, TOUCH_DROP, 1 },
		  { "A", NULL, OBJECT_TABLE, TOUCH_DROP, 1 },
		  false },
		{ { "a", NULL, OBJECT_TYPE, TOUCH_DROP, 1 },
		  { "a", NULL, OBJECT_DOMAIN, TOUCH_DROP, 1 },
		  true },
		{ { "a", NULL, OBJECT_TYPE, TOUCH_DROP, 1 },
		  { "a", NULL, OBJECT_TABLE, TOUCH_DROP, 1 },
		  false },
		{ { "a", NULL, OBJECT_FUNCTION, TOUCH_DROP, 1 },
		  { "a", NULL, OBJECT_VIEW, TOUCH_DROP, 1 },
		  false },
		{ { "a", "t", OBJECT_POLICY, TOUCH_DROP, 1 },
		  { "a", "t", OBJECT_POLICY, TOUCH_ALTER, 1 },
		  true },
		{ { "a", "t", OBJECT_POLICY, TOUCH_DROP, 1 },
		  { "a", "u", OBJECT_POLICY, TOUCH_DROP, 1 },
		  false },
		{ { "a", "t", OBJECT_TRIGGER, TOUCH_DROP, 1 },
		  { "a", NULL, OBJECT_TRIGGER, TOUCH_DROP, 1 },
		  false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		int cmp = sql_object_cmp(&pairs[i].a, &pairs[i].b);

		assert_true(sql_object_same(&pairs[i].a, &pairs[i].b) == pairs[i].same);
		assert_true(sql_object_same(&pairs[i].b, &pairs[i].a) == pairs[i].same);
		assert_true(sql_object_same(&pairs[i].a, &pairs[i].a));
		assert_true((cmp < 0) == (sql_object_cmp(&pairs[i].b, &pairs[i].a) > 0));
	}
}

/* Every beginning of a text has objects or is refused, and nothing is read beyond. */
static void test_cut(void **state UNUSED)
{
	static const char sql[] =
		"create trigger t after insert on `a`.[b] begin delete from c; end;"
		"with x as (update u&\"a\".\"b\" set c = 1), y as (insert into 'd' "
		"values (1)) select 1 into temp table e; alter table f.g rename to h;"
		"drop function if exists i(int), j; grant all on type k to l;"
		"comment on column m.n.o is $$p$$; create index on only q (r)";
	size_t len;

	for (len = 0; len <= strlen(sql); len++) {
		char *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, sql, len);
		free(objects_of(copy, len));
		free(copy);
	}
}

/* Time grows with the length alone: these would not end if it did not. */
static void test_long(void **state UNUSED)
{
	static const struct {
		const char *start, *again, *close;
	} texts[] = {
		{ "drop trigger ", "a on t, ", "" },
		{ "drop trigger ", "a on t, ", "b" },
		{ "drop table ", "a.", "" },
		{ "drop table ", "`, ", "" },
		{ "drop table ", "`a``", "`" },
		{ "create table ", "/**/ ", "" },
		{ "alter table a ", "inherit b, ", "" },
		{ "alter table a ", "add b (", ")" },
		{ "with x as ", "(update [ , ", ")" },
		{ "with x as ", "(update a b.c ", ")" },
		{ "with x as ", "(insert into ` ", ")" },
		{ "select ", "(delete from a ", ")" },
		{ "grant ", "select on a, ", "" },
		{ "", "with ", "" },
		{ "", "drop table [;", "" },
		{ "", "select (1) into x;", "" },
		{ "", "create trigger x on y begin ", "" },
		{ "", "create temp table a (); create index i on a (x);", "" },
	};
	enum { TIMES = 20000 };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		struct buf sql = BUF_INIT;

		buf_adds(&sql, texts[i].start);
		for (k = 0; k < TIMES; k++)
			buf_adds(&sql, texts[i].again);
		for (k = 0; k < TIMES; k++)
			buf_adds(&sql, texts[i].close);
		free(objects_of(buf_str(&sql), sql.len));
		buf_release(&sql);
	}
}

static void test_queries(void **state UNUSED)
{
	static const struct {
		const char *sql;
		bool is;
	} all[] = {
		{ "SELECT 1", true },
		{ "(select 1) UNION SELECT 2", true },
		{ "VALUES (1)", true },
		{ "TABLE t", true },
		{ "SHOW search_path", true },
		{ "PRAGMA foreign_key_check", true },
		{ "SELECT \"into\" FROM t FOR UPDATE", true },
		{ "SELECT (SELECT 'into')", true },
		{ "WITH x AS (SELECT 1) SELECT replace(a, b, c) FROM x FOR UPDATE",
		  true },
		{ "WITH x (n) AS (SELECT 'delete'), y AS (VALUES (1)) SELECT "
		  "(replace(a)) "
		  "FROM x",
		  true },
		{ "DELETE FROM t", false },
		{ "UPDATE t SET a = 1 RETURNING a", false },
		{ "SELECT a INTO b FROM t", false },
		{ "WITH x AS (DELETE FROM t RETURNING a) SELECT a FROM x", false },
		{ "WITH x AS NOT MATERIALIZED (SELECT 1) UPDATE t SET a = 1", false },
		{ "WITH x AS (SELECT 1) REPLACE INTO t SELECT 1", false },
		{ "WITH x AS (SELECT 1), y AS (MERGE INTO t USING x ON true WHEN MATCHED "
		  "THEN DO NOTHING) SELECT 1",
		  false },
		{ "DO $$ SELECT 1 $$", false },
		{ "CREATE TABLE t AS SELECT 1", false },
		{ "EXPLAIN ANALYZE DELETE FROM t", false },
		{ "SET search_path TO x", false },
	};
	struct sql_statement st;
	struct sql_split split;
	struct err err = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		sql_split_init(&split, all[i].sql, strlen(all[i].sql), &err);
		assert_int_equal(sql_split_next(&split, &st, &err), 1);
		if (sql_is_query(&st) != all[i].is)
			fail_msg("%s", all[i].sql);
		sql_split_close(&split);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_what_hangs_on_a_table),
		cmocka_unit_test(test_bodies_of_sqlite),
		cmocka_unit_test(test_alter),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_with),
		cmocka_unit_test(test_comments_and_rights),
		cmocka_unit_test(test_no_touch),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_each_once),
		cmocka_unit_test(test_temporary),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
