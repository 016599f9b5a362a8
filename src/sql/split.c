/*
 * Counts parentheses and words to see where a statement ends; what a token is
 * token.c knows. All offsets are into the window, which moves when more is read.
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "sql/caret.h"
#include "sql/internal.h"
#include "sql/split.h"

/* What was seen of the statement so far. */
enum { TEXT_LONG = 256 * 1024 }; /* a statement that is not copied */

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

/* --- reading ----------------------------------------------------------- */

static void count_to(struct sql_split *s, size_t to)
{
	sql_advance(s->window.s, s->window.len, s->counted, to, &s->line, &s->column);
	s->counted = to;
}

int sql_split_at(const struct sql_split *s, size_t offset, struct err *err)
{
	err->line = s->line;
	err->column = s->column;
	sql_advance(s->window.s, s->window.len, s->counted, offset, &err->line,
		    &err->column);
	sql_excerpt(s->window.s, s->window.len, offset, err);
	return -1;
}

int sql_split_more(struct sql_split *s, size_t keep, size_t *gone, struct err *err)
{
	enum { WANT_MAX = 32 * 1024 * 1024 };
	struct sql_window *w = &s->window;
	size_t want = w->len - s->at; /* twice as much of what did not end */
	int rc;

	/* whether a CR is a line break of its own is told by what follows */
	if (keep == w->len && keep > s->counted && w->s[keep - 1] == '\r')
		keep--;
	if (keep > s->counted)
		count_to(s, keep);
	*gone = sql_window_drop(w, keep);
	s->counted -= *gone;
	s->at -= *gone;
	rc = sql_window_more(w, want < WANT_MAX ? want : WANT_MAX, err);
	if (rc < 0 && err->code == ERR_REFUSED)
		sql_split_at(s, w->len, err);
	return rc;
}

/* The same in the middle of a statement, whose offsets move along. */
static int read_on(struct sql_split *s, struct state *st, struct err *err)
{
	size_t gone, i;
	int rc = sql_split_more(s, st->tokens ? st->start : s->at, &gone, err);

	if (gone == 0 || st->tokens == 0)
		return rc;
	st->start -= gone;
	st->end -= gone;
	st->first_paren -= st->parens ? gone : 0;
	for (i = 0; i < ARRAY_SIZE(st->lead) && i < st->tokens; i++) {
		st->lead[i].start -= gone;
		st->lead[i].end -= gone;
	}
	return rc;
}

/* The next token, whole. */
static int read_token(struct sql_split *s, struct state *st, struct token *t,
		      struct err *err)
{
	int rc = 1;

	for (;;) {
		token_next(s->window.s, s->window.len, s->at, t);
		if (!t->cut || rc == 0)
			return 0;
		rc = read_on(s, st, err); /* 0: as it is, where it is now */
		if (rc < 0)
			return -1;
	}
}

/* Passes a byte order mark over. */
static int begin(struct sql_split *s, struct err *err)
{
	enum { MARK = 3 };
	size_t gone;
	int rc = 1;

	s->line = s->column = 1;
	while (rc > 0 && s->window.len < MARK)
		rc = sql_split_more(s, 0, &gone, err);
	s->at = s->counted = sql_mark_len(s->window.s, s->window.len);
	return rc < 0 ? -1 : 0;
}

int sql_split_init(struct sql_split *s, const char *input, size_t len, struct err *err)
{
	memset(s, 0, sizeof(*s));
	sql_window_memory(&s->window, input, len);
	return begin(s, err);
}

int sql_split_open(struct sql_split *s, const struct source *source, struct err *err)
{
	memset(s, 0, sizeof(*s));
	return sql_window_open(&s->window, source, err) < 0 ? -1 : begin(s, err);
}

void sql_split_close(struct sql_split *s)
{
	sql_window_release(&s->window);
	free(s->key);
	memset(s, 0, sizeof(*s));
}

/* --- what is refused --------------------------------------------------- */

static int refuse_unterminated(const struct sql_split *s, const struct token *t,
			       struct err *err)
{
	err_set(err, ERR_REFUSED, "%s is never closed", t->what);
	err_hint(err, "sql-unterminated",
		 "It begins here and swallows the rest of the file. Close it.");
	return sql_split_at(s, t->start, err);
}

