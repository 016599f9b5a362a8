#include "base/compat.h"

#include "base/buf.h"
#include "base/pool.h"
#include "base/text.h"
#include "sql/alone.h"
#include "sql/name.h"
#include "sql/split.h"

/* --- words and names --------------------------------------------------- */

/* IF EXISTS or IF NOT EXISTS; a bare "if" may be a name. */
static bool accept_if_exists(struct walk *w)
{
	struct walk ahead = *w;

	if (!walk_accept(&ahead, "if"))
		return false;
	walk_accept(&ahead, "not");
	if (!walk_accept(&ahead, "exists"))
		return false;
	*w = ahead;
	return true;
}

static const char *exact(struct walk *w, const char *part, struct sql_alone *out)
{
	if (part[0] == '"')
		return sql_name_plain(w->pool, part);
	if (part[0] && part[1] == '&' && part[2] == '"') {
		out->unreadable = true;
		return NULL;
	}
	return part;
}

static bool take_name(struct walk *w, struct sql_alone *out, struct sql_ident *name)
{
	struct sql_name found;

	memset(name, 0, sizeof(*name));
	if (!walk_name(w, &found))
		return false;
	name->base = exact(w, found.parts[found.nr - 1], out);
	if (name->base && found.nr > 1) {
		name->schema = exact(w, found.parts[found.nr - 2], out);
		if (!name->schema)
			name->base = NULL;
	}
	return true;
}

/* A name without a schema. */
static const char *take_part(struct walk *w, struct sql_alone *out)
{
	struct sql_ident name;

	return take_name(w, out, &name) ? name.base : NULL;
}

/* The names of a list; the first one is kept. */
static void take_names(struct walk *w, struct sql_alone *out)
{
	struct sql_ident further;

	if (!take_name(w, out, &out->name))
		return;
	out->names = 1;
	while (walk_accept_char(w, ',') && take_name(w, out, &further))
		out->names++;
}

/* Whether a comma stands outside of parentheses: a list of actions. */
static bool has_comma(const struct walk *w)
{
	struct walk ahead = *w;

	for (; !walk_at_end(&ahead); walk_next(&ahead))
		if (ahead.depth == 0 && walk_is_char(&ahead, ','))
			return true;
	return false;
}

struct object_word {
	const char *word;
	enum sql_alone_object object;
};

static const struct object_word objects[] = {
	{ "table", ALONE_TABLE },
	{ "index", ALONE_INDEX },
	{ "view", ALONE_VIEW },
	{ "sequence", ALONE_SEQUENCE },
	{ "type", ALONE_TYPE },
	{ "schema", ALONE_SCHEMA },
	{ "database", ALONE_DATABASE },
	{ "tablespace", ALONE_TABLESPACE },
	{ "subscription", ALONE_SUBSCRIPTION },
	{ "column", ALONE_COLUMN },
	{ "constraint", ALONE_CONSTRAINT },
};

static enum sql_alone_object accept_object(struct walk *w)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(objects); i++)
		if (walk_accept(w, objects[i].word))
			return objects[i].object;
	return ALONE_NOTHING;
}

/* --- CREATE and DROP --------------------------------------------------- */

static void read_create_index(struct walk *w, struct sql_alone *out)
{
	out->concurrently = walk_accept(w, "concurrently");
	out->lenient = accept_if_exists(w);
	if (!walk_is(w, "on"))
		take_names(w, out);
	if (!walk_accept(w, "on"))
		return;
	walk_accept(w, "only");
	take_name(w, out, &out->other);
}

