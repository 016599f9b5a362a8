#include "base/compat.h"

#include "sql/scan.h"

#include "base/vec.h"
#include "sql/name.h"
#include "sql/split.h"

static const struct {
	const char *word;
	enum sql_kind kind;
} kinds[] = {
	{ "table", OBJECT_TABLE },	   { "view", OBJECT_VIEW },
	{ "index", OBJECT_INDEX },	   { "sequence", OBJECT_SEQUENCE },
	{ "type", OBJECT_TYPE },	   { "domain", OBJECT_DOMAIN },
	{ "function", OBJECT_FUNCTION },   { "procedure", OBJECT_FUNCTION },
	{ "routine", OBJECT_FUNCTION },	   { "aggregate", OBJECT_FUNCTION },
	{ "trigger", OBJECT_TRIGGER },	   { "policy", OBJECT_POLICY },
	{ "rule", OBJECT_RULE },	   { "schema", OBJECT_SCHEMA },
	{ "extension", OBJECT_EXTENSION },
};

static bool hangs_on_table(enum sql_kind kind)
{
	return kind == OBJECT_TRIGGER || kind == OBJECT_POLICY || kind == OBJECT_RULE;
}

/*
 * Goes behind the words that name a kind ("unique index", "foreign table");
 * false, and stays, when there are none. `temporary` may be NULL.
 */
static bool take_kind(struct walk *from, enum sql_kind *kind, bool *temporary)
{
	static const char *const modifiers[] = { "or",	      "replace",   "local",
						 "global",    "unlogged",  "unique",
						 "virtual",   "recursive", "foreign",
						 "constraint" };
	bool materialized = false, event = false, own = false, modified;
	struct walk ahead = *from, *w = &ahead;
	size_t i;

	do {
		modified = false;
		for (i = 0; i < ARRAY_SIZE(modifiers); i++)
			modified |= walk_accept(w, modifiers[i]);
		if (walk_accept(w, "temp") || walk_accept(w, "temporary"))
			modified = own = true;
		if (walk_accept(w, "materialized"))
			modified = materialized = true;
		if (walk_accept(w, "event"))
			modified = event = true;
	} while (modified);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!walk_accept(w, kinds[i].word))
			continue;
		*kind = kinds[i].kind;
		if (materialized && *kind == OBJECT_VIEW)
			*kind = OBJECT_MATERIALIZED_VIEW;
		if (event && *kind == OBJECT_TRIGGER)
			*kind = OBJECT_EVENT_TRIGGER;
		if (temporary)
			*temporary = own;
		*from = ahead;
		return true;
	}
	return false;
}

/* CONCURRENTLY and IF [NOT] EXISTS. */
static void pass_conditions(struct walk *w)
{
	struct walk ahead;

	walk_accept(w, "concurrently");
	ahead = *w;
	if (!walk_accept(&ahead, "if"))
		return;
	walk_accept(&ahead, "not");
	if (walk_accept(&ahead, "exists"))
		*w = ahead;
}

/* --- mentions ---------------------------------------------------------- */

static unsigned line_of(struct scan *sc, const char *at)
{
	const char *text = sc->st->text;
	unsigned column = 0;

	if (at < sc->line_at) {
		sc->line_at = text;
		sc->line = sc->st->line;
	}
	sql_advance(text, sc->st->len, (size_t)(sc->line_at - text), (size_t)(at - text),
		    &sc->line, &column);
	sc->line_at = at;
	return sc->line;
}

static const char *base_of(const struct sql_name *name)
{
	return name->parts[name->nr - 1];
}

static struct mention *mention(struct scan *sc, const struct sql_name *name,
			       enum sql_kind kind, enum sql_touch how)
{
	const char *schema = sql_name_schema(name);
	struct mention *m;

