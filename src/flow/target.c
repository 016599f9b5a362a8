#include "base/compat.h"

#include <poll.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/interrupt.h"
#include "base/text.h"
#include "flow/target.h"
#include "git/config.h"
#include "git/repo.h"

enum {
	NAME_MAX_LEN = 64,
	GRACE_MS = 10000,
	RECONNECT_PAUSE_MS = 50,
	RECONNECT_PAUSE_MAX_MS = 2000,
	RETRY_SECONDS = 60,
	RECONNECT_SECONDS = 30,
	BATCH_PAUSE_MS = 10,
	BATCH_SLOW_MS = 1000,
	BATCH_LAG_MIB = 64,
	NUMBER_MAX = 1000000,
};

/* Waits with poll(2), in spite of a signal, until the grace is over. */
static int wait_on(const struct target *t, struct pollfd *pfd, int timeout_ms,
		   struct err *err)
{
	int64_t left = t->grace - clock_ms();
	int n;

	if (timeout_ms < 0 || timeout_ms > left)
		timeout_ms = left > 0 ? (int)left : 0;
	do {
		n = poll(pfd, pfd->fd >= 0, timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (n > 0 || clock_ms() < t->grace)
		return n > 0;
	return err_set(err, ERR_INTERRUPTED, "interrupted");
}

static void tell_interrupted(struct target *t)
{
	if (!t || !t->interrupted)
		return;
	t->interrupted(t->interrupted_arg);
	t->interrupted = NULL;
}

/* Waits with poll(2); what waits for nothing else in the process. */
static int poll_wait(void *arg, int fd, short events, int timeout_ms, struct err *err)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	struct target *t = arg;
	int n;

	if (t && t->grace)
		return wait_on(t, &pfd, timeout_ms, err);
	do {
		n = interrupt_poll(&pfd, fd >= 0, timeout_ms);
	} while (n < 0 && errno == EINTR && !interrupt_seen());
	if (n < 0 && interrupt_seen()) {
		tell_interrupted(t);
		return err_set(err, ERR_INTERRUPTED, "interrupted");
	}
	if (n < 0)
		return err_errno(err, ERR_FATAL, "could not wait for the database");
	return n > 0;
}

const struct db_waiter wait_poll = { .wait = poll_wait };

int target_pause(struct target *t, int ms, struct err *err)
{
	return poll_wait(t, -1, 0, ms, err) < 0 ? -1 : 0;
}

int target_reconnect(struct target *t, struct err *err)
{
	int64_t deadline = clock_ms() + 1000 * (int64_t)t->reconnect_s;
	int pause = RECONNECT_PAUSE_MS;

	while (t->driver->reconnect(t->db, err) < 0) {
		if (err->code == ERR_INTERRUPTED || clock_ms() >= deadline ||
		    target_pause(t, pause, err) < 0)
			return -1;
		pause = pause < RECONNECT_PAUSE_MAX_MS / 2 ? pause * 2
							   : RECONNECT_PAUSE_MAX_MS;
	}
	return 0;
}

const char *target_argument(struct target *t)
{
	return strcmp(t->name, "default") == 0 ? ""
					       : pool_printf(&t->pool, " %s", t->name);
}

void target_grace(struct target *t)
{
	if (interrupt_seen() && !t->grace)
		t->grace = clock_ms() + GRACE_MS;
}

bool target_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= NAME_MAX_LEN && ascii_isalnum(name[0]) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

int target_check_name(const char *name, struct err *err)
{
	if (target_name_ok(name))
		return 0;
	err_set(err, ERR_USAGE, "'%s' cannot be the name of a target", name);
	err_hint(err, "targetName",
		 "Lower-case letters, digits, '-' and '_' can stand in it.");
	return -1;
}

int target_url(struct repo *repo, const char *name, const char **url, struct err *err)
{
	const char *untrusted = config_untrusted(repo_config(repo));
	struct buf key = BUF_INIT;

	if (target_check_name(name, err) < 0)
		return -1;
	buf_addf(&key, "migrate.%s.url", name);
	*url = config_get(repo_config(repo), key.s);
	buf_release(&key);
	if (*url && (*url)[0])
		return 0;
	err_set(err, ERR_FATAL, "there is no target '%s'", name);
	if (untrusted)
		err_detail(err,
			   "The setting '%s' of a file inside the work tree was "
			   "ignored: a commit must not choose a database.",
			   untrusted);
	if (strcmp(name, "default") == 0)
		err_hint(err, "noTarget",
			 "Say where the database is: git migrate init sqlite:app.db, or "
			 "postgresql://user@host/dbname.");
	else
		err_hint(err, "noTarget",
			 "\"git migrate target list\" shows those that are known; \"git "
			 "migrate target add %s <url>\" adds it.",
			 name);
	return -1;
}

static int find_url(struct repo *repo, const struct target_options *o, const char **url,
		    struct err *err)
{
	*url = o->url;
	return o->url ? 0 : target_url(repo, o->name, url, err);
}

const char *target_base(struct repo *repo)
{
	if (repo_is_bare(repo))
		return repo_git_dir(repo);
	return repo_main_worktree(repo);
}

/* A setting of a target that is a number; `otherwise` where it is not set. 0 or -1. */
static int read_number(struct repo *repo, const char *target, const char *name,
		       unsigned otherwise, unsigned *out, struct err *err)
{
	struct buf key = BUF_INIT;
	const char *value;
	unsigned long n;
	char *end;

	*out = otherwise;
	buf_addf(&key, "migrate.%s.%s", target, name);
	value = config_get(repo_config(repo), key.s);
	buf_release(&key);
	if (!value)
		return 0;
	n = strtoul(value, &end, 10);
	*out = (unsigned)n;
	if (ascii_isdigit((unsigned char)value[0]) && !*end && n <= NUMBER_MAX)
		return 0;
	err_set(err, ERR_FATAL, "migrate.%s.%s is '%s', which is no number", target, name,
		value);
	err_hint(err, "setting", "git config migrate.%s.%s <number>", target, name);
	return -1;
}

static int read_settings(struct target *t, struct repo *repo, struct err *err)
{
	t->lock_retry_s = RETRY_SECONDS;
	t->reconnect_s = RECONNECT_SECONDS;
	if (t->scratch)
		return 0;
	if (read_number(repo, t->name, "locktimeout", 0, &t->lock_timeout_ms, err) < 0)
		return -1;
	if (read_number(repo, t->name, "lockretry", RETRY_SECONDS, &t->lock_retry_s,
			err) < 0)
		return -1;
	if (read_number(repo, t->name, "reconnect", RECONNECT_SECONDS, &t->reconnect_s,
			err) < 0)
		return -1;
	if (read_number(repo, t->name, "batchpause", BATCH_PAUSE_MS, &t->batch_pause_ms,
			err) < 0)
		return -1;
	if (read_number(repo, t->name, "batchslow", BATCH_SLOW_MS, &t->batch_slow_ms,
			err) < 0)
		return -1;
	return read_number(repo, t->name, "batchlag", BATCH_LAG_MIB, &t->batch_lag_mib,
			   err);
}

static int connect_to(struct target *t, struct repo *repo, const struct target_options *o,
		      const char *url, enum db_open_flags flags, struct err *err)
{
	const struct db_open how = {
		.url = url,
		.base = target_base(repo),
		.application = "git-migrate",
		.flags = flags | (o->wait ? DB_WAIT : 0) | (o->guest ? DB_GUEST : 0),
		.waiter = &t->waiter,
		.lock_timeout_ms = t->lock_timeout_ms,
		.connect_s = o->connect_s,
		.notice = o->notice,
		.notice_arg = o->notice_arg,
	};

	if (t->driver->open(&t->db, &how, err) < 0)
		return err_wrap(err, "target '%s'", o->name);
	t->tracker.driver = t->driver;
	t->tracker.name = t->name;
	t->tracker.db = t->db;
	return 0;
}

int target_read(struct target *t, struct err *err)
{
	int found = 0;

	ledger_release(&t->ledger);
	pool_release(&t->pool);
	if (t->db)
		found = tracker_read(&t->tracker, &t->pool, &t->ledger, err);
	if (found < 0) {
		ledger_release(&t->ledger); /* a part of a log is none */
		if (err->code == ERR_REFUSED && !err->hint[0])
			err_hint(err, "audit",
				 "Somebody changed the tracker. \"git migrate audit %s\" "
				 "shows what its mirror has there; nothing is run on it "
				 "until that is put back.",
				 t->name);
		return err_wrap(err, "target '%s'", t->name);
	}
	t->has_tracker = found > 0;
	ledger_fold(&t->ledger);
	return 0;
}

int target_settle(struct target *t, struct err *err)
{
	return t->db && t->driver->settle ? t->driver->settle(t->db, err) : 0;
}

int target_settle_others(struct target *t, const char *run, struct err *err)
{
	const struct record *last = ledger_last(&t->ledger);
	const char *by = last ? last->field[FIELD_RUN] : NULL;
	const char *first = last ? t->ledger.records[0].field[FIELD_RUN] : NULL;

	if (!by || !first || strcmp(by, first) != 0 || (run && strcmp(by, run) == 0))
		return 0;
	/* what a run ends with has waited for the disk */
	if (last->event == EVENT_RAN || last->event == EVENT_FAILED)
		return 0;
	return target_settle(t, err);
}

int target_connect(struct target *t, struct repo *repo, const struct target_options *o,
		   struct err *err)
{
	bool has_password;
	const char *url;

