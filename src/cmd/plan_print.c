#include "base/compat.h"

#include "base/buf.h"
#include "base/io.h"
#include "base/vec.h"
#include "cmd/cmd.h"
#include "cmd/plan_print.h"
#include "core/plan.h"
#include "out/arcs.h"
#include "out/json.h"
#include "out/table.h"

int plan_print_porcelain(const struct plan_view *v)
{
	char blob[OID_HEXSZ + 1], commit[OID_HEXSZ + 1], arrival[OID_HEXSZ + 1];
	const struct migration *m;
	size_t i;

	for (i = 0; i < v->plan->nr; i++) {
		m = &v->plan->items[i];
		if (v->shown[i])
			printf("%zu %s %s %s %s\n", i + 1, oid_hex(&m->blob, blob),
			       oid_hex(&m->commit, commit), oid_hex(&m->arrival, arrival),
			       m->path);
	}
	return 0;
}

/* What an entry does to an earlier one: the trailer, the word, the colour. */
static const struct relation {
	enum trailer_key key;
	const char *word;
	enum color color;
} relations[] = {
	{ TRAILER_FIXES, "fixes", COLOR_CYAN },
	{ TRAILER_SUPERSEDES, "supersedes", COLOR_CYAN },
};

static const struct relation *find_relation(enum trailer_key key)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(relations); i++)
		if (relations[i].key == key)
			return &relations[i];
	return NULL;
}

/* Position of the earlier entry that a trailer names, or -1. */
static ssize_t points_at(const struct plan *plan, size_t pos, const char *value)
{
	struct resolution r;

	plan_resolve(plan, pos, value, &r);
	return r.how == RESOLVE_FOUND ? (ssize_t)r.pos : -1;
}

struct drawing {
	struct pool pool;
	struct arc *arcs;
	size_t nr, alloc;
	const char **margins; /* of the rows; NULL without --graph */
	size_t *row;	      /* by position, of those shown */
};

/* Arcs between the rows that are shown. Everything must have been described. */
static void draw(struct drawing *d, const struct plan_view *v)
{
	const struct plan *plan = v->plan;
	const struct trailers *t;
	size_t i, k, rows = 0;
	ssize_t to;

	d->row = xcalloc(plan->nr + 1, sizeof(*d->row));
	for (i = 0; i < plan->nr; i++) {
		d->row[i] = rows;
		rows += v->shown[i];
		t = &plan->items[i].trailers;
		for (k = 0; k < t->nr && v->shown[i]; k++) {
			if (!find_relation(t->items[k].key))
				continue;
			to = points_at(plan, i, t->items[k].value);
			if (to < 0 || !v->shown[to])
				continue;
			VEC_GROW(d->arcs, d->nr, d->alloc);
			d->arcs[d->nr++] = (struct arc){ d->row[i], d->row[to] };
		}
	}
	arcs_draw(d->arcs, d->nr, rows, &d->pool, &d->margins);
}

static void drawing_release(struct drawing *d)
{
	pool_release(&d->pool);
	free(d->arcs);
	free(d->row);
}

/* The last cell: what it does to an earlier one, or else the subject. */
static void add_text(struct table *t, const struct plan *plan, size_t pos, bool graph)
{
	const struct migration *m = &plan->items[pos];
	const struct relation *r = NULL, *one;
	struct buf text = BUF_INIT;
	size_t k;
	ssize_t to;

	for (k = 0; k < m->trailers.nr; k++) {
		one = find_relation(m->trailers.items[k].key);
		if (!one)
			continue;
		r = one;
		to = graph ? points_at(plan, pos, m->trailers.items[k].value) : -1;
		buf_addf(&text, "%s%s ", text.len ? ", " : "", r->word);
		if (to >= 0)
			buf_addf(&text, "%zu", (size_t)to + 1);
		else
			buf_adds(&text, m->trailers.items[k].value);
	}
	if (r)
		table_cell(t, r->color, text.s);
	else
		table_cell(t, COLOR_NONE, m->subject);
	buf_release(&text);
}

int plan_print_table(struct ctx *ctx, const struct plan_view *v, bool graph,
		     struct err *err)
{
	struct table *t = table_new(ctx->color);
	struct drawing d = { 0 };
	char commit[SHORT_ID + 1];
	const struct migration *m;
	size_t i;
	int ret = 0;

	for (i = 0; i < v->plan->nr && ret == 0; i++)
		if (v->shown[i])
			ret = plan_describe(v->plan, i, err);
	if (ret == 0 && graph)
		draw(&d, v);
	for (i = 0; i < v->plan->nr && ret == 0; i++) {
		m = &v->plan->items[i];
		if (!v->shown[i])
			continue;
		if (graph)
			table_cell(t, COLOR_CYAN, d.margins[d.row[i]]);
		if (v->merging)
			table_cell(t, COLOR_GREEN, i < v->arriving ? "" : "+");
		table_cellf(t, COLOR_DIM, "%zu", i + 1);
		table_cell(t, COLOR_NONE, m->path);
		table_cell(t, COLOR_DIM, cmd_short_id(&m->commit, commit));
		add_text(t, v->plan, i, graph);
		table_row(t);
	}
	if (ret == 0)
		table_print(t, stdout, 0);
	table_free(t);
	drawing_release(&d);
	return ret;
}

static struct js *trailers_json(const struct trailers *t)
{
	struct js *all = js_array(), *one;
	size_t i;

	for (i = 0; i < t->nr; i++) {
		one = js_object();
		js_put_str(one, "key", trailer_name(t->items[i].key));
		js_put_str(one, "value", t->items[i].value);
		js_add(all, one);
	}
	return all;
}

static struct js *entry_json(const struct plan_view *v, size_t pos)
{
	const struct migration *m = &v->plan->items[pos];
	struct js *one = js_object();
	char hex[OID_HEXSZ + 1];

	js_put_int(one, "position", (int64_t)pos + 1);
	js_put_str(one, "path", m->path);
	js_put_str(one, "blob", oid_hex(&m->blob, hex));
	js_put_str(one, "commit", oid_hex(&m->commit, hex));
	js_put_str(one, "arrival", oid_hex(&m->arrival, hex));
	js_put_bool(one, "order_unknown", m->order_unknown);
	if (v->merging)
		js_put_bool(one, "arriving", pos >= v->arriving);
	js_put_str(one, "subject", m->subject);
	js_put(one, "trailers", trailers_json(&m->trailers));
	return one;
}

int plan_print_json(const struct plan_view *v, const struct findings *f, struct err *err)
{
	struct js *j = js_object(), *entries = js_array();
	char hex[OID_HEXSZ + 1];
	int ret = 0;
	size_t i;

	js_put_str(j, "commit", oid_hex(&v->commit, hex));
	if (v->merging)
		js_put_str(j, "merge", oid_hex(&v->theirs, hex));
	js_put_str(j, "folder", v->plan->folder);
	for (i = 0; i < v->plan->nr && ret == 0; i++) {
		if (!v->shown[i])
			continue;
		ret = plan_describe(v->plan, i, err);
		if (ret == 0)
			js_add(entries, entry_json(v, i));
	}
	js_put(j, "migrations", entries);
	js_put(j, "findings", cmd_json_findings(f));
	if (ret == 0)
		js_print(j, stdout);
	js_free(j);
	return ret;
}
