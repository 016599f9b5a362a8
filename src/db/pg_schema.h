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
	/*
	 * A relation's object id, and a column's number, quoted name, and what it is; not
	 * NULL where its collation is another than its database's, and where there are
	 * rights to it alone. Without a name it is told of for these rights.
	 */
	PG_SCHEMA_COLUMNS,
	/*
	 * A relation's object id, NULL, rank, and a line in parts, of which any may be
	 * NULL: text, numbers of columns, text, then the object id of another relation,
	 * numbers of its columns, text. Names of columns take the place of numbers.
	 */
	PG_SCHEMA_KEYS,
	/*
	 * The same of indexes. What has numbers of columns is passed over where one of
	 * the relation's columns has a collation of its own.
	 */
	PG_SCHEMA_INDEXES,
	/* One row: whether there is anything of each part, in the order below, but for
	   the last. */
	PG_SCHEMA_PARTS,
};

/**
 * What most databases have nothing of: to plan a question about it takes the server
 * longer than to look whether there is any.
 */
enum pg_schema_part {
	PG_PART_ALWAYS, /* is asked for whatever there is */
	PG_PART_DETAILS,
	PG_PART_PARENTS,
	PG_PART_POLICIES,
	PG_PART_TRIGGERS,
	PG_PART_ROUTINES,
	PG_PART_TYPES,
	PG_PART_SEQUENCES,
	PG_PART_GRANTS,
	PG_PART_COMMENTS,
	PG_PART_FOREIGN,
	PG_PART_FEW_GRANTS,
	PG_PART_STATISTICS,
	PG_PART_RARE,
	PG_PART_PUBLICATIONS,
	PG_PART_OTHERS,
	PG_PART_COLLATED, /* told by the columns, as rights to one are */
	PG_PART_NR,
};

/** A question for servers of some versions. */
struct pg_schema_question {
	const char *sql;    /* NULL ends a list */
	int oldest, newest; /* major versions of PostgreSQL whose catalogs it fits */
	enum pg_schema_form form;
	enum pg_schema_part part; /* that it is about */
};

extern const struct pg_schema_question pg_schema_questions[];
extern const struct pg_schema_question pg_schema_questions_cockroachdb[];

/** The driver's schema(). */
int pg_schema(struct db *db, struct schema *out, struct err *err);

#endif
