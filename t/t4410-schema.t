#!/bin/sh

test_description='the description of a schema, its fingerprint, and the record that ends a run'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3
start_pg optional

# print: the fingerprint
print() {
	git migrate schema --hash
}

# changes SQL CHANGE UNDO: with the first there, the second changes the fingerprint, and
# the third makes it what it was; each is run by "run"
changes() {
	run "$1" && print >.git/t/before && run "$2" && print >.git/t/changed &&
	test_must_fail cmp -s .git/t/before .git/t/changed && run "$3" &&
	print >.git/t/after && test_cmp .git/t/before .git/t/after
}

# keeps SQL: that changes nothing of what is described
keeps() {
	print >.git/t/before && run "$1" && print >.git/t/after &&
	test_cmp .git/t/before .git/t/after
}

# --- the command ---------------------------------------------------------------

test_expect_success 'no database: nothing is described, and nothing made' '
	fresh none && git config migrate.default.url sqlite:app.db &&
	git migrate schema >.git/t/out && test_must_be_empty .git/t/out &&
	echo "1:$(printf "" | sha256sum | cut -d" " -f1)" >.git/t/expect &&
	print >.git/t/actual && test_cmp .git/t/expect .git/t/actual &&
	test ! -e app.db
'

test_expect_success 'a paragraph for each object; the fingerprint is of just that' '
	fresh plain && git config migrate.default.url sqlite:app.db &&
	sqlite app.db "CREATE TABLE b (id INTEGER PRIMARY KEY, x text DEFAULT '\''q'\'' NOT NULL);
		CREATE VIEW a AS SELECT x FROM b WHERE id > 2;" &&
	cat >.git/t/expect <<-\END &&
	table b
	  column id INTEGER primary key 1
	  column x TEXT not null default '\''q'\''

	view a
	  CREATE VIEW a AS
	    SELECT x
	    FROM b
	    WHERE id > 2
	END
	cp app.db .git/t/app.db &&
	git migrate schema >.git/t/actual && test_cmp .git/t/expect .git/t/actual &&
	cmp app.db .git/t/app.db &&
	echo "1:$(sha256sum <.git/t/expect | cut -d" " -f1)" >.git/t/expect &&
	git migrate schema --hash default >.git/t/actual && test_cmp .git/t/expect .git/t/actual
'

test_expect_success '--json: the same' '
	git migrate schema --json >.git/t/actual &&
	cat >.git/t/expect <<-END &&
	{
	  "target": "default",
	  "engine": "sqlite/$(sqlite3 --version | cut -d" " -f1)",
	  "fingerprint": "$(print)",
	  "objects": [
	    {
	      "kind": "table",
	      "name": "b",
	      "lines": [
	        "column id INTEGER primary key 1",
	        "column x TEXT not null default '\''q'\''"
	      ]
	    },
	    {
	      "kind": "view",
	      "name": "a",
	      "lines": [
	        "CREATE VIEW a AS\nSELECT x\nFROM b\nWHERE id > 2"
	      ]
	    }
	  ]
	}
	END
	test_cmp .git/t/expect .git/t/actual &&
	test_expect_code 129 git migrate schema --hash --json 2>.git/t/err &&
	grep "^error: --hash and --json cannot be used together" .git/t/err &&
	test_expect_code 129 git migrate schema one two 2>.git/t/err
'

test_expect_success 'what steers a terminal is escaped, and still counts' '
	esc=$(printf "\033") && keep=$(printf "\\\\x1b") &&
	sqlite app.db "CREATE TABLE \"x$esc[0m\" (a)" && print >.git/t/one &&
	git migrate schema >.git/t/out && ! grep "$esc" .git/t/out &&
	grep -F "table \"x$keep[0m\"" .git/t/out &&
	grep "^  escaped here; sha256 of the bytes: [0-9a-f]*\$" .git/t/out &&
	sqlite app.db "DROP TABLE \"x$esc[0m\"; CREATE TABLE \"x$keep[0m\" (a)" &&
	print >.git/t/two && test_must_fail cmp -s .git/t/one .git/t/two &&
	git migrate schema >.git/t/out && grep -F "table \"x$keep[0m\"" .git/t/out
'

# --- SQLite ----------------------------------------------------------------------

run() {
	sqlite app.db "$1"
}

test_expect_success 'SQLite: prepare' '
	fresh sqlite && git config migrate.default.url sqlite:app.db
'

while IFS='@' read -r kind first change undo; do
	test_expect_success "SQLite: $kind" "
		rm -f app.db && changes \"$first\" \"$change\" \"$undo\"
	"
done <<'END'
a table@CREATE TABLE t (a);@CREATE TABLE u (a);@DROP TABLE u;
a column@CREATE TABLE t (a);@ALTER TABLE t ADD COLUMN b;@ALTER TABLE t DROP COLUMN b;
a column's name@CREATE TABLE t (a);@ALTER TABLE t RENAME a TO b;@ALTER TABLE t RENAME b TO a;
a table's name@CREATE TABLE t (a);@ALTER TABLE t RENAME TO u;@ALTER TABLE u RENAME TO t;
a type@CREATE TABLE t (a int);@DROP TABLE t; CREATE TABLE t (a text);@DROP TABLE t; CREATE TABLE t (a  INT);
a default@CREATE TABLE t (a DEFAULT 1);@DROP TABLE t; CREATE TABLE t (a DEFAULT 2);@DROP TABLE t; CREATE TABLE t (a default 1);
NOT NULL@CREATE TABLE t (a NOT NULL);@DROP TABLE t; CREATE TABLE t (a);@DROP TABLE t; CREATE TABLE t (a not null);
a collation@CREATE TABLE t (a COLLATE NOCASE);@DROP TABLE t; CREATE TABLE t (a);@DROP TABLE t; CREATE TABLE t (a collate NOCASE);
the order of columns@CREATE TABLE t (a, b);@DROP TABLE t; CREATE TABLE t (b, a);@DROP TABLE t; CREATE TABLE t (a, b);
a primary key@CREATE TABLE t (a, b, PRIMARY KEY (a, b));@DROP TABLE t; CREATE TABLE t (a, b, PRIMARY KEY (b, a));@DROP TABLE t; CREATE TABLE t (a, b, primary key (a, b));
a descending key@CREATE TABLE t (a, PRIMARY KEY (a));@DROP TABLE t; CREATE TABLE t (a, PRIMARY KEY (a DESC));@DROP TABLE t; CREATE TABLE t (a PRIMARY KEY);
AUTOINCREMENT@CREATE TABLE t (a INTEGER PRIMARY KEY);@DROP TABLE t; CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT);@DROP TABLE t; CREATE TABLE t (a INTEGER, PRIMARY KEY (a));
UNIQUE@CREATE TABLE t (a UNIQUE);@DROP TABLE t; CREATE TABLE t (a);@DROP TABLE t; CREATE TABLE t (a, UNIQUE (a));
a CHECK@CREATE TABLE t (a CHECK (a > 1));@DROP TABLE t; CREATE TABLE t (a CHECK (a > 2));@DROP TABLE t; CREATE TABLE t (a, CHECK (a>1));
the name of a CHECK@CREATE TABLE t (a, CONSTRAINT k CHECK (a > 1));@DROP TABLE t; CREATE TABLE t (a, CONSTRAINT l CHECK (a > 1));@DROP TABLE t; CREATE TABLE t (a, constraint k check (a > 1));
a computed column@CREATE TABLE t (a, b AS (a + 1));@DROP TABLE t; CREATE TABLE t (a, b AS (a + 2));@DROP TABLE t; CREATE TABLE t (a, b GENERATED ALWAYS AS (a+1) VIRTUAL);
a stored one@CREATE TABLE t (a, b AS (a + 1));@DROP TABLE t; CREATE TABLE t (a, b AS (a + 1) STORED);@DROP TABLE t; CREATE TABLE t (a, b AS (a + 1));
a foreign key@CREATE TABLE t (a REFERENCES u (b));@DROP TABLE t; CREATE TABLE t (a REFERENCES u (c));@DROP TABLE t; CREATE TABLE t (a, FOREIGN KEY (a) REFERENCES u (b));
its action@CREATE TABLE t (a REFERENCES u (b) ON DELETE CASCADE);@DROP TABLE t; CREATE TABLE t (a REFERENCES u (b) ON UPDATE CASCADE);@DROP TABLE t; CREATE TABLE t (a REFERENCES u (b) ON DELETE CASCADE);
a deferred key@CREATE TABLE t (a REFERENCES u (b));@DROP TABLE t; CREATE TABLE t (a REFERENCES u (b) DEFERRABLE INITIALLY DEFERRED);@DROP TABLE t; CREATE TABLE t (a REFERENCES u (b) NOT DEFERRABLE INITIALLY DEFERRED);
ON CONFLICT@CREATE TABLE t (a UNIQUE ON CONFLICT REPLACE);@DROP TABLE t; CREATE TABLE t (a UNIQUE ON CONFLICT IGNORE);@DROP TABLE t; CREATE TABLE t (a UNIQUE ON CONFLICT replace);
WITHOUT ROWID@CREATE TABLE t (a PRIMARY KEY NOT NULL) WITHOUT ROWID;@DROP TABLE t; CREATE TABLE t (a PRIMARY KEY NOT NULL);@DROP TABLE t; CREATE TABLE t (a PRIMARY KEY NOT NULL) without rowid;
STRICT@CREATE TABLE t (a INT) STRICT;@DROP TABLE t; CREATE TABLE t (a INT);@DROP TABLE t; CREATE TABLE t (a INT) strict;
an index@CREATE TABLE t (a, b);@CREATE INDEX i ON t (a);@DROP INDEX i;
the columns of an index@CREATE TABLE t (a, b); CREATE INDEX i ON t (a);@DROP INDEX i; CREATE INDEX i ON t (a DESC);@DROP INDEX i; CREATE INDEX i ON t(a);
the condition of an index@CREATE TABLE t (a, b); CREATE INDEX i ON t (a) WHERE b > 1;@DROP INDEX i; CREATE INDEX i ON t (a) WHERE b > 2;@DROP INDEX i; CREATE INDEX i ON t(a) WHERE b>1;
a view@CREATE TABLE t (a); CREATE VIEW v AS SELECT a FROM t;@DROP VIEW v; CREATE VIEW v AS SELECT a, 1 FROM t;@DROP VIEW v; CREATE VIEW v AS SELECT a /* as it was */   FROM [t];
a trigger@CREATE TABLE t (a); CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END;@DROP TRIGGER g; CREATE TRIGGER g BEFORE INSERT ON t BEGIN DELETE FROM t; END;@DROP TRIGGER g; CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END;
a virtual table@CREATE TABLE t (a);@CREATE VIRTUAL TABLE f USING fts5(a);@DROP TABLE f;
END