static bool accept_adjective(struct walk *w)
{
	static const char *const words[] = { "global",	  "local",    "temp",
					     "temporary", "unlogged", "recursive" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (walk_accept(w, words[i]))
			return true;
	return false;
}

static void read_create(struct walk *w, struct sql_alone *out)
{
	out->kind = ALONE_CREATE;
	if (walk_accept(w, "or"))
		out->replace = walk_accept(w, "replace");
	out->unique = walk_accept(w, "unique");
	while (accept_adjective(w))
		;
	out->object = accept_object(w);
	if (out->object == ALONE_INDEX) {
		read_create_index(w, out);
		return;
	}
	out->lenient = accept_if_exists(w);
	/* CREATE SCHEMA AUTHORIZATION role is called after the role */
	if (out->object == ALONE_NOTHING || walk_is(w, "authorization"))
		out->kind = ALONE_CHANGE;
	else
		take_names(w, out);
}

static void read_drop(struct walk *w, struct sql_alone *out)
{
	out->kind = ALONE_DROP;
	out->object = accept_object(w);
	if (out->object == ALONE_NOTHING) {
		out->kind = ALONE_CHANGE;
		return;
	}
	if (out->object == ALONE_INDEX)
		out->concurrently = walk_accept(w, "concurrently");
	out->lenient = accept_if_exists(w);
	take_names(w, out);
}

/* --- ALTER ------------------------------------------------------------- */

/* [COLUMN] name, CONSTRAINT name. */
static void read_part(struct walk *w, struct sql_alone *out)
{
	out->object = accept_object(w);
	if (out->object == ALONE_NOTHING)
		out->object = ALONE_COLUMN;
	out->lenient = accept_if_exists(w);
	out->part = take_part(w, out);
}

static bool has_part(const struct sql_alone *a)
{
	return a->part && (a->object == ALONE_COLUMN || a->object == ALONE_CONSTRAINT);
}

static void read_add(struct walk *w, struct sql_alone *out)
{
	/* constraints that may come without a name */
	static const char *const unnamed[] = { "primary", "unique",  "check",
					       "foreign", "exclude", "table" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unnamed); i++)
		if (walk_is(w, unnamed[i]))
			return;
	read_part(w, out);
	if (has_part(out))
		out->kind = ALONE_ADD;
}

static void read_remove(struct walk *w, struct sql_alone *out)
{
	read_part(w, out);
	if (has_part(out))
		out->kind = ALONE_REMOVE;
}

static void read_rename(struct walk *w, struct sql_alone *out)
{
	out->object = ALONE_TABLE;
	if (!walk_is(w, "to")) {
		out->object = ALONE_COLUMN;
		if (walk_accept(w, "constraint"))
			out->object = ALONE_CONSTRAINT;
		else
			walk_accept(w, "column");
		out->part = take_part(w, out);
		if (!out->part)
			return;
	}
	if (!walk_accept(w, "to"))
		return;
	out->to = take_part(w, out);
	if (out->to)
		out->kind = ALONE_RENAME;
}

static void read_detach(struct walk *w, struct sql_alone *out)
{
	if (!walk_accept(w, "partition"))
		return;
	out->kind = ALONE_DETACH;
	take_name(w, out, &out->other);
	out->concurrently = walk_accept(w, "concurrently");
	if (walk_accept(w, "finalize"))
		out->kind = ALONE_FINALIZE;
}

static void read_alter_table(struct walk *w, struct sql_alone *out)
{
	accept_if_exists(w);
	walk_accept(w, "only");
	if (!take_name(w, out, &out->name))
		return;
	out->names = 1;
	walk_accept_char(w, '*');
	if (has_comma(w))
		return;
	if (walk_accept(w, "add"))
		read_add(w, out);
	else if (walk_accept(w, "drop"))
		read_remove(w, out);
	else if (walk_accept(w, "rename"))
		read_rename(w, out);
	else if (walk_accept(w, "detach"))
		read_detach(w, out);
}

/* What is not understood is still known to be about a table. */
static void read_table_change(struct walk *w, struct sql_alone *out)
{
	read_alter_table(w, out);
	if (out->kind == ALONE_CHANGE)
		out->object = ALONE_TABLE;
}

static void read_alter_subscription(struct walk *w, struct sql_alone *out)
{
	static const char *const repeatable[] = { "connection", "disable", "enable",
						  "refresh", "set" };
	size_t i;

	out->kind = ALONE_ALTER_SUBSCRIPTION;
	take_names(w, out);
	for (i = 0; i < ARRAY_SIZE(repeatable); i++)
		out->repeatable |= walk_is(w, repeatable[i]);
}

static void read_alter_database(struct walk *w, struct sql_alone *out)
{
	take_names(w, out);
	if (!walk_accept(w, "set") || !walk_accept(w, "tablespace"))
		return;
	out->kind = ALONE_MOVE_DATABASE;
	out->to = take_part(w, out);
}

static void read_alter(struct walk *w, struct sql_alone *out)
{
	out->kind = ALONE_CHANGE;
	if (walk_accept(w, "system"))
		out->kind = ALONE_ALTER_SYSTEM;
	else if (walk_accept(w, "subscription"))
		read_alter_subscription(w, out);
	else if (walk_accept(w, "database"))
		read_alter_database(w, out);
	else if (walk_accept(w, "table"))
		read_table_change(w, out);
}

