/* Making a drill: what a person would type, up to the incident. */
#include "base/compat.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/interrupt.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/sha256.h"
#include "base/text.h"
#include "core/record.h"
#include "flow/app.h"
#include "flow/drill.h"
#include "flow/drill_place.h"
#include "flow/record_make.h"
#include "flow/survey.h"
#include "git/repo.h"

struct making {
	struct drill *d;
	struct app app;
	struct err *err;
	bool applied; /* all that is committed */
	bool folder;  /* it is there, and ours */
};

/* --- other programs ---------------------------------------------------- */

/* What was there before the incident is a colleague's work. */
static const char *const colleague[] = { "GIT_AUTHOR_NAME=A Colleague",
					 "GIT_AUTHOR_EMAIL=colleague@example.org",
					 "GIT_DIR",
					 "GIT_WORK_TREE",
					 "GIT_INDEX_FILE",
					 "GIT_PREFIX",
					 "GIT_COMMON_DIR",
					 "GIT_OBJECT_DIRECTORY",
					 "GIT_NAMESPACE",
					 NULL };

static int run(struct making *m, const char *const *argv, const struct buf *input)
{
	const struct proc p = { .argv = argv,
				.setenv = colleague,
				.dir = m->d->dir,
				.input = input ? input->s : NULL,
				.input_len = input ? input->len : 0 };
	struct buf said = BUF_INIT;
	int status = proc_run(&p, NULL, &said, m->err);

	if (interrupt_seen())
		status = err_set(m->err, ERR_INTERRUPTED, "interrupted");
	else if (status > 0)
		status = err_set(m->err, ERR_FATAL,
				 "'%s %s' failed while the drill was made: %s",
				 ends_with(argv[0], "exe") ? "git migrate" : argv[0],
				 argv[1], buf_str(&said));
	buf_release(&said);
	return status;
}

static int run_git(struct making *m, const char *a, const char *b, const char *c)
{
	const char *const argv[] = { "git", "-c", "commit.gpgsign=false", a, b, c, NULL };

	return run(m, argv, NULL);
}

static int run_self(struct making *m, const char *command, const char *argument)
{
	const char *const argv[] = { "/proc/self/exe", command, argument, NULL };

	return run(m, argv, NULL);
}

/* --- folder, repository, database -------------------------------------- */

static int make_folder(struct making *m, const char *wish)
{
	const char *tmp = getenv("TMPDIR");
	char *real, *path;

	if (wish) {
		path = pool_strdup(&m->d->pool, wish);
		if (mkdir(path, 0777) < 0)
			return err_errno(m->err, ERR_REFUSED,
					 "could not make the folder '%s'", wish);
	} else {
		path = pool_printf(&m->d->pool, "%s/git-migrate-drill-XXXXXX",
				   tmp && tmp[0] ? tmp : "/tmp");
		if (!mkdtemp(path))
			return err_errno(m->err, ERR_FATAL, "could not make a folder");
	}
	m->folder = true;
	real = realpath(path, NULL);
	m->d->dir = pool_strdup(&m->d->pool, real ? real : path);
	free(real);
	return 0;
}

/* "postgresql:" is the engine, and no server of it. */
static bool names_server(const char *on)
{
	return on && strcmp(on, "postgresql:") != 0;
}

/* On the server that was named, on one of its own, or a file. */
static int choose_database(struct making *m, const char *on)
{
	struct drill *d = m->d;

	d->url = "sqlite:shop.db";
	if (strcmp(d->engine, db_sqlite.name) == 0)
		return 0;
	if (names_server(on))
		d->server = pool_strdup(&d->pool, on);
	else if (drill_server_make(d, m->err) < 0)
		return -1;
	d->database = drill_database_name(&d->pool);
	d->url = drill_database_url(&d->pool, d->server, d->database);
	return 0;
}