	memset(t, 0, sizeof(*t));
	t->name = o->name;
	t->waiter = (struct db_waiter){ .wait = poll_wait, .arg = t };
	t->scratch = o->scratch;
	t->interrupted = o->interrupted;
	t->interrupted_arg = o->interrupted_arg;
	if (find_url(repo, o, &url, err) < 0)
		return -1;
	t->driver = db_driver_for(url, err);
	if (!t->driver || t->driver->describe(url, &t->shown, &has_password, err) < 0)
		return err_wrap(err, "target '%s'", o->name);
	if (!target_base(repo)) {
		err_set(err, ERR_FATAL, "this must be run in a work tree");
		err_hint(err, "workTree", "Go to the folder that holds the .git folder.");
		return -1;
	}
	if (read_settings(t, repo, err) < 0)
		return -1;
	return connect_to(t, repo, o, url, DB_MUST_EXIST, err);
}

int target_open(struct target *t, struct repo *repo, const struct target_options *o,
		struct err *err)
{
	if (target_connect(t, repo, o, err) < 0)
		return -1;
	return target_read(t, err);
}

int target_create(struct target *t, struct repo *repo, const struct target_options *o,
		  bool in_memory, struct err *err)
{
	const char *url;

	if (t->db)
		BUG("the database of target '%s' is there", t->name);
	if (find_url(repo, o, &url, err) < 0)
		return -1;
	return connect_to(t, repo, o, url, in_memory ? DB_IN_MEMORY : 0, err);
}

bool target_is_known(const struct target *t, struct repo *repo)
{
	struct buf key = BUF_INIT;
	bool known;

	if (t->scratch)
		return false;
	buf_addf(&key, "migrate.%s.uuid", t->name);
	known = config_get(repo_config(repo), key.s) != NULL;
	buf_release(&key);
	return known;
}

static int other_target(const struct target *t, struct err *err)
{
	err_hint(err, "otherTarget",
		 "If this database was copied from another one on purpose, say so: git "
		 "migrate target clone %s --reason \"...\"",
		 t->name);
	return -1;
}

void target_remember(struct target *t, struct repo *repo)
{
	struct buf key = BUF_INIT;
	struct err quiet = { 0 };

	if (t->scratch)
		return;
	buf_addf(&key, "migrate.%s.uuid", t->name);
	if (t->ledger.target && !t->remembered && !config_get(repo_config(repo), key.s))
		t->remembered = repo_set_config(repo, key.s, t->ledger.target, &quiet) ==
				0;
	buf_release(&key);
}

int target_check_uuid(const struct target *t, struct repo *repo, struct err *err)
{
	struct buf key = BUF_INIT;
	const char *seen;

	if (!t->ledger.target || t->scratch)
		return 0;
	buf_addf(&key, "migrate.%s.uuid", t->name);
	seen = config_get(repo_config(repo), key.s);
	buf_release(&key);
	if (!seen || strcmp(seen, t->ledger.target) == 0)
		return 0;
	err_set(err, ERR_REFUSED, "target '%s' is not the database that it was", t->name);
	err_detail(err, "This clone knows it as %s; the tracker says %s.", seen,
		   t->ledger.target);
	return other_target(t, err);
}

int target_check_identity(struct target *t, struct repo *repo, struct err *err)
{
	struct buf now = BUF_INIT;
	int ret = -1;

	if (!t->ledger.target || t->scratch)
		return 0;
	if (target_check_uuid(t, repo, err) < 0)
		return -1;
	if (t->driver->identity(t->db, &now, err) < 0)
		goto out;
	if (t->ledger.server && now.len && strcmp(t->ledger.server, now.s) != 0) {
		err_set(err, ERR_REFUSED,
			"the tracker of target '%s' came from another "
			"server",
			t->name);
		err_detail(err, "It was made on server %s; this is %s.", t->ledger.server,
			   now.s);
		other_target(t, err);
		goto out;
	}
	target_remember(t, repo);
	ret = 0;
out:
	buf_release(&now);
	return ret;
}

void target_release(struct target *t)
{
	ledger_release(&t->ledger);
	pool_release(&t->pool);
	buf_release(&t->shown);
	if (t->db)
		t->driver->free(t->db);
	t->db = NULL;
}