static int refuse_paren(const struct sql_split *s, size_t offset, struct err *err)
{
	err_set(err, ERR_REFUSED, "parenthesis is never closed");
	err_hint(err, "sql-unterminated",
		 "Semicolons in parentheses end no statement, so the rest of the file "
		 "belongs to this one. Close it.");
	return sql_split_at(s, offset, err);
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

/* Of the backslash at `at` and the name behind it. */
static size_t command_len(const struct sql_window *w, size_t at)
{
	size_t end = at + 1;

	while (end < w->len && sql_is_word(w->s[end]) && !(w->s[end] & 0x80))
		end++;
	if (end == at + 1 && end < w->len && w->s[end] > ' ' && w->s[end] < 0x7f)
		end++;
	return end - at;
}

static int refuse_command(const struct sql_split *s, struct err *err)
{
	const char *name = s->window.s + s->at;
	size_t len = command_len(&s->window, s->at);

	err_set(err, ERR_REFUSED, "psql command '%.*s' cannot be part of a migration",
		len < 40 ? (int)len : 40, name);
	err_detail(err, "psql's commands run on the client: what they read or do is "
			"outside of the commit.");
	err_hint(err, "psql-command", "%s", command_hint(name + 1, len - 1));
	return sql_split_at(s, s->at, err);
}

/*
 * \restrict and \unrestrict, which every newer pg_dump writes, allow and forbid
 * what we never allow: nothing to do, but they must match. `end` is that of the
 * line. 0, or -1 without a word.
 */
static int take_restrict(struct sql_split *s, size_t end)
{
	const char *name = s->window.s + s->at + 1, *key;
	size_t len = command_len(&s->window, s->at) - 1, key_len;
	bool starts = len == 8 && memcmp(name, "restrict", 8) == 0;
	bool ends = len == 10 && memcmp(name, "unrestrict", 10) == 0;

	if (!starts && !ends)
		return -1;
	key_len = (size_t)(s->window.s + end - (name + len));
	key = text_trim(name + len, &key_len);
	if (key_len == 0 || starts == (s->key != NULL) ||
	    (ends && (key_len != strlen(s->key) || memcmp(key, s->key, key_len) != 0)))
		return -1;
	free(s->key);
	s->key = starts ? xstrndup(key, key_len) : NULL;
	return 0;
}

/* A psql command stands at s->at. Goes on behind its line, or refuses it. */
static int pass_command(struct sql_split *s, struct state *st, struct err *err)
{
	enum { LONGEST = 4096 };
	const struct sql_window *w = &s->window;
	size_t end = sql_line_end(w->s, w->len, s->at);
	int rc = 1;

	while (rc > 0 && end == w->len && end - s->at < LONGEST) {
		rc = read_on(s, st, err);
		end = sql_line_end(w->s, w->len, s->at);
	}
	if (rc < 0)
		return -1;
	if (st->tokens || end - s->at > LONGEST || take_restrict(s, end) < 0)
		return refuse_command(s, err);
	s->at = end;
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

/* What was read up to s->at holds a statement. */
static int complete(struct sql_split *s, const struct state *st,
		    struct sql_statement *out)
{
	const char *text = s->window.s;

	count_to(s, st->start);
	memset(out, 0, sizeof(*out));
	out->text = text + st->start;
	out->len = st->end - st->start;
	out->offset = s->window.dropped + st->start;
	out->line = s->line;
	out->column = s->column;
	classify(text, st, out);
	if (out->word == WORD_COPY_STDIN) {
		sql_split_at(s, st->start, &s->copy);
		count_to(s, s->at);
		out->data_line = s->line + 1;
		s->data = SQL_DATA_BEHIND;
	}
	return 1;
}

/* Data that nobody took. */
static int pass_data(struct sql_split *s, struct err *err)
{
	const char *piece;
	size_t len;
	int rc;

	do
		rc = sql_split_data(s, &piece, &len, err);
	while (rc > 0);
	return rc;
}

const char *sql_split_text(struct sql_split *s, const struct sql_statement *st,
			   struct buf *room)
{
	if (!s->window.own || st->len < TEXT_LONG || st->word == WORD_COPY_STDIN) {
		buf_reset(room);
		buf_add(room, st->text, st->len);
		return buf_str(room);
	}
	s->cut = s->window.own + (st->text - s->window.s) + st->len;
	s->taken = *s->cut;
	*s->cut = '\0';
	return st->text;
}

static void mend_text(struct sql_split *s)
{
	if (s->cut)
		*s->cut = s->taken;
	s->cut = NULL;
}

int sql_split_next(struct sql_split *s, struct sql_statement *out, struct err *err)
{
	struct state st = { 0 };
	struct token t;

	mend_text(s);
	if (pass_data(s, err) < 0)
		return -1;
	for (;;) {
		if (read_token(s, &st, &t, err) < 0)
			return -1;
		if (t.kind == TOKEN_UNTERMINATED)
			return refuse_unterminated(s, &t, err);
		if (t.kind == TOKEN_BACKSLASH) {
			if (pass_command(s, &st, err) < 0)
				return -1;
			continue;
		}
		s->at = t.end;
		if (t.kind == TOKEN_BLANK)
			continue;
		if (t.kind == TOKEN_END) {
			if (st.parens)
				return refuse_paren(s, st.first_paren, err);
			return st.tokens ? complete(s, &st, out) : 0;
		}
		if (t.kind != TOKEN_SEMICOLON || st.parens || st.begins)
			count_token(s->window.s, &t, &st);
		else if (st.tokens)
			return complete(s, &st, out);
	}
}
