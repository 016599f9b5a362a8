/* The statement splitter: what it takes apart, and what it refuses. */
#include "base/compat.h"

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "sql/split.h"

/* A text that is given in pieces. */
struct pieces {
	const char *text;
	size_t len, at, piece;
	unsigned rewinds;
	size_t fails_at; /* 0: never */
};

static int pieces_rewind(void *arg, struct err *err UNUSED)
{
	struct pieces *p = arg;

	p->at = 0;
	p->rewinds++;
	return 0;
}

static ssize_t pieces_read(void *arg, char *out, size_t room, struct err *err)
{
	struct pieces *p = arg;
	size_t n = p->len - p->at;

	if (p->fails_at && p->at >= p->fails_at)
		return err_set(err, ERR_FATAL, "the source fails");
	n = n < p->piece ? n : p->piece;
	assert_true(room > 0);
	n = n < room ? n : room;
	if (n)
		memcpy(out, p->text + p->at, n);
	p->at += n;
	return (ssize_t)n;
}

static void add_data(struct sql_split *s, struct buf *out, int *rc, struct err *err)
{
	const char *piece;
	size_t len;

	buf_addc(out, '{');
	while ((*rc = sql_split_data(s, &piece, &len, err)) > 0) {
		assert_true(len > 0);
		buf_add(out, piece, len);
	}
	if (*rc == 0)
		buf_addc(out, '}');
}

/*
 * All statements, each in brackets, and data in braces; "!line:column message"
 * ends a refused text.
 */
static char *describe(struct sql_split *s, int rc, const char *sql, struct err *err)
{
	struct buf out = BUF_INIT;
	struct sql_statement st;

	while (rc == 0 && (rc = sql_split_next(s, &st, err)) > 0) {
		rc = 0;
		buf_addf(&out, "[%.*s]", (int)st.len, st.text);
		assert_memory_equal(st.text, sql + st.offset, st.len);
		if (st.word == WORD_COPY_STDIN)
			add_data(s, &out, &rc, err);
	}
	if (rc < 0) {
		assert_int_equal(err->code, ERR_REFUSED);
		assert_true(err->hint[0]);
		assert_true(err->advice[0]);
		buf_addf(&out, "!%u:%u %s", err->line, err->column, err->message);
	}
	sql_split_close(s);
	return buf_detach(&out);
}

static char *split(const char *sql, size_t len)
{
	struct sql_split s;
	struct err err = { 0 };
	int rc = sql_split_init(&s, sql, len, &err);

	return describe(&s, rc, sql, &err);
}

static char *split_pieces(const char *sql, size_t len, size_t piece)
{
	struct pieces p = { .text = sql, .len = len, .piece = piece };
	const struct source source = { pieces_rewind, pieces_read, &p };
	struct sql_split s;
	struct err err = { 0 };
	int rc = sql_split_open(&s, &source, &err);

	assert_int_equal(p.rewinds, 1);
	return describe(&s, rc, sql, &err);
}

/* The same, however it is read. */
static void check_split(const char *sql, size_t len, const char *expect)
{
	static const size_t sizes[] = { 1, 2, 3, 5, 8, 13, 1000 };
	char *got = split(sql, len);
	size_t i;

	assert_string_equal(got, expect);
	free(got);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		got = split_pieces(sql, len, sizes[i]);
		assert_string_equal(got, expect);
		free(got);
	}
}

struct golden {
	const char *sql, *expect;
};

static void check_all(const struct golden *goldens, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		check_split(goldens[i].sql, strlen(goldens[i].sql), goldens[i].expect);
}

