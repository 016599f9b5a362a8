#include "base/compat.h"

#include "base/err.h"
#include "base/text.h"
#include "sql/internal.h"
#include "sql/split.h"

/*
 * Two steps: token_next() knows the shapes of tokens and no state, so that
 * others can ask it too; the rest counts parentheses and words to see where a
 * statement ends.
 */

/* What was seen of the statement so far. */
struct state {
	size_t start, end; /* of its tokens, without blanks around them */
	size_t tokens;
	size_t parens, first_paren;
	/* psql's guess at BEGIN ATOMIC bodies: words so far, their first letters */
	size_t words, begins;
	char initials[4];
	struct token lead[3]; /* its first tokens */
	bool from_seen, from_last, from_stdin;
};

static const size_t NEVER = SIZE_MAX;

/* flex's {space} of psqlscan.l */
static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_newline(char c)
{
	return c == '\n' || c == '\r';
}

static bool is_word_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_word(char c)
{
	return is_word_start(c) || ascii_isdigit((unsigned char)c);
}

static bool at_pair(const char *s, size_t len, size_t at, const char pair[3])
{
	return at + 1 < len && s[at] == pair[0] && s[at + 1] == pair[1];
}

static size_t line_comment_end(const char *s, size_t len, size_t at)
{
	while (at < len && !is_newline(s[at]))
		at++;
	return at;
}

static size_t block_comment_end(const char *s, size_t len, size_t at)
{
	size_t depth = 0;

	while (at < len) {
		if (at_pair(s, len, at, "/*")) {
			depth++;
			at += 2;
		} else if (at_pair(s, len, at, "*/")) {
			at += 2;
			if (--depth == 0)
				return at;
		} else {
			at++;
		}
	}
	return NEVER;
}

/*
 * A string may go on in a further pair of quotes when a newline stands between.
 * Returns the place behind the opening quote of the continuation, else `at`.
 */
static size_t continuation(const char *s, size_t len, size_t at)
{
	size_t i = at;
	bool newline = false;

	while (i < len) {
		if (is_space(s[i])) {
			newline |= is_newline(s[i]);
			i++;
		} else if (at_pair(s, len, i, "--")) {
			i = line_comment_end(s, len, i);
			if (i == len)
				return at;
		} else {
			return newline && s[i] == '\'' ? i + 1 : at;
		}
	}
	return at;
}

/* `at` is behind the opening quote; returns the place behind the closing one. */
static size_t quote_end(const char *s, size_t len, size_t at, char quote, bool escapes)
{
	size_t next;

	while (at < len) {
		if (s[at] == '\\' && escapes) {
			at += 2;
		} else if (s[at] != quote) {
			at++;
		} else if (at + 1 < len && s[at + 1] == quote) {
			at += 2;
		} else {
			/* only an E'' string keeps its kind where it matters */
			next = escapes ? continuation(s, len, at + 1) : at + 1;
			if (next == at + 1)
				return next;
			at = next;
		}
	}
	return NEVER;
}

/* Length of "$tag$" at `at`, 0 when there is none. */
static size_t dollar_tag(const char *s, size_t len, size_t at)
{
	size_t i = at + 1;

	if (i < len && is_word_start(s[i]))
		while (i < len && is_word(s[i]))
			i++;
	return i < len && s[i] == '$' ? i + 1 - at : 0;
}

static size_t dollar_end(const char *s, size_t len, size_t at, size_t tag)
{
	const char *body = s + at + tag, *found;

	found = memmem(body, len - at - tag, s + at, tag);
	return found ? (size_t)(found - s) + tag : NEVER;
}

static size_t digits_end(const char *s, size_t len, size_t at)
{
	while (at < len && ascii_isdigit((unsigned char)s[at]))
		at++;
	return at;
}

static size_t number_end(const char *s, size_t len, size_t at)
{
	size_t end = digits_end(s, len, at), exponent;

	if (end < len && s[end] == '.' && !at_pair(s, len, end, ".."))
		end = digits_end(s, len, end + 1);
	if (end < len && (s[end] == 'e' || s[end] == 'E')) {
		exponent = end + 1;
		if (exponent < len && (s[exponent] == '+' || s[exponent] == '-'))
			exponent++;
		if (digits_end(s, len, exponent) > exponent)
			end = digits_end(s, len, exponent);
	}
	return end;
}

