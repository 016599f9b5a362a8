/* What every layer stands on: errors, strings, memory, files, children. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/interrupt.h"
#include "base/io.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/proc.h"
#include "base/sha1.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/vec.h"

static bool is_utf8(const char *s)
{
	size_t len = strlen(s), step;

	while (len > 0) {
		step = utf8_char_len(s, len);
		if (step == 0)
			return false;
		s += step;
		len -= step;
	}
	return true;
}

/* "xx" and then as many "é" as it takes to overflow every text of an error. */
static char *long_text(size_t lead)
{
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < lead; i++)
		buf_addc(&b, 'x');
	for (i = 0; i < 2000; i++)
		buf_adds(&b, i % 3 ? "\xc3\xa9" : "\xf0\x9f\x90\x98");
	return buf_detach(&b);
}

static void err_is_cut_at_a_character(UNUSED void **state)
{
	struct err err = { 0 };
	size_t lead;

	for (lead = 0; lead < 5; lead++) {
		char *text = long_text(lead);

		assert_int_equal(err_set(&err, ERR_FATAL, "%s", text), -1);
		assert_true(is_utf8(err.message) && ends_with(err.message, "..."));
		assert_true(strlen(err.message) > sizeof(err.message) - 8);
		err_detail(&err, "%s", text);
		assert_true(is_utf8(err.detail) && ends_with(err.detail, "..."));
		err_hint(&err, "thing", "%s", text);
		assert_true(is_utf8(err.hint) && ends_with(err.hint, "..."));
		err_set(&err, ERR_FATAL, "%s", "end");
		assert_int_equal(err_wrap(&err, "%s", text), -1);
		assert_true(is_utf8(err.message) && ends_with(err.message, "..."));
		errno = ENOENT;
		assert_int_equal(err_errno(&err, ERR_FATAL, "%s", text), -1);
		assert_true(is_utf8(err.message) && ends_with(err.message, "..."));
		free(text);
	}
}

/* Every length round the limit, so that each way to just fit or not is met. */
static void err_lengths_round_the_limit(UNUSED void **state)
{
	char text[1100];
	struct err err = { 0 };
	int len;

	memset(text, 'x', sizeof(text));
	for (len = 990; len < 1060; len++) {
		err_set(&err, ERR_FATAL, "%.*s", len, text);
		assert_int_equal(strlen(err.message), len < 1024 ? len : 1023);
		assert_int_equal(ends_with(err.message, "..."), len >= 1024);
		errno = EACCES;
		err_errno(&err, ERR_FATAL, "%.*s", len, text);
		assert_true(strlen(err.message) < sizeof(err.message));
		err_set(&err, ERR_FATAL, "cause");
		err_wrap(&err, "%.*s", len, text);
		assert_true(strlen(err.message) < sizeof(err.message));
	}
}

static void err_parts(UNUSED void **state)
{
	struct err err = { 0 };

	err_set(&err, ERR_REFUSED, "first %d", 1);
	err_detail(&err, "Detail.");
	err_hint(&err, "name", "Hint %s.", "x");
	err.line = 7;
	err_wrap(&err, "migration '%s'", "a.sql");
	assert_string_equal(err.message, "migration 'a.sql': first 1");
	assert_string_equal(err.detail, "Detail.");
	assert_string_equal(err.hint, "Hint x.");
	assert_string_equal(err.advice, "name");
	assert_int_equal(err.code, ERR_REFUSED);
	err_set(&err, ERR_FATAL, "again: %s", err.message); /* its own text */
	assert_string_equal(err.message, "again: migration 'a.sql': first 1");
	assert_string_equal(err.detail, "");
	assert_string_equal(err.hint, "");
	assert_string_equal(err.advice, "");
	assert_int_equal(err.line, 0);
	errno = ENOENT;
	err_errno(&err, ERR_FATAL, "could not open '%s'", "x");
	assert_string_equal(err.message, "could not open 'x': No such file or directory");
}

static void err_exit_statuses(UNUSED void **state)
{
	assert_int_equal(err_exit_status(ERR_NONE), 0);
	assert_int_equal(err_exit_status(ERR_REFUSED), 1);
	assert_int_equal(err_exit_status(ERR_UNCERTAIN), 3);
	assert_int_equal(err_exit_status(ERR_FATAL), 128);
	assert_int_equal(err_exit_status(ERR_USAGE), 129);
	assert_int_equal(err_exit_status(ERR_INTERRUPTED), 130);
}

