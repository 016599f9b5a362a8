/* The data that follows COPY ... FROM STDIN, as psql reads it: up to a line "\.". */
#include "base/compat.h"

#include "base/err.h"
#include "sql/internal.h"
#include "sql/split.h"

enum { DATA_END = 4 }; /* bytes of "\.", with CR LF */

/* Brings so many bytes behind s->at into the window, if there are as many. 0 or -1. */
static int bring(struct sql_split *s, size_t nr, struct err *err)
{
	size_t gone;
	int rc = 1;

	while (rc > 0 && s->window.len - s->at < nr)
		rc = sql_split_more(s, s->at, &gone, err);
	return rc < 0 ? -1 : 0;
}

static int refuse_endless(const struct sql_split *s, struct err *err)
{
	err_set(err, ERR_REFUSED, "data of COPY ... FROM STDIN has no end");
	err_hint(err, "copy-data", "End it with a line that holds \"\\.\" alone.");
	return err_place(err, &s->copy);
}

/* What stands behind the statement on its line: blanks and a comment at most. */
static int pass_line(struct sql_split *s, struct err *err)
{
	const struct sql_window *w = &s->window;
	bool comment = false, pair;

	for (;;) {
		if (bring(s, 2, err) < 0)
			return -1;
		if (s->at == w->len)
			return refuse_endless(s, err);
		if (sql_is_newline(w->s[s->at]))
			break;
		comment |= sql_at_pair(w->s, w->len, s->at, "--");
		if (comment) {
			s->at = sql_line_end(w->s, w->len, s->at);
		} else if (strchr(" \t\f", w->s[s->at])) {
			s->at++;
		} else {
			err_set(err, ERR_REFUSED,
				"text behind COPY ... FROM STDIN on its line");
			err_hint(err, "copy-data", "Its data begins on the next line.");
			return sql_split_at(s, s->at, err);
		}
	}
	/* LF, CR LF, or CR alone where the whole file is like that */
	pair = sql_at_pair(w->s, w->len, s->at, "\r\n");
	s->newline = w->s[s->at] == '\r' && !pair ? '\r' : '\n';
	s->at += pair ? 2 : 1;
	s->data = SQL_DATA_LINE;
	return 0;
}

/* Whether a line "\." stands at `at`, and where the line behind it begins. */
static bool is_end(const struct sql_window *w, size_t at, size_t *next)
{
	if (!sql_at_pair(w->s, w->len, at, "\\."))
		return false;
	at += 2;
	if (at < w->len && w->s[at] == '\r')
		at++;
	if (at < w->len && w->s[at] == '\n')
		at++;
	*next = at;
	return at == w->len || sql_is_newline(w->s[at - 1]);
}

/*
 * Where the data stops that the window holds: at its end, or at the line "\.". Lines
 * are many and short, and backslashes few, so those are looked for.
 */
static size_t data_end(struct sql_split *s)
{
	const struct sql_window *w = &s->window;
	size_t at = s->at, next;
	const char *found;

	while ((found = memchr(w->s + at, '\\', w->len - at)) != NULL) {
		at = (size_t)(found - w->s);
		if (at > s->at && w->s[at - 1] == s->newline &&
		    (w->len - at < DATA_END || is_end(w, at, &next))) {
			s->data = SQL_DATA_LINE;
			return at; /* to be looked at when it comes first */
		}
		at++;
	}
	s->data = w->s[w->len - 1] == s->newline ? SQL_DATA_LINE : SQL_DATA_INSIDE;
	return w->len;
}

int sql_split_data(struct sql_split *s, const char **piece, size_t *len, struct err *err)
{
	size_t next;

	*piece = NULL;
	*len = 0;
	if (s->data == SQL_DATA_NONE)
		return 0;
	if (s->data == SQL_DATA_BEHIND && pass_line(s, err) < 0)
		return -1;
	if (bring(s, 1, err) < 0)
		return -1;
	if (s->at == s->window.len)
		return refuse_endless(s, err);
	if (s->data == SQL_DATA_LINE && s->window.s[s->at] == '\\') {
		if (bring(s, DATA_END, err) < 0)
			return -1;
		if (is_end(&s->window, s->at, &next)) {
			s->data = SQL_DATA_NONE;
			s->at = next;
			return 0;
		}
	}
	next = data_end(s);
	*piece = s->window.s + s->at;
	*len = next - s->at;
	s->at = next;
	return 1;
}
