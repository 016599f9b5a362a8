#include "base/compat.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/guard.h"
#include "base/io.h"

NORETURN static void out_of_memory(size_t len)
{
	fprintf(stderr, "fatal: out of memory (%zu bytes wanted)\n", len);
	guard_say_exhausted();
	exit(128);
}

void *xmalloc(size_t len)
{
	void *p = malloc(len ? len : 1);

	if (!p)
		out_of_memory(len);
	return p;
}

void *xcalloc(size_t nr, size_t len)
{
	void *p = calloc(nr ? nr : 1, len ? len : 1);

	if (!p)
		out_of_memory(len);
	return p;
}

void *xrealloc(void *old, size_t len)
{
	void *p = realloc(old, len ? len : 1);

	if (!p)
		out_of_memory(len);
	return p;
}

void *xreallocarray(void *old, size_t nr, size_t len)
{
	size_t all;

	if (__builtin_mul_overflow(nr, len, &all))
		out_of_memory(SIZE_MAX);
	return xrealloc(old, all);
}

char *xstrndup(const char *s, size_t len)
{
	char *copy = xmalloc(len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

int fd_read_all(int fd, size_t max, struct buf *out, struct err *err)
{
	enum { CHUNK = 16 * 1024 };
	size_t got = 0;
	ssize_t n;

	for (;;) {
		if (out->alloc < out->len + 2) /* the caller may know how much comes */
			buf_reserve(out, CHUNK);
		n = read(fd, out->s + out->len, out->alloc - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, ERR_FATAL, "could not read");
		if (n == 0)
			return 0;
		got += (size_t)n;
		if (got > max)
			return err_set(err, ERR_FATAL,
				       "could not read: more than %zu bytes", max);
		out->len += (size_t)n;
		out->s[out->len] = '\0';
	}
}

int fd_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;
	ssize_t n;

	while (len > 0) {
		n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_read(const char *path, size_t max, struct buf *out, struct err *err)
{
	/* a pipe would be waited for, a device may have no end */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st = { 0 };
	int ret;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 1;
	if (fd < 0)
		return err_errno(err, ERR_FATAL, "could not open '%s'", path);
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		ret = err_set(err, ERR_FATAL, "could not read: it is no file");
	} else {
		if (st.st_size > 0 && (uint64_t)st.st_size < max)
			buf_reserve(out, (size_t)st.st_size + 1);
		ret = fd_read_all(fd, max, out, err);
	}
	if (ret < 0)
		err_wrap(err, "file '%s'", path);
	close(fd);
	return ret;
}

static int replace(const char *path, const void *data, size_t len, unsigned mode,
		   bool durable, struct err *err)
{
	struct buf tmp = BUF_INIT;
	int fd = -1, ret = -1;

	buf_addf(&tmp, "%s.tmp.XXXXXX", path);
	fd = mkostemp(tmp.s, O_CLOEXEC);
	if (fd < 0) {
		err_errno(err, ERR_FATAL, "could not create '%s'", tmp.s);
		goto out;
	}
	if (fd_write_all(fd, data, len) < 0 || fchmod(fd, (mode_t)mode) < 0 ||
	    (durable && fsync(fd) < 0)) {
		err_errno(err, ERR_FATAL, "could not write '%s'", tmp.s);
		goto out;
	}
	if (!durable)
		unlink(path); /* some file systems write all out when it is replaced */
	if (rename(tmp.s, path) < 0) {
		err_errno(err, ERR_FATAL, "could not rename '%s' to '%s'", tmp.s, path);
		goto out;
	}
	ret = 0;
out:
	if (fd >= 0)
		close(fd);
	if (ret < 0 && fd >= 0)
		unlink(tmp.s);
	buf_release(&tmp);
	return ret;
}

int file_replace(const char *path, const void *data, size_t len, unsigned mode,
		 struct err *err)
{
	return replace(path, data, len, mode, true, err);
}

int file_replace_lazily(const char *path, const void *data, size_t len, unsigned mode,
			struct err *err)
{
	return replace(path, data, len, mode, false, err);
}