static void buf_grows(UNUSED void **state)
{
	struct buf b = BUF_INIT;
	char *s;
	int i;

	assert_string_equal(buf_str(&b), "");
	buf_add(&b, NULL, 0);
	assert_string_equal(b.s, "");
	for (i = 0; i < 1000; i++)
		buf_addf(&b, "%03d,", i);
	assert_int_equal(b.len, 4000);
	assert_int_equal(strlen(b.s), 4000);
	assert_memory_equal(b.s + 3996, "999,", 5);
	buf_reset(&b);
	assert_string_equal(b.s, "");
	buf_add(&b, "a\0b", 3);
	buf_addc(&b, 'c');
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.s, "a\0bc", 5);
	s = buf_detach(&b);
	assert_memory_equal(s, "a\0bc", 5);
	assert_null(b.s);
	free(s);
	s = buf_detach(&b);
	assert_string_equal(s, "");
	free(s);
	buf_release(&b);
	buf_reset(&b);
}

static void buf_quotes(UNUSED void **state)
{
	struct buf b = BUF_INIT;

	buf_add_quoted(&b, "a\"b\"", 4, '"');
	assert_string_equal(b.s, "\"a\"\"b\"\"\"");
	buf_reset(&b);
	buf_add_quoted(&b, "", 0, '\'');
	buf_add_quoted(&b, "it's \"x\"", 8, '\'');
	assert_string_equal(b.s, "'''it''s \"x\"'");
	buf_release(&b);
}

static void vec_grows(UNUSED void **state)
{
	int *items = NULL;
	size_t nr = 0, alloc = 0;

	while (nr < 1000) {
		VEC_GROW(items, nr, alloc);
		items[nr] = (int)nr;
		nr++;
	}
	assert_int_equal(items[999], 999);
	assert_true(alloc >= nr);
	free(items);
}

/* Numbers in an array, found by their content; `looked` counts the comparisons. */
static size_t looked;

static bool same_number(const void *array, size_t pos, const void *what)
{
	looked++;
	return ((const uint32_t *)array)[pos] == *(const uint32_t *)what;
}

static uint32_t number_hash(struct map *m, uint32_t number)
{
	return map_hash(m, &number, sizeof(number));
}

static ssize_t find_number(struct map *m, const uint32_t *numbers, uint32_t number)
{
	return map_find(m, number_hash(m, number), same_number, numbers, &number);
}

static void map_grows(UNUSED void **state)
{
	enum { NUMBERS = 20000 };
	uint32_t *numbers = calloc(NUMBERS, sizeof(*numbers));
	struct map m = { 0 };
	size_t i, k;

	assert_int_equal(find_number(&m, numbers, 7), MAP_NONE);
	for (i = 0; i < NUMBERS; i++) {
		numbers[i] = (uint32_t)i * 2654435761u;
		assert_int_equal(find_number(&m, numbers, numbers[i]), MAP_NONE);
		map_add(&m, number_hash(&m, numbers[i]), i);
		if ((i & (i + 1)) == 0) /* round each growth all are there */
			for (k = 0; k <= i; k++)
				assert_int_equal(find_number(&m, numbers, numbers[k]), k);
	}
	looked = 0;
	for (i = 0; i < NUMBERS; i++)
		assert_int_equal(find_number(&m, numbers, numbers[i]), i);
	assert_in_range(looked, NUMBERS, NUMBERS + 10); /* others are told by the hash */
	for (i = NUMBERS; i < (size_t)2 * NUMBERS; i++)
		assert_int_equal(find_number(&m, numbers, (uint32_t)i * 2654435761u),
				 MAP_NONE);
	map_release(&m);
	free(numbers);
}

/* Whatever they hash to, also where the table ends. */
static void map_of_equal_hashes(UNUSED void **state)
{
	static const uint32_t hashes[] = { 0, 63, UINT32_MAX };
	uint32_t numbers[1000], other = 5000;
	size_t h, i;

	for (h = 0; h < ARRAY_SIZE(hashes); h++) {
		struct map m = { 0 };

		for (i = 0; i < ARRAY_SIZE(numbers); i++) {
			numbers[i] = (uint32_t)i;
			map_add(&m, hashes[h], i);
		}
		for (i = 0; i < ARRAY_SIZE(numbers); i++)
			assert_int_equal(map_find(&m, hashes[h], same_number, numbers,
						  &numbers[i]),
					 i);
		assert_int_equal(map_find(&m, hashes[h], same_number, numbers, &other),
				 MAP_NONE);
		looked = 0; /* the same place in the table, another hash */
		assert_int_equal(map_find(&m, hashes[h] ^ 1u << 30, same_number, numbers,
					  &numbers[1]),
				 MAP_NONE);
		assert_int_equal(looked, 0);
		map_release(&m);
	}
}

