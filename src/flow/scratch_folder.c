#include "base/compat.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/err.h"
#include "base/text.h"
#include "flow/scratch_folder.h"
#include "flow/scratch_server.h"

#define PREFIX "git-migrate-scratch."

enum { OPEN_FILES = 16, UNLOCKED_SECONDS = 3600 };

static const char *parent(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && dir[0] == '/' ? dir : "/tmp";
}

static int lock(const char *folder, int flags)
{
	struct buf path = BUF_INIT;
	int fd;

	buf_addf(&path, "%s/lock", folder);
	fd = open(path.s, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	buf_release(&path);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		errno = EWOULDBLOCK;
		return -1;
	}
	return fd;
}

int scratch_folder_make(struct scratch_folder *f, struct err *err)
{
	buf_reset(&f->path);
	buf_addf(&f->path, "%s/" PREFIX "XXXXXX", parent());
	if (!mkdtemp(f->path.s)) {
		err_errno(err, ERR_FATAL, "could not make a folder in '%s'", parent());
		err_hint(err, "scratch", "TMPDIR can name another place.");
		buf_reset(&f->path);
		return -1;
	}
	f->lock = lock(f->path.s, O_CREAT | O_EXCL);
	if (f->lock >= 0)
		return 0;
	err_errno(err, ERR_FATAL, "could not make a file in '%s'", f->path.s);
	scratch_folder_drop(f);
	return -1;
}

static int remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED,
		      struct FTW *at UNUSED)
{
	remove(path);
	return 0; /* what stays is no reason to leave the rest */
}

static void remove_all(const char *folder)
{
	scratch_server_stop(folder);
	nftw(folder, remove_one, OPEN_FILES, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void scratch_folder_drop(struct scratch_folder *f)
{
	if (f->path.len)
		remove_all(f->path.s);
	if (f->lock >= 0)
		close(f->lock);
	f->lock = -1;
	buf_release(&f->path);
}

/* Whether it is ours and nobody uses it; then it is locked by us. */
static bool is_left(const char *folder, int *fd)
{
	struct stat st;

	*fd = -1;
	if (lstat(folder, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return false;
	*fd = lock(folder, 0);
	/* without a lock it is being made, unless that was long ago */
	return *fd >= 0 ||
	       (errno == ENOENT && time(NULL) - st.st_mtime > UNLOCKED_SECONDS);
}

size_t scratch_folder_sweep(void)
{
	DIR *dir = opendir(parent());
	struct buf path = BUF_INIT;
	const struct dirent *e;
	size_t nr = 0;
	int fd;

	while (dir && (e = readdir(dir)) != NULL) {
		if (!starts_with(e->d_name, PREFIX))
			continue;
		buf_reset(&path);
		buf_addf(&path, "%s/%s", parent(), e->d_name);
		if (!is_left(path.s, &fd))
			continue;
		remove_all(path.s);
		nr++;
		if (fd >= 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
	buf_release(&path);
	return nr;
}
