/* The schema of a server's database, from its catalogs, in one exchange. */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"
#include "core/schema.h"
#include "db/pg.h"
#include "db/pg_schema.h"

enum { QUESTIONS_MAX = 32, SETTINGS = 2 };

/* How many values a row has: of a line, a column, a key. */
enum { LINE_VALUES = 4, COLUMN_VALUES = 6, KEY_VALUES = 9 };

struct relation {
	const char *oid, *kind, *name;
	bool collated; /* a column's collation is not its database's */
};

struct column {
	unsigned long relation, number;
	const char *name;
};

struct description {
	struct schema *out;
	struct map by_oid, by_number;
	struct relation *relations;
	struct column *columns;
	size_t nr, alloc, columns_nr, columns_alloc;
	struct buf line; /* of the row at hand */
	bool without[PG_PART_NR];
	bool granted; /* there are rights to a column */
};

static bool has_oid(const void *array, size_t pos, const void *oid)
{
	return strcmp(((const struct relation *)array)[pos].oid, oid) == 0;
}

static struct relation *find(struct description *d, const char *oid)
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

static bool is_number(const void *array, size_t pos, const void *what)
{
	const struct column *a = &((const struct column *)array)[pos], *b = what;

	return a->relation == b->relation && a->number == b->number;
}

static uint32_t hash_number(struct description *d, const struct column *c)
{
	const unsigned long key[] = { c->relation, c->number };

	return map_hash(&d->by_number, key, sizeof(key));
}

static int other_form(struct err *err)
{
	return err_set(err, ERR_FATAL, "the server described its schema in another form");
}

static int add_line(void *arg, const char *const *values, size_t nr, struct err *err)
{
	struct description *d = arg;
	const struct relation *r;

	if (nr < LINE_VALUES || !values[0])
		return other_form(err);
	if (values[1]) {
		schema_add(d->out, values[0], values[1], values[2], values[3]);
		if (nr > LINE_VALUES && values[LINE_VALUES])
			note_relation(d, values[LINE_VALUES]);
		return 0;
	}
	r = find(d, values[0]);
	if (r)
		schema_add(d->out, r->kind, r->name, values[2], values[3]);
	return 0;
}

/* Also of a relation that is not told of: a key may refer to it. */
static void note_column(struct description *d, const char *const *values)
{
	const struct column c = { .relation = strtoul(values[0], NULL, 10),
				  .number = strtoul(values[1], NULL, 10),
				  .name = pool_strdup(&d->out->pool, values[2]) };

	map_add(&d->by_number, hash_number(d, &c), d->columns_nr);
	VEC_GROW(d->columns, d->columns_nr, d->columns_alloc);
	d->columns[d->columns_nr++] = c;
}

/* What a column's row says of more than the column. */
static void mark(struct description *d, struct relation *r, const char *collated,
		 const char *granted)
{
	if (granted)
		d->granted = true;
	/* of what is not told of, as the tracker is, nor are the indexes */
	if (!collated || !r)
		return;
	d->without[PG_PART_COLLATED] = false;
	r->collated = true;
}

static int add_column(void *arg, const char *const *values, size_t nr, struct err *err)
{
	static const char rank_of[] = "100000";
	struct description *d = arg;
	struct relation *r;
	char rank[sizeof(rank_of)];
	size_t len;

	if (nr < COLUMN_VALUES || !values[0] || !values[1] || !values[3])
		return other_form(err);
	len = strlen(values[1]);
	if (len > sizeof(rank_of) - 2)
		return other_form(err);
	r = find(d, values[0]);
	mark(d, r, values[4], values[5]);
	if (!values[2])
		return 0;
	note_column(d, values);
	if (!r)
		return 0;
	memcpy(rank, rank_of, sizeof(rank));
	memcpy(rank + sizeof(rank) - 1 - len, values[1], len);
	buf_reset(&d->line);
	buf_adds(&d->line, "column ");
	buf_adds(&d->line, values[2]);
	buf_adds(&d->line, values[3]);
	schema_add(d->out, r->kind, r->name, rank, buf_str(&d->line));
	return 0;
}

