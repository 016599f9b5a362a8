/*
 * The smallest program that applies files of SQL to a SQLite database, each once:
 *
 *	raw-sqlite <database> <file>...
 *
 * One transaction for all, a savepoint and a row of a tracker for each, and commits
 * that last as long as those of git migrate. It reads no history, checks nothing and
 * stops at the first error: what SQLite itself takes, as the floor for apply.
 */
#include "base/compat.h"

#include <malloc.h>
#include <sqlite3.h>

static NORETURN void die(const char *what, const char *why)
{
	fprintf(stderr, "error: %s: %s\n", what, why);
	exit(128);
}

static void execute(sqlite3 *db, const char *sql, const char *what)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die(what, sqlite3_errmsg(db));
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;

	/* up to a byte that no text has */
	if (!file || getdelim(&text, &room, '\0', file) < 0)
		die(path, "cannot be read");
	fclose(file);
	return text;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		die(sql, sqlite3_errmsg(db));
	return stmt;
}

/* Whether a statement with one parameter answers with a row; resets it. */
static bool has_row(sqlite3_stmt *stmt, const char *value)
{
	int rc;

	sqlite3_bind_text(stmt, 1, value, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		die(value, sqlite3_errmsg(sqlite3_db_handle(stmt)));
	sqlite3_reset(stmt);
	return rc == SQLITE_ROW;
}

static void apply(sqlite3 *db, sqlite3_stmt *note, const char *path)
{
	char *sql = read_file(path);

	execute(db, "SAVEPOINT one", path);
	execute(db, sql, path);
	has_row(note, path);
	execute(db, "RELEASE one", path);
	free(sql);
}

int main(int argc, char **argv)
{
	sqlite3_stmt *note, *seen;
	sqlite3 *db;
	int i;

	if (argc < 2)
		die("usage", "raw-sqlite <database> <file>...");
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	mallopt(M_TOP_PAD, 16 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
	if (sqlite3_open(argv[1], &db) != SQLITE_OK)
		die(argv[1], sqlite3_errmsg(db));
	execute(db,
		"PRAGMA synchronous=EXTRA; BEGIN IMMEDIATE;"
		"CREATE TABLE IF NOT EXISTS tracker (name TEXT PRIMARY KEY, at "
		"TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)",
		argv[1]);
	seen = prepare(db, "SELECT 1 FROM tracker WHERE name = ?");
	note = prepare(db, "INSERT INTO tracker (name) VALUES (?)");
	for (i = 2; i < argc; i++)
		if (!has_row(seen, argv[i]))
			apply(db, note, argv[i]);
	sqlite3_finalize(seen);
	sqlite3_finalize(note);
	execute(db, "COMMIT", argv[1]);
	sqlite3_close(db);
	return 0;
}
