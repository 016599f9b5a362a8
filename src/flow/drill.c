/* Where a drill is, and what is known of it. */
#include "base/compat.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/proc.h"
#include "flow/app.h"
#include "flow/drill.h"
#include "flow/drill_log.h"
#include "flow/drill_place.h"
#include "flow/scratch_server.h"
#include "git/config.h"
#include "git/repo.h"

static const char catalogue[] = {
#include "drills/catalogue.inc"
};

int drill_catalogue_read(const char *engine, struct pool *pool,
			 struct drill_catalogue *out, struct err *err)
{
	return drill_parse(catalogue, sizeof(catalogue), engine, pool, out, err);
}

static const char *get(struct drill *d, struct repo *repo, const char *key)
{
	const char *full = pool_printf(&d->pool, DRILL_STATE "%s", key);
	const char *value = config_get(repo_config(repo), full);

	return value && value[0] ? pool_strdup(&d->pool, value) : NULL;
}

int drill_set(struct repo *repo, const char *key, const char *value, struct err *err)
{
	struct buf full = BUF_INIT;
	int ret;

	buf_addf(&full, DRILL_STATE "%s", key);
	ret = repo_set_config(repo, full.s, value ? value : "", err);
	buf_release(&full);
	return ret;
}

void drill_release(struct drill *d)
{
	repo_free(d->repo);
	drill_catalogue_release(&d->catalogue);
	pool_release(&d->pool);
	memset(d, 0, sizeof(*d));
}

int drill_open_at(const char *dir, struct repo **out, struct err *err)
{
	static const char *const vars[] = { "GIT_DIR",	      "GIT_WORK_TREE",
					    "GIT_INDEX_FILE", "GIT_PREFIX",
					    "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY",
					    "GIT_NAMESPACE",  NULL };
	size_t i;

	for (i = 0; vars[i]; i++)
		unsetenv(vars[i]);
	if (chdir(dir) < 0)
		return err_errno(err, ERR_FATAL, "could not go to '%s'", dir);
	return repo_open(out, err);
}

static int refuse_half_made(const struct drill *d, struct err *err)
{
	err_set(err, ERR_REFUSED, "the drill in '%s' was never made whole", d->dir);
	err_hint(err, "drill", "git migrate drill abandon clears it away.");
	return -1;
}

int drill_read_state(struct drill *d, struct err *err)
{
	const char *name = get(d, d->repo, "incident"), *hints;

	d->engine = get(d, d->repo, "engine");
	d->home = get(d, d->repo, "home");
	d->url = get(d, d->repo, "database-url");
	d->server = get(d, d->repo, "server");
	d->database = get(d, d->repo, "database");
	d->base = get(d, d->repo, "base");
	d->head = get(d, d->repo, "head");
	d->began = get(d, d->repo, "began");
	d->ended = get(d, d->repo, "ended");
	hints = get(d, d->repo, "hints");
	d->hints = hints ? (size_t)strtoul(hints, NULL, 10) : 0;
	if (!name || !d->engine || !d->home || !d->url || !d->base || !d->head ||
	    !d->began)
		return refuse_half_made(d, err);
	if (drill_catalogue_read(d->engine, &d->pool, &d->catalogue, err) < 0)
		return -1;
	d->incident = drill_find(&d->catalogue, name);
	return d->incident ? 0
			   : err_set(err, ERR_REFUSED,
				     "this version knows no incident '%s'", name);
}

