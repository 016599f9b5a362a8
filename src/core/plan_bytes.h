/*
 * A plan as bytes, so that it need not be worked out again: that of a commit, for
 * one folder of its tree, is the same for ever.
 */
#ifndef CORE_PLAN_BYTES_H
#define CORE_PLAN_BYTES_H

#include <stddef.h>

struct buf;
struct plan;

/** Appends order, blobs, modes and misfits of a plan that has no unknown order. */
void plan_encode(const struct plan *p, struct buf *out);

/**
 * Fills them in a plan whose head, folder and source are set. 0, or -1: malformed,
 * and it has no entries.
 */
int plan_decode(struct plan *p, const char *data, size_t len);

#endif
