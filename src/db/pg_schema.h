/* What is asked to describe a schema, and how it is told (driver slot schema). */
#ifndef DB_PG_SCHEMA_H
#define DB_PG_SCHEMA_H

struct db;
struct err;
struct schema;

/** What the rows of a question are. */
enum pg_schema_form {
	/*
	 * Kind, name, rank and line (schema_add). A fifth value is a relation's object
	 * id: further questions may give that for its kind, and NULL for its name; what
	 * is of no relation that was given is passed over.
	 */
	PG_SCHEMA_LINES,
	/* A relation's object id, and a column's number, quoted name, and what it is. */
	PG_SCHEMA_COLUMNS,
	/*
	 * A relation's object id, NULL, rank, and a line in parts, of which any may be
	 * NULL: text, numbers of columns, text, then the object id of another relation,
	 * numbers of its columns, text. Names of columns take the place of numbers.
	 */
	PG_SCHEMA_KEYS,
};

/** A question for servers of some versions. */
struct pg_schema_question {
	const char *sql;    /* NULL ends a list */
	int oldest, newest; /* major versions of PostgreSQL whose catalogs it fits */
	enum pg_schema_form form;
};

extern const struct pg_schema_question pg_schema_questions[];
extern const struct pg_schema_question pg_schema_questions_cockroachdb[];

/** The driver's schema(). */
int pg_schema(struct db *db, struct schema *out, struct err *err);

#endif