	VEC_GROW(sc->mentions, sc->nr, sc->alloc);
	m = &sc->mentions[sc->nr++];
	memset(m, 0, sizeof(*m));
	m->temporary = sql_name_is_temporary(name);
	m->qualified = name->nr > 1;
	m->owner = NO_OWNER;
	m->object.name = sql_name_join(sc->pool, m->temporary ? NULL : schema,
				       base_of(name));
	m->object.kind = kind;
	m->object.how = how;
	m->object.line = line_of(sc, name->at);
	return m;
}

/* What hangs on a table; that is touched as well. */
static void mention_on(struct scan *sc, const struct sql_name *name, enum sql_kind kind,
		       enum sql_touch how, const struct sql_name *table, bool under)
{
	struct mention *owner;

	mention(sc, name, kind, how);
	owner = mention(sc, table, OBJECT_TABLE, TOUCH_ALTER);
	owner[-1].owner = sc->nr - 1;
	if (under)
		owner[-1].object.on = owner->object.name;
}

/* [ONLY] t, ONLY (t), t * */
static bool take_table(struct walk *w, struct sql_name *out)
{
	bool paren = false;

	if (walk_accept(w, "only"))
		paren = walk_accept_char(w, '(');
	if (!walk_name(w, out))
		return false;
	if (paren)
		walk_accept_char(w, ')');
	walk_accept_char(w, '*');
	return true;
}

/* A table to which rows are written. */
static void write_to(struct scan *sc)
{
	struct sql_name name;

	if (take_table(&sc->w, &name))
		mention(sc, &name, OBJECT_TABLE, TOUCH_WRITE);
}

/* --- CREATE ------------------------------------------------------------ */

static void create_index(struct scan *sc)
{
	bool named = !walk_is(&sc->w, "on");
	struct sql_name name, table;

	if (named && !walk_name(&sc->w, &name))
		return;
	if (!walk_accept(&sc->w, "on") || !take_table(&sc->w, &table))
		return;
	if (!named) {
		mention(sc, &table, OBJECT_TABLE, TOUCH_ALTER);
		return;
	}
	if (name.nr == 1 && table.nr > 1) { /* it lives beside its table */
		name.parts[1] = name.parts[0];
		name.parts[0] = table.parts[table.nr - 2];
		name.nr = 2;
	}
	mention_on(sc, &name, OBJECT_INDEX, TOUCH_CREATE, &table, false);
}

/* Whether SQLite's BEGIN stands here, where PostgreSQL has an EXECUTE. */
static bool find_body(struct walk *w)
{
	for (; !walk_at_end(w) && !walk_is(w, "execute"); walk_next(w))
		if (walk_is(w, "begin") && w->depth == 0)
			return true;
	return false;
}

static void create_trigger(struct scan *sc, bool temporary)
{
	struct sql_name name, table;

	if (!walk_name(&sc->w, &name) || !walk_find(&sc->w, "on") ||
	    !walk_name(&sc->w, &table))
		return;
	sc->in_trigger = find_body(&sc->w);
	if (!temporary && !sql_name_is_temporary(&name))
		mention_on(sc, &name, OBJECT_TRIGGER, TOUCH_CREATE, &table,
			   !sc->in_trigger);
}

static void create_on(struct scan *sc, enum sql_kind kind)
{
	struct sql_name name, table;

	/* CREATE RULE r AS ON event TO t */
	if (walk_name(&sc->w, &name) &&
	    walk_find(&sc->w, kind == OBJECT_RULE ? "to" : "on") &&
	    walk_name(&sc->w, &table))
		mention_on(sc, &name, kind, TOUCH_CREATE, &table, true);
}

static void create_plain(struct scan *sc, enum sql_kind kind, bool temporary)
{
	struct sql_name name;

	if (kind == OBJECT_SCHEMA)
		walk_accept(&sc->w, "authorization");
	if (!walk_name(&sc->w, &name))
		return;
	mention(sc, &name, kind, TOUCH_CREATE)->temporary |= temporary;
	if (kind == OBJECT_TABLE && walk_accept(&sc->w, "partition") &&
	    walk_accept(&sc->w, "of") && walk_name(&sc->w, &name))
		mention(sc, &name, OBJECT_TABLE, TOUCH_ALTER);
}

