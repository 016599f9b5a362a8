/*
 * A library for LD_PRELOAD that counts the calls by which git-migrate changes the
 * world outside of it, and lets it die or fail at a chosen one.
 *
 *	GM_SHIM_COUNT=FILE	at the exit: the number of calls, and of those that
 *				GM_SHIM_ENOSPC counts, in one line
 *	GM_SHIM_LOG=FILE	at the exit: "KIND NUMBER" lines, for each kind
 *	GM_SHIM_TRACE=FILE	each call as it comes: "NUMBER NAME DESCRIPTOR"
 *	GM_SHIM_KILL=N		SIGKILL right before call N (from 1)
 *	GM_SHIM_ENOSPC=N	call N of those that make regular files longer, and
 *				all behind it, fail with "no space left on device"
 *	GM_SHIM_PROGRAM=NAME	the program that this is for (git-migrate)
 *
 * Its children inherit the library and do as if it were not there, whatever they
 * are, but for another git-migrate. What stdio writes goes past it: libc calls
 * itself there.
 */
#include "base/compat.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum kind {
	KIND_WRITE,
	KIND_SEND,
	KIND_SYNC,
	KIND_UNLINK,
	KIND_RENAME,
	KIND_TRUNCATE,
	KIND_NR,
};

static const char *const kind_names[KIND_NR] = {
	"write", "send", "sync", "unlink", "rename", "truncate",
};

/* Read once, before main. */
static struct {
	bool active;
	unsigned long kill_at, full_at;
	const char *count, *log, *trace;
} asked;

static unsigned long calls, growing, by_kind[KIND_NR];

/* --- saying it, by system calls that nobody counts ------------------------ */

static void put(const char *path, int flags, const char *text, int len)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | flags, 0666);

	if (fd < 0)
		return;
	if (syscall(SYS_write, (int)fd, text, (size_t)len) != len)
		abort();
	syscall(SYS_close, (int)fd);
}

static unsigned long number(const char *name)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void)
{
	const char *program = getenv("GM_SHIM_PROGRAM");

	if (strcmp(program_invocation_short_name, program ? program : "git-migrate") != 0)
		return;
	asked.kill_at = number("GM_SHIM_KILL");
	asked.full_at = number("GM_SHIM_ENOSPC");
	asked.count = getenv("GM_SHIM_COUNT");
	asked.log = getenv("GM_SHIM_LOG");
	asked.trace = getenv("GM_SHIM_TRACE");
	asked.active = true;
}

__attribute__((destructor)) static void end(void)
{
	char text[512];
	int kind, len = 0;

	if (!asked.active)
		return;
	asked.active = false;
	if (asked.log) {
		for (kind = 0; kind < KIND_NR; kind++)
			len += snprintf(text + len, sizeof(text) - (size_t)len,
					"%s %lu\n", kind_names[kind], by_kind[kind]);
		put(asked.log, O_TRUNC, text, len);
	}
	if (asked.count) {
		len = snprintf(text, sizeof(text), "%lu %lu\n", calls, growing);
		put(asked.count, O_TRUNC, text, len);
	}
}

/* --- before each call ------------------------------------------------------ */

static void before(enum kind kind, const char *name, int fd)
{
	char text[128];
	int saved = errno;

	if (!asked.active)
		return;
	calls++;
	by_kind[kind]++;
	if (asked.trace)
		put(asked.trace, O_APPEND, text,
		    snprintf(text, sizeof(text), "%lu %s %d\n", calls, name, fd));
	if (calls == asked.kill_at) {
		kill(getpid(), SIGKILL);
		pause();
	}
	errno = saved;
}

/* Whether the disk is full for a call that makes the file longer. */
static bool is_full(int fd)
{
	struct stat st;
	int saved = errno;
	bool regular = asked.active && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

	errno = saved;
	if (!regular)
		return false;
	growing++;
	return asked.full_at && growing >= asked.full_at;
}

static bool refused(enum kind kind, const char *name, int fd)
{
	before(kind, name, fd);
	if (!is_full(fd))
		return false;
	errno = ENOSPC;
	return true;
}

/* The function of that name in the libraries behind this one. */
#define FIND(real, name)                                                                 \
	do {                                                                             \
		void *symbol;                                                            \
		if ((real) != NULL)                                                      \
			break;                                                           \
		symbol = dlsym(RTLD_NEXT, (name));                                       \
		if (!symbol)                                                             \
			abort();                                                         \
		memcpy(&(real), &symbol, sizeof(symbol));                                \
	} while (0)

/* --- writes ----------------------------------------------------------------- */

