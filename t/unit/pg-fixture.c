/* A PostgreSQL server of a test's own, with a database and two sessions. */
#include "base/compat.h"

#include <poll.h>
#include <signal.h>
#include <setjmp.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/proc.h"
#include "db/pg.h"
#include "pg-fixture.h"

const struct db_driver *const pg = &db_postgresql, *const tested = &db_postgresql;

enum { SLICE_MS = 100, OFTEN_MS = 5, PATIENCE_MS = 60000 };

/* What the test does meanwhile waits too, for itself alone. */
static void look_round(struct fixture *f)
{
	bool (*look)(struct fixture * f) = f->at_wait;

	if (!look)
		return;
	f->at_wait = NULL;
	if (!look(f))
		f->at_wait = look;
}

/* A wait that lasts costs more than one of those that are granted. */
static int test_wait(void *arg, int fd, short events, int timeout_ms, struct err *err)
{
	struct fixture *f = arg;
	struct pollfd pfd = { .fd = fd, .events = events };
	int rc, slice = timeout_ms;

	for (;;) {
		look_round(f);
		if (f->signals == 0)
			return err_set(err, ERR_INTERRUPTED, "interrupted");
		if (f->signals > 0)
			f->signals--;
		if (f->at_wait)
			slice = OFTEN_MS;
		else if (f->signals >= 0)
			slice = SLICE_MS;
		if (timeout_ms >= 0 && timeout_ms < slice)
			slice = timeout_ms;
		rc = poll(&pfd, fd < 0 ? 0 : 1, slice);
		if (rc != 0 || timeout_ms >= 0)
			return rc > 0;
	}
}

static void on_notice(void *arg, const char *severity, const char *message, unsigned line)
{
	struct fixture *f = arg;

	buf_addf(&f->notices, "%s:%u:%s\n", severity, line, message);
}

int open_db(struct fixture *f, const char *url, struct db **out, struct err *err)
{
	struct db_open how = { .url = url,
			       .application = "test-pg",
			       .lock_timeout_ms = f->lock_timeout_ms,
			       .waiter = &f->waiter,
			       .notice = on_notice,
			       .notice_arg = f };

	return pg->open(out, &how, err);
}

/* --- the server -------------------------------------------------------- */

static char *server_script(void)
{
	const char *srcdir = getenv("srcdir");
	struct buf path = BUF_INIT;

	buf_addf(&path, "%s/t/pg-server.sh", srcdir ? srcdir : ".");
	return buf_detach(&path);
}

/* Exit status of the script; what it says is appended to `out`. */
static int server(const char *verb, const char *dir, struct buf *out)
{
	char *script = server_script(), pid[24];
	const char *argv[] = { "sh", script, verb, dir, pid, NULL };
	struct proc proc = { .argv = argv };
	struct err err = { 0 };
	int status;

	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	status = proc_run(&proc, out, NULL, &err);
	if (status < 0)
		fprintf(stderr, "%s\n", err.message);
	free(script);
	return status;
}

int ask_sql(struct db *db, const char *sql, db_row_fn row, void *arg, struct err *err)
{
	struct pg_answer answer = { .row = row, .arg = arg, .code = ERR_FATAL };

	return pg_exec_params(db, sql, NULL, 0, &answer, err);
}

int run_sql(struct db *db, const char *sql, struct err *err)
{
	struct pg_answer answer = { .code = ERR_FATAL };

	return pg_exec(db, sql, &answer, err);
}

void must(struct db *db, const char *sql)
{
	execute(db, sql);
}

int start_server(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct buf url = BUF_INIT;

	assert_non_null(f);
	*state = f;
	snprintf(f->dir, sizeof(f->dir), "/tmp/test-pg.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->signals = -1;
	f->waiter = (struct db_waiter){ test_wait, f };
	if (server("start", f->dir, &url) != 0)
		return -1;
	while (url.len && url.s[url.len - 1] == '\n')
		url.s[--url.len] = '\0';
	f->server = buf_detach(&url);
	return 0;
}

int stop_server(void **state)
{
	struct fixture *f = *state;

	server("stop", f->dir, NULL);
	rmdir(f->dir);
	free(f->server);
	free(f->url);
	buf_release(&f->notices);
	free(f);
	return 0;
}

void open_again(struct fixture *f)
{
	struct err err = { 0 };

	pg->free(f->db);
	f->db = NULL;
	if (open_db(f, f->url, &f->db, &err) < 0)
		fail_msg("%s", err.message);
}

void wait_alone(struct fixture *f)
{
	static const char others[] = "SELECT pg_sleep(0.01) FROM pg_stat_activity"
				     " WHERE datname = 't' AND pid <> pg_backend_pid()";
	int64_t begun = clock_ms();
	struct err err = { 0 };
	struct buf got = BUF_INIT;

	do {
		buf_reset(&got);
		assert_true(clock_ms() - begun < PATIENCE_MS);
		assert_int_equal(ask_sql(f->other, others, collect, &got, &err), 0);
	} while (got.len);
	buf_release(&got);
}

pid_t other_backend(struct fixture *f)
{
	static const char others[] = "SELECT pid FROM pg_stat_activity"
				     " WHERE datname = 't' AND pid <> pg_backend_pid()";
	struct buf got = BUF_INIT;
	struct err err = { 0 };
	pid_t pid;

	assert_int_equal(ask_sql(f->other, others, collect, &got, &err), 0);
	pid = (pid_t)atoi(buf_str(&got));
	buf_release(&got);
	return pid;
}

/*
 * A session is out of pg_stat_activity before its socket is closed, and what is sent
 * in between takes away what the server has said.
 */
void wait_gone(struct fixture *f, pid_t backend)
{
	int64_t begun = clock_ms();

	wait_alone(f);
	while (backend > 0 && (kill(backend, 0) == 0 || errno == EPERM)) {
		assert_true(clock_ms() - begun < PATIENCE_MS);
		usleep(1000);
	}
}

void kill_backend(struct fixture *f)
{
	pid_t backend = other_backend(f);

	execute(f->other, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
			  " WHERE datname = 't' AND pid <> pg_backend_pid()");
	wait_gone(f, backend);
}

/* A database and two sessions for each test. */
int setup(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct buf url = BUF_INIT;
	struct db *admin = NULL;

	f->signals = -1;
	f->at_wait = NULL;
	f->lock_timeout_ms = 0;
	assert_int_equal(open_db(f, f->server, &admin, &err), 0);
	must(admin, "DROP DATABASE IF EXISTS t WITH (FORCE)");
	must(admin, "CREATE DATABASE t");
	pg->free(admin);
	buf_add(&url, f->server, strlen(f->server) - strlen("postgres"));
	buf_adds(&url, "t");
	free(f->url);
	f->url = buf_detach(&url);
	assert_int_equal(open_db(f, f->url, &f->db, &err), 0);
	assert_int_equal(open_db(f, f->url, &f->other, &err), 0);
	buf_reset(&f->notices);
	return 0;
}

int teardown(void **state)
{
	struct fixture *f = *state;

	pg->free(f->db);
	pg->free(f->other);
	f->db = f->other = NULL;
	return 0;
}

/* Whether a server can be had; says why not. */
bool server_is_there(void)
{
	int status = server("check", "", NULL);

	if (status == SKIP)
		printf("1..0 # SKIP no initdb and pg_ctl of PostgreSQL here\n");
	return status != SKIP;
}