test_expect_success 'SQLite: prepare one of everything' '
	rm -f app.db && cat >.git/t/all.sql <<-\END &&
	CREATE TABLE "the users" (id INTEGER PRIMARY KEY AUTOINCREMENT, name varchar ( 20 ) NOT NULL
		COLLATE nocase DEFAULT "a""b", len AS (length(name)) STORED /* of it */,
		[order] int UNIQUE ON CONFLICT REPLACE, CONSTRAINT short CHECK (len < 10),
		UNIQUE (name, len DESC));
	CREATE TABLE k (a REFERENCES "the users" ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
		b, PRIMARY KEY (b, a)) WITHOUT ROWID;
	CREATE VIRTUAL TABLE f USING fts5(a, tokenize = '\''porter ascii'\'');
	CREATE INDEX i ON "the users" (lower(name), "order" DESC) WHERE len > 3;
	CREATE VIEW v (one) AS SELECT a FROM k WHERE b IN (SELECT id FROM "the users");
	CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN
		INSERT INTO k VALUES (new.one, x'\''ff'\'');
		DELETE FROM k WHERE a = 1;
	END;
	END
	sqlite3 -batch app.db <.git/t/all.sql
'

test_expect_success 'SQLite: data, VACUUM, ANALYZE and settings change nothing' '
	keeps "INSERT INTO k VALUES (1, 1), (2, 2); DELETE FROM k WHERE b = 2" &&
	keeps "VACUUM" && keeps "ANALYZE" && keeps "PRAGMA user_version = 5"
'

test_expect_success 'SQLite: the same after a dump and a restore' '
	git migrate schema >.git/t/expect && sqlite3 -batch app.db .dump >.git/t/dump &&
	rm app.db && sqlite3 -batch app.db <.git/t/dump && git migrate schema >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'SQLite: two changes that undo each other leave what was there' '
	keeps "ALTER TABLE k RENAME TO z; ALTER TABLE z RENAME TO k" &&
	keeps "ALTER TABLE k RENAME a TO z; ALTER TABLE k RENAME z TO a" &&
	keeps "ALTER TABLE k ADD COLUMN c CHECK (c > 1); ALTER TABLE k DROP COLUMN c"
'

test_expect_success 'SQLite: a column that was added behind the checks is as another' '
	rm -f app.db && run "CREATE TABLE t (a, CHECK (a > 1)); ALTER TABLE t ADD COLUMN b INT" &&
	print >.git/t/expect && rm app.db && run "CREATE TABLE t (a, b int, CHECK (a > 1))" &&
	print >.git/t/actual && test_cmp .git/t/expect .git/t/actual
'

# --- PostgreSQL --------------------------------------------------------------------

test_expect_success PG 'PostgreSQL: prepare' '
	pg "$PG_URL" "CREATE ROLE alice; CREATE ROLE bob" && fresh postgresql &&
	url=$(create_db changes) && git config migrate.default.url "$url"
'

run_pg() {
	run() {
		pg "$url" "$1" >/dev/null
	}
}

test_have_prereq !PG || run_pg

while IFS='@' read -r kind first change undo; do
	test_expect_success PG "PostgreSQL: $kind" "
		run 'DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s' &&
		changes \"$first\" \"$change\" \"$undo\"
	"