/* Commits of the person are the person's there too. */
static int set_identity(struct making *m, struct repo *home)
{
	struct buf who = BUF_INIT;
	const char *open;
	int ret = 0;

	repo_identity(home, &who);
	open = strrchr(who.s, '<');
	if (open && open > who.s + 1 && open[1] != '>') {
		const char *name = pool_strndup(&m->d->pool, who.s,
						(size_t)(open - who.s - 1));
		const char *mail = pool_strndup(&m->d->pool, open + 1,
						strcspn(open + 1, ">"));

		ret = run_git(m, "config", "user.name", name);
		if (ret == 0)
			ret = run_git(m, "config", "user.email", mail);
	}
	buf_release(&who);
	return ret;
}

/* What finds the database when the folder is gone. The home is no place for secrets. */
static int save_database(struct making *m, struct repo *home)
{
	struct drill *d = m->d;
	struct buf shown = BUF_INIT;
	bool has_password, stays = d->server && !drill_has_server(d);
	int ret = 0;

	if (stays)
		ret = db_postgresql.describe(d->server, &shown, &has_password, m->err);
	if (ret == 0)
		ret = drill_set(home, "server", buf_str(&shown), m->err);
	if (ret == 0)
		ret = drill_set(home, "database", stays ? d->database : NULL, m->err);
	buf_release(&shown);
	return ret;
}

/* What whoever finds it half made needs to clear it away. */
static int save_place(struct making *m, struct repo *home, const char *on)
{
	struct drill *d = m->d;

	if (drill_set(home, "dir", d->dir, m->err) < 0 || choose_database(m, on) < 0 ||
	    save_database(m, home) < 0 || drill_open_at(d->dir, &d->repo, m->err) < 0 ||
	    drill_set(d->repo, "home", d->home, m->err) < 0 ||
	    drill_set(d->repo, "engine", d->engine, m->err) < 0 ||
	    drill_set(d->repo, "database-url", d->url, m->err) < 0 ||
	    drill_set(d->repo, "server", d->server, m->err) < 0)
		return -1;
	return drill_set(d->repo, "database", d->database, m->err);
}

static int make_repository(struct making *m, struct repo *home, const char *on)
{
	struct drill *d = m->d;

	if (run_git(m, "init", "-q", "--initial-branch=main") < 0 ||
	    set_identity(m, home) < 0 || save_place(m, home, on) < 0)
		return -1;
	if (d->server && drill_database_make(d->server, d->database, m->err) < 0) {
		d->database = NULL; /* nothing to drop */
		return -1;
	}
	if (run_self(m, "init", d->url) < 0)
		return -1;
	repo_free(d->repo); /* its settings are others now */
	d->repo = NULL;
	return drill_open_at(d->dir, &d->repo, m->err);
}

/* --- steps ------------------------------------------------------------- */

static int apply(struct making *m)
{
	if (m->applied)
		return 0;
	m->applied = true;
	return run_self(m, "apply", NULL);
}

static int commit(struct making *m, const struct drill_part *p)
{
	const char *path = pool_printf(&m->d->pool, "%s/migrations/%s", m->d->dir,
				       p->name);
	const char *text = pool_printf(&m->d->pool, "%s\n", p->text);
	const char *folder = pool_printf(&m->d->pool, "%s/migrations", m->d->dir);

	if (mkdir(folder, 0777) < 0 && errno != EEXIST)
		return err_errno(m->err, ERR_FATAL, "could not make '%s'", folder);
	m->applied = false;
	if (file_replace(path, text, strlen(text), 0666, m->err) < 0 ||
	    run_git(m, "add", "--", "migrations") < 0)
		return -1;
	return run_git(m, "commit", "-qm", p->about);
}

static int write_data(struct making *m, const char *sql)
{
	if (apply(m) < 0)
		return -1;
	if (!m->app.db && app_open(&m->app, m->d->url, m->d->dir, false, m->err) < 0)
		return -1;
	return app_write(&m->app, sql, NULL, m->err);
}

/* The record of the one at the end of the plan, whose run then died. */
static int write_started(struct making *m, const char *sql, struct survey *s)
{
	struct target *t = &s->target;
	char digest[SHA256_HEXSZ + 1];
	struct scribe scribe;
	struct record r;
	int ret;

	sha256_hex(sql, strlen(sql), digest);
	scribe_init(&scribe, m->d->repo, t, &s->plan.head);
	scribe_begin(&scribe, &t->pool, ledger_last(&t->ledger), EVENT_STARTED, &r);
	scribe_migration(&t->pool, &r, &s->plan, s->plan.nr - 1, digest);
	record_seal(&r, &t->pool);
	ret = tracker_write(&t->tracker, ledger_last(&t->ledger), &r, 1, 0, m->err);
	scribe_release(&scribe);
	return ret > 0 ? err_set(m->err, ERR_FATAL, "another run writes to the drill")
		       : ret;
}

