#include "base/compat.h"

#include "base/buf.h"
#include "base/pool.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/trailer.h"

static const char *const names[TRAILER_NR] = {
	[TRAILER_FIXES] = "Fixes",	     [TRAILER_FAILURE_MODE] = "Failure-Mode",
	[TRAILER_SUPERSEDES] = "Supersedes", [TRAILER_REQUIRES] = "Requires",
	[TRAILER_REVERSAL] = "Reversal",     [TRAILER_DATA_LOSS] = "Data-Loss",
	[TRAILER_PHASE] = "Phase",	     [TRAILER_PAIRS_WITH] = "Pairs-With",
	[TRAILER_NOT_BEFORE] = "Not-Before", [TRAILER_OUT_OF_ORDER] = "Out-Of-Order",
	[TRAILER_CHECKPOINT] = "Checkpoint", [TRAILER_LINT_WAIVE] = "Lint-Waive",
};

const char *trailer_name(enum trailer_key key)
{
	if (key >= TRAILER_NR)
		BUG("no trailer %d", (int)key);
	return names[key];
}

/* What git takes for space; \v and \f are none. */
static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Without space at either end, git's. */
static const char *trim(const char *s, size_t *len)
{
	while (*len > 0 && is_space(s[0])) {
		s++;
		(*len)--;
	}
	while (*len > 0 && is_space(s[*len - 1]))
		(*len)--;
	return s;
}

/* Whether `s` begins with `name`, in any case and whatever the locale. */
static bool has_name(const char *s, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (ascii_tolower((unsigned char)s[i]) !=
		    ascii_tolower((unsigned char)name[i]))
			return false;
	return true;
}

/* Length of "<name><blanks>:" at the start of `s`, 0 when it is not there. */
static size_t match_name(const char *name, const char *s, size_t len)
{
	size_t at = strlen(name);

	if (len < at || !has_name(s, name, at))
		return 0;
	while (at < len && is_blank(s[at]))
		at++;
	return at < len && s[at] == ':' ? at + 1 : 0;
}

/* The same for all of our keys. */
static size_t match_key(const char *s, size_t len, enum trailer_key *key)
{
	size_t at;
	int k;

	for (k = 0; k < TRAILER_NR; k++) {
		at = match_name(names[k], s, len);
		if (at > 0) {
			*key = (enum trailer_key)k;
			return at;
		}
	}
	return 0;
}

/* What is being found, on its way to the pool. */
struct gather {
	struct pool *pool;
	struct trailer *items;
	size_t nr, alloc;
	const char **misplaced;
	size_t misplaced_nr, misplaced_alloc;
	struct directive *words;
	size_t words_nr, words_alloc;
};

static void add_trailer(struct gather *g, enum trailer_key key, const char *value)
{
	VEC_GROW(g->items, g->nr, g->alloc);
	g->items[g->nr].key = key;
	g->items[g->nr++].value = value;
}

static void *to_pool(struct pool *pool, void *items, size_t len)
{
	void *copy = NULL;

	if (len > 0) {
		copy = pool_alloc(pool, len);
		memcpy(copy, items, len);
	}
	free(items);
	return copy;
}

static void finish(struct gather *g, struct trailers *out)
{
	out->items = to_pool(g->pool, g->items, g->nr * sizeof(*g->items));
	out->nr = g->nr;
	out->misplaced = to_pool(g->pool, g->misplaced,
				 g->misplaced_nr * sizeof(*g->misplaced));
	out->misplaced_nr = g->misplaced_nr;
}

/*
 * Messages. This follows git's trailer.c and commit.c step by step; `text` is
 * the whole message from its subject on, and NUL-terminated.
 */

struct block {
	size_t start, end; /* empty where there are no trailers */
};

static size_t next_line(const char *text, size_t at)
{
	at += strcspn(text + at, "\n");
	return text[at] ? at + 1 : at;
}

