/* The reader of commit-graph files against what git says, and against broken files. */
#include "base/compat.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/proc.h"
#include "core/oid.h"
#include "git/bloom.h"
#include "git/commit_graph.h"

enum { NR_COMMITS = 240, FIRST_LAYER = 80, SECOND_LAYER = 160, SMALL = 12 };

/* One commit as git tells it without a graph. */
struct truth {
	struct oid id, tree, parent; /* the first one; zero for a root */
	bool octopus;
	size_t nr_paths;
	char **paths; /* changed against the first parent */
};

struct fixture {
	char dir[64];
	char objects[96], others[96]; /* object folders; that of a clone that borrows */
	struct truth *commits;
	size_t nr;
	struct buf small; /* a graph of a few commits with filters */
};

static const char *const asked[] = {
	"migrations",
	"migrations/sub",
	"migrations/sub/2.sql",
	"migrations/1.sql",
	"a",
	"a/b",
	"a/b/c",
	"a/b/c/d",
	"a/b.txt",
	"top",
	"migration",
	"b",
	"never",
	"migrations/sub/2.sq",
	"big",
	"big/599",
};

/* --- git --------------------------------------------------------------- */

/* Runs a shell command at the top of the fixture; what it prints goes to `out`. */
static void shell_with(struct fixture *f, const char *command, const struct buf *input,
		       struct buf *out)
{
	static const char *const env[] = {
		"HOME=/nonexistent",
		"XDG_CONFIG_HOME=/nonexistent",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_CONFIG_COUNT",
		"GIT_CONFIG_PARAMETERS",
		"GIT_DEFAULT_HASH",
		"GIT_DIR",
		"GIT_WORK_TREE",
		"GIT_INDEX_FILE",
		"GIT_OBJECT_DIRECTORY",
		"GIT_ALTERNATE_OBJECT_DIRECTORIES",
		"LC_ALL=C",
		NULL,
	};
	const char *argv[] = { "sh", "-ec", command, NULL };
	struct proc p = { .argv = argv, .setenv = env, .dir = f->dir };
	struct buf errors = BUF_INIT;
	struct err err = { 0 };
	int status;

	if (input) {
		p.input = input->s;
		p.input_len = input->len;
	}
	status = proc_run(&p, out, &errors, &err);
	if (status != 0)
		fail_msg("%s: status %d: %s%s", command, status, err.message,
			 buf_str(&errors));
	buf_release(&errors);
}

static void shell(struct fixture *f, const char *command)
{
	shell_with(f, command, NULL, NULL);
}

/* --- a file's bytes ------------------------------------------------------ */

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

/* --- a history --------------------------------------------------------- */

static unsigned draw(uint32_t *state, unsigned below)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % below;
}

static void add_files(struct buf *in, int n, uint32_t *random)
{
	static const char *const files[] = {
		"top",
		"a/b.txt",
		"a/b/c/d",
		"a/b/c/e",
		"a/x/y",
		"migrations/1.sql",
		"migrations-old",
		"src/main.c",
		"src/lib/x.c",
		"migrations/sub/2.sql",
		"doc/\303\244",
		"doc/index",
		"src/lib/y.c",
		"src/lib/z.c",
		"Makefile",
		"t/run",
	};
	int count = (int)draw(random, 4), i;

	for (i = 0; i < count; i++) {
		const char *file = files[draw(random, ARRAY_SIZE(files))];

		if (draw(random, 5) == 0)
			buf_addf(in, "D %s\n", file);
		else
			buf_addf(in, "M %s inline %s\ndata <<E\n%d %u\nE\n",
				 draw(random, 9) ? "100644" : "100755", file, n,
				 draw(random, 3));
	}
	for (i = 0; n % 90 == 45 && i < 600; i++)
		buf_addf(in, "M 100644 inline big/%d\ndata <<E\n%d\nE\n", i, n);
}

static void add_parents(struct buf *in, int n, uint32_t *random)
{
	int more = draw(random, 4) ? 0 : 1 + (int)draw(random, 4), merged = 0;

	if (n > 1 && draw(random, 20) > 0)
		buf_addf(in, "from :%d\n",
			 draw(random, 3) ? n - 1
					 : 1 + (int)draw(random, (unsigned)n - 1));
	else
		return; /* one more root */
	for (; more > 0 && n > 20; more--) {
		merged += 1 + (int)draw(random, 3);
		buf_addf(in, "merge :%d\n", n - 1 - merged);
	}
}

