/* Large blobs, as git gives them: whole, broken, missing, and not read to the end. */
#include "base/compat.h"

#include <setjmp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sha256.h"
#include "core/oid.h"
#include "git/blob.h"
#include "git/internal.h"
#include "git/repo.h"
#include "sandbox.h"

enum { LINES = 200000 };

struct fixture {
	char sandbox[64];
	char dir[80]; /* the repository in it */
	struct repo *repo;
	struct oid id; /* of the large blob */
};

static void take_id(const struct buf *out, struct oid *id)
{
	assert_true(out->len >= OID_HEXSZ);
	assert_int_equal(oid_parse(id, out->s, OID_HEXSZ), 0);
}

/* Keeps what a command prints as a blob. */
static void keep(struct fixture *f, const char *command, struct oid *id)
{
	struct buf all = BUF_INIT, out = BUF_INIT;

	buf_addf(&all, "{ %s; } | git hash-object -w --stdin", command);
	sandbox_run(f->dir, all.s, NULL, &out);
	take_id(&out, id);
	buf_release(&all);
	buf_release(&out);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct buf command = BUF_INIT;
	struct err err = { 0 };

	assert_non_null(f);
	sandbox_make(f->sandbox);
	snprintf(f->dir, sizeof(f->dir), "%s/repo", f->sandbox);
	sandbox_run(f->sandbox, "git init -q -b main repo", NULL, NULL);
	buf_addf(&command, "seq 1 %d", LINES);
	keep(f, command.s, &f->id);
	buf_release(&command);
	assert_int_equal(chdir(f->dir), 0);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	if (repo_open(&f->repo, &err) < 0)
		fail_msg("%s", err.message);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	repo_free(f->repo);
	assert_int_equal(chdir("/"), 0);
	sandbox_remove(f->sandbox);
	free(f);
	/* no child is left of any of the tests */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	return 0;
}

static struct blob_source *open_near(struct fixture *f, const struct oid *id,
				     const char *path)
{
	struct blob_source *b = NULL;
	struct err err = { 0 };

	if (repo_blob_open(f->repo, id, path, &b, &err) != 0)
		fail_msg("%s", err.message);
	return b;
}

static struct blob_source *open_blob(struct fixture *f, const struct oid *id)
{
	return open_near(f, id, NULL);
}

/* Reads on to the end; returns what read() did there. */
static ssize_t read_all(const struct source *s, struct buf *out, size_t room,
			struct err *err)
{
	char piece[100000];
	ssize_t n;

	while ((n = s->read(s->arg, piece, room, err)) > 0)
		buf_add(out, piece, (size_t)n);
	return n;
}

static void test_whole(void **state)
{
	static const size_t rooms[] = { 100000, 1, 4096, 65536 };
	struct fixture *f = *state;
	struct blob_source *b = open_blob(f, &f->id);
	const struct source s = blob_source(b);
	struct buf expect = BUF_INIT, got = BUF_INIT;
	struct err err = { 0 };
	char sha256[SHA256_HEXSZ + 1], piece[100];
	size_t i;

	assert_int_equal(repo_read_blob(f->repo, &f->id, &expect, &err), 0);
	sha256_hex(expect.s, expect.len, sha256);
	/* begun and not ended is nothing */
	assert_int_equal(s.rewind(s.arg, &err), 0);
	assert_true(s.read(s.arg, piece, sizeof(piece), &err) > 0);
	assert_null(blob_source_sha256(b));
	for (i = 0; i < ARRAY_SIZE(rooms); i++) {
		buf_reset(&got);
		assert_int_equal(s.rewind(s.arg, &err), 0);
		assert_int_equal(read_all(&s, &got, rooms[i], &err), 0);
		assert_int_equal(got.len, expect.len);
		assert_memory_equal(got.s, expect.s, expect.len);
		assert_int_equal(read_all(&s, &got, 100, &err), 0); /* and stays so */
		assert_string_equal(blob_source_sha256(b), sha256);
	}
	blob_source_free(b);
	buf_release(&expect);
	buf_release(&got);
}

/* Reads all of a blob by a source of its own; 0, or -1 as rewind() has it. */
static int read_anew(struct fixture *f, const struct oid *id, const char *path)
{
	const char *was = getenv("PATH");
	struct blob_source *b = open_blob(f, id);
	const struct source s = blob_source(b);
	char *old = strdup(was);
	struct buf got = BUF_INIT;
	struct err err = { 0 };
	int ret;

	assert_non_null(old);
	if (path)
		setenv("PATH", path, 1);
	ret = s.rewind(s.arg, &err);
	setenv("PATH", old, 1);
	if (ret == 0) {
		assert_int_equal(read_all(&s, &got, 100000, &err), 0);
		assert_int_equal(got.len, 348900);
		assert_non_null(blob_source_sha256(b));
	}
	blob_source_free(b);
	buf_release(&got);
	free(old);
	return ret;
}

