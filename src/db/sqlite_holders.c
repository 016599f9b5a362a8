/*
 * Who holds a lock on a database: SQLite's locks are those of fcntl(2) on ranges of
 * bytes, and Linux lists them for all to see.
 */
#include "base/compat.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "db/sqlite.h"

enum {
	LISTED_MAX = 4 << 20,
	HOLDERS_SHOWN = 3,
	/* bytes of the file beside one in WAL mode: who has them writes, or checkpoints
	 */
	SHARED_WRITE = 120,
	SHARED_RECOVER = 122,
};

struct holders {
	struct buf *out;
	pid_t pids[HOLDERS_SHOWN];
	size_t nr;
};

/* A line of /proc/locks. */
struct lock {
	char kind[8]; /* READ, WRITE */
	long pid;
	unsigned major, minor;
	unsigned long long inode, from;
};

/* What waits for a lock has "->" where others have their kind: it is passed over. */
static bool read_lock(const char *line, struct lock *l)
{
	return sscanf(line, "%*u: POSIX %*15s %7s %ld %x:%x:%llu %llu", l->kind, &l->pid,
		      &l->major, &l->minor, &l->inode, &l->from) == 6;
}

static bool is_of(const struct lock *l, const struct stat *st)
{
	return l->inode == st->st_ino && l->major == major(st->st_dev) &&
	       l->minor == minor(st->st_dev);
}

static void add_holder(struct holders *h, pid_t pid)
{
	struct buf path = BUF_INIT, name = BUF_INIT;
	struct err ignored;
	size_t i;

	for (i = 0; i < h->nr; i++)
		if (h->pids[i] == pid)
			return;
	if (h->nr == HOLDERS_SHOWN)
		return;
	h->pids[h->nr++] = pid;
	buf_addf(&path, "/proc/%ld/comm", (long)pid);
	buf_addf(h->out, "%srocess %ld", h->nr == 1 ? "P" : ", p", (long)pid);
	if (file_read(path.s, LISTED_MAX, &name, &ignored) == 0 && name.len > 1)
		buf_addf(h->out, " (%.*s)", (int)(name.len - 1), name.s);
	buf_release(&path);
	buf_release(&name);
}

/* Those that have locks of a kind on a file, from byte `from` to `to`. */
static void find(struct holders *h, const char *locks, const char *path, const char *kind,
		 const unsigned long long range[2])
{
	const char *line;
	struct stat st;
	struct lock l;

	if (stat(path, &st) < 0)
		return;
	for (line = locks; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (read_lock(line, &l) && is_of(&l, &st) && l.pid > 0 &&
		    l.pid != getpid() && strcmp(l.kind, kind) == 0 &&
		    l.from >= range[0] && l.from <= range[1])
			add_holder(h, (pid_t)l.pid);
	}
}

void sqlite_holders(const struct db *db, struct buf *out)
{
	static const unsigned long long all[2] = { 0, ULLONG_MAX };
	static const unsigned long long writer[2] = { SHARED_WRITE, SHARED_RECOVER };
	struct buf locks = BUF_INIT, shared = BUF_INIT;
	struct holders h = { .out = out };
	struct err ignored;

	if (file_read("/proc/locks", LISTED_MAX, &locks, &ignored) == 0) {
		buf_addf(&shared, "%s-shm", db->path);
		find(&h, buf_str(&locks), db->path, "WRITE", all);
		find(&h, buf_str(&locks), shared.s, "WRITE", writer);
		/* none who writes: then those who read, for whom COMMIT waits */
		if (h.nr == 0)
			find(&h, buf_str(&locks), db->path, "READ", all);
	}
	buf_release(&locks);
	buf_release(&shared);
}
