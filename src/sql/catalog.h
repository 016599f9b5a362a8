/*
 * The tables that a row of migrations has made, as their SQL tells: columns with
 * their types, constraints, indexes. Told by tokens alone, for SQLite and PostgreSQL at
 * once; what a function or a DO block does is not seen. For templates that a person
 * reads before they run.
 */
#ifndef SQL_CATALOG_H
#define SQL_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"

struct err;

/** Texts are as they were written, without comments, blanks as one. */
struct sql_column {
	const char *key;  /* the name as sql_object has it */
	const char *name; /* with its quotes */
	const char *type; /* "" without one */
	const char *rest; /* what follows the type: constraints, default */
	const char *made; /* the same, when the column was made */
	bool required;	  /* NOT NULL, or a primary key */
	unsigned recasts; /* changes of type whose USING is more than a cast */
	unsigned made_by; /* the text, by its number, that defines it; 0: none did */
};

/** What hangs on a table and goes with it. */
struct sql_extra {
	const char *key;
	const char *text; /* the whole statement; of a trigger its name */
	bool trigger;
};

struct sql_table {
	const char *key, *name;
	const char *base; /* the name without its schema */
	struct sql_column *columns;
	size_t nr, alloc;
	const char **constraints; /* of the table; in the order written */
	size_t nr_constraints, alloc_constraints;
	struct sql_extra *extras;
	size_t nr_extras, alloc_extras;
	const char *options; /* behind the parentheses */
	bool outdated;	     /* texts may have names that were changed since */
	bool renamed;	     /* names of constraints may be made of former ones */
	bool altered;	     /* a constraint or default may not be as the texts say */
	bool guessed;	     /* its CREATE TABLE was not seen, or not understood */
	unsigned made_by;    /* the text, by its number, that makes it; 0: none did */
};

enum sql_saw {
	SAW_RENAME_COLUMN, /* `name` (its key: `key`) of `table` to `to` */
	SAW_RENAME_TABLE,  /* `table` to `to` */
	SAW_UPDATE,	   /* `name` and key: the first column that is set */
	SAW_INDEX,	   /* `name` and key, NULL without one; `text`: the statement */
	SAW_UNIQUE_INDEX,
	SAW_CONSTRAINT, /* added to `table`; `text` */
	SAW_COPY,	/* a query's rows into `table`; `text`: from SELECT or TABLE on;
			   `name`: the columns, "a, b", NULL where they are not known */
};

struct sql_event {
	enum sql_saw kind;
	const char *table_key, *table, *name, *key, *to, *to_key, *text;
	bool skips; /* COPY: rows that break a constraint are left out, or replace */
};

/** Start with `= { 0 }`; `sqlite`, where it is known, is set before anything is read. */
struct sql_catalog {
	struct pool pool;
	bool sqlite; /* quotes keep no case, and some words are names there */
	struct sql_table *tables;
	size_t nr, alloc;
	struct sql_extra *views; /* their key and whole statement */
	size_t nr_views, alloc_views;
	struct sql_event *events; /* of the text that was read last */
	size_t nr_events, alloc_events;
	bool in_trigger; /* of SQLite: up to its END */
	unsigned texts;	 /* that were read */
};

/** Adds what one file does; what stands behind a place that cannot be split is lost. */
void sql_catalog_read(struct sql_catalog *c, const char *text, size_t len);
void sql_catalog_release(struct sql_catalog *c);

/** Forgets the table of that key, if there is one. */
void sql_catalog_drop(struct sql_catalog *c, const char *key);

/** Drops the tables of a schema, by its key; "public" has those without one. */
void sql_catalog_drop_schema(struct sql_catalog *c, const char *schema);

/** A view in the place of one of that key, if there is one; NULL: none any more. */
void sql_catalog_set_view(struct sql_catalog *c, const char *key, const char *text);

/**
 * A table, or a column of it, has another name now: what refers to it, itself too, has
 * texts with names that were changed. `base`: its last part.
 */
void sql_catalog_outdate(struct sql_catalog *c, const char *base);

/** The table of that key, NULL when there is none. */
struct sql_table *sql_catalog_table(const struct sql_catalog *c, const char *key);
/** Whether the text that was read last made it. */
bool sql_table_is_new(const struct sql_catalog *c, const struct sql_table *t);
struct sql_column *sql_table_column(const struct sql_table *t, const char *key);

#endif
