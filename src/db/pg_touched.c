/*
 * What a dry run's migrations lock, rewrite and destroy: pg_class and the locks
 * of our own session, before and after each. Only what is locked can have changed,
 * so that nothing else is asked about after the first time.
 */
#include "base/compat.h"

#include "base/err.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/vec.h"
#include "db/driver.h"
#include "db/pg.h"
#include "sql/objects.h"
#include "sql/split.h"

/* From the weakest: `level` counts from 1. */
static const char *const modes[] = { "AccessShareLock",	 "RowShareLock",
				     "RowExclusiveLock", "ShareUpdateExclusiveLock",
				     "ShareLock",	 "ShareRowExclusiveLock",
				     "ExclusiveLock",	 "AccessExclusiveLock" };

enum { LEVEL_READ = 1, LEVEL_WRITE = 3 };

struct relation {
	const char *oid, *name; /* as it may be written, without "public." */
	const char *base;	/* without its schema */
	const char *file;	/* another one once it was rewritten */
	const char *table;	/* of an index: the oid; "0" for all else */
	char kind;		/* pg_class.relkind */
	uint64_t rows;		/* an estimate, from before the first unit */
	uint64_t size, deleted;
	unsigned level; /* the strongest lock that was taken so far */
	bool dropped;
};

/* What is locked after a unit. */
struct held {
	size_t pos; /* of the relation */
	const char *name, *file;
	unsigned level;
	uint64_t size, deleted;
	bool dropped;
	bool created; /* by the unit itself */
};

struct pg_touched {
	struct db *db;
	struct pool pool;
	struct map by_oid;
	struct relation *relations;
	size_t nr, alloc;
	struct held *held;
	size_t nr_held, alloc_held;
	/* of the unit that is told */
	struct pool names;
	struct sql_objects objects;
	bool truncates;
};

/* Of the schemas of users alone: the tracker's locks are our own. */
#define USERS                                                                            \
	"n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> "    \
	"'git_migrate' "

#define NAME "CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname"

static uint64_t number(const char *value)
{
	return value ? strtoull(value, NULL, 10) : 0;
}

static const char *keep(struct pg_touched *t, const char *value)
{
	return pool_strdup(&t->pool, value ? value : "");
}

/* --- the relations ------------------------------------------------------ */

static bool has_oid(const void *array, size_t pos, const void *what)
{
	const struct relation *relations = array;

	return strcmp(relations[pos].oid, what) == 0;
}

static ssize_t position(struct pg_touched *t, const char *oid)
{
	return map_find(&t->by_oid, map_hash(&t->by_oid, oid, strlen(oid)), has_oid,
			t->relations, oid);
}

/* oid, name, base, kind, file, table, size, estimated rows, deleted ones */
static int add_relation(void *arg, const char *const *values, size_t nr UNUSED,
			struct err *err UNUSED)
{
	struct pg_touched *t = arg;
	struct relation r = { .oid = keep(t, values[0]),
			      .name = keep(t, values[1]),
			      .base = keep(t, values[2]),
			      .kind = values[3] ? values[3][0] : '\0',
			      .file = keep(t, values[4]),
			      .table = keep(t, values[5]),
			      .size = number(values[6]),
			      .rows = number(values[7]),
			      .deleted = number(values[8]) };

	map_add(&t->by_oid, map_hash(&t->by_oid, r.oid, strlen(r.oid)), t->nr);
	VEC_GROW(t->relations, t->nr, t->alloc);
	t->relations[t->nr++] = r;
	return 0;
}