/* Roots, merges of two and of many, empty commits and one of 600 files. */
static void make_history(struct fixture *f)
{
	struct buf in = BUF_INIT;
	uint32_t random = 7;
	int n;

	for (n = 1; n <= NR_COMMITS; n++) {
		buf_addf(&in,
			 "reset refs/heads/side\n\ncommit refs/heads/side\nmark :%d\n",
			 n);
		buf_addf(&in, "committer C <c@example.org> %d +0000\ndata <<E\n%d\nE\n",
			 1700000000 + n * 60, n);
		add_parents(&in, n, &random);
		add_files(&in, n, &random);
		buf_addf(&in, "\nreset refs/tags/c%d\nfrom :%d\n\n", n, n);
	}
	shell(f, "git init -q --bare --object-format=sha1 repo");
	shell_with(f, "git -C repo fast-import --quiet", &in, NULL);
	buf_release(&in);
}

static char *take(char **at, const char *ends)
{
	char *start = *at;
	size_t len = strcspn(start, ends);

	*at = start + len + (start[len] ? 1 : 0);
	start[len] = '\0';
	return start;
}

/* One commit: "\1id tree parent parent...\n", then its paths, a line each. */
static void read_truth(struct truth *t, char *text)
{
	char *line = take(&text, "\n"), *word;
	size_t parents = 0;

	*t = (struct truth){ 0 };
	word = take(&line, " ");
	assert_int_equal(oid_parse(&t->id, word, strlen(word)), 0);
	word = take(&line, " ");
	assert_int_equal(oid_parse(&t->tree, word, strlen(word)), 0);
	for (; *line; parents++) {
		word = take(&line, " ");
		if (parents == 0)
			assert_int_equal(oid_parse(&t->parent, word, strlen(word)), 0);
	}
	t->octopus = parents > 2;
	while (*text) {
		word = take(&text, "\n");
		if (!*word)
			continue;
		t->paths = xreallocarray(t->paths, t->nr_paths + 1, sizeof(*t->paths));
		t->paths[t->nr_paths++] = xstrdup(word);
	}
}

static void read_history(struct fixture *f)
{
	struct buf out = BUF_INIT;
	char *at;

	shell_with(f,
		   "cd repo; git -c core.commitGraph=false rev-list --all >../all\n"
		   "git -c core.commitGraph=false -c core.quotePath=false log --stdin "
		   "--no-walk=unsorted -m --first-parent --no-renames --name-only "
		   "--format='%x01%H %T %P' <../all",
		   NULL, &out);
	f->commits = xcalloc(NR_COMMITS, sizeof(*f->commits));
	at = out.s;
	take(&at, "\1");
	for (; *at && f->nr < NR_COMMITS; f->nr++)
		read_truth(&f->commits[f->nr], take(&at, "\1"));
	assert_int_equal(f->nr, NR_COMMITS);
	buf_release(&out);
}

static bool has_changed(const struct truth *t, const char *path)
{
	size_t len = strlen(path), i;

	for (i = 0; i < t->nr_paths; i++)
		if (strncmp(t->paths[i], path, len) == 0 &&
		    (t->paths[i][len] == '/' || !t->paths[i][len]))
			return true;
	return false;
}

