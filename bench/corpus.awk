# Writes a corpus of migrations, the same SQL in the form of each tool.
# Usage: awk -v n=100 -v form=plain -v folder=migrations -f corpus.awk
#
# form: plain, dbmate, sql-migrate or knex. `from` (0) is the first to be written.
#
# Per ten migrations: a table of six columns and one of five with a foreign key to
# it, four columns more, three indexes, 32 rows in three INSERTs, two UPDATEs, a
# view. SQLite and PostgreSQL read all of it; it has nothing that a tool could take
# for a place holder.

function statement(text)
{
	if (form == "knex")
		body = body "\tawait k.raw(`" text "`);\n"
	else
		body = body text ";\n"
}

function rows(count, first, shape,	list, i, row)
{
	for (i = 1; i <= count; i++) {
		row = shape
		gsub("#", first + i - 1, row)
		list = list (i > 1 ? ",\n" : "") "  (" row ")"
	}
	return list
}

function table_of_people(t)
{
	statement("CREATE TABLE " t " (\n  id INTEGER PRIMARY KEY,\n" \
		"  email TEXT NOT NULL,\n  name TEXT NOT NULL,\n" \
		"  status TEXT NOT NULL DEFAULT 'new',\n" \
		"  balance NUMERIC(12,2) NOT NULL DEFAULT 0,\n" \
		"  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP\n)")
}

function table_of_events(t)
{
	statement("CREATE TABLE " t "_event (\n  id INTEGER PRIMARY KEY,\n" \
		"  app_id INTEGER NOT NULL REFERENCES " t " (id),\n" \
		"  kind TEXT NOT NULL,\n  payload TEXT,\n" \
		"  at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP\n)")
	statement("CREATE INDEX " t "_event_app_idx ON " t "_event (app_id)")
}

function more_events(t)
{
	statement("ALTER TABLE " t "_event ADD COLUMN source TEXT")
	statement("ALTER TABLE " t "_event ADD COLUMN severity INTEGER DEFAULT 0")
	statement("INSERT INTO " t "_event (id, app_id, kind, payload) VALUES\n" \
		rows(10, 1, "#, #, 'login', 'from host #'"))
	statement("INSERT INTO " t "_event (id, app_id, kind, severity) VALUES\n" \
		rows(2, 11, "#, 1, 'logout', 2"))
}

# The statements of migration `i`
function fill(i,	t, kind)
{
	t = "app_" int(i / 10)
	kind = i % 10
	if (kind == 0) {
		table_of_people(t)
	} else if (kind == 1) {
		statement("ALTER TABLE " t " ADD COLUMN phone_number TEXT")
	} else if (kind == 2) {
		statement("CREATE INDEX " t "_email_idx ON " t " (email)")
	} else if (kind == 3) {
		statement("INSERT INTO " t " (id, email, name, phone_number) VALUES\n" \
			rows(20, 1, "#, 'user#@example.org', 'User number #', '+31205550#'"))
	} else if (kind == 4) {
		statement("ALTER TABLE " t " ADD COLUMN country TEXT NOT NULL DEFAULT 'NL'")
		statement("UPDATE " t " SET country = 'BE' WHERE id > 15")
	} else if (kind == 5) {
		statement("CREATE INDEX " t "_status_idx ON " t " (status, created_at)")
	} else if (kind == 6) {
		statement("UPDATE " t " SET status = 'active' WHERE phone_number IS NOT NULL")
	} else if (kind == 7) {
		table_of_events(t)
	} else if (kind == 8) {
		more_events(t)
	} else {
		statement("CREATE VIEW " t "_view AS\n  SELECT a.id, a.email," \
			" count(e.id) AS events\n    FROM " t " a LEFT JOIN " t \
			"_event e ON e.app_id = a.id\n   GROUP BY a.id, a.email")
	}
}

function comment(i,	mark)
{
	mark = form == "knex" ? "//" : "--"
	return mark " Migration " i " of the application.\n" \
		mark " Reason: ticket APP-" 1000 + i ", rehearsed.\n" \
		mark " Forward only: a fix is a further migration.\n"
}

function whole(i)
{
	if (form == "dbmate")
		return "-- migrate:up\n" comment(i) body "\n-- migrate:down\n"
	if (form == "sql-migrate")
		return "-- +migrate Up\n" comment(i) body
	if (form == "knex")
		return comment(i) "exports.up = async (k) => {\n" body "};\n" \
			"exports.down = async () => {};\n"
	return comment(i) body
}

BEGIN {
	for (i = from + 0; i < n; i++) {
		body = ""
		fill(i)
		file = sprintf("%s/20240101%06d_step.%s", folder, i,
			form == "knex" ? "js" : "sql")
		printf "%s", whole(i) >file
		close(file)
	}
}