static void map_is_released_and_used_again(UNUSED void **state)
{
	const uint32_t numbers[] = { 17, 4 };
	struct map m = { 0 }, other = { 0 };

	map_release(&m);
	map_add(&m, number_hash(&m, 17), 0);
	assert_int_equal(find_number(&m, numbers, 17), 0);
	map_release(&m);
	assert_int_equal(m.size, 0);
	assert_int_equal(find_number(&m, numbers, 17), MAP_NONE);
	map_add(&m, number_hash(&m, 4), 1);
	assert_int_equal(find_number(&m, numbers, 4), 1);
	assert_int_equal(find_number(&m, numbers, 17), MAP_NONE);
	map_release(&m);
	/* nobody foresees a hash: each map has its own secret */
	number_hash(&m, 17);
	number_hash(&other, 17);
	assert_true(m.key != other.key);
	assert_int_equal(map_hash(&m, "ab", 2), map_hash(&m, "abc", 2));
	assert_int_not_equal(map_hash(&m, "ab", 2), map_hash(&m, "abc", 3));
}

static void pool_keeps_everything(UNUSED void **state)
{
	struct pool p = { 0 };
	unsigned char *blocks[300];
	size_t i, k, len;

	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		len = i * i * 3; /* from none at all to many times a block */
		blocks[i] = pool_alloc(&p, len);
		assert_non_null(blocks[i]);
		assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
		for (k = 0; k < len; k++)
			if (blocks[i][k] != 0)
				fail_msg("byte %zu of %zu is not zero", k, len);
		memset(blocks[i], (int)(i % 256), len);
	}
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		for (k = 0; k < i * i * 3; k++)
			if (blocks[i][k] != i % 256)
				fail_msg("block %zu was overwritten", i);
	pool_release(&p);
	pool_release(&p);
}

static void pool_large_and_empty_first(UNUSED void **state)
{
	struct pool p = { 0 };
	char *large, *small, *empty;

	large = pool_alloc(&p, 100000);
	large[99999] = 'x';
	small = pool_strdup(&p, "small");
	assert_string_equal(small, "small");
	assert_int_equal(large[99999], 'x');
	pool_release(&p);
	empty = pool_alloc(&p, 0);
	small = pool_alloc(&p, 0);
	assert_non_null(empty);
	assert_ptr_not_equal(empty, small);
	pool_release(&p);
}

/* Strings stand close, and what follows them is zeroed and aligned all the same. */
static void pool_strings_between(UNUSED void **state)
{
	struct pool p = { 0 };
	char text[5000], *copies[400];
	unsigned char *block;
	size_t i, k;

	memset(text, 'x', sizeof(text));
	for (i = 0; i < ARRAY_SIZE(copies); i++) {
		copies[i] = pool_strndup(&p, text, i * 12 + i % 3);
		block = pool_alloc(&p, i % 40);
		assert_int_equal((uintptr_t)block % _Alignof(max_align_t), 0);
		for (k = 0; k < i % 40; k++)
			assert_int_equal(block[k], 0);
		memset(block, 'y', i % 40);
	}
	for (i = 0; i < ARRAY_SIZE(copies); i++) {
		assert_int_equal(strlen(copies[i]), i * 12 + i % 3);
		assert_memory_equal(copies[i], text, i * 12 + i % 3);
	}
	pool_release(&p);
	copies[0] = pool_strdup(&p, "ab");
	copies[1] = pool_strdup(&p, "c");
	assert_ptr_equal(copies[1], copies[0] + 3);
	pool_release(&p);
}

static void pool_strings(UNUSED void **state)
{
	struct pool p = { 0 };
	char big[20001];

	memset(big, 'y', 20000);
	big[20000] = '\0';
	assert_string_equal(pool_strndup(&p, "abcdef", 3), "abc");
	assert_string_equal(pool_strdup(&p, ""), "");
	assert_string_equal(pool_printf(&p, "%s-%d", "a", 7), "a-7");
	assert_int_equal(strlen(pool_printf(&p, "%s!", big)), 20001);
	pool_release(&p);
}

struct sample {
	const char *in, *out;
};