done <<'END'
a schema@SELECT 1@CREATE SCHEMA z@DROP SCHEMA z
a table@SELECT 1@CREATE TABLE s.t (a int)@DROP TABLE s.t
a column@CREATE TABLE s.t (a int)@ALTER TABLE s.t ADD b int@ALTER TABLE s.t DROP b
a type@CREATE TABLE s.t (a varchar(5))@ALTER TABLE s.t ALTER a TYPE varchar(6)@ALTER TABLE s.t ALTER a TYPE varchar(5)
a default@CREATE TABLE s.t (a int DEFAULT 1)@ALTER TABLE s.t ALTER a SET DEFAULT 2@ALTER TABLE s.t ALTER a SET DEFAULT 1
NOT NULL@CREATE TABLE s.t (a int)@ALTER TABLE s.t ALTER a SET NOT NULL@ALTER TABLE s.t ALTER a DROP NOT NULL
identity@CREATE TABLE s.t (a int GENERATED ALWAYS AS IDENTITY)@ALTER TABLE s.t ALTER a SET GENERATED BY DEFAULT@ALTER TABLE s.t ALTER a SET GENERATED ALWAYS
a computed column@CREATE TABLE s.t (a int, b int GENERATED ALWAYS AS (a + 1) STORED)@ALTER TABLE s.t ALTER b DROP EXPRESSION@ALTER TABLE s.t DROP b, ADD b int GENERATED ALWAYS AS (a + 1) STORED
a collation of a column@CREATE TABLE s.t (a text)@ALTER TABLE s.t ALTER a TYPE text COLLATE \"C\"@ALTER TABLE s.t ALTER a TYPE text COLLATE \"default\"
storage@CREATE TABLE s.t (a text)@ALTER TABLE s.t ALTER a SET STORAGE external@ALTER TABLE s.t ALTER a SET STORAGE extended
statistics of a column@CREATE TABLE s.t (a text)@ALTER TABLE s.t ALTER a SET STATISTICS 7@ALTER TABLE s.t ALTER a SET STATISTICS -1
options of a column@CREATE TABLE s.t (a text)@ALTER TABLE s.t ALTER a SET (n_distinct = 3)@ALTER TABLE s.t ALTER a RESET (n_distinct)
options of a table@CREATE TABLE s.t (a text)@ALTER TABLE s.t SET (fillfactor = 50)@ALTER TABLE s.t RESET (fillfactor)
options of its toast@CREATE TABLE s.t (a text)@ALTER TABLE s.t SET (toast.autovacuum_enabled = false)@ALTER TABLE s.t RESET (toast.autovacuum_enabled)
persistence@CREATE TABLE s.t (a text)@ALTER TABLE s.t SET UNLOGGED@ALTER TABLE s.t SET LOGGED
inheritance@CREATE TABLE s.p (a int); CREATE TABLE s.t (a int)@ALTER TABLE s.t INHERIT s.p@ALTER TABLE s.t NO INHERIT s.p
a partition@CREATE TABLE s.p (a int) PARTITION BY LIST (a); CREATE TABLE s.t (a int)@ALTER TABLE s.p ATTACH PARTITION s.t FOR VALUES IN (1)@ALTER TABLE s.p DETACH PARTITION s.t
its bounds@CREATE TABLE s.p (a int) PARTITION BY LIST (a); CREATE TABLE s.t PARTITION OF s.p FOR VALUES IN (1)@ALTER TABLE s.p DETACH PARTITION s.t; ALTER TABLE s.p ATTACH PARTITION s.t FOR VALUES IN (2)@ALTER TABLE s.p DETACH PARTITION s.t; ALTER TABLE s.p ATTACH PARTITION s.t FOR VALUES IN (1)
how it is partitioned@CREATE TABLE s.p (a int, b int) PARTITION BY LIST (a)@DROP TABLE s.p; CREATE TABLE s.p (a int, b int) PARTITION BY LIST (b)@DROP TABLE s.p; CREATE TABLE s.p (a int, b int) PARTITION BY LIST (a)
a primary key@CREATE TABLE s.t (a int NOT NULL)@ALTER TABLE s.t ADD PRIMARY KEY (a)@ALTER TABLE s.t DROP CONSTRAINT t_pkey
a unique key@CREATE TABLE s.t (a int, CONSTRAINT u UNIQUE (a))@ALTER TABLE s.t DROP CONSTRAINT u, ADD CONSTRAINT u UNIQUE (a) DEFERRABLE@ALTER TABLE s.t DROP CONSTRAINT u, ADD CONSTRAINT u UNIQUE (a)
a foreign key@CREATE TABLE s.t (a int PRIMARY KEY, b int)@ALTER TABLE s.t ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES s.t@ALTER TABLE s.t DROP CONSTRAINT f
a check@CREATE TABLE s.t (a int, CONSTRAINT c CHECK (a > 1))@ALTER TABLE s.t DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (a > 2)@ALTER TABLE s.t DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (a > 1)
a check that is not validated@CREATE TABLE s.t (a int, CONSTRAINT c CHECK (a > 1))@ALTER TABLE s.t DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (a > 1) NOT VALID@ALTER TABLE s.t VALIDATE CONSTRAINT c
an exclusion@CREATE TABLE s.t (a int, b box)@ALTER TABLE s.t ADD CONSTRAINT e EXCLUDE USING gist (b WITH &&)@ALTER TABLE s.t DROP CONSTRAINT e
the name of a constraint@CREATE TABLE s.t (a int PRIMARY KEY)@ALTER TABLE s.t RENAME CONSTRAINT t_pkey TO k@ALTER TABLE s.t RENAME CONSTRAINT k TO t_pkey
an index@CREATE TABLE s.t (a int, b int)@CREATE INDEX i ON s.t (a)@DROP INDEX s.i
the columns of an index@CREATE TABLE s.t (a int, b int); CREATE INDEX i ON s.t (a)@DROP INDEX s.i; CREATE INDEX i ON s.t (a) INCLUDE (b)@DROP INDEX s.i; CREATE INDEX i ON s.t (a)
the condition of an index@CREATE TABLE s.t (a int, b int); CREATE INDEX i ON s.t (a) WHERE b > 1@DROP INDEX s.i; CREATE INDEX i ON s.t (a) WHERE b > 2@DROP INDEX s.i; CREATE INDEX i ON s.t (a) WHERE b > 1
options of an index@CREATE TABLE s.t (a int); CREATE INDEX i ON s.t (a)@ALTER INDEX s.i SET (fillfactor = 50)@ALTER INDEX s.i RESET (fillfactor)
options of a key@CREATE TABLE s.t (a int PRIMARY KEY)@ALTER INDEX s.t_pkey SET (fillfactor = 50)@ALTER INDEX s.t_pkey RESET (fillfactor)
the replica identity@CREATE TABLE s.t (a int)@ALTER TABLE s.t REPLICA IDENTITY FULL@ALTER TABLE s.t REPLICA IDENTITY DEFAULT
clustering@CREATE TABLE s.t (a int); CREATE INDEX i ON s.t (a)@ALTER TABLE s.t CLUSTER ON i@ALTER TABLE s.t SET WITHOUT CLUSTER
a view@CREATE TABLE s.t (a int); CREATE VIEW s.v AS SELECT a FROM s.t@CREATE OR REPLACE VIEW s.v AS SELECT a FROM s.t WHERE a > 1@CREATE OR REPLACE VIEW s.v AS SELECT a FROM s.t
options of a view@CREATE VIEW s.v AS SELECT 1 AS a@ALTER VIEW s.v SET (security_barrier)@ALTER VIEW s.v RESET (security_barrier)
a materialised view@CREATE MATERIALIZED VIEW s.m AS SELECT 1 AS a@DROP MATERIALIZED VIEW s.m; CREATE MATERIALIZED VIEW s.m AS SELECT 2 AS a@DROP MATERIALIZED VIEW s.m; CREATE MATERIALIZED VIEW s.m AS SELECT 1 AS a
a function@CREATE FUNCTION s.f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'@CREATE OR REPLACE FUNCTION s.f(a int) RETURNS int LANGUAGE sql AS 'SELECT 2'@CREATE OR REPLACE FUNCTION s.f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'
what a function may do@CREATE FUNCTION s.f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'@ALTER FUNCTION s.f SECURITY DEFINER SET search_path = s@ALTER FUNCTION s.f SECURITY INVOKER RESET search_path
one of two of a name@CREATE FUNCTION s.f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'@CREATE FUNCTION s.f(a text) RETURNS int LANGUAGE sql AS 'SELECT 1'@DROP FUNCTION s.f(text)
a procedure@SELECT 1@CREATE PROCEDURE s.p() LANGUAGE sql AS 'SELECT 1'@DROP PROCEDURE s.p
an aggregate@CREATE AGGREGATE s.a(int) (sfunc = int4pl, stype = int)@CREATE OR REPLACE AGGREGATE s.a(int) (sfunc = int4mi, stype = int)@CREATE OR REPLACE AGGREGATE s.a(int) (sfunc = int4pl, stype = int)
a trigger@CREATE TABLE s.t (a int); CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'@CREATE TRIGGER g BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.f()@DROP TRIGGER g ON s.t
a trigger that is off@CREATE TABLE s.t (a int); CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE TRIGGER g BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.f()@ALTER TABLE s.t DISABLE TRIGGER g@ALTER TABLE s.t ENABLE TRIGGER g
a rule@CREATE TABLE s.t (a int)@CREATE RULE r AS ON DELETE TO s.t DO INSTEAD NOTHING@DROP RULE r ON s.t
an event trigger@CREATE FUNCTION s.f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'@CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION s.f()@DROP EVENT TRIGGER e
a policy@CREATE TABLE s.t (a int); CREATE POLICY p ON s.t USING (a > 1)@ALTER POLICY p ON s.t TO bob USING (a > 1)@ALTER POLICY p ON s.t TO public
row level security@CREATE TABLE s.t (a int)@ALTER TABLE s.t ENABLE ROW LEVEL SECURITY@ALTER TABLE s.t DISABLE ROW LEVEL SECURITY
the same for the owner@CREATE TABLE s.t (a int)@ALTER TABLE s.t FORCE ROW LEVEL SECURITY@ALTER TABLE s.t NO FORCE ROW LEVEL SECURITY
a right@CREATE TABLE s.t (a int)@GRANT SELECT ON s.t TO bob@REVOKE SELECT ON s.t FROM bob
a right that may be passed on@CREATE TABLE s.t (a int); GRANT SELECT ON s.t TO bob@GRANT SELECT ON s.t TO bob WITH GRANT OPTION@REVOKE GRANT OPTION FOR SELECT ON s.t FROM bob
no right at all@CREATE TABLE s.t (a int)@REVOKE ALL ON s.t FROM postgres@GRANT ALL ON s.t TO postgres
a right to a column@CREATE TABLE s.t (a int)@GRANT UPDATE (a) ON s.t TO bob@REVOKE UPDATE (a) ON s.t FROM bob
a right to a column of the system's@CREATE TABLE s.t (a int)@GRANT SELECT (ctid) ON s.t TO bob@REVOKE SELECT (ctid) ON s.t FROM bob
a right to a column of a sequence@CREATE SEQUENCE s.q@GRANT SELECT (last_value) ON s.q TO bob@REVOKE SELECT (last_value) ON s.q FROM bob
a right to a schema@SELECT 1@GRANT USAGE ON SCHEMA s TO bob@REVOKE USAGE ON SCHEMA s FROM bob
a right to a function@CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'@REVOKE EXECUTE ON FUNCTION s.f FROM public@GRANT EXECUTE ON FUNCTION s.f TO public
a right to a type@CREATE TYPE s.y AS (a int)@GRANT USAGE ON TYPE s.y TO bob@REVOKE USAGE ON TYPE s.y FROM bob
default rights@SELECT 1@ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO bob@ALTER DEFAULT PRIVILEGES IN SCHEMA s REVOKE SELECT ON TABLES FROM bob
a sequence@CREATE SEQUENCE s.q@ALTER SEQUENCE s.q INCREMENT 2 CYCLE@ALTER SEQUENCE s.q INCREMENT 1 NO CYCLE
the owner of a sequence@CREATE TABLE s.t (a int); CREATE SEQUENCE s.q@ALTER SEQUENCE s.q OWNED BY s.t.a@ALTER SEQUENCE s.q OWNED BY NONE
an enum@CREATE TYPE s.e AS ENUM ('a', 'b')@ALTER TYPE s.e RENAME VALUE 'b' TO 'c'@ALTER TYPE s.e RENAME VALUE 'c' TO 'b'
the order of labels@CREATE TYPE s.e AS ENUM ('a', 'b')@DROP TYPE s.e; CREATE TYPE s.e AS ENUM ('b', 'a')@DROP TYPE s.e; CREATE TYPE s.e AS ENUM ('b'); ALTER TYPE s.e ADD VALUE 'a' BEFORE 'b'
a domain@CREATE DOMAIN s.d AS int@ALTER DOMAIN s.d SET NOT NULL@ALTER DOMAIN s.d DROP NOT NULL
the check of a domain@CREATE DOMAIN s.d AS int@ALTER DOMAIN s.d ADD CONSTRAINT c CHECK (VALUE > 1)@ALTER DOMAIN s.d DROP CONSTRAINT c
a composite type@CREATE TYPE s.y AS (a int)@ALTER TYPE s.y ADD ATTRIBUTE b text@ALTER TYPE s.y DROP ATTRIBUTE b
a range@SELECT 1@CREATE TYPE s.r AS RANGE (subtype = float8)@DROP TYPE s.r
a base type@SELECT 1@CREATE TYPE s.b@DROP TYPE s.b
an extension@SELECT 1@CREATE EXTENSION citext SCHEMA s@DROP EXTENSION citext
the schema of an extension@CREATE EXTENSION citext SCHEMA s@ALTER EXTENSION citext SET SCHEMA public@ALTER EXTENSION citext SET SCHEMA s
a comment@CREATE TABLE s.t (a int)@COMMENT ON COLUMN s.t.a IS 'x'@COMMENT ON COLUMN s.t.a IS NULL
statistics@CREATE TABLE s.t (a int, b int)@CREATE STATISTICS s.x ON a, b FROM s.t@DROP STATISTICS s.x
a collation@SELECT 1@CREATE COLLATION s.c (locale = 'C')@DROP COLLATION s.c
a publication@CREATE TABLE s.t (a int); CREATE PUBLICATION p@ALTER PUBLICATION p ADD TABLE s.t@ALTER PUBLICATION p DROP TABLE s.t; DROP PUBLICATION p; CREATE PUBLICATION p
an operator@DROP PUBLICATION p@CREATE OPERATOR s.## (leftarg = int, rightarg = int, function = int4pl)@DROP OPERATOR s.## (int, int)
a cast@CREATE TYPE s.y AS (a int)@CREATE CAST (s.y AS text) WITH INOUT@DROP CAST (s.y AS text)
a foreign table@CREATE FOREIGN DATA WRAPPER w; CREATE SERVER h FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE s.f (a int) SERVER h@ALTER FOREIGN TABLE s.f OPTIONS (ADD x 'y')@ALTER FOREIGN TABLE s.f OPTIONS (DROP x)
a foreign server@SELECT 1@ALTER SERVER h OPTIONS (ADD host 'x')@ALTER SERVER h OPTIONS (DROP host)
a text search configuration@CREATE TEXT SEARCH CONFIGURATION s.c (COPY = simple)@ALTER TEXT SEARCH CONFIGURATION s.c DROP MAPPING FOR word@ALTER TEXT SEARCH CONFIGURATION s.c ADD MAPPING FOR word WITH simple
END

