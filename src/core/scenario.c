#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/scenario.h"

#define PLACEHOLDER "<fill in>"

/* What divides a query from the rows that it must give. */
static const char RULER[] = "----";

struct parser {
	struct scenario *out;
	const char *line; /* the present one */
	size_t len;
	unsigned nr;		    /* from 1 */
	bool kept;		    /* inside of [kept] */
	bool unshown;		    /* inside of [unshown] */
	bool ruled;		    /* behind the part's ruler */
	struct scenario_part *part; /* NULL outside of any */
	struct buf sql, rows;
	struct err *err;
};

void scenario_release(struct scenario *s)
{
	free(s->parts);
	free(s->rules);
	pool_release(&s->pool);
	memset(s, 0, sizeof(*s));
}

const char *scenario_word(enum scenario_kind kind)
{
	switch (kind) {
	case SCENARIO_SEED:
		return "seed";
	case SCENARIO_FAILURE:
		return "failure";
	case SCENARIO_WRONG:
		return "wrong";
	case SCENARIO_CHECK:
		return "check";
	}
	BUG("unhandled kind %d", (int)kind);
}

static int refuse(const struct parser *p, const char *why)
{
	err_set(p->err, ERR_REFUSED, "%s", why);
	err_hint(p->err, "scenario",
		 "The sections are [seed], [failure], [wrong], [check], [kept] and "
		 "[unshown]: git-migrate-scenario(5).");
	p->err->line = p->nr;
	p->err->column = 1;
	return -1;
}

/* --- parts ------------------------------------------------------------- */

static bool takes_rows(const struct scenario_part *part)
{
	return part->kind == SCENARIO_WRONG || part->kind == SCENARIO_CHECK;
}

/* Blank lines at the end belong to what follows. */
static void cut_blank_lines(struct buf *b)
{
	while (b->len && (b->s[b->len - 1] == '\n' || b->s[b->len - 1] == '\r' ||
			  b->s[b->len - 1] == ' ' || b->s[b->len - 1] == '\t'))
		b->s[--b->len] = '\0';
	if (b->len)
		buf_addc(b, '\n');
}

static int end_part(struct parser *p)
{
	struct scenario_part *part = p->part;
	bool blank;

	if (!part)
		return 0;
	cut_blank_lines(&p->sql);
	blank = p->sql.len == 0;
	cut_blank_lines(&p->rows);
	part->sql = pool_strdup(&p->out->pool, buf_str(&p->sql));
	part->rows = pool_strdup(&p->out->pool, buf_str(&p->rows));
	p->part = NULL;
	return blank ? refuse(p, "the section above has no SQL") : 0;
}

static void begin_part(struct parser *p, enum scenario_kind kind, const char *title,
		       size_t len)
{
	struct scenario *s = p->out;
	unsigned i;

	VEC_GROW(s->parts, s->nr, s->alloc);
	p->part = &s->parts[s->nr++];
	*p->part = (struct scenario_part){ .kind = kind,
					   .title = pool_strndup(&s->pool, title, len),
					   .line = p->nr };
	p->ruled = false;
	buf_reset(&p->sql);
	buf_reset(&p->rows);
	/* so that a place in it is a place in the file */
	for (i = 0; i < p->nr; i++)
		buf_addc(&p->sql, '\n');
}

/* The word of a header "[word]" or "[word: title]". */
static bool is_header(const struct parser *p, size_t *word, const char **title,
		      size_t *title_len)
{
	size_t len = p->len;

	while (len && (p->line[len - 1] == ' ' || p->line[len - 1] == '\r' ||
		       p->line[len - 1] == '\t'))
		len--;
	if (len < 3 || p->line[0] != '[' || p->line[len - 1] != ']')
		return false;
	for (*word = 1; ascii_islower(p->line[*word]);)
		++*word;
	if (*word == 1 || (p->line[*word] != ']' && p->line[*word] != ':'))
		return false;
	if (p->line[*word] == ']' && *word != len - 1)
		return false;
	*title = p->line + *word + 1;
	*title_len = *word == len - 1 ? 0 : len - *word - 2;
	*title = text_trim(*title, title_len);
	--*word;
	return true;
}

/* Whether the section is called that: one without SQL. */
static bool is_called(const struct parser *p, size_t word, const char *name)
{
	return word == strlen(name) && strncmp(p->line + 1, name, word) == 0;
}

static int begin_section(struct parser *p, size_t word, const char *title, size_t len)
{
	enum scenario_kind kind;

	if (end_part(p) < 0)
		return -1;
	p->kept = is_called(p, word, "kept");
	p->unshown = is_called(p, word, "unshown");
	if (p->kept || p->unshown)
		return len ? refuse(p, "a section [kept] or [unshown] has no title") : 0;
	for (kind = SCENARIO_SEED; kind <= SCENARIO_CHECK; kind++) {
		if (!is_called(p, word, scenario_word(kind)))
			continue;
		begin_part(p, kind, title, len);
		return 0;
	}
	return refuse(p, "there is no section of that name");
}

