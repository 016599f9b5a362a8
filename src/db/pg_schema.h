/* What is asked to describe a schema, and how it is told (driver slot schema). */
#ifndef DB_PG_SCHEMA_H
#define DB_PG_SCHEMA_H

struct db;
struct err;
struct schema;

/**
 * A question whose rows are kind, name, rank and line, for servers of some versions. A
 * fifth value is a relation's object id: further questions may give that for its kind,
 * and NULL for its name; what is of no relation that was given is passed over.
 */
struct pg_schema_question {
	const char *sql;    /* NULL ends a list */
	int oldest, newest; /* major versions of PostgreSQL whose catalogs it fits */
};

extern const struct pg_schema_question pg_schema_questions[];
extern const struct pg_schema_question pg_schema_questions_cockroachdb[];

/** The driver's schema(). */
int pg_schema(struct db *db, struct schema *out, struct err *err);

#endif
