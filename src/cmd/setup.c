#include "base/compat.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "core/oid.h"
#include "cmd/cmd.h"
#include "cmd/setup.h"
#include "flow/target.h"
#include "git/config.h"
#include "git/repo.h"
#include "out/term.h"

enum { EXCLUDE_MAX = 1 << 20 };

/* Takes the last part off what stands behind `root`; false when there is none. */
static bool drop_part(struct buf *out, size_t root)
{
	const char *slash, *last;

	if (out->len == root)
		return false;
	slash = strrchr(out->s + root, '/');
	last = slash ? slash + 1 : out->s + root;
	if (strcmp(last, "..") == 0)
		return false;
	out->len = slash ? (size_t)(slash - out->s) : root;
	out->s[out->len] = '\0';
	return true;
}

/* Appends a path without "." and ".." parts and double slashes, as text alone. */
static void add_lexical(struct buf *out, const char *path)
{
	bool absolute = *path == '/';
	size_t root, len;

	if (absolute)
		buf_addc(out, '/');
	root = out->len;
	for (; *path; path += len) {
		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 0 || (len == 1 && path[0] == '.'))
			continue;
		if (len == 2 && strncmp(path, "..", 2) == 0 &&
		    (drop_part(out, root) || absolute))
			continue; /* nothing is above "/" */
		if (out->len > root)
			buf_addc(out, '/');
		buf_add(out, path, len);
	}
}

/*
 * "sqlite:app.db" typed in a subfolder means the file in that folder, and
 * "sqlite:./app.db" is the same file as "sqlite:app.db".
 */
static void place_url(const struct repo *repo, const char *url, struct buf *out)
{
	const char *path = url + strlen("sqlite:");
	struct buf whole = BUF_INIT;

	if (!starts_with(url, "sqlite:") || !path[0] || path[0] == ':') {
		buf_adds(out, url);
		return;
	}
	if (starts_with(path, "///"))
		path += 2;
	if (path[0] != '/')
		buf_adds(&whole, repo_prefix(repo));
	buf_adds(&whole, path);
	buf_adds(out, "sqlite:");
	add_lexical(out, whole.s);
	buf_release(&whole);
}

static int refuse_other(struct ctx *ctx, const char *name, const char *key,
			const char *url, struct err *err)
{
	const char *now = config_get(repo_config(ctx->repo), key);

	if (!now || strcmp(now, url) == 0)
		return 0;
	err_set(err, ERR_REFUSED, "target '%s' is another database already", name);
	err_hint(err, "knownTarget",
		 "Choose another name, or take that one away first: git migrate target "
		 "remove %s",
		 name);
	return -1;
}

/* A SQLite file and what lies beside it while it is used, as ignore patterns. */
static void add_patterns(struct buf *out, const char *path)
{
	static const char *const suffixes[] = { "", "-journal", "-wal", "-shm" };
	const char *c;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(suffixes); i++) {
		buf_addc(out, '/');
		for (c = path; *c; c++) {
			if (strchr("*?[\\ ", *c))
				buf_addc(out, '\\');
			buf_addc(out, *c);
		}
		buf_addf(out, "%s\n", suffixes[i]);
	}
}

/*
 * A database file in the work tree must not be committed by "git add -A": what
 * git checks out would replace it. Excluded in this clone alone.
 */
static int exclude_database(struct ctx *ctx, const char *url, struct err *err)
{
	const char *top = repo_toplevel(ctx->repo), *path = url + strlen("sqlite:");
	struct buf file = BUF_INIT, text = BUF_INIT, line = BUF_INIT, folder = BUF_INIT;
	int ret = -1;

	if (!top || !starts_with(url, "sqlite:") || path[0] == ':')
		return 0;
	if (starts_with(path, ".git/"))
		return 0;
	if (path[0] == '/') {
		if (strncmp(path, top, strlen(top)) != 0 || path[strlen(top)] != '/')
			return 0;
		path += strlen(top) + 1;
	}
	buf_addf(&folder, "%s/info", repo_common_dir(ctx->repo));
	buf_addf(&file, "%s/exclude", folder.s);
	add_patterns(&line, path);
	if (file_read(file.s, EXCLUDE_MAX, &text, err) < 0)
		goto out;
	if (strstr(buf_str(&text), line.s)) {
		ret = 0;
		goto out;
	}
	if (text.len && text.s[text.len - 1] != '\n')
		buf_addc(&text, '\n');
	buf_adds(&text, line.s);
	if (mkdir(folder.s, 0777) < 0 && errno != EEXIST)
		err_errno(err, ERR_FATAL, "could not create '%s'", folder.s);
	else
		ret = file_replace(file.s, text.s, text.len, 0644, err);
	if (ret == 0)
		printf("git ignores %s here (.git/info/exclude)\n", path);
out:
	buf_release(&file);
	buf_release(&text);
	buf_release(&line);
	buf_release(&folder);
	return ret;
}