test_expect_success PG 'PostgreSQL: what is data, or another session has, changes nothing' '
	run "DROP SCHEMA s CASCADE; CREATE SCHEMA s; CREATE TABLE s.t (a serial, b text)" &&
	keeps "INSERT INTO s.t (b) VALUES (1); ANALYZE" &&
	keeps "CREATE TEMP TABLE x (a int)" && keeps "VACUUM FULL s.t" &&
	keeps "ALTER TABLE s.t OWNER TO bob; ALTER TABLE s.t OWNER TO postgres" &&
	keeps "ALTER TABLE s.t ADD z int; ALTER TABLE s.t DROP z" &&
	keeps "CREATE TABLE s.z (a int); DROP TABLE s.z"
'

# outside of a test, whose text a shell may damage when it is so long
cat >"$SHARNESS_TRASH_DIRECTORY/all.sql" <<'SQL'
CREATE SCHEMA app;
CREATE EXTENSION hstore;
CREATE TYPE app.mood AS ENUM ('sad', 'happy');
ALTER TYPE app.mood ADD VALUE 'meh' BEFORE 'happy';
CREATE DOMAIN app.mail AS text DEFAULT 'x' CONSTRAINT at CHECK (VALUE ~ '@');
CREATE TYPE app.pair AS (a int, b text COLLATE "C");
CREATE TYPE app.floats AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TABLE app.users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, gone int,
	name text NOT NULL COLLATE "C" DEFAULT 'a''b', mail app.mail, mood app.mood,
	len int GENERATED ALWAYS AS (length(name)) STORED, tags hstore, nr serial,
	UNIQUE (name) DEFERRABLE, CHECK (len > 0)) WITH (fillfactor = 70);
ALTER TABLE app.users DROP gone, ALTER name SET STORAGE external,
	ALTER name SET STATISTICS 500, ALTER name SET (n_distinct = 5);
