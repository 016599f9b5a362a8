# Writes migrations that every tool and both engines understand, in a tool's form:
#
#	awk -v form=FORM -v from=0 -v to=100 -v dir=DIR -f bench/corpus.awk
#
# Migrations are numbered from 0; what is told of one never depends on how many there
# are. Per ten of them: two tables, one with a key to the other, four columns more,
# three indexes, 32 rows in three INSERTs, two UPDATEs and a view. No text in them has
# a sign that a tool might take for a placeholder or the end of a statement.
#
# FORM	what is written
# plain	a file each (raw-pg, raw-sqlite)
# dbmate, sql-migrate, knex	the same as that tool wants it, and nothing for the way back
# git	a stream for "git fast-import": a commit each
# script	one script, a transaction each, with a row of a tracker (psql, sqlite3)

function name(i) {
	return sprintf("m%05d", i)
}

# 14 digits that grow, good for a time stamp: a minute later each
function stamp(i) {
	return sprintf("202401%02d%02d%02d00", 1 + int(i / 1440), int(i / 60) % 24, i % 60)
}

function rows(nr, text,    r, out) {
	for (r = 1; r <= nr; r++)
		out = out (r > 1 ? ",\n" : "") "  (" r ", " sprintf(text, r, r, r) ")"
	return out
}

# statements(I): sets sql[1..nr], without semicolons
function statements(i,    t, e) {
	t = "app_" int(i / 10)
	e = t "_event"
	nr = 0
	if (i % 10 == 0) {
		sql[++nr] = "CREATE TABLE " t " (\n  id integer PRIMARY KEY,\n" \
			"  email text NOT NULL,\n  name text NOT NULL,\n" \
			"  status text NOT NULL DEFAULT 'new',\n" \
			"  balance numeric(12,2) NOT NULL DEFAULT 0,\n" \
			"  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP\n)"
	} else if (i % 10 == 1) {
		sql[++nr] = "ALTER TABLE " t " ADD COLUMN phone_number text"
	} else if (i % 10 == 2) {
		sql[++nr] = "CREATE INDEX " t "_email_idx ON " t " (email)"
	} else if (i % 10 == 3) {
		sql[++nr] = "INSERT INTO " t " (id, email, name, phone_number) VALUES\n" \
			rows(20, "'user%d@example.org', 'User number %d', '+3120555%04d'")
	} else if (i % 10 == 4) {
		sql[++nr] = "ALTER TABLE " t " ADD COLUMN country text NOT NULL DEFAULT 'NL'"
		sql[++nr] = "UPDATE " t " SET country = 'BE' WHERE id > 15"
	} else if (i % 10 == 5) {
		sql[++nr] = "CREATE INDEX " t "_status_idx ON " t " (status, created_at)"
	} else if (i % 10 == 6) {
		sql[++nr] = "UPDATE " t " SET status = 'active' WHERE phone_number IS NOT NULL"
	} else if (i % 10 == 7) {
		sql[++nr] = "CREATE TABLE " e " (\n  id integer PRIMARY KEY,\n" \
			"  app_id integer NOT NULL REFERENCES " t " (id),\n" \
			"  kind text NOT NULL,\n  payload text,\n" \
			"  at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP\n)"
		sql[++nr] = "CREATE INDEX " e "_app_idx ON " e " (app_id)"
	} else if (i % 10 == 8) {
		sql[++nr] = "ALTER TABLE " e " ADD COLUMN source text"
		sql[++nr] = "ALTER TABLE " e " ADD COLUMN severity integer DEFAULT 0"
		sql[++nr] = "INSERT INTO " e " (id, app_id, kind, payload) VALUES\n" \
			rows(10, "%d, 'login', 'from host %d'")
		sql[++nr] = "INSERT INTO " e " (id, app_id, kind, payload, severity) VALUES" \
			" (11, 1, 'logout', 'x', 2), (12, 2, 'logout', 'y', 1)"
	} else {
		sql[++nr] = "CREATE VIEW " t "_v AS\n" \
			"  SELECT a.id, a.email, count(e.id) AS events\n" \
			"  FROM " t " a LEFT JOIN " e " e ON e.app_id = a.id\n" \
			"  GROUP BY a.id, a.email"
	}
}

function body(i,    out, n) {
	out = "-- " name(i) "\n-- Reason, ticket APP-" 1000 + i ", rehearsed in staging\n" \
		"-- Forward only, fixes are written as new migrations\n"
	statements(i)
	for (n = 1; n <= nr; n++)
		out = out sql[n] ";\n"
	return out
}

function track(i) {
	return "INSERT INTO tracker (version, name) VALUES ('" stamp(i) "', '" name(i) "');\n"
}

function file(path, text) {
	path = dir "/" path
	printf "%s", text >path
	close(path)
}

# the messages of a project that says why
function commit(i,    text, message) {
	text = body(i)
	message = "add " name(i) "\n\nReason, ticket APP-" 1000 + i "\n"
	printf "commit refs/heads/main\ncommitter Ann Author <ann@example.com> %d +0000\n",
		1704067200 + 60 * i
	printf "data %d\n%s%sM 100644 inline migrations/%s.sql\ndata %d\n%s\n",
		length(message), message, i && i == from ? "from refs/heads/main^0\n" : "",
		name(i), length(text), text
}

function javascript(i,    out, n, text) {
	out = "exports.up = async (knex) => {\n"
	statements(i)
	for (n = 1; n <= nr; n++) {
		text = sql[n]
		gsub(/\n/, "\\n", text)
		out = out "  await knex.raw(\"" text "\");\n"
	}
	return out "};\nexports.down = async () => {};\n"
}

BEGIN {
	if (form == "script")
		print "CREATE TABLE IF NOT EXISTS tracker (version text PRIMARY KEY," \
			" name text NOT NULL,\n  applied_at timestamp NOT NULL DEFAULT" \
			" CURRENT_TIMESTAMP);"
	for (i = from; i < to; i++) {
		if (form == "plain")
			file(stamp(i) "_" name(i) ".sql", body(i))
		else if (form == "dbmate")
			file(stamp(i) "_" name(i) ".sql",
				"-- migrate:up\n" body(i) "\n-- migrate:down\n")
		else if (form == "sql-migrate")
			file(stamp(i) "-" name(i) ".sql", "-- +migrate Up\n" body(i))
		else if (form == "knex")
			file(stamp(i) "_" name(i) ".js", javascript(i))
		else if (form == "git")
			commit(i)
		else if (form == "script")
			printf "BEGIN;\n%s%sCOMMIT;\n", body(i), track(i)
	}
	if (form == "git")
		print "done"
}