/* What was read to its end is there for one more source, without git. */
static void test_copy(void **state)
{
	struct fixture *f = *state;
	struct oid id;

	keep(f, "seq 10001 68150", &id);
	assert_int_equal(read_anew(f, &id, "/nonexistent"), -1);
	assert_int_equal(read_anew(f, &id, NULL), 0);
	assert_int_equal(read_anew(f, &id, "/nonexistent"), 0);
	assert_int_equal(read_anew(f, &id, "/nonexistent"), -1);
	assert_int_equal(read_anew(f, &id, NULL), 0); /* and it is left behind */
}

/*
 * Reads a blob that the work tree may have as `file`; returns how many children of git
 * that took.
 */
static unsigned read_near(struct fixture *f, const struct oid *id)
{
	unsigned before = f->repo->reads.children;
	struct blob_source *b = open_near(f, id, "file");
	const struct source s = blob_source(b);
	struct buf got = BUF_INIT, expect = BUF_INIT;
	char sha256[SHA256_HEXSZ + 1];
	struct err err = { 0 };
	int i;

	assert_int_equal(repo_read_blob(f->repo, id, &expect, &err), 0);
	sha256_hex(expect.s, expect.len, sha256);
	for (i = 0; i < 2; i++) {
		buf_reset(&got);
		assert_int_equal(s.rewind(s.arg, &err), 0);
		assert_int_equal(read_all(&s, &got, 100000, &err), 0);
		assert_int_equal(got.len, expect.len);
		assert_memory_equal(got.s, expect.s, expect.len);
		assert_string_equal(blob_source_sha256(b), sha256);
		sandbox_run(f->dir, "rm -f file; seq 1 9 >file", NULL, NULL);
	}
	blob_source_free(b);
	repo_drop_copies(f->repo);
	buf_release(&expect);
	buf_release(&got);
	return f->repo->reads.children - before;
}

/* The work tree's file spares git the unpacking, when it is the same to the last byte. */
static void test_worktree(void **state)
{
	static const struct {
		const char *file;
		unsigned children;
	} cases[] = {
		{ "seq 1 60000 >file", 0 },
		{ ":", 1 },
		{ "seq 1 60000 >x && ln -s x file", 1 },
		{ "mkfifo file", 1 },
		{ "seq 1 60001 >file", 1 },
		{ "seq 1 60000 | tr 7 8 >file", 1 },
		{ "seq 1 60000 | sed '$s/0$/1/' >file", 1 },
	};
	struct fixture *f = *state;
	struct oid id;
	size_t i;

	keep(f, "seq 1 60000", &id);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		sandbox_run(f->dir, "rm -f file x", NULL, NULL);
		sandbox_run(f->dir, cases[i].file, NULL, NULL);
		assert_int_equal(read_near(f, &id), cases[i].children);
	}
	sandbox_run(f->dir, "rm -f file x", NULL, NULL);
}

static bool is_known(const struct fixture *f, const char *path, const struct oid *id)
{
	return repo_knows_file(f->repo, path, id);
}

static void differs(struct fixture *f, const struct oid *id, int expected)
{
	struct err err = { 0 };

	assert_int_equal(repo_file_differs(f->repo, "file", id, &err), expected);
}

/* A file that was read for a blob is not hashed once more, as long as nobody touched it.
 */
static void test_known(void **state)
{
	struct fixture *f = *state;
	struct buf path = BUF_INIT, got = BUF_INIT;
	struct err err = { 0 };
	struct blob_source *b;
	struct source s;
	struct stat st;
	struct oid id;

	keep(f, "seq 1 50000", &id);
	buf_addf(&path, "%s/file", f->dir);
	sandbox_run(f->dir, "seq 1 50000 >file", NULL, NULL);
	assert_int_equal(stat(path.s, &st), 0);
	while (time(NULL) <= st.st_ctim.tv_sec) /* a younger one is never trusted */
		usleep(10000);
	assert_false(is_known(f, path.s, &id));
	differs(f, &id, 0);
	b = open_near(f, &id, "file");
	s = blob_source(b);
	assert_int_equal(s.rewind(s.arg, &err), 0);
	assert_int_equal(read_all(&s, &got, 100000, &err), 0);
	blob_source_free(b);
	assert_true(is_known(f, path.s, &id));
	assert_false(is_known(f, path.s, &f->id));
	differs(f, &id, 0);
	differs(f, &f->id, 1);
	sandbox_run(f->dir, "touch file", NULL, NULL);
	assert_false(is_known(f, path.s, &id));
	differs(f, &id, 0);
	sandbox_run(f->dir, "seq 1 50000 | tr 7 8 >x && touch -r file x && mv x file",
		    NULL, NULL);
	assert_false(is_known(f, path.s, &id));
	differs(f, &id, 1);
	sandbox_run(f->dir, "rm file", NULL, NULL);
	repo_drop_copies(f->repo);
	buf_release(&path);
	buf_release(&got);
}

