/*
 * The smallest program that applies migrations to PostgreSQL in a pipeline: what a
 * tool that is held against it does besides, it pays for.
 *
 *	raw-pg <connection> <file>...
 *
 * Each file is one migration that is not in the tracker yet: BEGIN, its statements
 * one by one, a row for the tracker, COMMIT; answers are read after every 64 files.
 * A statement ends where a line ends with ';'. Nothing is checked but the answers,
 * nobody is kept from running beside it, and nothing is told.
 */
#include "base/compat.h"

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"

enum { IN_FLIGHT = 64, FILE_MAX = 1024 * 1024 };

static NORETURN void die(const char *what, const char *why)
{
	fprintf(stderr, "error: %s: %s\n", what, why);
	exit(128);
}

static void check(PGconn *conn, PGresult *res)
{
	switch (PQresultStatus(res)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_PIPELINE_SYNC:
		break;
	default:
		die("the server refused it", PQerrorMessage(conn));
	}
	PQclear(res);
}

static void say(PGconn *conn, const char *sql, const char *param)
{
	if (!PQsendQueryParams(conn, sql, param ? 1 : 0, NULL, &param, NULL, NULL, 0))
		die("could not send", PQerrorMessage(conn));
}

/* Reads all answers up to that of the last message, which is a Sync. */
static void synchronise(PGconn *conn)
{
	bool synced = false;
	PGresult *res;

	if (!PQpipelineSync(conn))
		die("could not send", PQerrorMessage(conn));
	while (!synced) {
		res = PQgetResult(conn);
		if (!res)
			continue; /* between two answers */
		synced = PQresultStatus(res) == PGRES_PIPELINE_SYNC;
		check(conn, res);
	}
}

static void send_statements(PGconn *conn, char *text)
{
	char *end;

	while ((end = strstr(text, ";\n")) != NULL) {
		*end = '\0';
		say(conn, text, NULL);
		text = end + 2;
	}
}

static const char *name_of(const char *path)
{
	return strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
}

static void apply(PGconn *conn, const char *path)
{
	struct buf text = BUF_INIT;
	struct err err = { 0 };

	if (file_read(path, FILE_MAX, &text, &err) < 0)
		die(path, err.message);
	say(conn, "BEGIN", NULL);
	send_statements(conn, text.s);
	say(conn, "INSERT INTO tracker (name) VALUES ($1)", name_of(path));
	say(conn, "COMMIT", NULL);
	buf_release(&text);
}

/* Whether it is one of the rows, which are in order. */
static bool is_applied(const PGresult *rows, const char *path)
{
	const char *name = name_of(path);
	int least = 0, most = PQntuples(rows) - 1, middle, order;

	while (least <= most) {
		middle = (least + most) / 2;
		order = strcmp(name, PQgetvalue(rows, middle, 0));
		if (order == 0)
			return true;
		if (order < 0)
			most = middle - 1;
		else
			least = middle + 1;
	}
	return false;
}

int main(int argc, char **argv)
{
	unsigned in_flight = 0;
	PGresult *applied;
	PGconn *conn;
	int i;

	if (argc < 3)
		die("usage", "raw-pg <connection> <file>...");
	conn = PQconnectdb(argv[1]);
	if (PQstatus(conn) != CONNECTION_OK)
		die("could not connect", PQerrorMessage(conn));
	check(conn, PQexec(conn, "SET client_min_messages TO warning"));
	check(conn, PQexec(conn, "CREATE TABLE IF NOT EXISTS tracker (name text COLLATE "
				 "\"C\" PRIMARY KEY, at timestamptz DEFAULT now())"));
	applied = PQexec(conn, "SELECT name FROM tracker ORDER BY name");
	if (!PQenterPipelineMode(conn))
		die("no pipeline", PQerrorMessage(conn));
	for (i = 2; i < argc; i++) {
		if (is_applied(applied, argv[i]))
			continue;
		apply(conn, argv[i]);
		if (++in_flight % IN_FLIGHT == 0)
			synchronise(conn);
	}
	synchronise(conn);
	check(conn, applied);
	PQfinish(conn);
	return 0;
}
