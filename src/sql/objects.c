#include "base/compat.h"

#include "sql/objects.h"

#include "base/vec.h"
#include "sql/scan.h"
#include "sql/split.h"

const char *sql_kind_word(enum sql_kind kind)
{
	switch (kind) {
	case OBJECT_TABLE:
		return "table";
	case OBJECT_VIEW:
		return "view";
	case OBJECT_MATERIALIZED_VIEW:
		return "materialized view";
	case OBJECT_INDEX:
		return "index";
	case OBJECT_SEQUENCE:
		return "sequence";
	case OBJECT_TYPE:
		return "type";
	case OBJECT_DOMAIN:
		return "domain";
	case OBJECT_FUNCTION:
		return "function";
	case OBJECT_TRIGGER:
		return "trigger";
	case OBJECT_EVENT_TRIGGER:
		return "event trigger";
	case OBJECT_POLICY:
		return "policy";
	case OBJECT_RULE:
		return "rule";
	case OBJECT_SCHEMA:
		return "schema";
	case OBJECT_EXTENSION:
		return "extension";
	}
	BUG("unhandled kind %d", (int)kind);
}

const char *sql_touch_word(enum sql_touch how)
{
	switch (how) {
	case TOUCH_WRITE:
		return "write";
	case TOUCH_ALTER:
		return "alter";
	case TOUCH_CREATE:
		return "create";
	case TOUCH_DROP:
		return "drop";
	}
	BUG("unhandled touch %d", (int)how);
}

/* Kinds that share their names give the same. */
static enum sql_kind namespace_of(enum sql_kind kind)
{
	switch (kind) {
	case OBJECT_TABLE:
	case OBJECT_VIEW:
	case OBJECT_MATERIALIZED_VIEW:
	case OBJECT_INDEX:
	case OBJECT_SEQUENCE:
		return OBJECT_TABLE;
	case OBJECT_TYPE:
	case OBJECT_DOMAIN:
		return OBJECT_TYPE;
	case OBJECT_FUNCTION:
	case OBJECT_TRIGGER:
	case OBJECT_EVENT_TRIGGER:
	case OBJECT_POLICY:
	case OBJECT_RULE:
	case OBJECT_SCHEMA:
	case OBJECT_EXTENSION:
		return kind;
	}
	BUG("unhandled kind %d", (int)kind);
}

int sql_object_cmp(const struct sql_object *a, const struct sql_object *b)
{
	enum sql_kind in_a = namespace_of(a->kind), in_b = namespace_of(b->kind);
	int cmp = strcmp(a->name, b->name);

	if (cmp == 0)
		cmp = in_a < in_b ? -1 : in_a > in_b;
	return cmp ? cmp : strcmp(a->on ? a->on : "", b->on ? b->on : "");
}

bool sql_object_same(const struct sql_object *a, const struct sql_object *b)
{
	return sql_object_cmp(a, b) == 0;
}

/* --- one of many mentions ---------------------------------------------- */

static int mention_cmp(const void *a, const void *b)
{
	const struct mention *const *ma = a, *const *mb = b;

	return sql_object_cmp(&(*ma)->object, &(*mb)->object);
}

struct group {
	bool temporary; /* the name means the session's own object now */
	size_t item;	/* in what is given out, and 1; 0: not yet there */
};

struct merge {
	const struct scan *sc;
	size_t *group_of; /* each mention */
	struct group *groups;
};

/* The mentions that mean the same object get the same number. */
static void group(struct merge *mg, const struct scan *sc)
{
	const struct mention **sorted = xcalloc(sc->nr, sizeof(*sorted));
	size_t i, nr = 0;

	mg->sc = sc;
	mg->group_of = xcalloc(sc->nr, sizeof(*mg->group_of));
	mg->groups = xcalloc(sc->nr, sizeof(*mg->groups));
	for (i = 0; i < sc->nr; i++)
		sorted[i] = &sc->mentions[i];
	if (sc->nr)
		qsort(sorted, sc->nr, sizeof(*sorted), mention_cmp);
	for (i = 0; i < sc->nr; i++) {
		if (i > 0 && mention_cmp(&sorted[i - 1], &sorted[i]) != 0)
			nr++;
		mg->group_of[sorted[i] - sc->mentions] = nr;
	}
	free(sorted);
}

static bool is_temporary(const struct merge *mg, size_t i)
{
	const struct mention *m = &mg->sc->mentions[i];

	return m->temporary || (!m->qualified && mg->groups[mg->group_of[i]].temporary) ||
	       (m->owner != NO_OWNER && is_temporary(mg, m->owner));
}

static void merge(const struct scan *sc, struct sql_objects *out)
{
	struct merge mg = { 0 };
	struct sql_object *item;
	struct group *g;
	size_t i;

	group(&mg, sc);
	for (i = 0; i < sc->nr; i++) {
		const struct sql_object *object = &sc->mentions[i].object;

		g = &mg.groups[mg.group_of[i]];
		if (is_temporary(&mg, i)) {
			g->temporary = object->how != TOUCH_DROP;
			continue;
		}
		if (!g->item) {
			VEC_GROW(out->items, out->nr, out->alloc);
			out->items[out->nr++] = *object;
			g->item = out->nr;
		}
		item = &out->items[g->item - 1];
		if (object->how > item->how) {
			item->how = object->how;
			item->kind = object->kind;
		}
	}
	free(mg.group_of);
	free(mg.groups);
}

int sql_objects(const char *text, size_t len, struct pool *pool, struct sql_objects *out,
		struct err *err)
{
	struct scan sc = { .pool = pool };
	struct sql_statement st;
	struct sql_split s;
	int rc = sql_split_init(&s, text, len, err);

	if (rc == 0)
		while ((rc = sql_split_next(&s, &st, err)) > 0)
			scan_statement(&sc, &st);
	sql_split_close(&s);
	merge(&sc, out);
	free(sc.mentions);
	return rc;
}

void sql_objects_release(struct sql_objects *objects)
{
	free(objects->items);
	memset(objects, 0, sizeof(*objects));
}
