/*
 * libgit2, loaded when an object must be read: linking it costs more than all the
 * rest of a command that finds what it needs in the cache. Its headers are used as
 * they are. Each function of it that is called has a definition here that goes on
 * to the library's, so that callers do not see the difference; the one with a
 * variable number of arguments has none. Only internal.h includes this.
 */
#ifndef GIT_LIB_H
#define GIT_LIB_H

#include <git2.h>
#include <git2/sys/commit.h>
#include <git2/sys/repository.h>

struct err;

/**
 * Loads the library, at the first call, and starts it; git_libgit2_shutdown is the
 * counterpart. To be called before any function of it, but for those that free, which
 * then have nothing to free. 0 or -1.
 */
int lib_start(struct err *err);

/** So many bytes of packs are mapped at a time, from now on. */
void lib_map_at_most(size_t bytes);

#endif
