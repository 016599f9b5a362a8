/*
 * libFuzzer target for what core reads from outside. The first byte selects.
 *
 *   clang -fsanitize=fuzzer,address,undefined -Isrc t/fuzz/fuzz-core.c \
 *	src/core/{oid,record,trailer}.c src/base/{buf,err,io,pool,sha256,text}.c -lnettle
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/text.h"
#include "core/record.h"
#include "core/trailer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char frame[] =
	"0000000012 "
	"prev=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef v=1 "
	"event=failed path=a blob=0123456789abcdef0123456789abcdef01234567 "
	"sha256=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef "
	"commit=0123456789abcdef0123456789abcdef01234567 "
	"head=0123456789abcdef0123456789abcdef01234567 at=2026-11-22T07:20:11.123Z by=me "
	"run=1 engine=x target=6f1c2a3b-0000-4000-8000-0123456789ab tool=t";

static void *copy_of(const void *from, size_t len)
{
	void *to = malloc(len ? len : 1);

	if (!to)
		abort();
	memcpy(to, from, len);
	return to;
}

/* Whether sealing what was read gives the same line: no field cut, foreign or repeated.
 */
static bool is_plain(const struct record *r)
{
	const char *at;
	bool plain = true;
	int f, nr = 0;

	for (at = strchr(r->line, ' '); at; at = strchr(at + 1, ' '))
		nr++;
	for (f = 0; f < FIELD_NR; f++) {
		if (!r->field[f])
			continue;
		nr--;
		plain = plain && strlen(r->field[f]) <= 2000;
	}
	return plain && nr == 0;
}

static void try_record(const char *line, size_t len)
{
	struct pool pool = { 0 };
	struct err err = { 0 };
	struct record r, again;

	if (record_parse(&r, &pool, line, len, &err) < 0) {
		if (!err.message[0] || err.code != ERR_REFUSED)
			abort();
	} else {
		if (r.line_len != len || memcmp(r.line, line, len) != 0)
			abort();
		again = r;
		if (is_plain(&r)) {
			record_seal(&again, &pool);
			if (strcmp(again.line, r.line) != 0 ||
			    strcmp(again.hash, r.hash) != 0)
				abort();
		}
	}
	pool_release(&pool);
}

/* A whole line, and a line that is in order up to what the input adds. */
static void fuzz_record(const char *data, size_t size)
{
	struct buf b = BUF_INIT;

	try_record(data, size);
	buf_add(&b, frame, sizeof(frame) - 1);
	buf_add(&b, data, size);
	try_record(b.s, b.len);
	buf_release(&b);
}

static void check_values(const struct trailers *t, struct pool *pool)
{
	const char *what, *reason;
	size_t i;

	for (i = 0; i < t->nr; i++) {
		if (strchr(t->items[i].value, '\n'))
			abort();
		trailer_is_issue(t->items[i].value);
		trailer_split_reason(pool, t->items[i].value, &what, &reason);
		if (!trailers_get(t, t->items[i].key))
			abort();
	}
	for (i = 0; i < t->misplaced_nr; i++)
		if (strchr(t->misplaced[i], '\n'))
			abort();
	if (!trailers_eq(t, t))
		abort();
}

static void fuzz_message(const char *data, size_t size)
{
	struct pool pool = { 0 };
	struct trailers t = { 0 };

	trailers_from_message(&t, &pool, data, size);
	check_values(&t, &pool);
	pool_release(&pool);
}

static void fuzz_header(const char *data, size_t size)
{
	struct pool pool = { 0 };
	struct directives how = { 0 };
	struct trailers t = { 0 };
	size_t i;

	trailers_from_header(&t, &how, &pool, data, size);
	check_values(&t, &pool);
	for (i = 0; i < how.nr; i++)
		if (strchr(how.items[i].word, ' '))
			abort();
	pool_release(&pool);
}

/* What comes out is UTF-8 without controls, and is left alone the second time. */
static void fuzz_printable(const char *data, size_t size)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	size_t at, step;

	text_printable(&once, data, size, 0);
	for (at = 0; at < once.len; at += step) {
		step = utf8_char_len(once.s + at, once.len - at);
		if (step == 0 || (unsigned char)once.s[at] < 0x20 || once.s[at] == 0x7f)
			abort();
	}
	text_printable(&twice, buf_str(&once), once.len, 0);
	if (strcmp(buf_str(&once), buf_str(&twice)) != 0)
		abort();
	if (utf8_count(data, size) > size)
		abort();
	buf_release(&once);
	buf_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy;

	if (size == 0)
		return 0;
	size--;
	copy = copy_of(data + 1, size); /* exactly as long: a read past it is seen */
	switch (data[0] % 4) {
	case 0:
		fuzz_record(copy, size);
		break;
	case 1:
		fuzz_message(copy, size);
		break;
	case 2:
		fuzz_header(copy, size);
		break;
	case 3:
		fuzz_printable(copy, size);
		break;
	}
	free(copy);
	return 0;
}
