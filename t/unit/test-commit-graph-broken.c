/* The reader of commit-graph files against broken ones. */
#include "base/compat.h"

#include <fcntl.h>
#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "core/oid.h"
#include "git/bloom.h"
#include "git/commit_graph.h"
#include "sandbox.h"

enum { NR_COMMITS = 12, SECOND_LAYER = 8 };

struct fixture {
	char dir[64], objects[96];
	struct buf small; /* a file of all commits, with filters */
};

/* A root, five commits on it, a merge of three of them, and a line on that. */
static int make_fixture(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct buf in = BUF_INIT, path = BUF_INIT;
	struct err err = { 0 };
	int n;

	*state = f;
	sandbox_make(f->dir);
	snprintf(f->objects, sizeof(f->objects), "%s/repo/objects", f->dir);
	for (n = 1; n <= NR_COMMITS; n++) {
		buf_addf(&in, "reset refs/tags/c%d\n\ncommit refs/tags/c%d\nmark :%d\n",
			 n, n, n);
		buf_addf(&in, "committer C <c@example.org> 17000000%02d +0000\n", n);
		buf_adds(&in, "data 1\nx\n");
		if (n > 1)
			buf_addf(&in, "from :%d\n", n > 6 ? n - 1 : 1);
		if (n == 7)
			buf_adds(&in, "merge :5\nmerge :4\n");
		buf_addf(&in, "M 100644 inline migrations/%s%d.sql\ndata 1\nx\n\n",
			 n % 3 ? "" : "sub/", n);
	}
	sandbox_run(f->dir, "git init -q --bare --object-format=sha1 repo", NULL, NULL);
	sandbox_run(f->dir, "git -C repo fast-import --quiet", &in, NULL);
	sandbox_run(f->dir, "git -C repo commit-graph write --reachable --changed-paths",
		    NULL, NULL);
	buf_addf(&path, "%s/info/commit-graph", f->objects);
	assert_int_equal(file_read(path.s, 1 << 20, &f->small, &err), 0);
	buf_release(&in);
	buf_release(&path);
	return 0;
}

static int remove_fixture(void **state)
{
	struct fixture *f = *state;

	sandbox_remove(f->dir);
	buf_release(&f->small);
	free(f);
	return 0;
}

/* Three layers of four commits, in files that can be changed. */
static void make_chain(struct fixture *f)
{
	sandbox_run(f->dir,
		    "cd repo; rm -rf objects/info/commit-graph*\n"
		    "tags() { for i in $(seq $1); do echo c$i; done; }\n"
		    "for i in 4 8 12; do tags $i | git rev-list --stdin |"
		    " git commit-graph write --stdin-commits --split=no-merge"
		    " --changed-paths; done\n"
		    "cd objects/info/commit-graphs; chmod u+w *\n"
		    "test $(wc -l <commit-graph-chain) = 3",
		    NULL, NULL);
}

static struct commit_graph *open_graph(struct fixture *f)
{
	const char *dirs[] = { f->objects };

	return commit_graph_open(dirs, 1, NULL);
}

/* --- one file ---------------------------------------------------------- */

static void put_be32(unsigned char *at, uint32_t value)
{
	at[0] = (unsigned char)(value >> 24);
	at[1] = (unsigned char)(value >> 16);
	at[2] = (unsigned char)(value >> 8);
	at[3] = (unsigned char)value;
}

static uint32_t get_be32(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
	       at[3];
}

/* Where the table of contents speaks of a chunk. */
static size_t entry_of(const struct buf *file, const char *name)
{
	size_t at;

	for (at = 8; memcmp(file->s + at, name, 4) != 0; at += 12)
		assert_true(at + 12 < file->len);
	return at;
}

static size_t chunk_of(const struct buf *file, const char *name)
{
	return get_be32((unsigned char *)file->s + entry_of(file, name) + 8);
}