static void scan_create(struct scan *sc)
{
	enum sql_kind kind;
	bool temporary = false;

	if (!take_kind(&sc->w, &kind, &temporary))
		return;
	pass_conditions(&sc->w);
	if (kind == OBJECT_INDEX)
		create_index(sc);
	else if (kind == OBJECT_TRIGGER)
		create_trigger(sc, temporary);
	else if (hangs_on_table(kind))
		create_on(sc, kind);
	else
		create_plain(sc, kind, temporary);
}

/* --- ALTER, DROP, COMMENT, GRANT --------------------------------------- */

struct subject {
	enum sql_kind kind;
	struct sql_name name;
	struct sql_name table; /* that it hangs on; nr is 0 without one */
};

/* name, name ON table, name (arguments): mentioned as well. */
static bool take_subject(struct scan *sc, struct subject *s, enum sql_touch how)
{
	struct walk *w = &sc->w;

	memset(&s->table, 0, sizeof(s->table));
	if (!take_table(w, &s->name))
		return false;
	if (s->kind == OBJECT_FUNCTION)
		walk_over_parens(w);
	if (hangs_on_table(s->kind) && walk_accept(w, "on") && walk_name(w, &s->table))
		mention_on(sc, &s->name, s->kind, how, &s->table, true);
	else
		mention(sc, &s->name, s->kind, how);
	return true;
}

/* ALTER ... RENAME TO b: in the schema where it was. */
static void rename_to(struct scan *sc, const struct subject *s)
{
	struct sql_name name, to = s->name;

	if (!walk_name(&sc->w, &name))
		return;
	to.parts[to.nr - 1] = base_of(&name);
	to.at = name.at;
	if (s->table.nr)
		mention_on(sc, &to, s->kind, TOUCH_CREATE, &s->table, true);
	else
		mention(sc, &to, s->kind, TOUCH_CREATE);
}

/* ALTER ... SET SCHEMA b */
static void set_schema(struct scan *sc, const struct subject *s)
{
	struct sql_name name;

	if (s->kind == OBJECT_EXTENSION || !walk_name(&sc->w, &name))
		return;
	name.parts[1] = base_of(&s->name);
	name.nr = 2;
	mention(sc, &name, s->kind, TOUCH_CREATE);
}

/* [NO] INHERIT parent, alone or among others: it changes for the parent too. */
static void find_parents(struct scan *sc)
{
	struct walk *w = &sc->w;
	struct sql_name name;
	bool begins = true;

	while (!walk_at_end(w)) {
		if (begins) {
			walk_accept(w, "no");
			if (walk_accept(w, "inherit") && walk_name(w, &name))
				mention(sc, &name, OBJECT_TABLE, TOUCH_ALTER);
		}
		begins = w->depth == 0 && walk_accept_char(w, ',');
		if (!begins)
			walk_next(w);
	}
}

static void scan_alter(struct scan *sc)
{
	struct walk *w = &sc->w;
	struct sql_name part;
	struct subject s;

	if (!take_kind(w, &s.kind, NULL))
		return;
	pass_conditions(w);
	if (walk_is(w, "all") || !take_subject(sc, &s, TOUCH_ALTER))
		return; /* ALL IN TABLESPACE */
	if (walk_accept(w, "rename")) {
		if (walk_accept(w, "to"))
			rename_to(sc, &s);
	} else if (walk_accept(w, "set")) {
		if (walk_accept(w, "schema"))
			set_schema(sc, &s);
	} else if (walk_accept(w, "attach") || walk_accept(w, "detach")) {
		if (walk_accept(w, "partition") && walk_name(w, &part))
			mention(sc, &part, s.kind, TOUCH_ALTER);
	} else if (s.kind == OBJECT_TABLE) {
		find_parents(sc);
	}
}

static void scan_drop(struct scan *sc)
{
	struct subject s;

	if (!take_kind(&sc->w, &s.kind, NULL))
		return;
	pass_conditions(&sc->w);
	while (take_subject(sc, &s, TOUCH_DROP) && walk_accept_char(&sc->w, ','))
		;
}