static void test_plain(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "", "" },
		{ " \n\t; ;;\r\n", "" },
		{ "-- only a comment", "" },
		{ "/* so /* nested */ ; */", "" },
		{ "select 1", "[select 1]" },
		{ "select 1;select 2;", "[select 1][select 2]" },
		{ "\xef\xbb\xbfselect 1;", "[select 1]" },
		{ "select 1 -- a ; b\n+ 2;", "[select 1 -- a ; b\n+ 2]" },
		{ "-- c\nselect 1 /* t */ ; -- d\n/* e */ select 2 -- f\n",
		  "[select 1][select 2]" },
		{ "select 1--a\r;select 2", "[select 1][select 2]" },
		{ "select 1;\r\nselect 2;\r\n", "[select 1][select 2]" },
		{ "select 1 */* c ; */ 2;", "[select 1 */* c ; */ 2]" },
		{ "select 1 @-- c ;\n 2;", "[select 1 @-- c ;\n 2]" },
		{ "/*/ ; */select 1", "[select 1]" },
		{ "/***/select 1;/* **/select 2", "[select 1][select 2]" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_quotes(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "select ';';select 2", "[select ';'][select 2]" },
		{ "select 'it''s;';select 2", "[select 'it''s;'][select 2]" },
		{ "select '\\';select 2", "[select '\\'][select 2]" },
		{ "select e'\\';';select 2", "[select e'\\';'][select 2]" },
		{ "select E'\\\\';select 2", "[select E'\\\\'][select 2]" },
		{ "select E'a' -- ;\n '\\';';select 2",
		  "[select E'a' -- ;\n '\\';'][select 2]" },
		{ "select E'a' '\\';select 2", "[select E'a' '\\'][select 2]" },
		{ "select 'a'\n'\\';select 2", "[select 'a'\n'\\'][select 2]" },
		{ "select 1e'\\';select .5e'\\';", "[select 1e'\\'][select .5e'\\']" },
		{ "select 1e+2e'\\';select $1e'\\';",
		  "[select 1e+2e'\\'][select $1e'\\']" },
		{ "select 1e-- c;select 2", "[select 1e-- c][select 2]" },
		{ "select 1e+e'\\';'; select 1..e'\\';';",
		  "[select 1e+e'\\';'][select 1..e'\\';']" },
		{ "select fe'\\';select 2", "[select fe'\\'][select 2]" },
		{ "select B'1;', x'2;', N'\\';select 2",
		  "[select B'1;', x'2;', N'\\'][select 2]" },
		{ "select U&'\\';select U&\"\\\"\";\"",
		  "[select U&'\\'][select U&\"\\\"\";\"]" },
		{ "select \"a;\"\"b\";select 2", "[select \"a;\"\"b\"][select 2]" },
		{ "select \"--\", '/*';select 2", "[select \"--\", '/*'][select 2]" },
		{ "select :e'\\';select a::e'\\';'",
		  "[select :e'\\'][select a::e'\\';']" },
		{ "select :a$b$;$b$;select ::a$b$;",
		  "[select :a$b$;$b$][select ::a$b$]" },
		{ "select :'a;b'; select :\"c;\"", "[select :'a;b'][select :\"c;\"]" },
		{ "select '\xc3\xa4;';select '\xe2\x82\xac'",
		  "[select '\xc3\xa4;'][select '\xe2\x82\xac']" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_dollars(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "do $$ begin; end $$;select 2", "[do $$ begin; end $$][select 2]" },
		{ "select $a$ $$;$b$ ' $a$;select 2",
		  "[select $a$ $$;$b$ ' $a$][select 2]" },
		{ "select $a$ $b$a$;select 2", "[select $a$ $b$a$][select 2]" },
		{ "select $1;select $2$$;$$", "[select $1][select $2$$;$$]" },
		{ "select 1e5$$;select 1.x$$;select 1e-5$$;$$;select $1a$$;",
		  "[select 1e5$$][select 1.x$$][select 1e-5$$;$$][select $1a$$]" },
		{ "select a$$;select b$c$;", "[select a$$][select b$c$]" },
		{ "select $\xc3\xa4$;$\xc3\xa4$;", "[select $\xc3\xa4$;$\xc3\xa4$]" },
		{ "select $a;b$", "[select $a][b$]" },
		{ "select $A$;$a$;$A$", "[select $A$;$a$;$A$]" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_depth(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "create rule r as on insert to t do (select 1; select 2);select 3",
		  "[create rule r as on insert to t do (select 1; select 2)][select 3]" },
		{ "select ((1);2);select 3", "[select ((1);2)][select 3]" },
		{ "select 1);select 2", "[select 1)][select 2]" },
		{ "select ')';select '(';", "[select ')'][select '(']" },
		{ "create function f() returns int begin atomic select 1; select 2; end; "
		  "select 3",
		  "[create function f() returns int begin atomic select 1; select 2; end]"
		  "[select 3]" },
		{ "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC select case when true "
		  "then 1 end; END; select 3",
		  "[CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC select case when true "
		  "then 1 end; END][select 3]" },
		{ "create function f() returns int return case when true then 1 end; "
		  "select 2",
		  "[create function f() returns int return case when true then 1 end]"
		  "[select 2]" },
		{ "create table begin_t (a int); begin; select 1; end",
		  "[create table begin_t (a int)][begin][select 1][end]" },
		{ "create function f(begin int) returns int language sql as 'select 1;'; "
		  "select 2",
		  "[create function f(begin int) returns int language sql as 'select 1;']"
		  "[select 2]" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_copy(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "copy t from stdin;\n1\t;'\n\\.\nselect 2;",
		  "[copy t from stdin]{1\t;'\n}[select 2]" },
		{ "COPY t (a, b) FROM STDIN WITH (FORMAT csv); -- data\r\n1,2\r\n\\.\r\n",
		  "[COPY t (a, b) FROM STDIN WITH (FORMAT csv)]{1,2\r\n}" },
		{ "copy t from stdin;\n\\.\n", "[copy t from stdin]{}" },
		{ "copy t from stdin;\n1\n\\.", "[copy t from stdin]{1\n}" },
		{ "copy t from stdin;\n\\.x\n \\.\n\\\\.\n\\.\n",
		  "[copy t from stdin]{\\.x\n \\.\n\\\\.\n}" },
		{ "copy t from stdin;\r1\r\\.\rselect 2",
		  "[copy t from stdin]{1\r}[select 2]" },
		{ "copy t from stdin;\na\rb\n\\.\n", "[copy t from stdin]{a\rb\n}" },
		{ "copy t to stdout;select 2", "[copy t to stdout][select 2]" },
		{ "copy (select a from stdin) to stdout;select 2",
		  "[copy (select a from stdin) to stdout][select 2]" },
		{ "copy t from '/x' where a is distinct from stdin;select 2",
		  "[copy t from '/x' where a is distinct from stdin][select 2]" },
		{ "copy t from \"stdin\";select 2", "[copy t from \"stdin\"][select 2]" },
		{ "select a from stdin;select 2", "[select a from stdin][select 2]" },
		{ "copy t from stdin; select 1;\n1\n\\.\n",
		  "[copy t from stdin]{!1:20 text behind COPY ... FROM STDIN on its "
		  "line" },
		{ "select 1;\n copy t from stdin;\n1\n",
		  "[select 1][copy t from stdin]{1\n!2:2 data of COPY ... FROM STDIN has "
		  "no end" },
		{ "copy t from stdin",
		  "[copy t from stdin]{!1:1 data of COPY ... FROM STDIN has no end" },
		{ "copy t from stdin; -- 1\n2\n\\.\r\n\\.",
		  "[copy t from stdin]{2\n}!4:1 psql command '\\.' cannot be part of a "
		  "migration" },
		{ "copy t from stdin; /* c */\n\\.\n",
		  "[copy t from stdin]{!1:20 text behind COPY ... FROM STDIN on its "
		  "line" },
		{ "copy t from stdin;\r\n1\r\n\\.\r\ncopy t from stdin;\r\n\\",
		  "[copy t from stdin]{1\r\n}[copy t from stdin]{\\!4:1 data of COPY ... "
		  "FROM STDIN has no end" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_commands(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "\\restrict abc\nselect 1;\n\\unrestrict abc\n", "[select 1]" },
		{ "\\restrict abc\r\n\\unrestrict abc", "" },
		{ "\\restrict abc\nselect 1;", "[select 1]" },
		{ "\\restrict\n",
		  "!1:1 psql command '\\restrict' cannot be part of a migration" },
		{ "\\restrict a\n\\restrict a\n",
		  "!2:1 psql command '\\restrict' cannot be part of a migration" },
		{ "\\restrict a\n\\unrestrict b\n",
		  "!2:1 psql command '\\unrestrict' cannot be part of a migration" },
		{ "\\unrestrict a\n",
		  "!1:1 psql command '\\unrestrict' cannot be part of a migration" },
		{ "select 1 \\restrict a\n",
		  "!1:10 psql command '\\restrict' cannot be part of a migration" },
		{ "select 1;\n\\i other.sql\n",
		  "[select 1]!2:1 psql command '\\i' cannot be part of a migration" },
		{ "\\restrict a\n\\copy t from 'x'\n",
		  "!2:1 psql command '\\copy' cannot be part of a migration" },
		{ "\\set x 1",
		  "!1:1 psql command '\\set' cannot be part of a migration" },
		{ "select 1 \\gexec",
		  "!1:10 psql command '\\gexec' cannot be part of a migration" },
		{ "\\! ls", "!1:1 psql command '\\!' cannot be part of a migration" },
		{ "select 1 \\; select 2;",
		  "!1:10 psql command '\\;' cannot be part of a migration" },
		{ "\\.\n", "!1:1 psql command '\\.' cannot be part of a migration" },
		{ "\\", "!1:1 psql command '\\' cannot be part of a migration" },
		{ "select '\\i x';", "[select '\\i x']" },
		{ "select 1; -- \\i x", "[select 1]" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_unterminated(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "select 1;\nselect 'a",
		  "[select 1]!2:8 quoted string is never closed" },
		{ "select \"a", "!1:8 quoted identifier is never closed" },
		{ "select E'a\\'", "!1:8 quoted string is never closed" },
		{ "select E'a'\n'b", "!1:8 quoted string is never closed" },
		{ "select E'\\", "!1:8 quoted string is never closed" },
		{ "\xc3\xa4 /* /* */", "!1:3 comment is never closed" },
		{ "select $a$ $A$", "!1:8 dollar-quoted string is never closed" },
		{ "select 1;\n\nselect (1; select 2;\n",
		  "[select 1]!3:8 parenthesis is never closed" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_encoding(void **state UNUSED)
{
	static const struct {
		const char *sql;
		size_t len;
		const char *expect;
	} texts[] = {
		{ "a;\nb\0c", 6, "[a]!2:2 NUL byte in the SQL" },
		{ "\0", 1, "!1:1 NUL byte in the SQL" },
		{ "\xef\xbb\xbf\xff", 4, "!1:1 byte 0xff is not UTF-8" },
		{ "a;\n\xc3\xa4 \xe4;", 8, "[a]!2:3 byte 0xe4 is not UTF-8" },
		{ "a;  \xe2\x82\xac\xe2\x82", 9, "[a]!1:6 byte 0xe2 is not UTF-8" },
		{ "-- a\rb;\r\n'\xf0\x9f\x92\xa9', \xed\xa0\x80;", 20,
		  "[b]!3:6 byte 0xed is not UTF-8" },
		{ "copy t from stdin;\n1\t\xc0\n\\.\n", 26,
		  "[copy t from stdin]{1\t!2:3 byte 0xc0 is not UTF-8" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		check_split(texts[i].sql, texts[i].len, texts[i].expect);
}

/* A statement with a NUL behind it, copied or not, and the next one as it was. */
static void test_text(void **state UNUSED)
{
	static const size_t lengths[] = { 10, 300 * 1024, 3000 * 1024 };
	struct buf sql = BUF_INIT, room = BUF_INIT;
	struct sql_statement st;
	struct sql_split s;
	struct err err = { 0 };
	const char *text;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct pieces p = { .piece = 4096 };
		const struct source source = { pieces_rewind, pieces_read, &p };

		buf_reset(&sql);
		buf_addf(&sql, "a '%0*d';b;c", (int)lengths[i], 0);
		p.text = sql.s;
		p.len = sql.len;
		assert_int_equal(sql_split_open(&s, &source, &err), 0);
		assert_int_equal(sql_split_next(&s, &st, &err), 1);
		text = sql_split_text(&s, &st, &room);
		assert_int_equal(strlen(text), lengths[i] + 4);
		assert_memory_equal(text, sql.s, lengths[i] + 4);
		assert_int_equal(sql_split_next(&s, &st, &err), 1);
		assert_string_equal(sql_split_text(&s, &st, &room), "b");
		assert_int_equal(sql_split_next(&s, &st, &err), 1);
		assert_string_equal(sql_split_text(&s, &st, &room), "c");
		assert_int_equal(sql_split_next(&s, &st, &err), 0);
		sql_split_close(&s);
	}
	/* at the very end as well */
	buf_reset(&sql);
	buf_addf(&sql, "a '%0*d'", 512 * 1024, 0);
	{
		struct pieces p = { .text = sql.s, .len = sql.len, .piece = 64 * 1024 };
		const struct source source = { pieces_rewind, pieces_read, &p };

		assert_int_equal(sql_split_open(&s, &source, &err), 0);
		assert_int_equal(sql_split_next(&s, &st, &err), 1);
		assert_string_equal(sql_split_text(&s, &st, &room), sql.s);
		assert_int_equal(sql_split_next(&s, &st, &err), 0);
		sql_split_close(&s);
	}
	buf_release(&sql);
	buf_release(&room);
}

/* What a source says when it fails is what the caller hears. */
static void test_source_fails(void **state UNUSED)
{
	static const char sql[] = "select 1; copy t from stdin;\n1\n2\n\\.\nselect 2;";
	struct pieces p = { .text = sql, .len = strlen(sql), .piece = 1 };
	const struct source source = { pieces_rewind, pieces_read, &p };
	struct sql_statement st;
	struct sql_split s;
	struct err err;
	int rc;

	for (p.fails_at = 1; p.fails_at <= p.len; p.fails_at++) {
		memset(&err, 0, sizeof(err));
		rc = sql_split_open(&s, &source, &err);
		while (rc >= 0 && (rc = sql_split_next(&s, &st, &err)) > 0)
			;
		assert_int_equal(rc, -1);
		assert_int_equal(err.code, ERR_FATAL);
		assert_int_equal(err.line, 0);
		assert_string_equal(err.message, "the source fails");
		sql_split_close(&s);
	}
}

/* The second reading begins at the beginning. */
static void test_twice(void **state UNUSED)
{
	static const char sql[] = "select 1; select 2; select 'x";
	struct pieces p = { .text = sql, .len = strlen(sql), .piece = 4 };
	const struct source source = { pieces_rewind, pieces_read, &p };
	struct sql_statement st;
	struct sql_split s;
	struct err err = { 0 };
	int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(sql_split_open(&s, &source, &err), 0);
		assert_int_equal(sql_split_next(&s, &st, &err), 1);
		assert_int_equal(st.offset, 0);
		assert_int_equal(st.column, 1);
		sql_split_close(&s);
	}
	assert_int_equal(p.rewinds, 2);
}

/* No more than a statement is kept, and data not at all. */
static void test_window(void **state UNUSED)
{
	struct buf sql = BUF_INIT;
	struct pieces p = { .piece = 64 * 1024 };
	const struct source source = { pieces_rewind, pieces_read, &p };
	unsigned nr = 0, line = 1;
	struct sql_statement st;
	struct sql_split s;
	struct err err = { 0 };
	size_t longest, most = 0;
	int i, rc;

	for (i = 0; i < 40000; i++)
		buf_addf(&sql, "insert into t values (%d, '\xc3\xa4 ; ''%d');\r\n", i, i);
	buf_adds(&sql, "insert into t values ('");
	for (i = 0; i < 300000; i++)
		buf_adds(&sql, "12345678\n");
	buf_adds(&sql, "');\ncopy t from stdin;\n");
	for (i = 0; i < 900000; i++)
		buf_adds(&sql, "1\t2\n");
	buf_adds(&sql, "\\.\nselect 1;");
	longest = (size_t)300000 * 9 + 25;
	p.text = sql.s;
	p.len = sql.len;
	assert_int_equal(sql_split_open(&s, &source, &err), 0);
	while ((rc = sql_split_next(&s, &st, &err)) > 0) {
		most = s.window.alloc > most ? s.window.alloc : most;
		if (nr < 40000)
			assert_true(s.window.alloc < (1 << 20));
		line = st.line;
		nr++;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(nr, 40003);
	assert_int_equal(line, 40000 + 300000 + 1 + 1 + 900000 + 1 + 1);
	assert_true(most >= longest && most < 4 * longest);
	sql_split_close(&s);
	buf_release(&sql);
}

static void test_places(void **state UNUSED)
{
	static const char sql[] = "\xef\xbb\xbf one; /* \xc3\xa4\n */ two;\r\nthree\n;"
				  "\rcopy t from stdin;\n1\n2\n\\.\n  \xe2\x82\xac;last";
	static const unsigned places[][2] = { { 1, 2 }, { 2, 5 }, { 3, 1 },
					      { 5, 1 }, { 9, 3 }, { 9, 5 } };
	struct sql_statement st;
	struct sql_split s;
	struct err err = { 0 };
	unsigned line, column;
	size_t i;

	assert_int_equal(sql_split_init(&s, sql, strlen(sql), &err), 0);
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		assert_int_equal(sql_split_next(&s, &st, &err), 1);
		assert_int_equal(st.line, places[i][0]);
		assert_int_equal(st.column, places[i][1]);
		sql_place(sql, strlen(sql), st.offset, &line, &column);
		assert_int_equal(line, places[i][0]);
		assert_int_equal(column, places[i][1]);
		sql_statement_place(&st, 2, &line, &column);
		assert_int_equal(line, places[i][0]);
		assert_int_equal(column, places[i][1] + (i == 4 ? 1 : 2));
		assert_int_equal(st.data_line, st.word == WORD_COPY_STDIN ? 6 : 0);
	}
	assert_int_equal(sql_split_next(&s, &st, &err), 0);
	assert_int_equal(sql_split_next(&s, &st, &err), 0);
	sql_split_close(&s);
}

static void test_words(void **state UNUSED)
{
	static const struct {
		const char *sql;
		enum sql_word word;
		bool plain;
	} words[] = {
		{ "select 1", WORD_OTHER, false },
		{ "beginning", WORD_OTHER, false },
		{ "\"begin\"", WORD_OTHER, false },
		{ "begin", WORD_BEGIN, true },
		{ "BEGIN /* c */ WORK", WORD_BEGIN, true },
		{ "Begin Transaction", WORD_BEGIN, true },
		{ "begin transaction read only", WORD_BEGIN, false },
		{ "begin isolation level serializable", WORD_BEGIN, false },
		{ "start transaction", WORD_BEGIN, true },
		{ "start transaction read write", WORD_BEGIN, false },
		{ "start", WORD_OTHER, false },
		{ "/* c */ commit", WORD_COMMIT, true },
		{ "end work", WORD_COMMIT, true },
		{ "commit and chain", WORD_COMMIT, false },
		{ "commit prepared 'x'", WORD_COMMIT, false },
		{ "rollback", WORD_ROLLBACK, true },
		{ "abort transaction", WORD_ROLLBACK, true },
		{ "rollback to s", WORD_ROLLBACK, false },
		{ "rollback prepared 'x'", WORD_ROLLBACK, false },
		{ "savepoint s", WORD_SAVEPOINT, false },
		{ "release s", WORD_RELEASE, false },
		{ "prepare transaction 'x'", WORD_PREPARE_TRANSACTION, false },
		{ "prepare p as select 1", WORD_OTHER, false },
		{ "prepare transaction as select 1", WORD_OTHER, false },
		{ "prepare transaction (int) as select 1", WORD_OTHER, false },
		{ "copy t from stdin;\n\\.\n", WORD_COPY_STDIN, false },
		{ "copy t from 'f'", WORD_OTHER, false },
	};
	struct sql_statement st;
	struct sql_split s;
	struct err err = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		assert_int_equal(sql_split_init(&s, words[i].sql, strlen(words[i].sql),
						&err),
				 0);
		assert_int_equal(sql_split_next(&s, &st, &err), 1);
		assert_int_equal(st.word, words[i].word);
		assert_int_equal(st.plain, words[i].plain);
		sql_split_close(&s);
	}
}

/* Every beginning of a text ends in a statement or a refusal, never beyond it. */
static void test_cut(void **state UNUSED)
{
	static const char sql[] =
		"\\restrict k\ncreate function f() begin atomic select e'\\'' -- c\n'x'; "
		"end; select $t$ ; $t$, U&\"a\", 1.5e+3, $1 /* /* */ */;\n"
		"copy t (a) from stdin;\n1\n\\.\n\\unrestrict k\n";
	size_t len;

	for (len = 0; len <= strlen(sql); len++) {
		char *copy = malloc(len + 1), *got;

		assert_non_null(copy);
		memcpy(copy + 1, sql, len);
		got = split(copy + 1, len); /* a read past it is seen */
		check_split(copy + 1, len, got);
		free(got);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),	     cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_dollars),	     cmocka_unit_test(test_depth),
		cmocka_unit_test(test_copy),	     cmocka_unit_test(test_commands),
		cmocka_unit_test(test_unterminated), cmocka_unit_test(test_encoding),
		cmocka_unit_test(test_places),	     cmocka_unit_test(test_words),
		cmocka_unit_test(test_cut),	     cmocka_unit_test(test_source_fails),
		cmocka_unit_test(test_text),	     cmocka_unit_test(test_twice),
		cmocka_unit_test(test_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
