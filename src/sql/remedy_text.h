/* The templates: SQL with "@name@" where names go. */
#ifndef SQL_REMEDY_TEXT_H
#define SQL_REMEDY_TEXT_H

#include "sql/remedy.h"

enum remedy_case {
	CASE_LOSSY_TYPE,
	CASE_LOSSY_REQUIRED, /* the column that has it is NOT NULL */
	CASE_REQUIRED,
	CASE_RENAMED,
	CASE_RENAMED_REQUIRED, /* the new name is of a column that is NOT NULL */
	CASE_RENAMED_TABLE,
	CASE_DROPPED,
	CASE_DROPPED_TABLE,
	CASE_BAD_CONSTRAINT,
	CASE_BAD_INDEX,
	CASE_BACKFILL,
	CASE_BACKFILL_BATCHED,
	CASE_SLOW,
	CASE_REST,
	CASE_NR,
};

/** NULL: there is no such step. */
const char *remedy_text(enum remedy_case which, enum remedy_step step, bool sqlite);

/** What clears up later, NULL where nothing is left; `*loss`: what it destroys. */
const char *remedy_contract_text(enum remedy_case which, bool sqlite, const char **loss);

#endif
