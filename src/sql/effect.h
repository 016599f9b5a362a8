/*
 * What one migration did to what was there, as its SQL tells: what a down migration
 * would destroy, and what none would bring back.
 */
#ifndef SQL_EFFECT_H
#define SQL_EFFECT_H

#include "sql/catalog.h"

enum sql_effect_kind {
	EFFECT_NEW_TABLE,  /* undone, its rows are gone */
	EFFECT_NEW_COLUMN, /* undone, its values are gone */
	EFFECT_TYPE,	   /* undone, values stay as the change made them */
	EFFECT_GONE_TABLE, /* undone, it is empty */
	EFFECT_GONE_COLUMN,
	EFFECT_UPDATED, /* rows that no statement turns back */
	EFFECT_DELETED,
};

/** Texts are the catalogs', or the pool's. */
struct sql_effect {
	enum sql_effect_kind kind;
	const char *table_key, *table;
	const char *column_key, *column; /* NULL: of the table */
	const char *old_type, *new_type;
	bool keeps;	 /* TYPE: each value is as it was */
	bool rebuilt;	 /* UPDATED, DELETED: by a copy that may not be a whole one */
	bool overwrites; /* UPDATED: values that were there, and not by UPDATE alone */
};

/** Start with `= { 0 }`. */
struct sql_effects {
	struct pool pool;
	struct sql_effect *items;
	size_t nr, alloc;
	const char *unread; /* "DO": what it does is not in its SQL; NULL: all is */
	unsigned line;	    /* of the first one */
};

/**
 * What the migration `text` did between the two catalogs, of which `after` has read
 * it last.
 */
void sql_effects_read(const struct sql_catalog *before, const struct sql_catalog *after,
		      const char *text, size_t len, struct sql_effects *out);
void sql_effects_release(struct sql_effects *e);

/** "new-column", frozen. */
const char *sql_effect_word(enum sql_effect_kind kind);

/** Whether a down migration would destroy it: it can be counted. */
bool sql_effect_is_counted(enum sql_effect_kind kind);

#endif