static int make_fixture(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err err = { 0 };
	char path[128];

	*state = f;
	snprintf(f->dir, sizeof(f->dir), "/tmp/test-graph.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->objects, sizeof(f->objects), "%s/repo/objects", f->dir);
	snprintf(f->others, sizeof(f->others), "%s/fork/objects", f->dir);
	make_history(f);
	read_history(f);
	shell(f, "git -C repo rev-list c12 | "
		 "git -C repo commit-graph write --stdin-commits --changed-paths");
	snprintf(path, sizeof(path), "%s/info/commit-graph", f->objects);
	assert_int_equal(file_read(path, 1 << 20, &f->small, &err), 0);
	return 0;
}

static int remove_fixture(void **state)
{
	struct fixture *f = *state;
	size_t i, p;

	shell(f, "rm -rf repo fork scratch all");
	rmdir(f->dir);
	for (i = 0; i < f->nr; i++) {
		for (p = 0; p < f->commits[i].nr_paths; p++)
			free(f->commits[i].paths[p]);
		free(f->commits[i].paths);
	}
	free(f->commits);
	buf_release(&f->small);
	free(f);
	return 0;
}

static int forget_graphs(void **state)
{
	struct fixture *f = *state;

	shell(f, "rm -rf repo/objects/info/commit-graph* fork scratch");
	return 0;
}

/* --- what git says ----------------------------------------------------- */

static struct commit_graph *open_graph(struct fixture *f)
{
	const char *dirs[] = { f->objects };

	return commit_graph_open(dirs, 1, NULL);
}

/* How many commits of the history are in the graph; all it says of them is true. */
static size_t check_commits(struct fixture *f, const struct commit_graph *g)
{
	size_t i, found = 0;
	uint32_t pos, parent;
	struct oid id;

	for (i = 0; i < f->nr; i++) {
		const struct truth *t = &f->commits[i];

		pos = commit_graph_find(g, &t->id);
		if (pos == GRAPH_NONE)
			continue;
		found++;
		commit_graph_id(g, pos, &id);
		assert_memory_equal(id.id, t->id.id, OID_RAWSZ);
		commit_graph_root_tree(g, pos, &id);
		assert_memory_equal(id.id, t->tree.id, OID_RAWSZ);
		parent = commit_graph_first_parent(g, pos);
		if (oid_is_zero(&t->parent)) {
			assert_int_equal(parent, GRAPH_NONE);
			continue;
		}
		commit_graph_id(g, parent, &id);
		assert_memory_equal(id.id, t->parent.id, OID_RAWSZ);
	}
	return found;
}

struct counts {
	size_t same, said_maybe; /* unchanged paths; those that are not known to be */
};

static struct counts check_path(struct fixture *f, const struct commit_graph *g,
				const char *path)
{
	struct counts c = { 0 };
	struct bloom_keys keys;
	size_t i;

	bloom_keys_init(&keys, path);
	for (i = 0; i < f->nr; i++) {
		uint32_t pos = commit_graph_find(g, &f->commits[i].id);
		bool maybe;

		if (pos == GRAPH_NONE)
			continue;
		maybe = commit_graph_maybe_changed(g, pos, &keys);
		if (has_changed(&f->commits[i], path)) {
			assert_true(maybe);
		} else {
			c.same++;
			c.said_maybe += maybe;
		}
	}
	bloom_keys_release(&keys);
	return c;
}

/* No change is missed; returns how many percent of the others are not known. */
static size_t check_filters(struct fixture *f, const struct commit_graph *g)
{
	struct counts all = { 0 }, one;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		one = check_path(f, g, asked[i]);
		all.same += one.same;
		all.said_maybe += one.said_maybe;
	}
	assert_true(all.same > 0);
	return all.said_maybe * 100 / all.same;
}

static void test_history(void **state)
{
	struct fixture *f = *state;
	size_t i, roots = 0, octopuses = 0, big = 0, empty = 0;

	for (i = 0; i < f->nr; i++) {
		roots += oid_is_zero(&f->commits[i].parent);
		octopuses += f->commits[i].octopus;
		big += f->commits[i].nr_paths > 512;
		empty += f->commits[i].nr_paths == 0;
	}
	assert_true(roots > 1 && octopuses > 5 && big > 1 && empty > 5);
}

static void test_single(void **state)
{
	struct fixture *f = *state;
	struct commit_graph *g;
	struct oid none = { { 0 } };

	assert_null(open_graph(f));
	shell(f, "git -C repo commit-graph write --reachable --changed-paths");
	g = open_graph(f);
	assert_non_null(g);
	assert_int_equal(commit_graph_nr(g), NR_COMMITS);
	assert_int_equal(check_commits(f, g), NR_COMMITS);
	assert_true(commit_graph_has_filters(g));
	assert_true(check_filters(f, g) < 5);
	assert_int_equal(commit_graph_find(g, &none), GRAPH_NONE);
	memset(&none, 0xff, sizeof(none));
	assert_int_equal(commit_graph_find(g, &none), GRAPH_NONE);
	commit_graph_free(g);
	commit_graph_free(NULL);
}

static void test_options(void **state)
{
	struct fixture *f = *state;
	struct commit_graph_options no_graph = { .no_graph = true };
	struct commit_graph_options no_filters = { .no_filters = true };
	const char *dirs[] = { f->objects };
	struct commit_graph *g;

	shell(f, "git -C repo commit-graph write --reachable --changed-paths");
	assert_null(commit_graph_open(dirs, 1, &no_graph));
	g = commit_graph_open(dirs, 1, &no_filters);
	assert_non_null(g);
	assert_false(commit_graph_has_filters(g));
	assert_int_equal(check_commits(f, g), NR_COMMITS);
	assert_int_equal(check_filters(f, g), 100);
	commit_graph_free(g);
}

