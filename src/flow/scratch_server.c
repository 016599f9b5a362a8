#include "base/compat.h"

#include <glob.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/interrupt.h"
#include "base/proc.h"
#include "base/text.h"
#include "flow/scratch_server.h"

enum { ARGS_MAX = 32, ID_TEXT = 48 };

#define FOLDER "/server"

/* --- the programs ------------------------------------------------------ */

/* Major versions are compared as numbers: ".../9.6/bin" comes before ".../15/bin". */
static double version_of(const char *path)
{
	const char *at = strpbrk(path, "0123456789");

	return at ? strtod(at, NULL) : 0;
}

static bool has_programs(const char *dir)
{
	static const char *const names[] = { "initdb", "pg_ctl" };
	struct buf path = BUF_INIT;
	bool ret = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names) && ret; i++) {
		buf_reset(&path);
		buf_addf(&path, "%s/%s", dir, names[i]);
		ret = access(path.s, X_OK) == 0;
	}
	buf_release(&path);
	return ret;
}

static bool find_installed(struct buf *out)
{
	glob_t found = { 0 };
	const char *best = NULL;
	size_t i;

	glob("/usr/lib/postgresql/*/bin", 0, NULL, &found);
	glob("/usr/pgsql-*/bin", GLOB_APPEND, NULL, &found);
	glob("/usr/local/pgsql*/bin", GLOB_APPEND, NULL, &found);
	for (i = 0; i < found.gl_pathc; i++)
		if (has_programs(found.gl_pathv[i]) &&
		    (!best || version_of(found.gl_pathv[i]) > version_of(best)))
			best = found.gl_pathv[i];
	if (best)
		buf_adds(out, best);
	globfree(&found);
	return best != NULL;
}

/* Where initdb and pg_ctl are: in PATH, else where packages put them. */
static int find_programs(struct buf *out, struct err *err)
{
	const char *path = getenv("PATH"), *end;

	for (; path && *path; path = *end ? end + 1 : end) {
		end = path + strcspn(path, ":");
		buf_reset(out);
		buf_add(out, path, (size_t)(end - path));
		if (out->len && has_programs(out->s))
			return 0;
	}
	buf_reset(out);
	if (find_installed(out))
		return 0;
	err_set(err, ERR_FATAL, "there are no initdb and pg_ctl for a server of its own");
	err_hint(err, "scratch",
		 "Install PostgreSQL's server programs, or name a server with --on "
		 "<url>.");
	return -1;
}

/* --- running them ------------------------------------------------------ */

/* A program with its arguments; the server refuses to run for root. */
struct command {
	const char *argv[ARGS_MAX];
	size_t nr;
	char uid[ID_TEXT], gid[ID_TEXT];
};

static void add(struct command *c, const char *arg)
{
	if (c->nr + 1 >= ARGS_MAX)
		BUG("too many arguments");
	c->argv[c->nr++] = arg;
}

static const struct passwd *server_user(void)
{
	const struct passwd *user = getpwnam("postgres");

	return user ? user : getpwnam("nobody");
}

static void begin(struct command *c, const char *program)
{
	const struct passwd *user = geteuid() == 0 ? server_user() : NULL;

	memset(c, 0, sizeof(*c));
	if (user) {
		snprintf(c->uid, sizeof(c->uid), "--reuid=%u", (unsigned)user->pw_uid);
		snprintf(c->gid, sizeof(c->gid), "--regid=%u", (unsigned)user->pw_gid);
		add(c, "setpriv");
		add(c, c->uid);
		add(c, c->gid);
		add(c, "--clear-groups");
	}
	add(c, program);
}

static int run(const struct command *c, const char *dir, struct err *err)
{
	static const char *const env[] = { "LC_ALL=C", "PGDATA", "PGOPTIONS", NULL };
	const struct proc p = {
		.argv = c->argv, .setenv = env, .dir = dir, .deaf = true
	};
	struct buf out = BUF_INIT, said = BUF_INIT;
	int status = proc_run(&p, &out, &said, err);

	if (status > 0) {
		err_set(err, ERR_FATAL, "could not start a server of its own");
		err_detail(err, "%s", said.len ? said.s : buf_str(&out));
		err_hint(err, "scratch", "Name another one with --on <url>.");
	}
	buf_release(&out);
	buf_release(&said);
	return status ? -1 : 0;
}

/* --- the server -------------------------------------------------------- */

/* A socket's name has little room, and its folder is not taken apart by anybody. */
static int check_place(const char *folder, struct err *err)
{
	static const char name[] = FOLDER "/.s.PGSQL.5432";
	struct sockaddr_un address;

	if (strlen(folder) + sizeof(name) < sizeof(address.sun_path) &&
	    !strpbrk(folder, " ',\"\\\t\n"))
		return 0;
	err_set(err, ERR_FATAL, "a server's socket cannot be in the folder '%s'", folder);
	err_hint(err, "scratch",
		 "Set TMPDIR to a folder with a short name without blanks.");
	return -1;
}

