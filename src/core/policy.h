/*
 * The rules that a push, a commit or a range must keep (DESIGN.md 7). Pure:
 * what is judged has been read by others. Every rule has an identifier, shown
 * with each finding and explained in git-migrate-hooks(5).
 */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include "base/pool.h"
#include "core/oid.h"

struct err;
struct misfit;
struct plan;

enum rule {
	RULE_EDITED, /* bytes of a landed or applied file changed */
	RULE_DELETED,
	RULE_REVERTED, /* deleted by a git revert */
	RULE_RENAMED,
	RULE_MODE,	   /* mode or type changed */
	RULE_FOXTROT,	   /* the branch's first-parent line was given up by a merge */
	RULE_REWRITTEN,	   /* the old tip is no ancestor, and the order is another */
	RULE_FORCED,	   /* the old tip is no ancestor, and files are missing */
	RULE_REORDERED,	   /* entries change places in another way */
	RULE_RELABELLED,   /* a landed migration's trailers changed */
	RULE_NAME,	   /* a *.sql file with a forbidden name */
	RULE_TYPE,	   /* a *.sql that is no regular file */
	RULE_CASE,	   /* two paths equal but for case */
	RULE_UNRESOLVED,   /* a trailer names nothing in the plan, or several */
	RULE_LATER,	   /* a trailer names an entry that comes later, or itself */
	RULE_FAILURE_MODE, /* Fixes: without Failure-Mode: */
	RULE_UNFILLED,	   /* the file of a fix still has a placeholder */
	RULE_MISPLACED,	   /* a trailer outside the trailer block */
	RULE_REASON,	   /* a permission without its reason */
	RULE_SUPERSEDES,   /* what runs in another's place could not run there */
	RULE_PHASE,	   /* a contract whose conditions make no sense */
	RULE_UNBOUND,	   /* trailers in the message of a commit that brings several */
	RULE_SETTINGS,	   /* .gitmigrate changed what decides over landed files */
	RULE_BRANCH,	   /* the protected branch deleted or renamed */
	RULE_TAG,	   /* moved to rewritten history */
	RULE_UNSEEN,	   /* the remote has what was never fetched */
	RULE_MIRROR,	   /* records taken back, changed or out of their chain */
	/* where the settings ask for it: */
	RULE_SEVERAL,	 /* a commit brings several */
	RULE_UNSIGNED,	 /* no good signature on the commit that brings it */
	RULE_UNREVIEWED, /* reviewed by nobody but the author */
	RULE_UNREHEARSED,
	/* of a target, not of a push: */
	RULE_GAP,     /* pending before one that was written with it in place */
	RULE_LATE,    /* pending before one that did not know of it */
	RULE_SHALLOW, /* the order lies behind a shallow clone's boundary */
	RULE_OPEN,    /* a migration was begun and never settled */
	RULE_AFTER,   /* another target is to have it first */
	RULE_HELD,    /* pending, and it requires one that waits */
	RULE_BATCHES, /* what would do again what committed batches have done */
	/* of two branches: */
	RULE_CLASH,   /* one path with two contents */
	RULE_OVERLAP, /* migrations of both touch one object */
	RULE_NR,
};

/** The identifier, "edited". Frozen. */
const char *rule_name(enum rule r);

struct finding {
	enum rule rule;
	bool warning;
	const char *path;    /* NULL when it is about more than one file */
	const char *message; /* one line, lower case */
	const char *detail;  /* "" when there is none */
	const char *hint;
};

/** Start with `= { 0 }`. */
struct findings {
	struct pool pool;
	struct finding *items;
	size_t nr, alloc;
	size_t errors; /* those that are no warnings */
};

void findings_release(struct findings *f);

/** Adds one; detail and hint are set by the two calls below, for the newest. */
void findings_add(struct findings *f, enum rule rule, bool warning, const char *path,
		  const char *fmt, ...) PRINTF_LIKE(5, 6);
void findings_detail(struct findings *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
void findings_hint(struct findings *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** How the new tip stands to the old one. */
struct lineage {
	bool old_is_ancestor;	    /* a fast-forward */
	bool new_is_ancestor;	    /* of the old one: a step back */
	bool old_on_first_parents;  /* of the new tip */
	const struct oid *reverted; /* commits that what is new says it reverts */
	size_t nr_reverted;
};

/** A path that some target has settled. */
struct applied {
	const char *path;
	struct oid blob; /* that ran */
	const char *target, *at;
};

struct applied_set {
	struct applied *items; /* bytewise by path */
	size_t nr;
};

/** NULL when no target has settled the path. */
const struct applied *applied_find(const struct applied_set *set, const char *path);

/**
 * I1: plan(new) must be plan(old) and a suffix, as path, mode, blob and
 * trailers. With `applied`, of the old plan only what is in there is kept, nothing
 * may come to stand before it, and of what is new it tells the bytes. Adds a finding
 * for each file that was changed, and one that names the cause when the order was.
 * 0 or -1 (a message could not be read).
 */
int policy_append_only(struct plan *older, struct plan *newer,
		       const struct lineage *lineage, const struct applied_set *applied,
		       struct findings *f, struct err *err);

/** One that is new and ran somewhere already has to be the one that ran. */
void policy_as_applied(const struct plan *older, const struct plan *newer,
		       const struct applied_set *applied, struct findings *f);

/**
 * What entries from position `from` on must keep: names, types, no two paths
 * equal under case folding, trailers that resolve, a failure mode with each
 * fix. Misfits of the plan are found whatever `from` is. 0 or -1.
 */
int policy_new_entries(struct plan *plan, size_t from, struct findings *f,
		       struct err *err);

/** Says why a file cannot be a migration, or what stands there cannot be their folder. */
void policy_misfit(const char *folder, const struct misfit *m, struct findings *f);

/** Says that two paths are one file where case does not matter; `path` came later. */
void policy_same_but_for_case(const char *there, const char *path, struct findings *f);

/** migrate.oneMigrationPerCommit: finds the commits that bring several. */
void policy_one_each(const struct plan *plan, size_t from, struct findings *f);

/**
 * What the message of a commit that brings `brought` migrations must keep where it
 * binds none of them: permissions name one of the plan, and give their reason.
 */
void policy_message(const struct plan *plan, size_t brought, const char *message,
		    struct findings *f);

#endif