int setup_target(struct ctx *ctx, const char *name, const char *url, struct err *err)
{
	struct buf shown = BUF_INIT, placed = BUF_INIT, key = BUF_INIT;
	const struct db_driver *driver = NULL;
	bool has_password = false;
	int ret = -1;

	if (target_check_name(name, err) < 0)
		return -1;
	driver = db_driver_for(url, err);
	if (!driver)
		goto out;
	place_url(ctx->repo, url, &placed);
	if (driver->describe(placed.s, &shown, &has_password, err) < 0)
		goto out;
	buf_addf(&key, "migrate.%s.url", name);
	if (refuse_other(ctx, name, key.s, placed.s, err) < 0 ||
	    repo_set_config(ctx->repo, key.s, placed.s, err) < 0)
		goto out;
	printf("target %s is ", name);
	term_print(stdout, shown.s);
	printf("\n");
	if (exclude_database(ctx, placed.s, err) < 0)
		goto out;
	cmd_flush(ctx);
	if (has_password) {
		say_warning(&ctx->say, "the password stands in .git/config now");
		say_hint(&ctx->say, "password",
			 "~/.pgpass or a service file is a safer "
			 "place for it.");
	}
	ret = 0;
out:
	buf_release(&shown);
	buf_release(&placed);
	buf_release(&key);
	return ret;
}

/* Adds a value to a key that can have several, unless it is there. 0 or -1. */
static int add_setting(struct ctx *ctx, const char *key, const char *value,
		       struct err *err)
{
	const char *const get[] = { "config", "--get-all", key, NULL };
	const char *const add[] = { "config", "--local", "--add", key, value, NULL };
	struct buf there = BUF_INIT;
	size_t len = strlen(value);
	const char *at;
	int status = repo_git(ctx->repo, get, &there, NULL, err);

	for (at = buf_str(&there); status == 0 && *at;) {
		if (strncmp(at, value, len) == 0 && at[len] == '\n')
			break;
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	if (status >= 0 && !*at) {
		status = repo_git(ctx->repo, add, NULL, NULL, err);
		if (status > 0)
			status = err_set(err, ERR_FATAL, "could not set '%s'", key);
	}
	buf_release(&there);
	return status < 0 ? -1 : 0;
}

struct remotes {
	struct ctx *ctx;
	struct err *err;
};

static int add_refspec(void *arg, const char *remote)
{
	struct remotes *r = arg;
	struct buf key = BUF_INIT, spec = BUF_INIT;
	int ret;

	buf_addf(&key, "remote.%s.fetch", remote);
	/* without a '+': a mirror that was rewritten there is not taken over */
	buf_addf(&spec, "refs/notes/migrate/*:refs/notes/%s/migrate/*", remote);
	ret = add_setting(r->ctx, key.s, spec.s, r->err);
	if (ret == 0)
		printf("fetches from %s bring the mirrors of its targets\n", remote);
	buf_release(&key);
	buf_release(&spec);
	return ret;
}

int setup_notes(struct ctx *ctx, struct err *err)
{
	struct remotes r = { .ctx = ctx, .err = err };

	if (add_setting(ctx, "notes.displayRef", "refs/notes/migrate/*", err) < 0 ||
	    add_setting(ctx, "notes.displayRef", "refs/notes/*/migrate/*", err) < 0)
		return -1;
	return config_subsections(repo_config(ctx->repo), "remote", "url", add_refspec,
				  &r) < 0
		       ? -1
		       : 0;
}
