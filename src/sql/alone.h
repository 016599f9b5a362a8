/*
 * What one statement of PostgreSQL and its kin is, where that decides whether it
 * can run in a transaction, and what to look for when nobody knows whether it
 * ran: told by tokens alone. Early advice; the server has the last word.
 */
#ifndef SQL_ALONE_H
#define SQL_ALONE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct pool;
struct sql_statement;

enum sql_alone_kind {
	ALONE_OTHER,  /* none of these: SELECT, CALL, DO */
	ALONE_ROWS,   /* rows, rights, settings: no object is made or changed */
	ALONE_CREATE, /* the `object` called `name` */
	ALONE_DROP,
	ALONE_CHANGE,  /* other DDL; the `object` ALONE_TABLE: an ALTER TABLE */
	ALONE_ADD,     /* a column or constraint, `part`, of the table `name` */
	ALONE_REMOVE,  /* the same taken away */
	ALONE_RENAME,  /* `part` of the table `name`, or without one itself, to `to` */
	ALONE_REINDEX, /* `name` is an index, table, schema or database */
	ALONE_DETACH,  /* the partition `other` of the table `name` */
	ALONE_FINALIZE,
	ALONE_VACUUM,
	ALONE_CLUSTER,
	ALONE_MOVE_DATABASE, /* `name` to the tablespace `to` */
	ALONE_ALTER_SYSTEM,
	ALONE_ALTER_SUBSCRIPTION,
	ALONE_DISCARD_ALL,
	ALONE_PREPARED, /* COMMIT or ROLLBACK of a prepared transaction */
};

enum sql_alone_object {
	ALONE_NOTHING,
	ALONE_TABLE,
	ALONE_INDEX,
	ALONE_VIEW,
	ALONE_SEQUENCE,
	ALONE_TYPE,
	ALONE_SCHEMA,
	ALONE_DATABASE,
	ALONE_TABLESPACE,
	ALONE_SUBSCRIPTION,
	ALONE_COLUMN,
	ALONE_CONSTRAINT,
};

/** A name as the catalog has it: folded or freed of its quotes. The pool's. */
struct sql_ident {
	const char *schema; /* NULL: none was written */
	const char *base;   /* NULL: there is no name, or one as U&"..." */
};

struct sql_alone {
	enum sql_alone_kind kind;
	enum sql_alone_object object;
	bool concurrently;
	bool lenient;	 /* IF EXISTS or IF NOT EXISTS */
	bool unique;	 /* CREATE UNIQUE INDEX */
	bool replace;	 /* CREATE OR REPLACE */
	bool repeatable; /* ALTER SUBSCRIPTION that may be run twice */
	bool unreadable; /* a name is written as U&"...": it was not read */
	unsigned names;	 /* how many objects are named; `name` is the first */
	struct sql_ident name, other; /* `other`: an index's table, a partition */
	const char *part, *to;
};

/** How a statement gets on with transactions. */
enum sql_alone_need {
	ALONE_NEVER,	/* it has no place in a migration */
	ALONE_MUST,	/* it cannot run in a transaction */
	ALONE_MAY,	/* that depends on more than its words */
	ALONE_NEED_NOT, /* it runs well in one, where DDL does at all */
};

/** Reads a statement. Never fails: what is not understood is ALONE_OTHER. */
void sql_alone_read(const struct sql_statement *st, struct pool *pool,
		    struct sql_alone *out);

enum sql_alone_need sql_alone_need(const struct sql_alone *a);

/** Whether it changes a schema: what some engines cannot roll back. */
bool sql_alone_is_ddl(const struct sql_alone *a);

/** Appends what it is called: "CREATE INDEX CONCURRENTLY"; nothing for ALONE_OTHER. */
void sql_alone_title(const struct sql_alone *a, struct buf *out);

/** "table", "index": "" for ALONE_NOTHING. */
const char *sql_alone_object_word(enum sql_alone_object object);

#endif