CREATE TABLE app.events (id int, at date, u bigint REFERENCES app.users,
	PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE app.later PARTITION OF app.events DEFAULT;
CREATE TABLE app.first PARTITION OF app.events
	FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE INDEX ON app.events (u);
CREATE TABLE app.more (e int, at date, FOREIGN KEY (e, at) REFERENCES app.events);
CREATE TABLE app.base (a int, CONSTRAINT pos CHECK (a > 0));
CREATE TABLE app.kid (b int) INHERITS (app.base);
CREATE UNLOGGED TABLE app.typed OF app.pair;
CREATE INDEX named ON app.users (lower(name) DESC) INCLUDE (mail) WHERE len > 3;
CREATE UNIQUE INDEX nrs ON app.users (nr);
ALTER TABLE app.users REPLICA IDENTITY USING INDEX nrs, CLUSTER ON users_pkey;
CREATE VIEW app.v WITH (security_barrier) AS SELECT u.id, u.name FROM app.users AS u
	WHERE u.len > 2 WITH LOCAL CHECK OPTION;
CREATE MATERIALIZED VIEW app.m AS SELECT count(*) AS n FROM app.users;
CREATE UNIQUE INDEX ON app.m (n);
CREATE FUNCTION app.f(x int, y text DEFAULT 'q') RETURNS int LANGUAGE plpgsql
	SECURITY DEFINER SET search_path = app AS $$
BEGIN

	RETURN x; -- twice?
END $$;
CREATE FUNCTION app.g(x int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT x + 1; END;
CREATE PROCEDURE app.p() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE app.s(int) (sfunc = int4pl, stype = int, initcond = '0');
CREATE FUNCTION app.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER one BEFORE UPDATE OF name ON app.users FOR EACH ROW
	WHEN (NEW.name <> '') EXECUTE FUNCTION app.t();
CREATE TRIGGER two AFTER INSERT ON app.events FOR EACH ROW EXECUTE FUNCTION app.t();
ALTER TABLE app.users ENABLE ALWAYS TRIGGER one;
CREATE RULE r AS ON DELETE TO app.base DO INSTEAD NOTHING;
ALTER TABLE app.users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON app.users AS RESTRICTIVE FOR UPDATE TO bob, alice USING (len > 1);
GRANT SELECT, UPDATE (name) ON app.users TO bob;
GRANT INSERT ON app.users TO alice WITH GRANT OPTION;
REVOKE ALL ON app.kid FROM postgres;
GRANT SELECT ON app.kid TO postgres;
GRANT USAGE ON SCHEMA app TO bob;
REVOKE EXECUTE ON FUNCTION app.f FROM public;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO bob;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM public;
CREATE SEQUENCE app.q AS int INCREMENT 5 CYCLE;
SELECT nextval('app.q');
COMMENT ON TABLE app.users IS 'people';
COMMENT ON COLUMN app.users.name IS 'what they are called';
COMMENT ON FUNCTION app.g IS 'adds one';
CREATE STATISTICS app.st (dependencies) ON id, len FROM app.users;
CREATE FOREIGN DATA WRAPPER fw;
CREATE SERVER sv FOREIGN DATA WRAPPER fw OPTIONS (host 'h');
CREATE FOREIGN TABLE app.far (a int OPTIONS (c 'x')) SERVER sv;
CREATE TEXT SEARCH CONFIGURATION app.ts (COPY = simple);
SQL

test_expect_success PG 'PostgreSQL: prepare one of everything' '
	url=$(create_db everything) && psql -XAtq -v ON_ERROR_STOP=1 -d "$url" -f ../all.sql &&
	git config migrate.default.url "$url" && git migrate schema >.git/t/expect &&
	! grep git_migrate .git/t/expect
'

test_expect_success PG 'PostgreSQL: the same after a dump and a restore, under another owner too' '
	pg_dump -d "$url" >.git/t/dump && other=$(create_db restored) &&
	git config migrate.other.url "$other" &&
	psql -XAtq -v ON_ERROR_STOP=1 -d "$other" -f .git/t/dump >/dev/null &&
	git migrate schema other >.git/t/actual && test_cmp .git/t/expect .git/t/actual &&
	pg "$other" "ALTER SEQUENCE app.q OWNER TO alice; ALTER FUNCTION app.g OWNER TO alice" &&
	git migrate schema other >.git/t/actual && test_cmp .git/t/expect .git/t/actual
'

test_expect_success PG 'PostgreSQL: a diff says what differs' '
	pg "$other" "ALTER TABLE app.more ADD extra int NOT NULL DEFAULT 7" &&
	git migrate schema other >.git/t/actual &&
	test_must_fail git diff --no-index --no-color -U0 .git/t/expect .git/t/actual >.git/t/diff &&
	sed "1,5d" .git/t/diff >.git/t/changed &&
	echo "+  column extra integer not null default 7" | test_cmp - .git/t/changed
'

# keys, checks and indexes that we write, each beside one that the server has to
cat >"$SHARNESS_TRASH_DIRECTORY/keys.sql" <<'SQL'
CREATE SCHEMA "Odd s";
CREATE DOMAIN "Odd s".dom AS text COLLATE "C";
CREATE TYPE "Odd s".mood AS ENUM ('sad', 'happy');
CREATE TYPE "Odd s".pair AS (a int, b text);
CREATE TABLE "Odd s"."T ""q" (gone int, "a b" int, "C" text, "select" varchar(10)
	COLLATE "C", v varchar(9), d bit(4), e varbit(8), f oid, g name, h char(5),
	i "Odd s".mood, j int[], k "Odd s".dom, l inet, m cidr, n timestamptz, o tsvector,
	p numeric(10, 2), r "Odd s".pair, s int4range, u uuid, b bool);
ALTER TABLE "Odd s"."T ""q" DROP gone;
CREATE INDEX i01 ON "Odd s"."T ""q" ("a b", "C");
CREATE INDEX i02 ON "Odd s"."T ""q" ("a b", u DESC, p NULLS FIRST, n DESC NULLS LAST);
CREATE INDEX i03 ON "Odd s"."T ""q" (v);
CREATE INDEX i04 ON "Odd s"."T ""q" (v text_pattern_ops);
CREATE INDEX i05 ON "Odd s"."T ""q" ("C" COLLATE "C");
CREATE INDEX i06 ON "Odd s"."T ""q" ("select");
CREATE INDEX i07 ON "Odd s"."T ""q" ("select" COLLATE "default");
CREATE INDEX i08 ON "Odd s"."T ""q" (d);
CREATE INDEX i09 ON "Odd s"."T ""q" (d varbit_ops);
CREATE INDEX i10 ON "Odd s"."T ""q" (e);
CREATE INDEX i11 ON "Odd s"."T ""q" (f);
CREATE INDEX i12 ON "Odd s"."T ""q" ("a b" oid_ops);
CREATE INDEX i13 ON "Odd s"."T ""q" (g);
CREATE INDEX i14 ON "Odd s"."T ""q" (h);
CREATE INDEX i15 ON "Odd s"."T ""q" (i, j, k, r, s);
CREATE INDEX i16 ON "Odd s"."T ""q" (l);
CREATE INDEX i17 ON "Odd s"."T ""q" (m);
CREATE INDEX i18 ON "Odd s"."T ""q" USING hash (p);
CREATE INDEX i19 ON "Odd s"."T ""q" USING gin (o);
CREATE INDEX i20 ON "Odd s"."T ""q" USING gist (o tsvector_ops (siglen = 100));
CREATE INDEX i21 ON "Odd s"."T ""q" USING brin (n) WITH (pages_per_range = 4);
CREATE UNIQUE INDEX i22 ON "Odd s"."T ""q" (u);
CREATE UNIQUE INDEX i23 ON "Odd s"."T ""q" (u) INCLUDE ("C", p);
CREATE INDEX i24 ON "Odd s"."T ""q" (u) WITH (fillfactor = 70);
CREATE INDEX i25 ON "Odd s"."T ""q" (u) WHERE b;
CREATE INDEX i26 ON "Odd s"."T ""q" (u) WHERE NOT b AND "a b" IN (1, 2) OR "C" LIKE 'a%';
CREATE INDEX i27 ON "Odd s"."T ""q" (u) WHERE starts_with("C", 'x');
CREATE INDEX i28 ON "Odd s"."T ""q" ((b OR "a b" > 1), lower("C"), u);
CREATE TABLE "Odd s".p (id int, v int, w text, PRIMARY KEY (v, id), UNIQUE (id, v),
	UNIQUE (w) INCLUDE (v), UNIQUE (w) DEFERRABLE INITIALLY DEFERRED,
	CHECK (v > 0) NO INHERIT, CHECK (w IS NOT NULL AND length(w) > 1), CHECK (true),
	EXCLUDE USING btree (v WITH =));
ALTER TABLE "Odd s".p ADD UNIQUE (w), ADD CONSTRAINT later CHECK (v < 9) NOT VALID;
CREATE TABLE "Odd s".f (gone int, a int, b int, w text REFERENCES "Odd s".p (w));
ALTER TABLE "Odd s".f DROP gone, ADD FOREIGN KEY (b, a) REFERENCES "Odd s".p,
	ADD FOREIGN KEY (a, b) REFERENCES "Odd s".p (id, v) MATCH FULL,
	ADD FOREIGN KEY (a, b) REFERENCES "Odd s".p ON DELETE CASCADE ON UPDATE RESTRICT,
	ADD FOREIGN KEY (a, b) REFERENCES "Odd s".p ON DELETE SET NULL ON UPDATE SET DEFAULT,
	ADD FOREIGN KEY (a, b) REFERENCES "Odd s".p ON DELETE SET DEFAULT NOT VALID,
	ADD FOREIGN KEY (a, b) REFERENCES "Odd s".p DEFERRABLE INITIALLY DEFERRED,
	ADD FOREIGN KEY (a, b) REFERENCES "Odd s".p ON DELETE RESTRICT DEFERRABLE;
CREATE EXTENSION hstore;
CREATE TABLE "Odd s".owned (one int, two int PRIMARY KEY);
ALTER EXTENSION hstore ADD TABLE "Odd s".owned;
CREATE TABLE "Odd s".refers (a int REFERENCES "Odd s".owned);
SQL

# as_the_server_writes: all lines of keys and indexes, by its own functions
as_the_server_writes () {
	psql -XAtq -v ON_ERROR_STOP=1 -d "$1" <<-\SQL
	SET search_path = pg_catalog;
	SELECT '  index ' || quote_ident(i.relname) || ': ' || pg_get_indexdef(i.oid)
	FROM pg_class AS i WHERE i.relkind = 'i' AND i.relnamespace = '"Odd s"'::regnamespace
	AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.oid AND contype <> 'f')
	UNION ALL
	SELECT '  constraint ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid)
	FROM pg_constraint WHERE connamespace = '"Odd s"'::regnamespace
	AND conrelid <> '"Odd s".owned'::regclass
	SQL
}

# The new ones of PostgreSQL 15.
newer_keys () {
	test "$(pg "$1" "SHOW server_version_num")" -ge 150000 || return 0
	pg "$1" "ALTER TABLE \"Odd s\".p ADD UNIQUE NULLS NOT DISTINCT (v);
		CREATE UNIQUE INDEX nulls ON \"Odd s\".f (a) NULLS NOT DISTINCT;
		ALTER TABLE \"Odd s\".f ADD FOREIGN KEY (a, b) REFERENCES \"Odd s\".p
		ON DELETE SET NULL (a)"
}

test_expect_success PG 'PostgreSQL: keys and indexes are written as the server would' '
	keys=$(create_db keys) && psql -XAtq -v ON_ERROR_STOP=1 -d "$keys" -f ../keys.sql &&
	newer_keys "$keys" && git config migrate.keys.url "$keys" &&
	as_the_server_writes "$keys" >.git/t/lines && sort .git/t/lines >.git/t/server &&
	git migrate schema keys >.git/t/out &&
	sed -n "/^  index /p; /^  constraint /p" .git/t/out | sort >.git/t/actual &&
	test "$(wc -l <.git/t/server)" -ge 46 && test_cmp .git/t/server .git/t/actual
'

test_expect_success PG 'PostgreSQL: also when a type gets an operator class of its own' '
	pg "$keys" "CREATE OPERATOR CLASS \"Odd s\".own DEFAULT FOR TYPE varchar USING btree AS
		OPERATOR 1 < (text, text), OPERATOR 2 <= (text, text), OPERATOR 3 = (text, text),
		OPERATOR 4 >= (text, text), OPERATOR 5 > (text, text), FUNCTION 1 bttextcmp(text, text)" &&
	as_the_server_writes "$keys" >.git/t/lines && sort .git/t/lines >.git/t/server &&
	git migrate schema keys >.git/t/out && grep "i03.*(v text_ops)" .git/t/out &&
	sed -n "/^  index /p; /^  constraint /p" .git/t/out | sort >.git/t/actual &&
	test_cmp .git/t/server .git/t/actual
'

# alone LINE SQL UNDO: what an empty database has of one part alone is described too
alone() {
	echo "$2" &&
	pg "$alone" "$2" >.git/t/out 2>&1 && git migrate schema alone >.git/t/alone &&
	grep "$1" .git/t/alone &&
	pg "$alone" "$3" >.git/t/out 2>&1 && git migrate schema alone >.git/t/after &&
	test_cmp .git/t/bare .git/t/after
}

test_expect_success PG 'PostgreSQL: a part that is there by itself is asked for' '
	alone=$(create_db alone) && git config migrate.alone.url "$alone" &&
	pg "$alone" "CREATE TABLE t (x int, y int)" && git migrate schema alone >.git/t/bare &&
	alone "with (fillfactor=50)" "ALTER TABLE t SET (fillfactor = 50)" "ALTER TABLE t RESET (fillfactor)" &&
	alone "toast with (autovacuum_enabled=false)" \
		"CREATE TABLE u (c text); ALTER TABLE u SET (toast.autovacuum_enabled = false)" "DROP TABLE u" &&
	alone "^  unlogged" "ALTER TABLE t SET UNLOGGED" "ALTER TABLE t SET LOGGED" &&
	alone "replica identity full" "ALTER TABLE t REPLICA IDENTITY FULL" "ALTER TABLE t REPLICA IDENTITY DEFAULT" &&
	alone "^  row level security" "ALTER TABLE t ENABLE ROW LEVEL SECURITY" "ALTER TABLE t DISABLE ROW LEVEL SECURITY" &&
	alone "for the owner too" "ALTER TABLE t FORCE ROW LEVEL SECURITY" "ALTER TABLE t NO FORCE ROW LEVEL SECURITY" &&
	alone "^  of public.y" "CREATE TYPE y AS (a int); CREATE TABLE u OF y" "DROP TABLE u; DROP TYPE y" &&
	alone "partition by LIST" "CREATE TABLE u (a int) PARTITION BY LIST (a)" "DROP TABLE u" &&
	alone "index w_a_idx: .*(part of public.i)" "CREATE TABLE u (a int) PARTITION BY LIST (a); CREATE INDEX i ON u (a);
		CREATE TABLE w PARTITION OF u FOR VALUES IN (1)" "DROP TABLE u" &&
	alone "^  bound FOR VALUES IN (1)" "CREATE TABLE u (a int) PARTITION BY LIST (a);
		CREATE TABLE w PARTITION OF u FOR VALUES IN (1)" "DROP TABLE u" &&
	alone "with (security_barrier=true)" "CREATE VIEW v WITH (security_barrier) AS SELECT 1" "DROP VIEW v" &&
	alone "^  as SELECT 1" "CREATE MATERIALIZED VIEW v AS SELECT 1" "DROP MATERIALIZED VIEW v" &&
	alone "using own" "CREATE ACCESS METHOD own TYPE TABLE HANDLER heap_tableam_handler;
		CREATE TABLE u (a int) USING own" "DROP TABLE u; DROP ACCESS METHOD own" &&
	alone "^default rights of postgres" "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC" \
		"ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM PUBLIC" &&
	alone "grant USAGE to public" "CREATE FOREIGN DATA WRAPPER w; GRANT USAGE ON FOREIGN DATA WRAPPER w TO PUBLIC" \
		"DROP FOREIGN DATA WRAPPER w" &&
	alone "inherits public.t" "CREATE TABLE u () INHERITS (t)" "DROP TABLE u" &&
	alone "policy p" "CREATE POLICY p ON t" "DROP POLICY p ON t" &&
	alone "rule r" "CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING" "DROP RULE r ON t" &&
	alone "trigger g" "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION
		suppress_redundant_updates_trigger()" "DROP TRIGGER g ON t" &&
	alone "^function public.f()" "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS \$\$SELECT 1\$\$" \
		"DROP FUNCTION f" &&
	alone "^aggregate public.a" "CREATE AGGREGATE a (int) (sfunc = int4pl, stype = int)" "DROP AGGREGATE a (int)" &&
	alone "label .one" "CREATE TYPE e AS ENUM ('\''one'\'')" "DROP TYPE e" &&
	alone "constraint d_check CHECK" "CREATE DOMAIN d AS int CHECK (value > 0)" "DROP DOMAIN d" &&
	alone "^range public.r" "CREATE TYPE r AS RANGE (subtype = int)" "DROP TYPE r" &&
	alone "start 1" "CREATE SEQUENCE s" "DROP SEQUENCE s" &&
	alone "grant SELECT to public" "GRANT SELECT ON t TO PUBLIC" "REVOKE SELECT ON t FROM PUBLIC" &&
	alone "grant SELECT on column x" "GRANT SELECT (x) ON t TO PUBLIC" "REVOKE SELECT (x) ON t FROM PUBLIC" &&
	alone "^comment on table" "COMMENT ON TABLE t IS '\''c'\''" "COMMENT ON TABLE t IS NULL" &&
	alone "^foreign data wrapper w" "CREATE FOREIGN DATA WRAPPER w" "DROP FOREIGN DATA WRAPPER w" &&
	alone "^statistics public.s" "CREATE STATISTICS s ON x, y FROM t" "DROP STATISTICS s" &&
	alone "^collation public.c" "CREATE COLLATION c FROM \"C\"" "DROP COLLATION c" &&
	alone "^operator public.===" "CREATE OPERATOR === (leftarg = int, rightarg = int, function = int4eq)" \
		"DROP OPERATOR === (int, int)" &&
	alone "^publication p" "CREATE PUBLICATION p" "DROP PUBLICATION p" &&
	alone "^text search configuration public.c" "CREATE TEXT SEARCH CONFIGURATION c (COPY = simple)" \
		"DROP TEXT SEARCH CONFIGURATION c"
'

# asked TARGET: how many messages it took to describe it, and how many round trips
asked() {
	git migrate schema "$1" >.git/t/out && stop_tool &&
	sed -n "s/^messages //p; s/^round-trips //p" stats
}

test_expect_success PG 'PostgreSQL: because of the tracker nothing more is asked' '
	tracked=$(create_db tracked) && git config migrate.tracked.url "$tracked" &&
	new_migration t "CREATE TABLE t (x int, y int)" && git migrate apply tracked &&
	git migrate schema tracked >.git/t/out &&
	test_cmp .git/t/bare .git/t/out &&
	pg "$(create_db untracked)" "CREATE TABLE t (x int, y int)" &&
	start_proxy --delay-ms=100 && git config migrate.untracked.url "$(tool_url untracked)" &&
	asked untracked >.git/t/untracked &&
	start_proxy --delay-ms=100 && git config migrate.tracked.url "$(tool_url tracked)" &&
	asked tracked >.git/t/tracked && test_cmp .git/t/untracked .git/t/tracked
'

test_expect_success PG 'PostgreSQL: beside a tracker, what it has itself is described' '
	alone=$tracked && git config migrate.alone.url "$alone" &&
	alone "trigger g" "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION
		suppress_redundant_updates_trigger()" "DROP TRIGGER g ON t" &&
	alone "^function public.f()" "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS \$\$SELECT 1\$\$" \
		"DROP FUNCTION f" &&
	alone "CREATE INDEX i ON public.u USING btree (c)" \
		"CREATE TABLE u (c text COLLATE \"C\"); CREATE INDEX i ON u (c)" "DROP TABLE u"
'

if test_have_prereq PG && pg "$PG_URL" "SHOW allow_in_place_tablespaces" >.git/t/out 2>&1
then
	test_set_prereq TABLESPACE
fi

test_expect_success PG,TABLESPACE 'PostgreSQL: where a table, its key and its index are stored' '
	git config migrate.tracked.url "$tracked" &&
	PGOPTIONS="-c allow_in_place_tablespaces=on" pg "$tracked" "CREATE TABLESPACE space LOCATION '\'\''" &&
	pg "$tracked" "CREATE TABLE u (a int CONSTRAINT k PRIMARY KEY USING INDEX TABLESPACE space, b int)
		TABLESPACE space; CREATE INDEX i ON u (b) TABLESPACE space" &&
	git migrate schema tracked >.git/t/out &&
	grep "^  tablespace space\$" .git/t/out &&
	grep "^  constraint k PRIMARY KEY (a) tablespace space\$" .git/t/out &&
	grep "^  index i: CREATE INDEX i ON public.u USING btree (b) tablespace space\$" .git/t/out &&
	pg "$tracked" "DROP TABLE u" && pg "$tracked" "DROP TABLESPACE space"
'

test_expect_success PG 'PostgreSQL: one exchange, whatever there is' '
	start_proxy --delay-ms=100 &&
	git config migrate.slow.url "$(tool_url everything)" &&
	"$top_builddir/git-migrate" schema --hash slow >.git/t/out && stop_tool &&
	test "$(cat .git/t/out)" = "1:$(sha256sum <.git/t/expect | cut -d" " -f1)" &&
	test "$(sed -n "s/^round-trips //p" stats)" -le 5
'

test_expect_success PG 'PostgreSQL: who may not write sees the same' '
	pg "$PG_URL" "ALTER ROLE bob LOGIN" &&
	git config migrate.bob.url "$(echo "$url" | sed "s|//postgres@|//bob@|")" &&
	git migrate schema bob >.git/t/actual && test_cmp .git/t/expect .git/t/actual
'

# --- two orders ------------------------------------------------------------------

# in_order NAME...: a database of its own with these migrations applied in that order
in_order() {
	rm -rf migrations && mkdir migrations &&
	for name; do
		cp ".git/t/$name.sql" migrations/ && git add migrations &&
		git commit -q -m "add $name" || return 1
	done &&
	git migrate apply >.git/t/out 2>&1
}

cat >"$SHARNESS_TRASH_DIRECTORY/orders" <<'END'
CREATE TABLE users (id int PRIMARY KEY, name text); CREATE INDEX names ON users (name);
CREATE TABLE things (id int PRIMARY KEY, u int); CREATE VIEW big AS SELECT id FROM things WHERE u > 5;
CREATE TABLE third (a text CHECK (a <> ''), b int DEFAULT 3);
END

# both_orders URL-OF-ONE URL-OF-THE-OTHER
both_orders() {
	for way in "a b c" "c b a"; do
		fresh "orders-$(echo $way | tr -d " ")" && git migrate init "$1" >/dev/null 2>&1 &&
		sed -n 1p ../orders >.git/t/a.sql && sed -n 2p ../orders >.git/t/b.sql &&
		sed -n 3p ../orders >.git/t/c.sql && in_order $way &&
		print >"../print-$(echo $way | cut -c1)" &&
		git notes --ref=migrate/default show HEAD |
			sed -n "s/.* event=ran .* schema=\(.*\)\$/\1/p" >.git/t/ran &&
		test_cmp "../print-$(echo $way | cut -c1)" .git/t/ran || return 1
		shift
	done && cd .. && test_cmp print-a print-c && rm -r orders-abc orders-cba
}

test_expect_success 'SQLite: the same, in whatever order changes came' '
	both_orders sqlite:app.db sqlite:app.db
'

test_expect_success PG 'PostgreSQL: the same, in whatever order changes came' '
	both_orders "$(create_db abc)" "$(create_db cba)"
'

# --- the record that ends a run ----------------------------------------------------

for kind in sqlite pg; do
	needs=
	test $kind = sqlite || needs=PG

	rows() {
		if test "$kind" = pg; then pg_tracker_rows "$url"; else tracker_rows app.db; fi
	}

	sql() {
		if test "$kind" = pg; then pg "$url" "$1"; else sqlite app.db "$1"; fi
	}

	test_expect_success $needs "$kind: a run ends in a record of what it did" '
		fresh ran-$kind && url=sqlite:app.db &&
		{ test $kind = sqlite || url=$(create_db ran); } &&
		git migrate init $url >.git/t/out 2>&1 &&
		new_migration a "CREATE TABLE a (x int);" &&
		new_migration b "CREATE TABLE b (x int);" &&
		git migrate apply >.git/t/out 2>&1 &&
		rows | tail -n 1 >.git/t/ran &&
		grep "^0000000004 .* event=ran head=$(git rev-parse HEAD) .* ms=[0-9]* migrations=2 durations=a.sql:[0-9]*,b.sql:[0-9]* schema=$(print)\$" \
			.git/t/ran &&
		git notes --ref=migrate/default show HEAD | grep -q -F -f .git/t/ran &&
		git migrate audit >.git/t/out &&
		grep "^  ok  *schema  *the database is made of the same as when record 4" .git/t/out
	'

	test_expect_success $needs "$kind: nothing to do, and it writes nothing" '
		git migrate apply >.git/t/out 2>&1 && test 4 = "$(rows | wc -l)"
	'

	test_expect_success $needs "$kind: a run that fails half way ends in one, too" '
		new_migration c "CREATE TABLE c (x int);" &&
		new_migration d "CREATE TABLE a (x int);" &&
		test_expect_code 1 git migrate apply >.git/t/out 2>&1 &&
		rows | sed -n "s/.* event=\([a-z]*\) .*/\1/p" | tail -n 3 >.git/t/actual &&
		printf "%s\n" applied failed ran >.git/t/expect &&
		test_cmp .git/t/expect .git/t/actual &&
		rows | tail -n 1 | grep " migrations=1 durations=c.sql:[0-9]* schema=$(print)\$" &&
		test_expect_code 1 git migrate apply >.git/t/out 2>&1 &&
		rows | tail -n 1 | grep " event=failed " &&
		git migrate audit >.git/t/out && grep "^  ok  *schema  " .git/t/out
	'

	test_expect_success $needs "$kind: audit sees what was changed by hand" '
		at=$(rows | sed -n "s/.* event=ran .* at=\([^ ]*\) .*/\1/p" | tail -n 1) &&
		sql "CREATE INDEX by_hand ON a (x)" && git migrate audit >.git/t/out &&
		grep "^  warning  schema  *the schema was changed outside of git migrate since $at: " .git/t/out &&
		sql "DROP INDEX by_hand" && git migrate audit >.git/t/out &&
		grep "^  ok  *schema  " .git/t/out
	'

	test_expect_success $needs "$kind: where it cannot be written that is said, and no failure" '
		git reset -q --hard HEAD^ && new_migration e "CREATE TABLE e (x int);" &&
		if test $kind = pg; then
			sql "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
				'\''BEGIN RAISE EXCEPTION \$\$not that\$\$; END'\'';
				CREATE TRIGGER no BEFORE INSERT ON git_migrate.log FOR EACH ROW
				WHEN (NEW.event = '\''ran'\'') EXECUTE FUNCTION no()"
		else
			sql "CREATE TRIGGER no BEFORE INSERT ON git_migrate_log
				WHEN NEW.event = '\''ran'\'' BEGIN SELECT RAISE(ABORT, '\''not that'\''); END"
		fi &&
		git migrate apply >.git/t/out 2>.git/t/err &&
		grep "applied  e.sql" .git/t/out &&
		grep "^warning: the end of the run was not recorded: .*not that" .git/t/err &&
		grep "^hint: .*the next run that applies something" .git/t/err &&
		rows | tail -n 1 | grep " event=applied path=e.sql " &&
		{ git migrate audit >.git/t/out || :; } &&
		grep "^  warning  schema-unknown  *the schema cannot be compared: no run has ended" .git/t/out &&
		{
			test $kind = sqlite || sql "DROP FUNCTION no CASCADE"
		} && { test $kind = pg || sql "DROP TRIGGER no"; } &&
		new_migration f "CREATE TABLE f (x int);" && git migrate apply >.git/t/out 2>&1 &&
		git migrate audit >.git/t/out && grep "^  ok  *schema  " .git/t/out
	'

	test_expect_success $needs "$kind: a dry run writes none" '
		new_migration g "CREATE TABLE g (x int);" && rows >.git/t/before &&
		git migrate apply --dry-run >.git/t/out 2>&1 && rows >.git/t/after &&
		test_cmp .git/t/before .git/t/after
	'
done

test_expect_success 'of a run of many the slowest are named' '
	fresh many && git migrate init sqlite:app.db >.git/t/out 2>&1 && mkdir migrations &&
	for i in $(seq 200); do
		echo "CREATE TABLE t$i (x);" >"migrations/some-name-$i.sql" || return 1
	done &&
	echo "CREATE TABLE slow AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c
		WHERE x < 300000) SELECT count(*) FROM c;" >migrations/slow.sql &&
	git add . && git commit -q -m many && git migrate apply >.git/t/out 2>&1 &&
	tracker_rows | tail -n 1 >.git/t/ran && grep " migrations=201 " .git/t/ran &&
	test 2500 -gt "$(wc -c <.git/t/ran)" &&
	sed "s/.* durations=\([^ ]*\) .*/\1/" .git/t/ran | tr , "\n" >.git/t/durations &&
	grep "^slow.sql:[0-9]*\$" .git/t/durations &&
	test 40 -lt "$(wc -l <.git/t/durations)"