static void scan_comment(struct scan *sc)
{
	struct walk *w = &sc->w;
	struct subject s;

	if (!walk_accept(w, "on"))
		return;
	if (walk_accept(w, "column")) {
		if (!walk_name(w, &s.name) || s.name.nr < 2)
			return;
		s.name.nr--;
		mention(sc, &s.name, OBJECT_TABLE, TOUCH_ALTER);
	} else if (walk_accept(w, "constraint")) {
		if (!walk_name(w, &s.name) || !walk_accept(w, "on"))
			return;
		s.kind = walk_accept(w, "domain") ? OBJECT_DOMAIN : OBJECT_TABLE;
		take_subject(sc, &s, TOUCH_ALTER);
	} else if (take_kind(w, &s.kind, NULL)) {
		take_subject(sc, &s, TOUCH_ALTER);
	}
}

/* GRANT and REVOKE ... ON */
static void scan_rights(struct scan *sc)
{
	static const char *const others[] = { "database",  "foreign",  "language",
					      "large",	   "property", "parameter",
					      "tablespace" };
	struct subject s = { .kind = OBJECT_TABLE };
	struct walk *w = &sc->w, ahead;
	enum sql_kind kind;
	size_t i;

	if (!walk_find(w, "on"))
		return;
	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (walk_is(w, others[i]))
			return;
	if (walk_accept(w, "all")) { /* TABLES IN SCHEMA a, b */
		if (!walk_find(w, "schema"))
			return;
		s.kind = OBJECT_SCHEMA;
	} else {
		ahead = *w; /* "ON type TO" means a table of that name */
		if (take_kind(&ahead, &kind, NULL) && !walk_is(&ahead, "to") &&
		    !walk_is(&ahead, "from")) {
			*w = ahead;
			s.kind = kind;
		}
	}
	while (take_subject(sc, &s, TOUCH_ALTER) && walk_accept_char(w, ','))
		;
}

/* --- rows -------------------------------------------------------------- */

/* SQLite's INSERT OR REPLACE, UPDATE OR FAIL */
static void pass_conflict(struct walk *w)
{
	if (walk_accept(w, "or"))
		walk_next(w);
}

/* Whether an UPDATE goes on here: a column may have that name. */
static bool is_update(struct walk *w)
{
	struct walk ahead = *w;
	struct sql_name name;

	if (!take_table(&ahead, &name)) {
		if (walk_at_end(&ahead))
			*w = ahead;
		return false;
	}
	walk_accept(&ahead, "as");
	if (!walk_is(&ahead, "set"))
		walk_next(&ahead);
	return walk_is(&ahead, "set");
}

/* "(INSERT INTO ...", in a WITH or a COPY, up to a place in the statement. */
static void find_inner_writes(struct scan *sc, size_t until)
{
	struct walk *w = &sc->w;

	while (!walk_at_end(w) && w->now.start < until) {
		if (!walk_accept_char(w, '(')) {
			walk_next(w);
		} else if (walk_accept(w, "insert") || walk_accept(w, "merge")) {
			if (walk_accept(w, "into"))
				write_to(sc);
		} else if (walk_accept(w, "delete")) {
			if (walk_accept(w, "from"))
				write_to(sc);
		} else if (walk_accept(w, "update") && is_update(w)) {
			write_to(sc);
		}
	}
}

static void scan_insert(struct scan *sc)
{
	pass_conflict(&sc->w);
	if (walk_accept(&sc->w, "into"))
		write_to(sc);
	find_inner_writes(sc, SIZE_MAX);
}

static void scan_update(struct scan *sc)
{
	pass_conflict(&sc->w);
	write_to(sc);
	find_inner_writes(sc, SIZE_MAX);
}

static void scan_delete(struct scan *sc)
{
	if (walk_accept(&sc->w, "from"))
		write_to(sc);
	find_inner_writes(sc, SIZE_MAX);
}

