#include "base/compat.h"

#include "out/say.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "out/term.h"

/* Everything goes out in one call, so that two processes do not mix their lines. */
static void say(const struct say *s, const char *label, enum color c, const char *text)
{
	struct buf line = BUF_INIT, safe = BUF_INIT;
	size_t indent = *label ? strlen(label) + 2 : 0, len = strlen(text);
	const char *at, *end;

	while (len > 0 && text[len - 1] == '\n')
		len--;
	text_printable(&safe, text, len, TEXT_KEEP_NEWLINES);
	if (*label)
		buf_addf(&line, "%s%s:%s ", term_color(s->color, c), label,
			 term_reset(s->color));
	at = buf_str(&safe);
	for (;;) {
		end = strchrnul(at, '\n');
		buf_add(&line, at, (size_t)(end - at));
		buf_addc(&line, '\n');
		if (!*end)
			break;
		at = end + 1;
		if (*at != '\n')
			buf_addf(&line, "%*s", (int)indent, "");
	}
	fwrite(line.s, 1, line.len, s->to);
	fflush(s->to);
	buf_release(&line);
	buf_release(&safe);
}

static void sayf(const struct say *s, const char *label, enum color c, const char *fmt,
		 va_list ap)
{
	struct buf text = BUF_INIT;

	buf_vaddf(&text, fmt, ap);
	say(s, label, c, text.s);
	buf_release(&text);
}

static bool wants_hint(const struct say *s, const char *advice)
{
	return !s->quiet && !(*advice && s->silenced && s->silenced(s->arg, advice));
}

/* The line of the place, and a caret under it. */
static void show_excerpt(const struct say *s, const struct err *err)
{
	struct buf text = BUF_INIT;

	buf_addf(&text, "%s\n%*s^", err->excerpt, (int)err->caret, "");
	say(s, "", COLOR_NONE, text.s);
	buf_release(&text);
}

void say_error(const struct say *s, const struct err *err)
{
	say(s, "error", COLOR_RED, err->message);
	if (*err->excerpt)
		show_excerpt(s, err);
	if (*err->detail)
		say(s, "detail", COLOR_BOLD, err->detail);
	if (*err->server_hint && wants_hint(s, "server"))
		say(s, "hint", COLOR_YELLOW, err->server_hint);
	if (*err->hint && wants_hint(s, err->advice))
		say(s, "hint", COLOR_YELLOW, err->hint);
}

void say_warning(const struct say *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sayf(s, "warning", COLOR_YELLOW, fmt, ap);
	va_end(ap);
}

void say_note(const struct say *s, const char *fmt, ...)
{
	va_list ap;

	if (s->quiet)
		return;
	va_start(ap, fmt);
	sayf(s, "", COLOR_NONE, fmt, ap);
	va_end(ap);
}

void say_hint(const struct say *s, const char *advice, const char *fmt, ...)
{
	va_list ap;

	if (!wants_hint(s, advice))
		return;
	va_start(ap, fmt);
	sayf(s, "hint", COLOR_YELLOW, fmt, ap);
	va_end(ap);
}