'

# --- CockroachDB ---------------------------------------------------------------------

test_expect_success 'CockroachDB: what its manual shows of the catalogs' '
	fresh cockroachdb && start_fake_pg <<-\END &&
	parameter server_version 13.0.0
	parameter crdb_version CockroachDB CCL v25.2.1 (x86_64-pc-linux-gnu)
	match SELECT '\''schema'\''*
	  columns a b c d
	  row schema|public|0|is there
	match *FROM pg_attribute AS a*
	  columns a b c d
	  row table|public.t|100000002|column b string
	  row table|public.t|100000001|column a bigint not null
	match *pg_get_functiondef*
	  error 42883 unknown function: pg_get_functiondef()
	END
	git config migrate.default.url "$(tool_url app)" && git migrate schema >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	schema public
	  is there

	table public.t
	  column a bigint not null
	  column b string
	END
	test_cmp .git/t/expect .git/t/actual && stop_tool &&
	! grep "lock_timeout.*true\|jit\|acldefault\|regclass" asked
'

test_expect_success 'a server that lacks what is asked: an error that says so' '
	fresh lacking && start_fake_pg <<-\END &&
	parameter server_version 15.2
	match *pg_get_partkeydef*
	  error 42883 function pg_get_partkeydef(oid) does not exist
	END
	git config migrate.default.url "$(tool_url app)" &&
	test_expect_code 128 git migrate schema >.git/t/out 2>.git/t/err && stop_tool &&
	test_must_be_empty .git/t/out &&
	grep "^error: the catalogs of .* cannot be described" .git/t/err && grep "^hint: " .git/t/err
'

test_done
