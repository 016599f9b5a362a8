#include "base/compat.h"

#include "base/buf.h"
#include "base/text.h"
#include "core/message.h"
#include "core/oid.h"

#define SCISSORS " ------------------------ >8 ------------------------"

/* git's own candidates for core.commentChar=auto, in its order. */
static const char candidates[] = "#;@!$%^&|:";

/* With "auto", the one that begins the last line, where git's own comment stands. */
static char guess_comment(const char *text, size_t len)
{
	char first;

	while (len > 0 && ascii_isspace((unsigned char)text[len - 1]))
		len--;
	while (len > 0 && text[len - 1] != '\n')
		len--;
	first = text[len];
	return first && strchr(candidates, first) ? first : '#';
}

/* Whether git cuts the message off at this line. */
static bool is_scissors(const char *line, size_t len, const char *comment)
{
	size_t before = strlen(comment);

	return len == before + strlen(SCISSORS) && strncmp(line, comment, before) == 0 &&
	       strncmp(line + before, SCISSORS, strlen(SCISSORS)) == 0;
}

void message_clean(struct buf *out, const char *text, size_t len,
		   const struct message_style *style)
{
	char guessed[2] = "#";
	const char *comment = style->comment && style->comment[0] ? style->comment
								  : guessed;
	size_t start = out->len, line_len, kept, empty = 0;
	const char *line, *end = text + len, *next;

	if (strcmp(comment, "auto") == 0) {
		guessed[0] = guess_comment(text, len);
		comment = guessed;
	}
	for (line = text; line < end; line = next) {
		next = memchr(line, '\n', (size_t)(end - line));
		line_len = (size_t)((next ? next : end) - line);
		next = next ? next + 1 : end;
		if (is_scissors(line, line_len, comment))
			break;
		if (!style->keeps_comments && line_len >= strlen(comment) &&
		    strncmp(line, comment, strlen(comment)) == 0)
			continue;
		for (kept = line_len;
		     kept > 0 && ascii_isspace((unsigned char)line[kept - 1]); kept--)
			;
		if (!kept) {
			empty++;
			continue;
		}
		if (empty && out->len > start)
			buf_addc(out, '\n');
		empty = 0;
		buf_add(out, line, kept);
		buf_addc(out, '\n');
	}
}

bool message_is_melded(const char *message)
{
	return starts_with(message, "fixup! ") || starts_with(message, "squash! ") ||
	       starts_with(message, "amend! ");
}

bool message_reverts(const char *message, size_t *at, struct oid *out)
{
	static const char words[] = "This reverts commit ";
	const char *found;
	size_t len;

	while ((found = strstr(message + *at, words))) {
		found += strlen(words);
		*at = (size_t)(found - message);
		len = strspn(found, "0123456789abcdef");
		if (len == OID_HEXSZ && oid_parse(out, found, len) == 0)
			return true;
	}
	return false;
}

bool message_is_unfilled(const char *value)
{
	size_t len = strlen(value);

	value = text_trim(value, &len);
	return len == 0 || (value[0] == '<' && value[len - 1] == '>');
}