static void finish(struct token *t, enum token_kind kind, size_t end, const char *what)
{
	t->kind = end == NEVER ? TOKEN_UNTERMINATED : kind;
	t->end = end;
	t->what = what;
}

static void token_dollar(const char *s, size_t len, struct token *t)
{
	size_t tag = dollar_tag(s, len, t->start), end;

	if (tag) {
		finish(t, TOKEN_OTHER, dollar_end(s, len, t->start, tag),
		       "dollar-quoted string");
		return;
	}
	end = digits_end(s, len, t->start + 1); /* a parameter, or a lone '$' */
	finish(t, TOKEN_OTHER, end, NULL);
}

/* A word, or a string with a letter before its quote. */
static void token_word(const char *s, size_t len, struct token *t)
{
	size_t end = t->start + 1;
	bool escapes = s[t->start] == 'e' || s[t->start] == 'E';

	if (end < len && s[end] == '\'' && strchr("bBeExXnN", s[t->start])) {
		finish(t, TOKEN_OTHER, quote_end(s, len, end + 1, '\'', escapes),
		       "quoted string");
		return;
	}
	if (end < len && s[end] == '&' && (s[t->start] == 'u' || s[t->start] == 'U')) {
		finish(t, TOKEN_OTHER, end + 1, NULL); /* U&'..' has no backslashes */
		return;
	}
	while (end < len && (is_word(s[end]) || s[end] == '$'))
		end++;
	finish(t, TOKEN_WORD, end, NULL);
}

void token_next(const char *s, size_t len, size_t at, struct token *t)
{
	char c;

	t->start = at;
	if (at >= len) {
		finish(t, TOKEN_END, len, NULL);
		return;
	}
	c = s[at];
	if (is_space(c)) {
		while (at < len && is_space(s[at]))
			at++;
		finish(t, TOKEN_BLANK, at, NULL);
	} else if (at_pair(s, len, at, "--")) {
		finish(t, TOKEN_BLANK, line_comment_end(s, len, at), NULL);
	} else if (at_pair(s, len, at, "/*")) {
		finish(t, TOKEN_BLANK, block_comment_end(s, len, at), "comment");
	} else if (is_word_start(c)) {
		token_word(s, len, t);
	} else if (ascii_isdigit((unsigned char)c)) {
		finish(t, TOKEN_OTHER, number_end(s, len, at), NULL);
	} else if (c == '\'') {
		finish(t, TOKEN_OTHER, quote_end(s, len, at + 1, c, false),
		       "quoted string");
	} else if (c == '"') {
		finish(t, TOKEN_OTHER, quote_end(s, len, at + 1, c, false),
		       "quoted identifier");
	} else if (c == '$') {
		token_dollar(s, len, t);
	} else {
		finish(t,
		       c == '('	   ? TOKEN_OPEN
		       : c == ')'  ? TOKEN_CLOSE
		       : c == ';'  ? TOKEN_SEMICOLON
		       : c == '\\' ? TOKEN_BACKSLASH
				   : TOKEN_OTHER,
		       at + 1, NULL);
	}
}

bool token_is(const char *s, const struct token *t, const char *word)
{
	size_t len = t->end - t->start;

	return t->kind == TOKEN_WORD && strlen(word) == len &&
	       strncasecmp(s + t->start, word, len) == 0;
}

/* --- places ------------------------------------------------------------ */

void sql_advance(const char *s, size_t len, size_t from, size_t to, unsigned *line,
		 unsigned *column)
{
	size_t at;

	for (at = from; at < to; at++) {
		if (s[at] == '\n' || (s[at] == '\r' && !at_pair(s, len, at, "\r\n"))) {
			++*line;
			*column = 1;
		} else if (s[at] != '\r' && (s[at] & 0xc0) != 0x80) {
			++*column;
		}
	}
}