ssize_t write(int fd, const void *data, size_t len)
{
	static ssize_t (*real)(int, const void *, size_t);

	FIND(real, "write");
	return refused(KIND_WRITE, "write", fd) ? -1 : real(fd, data, len);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	static ssize_t (*real)(int, const void *, size_t, off_t);

	FIND(real, "pwrite");
	return refused(KIND_WRITE, "pwrite", fd) ? -1 : real(fd, data, len, at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	static ssize_t (*real)(int, const void *, size_t, off64_t);

	FIND(real, "pwrite64");
	return refused(KIND_WRITE, "pwrite64", fd) ? -1 : real(fd, data, len, at);
}

ssize_t writev(int fd, const struct iovec *pieces, int nr)
{
	static ssize_t (*real)(int, const struct iovec *, int);

	FIND(real, "writev");
	return refused(KIND_WRITE, "writev", fd) ? -1 : real(fd, pieces, nr);
}

int fallocate(int fd, int mode, off_t at, off_t len)
{
	static int (*real)(int, int, off_t, off_t);

	FIND(real, "fallocate");
	return refused(KIND_TRUNCATE, "fallocate", fd) ? -1 : real(fd, mode, at, len);
}

int posix_fallocate(int fd, off_t at, off_t len)
{
	static int (*real)(int, off_t, off_t);

	FIND(real, "posix_fallocate");
	return refused(KIND_TRUNCATE, "posix_fallocate", fd) ? ENOSPC : real(fd, at, len);
}

int posix_fallocate64(int fd, off64_t at, off64_t len)
{
	static int (*real)(int, off64_t, off64_t);

	FIND(real, "posix_fallocate64");
	return refused(KIND_TRUNCATE, "posix_fallocate64", fd) ? ENOSPC
							       : real(fd, at, len);
}

/* A file is made longer by this, too, or shorter: then it needs no room. */
static bool truncate_refused(const char *name, int fd, off64_t len)
{
	struct stat st;

	before(KIND_TRUNCATE, name, fd);
	if (fstat(fd, &st) < 0 || st.st_size >= len || !is_full(fd))
		return false;
	errno = ENOSPC;
	return true;
}

int ftruncate(int fd, off_t len)
{
	static int (*real)(int, off_t);

	FIND(real, "ftruncate");
	return truncate_refused("ftruncate", fd, len) ? -1 : real(fd, len);
}

int ftruncate64(int fd, off64_t len)
{
	static int (*real)(int, off64_t);

	FIND(real, "ftruncate64");
	return truncate_refused("ftruncate64", fd, len) ? -1 : real(fd, len);
}

/* --- sends ------------------------------------------------------------------ */

ssize_t send(int fd, const void *data, size_t len, int flags)
{
	static ssize_t (*real)(int, const void *, size_t, int);

	FIND(real, "send");
	before(KIND_SEND, "send", fd);
	return real(fd, data, len, flags);
}

ssize_t sendto(int fd, const void *data, size_t len, int flags,
	       const struct sockaddr *address, socklen_t address_len)
{
	static ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *,
			       socklen_t);

	FIND(real, "sendto");
	before(KIND_SEND, "sendto", fd);
	return real(fd, data, len, flags, address, address_len);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	static ssize_t (*real)(int, const struct msghdr *, int);

	FIND(real, "sendmsg");
	before(KIND_SEND, "sendmsg", fd);
	return real(fd, message, flags);
}

/* --- what makes it last, and names ------------------------------------------ */

int fsync(int fd)
{
	static int (*real)(int);

	FIND(real, "fsync");
	before(KIND_SYNC, "fsync", fd);
	return real(fd);
}

int fdatasync(int fd)
{
	static int (*real)(int);

	FIND(real, "fdatasync");
	before(KIND_SYNC, "fdatasync", fd);
	return real(fd);
}

int unlink(const char *path)
{
	static int (*real)(const char *);

	FIND(real, "unlink");
	before(KIND_UNLINK, "unlink", -1);
	return real(path);
}

int unlinkat(int dir, const char *path, int flags)
{
	static int (*real)(int, const char *, int);

	FIND(real, "unlinkat");
	before(KIND_UNLINK, "unlinkat", dir);
	return real(dir, path, flags);
}

int rename(const char *from, const char *to)
{
	static int (*real)(const char *, const char *);

	FIND(real, "rename");
	before(KIND_RENAME, "rename", -1);
	return real(from, to);
}

int link(const char *from, const char *to)
{
	static int (*real)(const char *, const char *);

	FIND(real, "link");
	before(KIND_RENAME, "link", -1);
	return real(from, to);
}