/* --- [kept] ------------------------------------------------------------ */

/* Where `what` stands in the line; NULL: nowhere. */
static const char *find(const char *s, const char *end, const char *what)
{
	size_t len = strlen(what);

	for (; (size_t)(end - s) >= len; s++)
		if (memcmp(s, what, len) == 0)
			return s;
	return NULL;
}

static const char *keep(struct parser *p, const char *s, size_t len)
{
	s = text_trim(s, &len);
	return pool_strndup(&p->out->pool, s, len);
}

/* "rows of <table> may go", "2 rows of <table> may go": takes that from r->what. */
static void take_rows(struct kept_rule *r)
{
	size_t digits = strspn(r->what, "0123456789");
	const char *s = r->what + digits;
	uint64_t most = digits ? strtoull(r->what, NULL, 10) : 0;
	const char *words = most == 1 && starts_with(s, " row of ") ? " row of "
								    : " rows of ";

	if (!starts_with(s, digits ? words : words + 1) || (digits && !most))
		return;
	r->leave = KEPT_MAY_LOSE;
	r->most = most;
	r->what = s + strlen(words) - !digits;
	r->what += strspn(r->what, " \t");
}

/*
 * "<table>[.<column>] may change: <reason>", "... may go: ...", "... is now <name>: ...",
 * "[<number>] rows of <table> may go: ..."
 */
static int read_rule(struct parser *p)
{
	static const struct {
		enum kept_leave leave;
		const char *words;
	} forms[] = { { KEPT_MAY_CHANGE, " may change" },
		      { KEPT_MAY_GO, " may go" },
		      { KEPT_IS_NOW, " is now " } };
	const char *end = p->line + p->len, *at = NULL, *colon = NULL;
	struct kept_rule r = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(forms) && !at; i++) {
		r.leave = forms[i].leave;
		at = find(p->line, end, forms[i].words);
	}
	if (at)
		colon = find(at + strlen(forms[i - 1].words), end, ":");
	if (!colon)
		return refuse(p,
			      "a line of [kept] says \"<table>.<column> may change: "
			      "<reason>\", \"may go\" or \"is now <name>\", or \"rows of "
			      "<table> may go\"");
	r.what = keep(p, p->line, (size_t)(at - p->line));
	at += strlen(forms[i - 1].words);
	if (r.leave == KEPT_MAY_GO)
		take_rows(&r);
	r.now = keep(p, at, (size_t)(colon - at));
	r.reason = keep(p, colon + 1, (size_t)(end - colon - 1));
	if (!r.what[0] || !r.reason[0] || (r.leave == KEPT_IS_NOW) != (r.now[0] != '\0'))
		return refuse(p, r.reason[0] ? "this names nothing"
					     : "a reason is missing behind the colon");
	VEC_GROW(p->out->rules, p->out->nr_rules, p->out->alloc_rules);
	p->out->rules[p->out->nr_rules++] = r;
	return 0;
}

/* --- [unshown] --------------------------------------------------------- */

static int add_reason(struct parser *p, const char *s, size_t len)
{
	struct pool *pool = &p->out->pool;
	const char *more = pool_strndup(pool, s, len), *was = p->out->unshown;

	if (strstr(more, PLACEHOLDER))
		return refuse(p, "this section is not filled in yet");
	p->out->unshown = was ? pool_printf(pool, "%s %s", was, more) : more;
	return 0;
}

/* --- lines ------------------------------------------------------------- */

static bool is_ruler(const struct parser *p)
{
	size_t len = p->len;
	const char *s = text_trim(p->line, &len);

	return len == strlen(RULER) && strncmp(s, RULER, len) == 0;
}

static void add_line(struct buf *b, const struct parser *p)
{
	size_t len = p->len;

	if (len && p->line[len - 1] == '\r')
		len--;
	buf_add(b, p->line, len);
	buf_addc(b, '\n');
}

static int read_line(struct parser *p)
{
	size_t word, title_len, len = p->len;
	const char *title, *s = text_trim(p->line, &len);

	if (is_header(p, &word, &title, &title_len))
		return begin_section(p, word, title, title_len);
	if (p->part) {
		if (!p->ruled && takes_rows(p->part) && is_ruler(p))
			p->ruled = true;
		else
			add_line(p->ruled ? &p->rows : &p->sql, p);
		return 0;
	}
	if (len == 0 || s[0] == '#')
		return 0;
	if (p->unshown)
		return add_reason(p, s, len);
	return p->kept ? read_rule(p)
		       : refuse(p, "a line stands before the first section");
}

static int check_text(struct parser *p, const char *text, size_t len)
{
	size_t at, n;

	p->nr = 1;
	if (len > SCENARIO_MAX)
		return refuse(p, "the scenario is larger than 1 MiB");
	for (at = 0; at < len; at += n) {
		n = text[at] ? utf8_char_len(text + at, len - at) : 0;
		if (n == 0)
			return refuse(p, "the scenario is no text in UTF-8");
		p->nr += text[at] == '\n';
	}
	return 0;
}

/* --- the whole --------------------------------------------------------- */