static size_t mark_len(const char *s, size_t len)
{
	return len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

void sql_place(const char *text, size_t len, size_t offset, unsigned *line,
	       unsigned *column)
{
	*line = *column = 1;
	sql_advance(text, len, mark_len(text, len), offset < len ? offset : len, line,
		    column);
}

static void advance_to(struct sql_split *s, size_t to)
{
	sql_advance(s->input, s->len, s->at, to, &s->line, &s->column);
	s->at = to;
}

/* Sets the place of an error that was just made. Returns -1. */
static int at_place(const struct sql_split *s, size_t offset, struct err *err)
{
	sql_place(s->input, s->len, offset, &err->line, &err->column);
	return -1;
}

/* --- what is refused --------------------------------------------------- */

static int refuse_unterminated(const struct sql_split *s, const struct token *t,
			       struct err *err)
{
	err_set(err, ERR_REFUSED, "%s is never closed", t->what);
	err_hint(err, "sql-unterminated",
		 "It begins here and swallows the rest of the file. Close it.");
	return at_place(s, t->start, err);
}

static int refuse_paren(const struct sql_split *s, size_t offset, struct err *err)
{
	err_set(err, ERR_REFUSED, "parenthesis is never closed");
	err_hint(err, "sql-unterminated",
		 "Semicolons in parentheses end no statement, so the rest of the file "
		 "belongs to this one. Close it.");
	return at_place(s, offset, err);
}

static const char *command_hint(const char *name, size_t len)
{
	static const struct {
		const char *names, *hint;
	} hints[] = {
		{ " i ir include include_relative ",
		  "Put the SQL of that file into the migration itself." },
		{ " copy ", "Use COPY ... FROM STDIN, with the data in the migration." },
		{ " set unset gset if elif else endif prompt getenv setenv ",
		  "Write the values into the SQL, or decide in a DO block." },
		{ " c connect ", "A migration runs in the one database of its target." },
		{ " g gx gexec gdesc watch crosstabview ",
		  "End the statement with a semicolon; build SQL at run time with "
		  "EXECUTE in a DO block." },
		{ " . ", "A line \"\\.\" ends the data of COPY ... FROM STDIN alone." },
		{ " restrict unrestrict ",
		  "The two stand between statements, as pg_dump writes them, and in "
		  "pairs with one key." },
	};
	char word[32];
	size_t i;

	snprintf(word, sizeof(word), " %.*s ", len < 24 ? (int)len : 24, name);
	for (i = 0; i < ARRAY_SIZE(hints); i++)
		if (strstr(hints[i].names, word))
			return hints[i].hint;
	return "Put plain SQL into the migration.";
}

static size_t command_len(const struct sql_split *s, size_t at)
{
	size_t end = at + 1;

	while (end < s->len && (is_word(s->input[end]) && !(s->input[end] & 0x80)))
		end++;
	if (end == at + 1 && end < s->len && s->input[end] > ' ' && s->input[end] < 0x7f)
		end++;
	return end - at;
}

static int refuse_command(const struct sql_split *s, size_t at, struct err *err)
{
	size_t len = command_len(s, at);

	err_set(err, ERR_REFUSED, "psql command '%.*s' cannot be part of a migration",
		len < 40 ? (int)len : 40, s->input + at);
	err_detail(err, "psql's commands run on the client: what they read or do is "
			"outside of the commit.");
	err_hint(err, "psql-command", "%s", command_hint(s->input + at + 1, len - 1));
	return at_place(s, at, err);
}

/* --- psql's commands and COPY data ------------------------------------- */

/*
 * \restrict and \unrestrict, which every newer pg_dump writes, allow and
 * forbid what we never allow: nothing to do, but they must match. Goes on
 * behind their line.
 */
static int pass_command(struct sql_split *s, size_t at, const struct state *st,
			struct err *err)
{
	const char *name = s->input + at + 1, *key;
	size_t len = command_len(s, at) - 1, key_len;
	size_t end = line_comment_end(s->input, s->len, at);
	bool starts = len == 8 && memcmp(name, "restrict", 8) == 0;
	bool ends = len == 10 && memcmp(name, "unrestrict", 10) == 0;

	if (st->tokens || (!starts && !ends))
		return refuse_command(s, at, err);
	key_len = (size_t)(s->input + end - (name + len));
	key = text_trim(name + len, &key_len);
	if (key_len == 0 || starts == (s->key != NULL) ||
	    (ends && (key_len != s->key_len || memcmp(key, s->key, key_len) != 0)))
		return refuse_command(s, at, err);
	s->key = starts ? key : NULL;
	s->key_len = starts ? key_len : 0;
	advance_to(s, end);
	return 0;
}

/* Whether a line "\." stands at `at`, and where the line behind it begins. */
static bool is_data_end(const struct sql_split *s, size_t at, size_t *next)
{
	if (!at_pair(s->input, s->len, at, "\\."))
		return false;
	at += 2;
	if (at < s->len && s->input[at] == '\r')
		at++;
	if (at < s->len && s->input[at] == '\n')
		at++;
	*next = at;
	return at == s->len || is_newline(s->input[at - 1]);
}

/* Takes the lines behind a COPY ... FROM STDIN. */
static int take_data(struct sql_split *s, struct sql_statement *out, struct err *err)
{
	const char *in = s->input, *line_end;
	size_t at = s->at, next = 0;
	char newline;

	while (at < s->len && (in[at] == ' ' || in[at] == '\t' || in[at] == '\f'))
		at++;
	if (at_pair(in, s->len, at, "--"))
		at = line_comment_end(in, s->len, at);
	if (at < s->len && !is_newline(in[at])) {
		err_set(err, ERR_REFUSED, "text behind COPY ... FROM STDIN on its line");
		err_hint(err, "copy-data", "Its data begins on the next line.");
		return at_place(s, at, err);
	}
	/* LF, CR LF, or CR alone where the whole file is like that */
	newline = at < s->len && in[at] == '\r' && !at_pair(in, s->len, at, "\r\n")
			  ? '\r'
			  : '\n';
	at += at_pair(in, s->len, at, "\r\n") ? 2 : at < s->len;
	advance_to(s, at);
	out->data = in + at;
	out->data_line = s->line;
	while (at < s->len && !is_data_end(s, at, &next)) {
		line_end = memchr(in + at, newline, s->len - at);
		at = line_end ? (size_t)(line_end - in) + 1 : s->len;
	}
	if (at == s->len) {
		err_set(err, ERR_REFUSED, "data of COPY ... FROM STDIN has no end");
		err_hint(err, "copy-data",
			 "End it with a line that holds \"\\.\" alone.");
		return at_place(s, out->offset, err);
	}
	out->data_len = (size_t)(in + at - out->data);
	advance_to(s, next);
	return 0;
}

/* --- statements -------------------------------------------------------- */

/* psql's guess whether semicolons belong to a BEGIN ATOMIC body. */
static void count_begins(const char *s, const struct token *t, struct state *st)
{
	static const char *const told[] = { "create", "or", "replace", "function",
					    "procedure" };
	const char *f = st->initials;
	size_t i;

	if (st->words < ARRAY_SIZE(st->initials))
		for (i = 0; i < ARRAY_SIZE(told); i++)
			if (token_is(s, t, told[i]))
				st->initials[st->words] = told[i][0];
	st->words++;
	if (st->parens || f[0] != 'c')
		return;
	if (f[1] == 'o' && f[2] == 'r')
		f += 2;
	if (f[1] != 'f' && f[1] != 'p')
		return;
	if (token_is(s, t, "begin") || (st->begins && token_is(s, t, "case")))
		st->begins++;
	else if (st->begins && token_is(s, t, "end"))
		st->begins--;
}

static void count_token(const char *s, const struct token *t, struct state *st)
{
	if (st->tokens == 0)
		st->start = t->start;
	st->end = t->end;
	if (st->tokens < ARRAY_SIZE(st->lead))
		st->lead[st->tokens] = *t;
	st->tokens++;
	if (t->kind == TOKEN_OPEN) {
		if (st->parens++ == 0)
			st->first_paren = t->start;
	} else if (t->kind == TOKEN_CLOSE && st->parens) {
		st->parens--;
	} else if (t->kind == TOKEN_WORD) {
		count_begins(s, t, st);
	}
	if (st->from_last &&
	    (token_is(s, t, "stdin") || token_is(s, t, "stdout"))) /* both are read */
		st->from_stdin = true;
	st->from_last = !st->from_seen && !st->parens && token_is(s, t, "from");
	st->from_seen |= st->from_last;
}

static bool lead_is(const char *s, const struct state *st, size_t nr, const char *word)
{
	return nr < st->tokens && token_is(s, &st->lead[nr], word);
}

/* Sets word and plain. */
static void classify(const char *s, const struct state *st, struct sql_statement *out)
{
	static const struct {
		const char *name;
		enum sql_word word;
	} words[] = {
		{ "begin", WORD_BEGIN },     { "commit", WORD_COMMIT },
		{ "end", WORD_COMMIT },	     { "rollback", WORD_ROLLBACK },
		{ "abort", WORD_ROLLBACK },  { "savepoint", WORD_SAVEPOINT },
		{ "release", WORD_RELEASE },
	};
	bool transaction = lead_is(s, st, 1, "transaction");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (lead_is(s, st, 0, words[i].name))
			out->word = words[i].word;
	if (out->word == WORD_BEGIN || out->word == WORD_COMMIT ||
	    out->word == WORD_ROLLBACK)
		out->plain = st->tokens == 1 ||
			     (st->tokens == 2 &&
			      (transaction || lead_is(s, st, 1, "work")));
	if (lead_is(s, st, 0, "start") && transaction) {
		out->word = WORD_BEGIN;
		out->plain = st->tokens == 2;
	} else if (lead_is(s, st, 0, "prepare") && transaction) {
		/* PREPARE transaction AS ... is an ordinary statement's name */
		out->word = lead_is(s, st, 2, "as") || (st->tokens > 2 &&
							st->lead[2].kind == TOKEN_OPEN)
				    ? WORD_OTHER
				    : WORD_PREPARE_TRANSACTION;
	} else if (lead_is(s, st, 0, "copy") && st->from_stdin) {
		out->word = WORD_COPY_STDIN;
	}
}

static int complete(struct sql_split *s, const struct state *st, size_t next,
		    struct sql_statement *out, struct err *err)
{
	memset(out, 0, sizeof(*out));
	advance_to(s, st->start);
	out->text = s->input + st->start;
	out->len = st->end - st->start;
	out->offset = st->start;
	out->line = s->line;
	out->column = s->column;
	classify(s->input, st, out);
	advance_to(s, next);
	if (out->word == WORD_COPY_STDIN && take_data(s, out, err) < 0)
		return -1;
	return 1;
}

int sql_split_next(struct sql_split *s, struct sql_statement *out, struct err *err)
{
	struct state st = { 0 };
	struct token t;
	size_t at = s->at;

	for (;; at = t.end) {
		token_next(s->input, s->len, at, &t);
		switch (t.kind) {
		case TOKEN_BLANK:
			break;
		case TOKEN_UNTERMINATED:
			return refuse_unterminated(s, &t, err);
		case TOKEN_BACKSLASH:
			if (pass_command(s, t.start, &st, err) < 0)
				return -1;
			t.end = s->at;
			break;
		case TOKEN_SEMICOLON:
			if (st.parens || st.begins)
				count_token(s->input, &t, &st);
			else if (st.tokens)
				return complete(s, &st, t.end, out, err);
			break;
		case TOKEN_END:
			if (st.parens)
				return refuse_paren(s, st.first_paren, err);
			if (st.tokens)
				return complete(s, &st, t.end, out, err);
			advance_to(s, t.end);
			return 0;
		case TOKEN_WORD:
		case TOKEN_OPEN:
		case TOKEN_CLOSE:
		case TOKEN_OTHER:
			count_token(s->input, &t, &st);
			break;
		}
	}
}

/* Offset of the first byte that is no part of a UTF-8 character, else NEVER. */
static size_t find_invalid(const char *s, size_t len)
{
	size_t at = 0, n;

	while (at < len) {
		n = s[at] & 0x80 ? utf8_char_len(s + at, len - at) : 1;
		if (n == 0)
			return at;
		at += n;
	}
	return NEVER;
}

int sql_split_init(struct sql_split *s, const char *input, size_t len, struct err *err)
{
	const char *nul = len ? memchr(input, '\0', len) : NULL;
	size_t invalid;

	memset(s, 0, sizeof(*s));
	s->input = input;
	s->len = len;
	s->at = mark_len(input, len);
	s->line = s->column = 1;
	if (nul) {
		err_set(err, ERR_REFUSED, "NUL byte in the SQL");
		err_hint(err, "sql-encoding",
			 "A server would take it for the end. Save the file as UTF-8.");
		return at_place(s, (size_t)(nul - input), err);
	}
	invalid = find_invalid(input, len);
	if (invalid != NEVER) {
		err_set(err, ERR_REFUSED, "byte 0x%02x is not UTF-8",
			(unsigned char)input[invalid]);
		err_hint(err, "sql-encoding", "Save the file as UTF-8.");
		return at_place(s, invalid, err);
	}
	return 0;
}
