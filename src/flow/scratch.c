#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "core/scenario.h"
#include "flow/scratch.h"
#include "flow/scratch_server.h"
#include "git/repo.h"

enum { TRIES = 3 };

/* Not what any target is called in the configuration: nothing there is about it. */
static const char NAME[] = "scratch";

/* --- where it is made -------------------------------------------------- */

static struct target_options options_of(const struct scratch *s, const char *url)
{
	return (struct target_options){ .name = NAME,
					.url = url,
					.scratch = true,
					.guest = !s->private_server,
					.interrupted = s->server.interrupted,
					.interrupted_arg = s->server.interrupted_arg };
}

static int make_folder(struct scratch *s, struct err *err)
{
	s->swept += scratch_folder_sweep();
	return scratch_folder_make(&s->folder, err);
}

static int start_server(struct scratch *s, struct buf *url, struct err *err)
{
	s->private_server = true;
	if (make_folder(s, err) < 0)
		return -1;
	return scratch_server_start(s->folder.path.s, url, err);
}

/* The URL that says where: "sqlite:..." is a file, else it leads to a server. */
static int find_place(struct scratch *s, const struct scratch_options *o, struct buf *url,
		      struct err *err)
{
	const char *configured = NULL;
	struct err ignored;

	if (o->target && target_url(s->repo, o->target, &configured, &ignored) < 0)
		configured = NULL;
	if (o->copy && !configured)
		return target_url(s->repo, o->target ? o->target : "default", &configured,
				  err);
	if (o->on)
		configured = o->on;
	if (!configured || strcmp(configured, "postgresql:") == 0)
		return start_server(s, url, err);
	buf_adds(url, configured);
	return 0;
}

static int check_place(const struct scratch_options *o, const char *url, struct err *err)
{
	bool file = starts_with(url, "sqlite:");

	if (o->copy && (o->on || o->like)) {
		err_set(err, ERR_USAGE, "a copy of the target is made beside it");
		err_hint(err, "usage", "Leave --on and --template out, or --copy.");
		return -1;
	}
	if (o->like && file) {
		err_set(err, ERR_USAGE, "a file is made from no template");
		err_hint(err, "usage", "--copy makes a copy of the target's file.");
		return -1;
	}
	return 0;
}

/* --- a file ------------------------------------------------------------ */

static int copy_file(struct scratch *s, const char *url, const char *path,
		     struct err *err)
{
	struct target_options o = options_of(s, url);

	if (target_connect(&s->server, s->repo, &o, err) < 0)
		return -1;
	if (!s->server.db)
		return 0; /* nothing is there yet: so it is in the copy */
	return s->server.driver->copy(s->server.db, path, err);
}

static int make_file(struct scratch *s, const struct scratch_options *o, const char *url,
		     struct err *err)
{
	struct buf path = BUF_INIT;
	int ret;

	if (make_folder(s, err) < 0)
		return -1;
	buf_addf(&path, "%s/database", s->folder.path.s);
	buf_addf(&s->url, "sqlite:%s", path.s);
	ret = o->copy ? copy_file(s, url, path.s, err) : 0;
	/* nobody else's lock on the original is to be held meanwhile */
	target_release(&s->server);
	buf_release(&path);
	return ret;
}

/* --- on a server ------------------------------------------------------- */

static int connect_to_it(struct scratch *s, struct err *err)
{
	struct target_options o = options_of(s, s->url.s);

	target_release(&s->target);
	if (target_open(&s->target, s->repo, &o, err) < 0)
		return -1;
	if (s->target.db)
		return 0;
	return target_create(&s->target, s->repo, &o, false, err);
}

static int make_once(struct scratch *s, const struct scratch_options *o, struct err *err)
{
	const struct db_scratch *scratch = s->server.driver->scratch;
	char random[NONCE_TEXT];
	struct err ignored;

	nonce_random(random);
	snprintf(s->name, sizeof(s->name), DB_SCRATCH_PREFIX "%.24s", random);
	buf_reset(&s->url);
	if (scratch->make(s->server.db, s->name, o->copy ? "" : o->like, &s->url, err) <
	    0)
		return -1;
	if (connect_to_it(s, err) == 0)
		return 0;
	if (err->code != ERR_FATAL)
		return -1;
	scratch->drop(s->server.db, s->name, &ignored);
	return 1;
}

