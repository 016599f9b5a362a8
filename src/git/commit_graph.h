/*
 * git's own commit-graph files, read for speed alone: whoever finds no graph
 * here, or no commit in it, reads the objects and gets the same answers. After
 * gitformat-commit-graph(5) and gitformat-chunk(5).
 *
 * A commit is named by its position, valid for this graph alone. What a file
 * says is checked before it is used, but not against its checksum, which costs
 * more than it saves; git does the same.
 */
#ifndef GIT_COMMIT_GRAPH_H
#define GIT_COMMIT_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bloom_keys;
struct commit_graph;
struct oid;

enum {
	GRAPH_NONE = 0xffffffff,    /* no such commit, no parent */
	GRAPH_UNKNOWN = 0xfffffffe, /* the graph cannot tell: read the object */
};

/** What the configuration forbids; all zero is git's default. */
struct commit_graph_options {
	bool no_graph;	 /* core.commitGraph = false */
	bool no_filters; /* commitGraph.readChangedPaths = false, or
			    commitGraph.changedPathsVersion = 0 */
};

/**
 * Opens the graph of a repository: of the first of these object folders (its
 * own, then its alternates) that has one, the single file or else the chain.
 * Layers of a chain may lie in any of the folders; from the first one on that
 * does not fit, they are left out. NULL when there is none, or it is malformed
 * or of a kind that is not known: that is no error. `opts` may be NULL.
 *
 * The graph follows the commits as they are, so it is not for a shallow clone:
 * it may name parents behind the boundary.
 */
struct commit_graph *commit_graph_open(const char *const *object_dirs, size_t nr,
				       const struct commit_graph_options *opts);

/** The graph of one file's bytes, which are borrowed: for tests. NULL as above. */
struct commit_graph *commit_graph_from_bytes(const unsigned char *bytes, size_t len);
void commit_graph_free(struct commit_graph *g);

/** How many commits; they have the positions from 0 on. */
uint32_t commit_graph_nr(const struct commit_graph *g);

/** Position of a commit, or GRAPH_NONE. */
uint32_t commit_graph_find(const struct commit_graph *g, const struct oid *id);

void commit_graph_id(const struct commit_graph *g, uint32_t pos, struct oid *out);
void commit_graph_root_tree(const struct commit_graph *g, uint32_t pos, struct oid *out);

/**
 * Position of the first parent; GRAPH_NONE for a root; GRAPH_UNKNOWN when the
 * file contradicts itself. With each step git's level of the commit falls, so a
 * walk ends after commit_graph_nr() steps at most, whatever the file says.
 */
uint32_t commit_graph_first_parent(const struct commit_graph *g, uint32_t pos);

/** Whether a commit has more than one parent. */
bool commit_graph_is_merge(const struct commit_graph *g, uint32_t pos);

/** Whether commit_graph_maybe_changed can be false for any commit at all. */
bool commit_graph_has_filters(const struct commit_graph *g);

/**
 * Whether a commit may have changed that path, or a file below it, against its
 * first parent (a root: against nothing). False is certain.
 */
bool commit_graph_maybe_changed(const struct commit_graph *g, uint32_t pos,
				const struct bloom_keys *keys);

#endif
