#include "base/compat.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/interrupt.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/sha1.h"
#include "base/sha256.h"
#include "base/vec.h"
#include "git/blob.h"
#include "git/internal.h"

/* A copy is made where there is so many times its size of room. */
enum { ROOM_FOR_COPY = 4, PIECE = 128 * 1024 };

struct blob_source {
	struct repo *repo;
	struct oid id;
	uint64_t size;
	char *file; /* of the work tree, that may have the same bytes; or NULL */
	struct proc_child *child; /* that gives the bytes; NULL before and at the end */
	struct sha1 *hash;	  /* of what it gave */
	uint64_t given;
	bool whole;		    /* all was given, and it was right */
	struct sha256 *sha256;	    /* of the first reading to the end; NULL later */
	char hex[SHA256_HEXSZ + 1]; /* what came of it */
	int copy;		    /* a file without a name, see begin_copy; or -1 */
	bool copied;		    /* all of it is there, and it was right */
	bool again;		    /* it was there from the beginning */
};

/* What one source has left for the next one. */
struct blob_copy {
	struct oid id;
	int fd;
	char hex[SHA256_HEXSZ + 1];
};

/* --- sizes ------------------------------------------------------------- */

/* Asks git, which fetches the object to know. As repo_blob_size. */
static int fetch_size(struct repo *r, const char *hex, uint64_t *size, struct err *err)
{
	const char *const args[] = { "cat-file", "-s", hex, NULL };
	struct buf out = BUF_INIT, said = BUF_INIT;
	int status = repo_git(r, args, &out, &said, err);

	if (status > 0)
		repo_fetch_failed(hex, &said, err);
	*size = strtoull(buf_str(&out), NULL, 10);
	buf_release(&out);
	buf_release(&said);
	return status == 0 ? 0 : -1;
}

int repo_blob_size(struct repo *r, const struct oid *id, uint64_t *size, struct err *err)
{
	struct buf remote = BUF_INIT;
	char hex[OID_HEXSZ + 1];
	git_object_t type;
	size_t len = 0;
	int ret = 0, code;

	if (repo_load(r, err) < 0)
		return -1;
	code = git_odb_read_header(&len, &type, r->odb, to_git(id));
	*size = len;
	oid_hex(id, hex);
	if (code == GIT_ENOTFOUND)
		ret = repo_is_partial(r, &remote)
			      ? fetch_size(r, hex, size, err)
			      : repo_missing(r, id, GIT_OBJECT_BLOB, err);
	else if (code < 0)
		ret = repo_err(err, "could not read object %s", hex);
	else if (type != GIT_OBJECT_BLOB)
		ret = err_set(err, ERR_FATAL, "object %s is not a blob", hex);
	buf_release(&remote);
	return ret;
}

/* --- bytes ------------------------------------------------------------- */

static void stop(struct blob_source *b)
{
	proc_free(b->child);
	b->child = NULL;
}

/* What git hashes: the kind and the size, a NUL, and the bytes. */
static void begin_hash(struct blob_source *b)
{
	unsigned char unused[SHA1_SIZE];
	char header[48];
	int len = snprintf(header, sizeof(header), "blob %" PRIu64, b->size);

	if (b->sha256)
		sha256_end(b->sha256, b->hex);
	sha1_end(b->hash, unused);
	sha1_add(b->hash, header, (size_t)len + 1);
	b->given = 0;
	b->whole = false;
}

static void drop_copy(struct blob_source *b)
{
	if (b->copy >= 0)
		close(b->copy);
	b->copy = -1;
	b->copied = false;
}

/*
 * What is read to be judged is read again to be run: it is not unpacked and hashed twice
 * where a copy can be kept for so long. Nobody else gets at a file without a name, and it
 * goes with the process. Without one git is asked again.
 */
