/*
 * The same for CockroachDB, whose pg_catalog is a part of PostgreSQL's: what its
 * manual shows there, and no more. Rows as in pg_schema_sql.c. The last question may
 * fail where there are no functions of users yet.
 */
#include "base/compat.h"

#include "db/pg_schema.h"

/* clang-format off */
#define USERS(schema) \
	" " schema " NOT IN ('pg_catalog', 'information_schema', 'crdb_internal'," \
	" 'pg_extension', 'git_migrate')"

#define NAME(schema, name) "quote_ident(" schema ") || '.' || quote_ident(" name ")"

#define RELATION \
	"CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN" \
	" 'S' THEN 'sequence' ELSE 'table' END, " NAME("n.nspname", "c.relname")
#define RELATIONS \
	" pg_class AS c" \
	" JOIN pg_namespace AS n ON n.oid = c.relnamespace AND" USERS("n.nspname")

static const char schemas[] =
	"SELECT 'schema', quote_ident(nspname), NULL, NULL"
	" FROM pg_namespace"
	" WHERE" USERS("nspname") " AND nspname NOT LIKE 'pg_temp%'";

static const char relations[] =
	"SELECT " RELATION ", NULL, NULL"
	" FROM" RELATIONS
	" WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S')";

static const char columns[] =
	"SELECT " RELATION ", '1' || lpad(a.attnum::text, 9, '0'), 'column ' ||"
	" quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod) ||"
	" CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || COALESCE(' default '"
	" || pg_get_expr(d.adbin, d.adrelid), '')"
	" FROM pg_attribute AS a"
	" JOIN" RELATIONS " ON c.oid = a.attrelid"
	" LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
	" WHERE c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT"
	" a.attisdropped";

static const char constraints[] =
	"SELECT " RELATION ", '2', 'constraint ' || quote_ident(k.conname) || ' ' ||"
	" pg_get_constraintdef(k.oid)"
	" FROM pg_constraint AS k"
	" JOIN" RELATIONS " ON c.oid = k.conrelid";

static const char indexes[] =
	"SELECT 'table', " NAME("schemaname", "tablename") ", '3', 'index ' ||"
	" quote_ident(indexname) || ': ' || indexdef"
	" FROM pg_indexes"
	" WHERE" USERS("schemaname");

static const char views[] =
	"SELECT 'view', " NAME("schemaname", "viewname") ", '9', 'as ' || definition"
	" FROM pg_views"
	" WHERE" USERS("schemaname");

static const char enums[] =
	"SELECT 'enum', " NAME("n.nspname", "t.typname") ", '1' || lpad(row_number()"
	" OVER (PARTITION BY e.enumtypid ORDER BY e.enumsortorder)::text, 9, '0'),"
	" 'label ' || quote_literal(e.enumlabel)"
	" FROM pg_enum AS e"
	" JOIN pg_type AS t ON t.oid = e.enumtypid"
	" JOIN pg_namespace AS n ON n.oid = t.typnamespace"
	" WHERE" USERS("n.nspname");

static const char sequences[] =
	"SELECT 'sequence', " NAME("sequence_schema", "sequence_name")
	", '1', 'as ' || data_type || ' start ' || start_value || ' increment ' ||"
	" increment || ' minimum ' || minimum_value || ' maximum ' || maximum_value"
	" FROM information_schema.sequences"
	" WHERE" USERS("sequence_schema");

static const char grants[] =
	"SELECT 'table', " NAME("table_schema", "table_name") ", '7', 'grant ' ||"
	" privilege_type || ' to ' || quote_ident(grantee) || CASE is_grantable WHEN"
	" 'YES' THEN ' with grant option' ELSE '' END"
	" FROM information_schema.table_privileges"
	" WHERE" USERS("table_schema");

static const char functions[] =
	"SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, "
	NAME("n.nspname", "p.proname") " || '(' ||"
	" pg_get_function_identity_arguments(p.oid) || ')', '1',"
	" pg_get_functiondef(p.oid)"
	" FROM pg_proc AS p"
	" JOIN pg_namespace AS n ON n.oid = p.pronamespace"
	" WHERE" USERS("n.nspname");
/* clang-format on */

const struct pg_schema_question pg_schema_questions_cockroachdb[] = {
	{ schemas, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ALWAYS },
	{ relations, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ALWAYS },
	{ columns, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ALWAYS },
	{ constraints, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ALWAYS },
	{ indexes, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ALWAYS },
	{ views, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ALWAYS },
	{ enums, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ALWAYS },
	{ sequences, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ALWAYS },
	{ grants, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ALWAYS },
	{ functions, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ALWAYS },
	{ NULL, 0, 0, PG_SCHEMA_LINES, PG_PART_ALWAYS },
};
