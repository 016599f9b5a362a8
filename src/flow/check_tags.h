/* Tags that a push moves: what named the branch must not come to name another history. */
#ifndef FLOW_CHECK_TAGS_H
#define FLOW_CHECK_TAGS_H

struct err;
struct findings;
struct push;
struct repo;

/**
 * Judges all tags of a push together. A tag is free, but for one that named a commit of
 * the protected branch and is moved to one that is not: that one may add to the plan,
 * and not change it. 0 or -1.
 */
int check_tags(struct repo *repo, const struct push *push, const char *protected,
	       struct findings *f, struct err *err);

#endif
