/*
 * libFuzzer target for the reader of git's commit-graph files. The seed is any
 * such file: .git/objects/info/commit-graph of a small repository.
 *
 *   clang -fsanitize=fuzzer,address,undefined -Isrc t/fuzz/fuzz-commit-graph.c \
 *	src/git/{bloom,commit_graph}.c src/core/oid.c src/base/{buf,err,io,text}.c
 */
#include "base/compat.h"

#include "core/oid.h"
#include "git/bloom.h"
#include "git/commit_graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All that is said of a commit, and of those on the way to its root. */
static void ask(const struct commit_graph *g, uint32_t pos, const struct bloom_keys *keys)
{
	uint32_t nr = commit_graph_nr(g), at, steps;
	struct oid id;

	commit_graph_root_tree(g, pos, &id);
	commit_graph_id(g, pos, &id);
	at = commit_graph_find(g, &id);
	if (at != GRAPH_NONE) {
		struct oid same;

		commit_graph_id(g, at, &same);
		if (!oid_eq(&id, &same))
			abort();
	}
	if (!commit_graph_maybe_changed(g, pos, keys) && !commit_graph_has_filters(g))
		abort();
	at = pos;
	for (steps = 0; at != GRAPH_NONE && at != GRAPH_UNKNOWN; steps++) {
		if (at >= nr || steps >= nr)
			abort();
		at = commit_graph_first_parent(g, at);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *copy = malloc(size ? size : 1);
	struct commit_graph *g;
	struct bloom_keys keys;
	uint32_t pos;

	if (!copy)
		abort();
	memcpy(copy, data, size); /* exactly as long: a read past it is seen */
	g = commit_graph_from_bytes(copy, size);
	bloom_keys_init(&keys, "migrations/sub");
	for (pos = 0; g && pos < commit_graph_nr(g); pos++)
		ask(g, pos, &keys);
	bloom_keys_release(&keys);
	commit_graph_free(g);
	free(copy);
	return 0;
}
