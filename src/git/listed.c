#include "base/compat.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/sha256.h"
#include "base/text.h"
#include "git/cache.h"
#include "git/config.h"
#include "git/listed.h"

enum { FILE_MAX = 1 << 20, SOURCES = 4 };

/* What git takes settings from, as it names it, and the files that it does. */
struct sources {
	struct buf path[SOURCES]; /* the whole system's first */
	bool knows_system;	  /* that there is no other file for the whole system */
};

static void sources_release(struct sources *s)
{
	size_t i;

	for (i = 0; i < SOURCES; i++)
		buf_release(&s->path[i]);
}

/* Whether variables add settings, or take them from elsewhere. */
static bool is_told_otherwise(void)
{
	size_t i;

	for (i = 0; environ[i]; i++)
		if (starts_with(environ[i], "GIT_CONFIG") &&
		    !starts_with(environ[i], "GIT_CONFIG_NOSYSTEM="))
			return true;
	return false;
}

/* The program that is started as "git"; false when it is not found. */
static bool find_git(struct buf *out, struct stat *st)
{
	const char *at = getenv("PATH");
	size_t len;

	for (; at && *at; at += len + (at[len] == ':')) {
		len = strcspn(at, ":");
		buf_reset(out);
		buf_add(out, at, len);
		buf_adds(out, "/git");
		if (len && stat(out->s, st) == 0 && S_ISREG(st->st_mode) &&
		    access(out->s, X_OK) == 0)
			return true;
	}
	return false;
}

/* The folder that git was installed below; its length, 0 when that is not known. */
static size_t prefix_of(const char *git)
{
	static const char *const ways[] = { "/bin/git", "/lib/git-core/git",
					    "/libexec/git-core/git" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++)
		if (ends_with(git, ways[i]))
			return strlen(git) - strlen(ways[i]);
	return 0;
}

/* The system's file stands in the folder etc beside git's own, below /usr in /etc. */
static void name_system(struct sources *s, const char *git)
{
	const char *off = getenv("GIT_CONFIG_NOSYSTEM");
	size_t len = prefix_of(git);
	bool is_usual = len == 4 && memcmp(git, "/usr", 4) == 0;

	if (!is_usual)
		buf_add(&s->path[0], git, len);
	buf_adds(&s->path[0], "/etc/gitconfig");
	s->knows_system = is_usual || (off && off[0] && config_is_true(off));
}

static bool name_sources(struct sources *s, const char *git, const char *git_dir)
{
	const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");

	if (!home || !home[0])
		return false;
	name_system(s, git);
	if (xdg && xdg[0])
		buf_addf(&s->path[1], "%s/git/config", xdg);
	else
		buf_addf(&s->path[1], "%s/.config/git/config", home);
	buf_addf(&s->path[2], "%s/.gitconfig", home);
	/* git says "config" in a bare repository */
	buf_addf(&s->path[3], "%s%sconfig", strcmp(git_dir, ".") == 0 ? "" : git_dir,
		 strcmp(git_dir, ".") == 0 ? "" : "/");
	return true;
}

static bool add_file(struct buf *from, const char *path)
{
	struct buf bytes = BUF_INIT;
	struct err quiet = { 0 };
	int found = file_read(path, FILE_MAX, &bytes, &quiet);

	buf_addf(from, "%s %d %zu\n", path, found, bytes.len);
	buf_add(from, buf_str(&bytes), bytes.len);
	buf_release(&bytes);
	return found >= 0;
}

static bool add_sources(struct buf *from, const struct sources *s)
{
	size_t i;

	for (i = 0; i < SOURCES; i++)
		if (!add_file(from, s->path[i].s))
			return false;
	return true;
}