/* Start of the line that ends before `end`, -1 when there is none. */
static ssize_t line_before(const char *text, size_t end)
{
	size_t at;

	if (end == 0)
		return -1;
	for (at = end - 1; at > 0; at--)
		if (text[at - 1] == '\n')
			return (ssize_t)at;
	return 0;
}

static bool is_blank_line(const char *line)
{
	while (*line && *line != '\n' && is_space(*line))
		line++;
	return !*line || *line == '\n';
}

/* Where the part begins that `git commit -v` cuts off; the length without one. */
static size_t find_scissors(const char *text)
{
	static const char cut[] =
		"\n# ------------------------ >8 ------------------------\n";
	const char *at;

	if (starts_with(text, cut + 1))
		return 0;
	at = strstr(text, cut);
	return at ? (size_t)(at - text) + 1 : strlen(text);
}

/* The end without comments, empty lines and "Conflicts:" lists that stand there. */
static size_t find_end(const char *text)
{
	size_t cut = find_scissors(text), at, ignored = 0;
	bool in_conflicts = false;

	for (at = 0; at < cut; at = next_line(text, at)) {
		if (text[at] == '#' || text[at] == '\n') {
			if (!ignored)
				ignored = at;
		} else if (starts_with(text + at, "Conflicts:\n")) {
			in_conflicts = true;
			if (!ignored)
				ignored = at;
		} else if (!(in_conflicts && text[at] == '\t') && ignored) {
			ignored = 0;
			in_conflicts = false;
		}
	}
	return ignored ? ignored : cut;
}

/* Position of the ':' of any trailer, ours or not; 0 when the line is none. */
static size_t find_separator(const char *line)
{
	size_t at = 0;

	while (ascii_isalnum((unsigned char)line[at]) || line[at] == '-')
		at++;
	if (at > 0)
		at += strspn(line + at, " \t");
	return line[at] == ':' ? at : 0;
}

static bool is_generated(const char *line)
{
	return starts_with(line, "Signed-off-by: ") ||
	       starts_with(line, "(cherry picked from commit ");
}

static size_t end_of_subject(const char *text, size_t end)
{
	size_t at;

	for (at = 0; at < end; at = next_line(text, at))
		if (text[at] != '#' && is_blank_line(text + at))
			break;
	return at;
}

/* Start of the trailers; `end` when there are none. */
static size_t find_start(const char *text, size_t end)
{
	unsigned trailers = 0, others = 0, maybe_continued = 0;
	bool only_spaces = true, generated = false;
	ssize_t first = (ssize_t)end_of_subject(text, end), at;

	for (at = line_before(text, end); at >= first;
	     at = line_before(text, (size_t)at)) {
		const char *line = text + at;

		if (*line == '#') {
			others += maybe_continued;
			maybe_continued = 0;
		} else if (is_blank_line(line)) {
			if (only_spaces)
				continue;
			others += maybe_continued;
			if ((generated && trailers * 3 >= others) ||
			    (trailers && !others))
				return next_line(text, (size_t)at);
			return end;
		} else if (is_generated(line) || find_separator(line)) {
			only_spaces = false;
			generated = generated || is_generated(line);
			trailers++;
			maybe_continued = 0;
		} else if (is_space(*line)) {
			only_spaces = false;
			maybe_continued++;
		} else {
			only_spaces = false;
			others += maybe_continued + 1;
			maybe_continued = 0;
		}
	}
	return end;
}

/*
 * A value with its line breaks, and what space follows them, as one blank. The
 * CR of a CRLF goes too, which git keeps there.
 */
static const char *unfold(struct pool *pool, const char *s, size_t len)
{
	struct buf out = BUF_INIT;
	const char *end, *value;
	size_t value_len;

	s = trim(s, &len);
	for (end = s + len; s < end; s++) {
		if (*s != '\n') {
			buf_addc(&out, *s);
			continue;
		}
		while (out.len > 0 && out.s[out.len - 1] == '\r')
			out.len--;
		while (s + 1 < end && is_space(s[1]))
			s++;
		buf_addc(&out, ' ');
	}
	value_len = out.len;
	value = trim(buf_str(&out), &value_len);
	value = pool_strndup(pool, value, value_len);
	buf_release(&out);
	return value;
}