static void printable(UNUSED void **state)
{
	static const struct sample samples[] = {
		{ "plain text", "plain text" },
		{ "gr\xc3\xb6\xc3\x9f"
		  "er \xe4\xb8\xad \xf0\x9f\x90\x98",
		  "gr\xc3\xb6\xc3\x9f"
		  "er \xe4\xb8\xad \xf0\x9f\x90\x98" },
		{ "\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m" },
		{ "a\nb\tc\rd\x7f", "a\\x0ab\\x09c\\x0dd\\x7f" },
		{ "\xc2\x9b"
		  "31m",
		  "\\x9b31m" },		    /* CSI, a C1 control */
		{ "\xc2\xa0", "\xc2\xa0" }, /* first one behind C1 */
		{ "\x9b"
		  "31m",
		  "\\x9b31m" },			       /* not UTF-8 */
		{ "\xc0\xaf", "\\xc0\\xaf" },	       /* overlong '/' */
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" }, /* overlong, three bytes */
		{ "\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" }, /* a surrogate */
		{ "\xed\x9f\xbf", "\xed\x9f\xbf" },    /* the last one before them */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* above U+10FFFF */
		{ "\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80" },
		{ "\xe2\x80", "\\xe2\\x80" }, /* cut short */
		{ "\xc3x", "\\xc3x" },
		{ "a\xe2\x80\xae"
		  "b",
		  "a\\u{202e}b" }, /* right-to-left override */
		{ "\xe2\x81\xa6\xe2\x81\xa9", "\\u{2066}\\u{2069}" }, /* isolates */
		{ "a\xe2\x80\x8b"
		  "b",
		  "a\\u{200b}b" }, /* zero width space */
		{ "\xef\xbb\xbf", "\\u{feff}" },
		{ "\xd8\x9c", "\\u{061c}" },
		{ "\xf3\xa0\x81\x81", "\\u{e0041}" }, /* a tag character */
		{ "\xe2\x80\xa8", "\\u{2028}" },      /* line separator */
	};
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		buf_reset(&b);
		text_printable(&b, samples[i].in, strlen(samples[i].in), 0);
		assert_string_equal(buf_str(&b), samples[i].out);
	}
	buf_reset(&b);
	text_printable(&b, "a\nb\tc\r\x1b", 7, TEXT_KEEP_NEWLINES);
	assert_string_equal(b.s, "a\nb\tc\\x0d\\x1b");
	buf_reset(&b);
	text_printable(&b, "a\0b", 3, 0);
	assert_string_equal(b.s, "a\\x00b");
	buf_release(&b);
}

static void utf8(UNUSED void **state)
{
	assert_int_equal(utf8_columns("", 0), 0);
	assert_int_equal(utf8_columns("a\xc3\xa4", 3), 2);
	assert_int_equal(utf8_columns("\xe6\x97\xa5\xf0\x9f\x92\xa9", 7), 4);
	assert_int_equal(utf8_columns("a\xcc\x88z", 4), 2);
	assert_int_equal(utf8_columns("\xff\xe6", 2), 2);
	assert_int_equal(utf8_char_len("", 0), 0);
	assert_int_equal(utf8_char_len("\0", 1), 1);
	assert_int_equal(utf8_char_len("\xc3\xa9", 2), 2);
	assert_int_equal(utf8_char_len("\xc3\xa9", 1), 0);
	assert_int_equal(utf8_char_len("\xe2\x82\xac", 3), 3);
	assert_int_equal(utf8_char_len("\xf4\x8f\xbf\xbf", 4), 4);
	assert_int_equal(utf8_char_len("\x80", 1), 0);
	assert_int_equal(utf8_count("", 0), 0);
	assert_int_equal(utf8_count("gr\xc3\xb6\xc3\x9f"
				    "er",
				    8),
			 6);
	assert_int_equal(utf8_count("\xff\xfe\xc3", 3), 3);
}

static void hex(UNUSED void **state)
{
	const unsigned char data[] = { 0x00, 0x01, 0x7f, 0x80, 0xab, 0xff };
	unsigned char back[sizeof(data)];
	char text[2 * sizeof(data) + 1], digits[11];
	int i;

	hex_encode(data, sizeof(data), text);
	assert_string_equal(text, "00017f80abff");
	assert_int_equal(hex_decode(text, back, sizeof(back)), 0);
	assert_memory_equal(back, data, sizeof(data));
	assert_int_equal(hex_decode("00017F80ABFF", back, sizeof(back)), 0);
	assert_memory_equal(back, data, sizeof(data));
	for (i = 0; i < 256; i++) {
		back[0] = (unsigned char)i;
		hex_encode(back, 1, text);
		snprintf(digits, sizeof(digits), "%02x", (unsigned)i);
		assert_string_equal(text, digits);
	}
	for (i = 0; i < 256; i++) { /* each byte at each place of a word, and behind it */
		size_t at;

		for (at = 0; at < 11; at++) {
			memcpy(digits, "0123456789a", 11);
			digits[at] = (char)i;
			assert_int_equal(hex_is_lower(digits, 11),
					 (i >= '0' && i <= '9') ||
						 (i >= 'a' && i <= 'f'));
		}
	}
	assert_int_equal(hex_decode("0", back, 1), -1);
	assert_int_equal(hex_decode("", back, 1), -1);
	assert_int_equal(hex_decode("0g", back, 1), -1);
	assert_int_equal(hex_decode("/0", back, 1), -1);
	assert_int_equal(hex_decode(":0", back, 1), -1);
}