static void test_no_filters(void **state)
{
	struct fixture *f = *state;
	struct commit_graph *g;

	shell(f, "git -C repo commit-graph write --reachable --no-changed-paths");
	g = open_graph(f);
	assert_non_null(g);
	assert_false(commit_graph_has_filters(g));
	assert_int_equal(check_commits(f, g), NR_COMMITS);
	assert_int_equal(check_filters(f, g), 100);
	commit_graph_free(g);
}

/* Three layers; the one in the middle with filters or without. */
static void make_chain(struct fixture *f, const char *middle)
{
	struct buf command = BUF_INIT;

	buf_addf(&command,
		 "cd repo; put() { git rev-list --stdin |"
		 " git commit-graph write --stdin-commits --split=no-merge $1; }\n"
		 "tags() { for i in $(seq $1); do echo c$i; done; }\n"
		 "tags %d | put --changed-paths; tags %d | put %s; "
		 "tags %d | put --changed-paths\n"
		 "test $(wc -l <objects/info/commit-graphs/commit-graph-chain) = 3",
		 FIRST_LAYER, SECOND_LAYER, middle, NR_COMMITS);
	shell(f, command.s);
	buf_release(&command);
}

static void test_chain(void **state)
{
	struct fixture *f = *state;
	struct commit_graph *g;

	make_chain(f, "--changed-paths");
	g = open_graph(f);
	assert_non_null(g);
	assert_int_equal(commit_graph_nr(g), NR_COMMITS);
	assert_int_equal(check_commits(f, g), NR_COMMITS);
	assert_true(commit_graph_has_filters(g));
	assert_true(check_filters(f, g) < 5);
	commit_graph_free(g);
}

static void test_chain_gap_in_filters(void **state)
{
	struct fixture *f = *state;
	struct commit_graph *g;
	size_t unknown;

	make_chain(f, "--no-changed-paths");
	g = open_graph(f);
	assert_non_null(g);
	assert_int_equal(check_commits(f, g), NR_COMMITS);
	assert_true(commit_graph_has_filters(g));
	unknown = check_filters(f, g);
	assert_in_range(unknown, 30, 40);
	commit_graph_free(g);
}

/* What lies over a layer that does not fit is not used. */
static void test_chain_cut(void **state)
{
	struct fixture *f = *state;
	const char *const *c;
	static const char *const commands[] = {
		"rm -f graph-$(sed -n 3p commit-graph-chain).graph",
		"sed -i '3s/./x/' commit-graph-chain",
		"sed -i 's/$/ /;1,2s/ //' commit-graph-chain",
		"sed 3d commit-graph-chain >c; sed -n 1p commit-graph-chain >>c; mv c "
		"commit-graph-chain",
	};
	struct commit_graph *g;

	make_chain(f, "--changed-paths");
	for (c = commands; c < commands + ARRAY_SIZE(commands); c++) {
		struct buf command = BUF_INIT;

		buf_addf(&command,
			 "rm -rf scratch; cp -r repo/objects/info/commit-graphs scratch; "
			 "cd repo/objects/info/commit-graphs; %s",
			 *c);
		shell(f, command.s);
		buf_release(&command);
		g = open_graph(f);
		assert_non_null(g);
		assert_int_equal(commit_graph_nr(g), SECOND_LAYER);
		assert_int_equal(check_commits(f, g), SECOND_LAYER);
		commit_graph_free(g);
		shell(f, "rm -rf repo/objects/info/commit-graphs; "
			 "mv scratch repo/objects/info/commit-graphs");
	}
	shell(f, "cd repo/objects/info/commit-graphs; "
		 "sed -i 1d commit-graph-chain");
	assert_null(open_graph(f)); /* its first layer wants another below */
}

