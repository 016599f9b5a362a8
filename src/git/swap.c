/*
 * Moves a ref from one commit to another, and mends what a run that was killed at
 * that left behind: git's lock on a ref is a file, which nobody takes away then.
 */
#include "base/compat.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/oid.h"
#include "git/internal.h"

enum {
	CLAIM_MAX = 640,
	MOVING_S = 10, /* a lock of ours is made, written and gone within so long */
};

static void lock_path(const struct repo *r, const char *ref, struct buf *out)
{
	buf_addf(out, "%s/%s.lock", r->common_dir, ref);
}

/* The claim's file, made as git makes its own; -1 where that cannot be. */
static int open_claim(const struct repo *r)
{
	struct buf path = BUF_INIT;
	struct stat folder, head;
	int fd = -1;

	buf_addf(&path, "%s/HEAD", r->common_dir);
	if (stat(path.s, &head) < 0 || stat(r->common_dir, &folder) < 0)
		goto out;
	buf_reset(&path);
	buf_addf(&path, "%s/migrate", r->common_dir);
	/* the umask must not keep out those with whom the repository is shared */
	if (mkdir(path.s, 0777) == 0)
		chmod(path.s, folder.st_mode & 07777);
	buf_adds(&path, "/moving");
	fd = open(path.s, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		fd = open(path.s, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
		if (fd >= 0)
			fchmod(fd, head.st_mode & 0666);
	}
out:
	buf_release(&path);
	return fd;
}

/* What the claim says: the ref that is moved, and the lock file once that is there. */
struct claimed {
	char ref[CLAIM_MAX];
	uintmax_t dev, ino; /* 0: not known */
	intmax_t since;	    /* when it was made, in seconds */
};

static int write_claim(int fd, const char *ref, const struct stat *lock)
{
	struct buf text = BUF_INIT;
	int ret = -1;

	buf_addf(&text, "%s\n", ref);
	if (lock)
		buf_addf(&text, "%ju %ju %jd\n", (uintmax_t)lock->st_dev,
			 (uintmax_t)lock->st_ino, (intmax_t)lock->st_mtime);
	/* what is added to a claim takes nothing away from it, not for a moment */
	if (text.len < CLAIM_MAX && (lock || ftruncate(fd, 0) == 0) &&
	    pwrite(fd, text.s, text.len, 0) == (ssize_t)text.len)
		ret = 0;
	buf_release(&text);
	return ret;
}

/* Whether there is a claim that a killed run has left. */
static bool read_claim(int fd, struct claimed *c)
{
	struct stat st;
	ssize_t len = pread(fd, c->ref, sizeof(c->ref) - 1, 0);
	char *end;

	if (len <= 0 || fstat(fd, &st) < 0)
		return false;
	c->ref[len] = '\0';
	end = strchr(c->ref, '\n');
	if (!end)
		return false;
	*end = '\0';
	if (sscanf(end + 1, "%ju %ju %jd", &c->dev, &c->ino, &c->since) != 3) {
		c->ino = 0;
		c->since = st.st_mtime;
	}
	return git_reference_is_valid_name(c->ref);
}

/*
 * Whether a lock file is the one that a killed run has left. One that was killed
 * before it could write down which it is has left it empty, within a moment.
 */
static bool is_ours(const struct claimed *c, const struct stat *lock)
{
	bool same = c->ino ? lock->st_dev == c->dev && lock->st_ino == c->ino
			   : lock->st_size == 0;

	return same && lock->st_mtime >= c->since && lock->st_mtime - c->since < MOVING_S;
}

/*
 * The kernel takes the claim back from a run that died. So one that is still there
 * when we get hold of it is that of a run that was killed, and so may be the lock:
 * unless a git that is at work has made it since.
 */
static void take_over(const struct repo *r, int fd)
{
	struct buf path = BUF_INIT;
	struct claimed c;
	struct stat lock;

	if (!read_claim(fd, &c))
		return;
	lock_path(r, c.ref, &path);
	if (lstat(path.s, &lock) == 0 && is_ours(&c, &lock))
		unlink(path.s);
	buf_release(&path);
}

/*
 * 1 with the claim in `*fd`, which is -1 where none can be had: a repository that
 * cannot be written to says so itself. 0 when another git migrate has it.
 */
static int claim(const struct repo *r, const char *ref, int *fd)
{
	*fd = open_claim(r);
	if (*fd < 0)
		return 1;
	if (flock(*fd, LOCK_EX | LOCK_NB) < 0) {
		close(*fd);
		*fd = -1;
		return errno != EWOULDBLOCK;
	}
	take_over(r, *fd);
	if (write_claim(*fd, ref, NULL) < 0) {
		close(*fd); /* as good as none */
		*fd = -1;
	}
	return 1;
}

/* The lock is ours: says so, for whoever comes if we are killed. */
static void note_lock(const struct repo *r, const char *ref, int fd)
{
	struct buf path = BUF_INIT;
	struct stat lock;

	lock_path(r, ref, &path);
	if (fd >= 0 && lstat(path.s, &lock) == 0 && write_claim(fd, ref, &lock) < 0)
		errno = 0; /* then it is for a person to take away */
	buf_release(&path);
}

static void disclaim(int fd)
{
	if (fd < 0)
		return;
	/* should it fail, the next one looks for a lock that is not there */
	if (ftruncate(fd, 0) < 0)
		errno = 0;
	close(fd);
}

static int locked(const struct repo *r, const char *ref, struct err *err)
{
	struct buf path = BUF_INIT;

	lock_path(r, ref, &path);
	err_set(err, ERR_FATAL, "could not lock ref '%s'", ref);
	err_hint(err, "ref-locked",
		 "If no git is at work in this repository, one was killed there: remove "
		 "'%s'.",
		 path.s);
	buf_release(&path);
	return 1;
}

/* Whether the ref is where it is expected to be; zero: nowhere. libgit2's code. */
static int compare(struct repo *r, const char *ref, const struct oid *from)
{
	git_oid now;
	int code = git_reference_name_to_id(&now, r->git, ref);

	if (code == GIT_ENOTFOUND)
		return oid_is_zero(from) ? 0 : GIT_EMODIFIED;
	if (code < 0)
		return code;
	return git_oid_equal(&now, to_git(from)) ? 0 : GIT_EMODIFIED;
}

static int move(struct repo *r, const char *ref, const struct oid *from,
		const struct oid *to, const char *why, int fd)
{
	git_transaction *tx = NULL;
	int code = git_transaction_new(&tx, r->git);

	if (code == 0)
		code = git_transaction_lock_ref(tx, ref);
	if (code == 0) {
		note_lock(r, ref, fd);
		code = compare(r, ref, from);
	}
	if (code == 0)
		code = git_transaction_set_target(tx, ref, to_git(to), NULL, why);
	if (code == 0)
		code = git_transaction_commit(tx);
	git_transaction_free(tx);
	return code;
}

int repo_swap_ref(struct repo *r, const char *ref, const struct oid *from,
		  const struct oid *to, const char *why, struct err *err)
{
	int fd, code;

	memset(err, 0, sizeof(*err));
	if (repo_load(r, err) < 0)
		return -1;
	if (!claim(r, ref, &fd))
		return 1;
	code = move(r, ref, from, to, why, fd);
	disclaim(fd);
	if (code == GIT_ELOCKED)
		return locked(r, ref, err);
	if (code == GIT_EMODIFIED)
		return 1;
	if (code < 0)
		return repo_err(err, "could not move ref '%s'", ref);
	return 0;
}