static void words(UNUSED void **state)
{
	size_t len;
	const char *s;
	int c;

	for (c = -1; c < 256; c++) {
		assert_int_equal(ascii_isdigit(c), c >= 0x30 && c <= 0x39);
		assert_int_equal(ascii_isspace(c), c == 32 || (c >= 9 && c <= 13));
		if (c >= 'A' && c <= 'Z')
			assert_int_equal(ascii_tolower(c), c + 32);
		else
			assert_int_equal(ascii_tolower(c), c);
	}
	assert_true(ascii_isalnum('z') && ascii_isalnum('A') && ascii_isalnum('0'));
	assert_false(ascii_isalnum('_') || ascii_isalnum(0xe9) || ascii_isalnum('@'));
	assert_true(starts_with("abc", "ab") && starts_with("abc", ""));
	assert_false(starts_with("a", "ab"));
	assert_true(ends_with("abc", "bc") && ends_with("abc", ""));
	assert_false(ends_with("c", "bc"));
	len = 7;
	s = text_trim(" \ta b\r\n", &len);
	assert_int_equal(len, 3);
	assert_memory_equal(s, "a b", 3);
	len = 3;
	text_trim(" \n ", &len);
	assert_int_equal(len, 0);
}

static int run(const char *script, const void *input, size_t len, struct buf *out,
	       struct buf *errors, struct err *err)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	struct proc p = { .argv = argv, .input = input, .input_len = len };

	return proc_run(&p, out, errors, err);
}

static void proc_output_and_status(UNUSED void **state)
{
	struct buf out = BUF_INIT, errors = BUF_INIT;
	struct err err = { 0 };

	assert_int_equal(run("echo out; echo err >&2; exit 7", NULL, 0, &out, &errors,
			     &err),
			 7);
	assert_string_equal(out.s, "out\n");
	assert_string_equal(errors.s, "err\n");
	assert_int_equal(run("echo out; echo err >&2", NULL, 0, NULL, NULL, &err), 0);
	assert_int_equal(run("cat", NULL, 0, &out, NULL, &err), 0);
	assert_string_equal(out.s, "out\n");
	assert_int_equal(run("kill -TERM $$", NULL, 0, NULL, NULL, &err), 128 + SIGTERM);
	assert_int_equal(run("exit 127", NULL, 0, NULL, NULL, &err), 127);
	buf_release(&out);
	buf_release(&errors);
}

/* More than a pipe holds, both ways at once. */
static void proc_large_input(UNUSED void **state)
{
	size_t len = (size_t)3 << 20, i;
	unsigned char *data = xmalloc(len);
	struct buf out = BUF_INIT;
	struct err err = { 0 };

	for (i = 0; i < len; i++)
		data[i] = (unsigned char)(i * 7 + i / 251);
	assert_int_equal(run("cat", data, len, &out, NULL, &err), 0);
	assert_int_equal(out.len, len);
	assert_memory_equal(out.s, data, len);
	/* one that reads nothing, and one that reads when its output is closed */
	assert_int_equal(run("exit 3", data, len, NULL, NULL, &err), 3);
	assert_int_equal(run("exec >&- 2>&-; test $(wc -c) = 3145728", data, len, NULL,
			     NULL, &err),
			 0);
	buf_release(&out);
	free(data);
}

static void proc_cannot_start(UNUSED void **state)
{
	const char *argv[] = { "git-migrate-no-such-program", NULL };
	const char *sh[] = { "sh", "-c", "exit 0", NULL };
	struct proc p = { .argv = argv };
	struct err err = { 0 };

	/* a folder that may not be searched would make it "Permission denied" */
	setenv("PATH", "/usr/bin:/bin", 1);
	assert_int_equal(proc_run(&p, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_FATAL);
	assert_string_equal(err.message, "could not start 'git-migrate-no-such-program': "
					 "No such file or directory");
	p.argv = sh;
	p.dir = "/no/such/folder";
	assert_int_equal(proc_run(&p, NULL, NULL, &err), -1);
	assert_string_equal(err.message,
			    "could not start 'sh': No such file or directory");
}

static void proc_says_too_much(UNUSED void **state)
{
	const char *argv[] = { "sh", "-c", "while :; do echo spam; done", NULL };
	struct proc p = { .argv = argv, .max_output = 100000 };
	struct buf out = BUF_INIT;
	struct err err = { 0 };

	assert_int_equal(proc_run(&p, &out, NULL, &err), -1);
	assert_string_equal(err.message, "'sh' gave more output than is sensible");
	buf_release(&out);
}

static void proc_environment_and_folder(UNUSED void **state)
{
	const char *argv[] = { "sh", "-c",
			       "echo \"$GM_A,${GM_B-none},$GM_AB,$GM_C\"; pwd", NULL };
	const char *changes[] = { "GM_A=new", "GM_B", "GM_C=c=d", NULL };
	struct proc p = { .argv = argv, .setenv = changes, .dir = "/" };
	struct buf out = BUF_INIT;
	struct err err = { 0 };

	setenv("GM_A", "old", 1);
	setenv("GM_B", "old", 1);
	setenv("GM_AB", "kept", 1);
	assert_int_equal(proc_run(&p, &out, NULL, &err), 0);
	assert_string_equal(out.s, "new,none,kept,c=d\n/\n");
	assert_string_equal(getenv("GM_A"), "old");
	buf_release(&out);
}

static struct proc_child *start(const char *script)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	const struct proc p = { .argv = argv };
	struct proc_child *c = NULL;
	struct err err = { 0 };

	assert_int_equal(proc_start(&c, &p, &err), 0);
	return c;
}

