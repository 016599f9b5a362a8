#include "base/compat.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/buf.h"
#include "sql/remedy.h"

/* What a plan has made, the broken migration, and what the remedy must have. */
struct trial {
	const char *before, *broken;
	enum sql_trouble_kind kind;
	bool sqlite;
	const char *has[4]; /* up to NULL; with '!' in front: must not have */
};

#define NO_NAME "DROP CONSTRAINT <fill in: the name of the constraint>;"
#define PEOPLE "CREATE TABLE people (id int PRIMARY KEY, name text);"

static const struct trial trials[] = {
	/* types of several words, with arguments, in arrays */
	{ PEOPLE "ALTER TABLE people ADD at timestamp(3) with time zone DEFAULT now();",
	  "ALTER TABLE people ALTER at TYPE date;",
	  TROUBLE_LOSSY_TYPE,
	  false,
	  { "ADD COLUMN at_restored timestamp(3) with time zone;" } },
	{ "CREATE TABLE t (a numeric(10, 2)[] NOT NULL, b int);",
	  "ALTER TABLE ONLY t ALTER COLUMN a SET DATA TYPE text[], ALTER b DROP NOT "
	  "NULL;",
	  TROUBLE_LOSSY_TYPE,
	  false,
	  { "ADD COLUMN a_restored numeric(10, 2)[];" } },
	/* the column that is left out must not be NOT NULL, but for one of the key */
	{ PEOPLE "ALTER TABLE people ADD n text NOT NULL;",
	  "ALTER TABLE people ALTER n TYPE int;",
	  TROUBLE_LOSSY_TYPE,
	  false,
	  { "ALTER COLUMN n DROP NOT NULL;\n", "CREATE TRIGGER keep_people_n BEFORE" } },
	{ PEOPLE "ALTER TABLE people ADD n text;",
	  "ALTER TABLE people ALTER n TYPE int;",
	  TROUBLE_LOSSY_TYPE,
	  false,
	  { "!DROP NOT NULL", "CREATE TRIGGER keep_people_n BEFORE" } },
	{ "CREATE TABLE t (a text NOT NULL, bb int, b text, PRIMARY KEY (bb, a));",
	  "ALTER TABLE t ALTER a TYPE int;",
	  TROUBLE_LOSSY_TYPE,
	  false,
	  { "!DROP NOT NULL" } },
	{ "CREATE TABLE t (a text NOT NULL, aa int, PRIMARY KEY (aa));",
	  "ALTER TABLE t ALTER a TYPE int;",
	  TROUBLE_LOSSY_TYPE,
	  false,
	  { "DROP NOT NULL" } },
	/* all rows are written under a lock that ALTER TABLE does not hold */
	{ PEOPLE,
	  "ALTER TABLE people RENAME name TO called;",
	  TROUBLE_RENAMED,
	  false,
	  { "ADD COLUMN name_again text;\nCREATE FUNCTION",
	    "FUNCTION keep_people_name_called();\n-- migrate: batch table=people key=id "
	    "size=1000\n",
	    "SET name_again = called\nWHERE :batch AND name_again IS NULL AND called IS "
	    "NOT NULL;",
	    "RENAME COLUMN name_again TO name;\n\n--" } },
	{ PEOPLE,
	  "ALTER TABLE people DROP name;",
	  TROUBLE_DROPPED_EARLY,
	  false,
	  { "ADD COLUMN name_again text;\n-- migrate: batch table=people key=id ",
	    "else NULL>\nWHERE :batch AND name_again IS NULL;\n-- Step 3",
	    "\nALTER TABLE people RENAME COLUMN name_again TO name;" } },
	/* the name until then is one that no column has */
	{ PEOPLE "ALTER TABLE people ADD name_again int, ADD \"Name_Again_2\" int;",
	  "ALTER TABLE people DROP name;",
	  TROUBLE_DROPPED_EARLY,
	  false,
	  { "ADD COLUMN name_again_2 text;" } },
	{ "CREATE TABLE t (a_name_that_is_nearly_as_long_as_a_name_of_a_column_may int);",
	  "ALTER TABLE t RENAME a_name_that_is_nearly_as_long_as_a_name_of_a_column_may "
	  "TO b;",
	  TROUBLE_RENAMED,
	  false,
	  { "ADD COLUMN column_again int;",
	    "RENAME COLUMN column_again TO a_name_that_" } },
	{ PEOPLE,
	  "ALTER TABLE people DROP name;",
	  TROUBLE_DROPPED_EARLY,
	  true,
	  { "ADD COLUMN name text;\nUPDATE people SET name = <fill in", "!:batch" } },
	{ PEOPLE, "DROP TABLE people;", TROUBLE_DROPPED_EARLY, false, { "!:batch" } },
	/* a key whose columns have other names than its text */
	{ "CREATE TABLE t (a int, b int, PRIMARY KEY (a, \"b\"));",
	  "ALTER TABLE t RENAME a TO c;",
	  TROUBLE_RENAMED,
	  false,
	  { "key=<fill in: the columns of its key" } },
	{ "CREATE TABLE t (a int, b int, c int, PRIMARY KEY (a, \"b\"));",
	  "ALTER TABLE t RENAME c TO d;",
	  TROUBLE_RENAMED,
	  false,
	  { "key=a,\"b\" size" } },
	{ "CREATE TABLE t (a int PRIMARY KEY);",
	  "ALTER TABLE t RENAME a TO c;",
	  TROUBLE_RENAMED,
	  false,
	  { "key=c size", "SET a_again = c" } },
	/* the same rename in two tables makes two triggers */
	{ "CREATE TABLE app.t (a int);",
	  "ALTER TABLE app.t RENAME a TO \"B c\";",
	  TROUBLE_RENAMED,
	  false,
	  { "CREATE FUNCTION keep_app_t_a__b_c_() RETURNS" } },
	/* which row a trigger is of: by what the table has */
	{ "CREATE TABLE t (\"i d\" text PRIMARY KEY, a int) strict, WITHOUT rowid;",
	  "ALTER TABLE t RENAME a TO b;",
	  TROUBLE_RENAMED,
	  true,
	  { "WHERE \"i d\" = NEW.\"i d\";\nEND;", "!rowid = " } },
	{ "CREATE TABLE t (a int, b int, PRIMARY KEY (a)) WITHOUT ROWID;",
	  "ALTER TABLE t RENAME b TO c;",
	  TROUBLE_RENAMED,
	  true,
	  { "WHERE <fill in: rowid = NEW.rowid, or for a table WITHOUT ROWID" } },
	{ "",
	  "ALTER TABLE t RENAME b TO c;",
	  TROUBLE_RENAMED,
	  true,
	  { "WHERE <fill in" } },
	{ "CREATE TABLE t (RowId text, b int);",
	  "ALTER TABLE t RENAME b TO c;",
	  TROUBLE_RENAMED,
	  true,
	  { "WHERE _rowid_ = NEW._rowid_;" } },
	/* names keep their quotes; what is longer stays inside of them */
	{ "CREATE TABLE \"Order\" (\"To Do\" text, [b c] int, `d` int);",
	  "ALTER TABLE \"Order\" ADD x int NOT NULL DEFAULT 0;",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "CREATE TABLE \"Order_new\" (\n\t\"To Do\" text,\n\t[b c] int,\n\t`d` "
	    "int,\n\tx int DEFAULT 0\n);",
	    "SELECT rowid, \"To Do\", [b c], `d`, x FROM \"Order\";",
	    "ALTER TABLE \"Order_new\" RENAME TO \"Order\";" } },
	/* a schema that goes without saying; comments between the words */
	{ "CREATE TABLE main . t /* here */ (a int, -- the first\n b text);",
	  "ALTER TABLE t ADD c int NOT NULL DEFAULT (1);",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "\tb text,\n\tc int DEFAULT (1)\n);", "RENAME TO t;" } },
	/* the names of SQLite have no case, those in quotes neither */
	{ "CREATE TABLE \"Users\" (id int, \"Name\" text); ALTER TABLE users ADD mail "
	  "text; ALTER TABLE USERS RENAME name TO [Full Name];",
	  "ALTER TABLE [users] ADD x int NOT NULL DEFAULT 0;",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "CREATE TABLE \"Users_new\" (\n\tid int,\n\t[Full Name] text,\n\tmail "
	    "text,\n\tx int DEFAULT 0\n);" } },
	{ "CREATE TABLE \"T\" (a int); CREATE TABLE t (b varchar);",
	  "ALTER TABLE t ALTER b TYPE int;",
	  TROUBLE_LOSSY_TYPE,
	  false,
	  { "ALTER TABLE t ADD COLUMN b_restored varchar;" } },
	/* IF NOT EXISTS does nothing to what exists, and makes what does not */
	{ "CREATE TABLE IF NOT EXISTS t (a text); ALTER TABLE t ADD b text;"
	  "CREATE INDEX IF NOT EXISTS i ON t (a); CREATE INDEX IF NOT EXISTS i ON t (b);"
	  "CREATE TABLE IF NOT EXISTS t (a int, z int);",
	  "ALTER TABLE t ADD x int NOT NULL DEFAULT 0;",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "(\n\ta text,\n\tb text,\n\tx int DEFAULT 0\n);",
	    "\nCREATE INDEX IF NOT EXISTS i ON t (a);\n", "!ON t (b)" } },
	{ "CREATE TABLE t (a text); ALTER TABLE t ADD IF NOT EXISTS a int, ADD COLUMN IF "
	  "NOT EXISTS b varchar;",
	  "ALTER TABLE t ALTER a TYPE int, ALTER b TYPE int;",
	  TROUBLE_LOSSY_TYPE,
	  false,
	  { "ADD COLUMN a_restored text;" } },
	/* words that are constraints to PostgreSQL alone */
	{ "CREATE TABLE t (a int, like text, exclude using, UNIQUE (a));",
	  "ALTER TABLE t ADD x int NOT NULL DEFAULT 0;",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "\n\tlike text,\n\texclude using,\n\tx int DEFAULT 0,\n\tUNIQUE (a)\n",
	    "SELECT rowid, a, like, exclude, x FROM t;" } },
	{ "CREATE TABLE t (LIKE u INCLUDING ALL, exclude int, EXCLUDE USING gist (a WITH "
	  "=), EXCLUDE (a WITH =));",
	  "DROP TABLE t;",
	  TROUBLE_DROPPED_EARLY,
	  false,
	  { "(\n\texclude int,\n\tLIKE u INCLUDING ALL,\n\tEXCLUDE USING gist (a WITH "
	    "=),\n\tEXCLUDE (a WITH =)\n)" } },
	/* what is computed is not copied, options stay, a trigger is for a person */
	{ "CREATE TABLE t (a int, b int AS (a + 1), PRIMARY KEY (a)) WITHOUT ROWID;"
	  "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET a = 1; DELETE FROM t; "
	  "END;",
	  "ALTER TABLE t ADD c int NOT NULL DEFAULT 1;",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { ") WITHOUT ROWID;", "SELECT a, c FROM t;", "<fill in: CREATE TRIGGER g ",
	    "\tPRIMARY KEY (a)\n)" } },
	/* however far AS ( stands behind the type; a default may have the word, too */
	{ "CREATE TABLE t (a int, b text COLLATE nocase GENERATED ALWAYS AS (a), c int "
	  "NOT "
	  "NULL AS (a), d text DEFAULT (CAST(1 AS text)) REFERENCES \"as\" (e), f int "
	  "DEFAULT 'as ()');",
	  "ALTER TABLE t ADD g int NOT NULL DEFAULT 1;",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "SELECT rowid, a, d, f, g FROM t;" } },
	/* what the table has is compared before it is dropped */
	{ "CREATE TABLE main.\"it's\" (a int);",
	  "ALTER TABLE main.\"it's\" ADD c int NOT NULL DEFAULT 1;",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "CREATE TEMP TABLE \"it's_lacks\" (",
	    "FROM pragma_table_xinfo('it''s')\nEXCEPT",
	    "FROM pragma_table_xinfo('it''s_new');\nDROP TABLE "
	    "\"it's_lacks\";\nINSERT" } },
	/* rowids that other tables may keep stay the same, where there are any */
	{ "CREATE TABLE t (a int PRIMARY KEY);",
	  "ALTER TABLE t ADD c int NOT NULL DEFAULT 1;",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "INSERT INTO t_new (rowid, a, c)\nSELECT rowid, a, c FROM t;" } },
	{ "CREATE TABLE t (a int, RowId text);",
	  "ALTER TABLE t ADD c int NOT NULL DEFAULT 1;",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "SELECT a, RowId, c FROM t;" } },
	{ "CREATE TABLE t (a Integer CONSTRAINT k PRIMARY KEY);",
	  "ALTER TABLE t ADD c int NOT NULL DEFAULT 1;",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "SELECT a, c FROM t;" } },
	/* its name is taken by another one */
	{ "CREATE TABLE t (a int);",
	  "DROP TABLE t; CREATE TABLE t (b text);",
	  TROUBLE_DROPPED_EARLY,
	  true,
	  { "<fill in: CREATE TABLE with the definition that is right" } },
	/* the constraint goes, the type of the column stays */
	{ "CREATE TABLE t (a text);",
	  "CREATE TABLE n (a int CHECK (a > 0)); INSERT INTO n SELECT a FROM t; "
	  "DROP TABLE t; ALTER TABLE n RENAME TO t;",
	  TROUBLE_BAD_CONSTRAINT,
	  true,
	  { "(\n\ta int\n);" } },
	/* numbers of a new sequence are no values */
	{ "CREATE TABLE t (a int, n BigSerial);",
	  "ALTER TABLE t ALTER n TYPE smallint USING n / 100;",
	  TROUBLE_LOSSY_TYPE,
	  false,
	  { "ADD COLUMN n_restored bigint;" } },
	{ "CREATE TABLE t (a int, n serial);",
	  "ALTER TABLE t RENAME n TO m;",
	  TROUBLE_RENAMED,
	  false,
	  { "ADD COLUMN n_again integer;" } },
	{ "CREATE TABLE t (a int, n serial);",
	  "DROP TABLE t;",
	  TROUBLE_DROPPED_EARLY,
	  false,
	  { "\tn serial\n" } },
	/* rights go with the table, and are none of the view's */
	{ "CREATE TABLE t (a int);",
	  "ALTER TABLE t RENAME TO u;",
	  TROUBLE_RENAMED,
	  false,
	  { "CREATE VIEW t AS SELECT * FROM u;\n<fill in: GRANT on t " } },
	{ "CREATE TABLE t (a int);",
	  "DROP TABLE t;",
	  TROUBLE_DROPPED_EARLY,
	  false,
	  { "<fill in: GRANT on t " } },
	{ "CREATE TABLE t (a int);",
	  "ALTER TABLE t RENAME TO u;",
	  TROUBLE_RENAMED,
	  true,
	  { "CREATE VIEW t AS SELECT * FROM u;\n", "!GRANT" } },
	/* a table that is renamed stays in its schema, a stranger keeps its own */
	{ "CREATE TABLE \"A b\".t (a int); CREATE TABLE u (b varchar);",
	  "ALTER TABLE \"A b\".t RENAME TO u;",
	  TROUBLE_RENAMED,
	  false,
	  { "CREATE VIEW \"A b\".t AS SELECT * FROM \"A b\".u;" } },
	{ "CREATE TABLE s.t (a int); CREATE TABLE u (b varchar); ALTER TABLE s.t RENAME "
	  "TO "
	  "u; ALTER TABLE s.u ADD c text;",
	  "ALTER TABLE u ALTER b TYPE int;",
	  TROUBLE_LOSSY_TYPE,
	  false,
	  { "b_restored varchar;" } },
	{ "CREATE TABLE main.t (a int); ALTER TABLE main.t RENAME TO u;",
	  "ALTER TABLE u ADD c int NOT NULL DEFAULT 1;",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "DROP TABLE main.u;", "ALTER TABLE main.u_new RENAME TO u;" } },
	/* the counter goes with the rows, where there is one */
	{ "CREATE TABLE \"O'\"\"x\" (a INTEGER PRIMARY KEY AUTOINCREMENT);",
	  "ALTER TABLE \"O'\"\"x\" ADD c int NOT NULL DEFAULT 1;",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "\nDELETE FROM sqlite_sequence WHERE name = 'O''\"x_new';\n",
	    "SELECT 'O''\"x_new', seq FROM sqlite_sequence WHERE lower(name) = "
	    "lower('O''\"x');\nDROP TABLE" } },
	{ "CREATE TABLE t (a INTEGER PRIMARY KEY, autoincrement text CHECK "
	  "(autoincrement <> 'autoincrement'));",
	  "ALTER TABLE t ADD c int NOT NULL DEFAULT 1;",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "!sqlite_sequence" } },
	/* what the texts do not follow is for a person */
	{ "CREATE TABLE t (a int); ALTER TABLE t ALTER a ADD GENERATED ALWAYS AS "
	  "IDENTITY;",
	  "DROP TABLE t;",
	  TROUBLE_DROPPED_EARLY,
	  false,
	  { "<fill in: what ALTER TABLE changed" } },
	{ "CREATE TABLE t (a serial); ALTER TABLE t ALTER a DROP DEFAULT;",
	  "DROP TABLE t;",
	  TROUBLE_DROPPED_EARLY,
	  false,
	  { "<fill in: what ALTER TABLE changed" } },
	{ "CREATE TABLE t (a int CONSTRAINT k NOT NULL); ALTER TABLE t ALTER a DROP NOT "
	  "NULL;",
	  "DROP TABLE t;",
	  TROUBLE_DROPPED_EARLY,
	  false,
	  { "<fill in: what ALTER TABLE changed" } },
	/* defaults and NOT NULL are followed, whatever stands beside them */
	{ "CREATE TABLE t (a text DEFAULT 'q', b int DEFAULT NULL CHECK (b > 0), c int "
	  "NOT NULL DEFAULT (1 + 2) UNIQUE, d int); ALTER TABLE t ALTER a SET NOT NULL, "
	  "ALTER COLUMN b DROP DEFAULT, ALTER c DROP DEFAULT, ALTER d SET DEFAULT 7, "
	  "ALTER c SET DEFAULT null;",
	  "DROP TABLE t;",
	  TROUBLE_DROPPED_EARLY,
	  false,
	  { "(\n\ta text DEFAULT 'q' NOT NULL,\n\tb int CHECK (b > 0),\n\tc int NOT "
	    "NULL UNIQUE,\n\td int DEFAULT 7\n);",
	    "!<fill in: what ALTER" } },
	{ "CREATE TABLE t (a text DEFAULT 'q'::character varying NOT NULL, b bool, c int "
	  "NOT NULL); ALTER TABLE t ALTER a SET DEFAULT coalesce('a,b', NULL), ALTER b "
	  "SET DEFAULT 1 IS NULL; ALTER TABLE t ALTER c DROP NOT NULL, ALTER c SET NOT "
	  "NULL, ALTER c SET NOT NULL;",
	  "DROP TABLE t;",
	  TROUBLE_DROPPED_EARLY,
	  false,
	  { "(\n\ta text NOT NULL DEFAULT (coalesce('a,b', NULL)),\n\tb bool DEFAULT (1 "
	    "IS NULL),\n\tc int NOT NULL\n);",
	    "!<fill in: what ALTER" } },
	{ "CREATE TABLE t (a text, CONSTRAINT k CHECK (a > 'b')); ALTER TABLE t DROP "
	  "CONSTRAINT k;",
	  "DROP TABLE t;",
	  TROUBLE_DROPPED_EARLY,
	  false,
	  { "<fill in: what ALTER TABLE changed" } },
	{ "CREATE TABLE t (a text, b int); ALTER TABLE t ALTER a SET DATA TYPE int, "
	  "ALTER b "
	  "TYPE text, DROP b;",
	  "DROP TABLE t;",
	  TROUBLE_DROPPED_EARLY,
	  false,
	  { "!<fill in: what ALTER", "(\n\ta int\n);" } },
	/* texts that may have old names are for a person, too */
	{ "CREATE TABLE t (a int NOT NULL CHECK (a > 0));",
	  "ALTER TABLE t RENAME a TO b;",
	  TROUBLE_RENAMED,
	  true,
	  { "<fill in: the new names" } },
	{ "CREATE TABLE t (a int NOT NULL);",
	  "ALTER TABLE t RENAME a TO b;",
	  TROUBLE_RENAMED,
	  true,
	  { "!<fill in:", "ALTER TABLE t ADD COLUMN a int;" } },
	/* the name that the server gives a constraint, where it is certain */
	{ PEOPLE,
	  "ALTER TABLE people ADD UNIQUE (name);",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { "DROP CONSTRAINT people_name_key;" } },
	{ PEOPLE,
	  "ALTER TABLE people ADD UNIQUE (name, id);",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { NO_NAME } },
	{ "CREATE TABLE \"O k\" (id int PRIMARY KEY, uid int);",
	  "ALTER TABLE \"O k\" ADD FOREIGN KEY (uid) REFERENCES u;",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { "DROP CONSTRAINT \"O k_uid_fkey\";" } },
	/* where something may have had that name before, another one was made */
	{ "CREATE TABLE o (id int PRIMARY KEY, uid int REFERENCES u);",
	  "ALTER TABLE o ADD FOREIGN KEY (uid) REFERENCES accounts;",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { NO_NAME } },
	{ PEOPLE "ALTER TABLE people ADD UNIQUE (name);",
	  "ALTER TABLE people ADD UNIQUE (name);",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { NO_NAME } },
	{ PEOPLE "CREATE INDEX people_name_key ON people (id);",
	  "ALTER TABLE people ADD UNIQUE (name);",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { NO_NAME } },
	{ PEOPLE "CREATE TABLE x (a int CONSTRAINT people_name_key CHECK (a > 0));",
	  "ALTER TABLE people ADD UNIQUE (name);",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { NO_NAME } },
	{ "CREATE TABLE t (a_b int); CREATE TABLE t_a (b int UNIQUE);",
	  "ALTER TABLE t ADD UNIQUE (a_b);",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { NO_NAME } },
	{ "CREATE TABLE t (a int, b int, c int); ALTER TABLE t RENAME c TO d;"
	  "CREATE INDEX i ON t (a); ALTER TABLE t RENAME b TO c;",
	  "ALTER TABLE t ADD UNIQUE (c);",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { NO_NAME } },
	{ "",
	  "ALTER TABLE t ADD UNIQUE (c);",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { NO_NAME } },
	{ PEOPLE,
	  "ALTER TABLE people ADD CONSTRAINT \"no\" CHECK (id > 0);",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { "DROP CONSTRAINT \"no\";" } },
	/* a name is made of what table and columns were called when it was made */
	{ "CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, uid "
	  "int REFERENCES u); ALTER TABLE t RENAME uid TO old_uid; ALTER TABLE t ADD uid "
	  "int;",
	  "ALTER TABLE t ADD FOREIGN KEY (uid) REFERENCES u;",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { NO_NAME } },
	{ "CREATE TABLE t (id int, mail text UNIQUE); ALTER TABLE t RENAME mail TO old; "
	  "ALTER TABLE t ADD mail text;",
	  "ALTER TABLE t ADD UNIQUE (mail);",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { NO_NAME } },
	{ "CREATE TABLE t (id int, mail text UNIQUE); ALTER TABLE t RENAME TO old; "
	  "CREATE TABLE t (mail text);",
	  "ALTER TABLE t ADD UNIQUE (mail);",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { NO_NAME } },
	{ "CREATE TABLE t (id int, x text); ALTER TABLE t ADD CONSTRAINT c UNIQUE (id); "
	  "ALTER TABLE t RENAME CONSTRAINT c TO \"t_x_key\";",
	  "ALTER TABLE t ADD UNIQUE (x);",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { NO_NAME } },
	{ "CREATE TABLE b (id int, mail text UNIQUE); CREATE TABLE t (LIKE b INCLUDING "
	  "ALL);",
	  "ALTER TABLE t ADD UNIQUE (mail);",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { NO_NAME } },
	{ "CREATE TABLE b (id int, mail text); CREATE TABLE t (likes int, mail text);",
	  "ALTER TABLE t ADD UNIQUE (mail);",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { "DROP CONSTRAINT t_mail_key;" } },
	/* SQLite writes the new name of a table into what refers to it */
	{ "CREATE TABLE t0 (id INTEGER PRIMARY KEY); CREATE TABLE k (id INTEGER PRIMARY "
	  "KEY, t INTEGER REFERENCES \"T0\"(id)); ALTER TABLE t0 RENAME TO t;",
	  "ALTER TABLE k ADD p text NOT NULL DEFAULT '';",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "<fill in: the new names in constraints and indexes below" } },
	{ "CREATE TABLE t (id INTEGER PRIMARY KEY, code text UNIQUE); CREATE TABLE k (t "
	  "text, CONSTRAINT f FOREIGN KEY (t) REFERENCES main.t (code)); ALTER TABLE t "
	  "RENAME code TO kode;",
	  "ALTER TABLE k ADD p text NOT NULL DEFAULT '';",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "<fill in: the new names in constraints and indexes below" } },
	{ "CREATE TABLE t0 (id INTEGER PRIMARY KEY, up INTEGER REFERENCES t0); ALTER "
	  "TABLE "
	  "t0 RENAME TO t;",
	  "ALTER TABLE t ADD p text NOT NULL DEFAULT '';",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "<fill in: the new names in constraints and indexes below" } },
	{ "CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TABLE u (id int); CREATE "
	  "TABLE k "
	  "(t INTEGER REFERENCES t); ALTER TABLE u RENAME TO v; ALTER TABLE v RENAME id "
	  "TO "
	  "t;",
	  "ALTER TABLE k ADD p text NOT NULL DEFAULT '';",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "!<fill in" } },
	/* what SQLite does where NOT NULL does not hold goes with it */
	{ "CREATE TABLE t (id int);",
	  "ALTER TABLE t ADD p text NOT NULL ON CONFLICT REPLACE DEFAULT 'x' UNIQUE ON "
	  "CONFLICT IGNORE;",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "\tp text DEFAULT 'x' UNIQUE ON CONFLICT IGNORE\n" } },
	/* AUTOINCREMENT in the constraint of the table counts; a column is no counter */
	{ "CREATE TABLE t (id INTEGER, PRIMARY KEY (id AUTOINCREMENT));",
	  "ALTER TABLE t ADD p text NOT NULL DEFAULT '';",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "DELETE FROM sqlite_sequence WHERE name = 't_new';" } },
	{ "CREATE TABLE t (autoincrement int, id int, PRIMARY KEY (id, autoincrement));",
	  "ALTER TABLE t ADD p text NOT NULL DEFAULT '';",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "!sqlite_sequence" } },
	/* the one INTEGER PRIMARY KEY that is not the rowid */
	{ "CREATE TABLE t (id INTEGER PRIMARY KEY DESC, desc text);",
	  "ALTER TABLE t ADD p text NOT NULL DEFAULT '';",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "SELECT rowid, id, desc, p FROM t;" } },
	{ "CREATE TABLE t (id INTEGER PRIMARY KEY ASC, desc text);",
	  "ALTER TABLE t ADD p text NOT NULL DEFAULT '';",
	  TROUBLE_REQUIRED_COLUMN,
	  true,
	  { "SELECT id, desc, p FROM t;" } },
	/* an index is in the schema of its table, one of that name in another is another
	 */
	{ PEOPLE,
	  "CREATE UNIQUE INDEX i ON \"A b\".people (name);",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { "DROP INDEX \"A b\".i;" } },
	{ PEOPLE,
	  "CREATE UNIQUE INDEX main.i ON people (name);",
	  TROUBLE_BAD_CONSTRAINT,
	  true,
	  { "DROP INDEX main.i;" } },
	{ PEOPLE,
	  "CREATE UNIQUE INDEX ON app.people (name);",
	  TROUBLE_BAD_CONSTRAINT,
	  false,
	  { "DROP INDEX <fill in: the name of the index>;" } },
	/* the index of a partitioned table is built piece by piece */
	{ "CREATE TABLE t (a int, partition int) PARTITION BY RANGE (a);",
	  "CREATE INDEX i ON t (a);",
	  TROUBLE_SLOW_DDL,
	  false,
	  { "\n<fill in: CREATE INDEX ON ONLY" } },
	{ "CREATE TABLE t (a int, partition int) WITH (fillfactor = 70);",
	  "CREATE INDEX i ON t (a);",
	  TROUBLE_SLOW_DDL,
	  false,
	  { "CREATE INDEX CONCURRENTLY i_concurrent ON t (a);" } },
	/* nothing is known: places to fill in, and no rest of a name */
	{ "",
	  "DO $$ BEGIN NULL; END $$;",
	  TROUBLE_REQUIRED_COLUMN,
	  false,
	  { "ALTER TABLE <fill in: the table> ALTER COLUMN <fill in: the column> "
	    "DROP" } },
	/* a name does not get out of a comment */
	{ "CREATE TABLE \"t\nDROP TABLE u; --\" (a int);",
	  "UPDATE \"t\nDROP TABLE u; --\" SET a = 1;",
	  TROUBLE_WRONG_BACKFILL,
	  false,
	  { "-- SELECT count(*) FROM \"t DROP TABLE u; --\" WHERE" } },
	/* what goes with the column is named, and SQLite does not drop it before that */
	{ "CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE NOT NULL, CHECK (a > \"a "
	  "b\")); CREATE INDEX i ON t (id); CREATE INDEX IF NOT EXISTS j ON t (id, "
	  "lower(A));",
	  "ALTER TABLE t ALTER a TYPE int;",
	  TROUBLE_LOSSY_TYPE,
	  false,
	  { "\n-- still needed: UNIQUE; CHECK (a > \"a b\"); CREATE INDEX IF NOT EXISTS "
	    "j "
	    "ON t (id, lower(A))\n-- Step 4",
	    "DROP FUNCTION keep_t_a();\n<fill in: delete this line once a_restored has "
	    "what goes with a: UNIQUE; CHECK",
	    "(id, lower(A))>;\nALTER TABLE t DROP COLUMN a;", "!DROP INDEX" } },
	{ "CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL CHECK (a <> 'b'), b int "
	  "CHECK (b <> 'a')); CREATE UNIQUE INDEX \"my i\" ON t (a); CREATE INDEX j ON t "
	  "(b);",
	  "ALTER TABLE t ALTER a TYPE int;",
	  TROUBLE_LOSSY_TYPE,
	  true,
	  { "a_restored has what goes with a: CHECK (a <> 'b'); CREATE UNIQUE INDEX \"my "
	    "i\" ON t (a)>;\nDROP INDEX \"my i\";\nALTER",
	    "!SQLite refuses", "!DROP INDEX j" } },
	{ "CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL, b int CHECK (b <> a));",
	  "ALTER TABLE t ALTER a TYPE int;",
	  TROUBLE_LOSSY_TYPE,
	  true,
	  { "DROP TRIGGER keep_t_a;\n<fill in: in the place of DROP COLUMN below, which "
	    "SQLite refuses here: t made anew without a>;" } },
	{ "CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE);",
	  "ALTER TABLE t ALTER a TYPE int;",
	  TROUBLE_LOSSY_TYPE,
	  true,
	  { "SQLite refuses here", "goes with a: UNIQUE>;" } },
	{ "CREATE TABLE t (id int PRIMARY KEY, a text, b text, UNIQUE (b));",
	  "ALTER TABLE t ALTER a TYPE int;",
	  TROUBLE_LOSSY_TYPE,
	  true,
	  { "DROP TRIGGER keep_t_a;\nALTER TABLE t DROP COLUMN a;", "!still needed",
	    "!delete this line", "!SQLite refuses" } },
	/* neither server drops a column that a view shows */
	{ "CREATE TABLE t (id int PRIMARY KEY, a text); CREATE VIEW v AS SELECT a FROM "
	  "t; "
	  "CREATE VIEW IF NOT EXISTS w AS SELECT * FROM t; CREATE VIEW x AS SELECT a "
	  "FROM "
	  "t; CREATE VIEW y AS SELECT id FROM t; DROP VIEW x;",
	  "ALTER TABLE t ALTER a TYPE int;",
	  TROUBLE_LOSSY_TYPE,
	  true,
	  { "keep_t_a;\n<fill in: DROP VIEW here, and CREATE VIEW without a behind DROP "
	    "COLUMN, or delete this line: v>;\nALTER TABLE t DROP" } },
	{ "CREATE TABLE s.t (id int PRIMARY KEY, a text); CREATE VIEW s.w AS SELECT * "
	  "FROM "
	  "s.t; CREATE OR REPLACE VIEW y AS SELECT a FROM s.t; CREATE OR REPLACE VIEW y "
	  "AS "
	  "SELECT id FROM s.t; CREATE VIEW z AS SELECT a FROM u;",
	  "ALTER TABLE s.t ALTER a TYPE int;",
	  TROUBLE_LOSSY_TYPE,
	  false,
	  { "or delete this line: s.w>;\nALTER TABLE s.t DROP" } },
	/* what cannot be split, and what never ends */
	{ "CREATE TABLE t (a int, b varchar(",
	  "UPDATE t SET (",
	  TROUBLE_SLOW_DDL,
	  true,
	  { "DROP INDEX <fill in: the name of the index>;" } },
};