static void begin_copy(struct blob_source *b)
{
#ifdef O_TMPFILE
	struct statvfs fs;
	struct rlimit most; /* a write beyond it would end the program */

	if (statvfs(b->repo->git_dir, &fs) == 0 &&
	    (uint64_t)fs.f_bavail * fs.f_frsize / ROOM_FOR_COPY >= b->size &&
	    getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur >= b->size)
		b->copy = open(b->repo->git_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
#endif
}

static void begin(struct blob_source *b)
{
	drop_copy(b);
	begin_copy(b);
	begin_hash(b);
}

static struct blob_copy *find_copy(struct repo *r, const struct oid *id)
{
	size_t i;

	for (i = 0; i < r->nr_copies; i++)
		if (oid_eq(&r->copies[i].id, id))
			return &r->copies[i];
	return NULL;
}

/* For the source that comes after this one; once, so that the room is free again. */
static void leave_copy(struct blob_source *b)
{
	struct repo *r = b->repo;
	struct blob_copy *c;

	if (find_copy(r, &b->id))
		return;
	VEC_GROW(r->copies, r->nr_copies, r->alloc_copies);
	c = &r->copies[r->nr_copies++];
	c->id = b->id;
	c->fd = b->copy;
	memcpy(c->hex, b->hex, sizeof(c->hex));
	b->copy = -1;
}

/* Takes over what an earlier source has left. */
static void take_copy(struct blob_source *b)
{
	struct repo *r = b->repo;
	struct blob_copy *c = find_copy(r, &b->id);

	if (!c)
		return;
	b->copy = c->fd;
	b->copied = b->again = b->whole = true;
	memcpy(b->hex, c->hex, sizeof(b->hex));
	sha256_free(b->sha256);
	b->sha256 = NULL;
	*c = r->copies[--r->nr_copies];
}

void repo_drop_copies(struct repo *r)
{
	while (r->nr_copies)
		close(r->copies[--r->nr_copies].fd);
	free(r->copies);
	r->copies = NULL;
	r->alloc_copies = 0;
}

static ssize_t read_copy(struct blob_source *b, char *out, size_t room, struct err *err)
{
	ssize_t n;

	do {
		n = read(b->copy, out, room);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(err, ERR_FATAL, "could not read the copy of a blob");
	b->given += (uint64_t)n;
	if (n == 0 && b->given != b->size)
		return repo_corrupt(&b->id, err);
	return n;
}

/* The next bytes of it, whoever gave them. */
static void take(struct blob_source *b, const char *data, size_t len)
{
	sha1_add(b->hash, data, len);
	if (b->sha256)
		sha256_add(b->sha256, data, len);
	b->given += len;
	if (b->copy >= 0 && fd_write_all(b->copy, data, len) < 0)
		drop_copy(b);
}

/* At the end: whether it was what its name says. */
static bool is_right(struct blob_source *b)
{
	unsigned char digest[SHA1_SIZE];

	sha1_end(b->hash, digest);
	b->whole = b->given == b->size && memcmp(digest, b->id.id, SHA1_SIZE) == 0;
	b->copied = b->whole && b->copy >= 0;
	if (b->whole && b->sha256) {
		sha256_end(b->sha256, b->hex);
		sha256_free(b->sha256);
		b->sha256 = NULL;
	}
	return b->whole;
}

/* --- files of the work tree -------------------------------------------- */

struct known_file {
	struct oid blob;
	struct stat st; /* before it was read */
};

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_mode == b->st_mode && a->st_size == b->st_size &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* What was changed just now could be changed once more without a trace of it. */
static void know_file(struct blob_source *b, const struct stat *st, time_t now)
{
	struct repo *r = b->repo;

	if (st->st_ctim.tv_sec >= now)
		return;
	VEC_GROW(r->known, r->nr_known, r->alloc_known);
	r->known[r->nr_known].blob = b->id;
	r->known[r->nr_known++].st = *st;
}

bool repo_knows_file(const struct repo *r, const char *path, const struct oid *blob)
{
	struct stat st;
	size_t i;

	for (i = 0; i < r->nr_known; i++)
		if (oid_eq(&r->known[i].blob, blob))
			return lstat(path, &st) == 0 && is_same(&st, &r->known[i].st);
	return false;
}

/* Neither a link nor a pipe is looked into. */
static int open_file(const struct blob_source *b, struct stat *st)
{
	int fd = open(b->file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && (fstat(fd, st) < 0 || !S_ISREG(st->st_mode) ||
			(uint64_t)st->st_size != b->size)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/*
 * The work tree mostly has the file, as it is in git: then nothing needs to be
 * unpacked. It is the copy that is hashed and read from then on, whatever becomes of
 * the file. Returns whether there is one now.
 */
static bool copy_file(struct blob_source *b)
{
	const time_t now = time(NULL);
	struct stat st;
	int fd = b->copy >= 0 ? open_file(b, &st) : -1;
	char *piece;
	ssize_t n;

	if (fd < 0)
		return false;
	piece = xmalloc(PIECE);
	while (b->copy >= 0 && b->given <= b->size && !interrupt_seen() &&
	       (n = read(fd, piece, PIECE)) > 0)
		take(b, piece, (size_t)n);
	free(piece);
	close(fd);
	if (b->copy < 0 || !is_right(b))
		return false;
	know_file(b, &st, now);
	return lseek(b->copy, 0, SEEK_SET) == 0;
}

static int start_git(struct blob_source *b, struct err *err)
{
	char hex[OID_HEXSZ + 1];
	const char *const args[] = { "cat-file", "blob", oid_hex(&b->id, hex), NULL };
	const char **argv = repo_git_argv(b->repo, args);
	const struct proc p = {
		.argv = argv, .setenv = GIT_ENV, .dir = b->repo->toplevel, .deaf = true
	};
	int ret;

	b->repo->reads.children++;
	ret = proc_start(&b->child, &p, err);
	free(argv);
	return ret;
}

static int blob_rewind(void *arg, struct err *err)
{
	struct blob_source *b = arg;

	stop(b);
	if (b->copied && lseek(b->copy, 0, SEEK_SET) == 0) {
		b->given = 0;
		return 0;
	}
	begin(b);
	if (b->file) {
		if (copy_file(b)) {
			b->given = 0;
			return 0;
		}
		free(b->file); /* it would not be right next time either */
		b->file = NULL;
		begin(b);
	}
	return start_git(b, err);
}

/* Everything was given: whether git and the hash are content. 0 or -1. */
static int finish(struct blob_source *b, struct err *err)
{
	struct buf said = BUF_INIT;
	int status = proc_wait(b->child, &said), ret = 0;
	char hex[OID_HEXSZ + 1];

	stop(b);
	if (status > 0) {
		git_failed(err, "cat-file", &said);
		err_hint(err, "missingObject",
			 "\"git cat-file blob %s\" tries it again; \"git fsck\" tells "
			 "what else is wrong.",
			 oid_hex(&b->id, hex));
		ret = -1;
	} else if (!is_right(b)) {
		ret = repo_corrupt(&b->id, err);
	}
	buf_release(&said);
	return ret;
}

static ssize_t blob_read(void *arg, char *out, size_t room, struct err *err)
{
	struct blob_source *b = arg;
	char hex[OID_HEXSZ + 1];
	ssize_t n;

	if (b->copied)
		return read_copy(b, out, room, err);
	if (b->whole)
		return 0;
	if (!b->child)
		return err_set(err, ERR_FATAL, "blob %s could not be read before",
			       oid_hex(&b->id, hex));
	n = proc_read(b->child, out, room, err);
	if (n == 0)
		return finish(b, err);
	if (n > 0)
		take(b, out, (size_t)n);
	if (n < 0 || b->given > b->size) {
		stop(b);
		return n < 0 ? -1 : repo_corrupt(&b->id, err);
	}
	return n;
}

/* Where a path of the tree is in the work tree; NULL without one. */
static char *in_worktree(const struct repo *r, const char *path)
{
	struct buf file = BUF_INIT;

	if (!path || !r->toplevel)
		return NULL;
	buf_addf(&file, "%s/%s", r->toplevel, path);
	return buf_detach(&file);
}

int repo_blob_open(struct repo *r, const struct oid *id, const char *path,
		   struct blob_source **out, struct err *err)
{
	uint64_t size;
	int ret = repo_blob_size(r, id, &size, err);

	*out = NULL;
	if (ret != 0)
		return ret;
	*out = xcalloc(1, sizeof(**out));
	(*out)->repo = r;
	(*out)->id = *id;
	(*out)->size = size;
	(*out)->file = in_worktree(r, path);
	(*out)->copy = -1;
	(*out)->hash = sha1_new();
	(*out)->sha256 = sha256_new();
	take_copy(*out);
	return 0;
}

struct source blob_source(struct blob_source *b)
{
	const struct source source = { blob_rewind, blob_read, b };

	return source;
}

const char *blob_source_sha256(const struct blob_source *b)
{
	return b->sha256 ? NULL : b->hex;
}

void blob_source_free(struct blob_source *b)
{
	if (!b)
		return;
	stop(b);
	if (b->copied && !b->again)
		leave_copy(b);
	drop_copy(b);
	free(b->file);
	sha1_free(b->hash);
	sha256_free(b->sha256);
	free(b);
}