static int make_place(const char *folder, const char *place, struct err *err)
{
	const struct passwd *user = geteuid() == 0 ? server_user() : NULL;

	/* the way there for another user, who cannot look around */
	if (mkdir(place, 0700) < 0 || (user && chmod(folder, 0711) < 0) ||
	    (user && chown(place, user->pw_uid, user->pw_gid) < 0))
		return err_errno(err, ERR_FATAL, "could not make '%s'", place);
	return 0;
}

static int init(const char *bin, const char *place, struct err *err)
{
	struct buf program = BUF_INIT, data = BUF_INIT;
	struct command c;
	int ret;

	buf_addf(&program, "%s/initdb", bin);
	buf_addf(&data, "%s/data", place);
	begin(&c, program.s);
	add(&c, "-D");
	add(&c, data.s);
	add(&c, "--username=postgres");
	add(&c, "--auth=trust"); /* whoever gets to the socket is us, or root */
	add(&c, "--no-sync");
	add(&c, "--encoding=UTF8");
	add(&c, "--locale=C");
	ret = run(&c, place, err);
	buf_release(&program);
	buf_release(&data);
	return ret;
}

static int start(const char *bin, const char *place, struct err *err)
{
	struct buf program = BUF_INIT, data = BUF_INIT, log = BUF_INIT, o = BUF_INIT;
	struct command c;
	int ret;

	buf_addf(&program, "%s/pg_ctl", bin);
	buf_addf(&data, "%s/data", place);
	buf_addf(&log, "%s/log", place);
	buf_addf(&o,
		 "-c listen_addresses= -c unix_socket_directories=%s "
		 "-c unix_socket_permissions=0700 -c port=5432 -c fsync=off "
		 "-c full_page_writes=off -c timezone=UTC",
		 place);
	begin(&c, program.s);
	add(&c, "-D");
	add(&c, data.s);
	add(&c, "-l");
	add(&c, log.s);
	add(&c, "-o");
	add(&c, o.s);
	add(&c, "-w");
	add(&c, "-s");
	add(&c, "start");
	ret = run(&c, place, err);
	buf_release(&program);
	buf_release(&data);
	buf_release(&log);
	buf_release(&o);
	return ret;
}

static void add_url(const char *place, struct buf *url)
{
	buf_adds(url, "postgresql://postgres@");
	for (; *place; place++)
		if (ascii_isalnum((unsigned char)*place) || strchr("-._~", *place))
			buf_addc(url, *place);
		else
			buf_addf(url, "%%%02X", (unsigned char)*place);
	buf_adds(url, ":5432/postgres");
}

int scratch_server_start(const char *folder, struct buf *url, struct err *err)
{
	struct buf bin = BUF_INIT, place = BUF_INIT;
	int ret = -1;

	buf_addf(&place, "%s" FOLDER, folder);
	if (check_place(folder, err) == 0 && find_programs(&bin, err) == 0 &&
	    make_place(folder, place.s, err) == 0 && init(bin.s, place.s, err) == 0 &&
	    start(bin.s, place.s, err) == 0) {
		add_url(place.s, url);
		ret = 0;
	}
	if (interrupt_seen())
		ret = err_set(err, ERR_INTERRUPTED, "interrupted");
	buf_release(&bin);
	buf_release(&place);
	return ret;
}

/* pg_ctl's "stop" or "status" of the one in a folder. 0 when it says so. */
static int control(const char *bin, const char *folder, const char *const *words)
{
	struct buf program = BUF_INIT, data = BUF_INIT;
	struct err ignored = { 0 };
	struct command c;
	int ret;

	buf_addf(&data, "%s" FOLDER "/data", folder);
	buf_addf(&program, "%s/pg_ctl", bin);
	begin(&c, program.s);
	add(&c, "-D");
	add(&c, data.s);
	for (; *words; words++)
		add(&c, *words);
	ret = run(&c, "/", &ignored);
	buf_release(&program);
	buf_release(&data);
	return ret;
}

static bool has_file(const char *folder, const char *name)
{
	struct buf path = BUF_INIT;
	bool ret;

	buf_addf(&path, "%s" FOLDER "/%s", folder, name);
	ret = access(path.s, F_OK) == 0;
	buf_release(&path);
	return ret;
}

bool scratch_server_is_in(const char *folder)
{
	return has_file(folder, "data");
}

void scratch_server_wake(const char *folder)
{
	static const char *const status[] = { "status", NULL };
	struct buf bin = BUF_INIT, place = BUF_INIT;
	struct err ignored = { 0 };

	buf_addf(&place, "%s" FOLDER, folder);
	if (scratch_server_is_in(folder) && find_programs(&bin, &ignored) == 0 &&
	    control(bin.s, folder, status) != 0)
		start(bin.s, place.s, &ignored);
	buf_release(&bin);
	buf_release(&place);
}

void scratch_server_stop(const char *folder)
{
	static const char *const stop[] = { "-m", "immediate", "-w", "-s", "stop", NULL };
	struct buf bin = BUF_INIT;
	struct err ignored = { 0 };

	if (has_file(folder, "data/postmaster.pid") && find_programs(&bin, &ignored) == 0)
		control(bin.s, folder, stop);
	buf_release(&bin);
}