/* More than a pipe holds, on both outputs; what stands in stderr does not block. */
static void proc_read_as_it_comes(UNUSED void **state)
{
	struct proc_child *c = start(
		"test -z \"$(cat)\" && head -c 300000 /dev/zero >&2 && "
		"head -c 3000000 /dev/zero && echo end && "
		"echo why >&2; exit 5");
	struct buf errors = BUF_INIT;
	struct err err = { 0 };
	char piece[70000];
	size_t total = 0;
	ssize_t n;

	while ((n = proc_read(c, piece, sizeof(piece), &err)) > 0) {
		assert_true((size_t)n <= sizeof(piece));
		total += (size_t)n;
	}
	assert_int_equal(n, 0);
	assert_int_equal(total, 3000004);
	assert_int_equal(proc_read(c, piece, sizeof(piece), &err), 0);
	assert_int_equal(proc_wait(c, &errors), 5);
	assert_true(errors.len >= 64 * 1024 && errors.len < 128 * 1024);
	assert_int_equal(proc_wait(c, NULL), 5);
	proc_free(c);
	buf_release(&errors);
}

static void proc_read_status(UNUSED void **state)
{
	struct proc_child *c = start("echo why >&2; kill -TERM $$");
	struct buf errors = BUF_INIT;
	struct err err = { 0 };
	char piece[100];

	assert_int_equal(proc_read(c, piece, sizeof(piece), &err), 0);
	assert_int_equal(proc_wait(c, &errors), 128 + SIGTERM);
	assert_string_equal(errors.s, "why\n");
	proc_free(c);
	buf_release(&errors);
	proc_free(NULL);
}

/* One that would give bytes for ever is gone at once, as is one that gives none. */
static void proc_let_go(UNUSED void **state)
{
	const char *missing[] = { "git-migrate-no-such-program", NULL };
	const struct proc p = { .argv = missing };
	struct proc_child *c = start("echo $$; while :; do echo spam; done");
	struct err err = { 0 };
	char text[20] = "";
	pid_t pid;

	assert_true(proc_read(c, text, sizeof(text) - 1, &err) > 0);
	pid = (pid_t)strtol(text, NULL, 10);
	assert_true(pid > 1);
	proc_free(c);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	proc_free(start("exec 2>&-; exec sleep 1000"));
	assert_int_equal(proc_start(&c, &p, &err), -1);
	assert_null(c);
	assert_string_equal(err.message, "could not start 'git-migrate-no-such-program': "
					 "No such file or directory");
}

/* What proc_run does to SIGPIPE for itself reaches neither the child nor us. */
static void proc_leaves_signals_alone(UNUSED void **state)
{
	struct err err = { 0 };
	sigset_t before, after;

	sigprocmask(SIG_BLOCK, NULL, &before);
	assert_int_equal(run("kill -PIPE $$", NULL, 0, NULL, NULL, &err), 128 + SIGPIPE);
	sigprocmask(SIG_BLOCK, NULL, &after);
	assert_int_equal(sigismember(&before, SIGPIPE), sigismember(&after, SIGPIPE));
}

static int make_folder(void **state)
{
	char name[] = "/tmp/test-base.XXXXXX";

	if (!mkdtemp(name))
		return -1;
	*state = xstrdup(name);
	return 0;
}

static int remove_folder(void **state)
{
	const char *argv[] = { "rm", "-rf", *state, NULL };
	struct proc p = { .argv = argv };
	struct err err = { 0 };
	int ret = proc_run(&p, NULL, NULL, &err);

	free(*state);
	return ret;
}

static void assert_file(const char *path, const char *text)
{
	struct buf b = BUF_INIT;
	struct err err = { 0 };

	assert_int_equal(file_read(path, 1000, &b, &err), 0);
	assert_string_equal(buf_str(&b), text);
	buf_release(&b);
}

static void assert_alone(const char *folder)
{
	const char *argv[] = { "ls", "-A", folder, NULL };
	struct proc p = { .argv = argv };
	struct buf out = BUF_INIT;
	struct err err = { 0 };

	assert_int_equal(proc_run(&p, &out, NULL, &err), 0);
	assert_string_equal(buf_str(&out), "file\n");
	buf_release(&out);
}

