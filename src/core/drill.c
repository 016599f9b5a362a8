#include "base/compat.h"

#include "base/err.h"
#include "base/pool.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/drill.h"

#define EXPECT_LINE "\n-- expect\n"

static const char *const kinds[DRILL_PART_NR] = {
	[DRILL_TITLE] = "title",
	[DRILL_STORY] = "story",
	[DRILL_FILE] = "file",
	[DRILL_DATA] = "data",
	[DRILL_BAD] = "bad",
	[DRILL_PENDING] = "pending",
	[DRILL_STUCK] = "stuck",
	[DRILL_LANDED] = "landed",
	[DRILL_LATER] = "later",
	[DRILL_WRITE] = "write",
	[DRILL_READ] = "read",
	[DRILL_WRITER] = "writer",
	[DRILL_METER] = "meter",
	[DRILL_COUNT] = "count",
	[DRILL_MAY_CHANGE] = "may-change",
	[DRILL_MAY_GO] = "may-go",
	[DRILL_HINT] = "hint",
	[DRILL_MODEL] = "model",
	[DRILL_NAIVE] = "naive",
};

struct reading {
	const char *at, *end;
	size_t line; /* of `at`, from 1 */
	const char *engine;
	struct pool *pool;
	struct drill_catalogue *out;
	struct err *err;
};

static int refuse(const struct reading *r, const char *what)
{
	return err_set(r->err, ERR_FATAL, "line %zu of the drills %s", r->line, what);
}

static const char *next_line(struct reading *r, size_t *len)
{
	const char *line = r->at, *lf;

	if (r->at >= r->end)
		return NULL;
	lf = memchr(line, '\n', (size_t)(r->end - line));
	*len = (size_t)((lf ? lf : r->end) - line);
	r->at = lf ? lf + 1 : r->end;
	r->line++;
	return line;
}

static const char *trimmed(struct pool *pool, const char *s, size_t len)
{
	s = text_trim(s, &len);
	return pool_strndup(pool, s, len);
}

/* "kind@engine name: about"; `*mine` is false where it is another engine's. */
static int read_heading(struct reading *r, const char *s, size_t len,
			struct drill_part *out, bool *mine)
{
	size_t word = strcspn(s, "@ :\n"), engine = 0, k;
	const char *end = s + len, *colon;

	for (k = 0; k < DRILL_PART_NR; k++)
		if (strlen(kinds[k]) == word && strncmp(kinds[k], s, word) == 0)
			break;
	if (k == DRILL_PART_NR)
		return refuse(r, "begins a part of no kind that there is");
	out->kind = (enum drill_part_kind)k;
	s += word;
	if (*s == '@') {
		engine = strcspn(++s, " :\n");
		*mine = strlen(r->engine) == engine && strncmp(r->engine, s, engine) == 0;
		s += engine;
	}
	colon = memchr(s, ':', (size_t)(end - s));
	out->name = trimmed(r->pool, s, (size_t)((colon ? colon : end) - s));
	out->about = colon ? trimmed(r->pool, colon + 1, (size_t)(end - colon - 1)) : "";
	return 0;
}

/* What stands up to the next heading. */
static const char *read_text(struct reading *r)
{
	const char *begin = r->at;
	size_t len;

	while (r->at < r->end && *r->at != '=')
		next_line(r, &len);
	return trimmed(r->pool, begin, (size_t)(r->at - begin));
}

static int split_expect(struct reading *r, struct drill_part *p)
{
	const char *at = strstr(p->text, EXPECT_LINE);

	if (!at)
		return refuse(r, "ends a question without its answer");
	p->expect = at + strlen(EXPECT_LINE);
	p->text = pool_strndup(r->pool, p->text, (size_t)(at - p->text));
	return 0;
}

static int read_part(struct reading *r, const char *heading, size_t len)
{
	struct drill_part p = { .name = "" };
	struct drill_incident *d;
	bool mine = true;

	if (!r->out->nr)
		return refuse(r, "comes before the first incident");
	if (read_heading(r, heading, len, &p, &mine) < 0)
		return -1;
	p.text = read_text(r);
	if (!mine)
		return 0;
	if ((p.kind == DRILL_READ || p.kind == DRILL_WRITE) && split_expect(r, &p) < 0)
		return -1;
	d = &r->out->items[r->out->nr - 1];
	if (p.kind == DRILL_TITLE)
		d->title = p.text;
	VEC_GROW(d->parts, d->nr, d->alloc);
	d->parts[d->nr++] = p;
	return 0;
}

static bool is_bad(enum drill_part_kind kind)
{
	return kind == DRILL_BAD || kind == DRILL_PENDING || kind == DRILL_STUCK ||
	       kind == DRILL_LANDED;
}

/* What every incident has. */
static int check_whole(struct reading *r)
{
	struct drill_incident *d;
	size_t i, j;

	for (i = 0; i < r->out->nr; i++) {
		d = &r->out->items[i];
		for (j = 0; j < d->nr; j++) {
			if (!is_bad(d->parts[j].kind))
				continue;
			if (d->bad)
				return refuse(r, "ends an incident with two causes");
			d->bad = &d->parts[j];
		}
		if (!d->title || !d->bad || !drill_next(d, DRILL_STORY, NULL) ||
		    !drill_next(d, DRILL_HINT, NULL))
			return err_set(r->err, ERR_FATAL,
				       "drill '%s' lacks its title, story, cause or hint",
				       d->name);
	}
	return 0;
}

int drill_parse(const char *text, size_t len, const char *engine, struct pool *pool,
		struct drill_catalogue *out, struct err *err)
{
	struct reading r = { text, text + len, 0, engine, pool, out, err };
	struct drill_incident *d;
	const char *line;

	while ((line = next_line(&r, &len))) {
		if (len > 3 && strncmp(line, "== ", 3) == 0) {
			if (read_part(&r, line + 3, len - 3) < 0)
				return -1;
		} else if (len > 2 && strncmp(line, "= ", 2) == 0) {
			VEC_GROW(out->items, out->nr, out->alloc);
			d = &out->items[out->nr++];
			memset(d, 0, sizeof(*d));
			d->name = trimmed(pool, line + 2, len - 2);
		} else if (len && line[0] != '#') {
			return refuse(&r, "belongs to no part");
		}
	}
	return check_whole(&r);
}

void drill_catalogue_release(struct drill_catalogue *c)
{
	size_t i;

	for (i = 0; i < c->nr; i++)
		free(c->items[i].parts);
	free(c->items);
	memset(c, 0, sizeof(*c));
}

const struct drill_incident *drill_find(const struct drill_catalogue *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->nr; i++)
		if (strcmp(c->items[i].name, name) == 0)
			return &c->items[i];
	return NULL;
}

const struct drill_part *drill_next(const struct drill_incident *d,
				    enum drill_part_kind kind,
				    const struct drill_part *after)
{
	const struct drill_part *p = after ? after + 1 : d->parts;

	for (; p < d->parts + d->nr; p++)
		if (p->kind == kind)
			return p;
	return NULL;
}

bool drill_wants_fix(const struct drill_incident *d)
{
	return d->bad->kind == DRILL_BAD;
}
