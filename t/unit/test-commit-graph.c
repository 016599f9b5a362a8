/* The reader of commit-graph files against what git says. */
#include "base/compat.h"

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/io.h"
#include "core/oid.h"
#include "git/bloom.h"
#include "git/commit_graph.h"
#include "sandbox.h"

enum { NR_COMMITS = 240, FIRST_LAYER = 80, SECOND_LAYER = 160, FEW = 12 };

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

static void shell(struct fixture *f, const char *command)
{
	sandbox_run(f->dir, command, NULL, NULL);
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
	sandbox_run(f->dir, "git -C repo fast-import --quiet", &in, NULL);
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

	sandbox_run(f->dir,
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

	*state = f;
	sandbox_make(f->dir);
	snprintf(f->objects, sizeof(f->objects), "%s/repo/objects", f->dir);
	snprintf(f->others, sizeof(f->others), "%s/fork/objects", f->dir);
	make_history(f);
	read_history(f);
	return 0;
}

static int remove_fixture(void **state)
{
	struct fixture *f = *state;
	size_t i, p;

	sandbox_remove(f->dir);
	for (i = 0; i < f->nr; i++) {
		for (p = 0; p < f->commits[i].nr_paths; p++)
			free(f->commits[i].paths[p]);
		free(f->commits[i].paths);
	}
	free(f->commits);
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

static void test_alternates(void **state)
{
	struct fixture *f = *state;
	const char *dirs[] = { f->others, f->objects };
	struct commit_graph *g;
	struct buf hex = BUF_INIT;
	struct oid id, parent;
	uint32_t pos;

	make_chain(f, "--changed-paths");
	sandbox_run(f->dir,
		    "git clone -q --bare --shared repo fork; cd fork\n"
		    "printf 'commit refs/heads/new\ncommitter C <c@example.org> "
		    "1800000000 "
		    "+0000\ndata 1\nx\nfrom refs/tags/c240\nM 100644 inline "
		    "new/file\ndata 1\ny\n\n' | git fast-import --quiet\n"
		    "git commit-graph write --reachable --changed-paths "
		    "--split=no-merge\n"
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
	assert_in_range(commit_graph_nr(g), 1, FEW);
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
		cmocka_unit_test_setup(test_alternates, forget_graphs),
		cmocka_unit_test_setup(test_both_kinds, forget_graphs),
	};

	return cmocka_run_group_tests(tests, make_fixture, remove_fixture);
}