int pg_touched_start(struct pg_touched **out, struct db *db, struct err *err)
{
	static const char sql[] =
		"SELECT c.oid, " NAME ", c.relname, c.relkind, c.relfilenode, "
		"COALESCE(i.indrelid, 0), CASE WHEN c.relkind IN ('r', 'm') THEN "
		"pg_catalog.pg_relation_size(c.oid) END, GREATEST(0, "
		"c.reltuples::pg_catalog.int8, "
		"pg_catalog.pg_stat_get_live_tuples(c.oid)), "
		/* of transactions before this one, not yet handed in */
		"pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) FROM "
		"pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
		"c.relnamespace LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid "
		"WHERE " USERS;
	struct pg_touched *t = xcalloc(1, sizeof(*t));
	struct pg_answer answer = { .row = add_relation, .arg = t, .code = ERR_FATAL };

	t->db = db;
	if (pg_exec_params(db, sql, NULL, 0, &answer, err) < 0) {
		pg_touched_free(t);
		return -1;
	}
	*out = t;
	return 0;
}

void pg_touched_free(struct pg_touched *t)
{
	if (!t)
		return;
	map_release(&t->by_oid);
	sql_objects_release(&t->objects);
	pool_release(&t->names);
	pool_release(&t->pool);
	free(t->relations);
	free(t->held);
	free(t);
}

/* --- what is locked ----------------------------------------------------- */

/* level, deleted, whether it is there, then as for add_relation */
static int add_held(void *arg, const char *const *values, size_t nr, struct err *err)
{
	struct pg_touched *t = arg;
	bool there = values[2] && strcmp(values[2], "t") == 0;
	struct held h = { .level = (unsigned)number(values[0]),
			  .deleted = number(values[1]),
			  .dropped = !there,
			  .name = keep(t, values[4]),
			  .file = keep(t, values[7]),
			  .size = number(values[9]) };
	ssize_t pos = position(t, values[3]);

	if (pos == MAP_NONE && !there)
		return 0; /* came and went, or is none of a user's */
	if (pos == MAP_NONE) {
		h.created = true;
		pos = (ssize_t)t->nr;
		add_relation(t, values + 3, nr - 3, err);
	} else if (!there) {
		h.name = t->relations[pos].name;
		h.file = t->relations[pos].file;
	}
	h.pos = (size_t)pos;
	VEC_GROW(t->held, t->nr_held, t->alloc_held);
	t->held[t->nr_held++] = h;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct held *ha = a, *hb = b;

	return strcmp(ha->name, hb->name);
}

static int read_held(struct pg_touched *t, struct err *err)
{
	static const char sql[] =
		"WITH k AS (SELECT relation, max(pg_catalog.array_position(ARRAY["
		"'AccessShareLock', 'RowShareLock', 'RowExclusiveLock', "
		"'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', "
		"'ExclusiveLock', 'AccessExclusiveLock'], mode)) AS level "
		"FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND granted AND "
		"pid = pg_catalog.pg_backend_pid() AND database = (SELECT oid FROM "
		"pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) "
		"GROUP BY relation) "
		"SELECT k.level, pg_catalog.pg_stat_get_xact_tuples_deleted(k.relation), "
		"c.oid IS NOT NULL, k.relation, " NAME ", c.relname, c.relkind, "
		"c.relfilenode, COALESCE(i.indrelid, 0), CASE WHEN c.relkind IN "
		"('r', 'm') THEN pg_catalog.pg_relation_size(c.oid) END, 0, 0 FROM k "
		"LEFT JOIN pg_catalog.pg_class c ON c.oid = k.relation "
		"LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
		"LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid "
		"WHERE c.oid IS NULL OR " USERS;
	struct pg_answer answer = { .row = add_held, .arg = t, .code = ERR_FATAL };

	t->nr_held = 0;
	if (pg_exec_params(t->db, sql, NULL, 0, &answer, err) < 0)
		return -1;
	if (t->nr_held)
		qsort(t->held, t->nr_held, sizeof(*t->held), by_name);
	return 0;
}

/* --- what the script says ------------------------------------------------ */

/*
 * A lock that an earlier unit has taken is held on: whether this one would take
 * it too, the server does not tell. Its words do.
 */
