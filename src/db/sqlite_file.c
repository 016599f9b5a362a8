/* The file of a SQLite database: whether it is sound, and a copy of it. */
#include "base/compat.h"

#include <fcntl.h>
#include <sys/stat.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "db/driver.h"
#include "db/sqlite.h"

enum {
	COPY_PAGES = 256, /* between two looks for a signal */
	COPY_PAUSE_MS = 20,
};

/* --- soundness --------------------------------------------------------- */

static int on_finding(void *arg, const char *const *values, size_t nr UNUSED,
		      struct err *err UNUSED)
{
	struct buf *findings = arg;
	const char *what = values[0] ? values[0] : "";

	if (strcmp(what, "ok") != 0)
		buf_addf(findings, "%s%s", findings->len ? "\n" : "", what);
	return 0;
}

int sqlite_damaged(const struct db *db, const char *what, struct err *err)
{
	struct buf text = BUF_INIT;

	buf_adds(&text, what); /* it may stand in `err` */
	err_set(err, ERR_REFUSED, "database '%s' is damaged", db->path);
	err_detail(err, "%s", buf_str(&text));
	err_hint(err, "sqlite-damaged",
		 "Nothing was run. Restore a backup, or save what can be read with the "
		 "command \".recover\" of sqlite3 into a new file; then apply again.");
	buf_release(&text);
	return -1;
}

int sqlite_verify(struct db *db, bool full, struct err *err)
{
	struct buf findings = BUF_INIT;
	struct stat st;
	int code, ret;

	if (!full && stat(db->path, &st) == 0 && st.st_size >= db->quick_bytes)
		return 0;
	/* so many findings are told: the first says enough */
	ret = sqlite_query(db,
			   full ? "PRAGMA main.integrity_check(5)"
				: "PRAGMA main.quick_check(5)",
			   NULL, 0, on_finding, &findings, err);
	code = ret < 0 ? atoi(err->sqlstate) & 0xff : SQLITE_OK;
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		sqlite_damaged(db, err->message, err);
	else if (ret == 0 && findings.len)
		ret = sqlite_damaged(db, findings.s, err);
	buf_release(&findings);
	return ret;
}

/* --- where it is ------------------------------------------------------- */

bool sqlite_is_network(long type)
{
	/* NFS, SMB and its successors, as statfs(2) lists them */
	return type == 0x6969 || type == 0x517b || (type & 0xffffffffL) == 0xff534d42L ||
	       (type & 0xffffffffL) == 0xfe534d42L;
}

void sqlite_tell_network(const struct db *db, const struct db_open *how)
{
#ifdef __linux__
	struct statfs fs;

	if (how->notice && statfs(db->path, &fs) == 0 &&
	    sqlite_is_network((long)fs.f_type))
		how->notice(how->notice_arg, "WARNING",
			    "the database is on a network file system, where the locks "
			    "that keep two writers apart may not work",
			    0);
#else
	(void)db;
	(void)how;
#endif
}

/* --- a copy ------------------------------------------------------------ */

struct copy {
	struct db *db;
	struct buf path;
	int fd; /* held open for fsync; -1 without a file of ours */
	sqlite3 *to;
	mode_t mode; /* of the original */
};

