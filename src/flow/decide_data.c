/* What a migration did to the data, what is there now, and what code runs on it. */
#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/vec.h"
#include "flow/decide_parts.h"
#include "flow/tables.h"
#include "git/blob.h"
#include "git/config.h"
#include "git/repo.h"
#include "sql/key.h"
#include "sql/objects.h"
#include "sql/origin.h"

enum {
	COUNT_MS = 2000,	  /* longest for one table */
	COUNT_ALL_MS = 10000,	  /* and for all of them */
	COMPAT_MAX = 1024 * 1024, /* bytes of a file with statements of the application */
};

/* --- the tables ---------------------------------------------------------- */

static int read_sql(struct deciding *g, struct buf *sql, struct err *err)
{
	const struct oid *blob = &g->d->survey.plan.items[g->pos].blob;
	uint64_t size;
	int ret = repo_blob_size(g->repo, blob, &size, err);

	if (ret == 0 && size <= BLOB_LARGE)
		ret = repo_read_blob(g->repo, blob, sql, err);
	return ret < 0 ? -1 : 0;
}

int decide_read_tables(struct deciding *g, struct err *err)
{
	struct tables t = { .repo = g->repo, .plan = &g->d->survey.plan };
	struct buf sql = BUF_INIT;
	int ret;

	if (g->pos < 0)
		return 0;
	g->out->before.sqlite = g->out->after.sqlite = g->d->survey.target.driver ==
						       &db_sqlite;
	ret = tables_begin(&t, &g->d->survey.target.ledger, (size_t)g->pos, err);
	if (ret == 0)
		ret = tables_read(&t, (size_t)g->pos, &g->out->before, err);
	if (ret == 0)
		ret = tables_read(&t, (size_t)g->pos + 1, &g->out->after, err);
	tables_end(&t);
	if (ret == 0)
		ret = read_sql(g, &sql, err);
	if (ret == 0)
		sql_effects_read(&g->out->before, &g->out->after, buf_str(&sql), sql.len,
				 &g->out->effects);
	buf_release(&sql);
	return ret;
}

/* The first column that an UPDATE sets was there: it has other values since. */
static bool updates(const struct deciding *g)
{
	const struct sql_catalog *before = &g->out->before, *after = &g->out->after;
	struct sql_origin_names names;
	const struct sql_event *e;
	const struct sql_table *t;

	for (e = after->events; e < after->events + after->nr_events; e++) {
		if (e->kind != SAW_UPDATE)
			continue;
		sql_origin_names(after, e, &names);
		t = sql_catalog_table(before, sql_origin_event(after, e));
		if (!t)
			t = sql_catalog_table(before, names.table_key);
		if (t && sql_table_column(t, e->key))
			return true;
	}
	return false;
}

static bool takes_away(const struct sql_effect *e)
{
	switch (e->kind) {
	case EFFECT_GONE_TABLE:
	case EFFECT_GONE_COLUMN:
	case EFFECT_DELETED:
		return true;
	case EFFECT_TYPE:
		return !e->keeps;
	case EFFECT_UPDATED:
		return e->rebuilt || e->overwrites;
	case EFFECT_NEW_TABLE:
	case EFFECT_NEW_COLUMN:
		return false;
	}
	BUG("unhandled effect %d", (int)e->kind);
}

bool decide_destroys(const struct deciding *g)
{
	size_t i;

	for (i = 0; i < g->out->effects.nr; i++)
		if (takes_away(&g->out->effects.items[i]))
			return true;
	return updates(g);
}

/* --- who works on them ----------------------------------------------------- */

static int name_tables(struct deciding *g, struct db_name **names, size_t *nr,
		       struct err *err)
{
	struct sql_objects objects = { 0 };
	struct buf sql = BUF_INIT;
	struct err ignored = { 0 };
	size_t i;

	*nr = 0;
	*names = NULL;
	if (g->pos < 0)
		return 0;
	if (read_sql(g, &sql, err) < 0) {
		buf_release(&sql);
		return -1;
	}
	sql_objects(buf_str(&sql), sql.len, &g->out->pool, &objects, &ignored);
	*names = pool_alloc(&g->out->pool, (objects.nr + 1) * sizeof(**names));
	for (i = 0; i < objects.nr; i++)
		if (objects.items[i].kind == OBJECT_TABLE) {
			struct db_name *n = &(*names)[(*nr)++];

			sql_key_parts(&g->out->pool, objects.items[i].name, &n->schema,
				      &n->base);
		}
	sql_objects_release(&objects);
	buf_release(&sql);
	return 0;
}

void decide_look_now(struct deciding *g)
{
	struct target *t = &g->d->survey.target;
	struct db_name *names;
	size_t nr;

	if (g->asked_now)
		return;
	g->asked_now = true;
	if (!t->db)
		err_set(&g->no_now, ERR_FATAL, "there is no database yet");
	else if (name_tables(g, &names, &nr, &g->no_now) == 0)
		t->driver->now(t->db, names, nr, &g->now, &g->no_now);
}