/* --- what rewrites or sweeps ------------------------------------------- */

/* The options of REINDEX: CONCURRENTLY may stand there, with a value. */
static bool options_say_concurrently(struct walk *w)
{
	struct walk ahead = *w;
	bool is = false;

	if (w->now.kind != TOKEN_OPEN)
		return false;
	for (walk_next(&ahead); !walk_at_end(&ahead) && ahead.depth > w->depth;
	     walk_next(&ahead)) {
		if (!walk_accept(&ahead, "concurrently"))
			continue;
		is = !walk_is(&ahead, "off") && !walk_is(&ahead, "false") &&
		     !walk_is_char(&ahead, '0');
	}
	walk_over_parens(w);
	return is;
}

static void read_reindex(struct walk *w, struct sql_alone *out)
{
	out->kind = ALONE_REINDEX;
	out->concurrently = options_say_concurrently(w);
	out->object = walk_accept(w, "system") ? ALONE_DATABASE : accept_object(w);
	out->concurrently |= walk_accept(w, "concurrently");
	take_names(w, out);
}

static void read_cluster(struct walk *w, struct sql_alone *out)
{
	out->kind = ALONE_CLUSTER;
	walk_over_parens(w);
	walk_accept(w, "verbose");
	take_names(w, out);
}

static bool is_of_rows(const struct walk *w)
{
	static const char *const words[] = { "insert",	"update",   "delete", "merge",
					     "copy",	"truncate", "grant",  "revoke",
					     "comment", "set",	    "reset",  "show",
					     "values",	"analyze",  "lock",   "with",
					     "explain", "discard",  "listen", "notify",
					     "prepare", "execute" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (walk_is(w, words[i]))
			return true;
	return false;
}

static void read_end_of_prepared(struct walk *w, struct sql_alone *out)
{
	walk_next(w);
	if (walk_is(w, "prepared"))
		out->kind = ALONE_PREPARED;
}

void sql_alone_read(const struct sql_statement *st, struct pool *pool,
		    struct sql_alone *out)
{
	struct walk w;

	memset(out, 0, sizeof(*out));
	walk_start(&w, st, pool);
	if (is_of_rows(&w)) {
		out->kind = ALONE_ROWS;
		if (walk_accept(&w, "discard") && walk_is(&w, "all"))
			out->kind = ALONE_DISCARD_ALL;
	} else if (walk_is(&w, "commit") || walk_is(&w, "rollback")) {
		read_end_of_prepared(&w, out);
	} else if (walk_accept(&w, "create")) {
		read_create(&w, out);
	} else if (walk_accept(&w, "drop")) {
		read_drop(&w, out);
	} else if (walk_accept(&w, "alter")) {
		read_alter(&w, out);
	} else if (walk_accept(&w, "reindex")) {
		read_reindex(&w, out);
	} else if (walk_accept(&w, "cluster")) {
		read_cluster(&w, out);
	} else if (walk_is(&w, "vacuum")) {
		out->kind = ALONE_VACUUM;
	}
}

/* --- what follows from it ---------------------------------------------- */

static enum sql_alone_need need_of_object(const struct sql_alone *a)
{
	switch (a->object) {
	case ALONE_DATABASE:
	case ALONE_TABLESPACE:
		return ALONE_MUST;
	case ALONE_SUBSCRIPTION: /* its slot on the other server decides */
		return ALONE_MAY;
	case ALONE_INDEX:
		return a->concurrently ? ALONE_MUST : ALONE_NEED_NOT;
	case ALONE_NOTHING:
	case ALONE_TABLE:
	case ALONE_VIEW:
	case ALONE_SEQUENCE:
	case ALONE_TYPE:
	case ALONE_SCHEMA:
	case ALONE_COLUMN:
	case ALONE_CONSTRAINT:
		return ALONE_NEED_NOT;
	}
	BUG("unhandled object %d", (int)a->object);
}

enum sql_alone_need sql_alone_need(const struct sql_alone *a)
{
	switch (a->kind) {
	case ALONE_DISCARD_ALL:
	case ALONE_PREPARED:
		return ALONE_NEVER;
	case ALONE_VACUUM:
	case ALONE_ALTER_SYSTEM:
	case ALONE_MOVE_DATABASE:
		return ALONE_MUST;
	case ALONE_CREATE:
	case ALONE_DROP:
		return need_of_object(a);
	case ALONE_REINDEX: /* of a partitioned table it must */
		return a->concurrently || a->object == ALONE_SCHEMA ||
				       a->object == ALONE_DATABASE
			       ? ALONE_MUST
			       : ALONE_MAY;
	case ALONE_CLUSTER: /* the same */
		return a->names ? ALONE_MAY : ALONE_MUST;
	case ALONE_DETACH:
		return a->concurrently ? ALONE_MUST : ALONE_NEED_NOT;
	case ALONE_CHANGE:
		return a->object == ALONE_TABLE ? ALONE_NEED_NOT : ALONE_MAY;
	case ALONE_OTHER:
	case ALONE_FINALIZE:
	case ALONE_ALTER_SUBSCRIPTION:
		return ALONE_MAY;
	case ALONE_ROWS:
	case ALONE_ADD:
	case ALONE_REMOVE:
	case ALONE_RENAME:
		return ALONE_NEED_NOT;
	}
	BUG("unhandled kind %d", (int)a->kind);
}

bool sql_alone_is_ddl(const struct sql_alone *a)
{
	switch (a->kind) {
	case ALONE_CREATE:
	case ALONE_DROP:
	case ALONE_CHANGE:
	case ALONE_ADD:
	case ALONE_REMOVE:
	case ALONE_RENAME:
	case ALONE_REINDEX:
	case ALONE_DETACH:
	case ALONE_FINALIZE:
	case ALONE_CLUSTER:
	case ALONE_MOVE_DATABASE:
	case ALONE_ALTER_SUBSCRIPTION:
		return true;
	case ALONE_OTHER:
	case ALONE_ROWS:
	case ALONE_VACUUM:
	case ALONE_ALTER_SYSTEM:
	case ALONE_DISCARD_ALL:
	case ALONE_PREPARED:
		return false;
	}
	BUG("unhandled kind %d", (int)a->kind);
}

const char *sql_alone_object_word(enum sql_alone_object object)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(objects); i++)
		if (objects[i].object == object)
			return objects[i].word;
	return "";
}

