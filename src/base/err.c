#include "base/compat.h"

#include "base/err.h"

void bug_at(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "BUG: %s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

/* Cuts `text` at a character when it filled its room. */
static void cut(char *text, size_t room, int wanted)
{
	size_t end = room - 4;

	if (wanted < 0) {
		text[0] = '\0';
		return;
	}
	if ((size_t)wanted < room)
		return;
	while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
		end--;
	memcpy(text + end, "...", 4);
}

PRINTF_LIKE(3, 0)
static void put(char *text, size_t room, const char *fmt, va_list ap)
{
	cut(text, room, vsnprintf(text, room, fmt, ap));
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	struct err fresh = { .code = code };
	va_list ap;

	/* arguments may point into *err */
	va_start(ap, fmt);
	put(fresh.message, sizeof(fresh.message), fmt, ap);
	va_end(ap);
	*err = fresh;
	return -1;
}

void err_detail(struct err *err, const char *fmt, ...)
{
	char text[sizeof(err->detail)];
	va_list ap;

	va_start(ap, fmt);
	put(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(err->detail, text, sizeof(text));
}

void err_hint(struct err *err, const char *advice, const char *fmt, ...)
{
	char text[sizeof(err->hint)];
	va_list ap;

	va_start(ap, fmt);
	put(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(err->hint, text, sizeof(text));
	snprintf(err->advice, sizeof(err->advice), "%s", advice);
}

void err_server_hint(struct err *err, const char *text)
{
	cut(err->server_hint, sizeof(err->server_hint),
	    snprintf(err->server_hint, sizeof(err->server_hint), "%s", text));
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char before[sizeof(err->message)], whole[sizeof(err->message)];
	va_list ap;

	va_start(ap, fmt);
	put(before, sizeof(before), fmt, ap);
	va_end(ap);
	cut(whole, sizeof(whole),
	    snprintf(whole, sizeof(whole), "%s: %s", before, err->message));
	memcpy(err->message, whole, sizeof(whole));
	return -1;
}

int err_errno(struct err *err, enum err_code code, const char *fmt, ...)
{
	struct err fresh = { .code = code };
	char what[sizeof(err->message)];
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	put(what, sizeof(what), fmt, ap);
	va_end(ap);
	cut(fresh.message, sizeof(fresh.message),
	    snprintf(fresh.message, sizeof(fresh.message), "%s: %s", what,
		     strerror(saved)));
	*err = fresh;
	return -1;
}

int err_place(struct err *err, const struct err *other)
{
	err->line = other->line;
	err->column = other->column;
	err->caret = other->caret;
	memcpy(err->excerpt, other->excerpt, sizeof(err->excerpt));
	return -1;
}

int err_exit_status(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return 0;
	case ERR_REFUSED:
		return 1;
	case ERR_UNCERTAIN:
		return 3;
	case ERR_FATAL:
		return 128;
	case ERR_USAGE:
		return 129;
	case ERR_INTERRUPTED:
		return 130;
	}
	BUG("unhandled error code %d", (int)code);
}
