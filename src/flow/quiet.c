#include "base/compat.h"

#include <sys/stat.h>
#include <time.h>

#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "core/plan.h"
#include "flow/quiet.h"
#include "git/config.h"
#include "git/repo.h"

enum {
	FILE_MAX = 1 << 20,
	REST = 2, /* seconds within which times of some file systems may not differ */
};

/* A folder and its times, which change with each name that comes or goes. */
static bool add_line(struct buf *out, const char *path, struct stat *st)
{
	if (stat(path, st) < 0 || strchr(path, '\n'))
		return false;
	buf_addf(out, "%ju %ju %jd.%09ld %jd.%09ld %s\n", (uintmax_t)st->st_dev,
		 (uintmax_t)st->st_ino, (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		 (intmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec, path);
	return true;
}

void quiet_add(struct quiet *q, const char *path)
{
	struct stat st;

	if (!add_line(&q->lines, path, &st) || st.st_mtim.tv_sec > time(NULL) - REST)
		q->restless = true;
}

static void name_file(struct repo *repo, struct buf *out)
{
	buf_addf(out, "%s/migrate/quiet", repo_git_dir(repo));
}

static void add_head(struct buf *out, const struct plan *plan)
{
	char hex[OID_HEXSZ + 1];

	buf_addf(out, "git-migrate %s %s\n", PACKAGE_VERSION, oid_hex(&plan->head, hex));
}

/* Where the path begins in a line, behind four blanks; NULL when there is none. */
static const char *path_in(const char *line)
{
	int blanks = 0;

	for (; *line && *line != '\n'; line++)
		if (*line == ' ' && ++blanks == 4)
			return line + 1;
	return NULL;
}

/* Whether the line at `*at` is what would be written of its folder now. */
static bool still_holds(const char **at, const char *end)
{
	const char *path = path_in(*at), *next = memchr(*at, '\n', (size_t)(end - *at));
	struct buf now = BUF_INIT;
	char *name = NULL;
	struct stat st;
	bool ret = false;

	if (path && next && path < next) {
		name = xstrndup(path, (size_t)(next - path));
		ret = add_line(&now, name, &st) && now.len == (size_t)(next + 1 - *at) &&
		      memcmp(now.s, *at, now.len) == 0;
		*at = next + 1;
	}
	free(name);
	buf_release(&now);
	return ret;
}

bool quiet_is_known(struct repo *repo, const struct plan *plan, const char *path)
{
	struct buf file = BUF_INIT, text = BUF_INIT, head = BUF_INIT;
	const char *at, *end, *first;
	struct err ignored = { 0 };
	bool ret = false;

	name_file(repo, &file);
	add_head(&head, plan);
	if (config_bool(repo_config(repo), "migrate.cache", true) &&
	    file_read(file.s, FILE_MAX, &text, &ignored) == 0 &&
	    starts_with(buf_str(&text), head.s)) {
		at = text.s + head.len;
		end = text.s + text.len;
		first = path_in(at);
		ret = first && starts_with(first, path) && first[strlen(path)] == '\n';
		while (ret && at < end)
			ret = still_holds(&at, end);
	}
	buf_release(&file);
	buf_release(&text);
	buf_release(&head);
	return ret;
}

void quiet_keep(struct repo *repo, const struct plan *plan, const struct quiet *q)
{
	struct buf file = BUF_INIT, text = BUF_INIT;
	struct err ignored = { 0 };

	if (q->restless || !q->lines.len ||
	    !config_bool(repo_config(repo), "migrate.cache", true))
		return;
	name_file(repo, &file);
	add_head(&text, plan);
	buf_add(&text, q->lines.s, q->lines.len);
	file_replace_lazily(file.s, text.s, text.len, 0666, &ignored);
	buf_release(&file);
	buf_release(&text);
}
