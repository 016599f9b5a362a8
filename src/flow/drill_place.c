#include "base/compat.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/text.h"
#include "flow/app.h"
#include "flow/drill.h"
#include "flow/drill_place.h"
#include "flow/scratch.h"
#include "flow/scratch_server.h"

#define NAME_PREFIX "git_migrate_drill_"

enum { NAME_DIGITS = 12 };

const char *drill_database_name(struct pool *pool)
{
	char nonce[NONCE_TEXT];

	nonce_random(nonce);
	return pool_printf(pool, NAME_PREFIX "%.*s", NAME_DIGITS, nonce);
}

const char *drill_database_url(struct pool *pool, const char *server, const char *name)
{
	/* of two names the later one counts */
	return pool_printf(pool, "%s%cdbname=%s", server, strchr(server, '?') ? '&' : '?',
			   name);
}

/* A name comes from a configuration, and is put into statements as it is. */
static int check_name(const char *name, struct err *err)
{
	const char *digits = name + strlen(NAME_PREFIX);

	if (starts_with(name, NAME_PREFIX) && digits[0] &&
	    strspn(digits, "0123456789abcdefghijklmnopqrstuvwxyz") == strlen(digits))
		return 0;
	return err_set(err, ERR_REFUSED, "'%s' is no name of a drill's database", name);
}

static int on_server(const char *server, const char *what, const char *name,
		     const char *how, struct err *err)
{
	struct buf sql = BUF_INIT;
	struct app app;
	int ret;

	if (check_name(name, err) < 0)
		return -1;
	ret = app_open(&app, server, NULL, false, err);
	buf_addf(&sql, "%s %s%s", what, name, how);
	if (ret == 0)
		ret = app_alone(&app, sql.s, err);
	app_close(&app);
	buf_release(&sql);
	return ret;
}

int drill_database_make(const char *server, const char *name, struct err *err)
{
	if (on_server(server, "CREATE DATABASE", name, " TEMPLATE template0", err) == 0)
		return 0;
	err_wrap(err, "a database for the drill could not be made");
	if (!err->hint[0])
		err_hint(err, "drill",
			 "The role must be allowed to create databases: --on names "
			 "another "
			 "one, or a server of your own.");
	return -1;
}

int drill_database_drop(const char *server, const char *name, struct err *err)
{
	if (on_server(server, "DROP DATABASE IF EXISTS", name, " WITH (FORCE)", err) == 0)
		return 0;
	return err_wrap(err, "the database '%s' could not be dropped", name);
}

const char *drill_server_place(struct drill *d)
{
	return pool_printf(&d->pool, "%s/.git", d->dir);
}

bool drill_has_server(struct drill *d)
{
	return scratch_server_is_in(drill_server_place(d));
}

/* The server of root is another user's, who has to get there. */
static int open_way(const char *dir, struct err *err)
{
	struct stat st;

	if (geteuid() != 0 || (stat(dir, &st) == 0 &&
			       chmod(dir, (st.st_mode & 07777) | S_IXGRP | S_IXOTH) == 0))
		return 0;
	return err_errno(err, ERR_FATAL, "could not open the way to '%s'", dir);
}

int drill_server_make(struct drill *d, struct err *err)
{
	struct buf url = BUF_INIT;
	int ret = open_way(d->dir, err);

	if (ret == 0)
		ret = scratch_server_start(drill_server_place(d), &url, err);
	if (ret == 0)
		d->server = pool_strdup(&d->pool, url.s);
	buf_release(&url);
	return ret;
}

int drill_scratch(struct drill *d, struct scratch *s, struct app *app, struct err *err)
{
	/* the drill's own database may be gone */
	const struct scratch_options where = { .on = d->server ? d->server : d->url };

	if (scratch_make(s, d->repo, &where, err) < 0)
		return -1;
	return app ? app_open(app, s->url.s, d->dir, true, err) : 0;
}

int drill_fill(struct app *app, const struct drill_incident *incident, unsigned kinds,
	       struct err *err)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < incident->nr && ret == 0; i++)
		if (kinds & 1u << incident->parts[i].kind)
			ret = app_write(app, incident->parts[i].text, NULL, err);
	return ret;
}
