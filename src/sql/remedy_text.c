#include "base/compat.h"

#include "sql/remedy_text.h"

/* What both engines do alike stands once. */
#define LOSSY_TYPE                                                                       \
	"-- Step 1: a column of the type that it had, beside the other one.\n"           \
	"ALTER TABLE @table@ ADD COLUMN @copy@ @old-type@;\n"                            \
	"-- Step 2, in a migration of its own, copies the values in batches.\n"          \
	"\n"                                                                             \
	"-- Where running code changes @column@ alone its copy is outdated, and goes.\n"

/* compared as texts: not every type has an operator for it */
#define PG_LOSSY_SYNC                                                                    \
	"CREATE FUNCTION @stem@() RETURNS trigger LANGUAGE plpgsql AS $$\n"              \
	"BEGIN\n"                                                                        \
	"	NEW.@copy@ := NULL;\n"                                                         \
	"	RETURN NEW;\n"                                                                 \
	"END\n"                                                                          \
	"$$;\n"                                                                          \
	"CREATE TRIGGER @stem@ BEFORE UPDATE ON @table@\n"                               \
	"FOR EACH ROW WHEN (NEW.@column@::text COLLATE \"C\"\n"                          \
	"		IS DISTINCT FROM OLD.@column@::text COLLATE \"C\"\n"                          \
	"	AND NEW.@copy@::text COLLATE \"C\"\n"                                          \
	"		IS NOT DISTINCT FROM OLD.@copy@::text COLLATE \"C\")\n"                       \
	"EXECUTE FUNCTION @stem@();\n"

#define SQLITE_LOSSY_SYNC                                                                \
	"CREATE TRIGGER @stem@ AFTER UPDATE OF @column@ ON @table@\n"                    \
	"WHEN NEW.@column@ IS NOT OLD.@column@ COLLATE binary\n"                         \
	"	AND NEW.@copy@ IS OLD.@copy@ COLLATE binary\n"                                 \
	"BEGIN\n"                                                                        \
	"	UPDATE @table@ SET @copy@ = NULL WHERE @row@;\n"                               \
	"END;\n"

#define LOSSY_OPTIONAL "-- The switched application leaves @column@ out.\n"

#define BATCHED "-- migrate: batch table=@table@ key=@key@ size=1000\n\n"

#define LOSSY_COPY                                                                       \
	BATCHED                                                                          \
	"-- Step 2: the values, turned into what they were. What the change of type\n"   \
	"-- has lost can only come from elsewhere: a backup, a log, another table.\n"    \
	"UPDATE @table@ SET @copy@ = <fill in: the value as it was, made from @column@ " \
	"or from where it still is>\n"                                                   \
	"WHERE :batch AND @column@ IS NOT NULL AND @copy@ IS NULL;\n"                    \
	"\n"                                                                             \
	"-- Step 3: to verify it. This must give 0:\n"                                   \
	"-- SELECT count(*) FROM @table@ WHERE @column@ IS NOT NULL AND @copy@ IS "      \
	"NULL;\n"                                                                        \
	"-- Then switch the application from @column@ to @copy@.\n"                      \
	"@lacks@"                                                                        \
	"-- Step 4, later: @column@ is dropped by a migration of its own (--contract "   \
	"writes it).\n"

#define PG_LOCK                                                                          \
	"LOCK TABLE @table@ IN ACCESS EXCLUSIVE MODE; -- or what is written now is not " \
	"seen\n"

#define PG_GUARD(hint)                                                                   \
	"DO $$\n"                                                                        \
	"BEGIN\n"                                                                        \
	"	IF EXISTS (SELECT FROM @table@ WHERE @column@ IS NOT NULL AND @copy@ "         \
	"IS NULL) THEN\n"                                                                \
	"		RAISE EXCEPTION 'there are values without a copy'" hint ";\n"    \
	"	END IF;\n"                                                                     \
	"END\n"                                                                          \
	"$$;\n"

#define SQLITE_GUARD(hint)                                                               \
	"CREATE TEMP TABLE @stem@ (\n"                                                   \
	"	value CONSTRAINT \"every value has its copy" hint "\" CHECK (false)\n"   \
	");\n"                                                                           \
	"INSERT INTO @stem@\n"                                                           \
	"SELECT @column@ FROM @table@ WHERE @column@ IS NOT NULL AND @copy@ IS NULL;\n"  \
	"DROP TABLE @stem@;\n"

