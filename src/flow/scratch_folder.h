/*
 * A private folder for things that are needed for a while. A lock says that somebody
 * uses it: what a killed program has left behind is found by the next one.
 */
#ifndef FLOW_SCRATCH_FOLDER_H
#define FLOW_SCRATCH_FOLDER_H

#include <stddef.h>

#include "base/buf.h"

struct err;

/** Start with SCRATCH_FOLDER_INIT. */
struct scratch_folder {
	struct buf path;
	int lock; /* -1: there is none */
};

#define SCRATCH_FOLDER_INIT                                                              \
	{                                                                                \
		.lock = -1                                                               \
	}

/** Makes one below TMPDIR, else /tmp. 0 or -1. */
int scratch_folder_make(struct scratch_folder *f, struct err *err);

/**
 * Removes it with all that is in it, stopping a server of scratch_server.h that has
 * its data there first. Fine when there is none.
 */
void scratch_folder_drop(struct scratch_folder *f);

/** Does that to those that this user has left behind. Returns how many there were. */
size_t scratch_folder_sweep(void);

#endif