bool scenario_shows_failure(const struct scenario *s)
{
	size_t i;

	for (i = 0; i < s->nr; i++)
		if (s->parts[i].kind == SCENARIO_FAILURE ||
		    s->parts[i].kind == SCENARIO_WRONG)
			return true;
	return false;
}

static int check_whole(struct parser *p)
{
	size_t seeds = 0, holds = 0, i;

	for (i = 0; i < p->out->nr; i++) {
		p->nr = p->out->parts[i].line;
		if (strstr(p->out->parts[i].sql, PLACEHOLDER) ||
		    strstr(p->out->parts[i].rows, PLACEHOLDER))
			return refuse(p, "this section is not filled in yet");
		seeds += p->out->parts[i].kind == SCENARIO_SEED;
		holds += p->out->parts[i].kind != SCENARIO_SEED;
		if (seeds > 1)
			return refuse(p, "there are two sections [seed]");
	}
	p->nr = 1;
	if (p->out->unshown && scenario_shows_failure(p->out))
		return refuse(p, "a section [unshown] stands beside one that shows the "
				 "failure");
	return holds ? 0
		     : refuse(p, "nothing must hold: there is no section [failure], "
				 "[wrong] or [check]");
}

int scenario_parse(struct scenario *out, const char *text, size_t len, struct err *err)
{
	struct parser p = { .out = out, .err = err };
	const char *end = text + len;
	int ret = check_text(&p, text, len);

	memset(out, 0, sizeof(*out));
	for (p.nr = ret == 0 ? 0 : p.nr; ret == 0 && text < end; text += p.len + 1) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));

		p.line = text;
		p.len = (size_t)((lf ? lf : end) - text);
		p.nr++;
		ret = read_line(&p);
	}
	if (ret == 0)
		ret = end_part(&p);
	if (ret == 0)
		ret = check_whole(&p);
	buf_release(&p.sql);
	buf_release(&p.rows);
	return ret;
}

/* --- writing ----------------------------------------------------------- */

static void add_char(struct buf *out, char c)
{
	static const char special[] = "\\|\n\r", letters[] = "\\|nr";
	const char *at = c ? strchr(special, c) : NULL;

	if (at)
		buf_addc(out, '\\');
	buf_addc(out, at ? letters[at - special] : c);
}

/* Where it stands in the row decides what it could be taken for. */
static void add_value(struct buf *out, const char *value, bool first, bool last)
{
	size_t len = strlen(value), i;

	if (strcmp(value, "NULL") == 0 ||
	    (first && value[0] == '[' && ascii_islower(value[1])))
		buf_addc(out, '\\');
	if (first && last && len == 0)
		buf_adds(out, "\\e");
	for (i = 0; i < len; i++) {
		if (last && i + 1 == len && (value[i] == ' ' || value[i] == '\t'))
			buf_adds(out, value[i] == ' ' ? "\\s" : "\\t");
		else
			add_char(out, value[i]);
	}
}

void scenario_add_row(struct buf *out, const char *const *values, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (i)
			buf_addc(out, '|');
		if (values[i])
			add_value(out, values[i], i == 0, i + 1 == nr);
		else
			buf_adds(out, "NULL");
	}
	buf_addc(out, '\n');
}

void scenario_path(struct buf *out, const char *path)
{
	size_t len = strlen(path);

	if (ends_with(path, ".sql"))
		len -= strlen(".sql");
	buf_add(out, path, len);
	buf_adds(out, ".scenario");
}

void scenario_skeleton(struct buf *out, const char *path, enum scenario_for what,
		       const char *kept)
{
	bool fixes = what != SCENARIO_FOR_PLAIN;

	buf_addf(out,
		 "# What \"git migrate rehearse\" tries %s with: see "
		 "git-migrate-scenario(5).\n"
		 "\n"
		 "# Rows that are there %s. All of them must be kept.\n"
		 "[seed]\n" PLACEHOLDER "\n",
		 path, fixes ? "before the broken migration runs" : "before it runs");
	if (what == SCENARIO_FOR_FIX)
		buf_adds(out, "\n"
			      "# What goes wrong without the fix: this fails before it, "
			      "and works behind it.\n"
			      "# Where nothing can show it, a section [unshown] says why "
			      "in its place.\n"
			      "[failure]\n" PLACEHOLDER "\n");
	if (what == SCENARIO_FOR_STEP)
		buf_adds(out,
			 "\n"
			 "# Why no section shows the failure:\n"
			 "[unshown]\nnothing is mended yet, a later step does that\n");
	buf_adds(out, "\n"
		      "# What holds afterwards: a query, and the rows that it gives.\n"
		      "[check]\n" PLACEHOLDER "\n----\n"
		      "\n"
		      "# What differs on purpose, and why:\n"
		      "#[kept]\n");
	if (what != SCENARIO_FOR_STEP)
		kept = "people.phone may change: spaces are taken out";
	else if (!kept)
		kept = "people.phone may change: a later step brings its values back";
	buf_addf(out, "#%s\n", kept);
}
