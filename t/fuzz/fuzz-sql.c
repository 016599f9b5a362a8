/*
 * libFuzzer target for what sql reads without a library: statements, from memory and
 * from a source that gives pieces of any size, objects, and the line of an error.
 *
 *   clang -fsanitize=fuzzer,address,undefined -Isrc t/fuzz/fuzz-sql.c \
 *	src/sql/{alone,caret,data,name,objects,place,scan,split,token,window}.c \
 *	src/base/{buf,err,io,pool,text}.c
 *
 * t/fuzz/corpus/sql holds texts to begin with; t/t9070-fuzz.t says how it is run.
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "sql/alone.h"
#include "sql/caret.h"
#include "sql/objects.h"
#include "sql/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)                                                                      \
	do {                                                                             \
		if (!(what))                                                             \
			abort();                                                         \
	} while (0)

/* Reading a statement takes nothing from outside of it. */
static void check_alone(const struct sql_statement *st)
{
	struct buf title = BUF_INIT;
	struct pool pool = { 0 };
	struct sql_alone a;

	sql_alone_read(st, &pool, &a);
	sql_alone_title(&a, &title);
	CHECK(!a.name.base || strlen(a.name.base) <= st->len);
	CHECK(sql_alone_need(&a) != ALONE_MUST || title.len);
	buf_release(&title);
	pool_release(&pool);
}

/* A text in pieces, whose sizes are made up of the text. */
struct pieces {
	const char *text;
	size_t len, at;
	uint32_t sizes;
};

static int pieces_rewind(void *arg, struct err *err UNUSED)
{
	struct pieces *p = arg;

	p->at = 0;
	return 0;
}

static ssize_t pieces_read(void *arg, char *out, size_t room, struct err *err UNUSED)
{
	struct pieces *p = arg;
	size_t n;

	p->sizes = p->sizes * 1664525 + 1013904223;
	n = 1 + (p->sizes >> 16) % 29;
	if (n > p->len - p->at)
		n = p->len - p->at;
	if (n > room)
		n = room;
	if (n)
		memcpy(out, p->text + p->at, n);
	p->at += n;
	return (ssize_t)n;
}

static void check_caret(const struct sql_statement *st, size_t offset)
{
	struct buf line = BUF_INIT;
	size_t columns;

	sql_caret(st->text, st->len, offset, &line, &columns);
	CHECK(columns <= 4 * SQL_CARET_MAX + strlen("..."));
	CHECK(!memchr(buf_str(&line), '\n', line.len));
	buf_release(&line);
}

static int note_data(struct sql_split *s, struct buf *out, struct err *err)
{
	const char *piece;
	size_t len;
	int rc;

	while ((rc = sql_split_data(s, &piece, &len, err)) > 0) {
		CHECK(len > 0);
		buf_add(out, piece, len);
	}
	return rc;
}

/* Notes everything that is told of a text. Returns what it ended with. */
static int note_statements(struct sql_split *s, int rc, const char *text, size_t size,
			   bool in_memory, struct buf *out)
{
	struct sql_statement st;
	struct err err = { 0 };
	size_t end = 0;

	while (rc == 0 && (rc = sql_split_next(s, &st, &err)) > 0) {
		CHECK(st.offset >= end && st.len > 0 && st.offset + st.len <= size);
		CHECK(memcmp(st.text, text + st.offset, st.len) == 0);
		CHECK(!in_memory || st.text == text + st.offset);
		end = st.offset + st.len;
		buf_addf(out, "%zu+%zu %u:%u %d %d %u\n", st.offset, st.len, st.line,
			 st.column, (int)st.word, st.plain, st.data_line);
		check_caret(&st, (st.len * 7) % (st.len + 1));
		check_alone(&st);
		/* taken from some, passed over in others */
		rc = st.offset % 3 ? note_data(s, out, &err) : 0;
	}
	if (rc < 0) {
		CHECK(err.code == ERR_REFUSED && err.message[0] && err.line);
		buf_addf(out, "%u:%u %s\n", err.line, err.column, err.message);
	}
	return rc;
}

/* From memory and in pieces it is the same. Returns what sql_split_next ended with. */
static int check_statements(const char *text, size_t size)
{
	struct pieces p = { .text = text, .len = size, .sizes = (uint32_t)size };
	const struct source source = { pieces_rewind, pieces_read, &p };
	struct buf whole = BUF_INIT, parts = BUF_INIT;
	struct sql_split s;
	struct err err = { 0 };
	size_t i;
	int rc, again;

	for (i = 0; i < size; i++)
		p.sizes = p.sizes * 31 + (unsigned char)text[i];
	rc = sql_split_init(&s, text, size, &err);
	if (rc == 0)
		rc = note_statements(&s, rc, text, size, true, &whole);
	sql_split_close(&s);
	again = sql_split_open(&s, &source, &err);
	if (again == 0)
		again = note_statements(&s, again, text, size, false, &parts);
	sql_split_close(&s);
	CHECK(rc == again && whole.len == parts.len);
	CHECK(memcmp(buf_str(&whole), buf_str(&parts), whole.len) == 0);
	buf_release(&whole);
	buf_release(&parts);
	return rc;
}

static void check_objects(const struct sql_objects *found, unsigned lines, size_t size)
{
	const struct sql_object *o;
	size_t i, k;

	for (i = 0; i < found->nr; i++) {
		o = &found->items[i];
		if (!o->name[0] || strlen(o->name) > 3 * size)
			abort();
		if (o->line < 1 || o->line > lines)
			abort();
		if (!sql_kind_word(o->kind) || !sql_touch_word(o->how))
			abort();
		for (k = 0; k < i && i < 50; k++)
			if (sql_object_same(o, &found->items[k]))
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1); /* as long: a read past it is seen */
	struct sql_objects found = { 0 };
	unsigned lines, column;
	struct pool pool = { 0 };
	struct err err = { 0 };

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	sql_place(copy, size, size, &lines, &column);
	if (sql_objects(copy, size, &pool, &found, &err) != check_statements(copy, size))
		abort();
	check_objects(&found, lines, size);
	sql_objects_release(&found);
	pool_release(&pool);
	free(copy);
	return 0;
}