/* The names of columns whose numbers the server writes as "{1,2}" or "1 2". */
static int add_names(struct description *d, const char *relation, const char *numbers,
		     struct err *err)
{
	struct column c = { .relation = strtoul(relation, NULL, 10) };
	const char *separator = "";
	ssize_t pos;

	for (;;) {
		numbers += strspn(numbers, "{, }");
		if (!*numbers)
			return 0;
		c.number = 0;
		for (; *numbers >= '0' && *numbers <= '9'; numbers++)
			c.number = c.number * 10 + (unsigned long)(*numbers - '0');
		pos = map_find(&d->by_number, hash_number(d, &c), is_number, d->columns,
			       &c);
		if (pos == MAP_NONE)
			return other_form(err);
		buf_adds(&d->line, separator);
		buf_adds(&d->line, d->columns[pos].name);
		separator = ", ";
	}
}

static int add_part(struct description *d, const char *relation,
		    const char *const part[2], struct err *err)
{
	if (relation && part[0] && add_names(d, relation, part[0], err) < 0)
		return -1;
	if (part[1])
		buf_adds(&d->line, part[1]);
	return 0;
}

static int add_key(void *arg, const char *const *values, size_t nr, struct err *err)
{
	struct description *d = arg;
	const struct relation *r;

	if (nr < KEY_VALUES || !values[0] || !values[3])
		return other_form(err);
	r = find(d, values[0]);
	if (!r)
		return 0;
	buf_reset(&d->line);
	buf_adds(&d->line, values[3]);
	if (add_part(d, values[0], values + 4, err) < 0 ||
	    add_part(d, values[6], values + 7, err) < 0)
		return -1;
	schema_add(d->out, r->kind, r->name, values[2], buf_str(&d->line));
	return 0;
}

/* Where a column has a collation of its own its indexes are asked for again. */
static int add_index(void *arg, const char *const *values, size_t nr, struct err *err)
{
	const struct relation *r = nr == KEY_VALUES && values[0] ? find(arg, values[0])
								 : NULL;

	if (r && r->collated && values[4])
		return 0;
	return add_key(arg, values, nr, err);
}

static int take_parts(void *arg, const char *const *values, size_t nr, struct err *err)
{
	struct description *d = arg;
	size_t i;

	if (nr + 1 < PG_PART_COLLATED)
		return other_form(err);
	for (i = 1; i < PG_PART_COLLATED; i++)
		d->without[i] = values[i - 1] && strcmp(values[i - 1], "f") == 0;
	if (d->granted)
		d->without[PG_PART_GRANTS] = false;
	return 0;
}

static db_row_fn taker(enum pg_schema_form form)
{
	switch (form) {
	case PG_SCHEMA_LINES:
		return add_line;
	case PG_SCHEMA_COLUMNS:
		return add_column;
	case PG_SCHEMA_KEYS:
		return add_key;
	case PG_SCHEMA_INDEXES:
		return add_index;
	case PG_SCHEMA_PARTS:
		return take_parts;
	}
	BUG("unhandled form %d", (int)form);
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
		questions[nr++] = (struct db_question){
			.ask = { q->sql, NULL, 0 },
			.row = taker(q->form),
			.arg = d,
			.needless = q->part ? &d->without[q->part] : NULL
		};
	}
	if (db_postgresql.ask(db, questions, nr, err) < 0)
		return -1;
	return judge_lacks(db, questions, nr, err);
}

int pg_schema(struct db *db, struct schema *out, struct err *err)
{
	struct description d = { .out = out,
				 .line = BUF_INIT,
				 .without[PG_PART_COLLATED] = true };
	int ret = describe(db, &d, err);

	map_release(&d.by_oid);
	map_release(&d.by_number);
	free(d.relations);
	free(d.columns);
	buf_release(&d.line);
	return ret;
}