/* A folder that cannot be looked into may come back. */
static bool is_gone(const char *dir)
{
	return access(dir, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* What the home knows of one that was begun and has no result yet: 1, 0, -1. */
static int read_begun(struct repo *here, struct drill *d, struct err *err)
{
	const char *name = get(d, here, "incident"), *hints = get(d, here, "hints");

	d->dir = get(d, here, "dir");
	d->engine = get(d, here, "engine");
	d->began = get(d, here, "began");
	d->hints = hints ? (size_t)strtoul(hints, NULL, 10) : 0;
	if (!name || !d->dir || !d->engine || !d->began || get(d, here, "home"))
		return 0;
	if (drill_catalogue_read(d->engine, &d->pool, &d->catalogue, err) < 0)
		return -1;
	d->incident = drill_find(&d->catalogue, name);
	return d->incident != NULL;
}

int drill_note_lost(struct repo *here, struct drill *d, struct err *err)
{
	char now[CLOCK_TEXT];
	int ret;

	memset(d, 0, sizeof(*d));
	ret = read_begun(here, d, err);
	if (ret <= 0 || !is_gone(d->dir))
		return ret < 0 ? -1 : 0;
	clock_utc(now);
	d->ended = pool_strdup(&d->pool, now);
	if (drill_log_add(here, d, d->engine, "abandoned", err) < 0 ||
	    drill_set(here, "incident", NULL, err) < 0)
		return -1;
	/* what leads to a database is for whoever drops that */
	if (!get(d, here, "database") && drill_set(here, "dir", NULL, err) < 0)
		return -1;
	return 1;
}

/* Whether nothing but `name` is in a folder, NULL: nothing at all. */
static bool holds_only(const char *path, const char *name)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	bool ret = dir || errno == ENOENT;

	while (dir && ret && (e = readdir(dir)) != NULL)
		ret = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		      (name && strcmp(e->d_name, name) == 0);
	if (dir)
		closedir(dir);
	return ret;
}

/*
 * Whether nobody has put anything into a folder: it is empty, or git init has just made,
 * or begun to make, a repository there. What a drill is of is written down behind that.
 */
static bool is_untouched(struct pool *pool, const char *dir)
{
	static const char *const used[] = { "index", "packed-refs", "logs" };
	const char *git = pool_printf(pool, "%s/.git", dir);
	struct stat st;
	size_t i;

	if (!holds_only(dir, ".git"))
		return false;
	if (lstat(git, &st) < 0)
		return errno == ENOENT;
	for (i = 0; i < ARRAY_SIZE(used); i++)
		if (access(pool_printf(pool, "%s/%s", git, used[i]), F_OK) == 0)
			return false;
	return S_ISDIR(st.st_mode) &&
	       holds_only(pool_printf(pool, "%s/refs/heads", git), NULL) &&
	       holds_only(pool_printf(pool, "%s/refs/tags", git), NULL);
}

/* 1; -1 when a database on a server is left of the drill. */
static int find_left(struct repo *here, struct drill *d, struct err *err)
{
	d->database = get(d, here, "database");
	d->server = get(d, here, "server");
	if (!d->database || !d->server)
		return 1;
	d->home = d->asked;
	err_set(err, ERR_REFUSED,
		"the folder '%s' is gone, and the database '%s' of its drill is not",
		d->dir, d->database);
	err_hint(err, "drill", "git migrate drill abandon drops it.");
	return -1;
}

int drill_find_active(struct repo *here, struct drill *d, struct err *err)
{
	const char *top = repo_toplevel(here), *dir;

	memset(d, 0, sizeof(*d));
	d->asked = pool_strdup(&d->pool, top ? top : repo_git_dir(here));
	if (get(d, here, "home")) {
		dir = repo_toplevel(here);
	} else {
		dir = get(d, here, "dir");
	}
	if (!dir)
		return 1;
	d->dir = pool_strdup(&d->pool, dir);
	if (is_gone(dir))
		return find_left(here, d, err);
	if (drill_open_at(d->dir, &d->repo, err) == 0) {
		scratch_server_wake(drill_server_place(d));
		return drill_read_state(d, err);
	}
	return is_untouched(&d->pool, d->dir) ? refuse_half_made(d, err) : -1;
}

int drill_count_hints(struct drill *d, size_t hints, struct err *err)
{
	const char *text = pool_printf(&d->pool, "%zu", hints);

	struct repo *home = NULL;
	struct err quiet = { 0 };

	d->hints = hints;
	if (drill_set(d->repo, "hints", text, err) < 0)
		return -1;
	if (drill_open_at(d->home, &home, &quiet) == 0)
		drill_set(home, "hints", text, &quiet); /* should the folder go */
	repo_free(home);
	return 0;
}

int64_t drill_seconds(const struct drill *d)
{
	char now[CLOCK_TEXT];
	int64_t from, to;

	clock_utc(now);
	if (clock_parse(d->began, &from) < 0 ||
	    clock_parse(d->ended ? d->ended : now, &to) < 0 || to < from)
		return 0;
	return (to - from) / 1000;
}

int drill_end(struct drill *d, const char *result, struct err *err)
{
	struct app app;
	struct repo *home = NULL;
	const char *engine;
	char now[CLOCK_TEXT];
	int ret;

	clock_utc(now);
	d->ended = pool_strdup(&d->pool, now);
	ret = app_open(&app, d->url, d->dir, false, err);
	engine = pool_strdup(&d->pool, ret == 0 ? app.driver->engine(app.db) : d->engine);
	app_close(&app);
	memset(err, 0, sizeof(*err)); /* a database that is gone ends a drill too */
	ret = drill_open_at(d->home, &home, err);
	if (ret == 0)
		ret = drill_log_add(home, d, engine, result, err);
	if (ret == 0)
		ret = drill_set(home, "incident", NULL, err);
	repo_free(home);
	if (ret == 0)
		ret = drill_set(d->repo, "ended", now, err);
	return ret;
}

static int remove_folder(const char *dir, struct err *err)
{
	const char *const argv[] = { "rm", "-rf", "--", dir, NULL };
	const struct proc p = { .argv = argv, .dir = "/" };
	struct buf said = BUF_INIT;
	int status = proc_run(&p, NULL, &said, err);

	if (status > 0)
		status = err_set(err, ERR_FATAL, "could not remove '%s': %s", dir,
				 buf_str(&said));
	buf_release(&said);
	return status;
}

/* The home knows of none any more. Best effort: it may be gone. */
static void forget(const struct drill *d)
{
	static const char *const keys[] = { "dir",    "server", "database", "incident",
					    "engine", "began",	"hints" };
	struct repo *home = NULL;
	struct err quiet = { 0 };
	size_t i;

	if (drill_open_at(d->home ? d->home : d->asked, &home, &quiet) == 0)
		for (i = 0; i < ARRAY_SIZE(keys); i++)
			drill_set(home, keys[i], NULL, &quiet);
	repo_free(home);
}

/* A folder is removed that a drill was made in, and no other. */
static int check_ours(struct drill *d, struct err *err)
{
	if (d->home || is_untouched(&d->pool, d->dir))
		return 0;
	err_set(err, ERR_REFUSED, "'%s' has no drill in it", d->dir);
	err_hint(err, "drill",
		 "Look at it, and remove it by hand if it was made for one; then: git "
		 "config --unset " DRILL_STATE "dir");
	return -1;
}

int drill_remove(struct drill *d, struct err *err)
{
	if (check_ours(d, err) < 0)
		return -1;
	/* it is made behind the note of where the drill came from */
	scratch_server_stop(drill_server_place(d));
	if (d->home && d->database && !drill_has_server(d) &&
	    drill_database_drop(d->server, d->database, err) < 0) {
		err_hint(err, "drill",
			 "Try it again when the server answers; a password of a drill "
			 "whose folder is gone has to come from PGPASSWORD or ~/.pgpass. "
			 "Where the server is gone for good, remove '%s' by hand, and "
			 "then: git config --remove-section migrate.drill-state",
			 d->dir);
		return -1;
	}
	forget(d);
	if (chdir("/") < 0)
		return err_errno(err, ERR_FATAL, "could not leave '%s'", d->dir);
	return remove_folder(d->dir, err);
}