#define WAY_OUT "git migrate fix @file@"

#define LOSSY_CONTRACT                                                                   \
	"-- Only once no running code uses @column@ any more. What it wrote since the\n" \
	"-- copy has none, and stops this here. What was cleared in @copy@ alone "       \
	"does,\n"                                                                        \
	"-- too. " WAY_OUT "\n"                                                          \
	"-- writes what copies it first, and takes the place of this; as long as this\n" \
	"-- can be changed, that can stand here as well.\n"

#define LOSSY_REST                                                                       \
	"-- Takes the place of a contract that stopped, and copies what has no copy: "   \
	"first.\n"                                                                       \
	"-- Only once no running code uses @column@ any more.\n"

/* what is cleared in one alone looks like what was never copied */
#define COPY_REST                                                                        \
	"UPDATE @table@ SET @column@ = NULL\n"                                           \
	"WHERE @column@ IS NOT NULL AND @copy@ IS NULL\n"                                \
	"	AND <fill in: which rows were cleared in the new column alone, or "            \
	"delete this "                                                                   \
	"statement>;\n"                                                                  \
	"UPDATE @table@ SET @copy@ = <fill in: the value as it was, made from @column@ " \
	"as in the copy>\n"                                                              \
	"WHERE @column@ IS NOT NULL AND @copy@ IS NULL;\n"

#define SQLITE_LOSSY_DROP                                                                \
	"DROP TRIGGER @stem@;\n"                                                         \
	"@unbind@"                                                                       \
	"ALTER TABLE @table@ DROP COLUMN @column@;\n"

#define PG_LOSSY_DROP                                                                    \
	"DROP TRIGGER @stem@ ON @table@;\n"                                              \
	"DROP FUNCTION @stem@();\n"                                                      \
	"@unbind@"                                                                       \
	"ALTER TABLE @table@ DROP COLUMN @column@;\n"

#define DROPPED                                                                          \
	"-- Back without constraints: rows written meanwhile have no value for it.\n"    \
	"ALTER TABLE @table@ ADD COLUMN @column@ @old-type@;\n"                          \
	"UPDATE @table@ SET @column@ = <fill in: the value, from where it can still be " \
	"had, else NULL>;\n"

/* in one transaction the copy would hold the lock of ALTER TABLE to its end */
#define PG_DROPPED                                                                       \
	"-- Back without constraints: rows written meanwhile have no value for it. It\n" \
	"-- gets its name last: where running code saw it without its values it would\n" \
	"-- write over them.\n"                                                          \
	"-- Step 1: the column under another name. Step 2, in a migration of its own,\n" \
	"-- gives it the values, in batches; step 3, in another one, its name.\n"        \
	"-- Where no value can be had any more, do without those two, and write\n"       \
	"-- @column@ below. Running code then finds NULL in every row.\n"                \
	"ALTER TABLE @table@ ADD COLUMN @again@ @old-type@;\n"

#define DROPPED_COPY                                                                     \
	BATCHED                                                                          \
	"-- Step 2: the values that can still be had. What they come from must not\n"    \
	"-- change until step 3 has run, or a trigger of step 1 must bring that over.\n" \
	"UPDATE @table@ SET @again@ = <fill in: the value, from where it can still be "  \
	"had, else NULL>\n"                                                              \
	"WHERE :batch AND @again@ IS NULL;\n"

#define DROPPED_NAME                                                                     \
	"-- Step 3: running code finds it under its name, with the values.\n"            \
	"ALTER TABLE @table@ RENAME COLUMN @again@ TO @column@;\n"

#define RENAMED_COPY                                                                     \
	BATCHED                                                                          \
	"-- Step 2: the values of rows that nobody has written to since.\n"              \
	"UPDATE @table@ SET @again@ = @to@\n"                                            \
	"WHERE :batch AND @again@ IS NULL AND @to@ IS NOT NULL;\n"                       \
	"\n"                                                                             \
	"-- To verify it. This must give 0:\n"                                           \
	"-- SELECT count(*) FROM @table@ WHERE @again@ IS NULL AND @to@ IS NOT NULL;\n"

#define DROPPED_TABLE                                                                    \
	"@rebuild@"                                                                      \
	"<fill in: INSERT INTO @table@ what can still be had from elsewhere, or delete " \
	"this line>;\n"

