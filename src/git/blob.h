/*
 * Large blobs: read piece by piece, through a child process of git; or from a copy of
 * the work tree's file, where that is the same.
 */
#ifndef GIT_BLOB_H
#define GIT_BLOB_H

#include <stdint.h>

#include "base/source.h"

struct blob_source;
struct err;
struct oid;
struct repo;

/** What is larger is read by a blob_source, and what is not by repo_read_blob. */
enum { BLOB_LARGE = 16 * 1024 * 1024 };

/**
 * How many bytes a blob has; a partial clone may fetch it for that. 0, 1 when the
 * object is missing, -1.
 */
int repo_blob_size(struct repo *r, const struct oid *id, uint64_t *size, struct err *err);

/**
 * Opens a blob to be read as often as wanted; nothing is read before the first
 * rewind. It is compared with its name each time: only when read() has said that it
 * is at the end (0) were the bytes those of `id`, so who has not come that far has
 * been told nothing. `path` is where the work tree may have it, NULL if nowhere: a file
 * that hashes to `id` is as good as the blob. 0 with `*out` the caller's, 1 when the
 * object is missing, -1. `r` must outlive it.
 */
int repo_blob_open(struct repo *r, const struct oid *id, const char *path,
		   struct blob_source **out, struct err *err);

/** The functions that read it; they are good as long as it is. */
struct source blob_source(struct blob_source *b);

/** SHA-256 of its bytes in hex, for the record; NULL until they were read once. */
const char *blob_source_sha256(const struct blob_source *b);

/** Ends the child that still gives bytes, too. NULL is fine. */
void blob_source_free(struct blob_source *b);

#endif