static void scan_truncate(struct scan *sc)
{
	walk_accept(&sc->w, "table");
	do
		write_to(sc);
	while (walk_accept_char(&sc->w, ','));
}

static void scan_copy(struct scan *sc)
{
	struct sql_name name;

	if (walk_name(&sc->w, &name)) {
		walk_over_parens(&sc->w);
		if (walk_accept(&sc->w, "from"))
			mention(sc, &name, OBJECT_TABLE, TOUCH_WRITE);
	} else {
		find_inner_writes(sc, SIZE_MAX);
	}
}

static void scan_refresh(struct scan *sc)
{
	struct sql_name name;

	if (!walk_accept(&sc->w, "materialized") || !walk_accept(&sc->w, "view"))
		return;
	walk_accept(&sc->w, "concurrently");
	if (walk_name(&sc->w, &name))
		mention(sc, &name, OBJECT_MATERIALIZED_VIEW, TOUCH_WRITE);
}

/* SELECT ... INTO makes a table. */
static void scan_select(struct scan *sc)
{
	struct walk ahead = sc->w, *w = &ahead;
	struct sql_name name;
	bool temporary;

	while (!walk_at_end(w)) {
		if (w->depth == 0 && walk_is(w, "into") &&
		    !token_is(w->s, &w->before, "as"))
			break;
		walk_next(w);
	}
	find_inner_writes(sc, w->now.start);
	if (walk_at_end(w))
		return;
	walk_next(w);
	temporary = walk_accept(w, "temp") || walk_accept(w, "temporary");
	walk_accept(w, "unlogged");
	walk_accept(w, "table");
	sc->w = ahead;
	if (walk_name(&sc->w, &name))
		mention(sc, &name, OBJECT_TABLE, TOUCH_CREATE)->temporary |= temporary;
	find_inner_writes(sc, SIZE_MAX);
}

static void scan_with(struct scan *sc)
{
	static const struct {
		const char *word;
		void (*scan)(struct scan *);
	} verbs[] = {
		{ "insert", scan_insert }, { "replace", scan_insert },
		{ "update", scan_update }, { "delete", scan_delete },
		{ "merge", scan_insert },  { "select", scan_select },
	};
	struct walk ahead = sc->w, *w = &ahead;
	bool naming = true; /* what stands here is a name, whatever it is */
	size_t i;

	for (; !walk_at_end(w); walk_next(w)) {
		for (i = 0; i < ARRAY_SIZE(verbs) && w->depth == 0 && !naming; i++) {
			if (!walk_is(w, verbs[i].word))
				continue;
			find_inner_writes(sc, w->now.start);
			walk_next(w);
			sc->w = ahead;
			verbs[i].scan(sc);
			return;
		}
		naming = w->depth == 0 &&
			 (walk_is(w, "recursive") || walk_is_char(w, ','));
	}
	find_inner_writes(sc, SIZE_MAX);
}

/* --- statements -------------------------------------------------------- */

void scan_statement(struct scan *sc, const struct sql_statement *st)
{
	static const struct {
		const char *word;
		void (*scan)(struct scan *);
	} verbs[] = {
		{ "create", scan_create },     { "alter", scan_alter },
		{ "drop", scan_drop },	       { "comment", scan_comment },
		{ "grant", scan_rights },      { "revoke", scan_rights },
		{ "insert", scan_insert },     { "replace", scan_insert },
		{ "update", scan_update },     { "delete", scan_delete },
		{ "merge", scan_insert },      { "select", scan_select },
		{ "truncate", scan_truncate }, { "copy", scan_copy },
		{ "refresh", scan_refresh },   { "with", scan_with },
	};
	size_t i;

	if (sc->in_trigger) {
		sc->in_trigger = st->word != WORD_COMMIT;
		return;
	}
	sc->st = st;
	sc->line_at = st->text;
	sc->line = st->line;
	walk_start(&sc->w, st, sc->pool);
	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (walk_accept(&sc->w, verbs[i].word)) {
			verbs[i].scan(sc);
			return;
		}
	}
}
