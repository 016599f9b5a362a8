/* The message of a commit that is being made: judged, and filled in. */
#ifndef FLOW_COMMIT_MSG_H
#define FLOW_COMMIT_MSG_H

#include "core/policy.h"

struct err;
struct repo;

/**
 * Judges the message in `file` by the rules for trailers, with the migrations that
 * the index brings. What autosquash will meld and what brings no migration is free;
 * a merge answers for what it adds itself. 0 or -1.
 */
int commit_msg_check(struct repo *repo, const char *file, struct findings *f,
		     struct err *err);

/**
 * Fills in the trailers of a fix that the head of the only new file tells
 * ("-- Fixes: ..."), those that the message lacks. What is unknown is a placeholder,
 * which commit_msg_check refuses, and which is left out where nobody will see it:
 * `source` is git's second argument (NULL: none). 0 or -1.
 */
int commit_msg_prepare(struct repo *repo, const char *file, const char *source,
		       struct err *err);

/**
 * Whether the message in `file` is that of a `git revert` that is being made: 1, 0,
 * -1.
 */
int commit_msg_is_revert(struct repo *repo, const char *file, struct err *err);

#endif