static void add_upper(struct buf *out, const char *word)
{
	for (; *word; word++)
		buf_addc(out,
			 ascii_islower((unsigned char)*word) ? *word - 'a' + 'A' : *word);
}

static const char *verb(enum sql_alone_kind kind)
{
	switch (kind) {
	case ALONE_CREATE:
		return "CREATE";
	case ALONE_DROP:
		return "DROP";
	case ALONE_REINDEX:
		return "REINDEX";
	case ALONE_ADD:
		return "ALTER TABLE ... ADD";
	case ALONE_REMOVE:
		return "ALTER TABLE ... DROP";
	case ALONE_RENAME:
		return "ALTER TABLE ... RENAME";
	case ALONE_DETACH:
		return "ALTER TABLE ... DETACH PARTITION";
	case ALONE_FINALIZE:
		return "ALTER TABLE ... DETACH PARTITION ... FINALIZE";
	case ALONE_VACUUM:
		return "VACUUM";
	case ALONE_CLUSTER:
		return "CLUSTER";
	case ALONE_MOVE_DATABASE:
		return "ALTER DATABASE ... SET TABLESPACE";
	case ALONE_ALTER_SYSTEM:
		return "ALTER SYSTEM";
	case ALONE_ALTER_SUBSCRIPTION:
		return "ALTER SUBSCRIPTION";
	case ALONE_DISCARD_ALL:
		return "DISCARD ALL";
	case ALONE_PREPARED:
		return "COMMIT PREPARED or ROLLBACK PREPARED";
	case ALONE_OTHER:
	case ALONE_ROWS:
	case ALONE_CHANGE:
		return "";
	}
	BUG("unhandled kind %d", (int)kind);
}

void sql_alone_title(const struct sql_alone *a, struct buf *out)
{
	bool object = a->kind == ALONE_CREATE || a->kind == ALONE_DROP ||
		      a->kind == ALONE_REINDEX || a->kind == ALONE_ADD ||
		      a->kind == ALONE_REMOVE;

	buf_adds(out, verb(a->kind));
	if (a->kind == ALONE_CHANGE && a->object == ALONE_TABLE)
		buf_adds(out, "ALTER TABLE");
	if (object && a->object != ALONE_NOTHING) {
		buf_addc(out, ' ');
		add_upper(out, sql_alone_object_word(a->object));
	}
	if (a->concurrently)
		buf_adds(out, " CONCURRENTLY");
}
