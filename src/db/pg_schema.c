/* The schema of a server's database, from its catalogs, in one exchange. */
#include "base/compat.h"

#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"
#include "core/schema.h"
#include "db/pg.h"
#include "db/pg_schema.h"

enum { QUESTIONS_MAX = 32, SETTINGS = 2, COLUMNS = 4 };

struct relation {
	const char *oid, *kind, *name;
};

struct description {
	struct schema *out;
	struct map by_oid;
	struct relation *relations;
	size_t nr, alloc;
};

static bool has_oid(const void *array, size_t pos, const void *oid)
{
	return strcmp(((const struct relation *)array)[pos].oid, oid) == 0;
}

static const struct relation *find(struct description *d, const char *oid)
{
	ssize_t pos = map_find(&d->by_oid, map_hash(&d->by_oid, oid, strlen(oid)),
			       has_oid, d->relations, oid);

	return pos == MAP_NONE ? NULL : &d->relations[pos];
}

/* Takes note of the relation that the newest line is of. */
static void note_relation(struct description *d, const char *oid)
{
	const struct schema_line *line = &d->out->lines[d->out->nr - 1];
	const struct relation r = { .oid = pool_strdup(&d->out->pool, oid),
				    .kind = line->kind,
				    .name = line->name };

	if (find(d, oid))
		return;
	map_add(&d->by_oid, map_hash(&d->by_oid, oid, strlen(oid)), d->nr);
	VEC_GROW(d->relations, d->nr, d->alloc);
	d->relations[d->nr++] = r;
}

static int add_line(void *arg, const char *const *values, size_t nr, struct err *err)
{
	struct description *d = arg;
	const struct relation *r;

	if (nr < COLUMNS || !values[0])
		return err_set(err, ERR_FATAL,
			       "the server described its schema in another form");
	if (values[1]) {
		schema_add(d->out, values[0], values[1], values[2], values[3]);
		if (nr > COLUMNS && values[COLUMNS])
			note_relation(d, values[COLUMNS]);
		return 0;
	}
	r = find(d, values[0]);
	if (r)
		schema_add(d->out, r->kind, r->name, values[2], values[3]);
	return 0;
}

static bool is_cockroachdb(const struct db *db)
{
	return strcmp(db->caps.product, "cockroachdb") == 0;
}

/* Views are taken apart by the server under a lock that somebody may be waiting for. */
static size_t add_settings(const struct db *db, struct db_question *questions)
{
	static const char lock[] = "SELECT set_config('lock_timeout', '2000', true)";
	/* thousands of rows look dear, and are there before anything is compiled */
	static const char jit[] = "SELECT set_config('jit', 'off', true)";

	if (is_cockroachdb(db))
		return 0;
	questions[0].ask.sql = lock;
	if (strcmp(db->caps.product, "yugabytedb") == 0)
		return 1;
	questions[1].ask.sql = jit;
	return SETTINGS;
}

/* The functions of a catalog that an older server does not have. */
static int judge_lacks(const struct db *db, const struct db_question *questions,
		       size_t nr, struct err *err)
{
	if (!questions[nr - 1].lacks || (is_cockroachdb(db) && !questions[nr - 2].lacks))
		return 0;
	err_set(err, ERR_FATAL,
		"the catalogs of '%s' cannot be described: it lacks a table or a "
		"function",
		db->engine);
	err_hint(err, "schema",
		 "It is older than PostgreSQL 12, or another product. Migrations are "
		 "run there all the same.");
	return -1;
}

static int describe(struct db *db, struct description *d, struct err *err)
{
	const char *version = db->pq->parameter_status(db->conn, "server_version");
	const struct pg_schema_question *q = is_cockroachdb(db)
						     ? pg_schema_questions_cockroachdb
						     : pg_schema_questions;
	struct db_question questions[QUESTIONS_MAX] = { 0 };
	int major = version ? atoi(version) : 0;
	size_t nr = add_settings(db, questions);

	for (; q->sql; q++) {
		if (major < q->oldest || major > q->newest)
			continue;
		if (nr == QUESTIONS_MAX)
			BUG("more than %d questions", QUESTIONS_MAX);
		questions[nr++] = (struct db_question){ .ask = { q->sql, NULL, 0 },
							.row = add_line,
							.arg = d };
	}
	if (db_postgresql.ask(db, questions, nr, err) < 0)
		return -1;
	return judge_lacks(db, questions, nr, err);
}

int pg_schema(struct db *db, struct schema *out, struct err *err)
{
	struct description d = { .out = out };
	int ret = describe(db, &d, err);

	map_release(&d.by_oid);
	free(d.relations);
	return ret;
}