#define BACKFILL_VERIFY                                                                  \
	"\n"                                                                             \
	"-- To verify it. This must give 0:\n"                                           \
	"-- SELECT count(*) FROM @table@ WHERE (which rows have a wrong value);\n"

#define BACKFILL                                                                         \
	"UPDATE @table@ SET @column@ = <fill in: the right value>\n"                     \
	"WHERE <fill in: which rows have a wrong value, and those "                      \
	"alone>;\n" BACKFILL_VERIFY

#define BACKFILL_BATCHED                                                                 \
	"-- migrate: batch table=@table@ key=@key@ size=@size@\n"                        \
	"\n"                                                                             \
	"UPDATE @table@ SET @column@ = <fill in: the right value>\n"                     \
	"WHERE :batch AND (<fill in: which rows have a wrong value, and those "          \
	"alone>);\n" BACKFILL_VERIFY

#define BAD_INDEX                                                                        \
	"DROP INDEX @index@;\n"                                                          \
	"-- A constraint that is right is added by a migration of its own.\n"

#define GRANTS                                                                           \
	"<fill in: GRANT on @table@ what the roles of running code may do, or delete "   \
	"this line>;\n"

#define RENAMED_TABLE_VIEW "CREATE VIEW @table@ AS SELECT * FROM @to@;\n"

#define SQLITE_SYNC                                                                      \
	"\n"                                                                             \
	"-- Whichever name is written to, the other one follows. The old name has no\n"  \
	"-- default: what is there was written.\n"                                       \
	"CREATE TRIGGER @stem@_insert AFTER INSERT ON @table@\n"                         \
	"WHEN NEW.@column@ IS NOT NEW.@to@\n"                                            \
	"BEGIN\n"                                                                        \
	"	UPDATE @table@ SET @column@ = coalesce(NEW.@column@, NEW.@to@),\n"             \
	"		@to@ = coalesce(NEW.@column@, NEW.@to@) WHERE @row@;\n"                       \
	"END;\n"                                                                         \
	"CREATE TRIGGER @stem@_old AFTER UPDATE OF @column@ ON @table@\n"                \
	"WHEN NEW.@column@ IS NOT OLD.@column@ AND NEW.@column@ IS NOT NEW.@to@\n"       \
	"BEGIN\n"                                                                        \
	"	UPDATE @table@ SET @to@ = NEW.@column@ WHERE @row@;\n"                         \
	"END;\n"                                                                         \
	"CREATE TRIGGER @stem@_new AFTER UPDATE OF @to@ ON @table@\n"                    \
	"WHEN NEW.@to@ IS NOT OLD.@to@ COLLATE binary\n"                                 \
	"	AND NEW.@to@ IS NOT NEW.@column@ COLLATE binary\n"                             \
	"BEGIN\n"                                                                        \
	"	UPDATE @table@ SET @column@ = NEW.@to@ WHERE @row@;\n"                         \
	"END;\n"

#define OLD_NAME                                                                         \
	"-- The old name beside the new one, for as long as code of both kinds runs.\n"

#define SQLITE_RENAMED                                                                   \
	OLD_NAME "ALTER TABLE @table@ ADD COLUMN @column@ @old-type@;\n"                 \
		 "UPDATE @table@ SET @column@ = @to@;\n" SQLITE_SYNC

#define PG_RENAMED                                                                       \
	OLD_NAME                                                                         \
	"-- It comes last: where running code saw it without its values it "             \
	"would write over\n"                                                             \
	"-- them.\n"                                                                     \
	"-- Step 1: its column under another name, which follows the new one.\n"         \
	"-- Step 2, in a migration of its own, copies the values of the rows "           \
	"that are\n"                                                                     \
	"-- there, in batches, for which nobody has to wait; step 3, in "                \
	"another "                                                                       \
	"one, gives\n"                                                                   \
	"-- it the old name.\n"                                                          \
	"ALTER TABLE @table@ ADD COLUMN @again@ @old-type@;\n"                           \
	"CREATE FUNCTION @stem@() RETURNS trigger LANGUAGE plpgsql AS $$\n"              \
	"BEGIN\n"                                                                        \
	"	NEW.@again@ := NEW.@to@;\n"                                                    \
	"	RETURN NEW;\n"                                                                 \
	"END\n"                                                                          \
	"$$;\n"                                                                          \
	"CREATE TRIGGER @stem@ BEFORE INSERT OR UPDATE ON @table@\n"                     \
	"FOR EACH ROW EXECUTE FUNCTION @stem@();\n"

