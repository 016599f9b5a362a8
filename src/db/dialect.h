/* The tracker's statements, engine by engine, as data. */
#ifndef DB_DIALECT_H
#define DB_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

/** A step of the tracker's own schema, compiled in. */
struct schema_step {
	const char *name;
	const unsigned char *sql;
	size_t len;
};

/** Steps that a schema can have. */
enum { STEPS_MAX = 3 };

/** Columns of the log, in the order in which they are asked for and written. */
#define LOG_COLUMNS "seq, event, path, blob, \"commit\", at, \"by\", run, record, hash"

/*
 * Where a statement "answers with one row" it answers with none, or with an error,
 * when what it asks for is not so: a pipeline goes on behind an empty answer, but
 * not behind an error.
 */
struct dialect {
	const char *schema;  /* as db_capabilities has it */
	const char *read;    /* record and seq, in order */
	const char *examine; /* LOG_COLUMNS, in order */
	const char *version; /* the newest step of the schema */
	const char *lock;    /* takes the lock row; NULL: the transaction is the lock */
	const char *wait;    /* the same, waiting for it */
	const char *holders; /* who holds it: pid, application, user, since */
	const char *runners; /* sessions that may be another one's; NULL: nobody knows */
	const char *is_absent; /* one row while there is no log */
	const char *is_empty;  /* one row while the log has no record */
	const char *is_head;   /* one row while $1, $2 are seq and hash of its newest */
	const char *is_step;   /* one row while $1 is the newest step of the schema */
	const char *append;    /* writes a record; one row when it was taken */
	const char *note;      /* writes a step of the schema; the same */
	/*
	 * Kind and name of what the tracker consists of, where it is as it was made
	 * (`compares`: by the text $1), then NULL; or what is wrong with it.
	 */
	const char *guarding;
	bool compares;
	const char *const *guards; /* what must be there: "trigger log_change", ... */
	const char *lock_row;	   /* one row while it is there; NULL: there is none */
	/* from this step on; 0: there are none of these: */
	unsigned session_step;
	const char *enter;  /* db_unit's */
	const char *leave;  /* the same */
	const char *insert; /* writes a record, unproven */
	const char *proof;  /* one row while the $1 newest records are $2 to $4 */
	/* of a migration that is run in batches: */
	const char *progress_read;  /* of path $1 and blob $2 */
	const char *progress_find;  /* the same, or else the newest of the path */
	const char *progress_write; /* the same; one row when it was where $7 says */
	const char
		*names; /* before them: names are looked up as a migration's; or NULL */
	const char *formats;  /* before questions for keys: how values are written as
				 texts, whatever role and database have set; or NULL */
	const char *keys;     /* of table $1, which is as SQL writes it where there are
				 `names`: a unique index and one of its columns, in order */
	const char *estimate; /* of the rows of the table that comes behind it; or NULL */
	const char *estimate_of; /* the same of table $1; or NULL */
	const char *behind; /* a replica, and how many bytes it has to replay; or NULL */
	const char
		*key_value; /* the key @ of table gm as a text; NULL: it cannot be one */
	bool values_are_literals; /* that text can be written into SQL */
	struct schema_step whole; /* all steps, for a tracker that is not there yet */
	const struct schema_step *steps;
	unsigned nr_steps;
};

/** The dialect of a schema; it is there. */
const struct dialect *dialect_of(const char *schema);

#endif