/* The next trailer, ours or not, from `*at` on: its start; `*at` is its end. */
static bool next_trailer(const char *text, struct block b, size_t *start, size_t *at)
{
	while (*at < b.end) {
		*start = *at;
		*at = next_line(text, *at);
		if (!find_separator(text + *start))
			continue;
		while (*at < b.end && is_space(text[*at]))
			*at = next_line(text, *at);
		return true;
	}
	return false;
}

static void read_block(struct gather *g, const char *text, struct block b)
{
	size_t at, next = b.start, colon;
	enum trailer_key key;

	while (next_trailer(text, b, &at, &next)) {
		colon = match_key(text + at, next - at, &key);
		if (colon)
			add_trailer(g, key,
				    unfold(g->pool, text + at + colon,
					   next - at - colon));
	}
}

/* Lines of text[from, to) that look like trailers of ours. */
static void read_misplaced(struct gather *g, const char *text, size_t from, size_t to)
{
	/* git merge --squash indents the messages that it joins, trailers and all */
	bool squashed = starts_with(text, "Squashed commit of the following:");
	enum trailer_key key;
	const char *line;
	size_t at, len, colon;

	for (at = from; at < to; at = next_line(text, at)) {
		len = strcspn(text + at, "\n");
		line = trim(text + at, &len);
		colon = match_key(line, len, &key);
		if ((line != text + at && !squashed) || !colon)
			continue;
		line = pool_strndup(g->pool, line, len);
		if (trailer_is_issue(line + colon))
			continue;
		VEC_GROW(g->misplaced, g->misplaced_nr, g->misplaced_alloc);
		g->misplaced[g->misplaced_nr++] = line;
	}
}

void trailers_from_message(struct trailers *out, struct pool *pool, const char *message,
			   size_t len)
{
	struct gather g = { .pool = pool };
	char *copy = xstrndup(message, strnlen(message, len));
	const char *text = copy;
	struct block b;

	while (*text && is_blank_line(text))
		text += next_line(text, 0);
	b.end = find_end(text);
	b.start = find_start(text, b.end);
	read_misplaced(&g, text, 0, b.start);
	read_block(&g, text, b);
	read_misplaced(&g, text, b.end, strlen(text));
	finish(&g, out);
	free(copy);
}

size_t trailers_named(const char ***out, struct pool *pool, const char *message,
		      const char *key)
{
	const char **values = NULL;
	size_t nr = 0, alloc = 0, at, next, colon;
	struct block b;

	while (*message && is_blank_line(message))
		message += next_line(message, 0);
	b.end = find_end(message);
	next = b.start = find_start(message, b.end);
	while (next_trailer(message, b, &at, &next)) {
		colon = match_name(key, message + at, next - at);
		if (!colon)
			continue;
		VEC_GROW(values, nr, alloc);
		values[nr++] = unfold(pool, message + at + colon, next - at - colon);
	}
	*out = to_pool(pool, values, nr * sizeof(*values));
	return nr;
}

/* Headers of SQL files. */

enum opened { OPEN_NOTHING, OPEN_TRAILER, OPEN_DIRECTIVE };

/* The trailer or directive that the next line may continue. */
struct header {
	struct gather g;
	enum opened opened;
	enum trailer_key key;
	struct buf value;
};

/* Up to the next blank that stands in no pair of double quotes. */
static size_t word_len(const char *s)
{
	size_t len = 0;
	const char *close;

	while (s[len] && !is_blank(s[len])) {
		close = s[len] == '"' ? strchr(s + len + 1, '"') : NULL;
		len = close ? (size_t)(close - s) + 1 : len + 1;
	}
	return len;
}