/* compared byte by byte: not every type has =, and to some Ann = ANN */
#define RENAMED_NAME                                                                     \
	"-- Step 3: what has no copy, as where triggers were off: mostly nothing.\n"     \
	"UPDATE @table@ SET @again@ = @to@ WHERE @again@ IS NULL AND @to@ IS NOT "       \
	"NULL;\n"                                                                        \
	"-- Running code finds the old name, with the values.\n"                         \
	"ALTER TABLE @table@ RENAME COLUMN @again@ TO @column@;\n"                       \
	"\n"                                                                             \
	"-- Whichever name is written to, the other one follows.\n"                      \
	"CREATE OR REPLACE FUNCTION @stem@() RETURNS trigger LANGUAGE plpgsql AS $$\n"   \
	"BEGIN\n"                                                                        \
	"	IF TG_OP = 'INSERT' THEN\n"                                                    \
	"		-- The old name has no default: what is there was written.\n"                 \
	"		NEW.@to@ := coalesce(NEW.@column@, NEW.@to@);\n"                              \
	"		NEW.@column@ := NEW.@to@;\n"                                                  \
	"	ELSIF record_image_ne(ROW(NEW.@column@), ROW(OLD.@column@)) THEN\n"            \
	"		NEW.@to@ := NEW.@column@;\n"                                                  \
	"	ELSE\n"                                                                        \
	"		NEW.@column@ := NEW.@to@;\n"                                                  \
	"	END IF;\n"                                                                     \
	"	RETURN NEW;\n"                                                                 \
	"END\n"                                                                          \
	"$$;\n"

/* [0]: PostgreSQL and its kin, [1]: SQLite */
static const char *const texts[CASE_NR][2] = {
	[CASE_LOSSY_TYPE] = { LOSSY_TYPE PG_LOSSY_SYNC, LOSSY_TYPE SQLITE_LOSSY_SYNC },
	[CASE_LOSSY_REQUIRED] = { LOSSY_OPTIONAL
				  "ALTER TABLE @table@ ALTER COLUMN @column@ DROP NOT "
				  "NULL;\n" LOSSY_TYPE PG_LOSSY_SYNC,
				  LOSSY_OPTIONAL
				  "@rebuild@" LOSSY_TYPE SQLITE_LOSSY_SYNC },
	[CASE_REQUIRED] = { "-- Code that does not know the column can insert rows "
			    "again; all values stay.\n"
			    "ALTER TABLE @table@ ALTER COLUMN @column@ DROP NOT NULL;\n",
			    "-- Code that does not know @column@ can insert rows again; "
			    "all values stay.\n"
			    "-- ALTER TABLE cannot do it: the table is made anew.\n"
			    "@rebuild@" },
	[CASE_RENAMED] = { PG_RENAMED, SQLITE_RENAMED },
	/* a trigger of SQLite comes after NOT NULL was judged: the rebuild lifts it */
	[CASE_RENAMED_REQUIRED] = { PG_RENAMED,
				    "-- Rows of code that knows the old name alone have "
				    "no @to@ at first.\n"
				    "@rebuild@" SQLITE_RENAMED },
	[CASE_RENAMED_TABLE] = { "-- The old name as a view, which is read and written "
				 "like a table.\n" RENAMED_TABLE_VIEW GRANTS,
				 "-- The old name as a view, for code that "
				 "reads.\n" RENAMED_TABLE_VIEW
				 "<fill in: INSTEAD OF triggers on @table@ where running "
				 "code writes to it, or delete this line>;\n" },
	[CASE_DROPPED] = { PG_DROPPED, DROPPED },
	[CASE_DROPPED_TABLE] = { DROPPED_TABLE GRANTS, DROPPED_TABLE },
	[CASE_BAD_CONSTRAINT] = { "ALTER TABLE @table@ DROP CONSTRAINT @constraint@;\n"
				  "-- One that is right is added by a migration of its "
				  "own: NOT VALID first,\n"
				  "-- then VALIDATE CONSTRAINT, which blocks nobody.\n",
				  "-- ALTER TABLE cannot do it: the table is made anew, "
				  "without the constraint.\n"
				  "@rebuild@" },
	[CASE_BAD_INDEX] = { BAD_INDEX, BAD_INDEX },
	[CASE_BACKFILL] = { BACKFILL, BACKFILL },
	[CASE_BACKFILL_BATCHED] = { BACKFILL_BATCHED, BACKFILL_BATCHED },
	[CASE_SLOW] = { "-- migrate: no-transaction\n"
			"\n"
			"-- The same index under another name, built while others write; "
			"the first one\n"
			"-- goes in a migration of its own (--contract writes it).\n"
			"@statement@;\n",
			"-- SQLite builds an index in one go, and nobody writes "
			"meanwhile: where that\n"
			"-- or its upkeep is too slow, do without it, or with one of "
			"fewer rows.\n"
			"DROP INDEX @index@;\n"
			"<fill in: CREATE INDEX with a WHERE that leaves most rows out, "
			"or delete this line>;\n" },
	[CASE_REST] = { LOSSY_REST PG_LOCK COPY_REST PG_GUARD("") PG_LOSSY_DROP,
			LOSSY_REST COPY_REST SQLITE_GUARD("") SQLITE_LOSSY_DROP },
};