static int make_database(struct scratch *s, const struct scratch_options *o,
			 const char *url, struct err *err)
{
	struct target_options to = options_of(s, url);
	size_t swept = 0;
	int ret, i;

	if (target_connect(&s->server, s->repo, &to, err) < 0 ||
	    s->server.driver->scratch->sweep(s->server.db, &swept, err) < 0)
		return -1;
	s->swept += swept;
	/* another one may have swept it before we were connected to it */
	for (i = 0, ret = 1; ret > 0 && i < TRIES; i++)
		ret = make_once(s, o, err);
	return ret ? -1 : 0;
}

/* --- the whole --------------------------------------------------------- */

int scratch_make(struct scratch *s, struct repo *repo, const struct scratch_options *o,
		 struct err *err)
{
	struct buf url = BUF_INIT;
	int ret = -1;

	s->repo = repo;
	s->server.interrupted = o->interrupted;
	s->server.interrupted_arg = o->interrupted_arg;
	if (find_place(s, o, &url, err) < 0 || check_place(o, url.s, err) < 0)
		goto out;
	if (starts_with(url.s, "sqlite:"))
		ret = make_file(s, o, url.s, err) < 0 ? -1 : connect_to_it(s, err);
	else
		ret = make_database(s, o, url.s, err);
out:
	buf_release(&url);
	return ret;
}

static void drop_database(struct scratch *s)
{
	struct target *t = &s->server;
	struct err ignored = { 0 };

	/* a private server goes away with all that it has */
	if (!t->db || !s->name[0] || s->private_server)
		return;
	target_grace(t);
	if (t->driver->scratch->drop(t->db, s->name, &ignored) == 0)
		return;
	/* the connection may be what has failed; else the next one clears it away */
	if (t->driver->reconnect(t->db, &ignored) == 0)
		t->driver->scratch->drop(t->db, s->name, &ignored);
}

void scratch_drop(struct scratch *s)
{
	target_release(&s->target);
	drop_database(s);
	target_release(&s->server);
	scratch_folder_drop(&s->folder);
	buf_release(&s->url);
	s->name[0] = '\0';
}

int scratch_apply(struct scratch *s, const struct apply_options *o, struct err *err)
{
	struct apply_options here = *o;
	struct survey survey = { 0 };
	struct apply_result result;
	int ret;

	here.target = options_of(s, s->url.s);
	here.target.notice = o->target.notice;
	here.target.notice_arg = o->target.notice_arg;
	ret = apply_run(s->repo, &here, &result, &survey, err);
	apply_result_release(&result);
	survey_release(&survey);
	return ret;
}

/* --- scripts that are not of the plan ---------------------------------- */

enum { ROWS_MAX = 1024 * 1024 }; /* bytes */

struct foreign {
	const struct db_script *script;
	struct buf *rows;
};

static int give_unit(void *arg, size_t i UNUSED, struct db_unit *out,
		     struct err *err UNUSED)
{
	const struct foreign *f = arg;

	memset(out, 0, sizeof(*out));
	out->script = f->script;
	return 0;
}

static int take_row(void *arg, const char *const *values, size_t nr, struct err *err)
{
	struct foreign *f = arg;

	scenario_add_row(f->rows, values, nr);
	if (f->rows->len <= ROWS_MAX)
		return 0;
	return err_set(err, ERR_REFUSED, "the answer is longer than 1 MiB");
}

static int give_no_records(void *arg UNUSED, size_t i UNUSED,
			   const struct db_report *report UNUSED,
			   const struct db_statement **out UNUSED, size_t *nr,
			   struct err *err UNUSED)
{
	*nr = 0;
	return 0;
}

static void on_done(void *arg UNUSED, size_t i UNUSED,
		    const struct db_report *report UNUSED)
{
}

int scratch_run(struct scratch *s, const struct db_script *script, enum scratch_end end,
		struct buf *rows, struct err *err)
{
	struct foreign f = { script, rows };
	const struct db_batch batch = {
		.nr = 1,
		.unit = give_unit,
		.records = give_no_records,
		.done = on_done,
		.row = rows ? take_row : NULL,
		.arg = &f,
		.dry = end == SCRATCH_UNDO,
	};
	struct target *t = &s->target;
	struct db_failure failure;

	if (t->driver->check(t->db, script, err) < 0)
		return -1;
	if (t->driver->run(t->db, &batch, &failure, err) == 0)
		return 0;
	return err->code == ERR_REFUSED && failure.phase >= DB_SCRIPT ? 1 : -1;
}