static void read_script(struct pg_touched *t, const struct db_script *script)
{
	struct sql_statement st;
	struct sql_split split;
	struct err ignored = { 0 }; /* it has run: it can be split */

	sql_objects_release(&t->objects);
	pool_release(&t->names);
	memset(&t->names, 0, sizeof(t->names));
	t->truncates = false;
	if (!script || !script->sql)
		return;
	sql_objects(script->sql, script->len, &t->names, &t->objects, &ignored);
	if (sql_split_init(&split, script->sql, script->len, &ignored) == 0)
		while (sql_split_next(&split, &st, &ignored) > 0)
			if (st.len > 8 && strncasecmp(st.text, "truncate", 8) == 0)
				t->truncates = true;
	sql_split_close(&split);
}

static const struct sql_object *mention(const struct pg_touched *t,
					const struct relation *r)
{
	const struct sql_object *o;
	size_t i;

	for (i = 0; i < t->objects.nr; i++) {
		o = &t->objects.items[i];
		if (strcmp(o->name, r->name) == 0 ||
		    (!strchr(o->name, '.') && strcmp(o->name, r->base) == 0))
			return o;
	}
	return NULL;
}

/* --- what is told -------------------------------------------------------- */

/* An index is locked with its table; that is what waits. */
static bool goes_with_table(struct pg_touched *t, const struct relation *index,
			    unsigned level)
{
	ssize_t table = position(t, index->table);
	size_t i;

	for (i = 0; table != MAP_NONE && i < t->nr_held; i++)
		if (t->held[i].pos == (size_t)table)
			return t->held[i].level >= level;
	return false;
}

static bool is_noise(struct pg_touched *t, const struct relation *r, const struct held *h)
{
	if (h->created || r->dropped || h->level <= LEVEL_READ)
		return true;
	/* nextval() holds nobody up */
	if (r->kind == 'S' && h->level <= LEVEL_WRITE)
		return true;
	return goes_with_table(t, r, h->level);
}

static void judge_rows(const struct pg_touched *t, const struct relation *r,
		       const struct held *h, bool named, struct db_touched *what)
{
	bool rows = r->kind == 'r' || r->kind == 'm';
	bool renewed = rows && !h->dropped && strcmp(h->file, r->file) != 0;
	bool emptied = renewed &&
		       ((h->size == 0 && r->size > 0) || (t->truncates && named));

	what->dropped = h->dropped;
	what->rewritten = renewed && !emptied;
	what->destroyed = h->deleted > r->deleted ? h->deleted - r->deleted : 0;
	if (rows && (h->dropped || emptied)) {
		what->estimated = true;
		what->destroyed = r->rows;
	}
}

static void tell(struct pg_touched *t, const struct db_batch *batch, size_t unit,
		 const struct held *h)
{
	const struct relation *r = &t->relations[h->pos];
	const struct sql_object *named = mention(t, r);
	struct db_touched what = { .name = r->name };
	bool changed;

	if (is_noise(t, r, h))
		return;
	judge_rows(t, r, h, named != NULL, &what);
	changed = h->level > r->level || what.rewritten || what.dropped || what.estimated;
	if (!changed && !what.destroyed && !named)
		return;
	what.lock = modes[h->level - 1];
	if (!changed && named && named->how == TOUCH_WRITE && h->level > LEVEL_WRITE)
		what.lock = modes[LEVEL_WRITE - 1];
	batch->touched(batch->arg, unit, &what);
}

/* The next unit is compared with what is there now. */
static void settle(struct relation *r, const struct held *h)
{
	r->name = h->name;
	r->file = h->file;
	r->size = h->size;
	r->deleted = h->deleted;
	r->dropped |= h->dropped;
	if (h->level > r->level)
		r->level = h->level;
}

int pg_touched_tell(struct pg_touched *t, const struct db_batch *batch, size_t unit,
		    const struct db_script *script, struct err *err)
{
	size_t i;

	if (read_held(t, err) < 0)
		return -1;
	read_script(t, script);
	for (i = 0; batch->touched && i < t->nr_held; i++)
		tell(t, batch, unit, &t->held[i]);
	for (i = 0; i < t->nr_held; i++)
		settle(&t->relations[t->held[i].pos], &t->held[i]);
	return 0;
}