/* [0]: PostgreSQL and its kin, [1]: SQLite, where all writers wait for any lock */
static const char *const copies[CASE_NR][2] = {
	[CASE_LOSSY_TYPE] = { LOSSY_COPY, LOSSY_COPY },
	[CASE_LOSSY_REQUIRED] = { LOSSY_COPY, LOSSY_COPY },
	[CASE_RENAMED] = { RENAMED_COPY, NULL },
	[CASE_RENAMED_REQUIRED] = { RENAMED_COPY, NULL },
	[CASE_DROPPED] = { DROPPED_COPY, NULL },
};

static const char *const names[CASE_NR] = {
	[CASE_RENAMED] = RENAMED_NAME,
	[CASE_RENAMED_REQUIRED] = RENAMED_NAME,
	[CASE_DROPPED] = DROPPED_NAME,
};

const char *remedy_text(enum remedy_case which, enum remedy_step step, bool sqlite)
{
	switch (step) {
	case STEP_FIRST:
		return texts[which][sqlite];
	case STEP_COPY:
		return copies[which][sqlite];
	case STEP_NAME:
		return sqlite ? NULL : names[which];
	case STEP_NR:
		break;
	}
	BUG("unhandled step %d", (int)step);
}

const char *remedy_contract_text(enum remedy_case which, bool sqlite, const char **loss)
{
	switch (which) {
	case CASE_LOSSY_TYPE:
	case CASE_LOSSY_REQUIRED:
		*loss = "the values of the column that has the wrong type";
		return sqlite ? LOSSY_CONTRACT SQLITE_GUARD(
					"; " WAY_OUT " writes what copies the others")
					SQLITE_LOSSY_DROP
			      : LOSSY_CONTRACT PG_LOCK PG_GUARD(
					" USING\n"
					"			HINT = '" WAY_OUT
					" writes what copies them first.'") PG_LOSSY_DROP;
	case CASE_RENAMED:
	case CASE_RENAMED_REQUIRED:
		*loss = "none: the column of the new name has the same values";
		return sqlite ? "-- Only once no running code uses @column@ any more.\n"
				"DROP TRIGGER @stem@_insert;\n"
				"DROP TRIGGER @stem@_old;\n"
				"DROP TRIGGER @stem@_new;\n"
				"ALTER TABLE @table@ DROP COLUMN @column@;\n"
			      : "-- Only once no running code uses @column@ any more.\n"
				"DROP TRIGGER @stem@ ON @table@;\n"
				"DROP FUNCTION @stem@();\n"
				"ALTER TABLE @table@ DROP COLUMN @column@;\n";
	case CASE_RENAMED_TABLE:
		*loss = "none: the table has all rows";
		return "-- Only once no running code uses @table@ any more.\n"
		       "DROP VIEW @table@;\n";
	case CASE_SLOW:
		*loss = "none: the new index has the same entries";
		return sqlite ? NULL
			      : "-- migrate: no-transaction\n"
				"\n"
				"-- Only once the new index is there and valid.\n"
				"DROP INDEX CONCURRENTLY @index@;\n";
	case CASE_REQUIRED:
	case CASE_DROPPED:
	case CASE_DROPPED_TABLE:
	case CASE_BAD_CONSTRAINT:
	case CASE_BAD_INDEX:
	case CASE_BACKFILL:
	case CASE_BACKFILL_BATCHED:
	case CASE_REST:
		return NULL;
	case CASE_NR:
		break;
	}
	BUG("unhandled case %d", (int)which);
}
