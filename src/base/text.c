#include "base/compat.h"

#include "base/buf.h"
#include "base/text.h"

bool ascii_isspace(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

int ascii_tolower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool ends_with(const char *s, const char *suffix)
{
	size_t len = strlen(s), suffix_len = strlen(suffix);

	return len >= suffix_len && strcmp(s + len - suffix_len, suffix) == 0;
}

const char *text_trim(const char *s, size_t *len)
{
	while (*len > 0 && ascii_isspace((unsigned char)s[0])) {
		s++;
		(*len)--;
	}
	while (*len > 0 && ascii_isspace((unsigned char)s[*len - 1]))
		(*len)--;
	return s;
}

void hex_encode(const unsigned char *data, size_t len, char *hex)
{
	static const char pairs[] = "000102030405060708090a0b0c0d0e0f"
				    "101112131415161718191a1b1c1d1e1f"
				    "202122232425262728292a2b2c2d2e2f"
				    "303132333435363738393a3b3c3d3e3f"
				    "404142434445464748494a4b4c4d4e4f"
				    "505152535455565758595a5b5c5d5e5f"
				    "606162636465666768696a6b6c6d6e6f"
				    "707172737475767778797a7b7c7d7e7f"
				    "808182838485868788898a8b8c8d8e8f"
				    "909192939495969798999a9b9c9d9e9f"
				    "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
				    "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
				    "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
				    "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
				    "e0e1e2e3e4e5e6e7e8e9eaebecedeeef"
				    "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
	size_t i;

	for (i = 0; i < len; i++)
		memcpy(hex + 2 * i, pairs + (size_t)2 * data[i], 2);
	hex[2 * len] = '\0';
}

/*
 * 16 and the value of a digit. By table, since digits and letters come in no order
 * that a processor could foresee.
 */
static const unsigned char hex_digits[256] = {
	['0'] = 16, 17, 18, 19, 20, 21,		22, 23, 24, 25, ['A'] = 58,
	59,	    60, 61, 62, 63, ['a'] = 26, 27, 28, 29, 30, 31,
};

/* Eight bytes at a time: the high bit of each tells, after adding to all of them. */
static bool all_hex(const char *s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
	uint64_t w, digit, letter;

	memcpy(&w, s, sizeof(w));
	if (w & high)
		return false;
	digit = (w + ones * (0x80 - '0')) & ~(w + ones * (0x80 - '9' - 1));
	letter = (w + ones * (0x80 - 'a')) & ~(w + ones * (0x80 - 'f' - 1));
	return ((digit | letter) & high) == high;
}

bool hex_is_lower(const char *s, size_t len)
{
	for (; len >= 8; s += 8, len -= 8)
		if (!all_hex(s))
			return false;
	for (; len > 0; s++, len--)
		if (!ascii_isxdigit((unsigned char)*s))
			return false;
	return true;
}

int hex_decode(const char *hex, unsigned char *data, size_t len)
{
	unsigned char high, low;
	size_t i;

	for (i = 0; i < len; i++) {
		high = hex_digits[(unsigned char)hex[2 * i]];
		if (!high)
			return -1;
		low = hex_digits[(unsigned char)hex[2 * i + 1]];
		if (!low)
			return -1;
		data[i] = (unsigned char)((high & 15) << 4 | (low & 15));
	}
	return 0;
}

/* Decodes one character; returns its length, 0 if the bytes are not UTF-8. */
static size_t decode(const unsigned char *s, size_t len, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t need, i;
	uint32_t c;

	if (len == 0)
		return 0;
	if (s[0] < 0x80) {
		*code = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		need = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		need = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		need = 4;
	else
		return 0;
	if (len < need)
		return 0;
	c = s[0] & (0xffu >> (need + 1));
	for (i = 1; i < need; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	if (c < least[need] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code = c;
	return need;
}

size_t utf8_char_len(const char *s, size_t len)
{
	uint32_t code;

	return decode((const unsigned char *)s, len, &code);
}

size_t utf8_count(const char *s, size_t len)
{
	size_t n = 0, step;

	while (len > 0) {
		step = utf8_char_len(s, len);
		if (step == 0)
			step = 1;
		s += step;
		len -= step;
		n++;
	}
	return n;
}

struct range {
	uint32_t first, last;
};

static bool is_within(uint32_t c, const struct range *ranges, size_t nr)
{
	size_t i;

	for (i = 0; i < nr && ranges[i].first <= c; i++)
		if (c <= ranges[i].last)
			return true;
	return false;
}

/* Both lists leave out what is rare in a text that people type. */
static unsigned columns_of(uint32_t c)
{
	static const struct range marks[] = {
		{ 0x300, 0x36f },   { 0x483, 0x489 },	{ 0x591, 0x5bd },
		{ 0x610, 0x61a },   { 0x64b, 0x65f },	{ 0x670, 0x670 },
		{ 0x6d6, 0x6dc },   { 0x6df, 0x6e4 },	{ 0x93c, 0x93c },
		{ 0x941, 0x948 },   { 0x94d, 0x94d },	{ 0xe31, 0xe31 },
		{ 0xe34, 0xe3a },   { 0xe47, 0xe4e },	{ 0x1ab0, 0x1aff },
		{ 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff }, { 0x3099, 0x309a },
		{ 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xe0100, 0xe01ef },
	};
	static const struct range wide[] = {
		{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0x33ff },
		{ 0x3400, 0x4dbf },   { 0x4e00, 0xa4cf },   { 0xa960, 0xa97f },
		{ 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },
		{ 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f },
		{ 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x1fa70, 0x1faff },
		{ 0x20000, 0x3fffd },
	};

	if (is_within(c, marks, ARRAY_SIZE(marks)))
		return 0;
	return is_within(c, wide, ARRAY_SIZE(wide)) ? 2 : 1;
}

size_t utf8_columns(const char *s, size_t len)
{
	size_t columns = 0, step;
	uint32_t c = 0;

	for (; len > 0; s += step, len -= step) {
		step = decode((const unsigned char *)s, len, &c);
		columns += step ? columns_of(c) : 1;
		if (step == 0)
			step = 1;
	}
	return columns;
}

/* Marks that reorder or hide what stands beside them. */
static bool steers_text(uint32_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0x061c ||
	       (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

void text_printable(struct buf *out, const char *s, size_t len, enum text_flags flags)
{
	uint32_t c = 0;
	size_t step;

	while (len > 0) {
		step = decode((const unsigned char *)s, len, &c);
		if (step == 0) {
			buf_addf(out, "\\x%02x", (unsigned)(unsigned char)s[0]);
			step = 1;
		} else if ((flags & TEXT_KEEP_NEWLINES) && (c == '\n' || c == '\t')) {
			buf_addc(out, (int)c);
		} else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
			buf_addf(out, "\\x%02x", (unsigned)c);
		} else if (steers_text(c)) {
			buf_addf(out, "\\u{%04x}", (unsigned)c);
		} else {
			buf_add(out, s, step);
		}
		s += step;
		len -= step;
	}
}