/* Where the statement leaves a half when it cannot go on: the data is in its way. */
static int leave_half(struct making *m, const char *sql)
{
	struct err expected = { 0 };

	if (!m->d->server)
		return 0;
	if (app_alone(&m->app, sql, &expected) < 0)
		return 0;
	return err_set(m->err, ERR_FATAL, "what was to get stuck went through");
}

static int get_stuck(struct making *m, const struct drill_part *p)
{
	struct survey_options o = { .target.name = "default" };
	const char *text = pool_printf(&m->d->pool, "%s\n", p->text);
	struct survey s;
	int ret;

	if (apply(m) < 0 || commit(m, p) < 0)
		return -1;
	ret = survey_take(&s, m->d->repo, &o, m->err);
	if (ret == 0)
		ret = write_started(m, text, &s);
	survey_release(&s);
	m->applied = true; /* what can be */
	return ret == 0 ? leave_half(m, p->text) : -1;
}

/* What is committed is the plan of others too: they have it from a branch that counts. */
static int land(struct making *m)
{
	const char *origin = pool_printf(&m->d->pool, "%s/.git/origin.git", m->d->dir);
	const char *const clone[] = { "git", "clone", "--bare", ".", origin, NULL };
	const char *const remote[] = { "git", "remote", "add", "origin", origin, NULL };

	if (run(m, clone, NULL) < 0 || run(m, remote, NULL) < 0 ||
	    run_git(m, "fetch", "-q", "origin") < 0)
		return -1;
	return run_git(m, "symbolic-ref", "refs/remotes/origin/HEAD",
		       "refs/remotes/origin/main");
}

/* The one that the data is in the way of. */
static int fail_to_apply(struct making *m, const struct drill_part *p)
{
	struct err expected = { 0 };
	struct making trial = *m;

	if (apply(m) < 0 || commit(m, p) < 0)
		return -1;
	trial.err = &expected;
	if (run_self(&trial, "apply", NULL) == 0)
		return err_set(m->err, ERR_FATAL, "what was to fail went through");
	if (expected.code == ERR_INTERRUPTED) {
		*m->err = expected;
		return -1;
	}
	m->applied = true; /* what can be */
	return 0;
}

/* HEAD as it is now is what must stand. */
static int set_base(struct making *m)
{
	char hex[OID_HEXSZ + 1];
	struct oid head;

	if (repo_resolve(m->d->repo, "HEAD", &head, m->err) < 0)
		return -1;
	m->d->base = pool_strdup(&m->d->pool, oid_hex(&head, hex));
	return 0;
}

static int take_step(struct making *m, const struct drill_part *p)
{
	switch (p->kind) {
	case DRILL_FILE:
	case DRILL_BAD:
		return commit(m, p);
	case DRILL_DATA:
		return write_data(m, p->text);
	case DRILL_PENDING:
		return apply(m) < 0 || set_base(m) < 0 ? -1 : commit(m, p);
	case DRILL_STUCK:
		return get_stuck(m, p);
	case DRILL_LANDED:
		return fail_to_apply(m, p);
	case DRILL_LATER:
		if (commit(m, p) < 0)
			return -1;
		m->applied = true;
		return 0;
	default:
		return 0;
	}
}

/* --- what is known at the end ------------------------------------------ */

static int note_head(struct making *m)
{
	struct survey_options o = { .target.name = "default" };
	const struct record *last;
	struct survey s;
	int ret = survey_take(&s, m->d->repo, &o, m->err);

	if (ret == 0) {
		last = ledger_last(&s.target.ledger);
		m->d->head = pool_printf(&m->d->pool, "%" PRIu64 ":%s", last->seq,
					 last->hash);
	}
	survey_release(&s);
	return ret;
}