static void file_replaced(void **state)
{
	struct pool p = { 0 };
	const char *path = pool_printf(&p, "%s/file", (char *)*state);
	struct err err = { 0 };
	struct stat st;

	assert_int_equal(file_replace(path, "one", 3, 0600, &err), 0);
	assert_file(path, "one");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(file_replace(path, "two\n", 4, 0644, &err), 0);
	assert_file(path, "two\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_alone(*state);
	pool_release(&p);
}

/* A limit on file sizes refuses root as well. */
static void file_kept_when_it_cannot_be_written(void **state)
{
	struct pool p = { 0 };
	const char *path = pool_printf(&p, "%s/file", (char *)*state);
	char *large = pool_alloc(&p, 100000);
	struct rlimit old, small;
	struct err err = { 0 };

	assert_int_equal(file_replace(path, "old", 3, 0600, &err), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 5000;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(file_replace(path, large, 100000, 0600, &err), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(err.code, ERR_FATAL);
	assert_true(ends_with(err.message, ": File too large"));
	assert_file(path, "old");
	assert_alone(*state);
	pool_release(&p);
}

static void file_kept_when_it_cannot_be_renamed(void **state)
{
	struct pool p = { 0 };
	const char *folder = pool_printf(&p, "%s/file", (char *)*state);
	const char *missing = pool_printf(&p, "%s/no/file", (char *)*state);
	struct err err = { 0 };

	unlink(folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(file_replace(folder, "x", 1, 0600, &err), -1);
	assert_true(starts_with(err.message, "could not rename '"));
	assert_alone(*state);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(file_replace(missing, "x", 1, 0600, &err), -1);
	assert_true(starts_with(err.message, "could not create '"));
	pool_release(&p);
}

static void file_reading(void **state)
{
	struct pool p = { 0 };
	const char *path = pool_printf(&p, "%s/file", (char *)*state);
	struct buf b = BUF_INIT;
	struct err err = { 0 };

	assert_int_equal(file_replace(path, "a\0b", 3, 0600, &err), 0);
	buf_adds(&b, ">");
	assert_int_equal(file_read(path, 3, &b, &err), 0);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.s, ">a\0b", 5);
	assert_true(b.alloc < 64); /* no more than such a file takes */
	assert_int_equal(file_read(path, 2, &b, &err), -1);
	assert_int_equal(err.code, ERR_FATAL);
	assert_true(ends_with(err.message, "more than 2 bytes"));
	assert_int_equal(file_read(pool_printf(&p, "%s/x", path), 9, &b, &err), 1);
	assert_int_equal(file_read(pool_printf(&p, "%s.x", path), 9, &b, &err), 1);
	assert_int_equal(file_read(*state, 9, &b, &err), -1);
	assert_int_equal(file_read("/dev/zero", 9, &b, &err), -1);
	path = pool_printf(&p, "%s/pipe", (char *)*state);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(file_read(path, 9, &b, &err), -1); /* at once */
	assert_true(ends_with(err.message, "it is no file"));
	buf_release(&b);
	pool_release(&p);
}

static void digests_in_pieces(UNUSED void **state)
{
	static const char text[] = "The quick brown fox jumps over the lazy dog";
	struct sha256 *long_one = sha256_new();
	struct sha1 *short_one = sha1_new();
	char expect[SHA256_HEXSZ + 1], got[SHA256_HEXSZ + 1], hex[2 * SHA1_SIZE + 1];
	char peeked[SHA256_HEXSZ + 1];
	unsigned char digest[SHA1_SIZE];
	size_t piece, at, n;

	sha256_hex(text, strlen(text), expect);
	for (piece = 1; piece < 50; piece++) { /* each begins where the last has ended */
		for (at = 0; at < strlen(text); at += n) {
			n = strlen(text) - at < piece ? strlen(text) - at : piece;
			sha256_add(long_one, text + at, n);
			sha256_peek(long_one, peeked);
			sha256_hex(text, at + n, got);
			assert_string_equal(peeked, got);
			sha1_add(short_one, text + at, n);
		}
		sha256_end(long_one, got);
		assert_string_equal(got, expect);
		sha1_end(short_one, digest);
		hex_encode(digest, sizeof(digest), hex);
		assert_string_equal(hex, "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12");
	}
	sha256_free(long_one);
	sha1_free(short_one);
}

static void sha256(UNUSED void **state)
{
	static const struct sample samples[] = {
		/* FIPS 180-2, appendix B, and the empty message */
		{ "",
		  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc",
		  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		/* printf '0000000001 prev=x\n' | sha256sum */
		{ "0000000001 prev=x\n",
		  "def6cfa484e1cc68439d195f862f125321b6073c7466af3f608bd827140b0bbb" },
	};
	char digest[SHA256_HEXSZ + 1];
	char *million = xmalloc(1000000);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		sha256_hex(samples[i].in, strlen(samples[i].in), digest);
		assert_string_equal(digest, samples[i].out);
	}
	memset(million, 'a', 1000000);
	sha256_hex(million, 1000000, digest);
	assert_string_equal(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d"
				    "39ccc7112cd0");
	free(million);
}

/* '9' stands for a digit, 'f' for a hex digit, all else for itself. */
static void assert_form(const char *s, const char *form)
{
	size_t i;

	assert_int_equal(strlen(s), strlen(form));
	for (i = 0; form[i]; i++) {
		if (form[i] == '9')
			assert_true(ascii_isdigit((unsigned char)s[i]));
		else if (form[i] == 'f')
			assert_non_null(strchr("0123456789abcdef", s[i]));
		else
			assert_int_equal(s[i], form[i]);
	}
}

static void clock_and_names(UNUSED void **state)
{
	char text[CLOCK_TEXT], uuid[UUID_TEXT], other[UUID_TEXT];
	char nonce[NONCE_TEXT], second[NONCE_TEXT];
	int64_t before = clock_ms();

	clock_utc(text);
	assert_form(text, "2999-99-99T99:99:99.999Z");
	uuid_random(uuid);
	uuid_random(other);
	assert_form(uuid, "ffffffff-ffff-4fff-ffff-ffffffffffff");
	assert_non_null(strchr("89ab", uuid[19]));
	assert_string_not_equal(uuid, other);
	nonce_random(nonce);
	nonce_random(second);
	assert_form(nonce, "ffffffffffffffffffffffffffffffff");
	assert_string_not_equal(nonce, second);
	assert_true(clock_ms() >= before);
}

/* What a child that watches for signals ends with: 128 + n by signal n. */
static int end_of_child(void (*life)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		/* a shell starts what it runs in the background with these ignored */
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
		life();
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Held back while the program works, noted where it waits. */
static void first_signal(void)
{
	interrupt_watch();
	raise(SIGINT);
	if (interrupt_seen())
		_exit(2);
	if (interrupt_poll(NULL, 0, -1) != -1 || errno != EINTR || !interrupt_seen())
		_exit(3);
	_exit(interrupt_poll(NULL, 0, -1) == -1 && errno == EINTR ? 0 : 4);
}

static void second_signal(void)
{
	interrupt_watch();
	raise(SIGINT);
	interrupt_poll(NULL, 0, -1);
	raise(SIGTERM);
}

static void ignored_signal(void)
{
	signal(SIGHUP, SIG_IGN);
	interrupt_watch();
	raise(SIGHUP);
	_exit(interrupt_poll(NULL, 0, 0) == 0 && !interrupt_seen() ? 0 : 5);
}

static void interrupts(UNUSED void **state)
{
	assert_int_equal(end_of_child(first_signal), 0);
	assert_int_equal(end_of_child(second_signal), 128 + SIGTERM);
	assert_int_equal(end_of_child(ignored_signal), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_is_cut_at_a_character),
		cmocka_unit_test(err_lengths_round_the_limit),
		cmocka_unit_test(err_parts),
		cmocka_unit_test(err_exit_statuses),
		cmocka_unit_test(buf_grows),
		cmocka_unit_test(buf_quotes),
		cmocka_unit_test(vec_grows),
		cmocka_unit_test(map_grows),
		cmocka_unit_test(map_of_equal_hashes),
		cmocka_unit_test(map_is_released_and_used_again),
		cmocka_unit_test(pool_keeps_everything),
		cmocka_unit_test(pool_large_and_empty_first),
		cmocka_unit_test(pool_strings_between),
		cmocka_unit_test(pool_strings),
		cmocka_unit_test(printable),
		cmocka_unit_test(utf8),
		cmocka_unit_test(hex),
		cmocka_unit_test(words),
		cmocka_unit_test(proc_output_and_status),
		cmocka_unit_test(proc_large_input),
		cmocka_unit_test(proc_cannot_start),
		cmocka_unit_test(proc_says_too_much),
		cmocka_unit_test(proc_environment_and_folder),
		cmocka_unit_test(proc_leaves_signals_alone),
		cmocka_unit_test_setup_teardown(file_replaced, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(file_kept_when_it_cannot_be_written,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(file_kept_when_it_cannot_be_renamed,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(file_reading, make_folder, remove_folder),
		cmocka_unit_test(sha256),
		cmocka_unit_test(digests_in_pieces),
		cmocka_unit_test(proc_read_as_it_comes),
		cmocka_unit_test(proc_read_status),
		cmocka_unit_test(proc_let_go),
		cmocka_unit_test(clock_and_names),
		cmocka_unit_test(interrupts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