static void write_remedy(const struct trial *t, struct buf *out)
{
	struct sql_catalog before = { 0 }, after = { 0 };
	struct sql_remedy r = { .before = &before, .now = &after, .sqlite = t->sqlite };
	const char *loss;
	int step;

	before.sqlite = after.sqlite = t->sqlite;
	sql_catalog_read(&before, t->before, strlen(t->before));
	sql_catalog_read(&after, t->before, strlen(t->before));
	sql_catalog_read(&after, t->broken, strlen(t->broken));
	sql_trouble_find(&before, &after, t->kind, &r.trouble);
	for (step = STEP_FIRST; step < STEP_NR; step++)
		sql_remedy_step(&r, (enum remedy_step)step, out);
	sql_remedy_contract(&r, out, &loss);
	sql_catalog_release(&before);
	sql_catalog_release(&after);
}

static void test_remedies(void **state UNUSED)
{
	struct buf out = BUF_INIT;
	const char *part;
	bool denied;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(trials); i++) {
		buf_reset(&out);
		write_remedy(&trials[i], &out);
		for (k = 0; k < ARRAY_SIZE(trials[i].has) && trials[i].has[k]; k++) {
			part = trials[i].has[k];
			denied = *part == '!';
			if ((strstr(out.s, part + denied) != NULL) == denied)
				fail_msg("remedy of \"%s\" %s \"%s\":\n%s",
					 trials[i].broken, denied ? "has" : "lacks",
					 part + denied, out.s);
		}
	}
	buf_release(&out);
}

/* A SQLite table that is made anew is no table that was dropped or renamed. */
static void test_rebuild_is_no_drop(void **state UNUSED)
{
	static const char rebuilt[] =
		"CREATE TABLE n (id int PRIMARY KEY, name text); INSERT INTO n SELECT * "
		"FROM people; DROP TABLE people; ALTER TABLE n RENAME TO people;";
	struct sql_catalog before = { 0 }, after = { 0 };
	struct sql_trouble t;
	size_t i;

	sql_catalog_read(&before, PEOPLE, strlen(PEOPLE));
	sql_catalog_read(&after, PEOPLE, strlen(PEOPLE));
	sql_catalog_read(&after, rebuilt, strlen(rebuilt));
	for (i = 0; i < TROUBLE_NR; i++)
		assert_false(
			sql_trouble_find(&before, &after, (enum sql_trouble_kind)i, &t));
	sql_catalog_read(&after, "DROP TABLE people;", 18);
	assert_true(sql_trouble_find(&before, &after, TROUBLE_DROPPED_EARLY, &t));
	sql_catalog_release(&before);
	sql_catalog_release(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remedies),
		cmocka_unit_test(test_rebuild_is_no_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