/* Asks everything of every commit, and walks to the root from each. */
static void walk_all(const struct commit_graph *g)
{
	uint32_t nr = commit_graph_nr(g), pos, at, steps;
	struct bloom_keys keys;
	struct oid id;

	bloom_keys_init(&keys, "migrations/sub");
	commit_graph_has_filters(g);
	for (pos = 0; pos < nr; pos++) {
		commit_graph_root_tree(g, pos, &id);
		commit_graph_maybe_changed(g, pos, &keys);
		commit_graph_id(g, pos, &id);
		at = commit_graph_find(g, &id);
		assert_true(at == GRAPH_NONE || at < nr);
		at = pos;
		for (steps = 0; at != GRAPH_NONE && at != GRAPH_UNKNOWN; steps++) {
			assert_true(at < nr && steps < nr);
			at = commit_graph_first_parent(g, at);
		}
	}
	bloom_keys_release(&keys);
}

/* In memory of just that size, so that a sanitizer sees what is read beyond it. */
static struct commit_graph *try_bytes(const void *bytes, size_t len, unsigned char **copy)
{
	struct commit_graph *g;

	*copy = malloc(len ? len : 1);
	assert_non_null(*copy);
	memcpy(*copy, bytes, len);
	g = commit_graph_from_bytes(*copy, len);
	if (g)
		walk_all(g);
	return g;
}

static void test_flipped_bytes(void **state)
{
	struct fixture *f = *state;
	static const unsigned char flips[] = { 0xff, 0x01, 0x80, 0x10 };
	unsigned char *copy;
	size_t i, k, refused = 0;

	for (i = 0; i < f->small.len; i++) {
		for (k = 0; k < ARRAY_SIZE(flips); k++) {
			struct commit_graph *g;

			f->small.s[i] = (char)(f->small.s[i] ^ flips[k]);
			g = try_bytes(f->small.s, f->small.len, &copy);
			f->small.s[i] = (char)(f->small.s[i] ^ flips[k]);
			refused += !g;
			commit_graph_free(g);
			free(copy);
		}
	}
	assert_true(refused > 256); /* header, table, fan-out */
}

static void test_cut_short(void **state)
{
	struct fixture *f = *state;
	unsigned char *copy;
	size_t len;

	for (len = 0; len <= f->small.len; len++) {
		struct commit_graph *g = try_bytes(f->small.s, len, &copy);

		assert_int_equal(g != NULL, len == f->small.len);
		commit_graph_free(g);
		free(copy);
	}
}

/* The graph with one word of the file changed; NULL when it is refused. */
static struct commit_graph *patch(struct fixture *f, size_t at, uint32_t value,
				  unsigned char **copy)
{
	struct buf file = BUF_INIT;
	struct commit_graph *g;

	buf_add(&file, f->small.s, f->small.len);
	put_be32((unsigned char *)file.s + at, value);
	g = try_bytes(file.s, file.len, copy);
	buf_release(&file);
	return g;
}

static void refused(struct fixture *f, size_t at, uint32_t value)
{
	unsigned char *copy;

	assert_null(patch(f, at, value, &copy));
	free(copy);
}

