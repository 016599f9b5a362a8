#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "flow/app.h"

enum { LOCK_TIMEOUT_MS = 300 }; /* that a visitor has patience for, in a drill */

struct doing {
	const struct db_script *script;
	const struct app_watch *watch;
	struct buf *rows;
};

int app_open(struct app *a, const char *url, const char *base, bool make, struct err *err)
{
	struct db_open how = { .url = url,
			       .base = base,
			       .application = "git-migrate drill",
			       .flags = make ? 0 : DB_MUST_EXIST,
			       .lock_timeout_ms = LOCK_TIMEOUT_MS };
	int ret;

	memset(a, 0, sizeof(*a));
	a->waiter = (struct db_waiter){ wait_poll.wait, &a->patience };
	target_grace(&a->patience);
	how.waiter = &a->waiter;
	a->driver = db_driver_for(url, err);
	if (!a->driver)
		return -1;
	ret = a->driver->open(&a->db, &how, err);
	return ret > 0 ? err_set(err, ERR_REFUSED, "the database is not there any more")
		       : ret;
}

void app_close(struct app *a)
{
	if (a->db)
		a->driver->free(a->db);
	a->db = NULL;
}

static int give_unit(void *arg, size_t i UNUSED, struct db_unit *out,
		     struct err *err UNUSED)
{
	const struct doing *d = arg;

	memset(out, 0, sizeof(*out));
	out->script = d->script;
	return 0;
}

static int give_records(void *arg UNUSED, size_t i UNUSED,
			const struct db_report *report UNUSED,
			const struct db_statement **out, size_t *nr,
			struct err *err UNUSED)
{
	*out = NULL;
	*nr = 0;
	return 0;
}

static void on_done(void *arg UNUSED, size_t i UNUSED,
		    const struct db_report *report UNUSED)
{
}

static void on_statement(void *arg, size_t i UNUSED, unsigned line UNUSED,
			 int64_t ms UNUSED)
{
	const struct doing *d = arg;

	d->watch->statement(d->watch->arg);
}

static int add_row(void *arg, const char *const *values, size_t nr,
		   struct err *err UNUSED)
{
	struct buf *rows = arg;
	size_t i;

	if (rows->len)
		buf_addc(rows, '\n');
	for (i = 0; i < nr; i++)
		buf_addf(rows, "%s%s", i ? "|" : "", values[i] ? values[i] : "");
	return 0;
}

static int on_row(void *arg, const char *const *values, size_t nr, struct err *err)
{
	const struct doing *d = arg;

	return add_row(d->rows, values, nr, err);
}

static int run(struct app *a, const char *sql, const struct app_watch *watch,
	       struct buf *rows, bool dry, struct err *err)
{
	const struct db_script script = { .name = "statement",
					  .sql = sql,
					  .len = strlen(sql) };
	struct doing doing = { &script, watch, rows };
	const struct db_batch batch = { .nr = 1,
					.unit = give_unit,
					.records = give_records,
					.done = on_done,
					.statement = watch ? on_statement : NULL,
					.in_step = watch != NULL,
					.row = rows ? on_row : NULL,
					.arg = &doing,
					.dry = dry };
	struct db_failure failure;

	return a->driver->run(a->db, &batch, &failure, err) == 0 ? 0 : -1;
}

int app_write(struct app *a, const char *sql, const struct app_watch *watch,
	      struct err *err)
{
	return run(a, sql, watch, NULL, false, err);
}

int app_try(struct app *a, const char *sql, struct buf *rows, struct err *err)
{
	return run(a, sql, NULL, rows, true, err);
}

int app_alone(struct app *a, const char *sql, struct err *err)
{
	const struct db_script script = { .name = "statement",
					  .sql = sql,
					  .len = strlen(sql),
					  .no_transaction = true };
	const struct db_unit unit = { .script = &script };
	struct db_report report = { 0 };
	enum db_phase phase = DB_BEGIN;

	return a->driver->run_alone(a->db, &unit, &report, &phase, err);
}

static int ignore_row(void *arg UNUSED, const char *const *values UNUSED,
		      size_t nr UNUSED, struct err *err UNUSED)
{
	return 0;
}

int app_read(struct app *a, const char *sql, struct buf *rows, struct err *err)
{
	/* the tool's own questions see no tables but the system's */
	struct db_question q[] = {
		{ .ask.sql = "SELECT pg_catalog.set_config('search_path', 'public', "
			     "true)",
		  .row = ignore_row },
		{ .ask.sql = sql, .row = add_row, .arg = rows },
	};
	size_t first = a->driver->capabilities(a->db)->file;

	if (a->driver->ask(a->db, q + first, ARRAY_SIZE(q) - first, err) < 0)
		return -1;
	return q[1].lacks ? err_set(err, ERR_REFUSED, "there is no such table") : 0;
}