/* Without room for a copy git is asked each time. */
static void test_no_copy(void **state)
{
	struct rlimit was, little = { .rlim_cur = 348899 };
	struct fixture *f = *state;
	struct oid id;

	keep(f, "seq 10002 68151", &id);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	little.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	assert_int_equal(read_anew(f, &id, NULL), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(read_anew(f, &id, "/nonexistent"), -1);
	assert_int_equal(read_anew(f, &id, NULL), 0);
}

static void test_empty_and_packed(void **state)
{
	struct fixture *f = *state;
	struct blob_source *b;
	struct buf got = BUF_INIT;
	struct source s;
	struct oid id;
	struct err err = { 0 };
	uint64_t size;

	keep(f, ":", &id);
	b = open_blob(f, &id);
	s = blob_source(b);
	assert_int_equal(s.rewind(s.arg, &err), 0);
	assert_int_equal(read_all(&s, &got, 10, &err), 0);
	assert_int_equal(got.len, 0);
	blob_source_free(b);
	keep(f, "seq 1 50000; echo x; seq 50001 100000", &id);
	sandbox_run(f->dir,
		    "git cat-file --batch-all-objects --batch-check='%(objectname)' |"
		    " git pack-objects -q .git/objects/pack/pack >&2 && "
		    "git prune-packed -q",
		    NULL, NULL);
	b = open_blob(f, &id);
	s = blob_source(b);
	assert_int_equal(s.rewind(s.arg, &err), 0);
	assert_int_equal(read_all(&s, &got, 100000, &err), 0);
	assert_int_equal(repo_blob_size(f->repo, &id, &size, &err), 0);
	assert_int_equal(got.len, size);
	blob_source_free(b);
	buf_release(&got);
}

/* Half of it, and again from the beginning, and let go in the middle. */
static void test_left_early(void **state)
{
	struct fixture *f = *state;
	struct blob_source *b = open_blob(f, &f->id);
	const struct source s = blob_source(b);
	struct buf got = BUF_INIT;
	struct err err = { 0 };
	char first[100];
	int i;

	for (i = 0; i < 3; i++) {
		assert_int_equal(s.rewind(s.arg, &err), 0);
		assert_true(s.read(s.arg, first, sizeof(first), &err) > 0);
		assert_memory_equal(first, "1\n2\n3\n", 6);
	}
	assert_int_equal(s.rewind(s.arg, &err), 0);
	assert_int_equal(read_all(&s, &got, 100000, &err), 0);
	assert_int_equal(s.rewind(s.arg, &err), 0);
	assert_true(s.read(s.arg, first, sizeof(first), &err) > 0);
	blob_source_free(b);
	b = open_blob(f, &f->id);
	blob_source_free(b); /* never begun */
	blob_source_free(NULL);
	buf_release(&got);
}

/* An object file that holds another blob: git may give its bytes without a word. */
static void test_other_bytes(void **state)
{
	struct fixture *f = *state;
	struct buf got = BUF_INIT, command = BUF_INIT;
	char hex[OID_HEXSZ + 1], other[OID_HEXSZ + 1];
	struct blob_source *b;
	struct oid id, same_size;
	struct source s;
	struct err err = { 0 };

	keep(f, "echo one", &same_size);
	keep(f, "echo two", &id);
	oid_hex(&id, hex);
	oid_hex(&same_size, other);
	buf_addf(&command, "cd .git/objects && chmod u+w %.2s/%s && cp %.2s/%s %.2s/%s",
		 hex, hex + 2, other, other + 2, hex, hex + 2);
	sandbox_run(f->dir, command.s, NULL, NULL);
	b = open_blob(f, &id);
	s = blob_source(b);
	assert_int_equal(s.rewind(s.arg, &err), 0);
	assert_int_equal(read_all(&s, &got, 100, &err), -1);
	assert_int_equal(err.code, ERR_FATAL);
	assert_true(strstr(err.message, hex) || strstr(err.hint, hex));
	assert_true(err.hint[0]);
	assert_int_equal(read_all(&s, &got, 100, &err), -1); /* nor is it later */
	blob_source_free(b);
	buf_release(&got);
	buf_release(&command);
}

/* One that is cut: git says what is wrong. */
static void test_broken(void **state)
{
	struct fixture *f = *state;
	struct buf got = BUF_INIT, command = BUF_INIT;
	char hex[OID_HEXSZ + 1];
	struct blob_source *b;
	struct oid id;
	struct source s;
	struct err err = { 0 };

	keep(f, "seq 1 30000", &id);
	oid_hex(&id, hex);
	buf_addf(&command,
		 "cd .git/objects && chmod u+w %.2s/%s && head -c 9000 %.2s/%s >cut && "
		 "mv -f cut %.2s/%s",
		 hex, hex + 2, hex, hex + 2, hex, hex + 2);
	sandbox_run(f->dir, command.s, NULL, NULL);
	b = open_blob(f, &id);
	s = blob_source(b);
	assert_int_equal(s.rewind(s.arg, &err), 0);
	assert_int_equal(read_all(&s, &got, 100000, &err), -1);
	assert_int_equal(err.code, ERR_FATAL);
	assert_non_null(strstr(err.hint, hex));
	blob_source_free(b);
	buf_release(&got);
	buf_release(&command);
}

static void test_missing(void **state)
{
	struct fixture *f = *state;
	struct blob_source *b = NULL;
	struct oid id;
	struct err err = { 0 };
	uint64_t size;

	memset(&id, 0x42, sizeof(id));
	assert_int_equal(repo_blob_open(f->repo, &id, NULL, &b, &err), 1);
	assert_null(b);
	assert_non_null(strstr(err.message, "missing"));
	assert_int_equal(repo_blob_size(f->repo, &f->id, &size, &err), 0);
	assert_int_equal(size, 1288895);
}

/* A clone without blobs: git fetches what is asked for, or says why it cannot. */
static void test_partial(void **state)
{
	struct fixture *f = *state, part = { .repo = NULL };
	struct buf out = BUF_INIT, got = BUF_INIT;
	struct blob_source *b;
	struct source s;
	struct oid id, later;
	struct err err = { 0 };

	sandbox_run(f->dir,
		    "git init -q -b main origin && cd origin && seq 1 10 >a && "
		    "seq 1 20 >b && git add . && git -c user.name=a -c user.email=a@b "
		    "commit -q -m one && git config uploadpack.allowFilter true && "
		    "git config uploadpack.allowAnySHA1InWant true && cd .. && "
		    "git clone -q --no-checkout --filter=blob:none "
		    "\"file://$PWD/origin\" "
		    "part && git -C origin rev-parse HEAD:a HEAD:b",
		    NULL, &out);
	take_id(&out, &id);
	assert_int_equal(oid_parse(&later, out.s + OID_HEXSZ + 1, OID_HEXSZ), 0);
	assert_int_equal(chdir("part"), 0);
	if (repo_open(&part.repo, &err) < 0)
		fail_msg("%s", err.message);
	b = open_blob(&part, &id);
	s = blob_source(b);
	assert_int_equal(s.rewind(s.arg, &err), 0);
	assert_int_equal(read_all(&s, &got, 100, &err), 0);
	assert_string_equal(got.s, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n");
	blob_source_free(b);
	sandbox_run(f->dir, "mv origin gone", NULL, NULL);
	assert_int_equal(repo_blob_open(part.repo, &later, NULL, &b, &err), -1);
	assert_null(b);
	assert_non_null(strstr(err.hint, "could not be fetched"));
	repo_free(part.repo);
	assert_int_equal(chdir(f->dir), 0);
	buf_release(&out);
	buf_release(&got);
}

static void test_no_blob(void **state)
{
	struct fixture *f = *state;
	struct blob_source *b = NULL;
	struct buf out = BUF_INIT;
	struct oid id;
	struct err err = { 0 };

	sandbox_run(f->dir, "git mktree </dev/null", NULL, &out);
	take_id(&out, &id);
	assert_int_equal(repo_blob_open(f->repo, &id, NULL, &b, &err), -1);
	assert_non_null(strstr(err.message, "is not a blob"));
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_worktree),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_no_copy),
		cmocka_unit_test(test_empty_and_packed),
		cmocka_unit_test(test_left_early),
		cmocka_unit_test(test_other_bytes),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_no_blob),
		cmocka_unit_test(test_partial),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