/* What is to be noted should the folder be removed by hand. */
static int save_home(struct making *m, struct repo *home)
{
	const struct drill *d = m->d;

	if (drill_set(home, "engine", d->engine, m->err) < 0 ||
	    drill_set(home, "began", d->began, m->err) < 0 ||
	    drill_set(home, "hints", NULL, m->err) < 0)
		return -1;
	return drill_set(home, "incident", d->incident->name, m->err);
}

static int save(struct making *m, struct repo *home)
{
	struct drill *d = m->d;
	char now[CLOCK_TEXT];

	clock_utc(now);
	d->began = pool_strdup(&d->pool, now);
	if (drill_set(d->repo, "base", d->base, m->err) < 0 ||
	    drill_set(d->repo, "head", d->head, m->err) < 0 ||
	    drill_set(d->repo, "began", d->began, m->err) < 0)
		return -1;
	if (drill_set(d->repo, "incident", d->incident->name, m->err) < 0)
		return -1;
	return save_home(m, home);
}

static int make(struct making *m, struct repo *home, const struct drill_start *o)
{
	const struct drill_incident *incident = m->d->incident;
	size_t i;

	if (make_folder(m, o->dir) < 0 || make_repository(m, home, o->on) < 0)
		return -1;
	for (i = 0; i < incident->nr; i++)
		if (take_step(m, &incident->parts[i]) < 0)
			return -1;
	if (incident->bad->kind != DRILL_PENDING && set_base(m) < 0)
		return -1;
	if (incident->bad->kind == DRILL_LANDED && land(m) < 0)
		return -1;
	return note_head(m) < 0 ? -1 : save(m, home);
}

/* --- what is asked for ------------------------------------------------- */

static int choose_engine(const struct drill_start *o, struct drill *d, struct err *err)
{
	const struct db_driver *driver = o->on ? &db_postgresql : &db_sqlite;

	if (names_server(o->on))
		driver = db_driver_for(o->on, err);
	if (!driver)
		return -1;
	d->engine = o->engine ? o->engine : driver->name;
	if (strcmp(d->engine, db_sqlite.name) != 0 &&
	    strcmp(d->engine, db_postgresql.name) != 0) {
		err_set(err, ERR_USAGE, "there is no engine '%s'", d->engine);
		err_hint(err, "usage", "There are sqlite and postgresql.");
		return -1;
	}
	if (o->on && (driver == &db_sqlite || strcmp(d->engine, driver->name) != 0))
		return err_set(err, ERR_USAGE,
			       "--on names a PostgreSQL server; a drill on SQLite makes "
			       "a "
			       "file of its own");
	return 0;
}

static int choose_incident(const struct drill_start *o, struct drill *d, struct err *err)
{
	if (drill_catalogue_read(d->engine, &d->pool, &d->catalogue, err) < 0)
		return -1;
	d->incident = drill_find(&d->catalogue, o->incident);
	if (d->incident)
		return 0;
	err_set(err, ERR_USAGE, "there is no incident '%s'", o->incident);
	err_hint(err, "drill", "\"git migrate drill list\" names them.");
	return -1;
}

/* Where its result is to go. */
static int choose_home(struct repo *home, struct drill *d, struct err *err)
{
	const char *top = repo_toplevel(home);
	struct oid head;

	if (repo_resolve(home, "HEAD", &head, err) < 0)
		return err_wrap(err, "the result of a drill is noted on a commit");
	d->home = pool_strdup(&d->pool, top ? top : repo_git_dir(home));
	return 0;
}

int drill_begin(struct repo *home, const struct drill_start *o, struct drill *d,
		struct err *err)
{
	struct making m = { .d = d, .err = err };
	struct err quiet = { 0 };
	int ret;

	memset(d, 0, sizeof(*d));
	if (choose_engine(o, d, err) < 0 || choose_incident(o, d, err) < 0 ||
	    choose_home(home, d, err) < 0)
		return -1;
	interrupt_watch();
	ret = make(&m, home, o);
	app_close(&m.app);
	if (ret < 0 && m.folder)
		drill_remove(d, &quiet); /* what was to be told is why */
	return ret;
}
