/*
 * The tracker's record, version 1: one line of printable ASCII, see
 * git-migrate-records(5) and DESIGN.md 4. The stored text of a record is what
 * is hashed; unknown fields are kept and hashed too.
 */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include "base/sha256.h"
#include "core/oid.h"

struct buf;
struct err;
struct pool;

enum event {
	EVENT_CREATED,
	EVENT_APPLIED,
	EVENT_ADOPTED,
	EVENT_SUPERSEDED,
	EVENT_UNNEEDED,
	EVENT_STARTED,
	EVENT_FAILED,
	EVENT_EXCEPTED,
	EVENT_ABANDONED,
	EVENT_RAN,
	EVENT_RESTORED,
	EVENT_CLONED,
	EVENT_NR,
};

/** Fields behind the sequence number, in the order in which a line has them. */
enum field {
	FIELD_PREV,
	FIELD_V,
	FIELD_EVENT,
	FIELD_PATH,
	FIELD_BLOB,
	FIELD_SHA256,
	FIELD_COMMIT,
	FIELD_HEAD,
	FIELD_AT,
	FIELD_BY,
	FIELD_RUN,
	FIELD_ENGINE,
	FIELD_TARGET,
	FIELD_TOOL,
	FIELD_SERVER, /* created: the server's own identifier */
	FIELD_FIXES,  /* paths of what it fixes, joined by commas */
	FIELD_STATEMENTS,
	FIELD_MS,
	FIELD_SQLSTATE,
	FIELD_LINE,
	FIELD_OLD,
	FIELD_FROM,
	FIELD_BACKUP, /* file that holds the database as it was before the run */
	FIELD_REASON,
	FIELD_MIGRATIONS, /* ran: how many */
	FIELD_DURATIONS,  /* ran: path:ms of each, joined by commas */
	FIELD_SCHEMA,	  /* ran: the schema's fingerprint */
	FIELD_ROWS,	  /* applied, in batches: how many were changed */
	FIELD_NR,
};

struct record {
	uint64_t seq; /* from 1 */
	enum event event;
	/* decoded values, NULL where absent */
	const char *field[FIELD_NR];
	const char *line; /* as stored, without LF; set by record_parse and record_seal */
	size_t line_len;
	char hash[SHA256_HEXSZ + 1]; /* of the line with its LF */
};

enum { RECORD_SEQ_DIGITS = 10, RECORD_LINE_MAX = 64 * 1024 };

/** The greatest number that a record can have. */
#define RECORD_SEQ_MAX UINT64_C(9999999999)

/** What `prev` of the first record says. */
extern const char RECORD_NO_PREV[SHA256_HEXSZ + 1];

const char *event_name(enum event e);
/** 0, or -1 when no event is called that. */
int event_parse(const char *name, enum event *out);
/** The four that settle a plan entry. */
bool event_settles(enum event e);
/** The two of these after which what the migration does is there. */
bool event_takes_effect(enum event e);
/** The two after which a log goes on from elsewhere than where it ended. */
bool event_begins_anew(enum event e);
/** Whether the event is about one migration, and so has path, blob and commit. */
bool event_has_migration(enum event e);
const char *field_name(enum field f);

/** Appends a value as it stands in a record's line. */
void record_add_value(struct buf *line, const char *s);

/**
 * Writes the line of `r` from seq, event and field[] (FIELD_V and FIELD_EVENT
 * are filled in), and sets line and hash. Memory is the pool's.
 */
void record_seal(struct record *r, struct pool *pool);

/**
 * Reads one line (no LF). Strict: the sequence number, known fields in order
 * and at most once, the ones that the event demands, well-formed ids, nothing
 * but printable ASCII, %XX only where it is needed. 0 or -1 (ERR_REFUSED) with
 * what is wrong with it. Memory, a copy of the line included, is the pool's.
 */
int record_parse(struct record *out, struct pool *pool, const char *line, size_t len,
		 struct err *err);

/**
 * The same for a line of a log, behind one that was read before (NULL: none): values
 * that the two have in common are shared, so that both go with one pool.
 */
int record_parse_next(struct record *out, struct pool *pool, const char *line,
		      const struct record *before, struct err *err);

/** The same for a line that lives as long as the pool does: it is not copied. */
int record_parse_kept(struct record *out, struct pool *pool, const char *line,
		      const struct record *before, struct err *err);

/**
 * The path in a line as it stands there, `*len` bytes of it; NULL where a record in that
 * line would be about none. Nothing else of it is looked at.
 */
const char *record_line_path(const char *line, size_t *len);

/** The hash of the record whose place a parsed one's log took (old=); "" for none. */
const char *record_old_hash(const struct record *r);

/** Sorts records by hash, for records_find. */
void records_sort(struct record *records, size_t nr);

/** The record with that hash among sorted ones, NULL when there is none. */
const struct record *records_find(const struct record *records, size_t nr,
				  const char *hash);

#endif