static void add_program(struct buf *from, const struct stat *st)
{
	const char *off = getenv("GIT_CONFIG_NOSYSTEM");

	buf_addf(from, "git-migrate " PACKAGE_VERSION " %s %s\n",
		 off ? "without" : "with", off ? off : "");
	buf_addf(from, "%jd %jd.%09ld\n", (intmax_t)st->st_size,
		 (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

/* What a list is made from; false, with nothing in `from`, when git has to be asked. */
static bool gather(const char *git_dir, struct sources *s, struct buf *from)
{
	struct buf git = BUF_INIT;
	struct stat st;
	bool ret;

	buf_reset(from);
	ret = !is_told_otherwise() && find_git(&git, &st) &&
	      name_sources(s, git.s, git_dir);
	if (ret) {
		add_program(from, &st);
		ret = add_sources(from, s);
	}
	if (!ret)
		buf_reset(from);
	buf_release(&git);
	return ret;
}

static bool is_ours(const char *folder)
{
	struct stat st;

	return lstat(folder, &st) == 0 && st.st_uid == geteuid();
}

static void hash_both(const struct buf *from, const char *list, size_t len, char *hex)
{
	struct sha256 *h = sha256_new();

	sha256_add(h, from->s, from->len);
	sha256_add(h, list, len);
	sha256_end(h, hex);
	sha256_free(h);
}

static bool read_own(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	struct err quiet = { 0 };
	struct stat st;
	bool ret;

	if (fd < 0)
		return false;
	ret = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	      fd_read_all(fd, FILE_MAX, out, &quiet) == 0;
	close(fd);
	return ret;
}

/* A hash, a line feed, the list. */
static bool read_kept(const char *git_dir, const struct buf *from, struct buf *list)
{
	char hex[SHA256_HEXSZ + 1];
	struct buf path = BUF_INIT, all = BUF_INIT;
	bool ret = false;

	buf_addf(&path, "%s/migrate/config", git_dir);
	if (read_own(path.s, &all) && all.len > SHA256_HEXSZ &&
	    all.s[SHA256_HEXSZ] == '\n') {
		hash_both(from, all.s + SHA256_HEXSZ + 1, all.len - SHA256_HEXSZ - 1,
			  hex);
		ret = memcmp(all.s, hex, SHA256_HEXSZ) == 0;
	}
	if (ret)
		buf_add(list, all.s + SHA256_HEXSZ + 1, all.len - SHA256_HEXSZ - 1);
	buf_release(&path);
	buf_release(&all);
	return ret;
}

bool listed_load(const char *git_dir, struct buf *from, struct buf *list)
{
	struct sources s = { 0 };
	bool ret = is_ours(".") && is_ours(git_dir) && gather(git_dir, &s, from) &&
		   read_kept(git_dir, from, list);

	sources_release(&s);
	return ret;
}

/* Which of the sources a setting comes from; -1 for any other place. */
static int source_of(const struct sources *s, const char *origin)
{
	int i;

	if (!starts_with(origin, "file:"))
		return -1;
	for (i = 0; i < SOURCES; i++)
		if (strcmp(origin + strlen("file:"), s->path[i].s) == 0)
			return i;
	return -1;
}

/*
 * Whether the list comes from these sources alone. What includes another file may include
 * one that is not there yet.
 */
static bool is_from(struct sources *s, const struct buf *list)
{
	struct listed_setting at = { .next = buf_str(list) };
	int source;

	while (config_next(list, &at)) {
		source = source_of(s, at.origin);
		if (source < 0 || starts_with(at.key, "include.") ||
		    starts_with(at.key, "includeif."))
			return false;
		if (source == 0)
			s->knows_system = true;
	}
	return s->knows_system;
}

static void write_kept(const char *git_dir, const struct buf *from,
		       const struct buf *list)
{
	struct listed_setting at = { .next = buf_str(list) };
	struct buf path = BUF_INIT, all = BUF_INIT, some = BUF_INIT;
	char hex[SHA256_HEXSZ + 1];
	struct err quiet = { 0 };

	while (config_next(list, &at))
		if (config_is_read(&at))
			buf_add(&some, at.scope, (size_t)(at.next - at.scope));
	hash_both(from, buf_str(&some), some.len, hex);
	buf_addf(&all, "%s\n", hex);
	buf_add(&all, buf_str(&some), some.len);
	cache_make_folder(git_dir, git_dir);
	buf_addf(&path, "%s/migrate/config", git_dir);
	file_replace_lazily(path.s, all.s, all.len, 0600, &quiet);
	buf_release(&path);
	buf_release(&all);
	buf_release(&some);
}

void listed_keep(const char *git_dir, const struct buf *from, const struct buf *list)
{
	struct sources s = { 0 };
	struct buf now = BUF_INIT;

	if (from->len && gather(git_dir, &s, &now) && now.len == from->len &&
	    memcmp(now.s, from->s, now.len) == 0 && is_from(&s, list))
		write_kept(git_dir, from, list);
	buf_release(&now);
	sources_release(&s);
}