static void add_words(struct gather *g, const char *s)
{
	const char *equals;
	char *word;
	size_t len;

	for (s += strspn(s, " \t"); *s; s += strspn(s, " \t")) {
		len = word_len(s);
		word = pool_strndup(g->pool, s, len);
		s += len;
		equals = strchr(word, '=');
		VEC_GROW(g->words, g->words_nr, g->words_alloc);
		g->words[g->words_nr].value = equals ? equals + 1 : NULL;
		g->words[g->words_nr++].word = equals ? pool_strndup(g->pool, word,
								     (size_t)(equals -
									      word))
						      : word;
	}
}

static void close_value(struct header *h)
{
	if (h->opened == OPEN_TRAILER)
		add_trailer(&h->g, h->key, pool_strdup(h->g.pool, buf_str(&h->value)));
	else if (h->opened == OPEN_DIRECTIVE)
		add_words(&h->g, buf_str(&h->value));
	h->opened = OPEN_NOTHING;
	buf_reset(&h->value);
}

static void add_value(struct header *h, const char *s, size_t len)
{
	s = text_trim(s, &len);
	if (h->value.len && len)
		buf_addc(&h->value, ' ');
	buf_add(&h->value, s, len);
}

/* What stands behind the dashes of one line. */
static void read_comment(struct header *h, const char *s, size_t len)
{
	size_t indent = 0, colon;

	while (indent < len && is_blank(s[indent]))
		indent++;
	if (indent < len && indent >= 2 && h->opened != OPEN_NOTHING) {
		add_value(h, s, len);
		return;
	}
	close_value(h);
	if (indent >= 2)
		return;
	s += indent;
	len -= indent;
	colon = match_key(s, len, &h->key);
	if (colon) {
		h->opened = OPEN_TRAILER;
	} else {
		colon = match_name("migrate", s, len);
		if (!colon)
			return;
		h->opened = OPEN_DIRECTIVE;
	}
	add_value(h, s + colon, len - colon);
}

void trailers_from_header(struct trailers *out, struct directives *how, struct pool *pool,
			  const char *sql, size_t len)
{
	struct header h = { .g.pool = pool };
	const char *end = sql + len, *line, *next;
	size_t line_len;

	if (len >= 3 && memcmp(sql, "\xef\xbb\xbf", 3) == 0)
		sql += 3;
	for (; sql < end; sql = next) {
		next = memchr(sql, '\n', (size_t)(end - sql));
		next = next ? next + 1 : end;
		line_len = (size_t)(next - sql);
		line = text_trim(sql, &line_len);
		if (line_len == 0) {
			close_value(&h);
			continue;
		}
		if (line_len < 2 || memcmp(line, "--", 2) != 0)
			break;
		read_comment(&h, line + 2, line_len - 2);
	}
	close_value(&h);
	buf_release(&h.value);
	how->nr = h.g.words_nr;
	how->items = to_pool(pool, h.g.words, h.g.words_nr * sizeof(*h.g.words));
	finish(&h.g, out);
}

bool directives_ask(const struct directives *how, const char *word)
{
	size_t i;

	for (i = 0; i < how->nr; i++)
		if (strcasecmp(how->items[i].word, word) == 0)
			return true;
	return false;
}

/* "migrate", perhaps a colon, and a word that says how a file is run. */
static bool looks_like_directive(const char *s, size_t len)
{
	static const char *const words[] = { "no-transaction", "foreign-keys", "batch" };
	size_t at = strlen("migrate"), i, n;

	if (len < at || !has_name(s, "migrate", at))
		return false;
	while (at < len && (is_blank(s[at]) || s[at] == ':'))
		at++;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		n = strlen(words[i]);
		if (len - at >= n && has_name(s + at, words[i], n) &&
		    (len - at == n || !ascii_isalnum((unsigned char)s[at + n])))
			return true;
	}
	return false;
}

/* Whether read_comment() takes what stands behind the dashes for one. */
static bool is_directive(const char *s, size_t len)
{
	size_t indent = 0;

	while (indent < len && is_blank(s[indent]))
		indent++;
	return indent < 2 && match_name("migrate", s + indent, len - indent);
}

