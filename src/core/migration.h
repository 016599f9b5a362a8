/* One migration: an SQL file below the migrations folder, named by path and blob. */
#ifndef CORE_MIGRATION_H
#define CORE_MIGRATION_H

#include "core/oid.h"
#include "core/trailer.h"

enum { MIGRATION_PATH_MAX = 200 };

/** Modes as in git's trees. */
enum {
	MODE_REGULAR = 0100644,
	MODE_EXECUTABLE = 0100755,
	MODE_SYMLINK = 0120000,
	MODE_GITLINK = 0160000,
};

enum name_verdict {
	NAME_OK,
	NAME_OTHER,	/* no *.sql: not ours, ignored */
	NAME_CHARACTER, /* a byte outside [0-9A-Za-z._-] in a component */
	NAME_START,	/* a component that does not begin with a letter or digit */
	NAME_LONG,	/* more than MIGRATION_PATH_MAX bytes */
	NAME_EXTENSION, /* ".SQL": would never run where case matters */
};

struct migration {
	const char *path; /* relative to the migrations folder */
	struct oid blob;  /* in the commit that was asked for */
	unsigned mode;
	struct oid commit;  /* brings it: the bottom of the recursion; zero if cut off */
	struct oid arrival; /* the commit of the first-parent line it came with */
	bool order_unknown; /* came before the boundary of a shallow clone */
	unsigned company;   /* how many migrations `commit` brings, itself included */

	/* from here on only once `known` (see plan_source in core/plan.h) */
	bool known;
	const char *subject;	  /* of `commit` */
	const char *author;	  /* "Name <email>" of `commit` */
	int64_t when;		  /* author's time of `commit`, seconds since 1970 */
	struct trailers trailers; /* that bind this migration, wherever they stand */
	struct directives how;
	struct trailers in_message; /* as the bringing commit's message has them */
	struct trailers in_header;
};

/** Judges a path relative to the migrations folder. */
enum name_verdict migration_name_check(const char *path);

/** Why a name is refused, a clause for "...: <clause>"; BUG for OK and OTHER. */
const char *migration_name_reason(enum name_verdict v);

/** The last component of a path. */
const char *migration_base(const char *path);

#endif