/* --- what a down migration would destroy ----------------------------------- */

static const char *shown_name(struct pool *pool, const struct sql_effect *e)
{
	return e->column_key ? pool_printf(pool, "%s.%s", e->table_key, e->column_key)
			     : e->table_key;
}

static void count_one(struct deciding *g, struct decide_down *down, int64_t deadline)
{
	struct target *t = &g->d->survey.target;
	struct pool *pool = &g->out->pool;
	int64_t left = deadline - clock_ms();
	struct err why = { 0 };
	const char *schema;

	sql_key_parts(pool, down->effect->table_key, &down->count.table.schema,
		      &down->count.table.base);
	if (down->effect->column_key)
		sql_key_parts(pool, down->effect->column_key, &schema,
			      &down->count.column);
	if (!t->db)
		down->why_not = "there is no database";
	else if (left <= 0)
		down->why_not = "there was no time left to count it";
	else if (t->driver->count(t->db, &down->count,
				  left < COUNT_MS ? (int)left : COUNT_MS, &why) < 0)
		down->why_not = pool_strdup(pool, why.message);
}

void decide_count_down(struct deciding *g)
{
	const struct sql_effects *effects = &g->out->effects;
	int64_t deadline = clock_ms() + COUNT_ALL_MS;
	struct decide_down *down;
	size_t i;

	g->out->down = pool_alloc(&g->out->pool, (effects->nr + 1) * sizeof(*down));
	for (i = 0; i < effects->nr; i++) {
		down = &g->out->down[g->out->nr_down++];
		down->effect = &effects->items[i];
		down->name = shown_name(&g->out->pool, down->effect);
		if (sql_effect_is_counted(down->effect->kind))
			count_one(g, down, deadline);
	}
}

/* --- code that runs -------------------------------------------------------- */

/* migrate.<target>.deployed, else what the last run before it was asked for. */
static const char *find_deployed(struct deciding *g)
{
	const struct ledger *l = &g->d->survey.target.ledger;
	const char *head = NULL, *path;
	struct buf key = BUF_INIT;
	const char *ref;
	size_t i;

	buf_addf(&key, "migrate.%s.deployed", g->d->survey.target.name);
	ref = config_get(repo_config(g->repo), key.s);
	buf_release(&key);
	if (ref && *ref)
		return ref;
	for (i = 0; i < l->nr; i++) {
		path = l->records[i].field[FIELD_PATH];
		if (path && strcmp(path, g->d->path) == 0)
			break;
		if (l->records[i].event == EVENT_APPLIED)
			head = l->records[i].field[FIELD_HEAD];
	}
	return head;
}

static int add_compat(struct deciding *g, const char *entry, struct err *err)
{
	const char *tab = strchr(entry, '\t'), *hex = strstr(entry, " blob ");
	struct compat_file *f;
	struct buf text = BUF_INIT;
	struct oid blob;
	uint64_t size;
	int rc;

	if (!tab || !hex || hex > tab || strlen(tab) < strlen(".sql") ||
	    strcmp(tab + strlen(tab) - strlen(".sql"), ".sql") != 0)
		return 0;
	hex += strlen(" blob ");
	if (oid_parse(&blob, hex, (size_t)(tab - hex)) < 0)
		return 0;
	rc = repo_blob_size(g->repo, &blob, &size, err);
	if (rc != 0 || size > COMPAT_MAX)
		return rc < 0 ? -1 : 0;
	rc = repo_read_blob(g->repo, &blob, &text, err);
	if (rc != 0) {
		buf_release(&text);
		return rc < 0 ? -1 : 0;
	}
	VEC_GROW(g->compat, g->nr_compat, g->alloc_compat);
	f = &g->compat[g->nr_compat++];
	f->path = pool_strdup(&g->out->pool, tab + 1);
	f->text = pool_strndup(&g->out->pool, buf_str(&text), text.len);
	f->len = text.len;
	buf_release(&text);
	return 0;
}

int decide_read_compat(struct deciding *g, struct err *err)
{
	const char *rev = find_deployed(g);
	char hex[OID_HEXSZ + 1];
	const char *const args[] = {
		"ls-tree", "-z", "--full-tree", hex, "compat/", NULL
	};
	struct buf list = BUF_INIT;
	struct err ignored = { 0 };
	struct oid commit;
	size_t at;
	int ret = 0;

	if (g->read_compat)
		return 0;
	g->read_compat = true;
	if (!rev || repo_resolve(g->repo, rev, &commit, &ignored) < 0)
		return 0;
	g->deployed = pool_printf(&g->out->pool, "%.12s", oid_hex(&commit, hex));
	if (repo_git(g->repo, args, &list, NULL, err) < 0)
		ret = -1;
	for (at = 0; ret == 0 && at < list.len; at += strlen(list.s + at) + 1)
		ret = add_compat(g, list.s + at, err);
	buf_release(&list);
	return ret;
}