/* A layer that was written over others than those of the chain. */
static void test_chain_of_others(void **state)
{
	struct fixture *f = *state;
	struct buf path = BUF_INIT, file = BUF_INIT;
	struct commit_graph *g;
	struct err err = { 0 };

	make_chain(f, "--changed-paths");
	shell_with(f,
		   "cd repo/objects/info/commit-graphs; chmod u+w *\n"
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

static void test_alternates(void **state)
{
	struct fixture *f = *state;
	const char *dirs[] = { f->others, f->objects };
	struct commit_graph *g;
	struct buf hex = BUF_INIT;
	struct oid id, parent;
	uint32_t pos;

	make_chain(f, "--changed-paths");
	shell_with(f,
		   "git clone -q --bare --shared repo fork; cd fork\n"
		   "printf 'commit refs/heads/new\ncommitter C <c@example.org> "
		   "1800000000 "
		   "+0000\ndata 1\nx\nfrom refs/tags/c240\nM 100644 inline "
		   "new/file\ndata 1\ny\n\n' | git fast-import --quiet\n"
		   "git commit-graph write --reachable --changed-paths --split=no-merge\n"
		   "test $(wc -l <objects/info/commit-graphs/commit-graph-chain) = 4\n"
		   "test $(ls objects/info/commit-graphs/*.graph | wc -l) = 1\n"
		   "git rev-parse new c240",
		   NULL, &hex);
	assert_int_equal(oid_parse(&id, hex.s, OID_HEXSZ), 0);
	assert_int_equal(oid_parse(&parent, hex.s + OID_HEXSZ + 1, OID_HEXSZ), 0);
	g = commit_graph_open(dirs, 2, NULL);
	assert_non_null(g);
	assert_int_equal(commit_graph_nr(g), NR_COMMITS + 1);
	pos = commit_graph_find(g, &id);
	assert_int_equal(commit_graph_first_parent(g, pos),
			 commit_graph_find(g, &parent));
	assert_int_equal(check_commits(f, g), NR_COMMITS);
	assert_true(check_filters(f, g) < 5);
	commit_graph_free(g);

	/* without the other folder its layers are not there, and none is left */
	assert_null(commit_graph_open(dirs, 1, NULL));
	/* a folder that has no graph of its own gets that of its alternate */
	shell(f, "rm -rf fork/objects/info/commit-graphs");
	g = commit_graph_open(dirs, 2, NULL);
	assert_non_null(g);
	assert_int_equal(commit_graph_nr(g), NR_COMMITS);
	commit_graph_free(g);
	buf_release(&hex);
}

/* The single file counts, if it is sound; what is no file is passed over. */
static void test_both_kinds(void **state)
{
	struct fixture *f = *state;
	struct commit_graph *g;

	make_chain(f, "--changed-paths");
	shell(f, "cd repo/objects/info; cp -r commit-graphs ../../../scratch\n"
		 "git rev-list c12 | git commit-graph write --stdin-commits\n"
		 "rm -rf commit-graphs; mv ../../../scratch commit-graphs");
	g = open_graph(f);
	assert_non_null(g);
	assert_in_range(commit_graph_nr(g), 1, SMALL);
	commit_graph_free(g);
	shell(f, "rm -f repo/objects/info/commit-graph; "
		 "mkfifo repo/objects/info/commit-graph");
	g = open_graph(f);
	assert_non_null(g);
	assert_int_equal(commit_graph_nr(g), NR_COMMITS);
	commit_graph_free(g);
	shell(f, "rm repo/objects/info/commit-graph; >repo/objects/info/commit-graph; "
		 ">repo/objects/info/commit-graphs/commit-graph-chain");
	assert_null(open_graph(f));
}

/* --- filters ----------------------------------------------------------- */

static void test_murmur3(void **state UNUSED)
{
	static const struct {
		const char *text;
		uint32_t seed, hash;
	} known[] = {
		{ "", 0, 0 },
		{ "", 1, 0x514e28b7 },
		{ "", 0xffffffff, 0x81f16f39 },
		{ "Hello world!", 0, 0x627b0c2c },
		{ "The quick brown fox jumps over the lazy dog", 0, 0x2e4ff723 },
		{ "a", 0x9747b28c, 0x7fa09ea6 },
		{ "aa", 0x9747b28c, 0x5d211726 },
		{ "aaa", 0x9747b28c, 0x283e0130 },
		{ "aaaa", 0x9747b28c, 0x5a97808a },
		{ "\x99\xaa\xbb\xcc\xdd\xee\xff", 0, 0xa183ccfd },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		assert_int_equal(bloom_murmur3(known[i].seed, known[i].text,
					       strlen(known[i].text)),
				 known[i].hash);
}

/* As git's own tests have them: the hashes of a path, and the filter it makes. */
static void test_keys(void **state UNUSED)
{
	static const struct {
		const char *path;
		uint32_t first, second;
		unsigned char filter[2];
	} known[] = {
		{ " ", 0xf178874c, 0x5f3d6eb6, { 0x51, 0x55 } },
		{ "Hello world!", 0xb270de9b, 0x1bb6f26e, { 0x92, 0x6c } },
		{ "file.txt", 0x20ab385b, 0xf5237fe2, { 0xa5, 0x4a } },
	};
	unsigned char less[2];
	struct bloom_keys keys;
	size_t i, bit;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		bloom_keys_init(&keys, known[i].path);
		assert_int_equal(keys.nr, 1);
		assert_int_equal(keys.key[0].first, known[i].first);
		assert_int_equal(keys.key[0].first + keys.key[0].step, known[i].second);
		assert_true(bloom_may_hold(known[i].filter, 2, 7, &keys));
		for (bit = 0; bit < 16; bit++) {
			memcpy(less, known[i].filter, 2);
			if (!(less[bit / 8] & 1U << bit % 8))
				continue;
			less[bit / 8] &= (unsigned char)~(1U << bit % 8);
			assert_false(bloom_may_hold(less, 2, 7, &keys));
		}
		bloom_keys_release(&keys);
	}
}

static void test_key_paths(void **state UNUSED)
{
	static const struct {
		const char *path;
		size_t nr;
	} paths[] = {
		{ "a", 1 },	     { "a/b", 2 },
		{ "a/b/c.sql", 3 },  { "", 0 },
		{ "/", 0 },	     { "/a", 0 },
		{ "a/", 0 },	     { "a//b", 0 },
		{ "\x80", 0 },	     { "a/b/\303\244", 0 },
		{ "\303\244/b", 0 }, { "a/\x7f", 2 },
	};
	const unsigned char none[1] = { 0 }, all[1] = { 0xff };
	struct bloom_keys keys, whole;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		bloom_keys_init(&keys, paths[i].path);
		assert_int_equal(keys.nr, paths[i].nr);
		assert_int_equal(bloom_may_hold(none, 1, 7, &keys), paths[i].nr == 0);
		assert_true(bloom_may_hold(all, 1, 7, &keys));
		assert_true(bloom_may_hold(none, 0, 7, &keys));
		bloom_keys_release(&keys);
	}
	bloom_keys_init(&keys, "a/b/c");
	bloom_keys_init(&whole, "a");
	assert_memory_equal(&keys.key[2], &whole.key[0], sizeof(whole.key[0]));
	bloom_keys_release(&whole);
	bloom_keys_init(&whole, "a/b");
	assert_memory_equal(&keys.key[1], &whole.key[0], sizeof(whole.key[0]));
	bloom_keys_release(&whole);
	bloom_keys_release(&keys);
}

/* --- broken files ------------------------------------------------------ */

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

	assert_in_range(nr, 2, SMALL);
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

static void test_flipped_chain(void **state)
{
	struct fixture *f = *state;
	struct buf out = BUF_INIT;
	struct commit_graph *g;
	char *at, *path;

	shell_with(f,
		   "cd repo; for i in 4 8 12; do git rev-list c$i |"
		   " git commit-graph write --stdin-commits --split=no-merge "
		   "--changed-paths; done\ncd objects/info/commit-graphs; chmod u+w *\n"
		   "test $(wc -l <commit-graph-chain) = 3; ls $PWD/*",
		   NULL, &out);
	at = out.s;
	while (*at) {
		path = take(&at, "\n");
		flip_file(f, path);
	}
	g = open_graph(f);
	assert_non_null(g);
	assert_in_range(commit_graph_nr(g), 3, SMALL);
	commit_graph_free(g);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_history),
		cmocka_unit_test_setup(test_single, forget_graphs),
		cmocka_unit_test_setup(test_options, forget_graphs),
		cmocka_unit_test_setup(test_no_filters, forget_graphs),
		cmocka_unit_test_setup(test_chain, forget_graphs),
		cmocka_unit_test_setup(test_chain_gap_in_filters, forget_graphs),
		cmocka_unit_test_setup(test_chain_cut, forget_graphs),
		cmocka_unit_test_setup(test_chain_of_others, forget_graphs),
		cmocka_unit_test_setup(test_alternates, forget_graphs),
		cmocka_unit_test_setup(test_both_kinds, forget_graphs),
		cmocka_unit_test(test_murmur3),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_key_paths),
		cmocka_unit_test(test_flipped_bytes),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_parents),
		cmocka_unit_test(test_filters_patched),
		cmocka_unit_test_setup(test_flipped_chain, forget_graphs),
	};

	return cmocka_run_group_tests(tests, make_fixture, remove_fixture);
}