bool directive_overlooked(const char *sql, size_t len, bool has_header, size_t *at,
			  bool *below)
{
	const char *end = sql + len, *start = sql + *at, *from = sql, *next, *line;
	size_t line_len, skip;

	*below = !has_header;
	if (len >= 3 && memcmp(sql, "\xef\xbb\xbf", 3) == 0)
		from += 3;
	for (; from < end; from = next) {
		next = memchr(from, '\n', (size_t)(end - from));
		next = next ? next + 1 : end;
		line_len = (size_t)(next - from);
		line = text_trim(from, &line_len);
		if (line_len < 2 || memcmp(line, "--", 2) != 0) {
			*below = *below || line_len > 0;
			continue;
		}
		for (skip = 2; skip < line_len && is_blank(line[skip]); skip++)
			;
		if (from < start || !looks_like_directive(line + skip, line_len - skip) ||
		    (!*below && is_directive(line + 2, line_len - 2)))
			continue;
		*at = (size_t)(line - sql);
		return true;
	}
	return false;
}

/* Values. */

const char *trailers_get(const struct trailers *t, enum trailer_key key)
{
	size_t i;

	for (i = 0; i < t->nr; i++)
		if (t->items[i].key == key)
			return t->items[i].value;
	return NULL;
}

/* The first one from `*at` on with that key, NULL when there is none. */
static const struct trailer *next_of(const struct trailers *t, int key, size_t *at)
{
	while (*at < t->nr) {
		const struct trailer *found = &t->items[(*at)++];

		if ((int)found->key == key)
			return found;
	}
	return NULL;
}

bool trailers_eq(const struct trailers *a, const struct trailers *b)
{
	const struct trailer *left, *right;
	size_t at, bt;
	int key;

	if (a->nr != b->nr)
		return false;
	for (key = 0; key < TRAILER_NR; key++) {
		at = bt = 0;
		do {
			left = next_of(a, key, &at);
			right = next_of(b, key, &bt);
			if (!left != !right)
				return false;
			if (left && strcmp(left->value, right->value) != 0)
				return false;
		} while (left);
	}
	return true;
}

/* Whether digits and the end of a word stand here. */
static bool is_issue_number(const char *s)
{
	size_t len = strspn(s, "0123456789");

	return len > 0 && (!s[len] || strchr(" \t,;.:)", s[len]));
}

/* "scheme://..." */
static bool is_url(const char *s)
{
	const char *at = s;

	while (ascii_isalnum((unsigned char)*at) || (*at && strchr("+.-", *at)))
		at++;
	return at > s && starts_with(at, "://");
}

bool trailer_is_issue(const char *value)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789._-";
	size_t owner, repo;

	while (is_space(*value))
		value++;
	if (value[0] == '#')
		return is_issue_number(value + 1);
	if (strncasecmp(value, "GH-", 3) == 0 && is_issue_number(value + 3))
		return true;
	if (is_url(value))
		return true;
	owner = strspn(value, word);
	if (owner == 0 || value[owner] != '/')
		return false;
	value += owner + 1;
	repo = strspn(value, word);
	return repo > 0 && value[repo] == '#' && is_issue_number(value + repo + 1);
}

void trailer_split_reason(struct pool *pool, const char *value, const char **what,
			  const char **reason)
{
	size_t len = strlen(value), what_len = len, at;
	const char *s;

	*reason = "";
	for (at = 0; at + 2 <= len; at++) {
		if (memcmp(value + at, "--", 2) != 0 ||
		    (at > 0 && !is_blank(value[at - 1])) ||
		    (value[at + 2] && !is_blank(value[at + 2])))
			continue;
		len -= at + 2;
		s = text_trim(value + at + 2, &len);
		*reason = pool_strndup(pool, s, len);
		what_len = at;
		break;
	}
	s = text_trim(value, &what_len);
	*what = pool_strndup(pool, s, what_len);
}