static void test_refused(void **state)
{
	struct fixture *f = *state;
	size_t fanout = chunk_of(&f->small, "OIDF"), nr_chunks = (size_t)f->small.s[6];
	size_t table_end = 8 + 12 * nr_chunks;
	uint32_t nr = get_be32((unsigned char *)f->small.s + fanout + 4 * 255);
	size_t ids = entry_of(&f->small, "OIDL"), data = entry_of(&f->small, "CDAT");
	size_t filters = entry_of(&f->small, "BIDX");

	assert_int_equal(nr, NR_COMMITS);
	refused(f, 0, 0x43475049);			/* signature */
	refused(f, 4, 0x02010000 | nr_chunks << 8);	/* version */
	refused(f, 4, 0x01020000 | nr_chunks << 8);	/* SHA-256 */
	refused(f, 4, 0x01010000 | nr_chunks << 8 | 1); /* a layer below */
	refused(f, 4, 0x01010000 | (nr_chunks - 1) << 8);
	refused(f, 4, 0x01010000 | (nr_chunks + 1) << 8);
	refused(f, table_end, 0x58585858);		   /* no end of the table */
	refused(f, table_end + 8, (uint32_t)f->small.len); /* into the checksum */
	refused(f, 8 + 8, 0);				   /* into the table */
	refused(f, 8 + 4, 1);				   /* far behind the end */
	refused(f, filters, 0x42444154);		   /* two of a kind */
	refused(f, filters, 0);				   /* the table ends early */
	refused(f, ids, 0x58585858);			   /* one is missing */
	refused(f, ids, 0);
	refused(f, data + 8, (uint32_t)chunk_of(&f->small, "CDAT") + 4);
	refused(f, data + 8, (uint32_t)chunk_of(&f->small, "OIDL") - 4);
	refused(f, fanout, nr + 1);
	refused(f, fanout + 4 * 255, nr + 1);
	refused(f, fanout + 4 * 255, nr - 1);
	refused(f, fanout + 4 * 255, 0xffffffff);
}

static void first_parent_is(struct fixture *f, size_t at, uint32_t value, uint32_t pos,
			    uint32_t expect)
{
	unsigned char *copy;
	struct commit_graph *g = patch(f, at, value, &copy);

	assert_non_null(g);
	assert_int_equal(commit_graph_first_parent(g, pos), expect);
	commit_graph_free(g);
	free(copy);
}

static void test_parents(void **state)
{
	struct fixture *f = *state;
	unsigned char *copy;
	struct commit_graph *g = try_bytes(f->small.s, f->small.len, &copy);
	size_t data = chunk_of(&f->small, "CDAT"), entry;
	uint32_t nr = commit_graph_nr(g), pos = 0, parent;

	while (commit_graph_first_parent(g, pos) == GRAPH_NONE)
		pos++;
	parent = commit_graph_first_parent(g, pos);
	entry = data + 36 * (size_t)pos + 20;
	first_parent_is(f, entry, 0x70000000, pos, GRAPH_NONE);
	first_parent_is(f, entry, 0x70000001, pos, GRAPH_UNKNOWN);
	first_parent_is(f, entry, 0x80000000, pos, GRAPH_UNKNOWN);
	first_parent_is(f, entry, 0xffffffff, pos, GRAPH_UNKNOWN);
	first_parent_is(f, entry, nr, pos, GRAPH_UNKNOWN);
	first_parent_is(f, entry, pos, pos, GRAPH_UNKNOWN);   /* itself */
	first_parent_is(f, entry + 8, 0, pos, GRAPH_UNKNOWN); /* no levels */
	first_parent_is(f, data + 36 * (size_t)parent + 28, 0xffffffff, pos,
			GRAPH_UNKNOWN);
	commit_graph_free(g);
	free(copy);
}

/* Whether anything is certain after a word was changed, of any commit, of one. */
static void filters_are(struct fixture *f, size_t at, uint32_t value, bool any,
			uint32_t pos, bool maybe)
{
	unsigned char *copy;
	struct commit_graph *g = patch(f, at, value, &copy);
	struct bloom_keys keys;

	assert_non_null(g);
	assert_int_equal(commit_graph_has_filters(g), any);
	bloom_keys_init(&keys, "never/there/at/all");
	assert_int_equal(commit_graph_maybe_changed(g, pos, &keys), maybe);
	bloom_keys_release(&keys);
	commit_graph_free(g);
	free(copy);
}

