/*
 * libFuzzer target for what sql reads without a library: statements and objects.
 *
 *   clang -fsanitize=fuzzer,address,undefined -Isrc t/fuzz/fuzz-sql.c \
 *	src/sql/{alone,name,objects,scan,split}.c src/base/{buf,err,io,pool,text}.c
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "sql/alone.h"
#include "sql/objects.h"
#include "sql/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reading a statement takes nothing from outside of it. */
static void check_alone(const struct sql_statement *st)
{
	struct buf title = BUF_INIT;
	struct pool pool = { 0 };
	struct sql_alone a;

	sql_alone_read(st, &pool, &a);
	sql_alone_title(&a, &title);
	if (a.name.base && strlen(a.name.base) > st->len)
		abort();
	if (sql_alone_need(&a) == ALONE_MUST && !title.len)
		abort();
	buf_release(&title);
	pool_release(&pool);
}

/* Statements follow each other in the text. Returns what sql_split_next ended with. */
static int check_statements(const char *text, size_t size)
{
	struct sql_statement st;
	struct sql_split s;
	struct err err = { 0 };
	size_t end = 0;
	int rc;

	rc = sql_split_init(&s, text, size, &err);
	while (rc == 0 && (rc = sql_split_next(&s, &st, &err)) > 0) {
		if (st.offset < end || st.len == 0 || st.text != text + st.offset)
			abort();
		end = st.offset + st.len;
		check_alone(&st);
		if (end > size || (st.data && st.data + st.data_len > text + size))
			abort();
		rc = 0;
	}
	if (rc < 0 && (err.code != ERR_REFUSED || !err.message[0] || !err.line))
		abort();
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
