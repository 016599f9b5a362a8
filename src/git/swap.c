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

enum { REF_MAX = 512 };

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

/*
 * The claim holds the name of the ref whose lock file may exist because of us, and
 * the kernel takes the claim back from one that died. So a name that is still there
 * when we get hold of it is that of a run that was killed, and the lock file is its.
 */
static void take_over(const struct repo *r, int fd)
{
	struct buf path = BUF_INIT;
	char ref[REF_MAX];
	ssize_t len = pread(fd, ref, sizeof(ref) - 1, 0);

	if (len > 0 && memchr(ref, '\n', (size_t)len)) {
		ref[strcspn(ref, "\n")] = '\0';
		if (git_reference_is_valid_name(ref)) {
			lock_path(r, ref, &path);
			unlink(path.s);
		}
	}
	buf_release(&path);
}

/*
 * 1 with the claim in `*fd`, which is -1 where none can be had: a repository that
 * cannot be written to says so itself. 0 when another git migrate has it.
 */
static int claim(const struct repo *r, const char *ref, int *fd)
{
	struct buf text = BUF_INIT;

	*fd = open_claim(r);
	if (*fd < 0)
		return 1;
	if (flock(*fd, LOCK_EX | LOCK_NB) < 0) {
		close(*fd);
		*fd = -1;
		return errno != EWOULDBLOCK;
	}
	take_over(r, *fd);
	buf_addf(&text, "%s\n", ref);
	if (text.len >= REF_MAX || ftruncate(*fd, 0) < 0 ||
	    pwrite(*fd, text.s, text.len, 0) != (ssize_t)text.len) {
		close(*fd); /* as good as none */
		*fd = -1;
	}
	buf_release(&text);
	return 1;
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

int repo_swap_ref(struct repo *r, const char *ref, const struct oid *from,
		  const struct oid *to, const char *why, struct err *err)
{
	git_reference *moved = NULL;
	int fd, code;

	memset(err, 0, sizeof(*err));
	if (repo_load(r, err) < 0)
		return -1;
	if (!claim(r, ref, &fd))
		return 1;
	code = git_reference_create_matching(&moved, r->git, ref, to_git(to), 1,
					     to_git(from), why);
	git_reference_free(moved);
	disclaim(fd);
	if (code == GIT_ELOCKED)
		return locked(r, ref, err);
	if (code == GIT_EMODIFIED || code == GIT_EEXISTS ||
	    (code == GIT_ENOTFOUND && !oid_is_zero(from)))
		return 1;
	if (code < 0)
		return repo_err(err, "could not move ref '%s'", ref);
	return 0;
}