static void test_filters_patched(void **state)
{
	struct fixture *f = *state;
	size_t head = chunk_of(&f->small, "BDAT"), ends = chunk_of(&f->small, "BIDX");
	uint32_t first = get_be32((unsigned char *)f->small.s + ends);
	uint32_t second = get_be32((unsigned char *)f->small.s + ends + 4);

	assert_true(first > 0 && second > first);
	filters_are(f, head, 1, true, 0, false);
	filters_are(f, head, 2, true, 0, false);
	filters_are(f, head, 0, false, 0, true);
	filters_are(f, head, 3, false, 0, true);
	filters_are(f, head + 4, 0, false, 0, true);
	filters_are(f, head + 4, 65, false, 0, true);
	filters_are(f, head + 8, 0, false, 0, true);
	filters_are(f, head + 8, 1025, false, 0, true);
	filters_are(f, ends, 0, true, 0, true);		    /* no filter */
	filters_are(f, ends + 4, first, true, 1, true);	    /* no filter */
	filters_are(f, ends + 4, first - 1, true, 1, true); /* ends before it starts */
	filters_are(f, ends, 0xffffffff, true, 0, true);
	filters_are(f, ends, 0xffffffff, true, 1, true);
	filters_are(f, 8 + 12 * (size_t)f->small.s[6] + 8, (uint32_t)head + 8, false, 0,
		    true); /* the last chunk is too short */
	filters_are(f, entry_of(&f->small, "BIDX"), 0x58585858, false, 0, true);
	filters_are(f, entry_of(&f->small, "BDAT"), 0x58585858, false, 0, true);
	filters_are(f, entry_of(&f->small, "BDAT") + 8, (uint32_t)head + 4, false, 0,
		    true);
}

/* --- chains ------------------------------------------------------------ */

/* Writes the bytes of one file of a chain anew, each of them flipped in turn. */
static void flip_file(struct fixture *f, const char *path)
{
	struct buf file = BUF_INIT;
	struct commit_graph *g;
	struct err err = { 0 };
	size_t i;
	int fd;

	assert_int_equal(file_read(path, 1 << 20, &file, &err), 0);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	for (i = 0; i < file.len; i++) {
		char flipped = (char)~file.s[i];

		assert_int_equal(pwrite(fd, &flipped, 1, (off_t)i), 1);
		g = open_graph(f);
		if (g)
			walk_all(g);
		commit_graph_free(g);
		assert_int_equal(pwrite(fd, &file.s[i], 1, (off_t)i), 1);
	}
	close(fd);
	buf_release(&file);
}

/* A layer that was written over others than those of the chain. */
static void test_chain_of_others(void **state)
{
	struct fixture *f = *state;
	struct buf path = BUF_INIT, file = BUF_INIT;
	struct commit_graph *g;
	struct err err = { 0 };

	make_chain(f);
	sandbox_run(f->dir,
		    "cd repo/objects/info/commit-graphs\n"
		    "printf %s $PWD/graph-$(tail -n 1 commit-graph-chain).graph",
		    NULL, &path);
	assert_int_equal(file_read(path.s, 1 << 20, &file, &err), 0);
	file.s[chunk_of(&file, "BASE") + OID_RAWSZ] ^= 1;
	assert_int_equal(file_replace(path.s, file.s, file.len, 0644, &err), 0);
	g = open_graph(f);
	assert_non_null(g);
	assert_int_equal(commit_graph_nr(g), SECOND_LAYER);
	commit_graph_free(g);
	buf_release(&path);
	buf_release(&file);
}

static void test_flipped_chain(void **state)
{
	struct fixture *f = *state;
	struct buf out = BUF_INIT;
	struct commit_graph *g;
	char *at, *path;

	make_chain(f);
	sandbox_run(f->dir, "ls $PWD/repo/objects/info/commit-graphs/*", NULL, &out);
	at = out.s;
	while ((path = strsep(&at, "\n")) && *path)
		flip_file(f, path);
	g = open_graph(f);
	assert_non_null(g);
	assert_int_equal(commit_graph_nr(g), NR_COMMITS);
	commit_graph_free(g);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flipped_bytes),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_parents),
		cmocka_unit_test(test_filters_patched),
		cmocka_unit_test(test_chain_of_others),
		cmocka_unit_test(test_flipped_chain),
	};

	return cmocka_run_group_tests(tests, make_fixture, remove_fixture);
}
