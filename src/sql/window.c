#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "sql/window.h"

enum { STEP = 256 * 1024 };

void sql_window_memory(struct sql_window *w, const char *text, size_t len)
{
	memset(w, 0, sizeof(*w));
	w->s = text;
	w->have = len;
	w->ended = true;
}

int sql_window_open(struct sql_window *w, const struct source *source, struct err *err)
{
	memset(w, 0, sizeof(*w));
	w->source = *source;
	return w->source.rewind(w->source.arg, err);
}

void sql_window_release(struct sql_window *w)
{
	free(w->own);
	memset(w, 0, sizeof(*w));
}

/* Whether eight bytes are ASCII, and none of them NUL. */
static bool all_ascii(const char *s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
	uint64_t w;

	memcpy(&w, s, sizeof(w));
	/* NUL less one has the high bit; any other borrow begins at a NUL too */
	return (((w - ones) | w) & high) == 0;
}

/*
 * How many of the bytes from `at` on are whole characters, up to `end` or a little
 * beyond; fewer where one is not, or is NUL.
 */
static size_t count_valid(const char *s, size_t len, size_t at, size_t end)
{
	size_t start = at, n;

	while (at < end) {
		if (at + 8 <= len && all_ascii(s + at)) {
			at += 8;
			continue;
		}
		n = s[at] & 0x80 ? utf8_char_len(s + at, len - at) : s[at] != '\0';
		if (n == 0)
			break;
		at += n;
	}
	return at - start;
}

static int refuse(const struct sql_window *w, struct err *err)
{
	unsigned char c = (unsigned char)w->s[w->len];

	if (c) {
		err_set(err, ERR_REFUSED, "byte 0x%02x is not UTF-8", c);
		err_hint(err, "sql-encoding", "Save the file as UTF-8.");
	} else {
		err_set(err, ERR_REFUSED, "NUL byte in the SQL");
		err_hint(err, "sql-encoding",
			 "A server would take it for the end. Save the file as UTF-8.");
	}
	return -1;
}

/* What the source gives at once: `STEP` bytes, or more where more is wanted. */
static int read_some(struct sql_window *w, size_t want, struct err *err)
{
	enum { ROOM_MAX = 32 * 1024 * 1024 }; /* more than is needed */
	size_t room = want > STEP ? want : STEP, more = w->alloc / 2;
	ssize_t n;

	if (w->have + room > w->alloc) {
		w->alloc = w->have + room + (more < ROOM_MAX ? more : ROOM_MAX);
		w->own = xrealloc(w->own, w->alloc + 1); /* and a NUL */
		w->s = w->own;
	}
	n = w->source.read(w->source.arg, w->own + w->have, room, err);
	if (n < 0)
		return -1;
	w->have += (size_t)n;
	w->ended = n == 0;
	return 0;
}

int sql_window_more(struct sql_window *w, size_t want, struct err *err)
{
	enum { CHARACTER = 4 }; /* bytes of the longest one */
	size_t ready, n;

	if (want == 0)
		want = 1;
	for (;;) {
		ready = w->have - w->len;
		if (!w->ended && ready < want) {
			if (read_some(w, want - ready, err) < 0)
				return -1;
			continue;
		}
		if (ready == 0)
			return 0;
		if (!w->own && ready > STEP && want < ready)
			ready = want > STEP ? want : STEP;
		n = count_valid(w->s, w->have, w->len, w->len + ready);
		w->len += n;
		if (n > 0)
			return 1;
		if (w->ended || ready >= CHARACTER)
			return refuse(w, err);
		want = ready + 1; /* a character that was cut */
	}
}

size_t sql_window_drop(struct sql_window *w, size_t nr)
{
	if (!w->own || nr == 0)
		return 0;
	memmove(w->own, w->own + nr, w->have - nr);
	w->have -= nr;
	w->len -= nr;
	w->dropped += nr;
	return nr;
}