static int create(struct copy *c, struct err *err)
{
	struct stat st;

	if (stat(c->db->path, &st) < 0)
		return err_errno(err, ERR_FATAL, "could not copy database '%s'",
				 c->db->path);
	c->mode = st.st_mode & 07777;
	/* closed to others until it is whole */
	c->fd = open(c->path.s, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (c->fd >= 0)
		return 0;
	err_errno(err, errno == EEXIST ? ERR_REFUSED : ERR_FATAL,
		  "could not create the backup '%s'", c->path.s);
	if (err->code == ERR_REFUSED)
		err_hint(err, "backup",
			 "A backup is never written over. Move that file away, or apply "
			 "without a backup.");
	else
		err_hint(err, "backup",
			 "The backup stands beside the database: its folder must be "
			 "writable.");
	return -1;
}

static int copy_failed(struct copy *c, int rc, struct err *err)
{
	err_set(err, ERR_FATAL, "could not write the backup '%s': %s", c->path.s,
		sqlite3_errstr(rc));
	snprintf(err->sqlstate, sizeof(err->sqlstate), "%d", rc);
	err_hint(err, "backup",
		 "Nothing was run. It needs as much room as the database has; apply "
		 "without a backup if there is another one.");
	return -1;
}

/* All pages, as they are in one transaction that reads. */
static int copy_pages(struct copy *c, struct err *err)
{
	const struct db_waiter *w = c->db->waiter;
	sqlite3_backup *backup;
	int rc;

	/* until it is synced as a whole its own journal is of no use */
	sqlite3_exec(c->to, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL,
		     NULL);
	backup = sqlite3_backup_init(c->to, "main", c->db->sql, "main");
	if (!backup)
		return copy_failed(c, sqlite3_extended_errcode(c->to), err);
	do {
		rc = sqlite3_backup_step(backup, COPY_PAGES);
		if (rc != SQLITE_DONE &&
		    w->wait(w->arg, -1, 0,
			    rc == SQLITE_BUSY || rc == SQLITE_LOCKED ? COPY_PAUSE_MS : 0,
			    err) < 0) {
			sqlite3_backup_finish(backup);
			return -1;
		}
	} while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
	rc = sqlite3_backup_finish(backup);
	return rc == SQLITE_OK ? 0 : copy_failed(c, rc, err);
}

/* Reads it as a database of its own. */
static int prove(struct copy *c, struct err *err)
{
	struct db copy = *c->db;
	int ret;

	copy.sql = c->to;
	copy.path = c->path.s;
	ret = sqlite_query(&copy, "SELECT count(*) FROM main.sqlite_schema", NULL, 0,
			   NULL, NULL, err);
	return ret < 0 ? ret : sqlite_verify(&copy, false, err);
}

static int write_copy(struct copy *c, struct err *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_PRIVATECACHE |
		    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int rc = sqlite3_open_v2(c->path.s, &c->to, flags, NULL);
	int ret = -1;

	if (rc != SQLITE_OK)
		copy_failed(c, rc, err);
	else if (sqlite_query(c->db, "SELECT count(*) FROM main.sqlite_schema", NULL, 0,
			      NULL, NULL, err) == 0 &&
		 copy_pages(c, err) == 0)
		ret = prove(c, err);
	sqlite3_close_v2(c->to);
	return ret;
}

/* The folder too: else the name may be lost with the power. */
static int sync_copy(const struct copy *c, struct err *err)
{
	char *slash = strrchr(c->path.s, '/');
	char *folder = slash ? xstrndup(c->path.s, (size_t)(slash - c->path.s) + 1)
			     : xstrdup(".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = fd < 0 || fchmod(c->fd, c->mode) < 0 || fsync(c->fd) < 0 ||
		  fsync(fd) < 0;

	if (ret)
		err_errno(err, ERR_FATAL, "could not write the backup '%s'", c->path.s);
	if (fd >= 0)
		close(fd);
	free(folder);
	return ret ? -1 : 0;
}

static void take_away(const struct copy *c)
{
	static const char *const suffixes[] = { "", "-journal", "-wal", "-shm" };
	struct buf path = BUF_INIT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(suffixes); i++) {
		buf_reset(&path);
		buf_addf(&path, "%s%s", c->path.s, suffixes[i]);
		unlink(path.s);
	}
	buf_release(&path);
}

/* Does it all, to c->path. */
static int make_copy(struct copy *c, struct err *err)
{
	int ret = -1;

	if (create(c, err) == 0 && sqlite_begin_read(c->db, err) == 0) {
		ret = write_copy(c, err);
		sqlite_rollback(c->db);
	}
	if (ret == 0)
		ret = sync_copy(c, err);
	if (ret < 0 && c->fd >= 0)
		take_away(c);
	if (c->fd >= 0)
		close(c->fd);
	return ret;
}

int sqlite_copy(struct db *db, const char *path, struct err *err)
{
	struct copy c = { .db = db, .path = BUF_INIT, .fd = -1 };
	int ret;

	buf_adds(&c.path, path);
	ret = make_copy(&c, err);
	buf_release(&c.path);
	return ret;
}

int sqlite_backup(struct db *db, const char *suffix, struct buf *out, struct err *err)
{
	struct copy c = { .db = db, .path = BUF_INIT, .fd = -1 };
	int ret;

	if (strcmp(db->path, ":memory:") == 0) {
		err_set(err, ERR_REFUSED, "a database in memory has no file to back up");
		err_hint(err, "backup", "Apply without a backup.");
		return -1;
	}
	buf_addf(&c.path, "%s.%s", db->path, suffix);
	ret = make_copy(&c, err);
	if (ret == 0)
		buf_adds(out, c.path.s);
	buf_release(&c.path);
	return ret;
}
