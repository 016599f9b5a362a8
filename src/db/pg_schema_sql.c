/*
 * The questions to PostgreSQL's catalogs that describe a schema. Each row is a kind,
 * a name, a rank and a line (schema_add). Asked with a search_path of pg_catalog
 * alone, so that the server's own functions write all other names with their schema.
 *
 * What would differ after a dump and a restore has no place here: object ids, numbers
 * of columns (dropped ones leave gaps), owners, values of sequences, data. Nor have
 * subscriptions and user mappings, whose options are passwords.
 */
#include "base/compat.h"

#include "db/pg_schema.h"

/* clang-format off */

/* Schemas of users: the tracker's own is not theirs. */
#define USERS(n) \
	" " n ".nspname !~ '^pg_' AND " n ".nspname NOT IN ('information_schema'," \
	" 'git_migrate')"

/*
 * Not part of an extension, whose version says what it brings. Read once, by what is
 * depended on: asked of each object, that was a tenth of all.
 */
#define OWN(class, oid) \
	" " oid " NOT IN (SELECT dep.objid" \
	" FROM pg_depend AS dep" \
	" WHERE dep.refclassid = 'pg_extension'::regclass AND dep.classid = '" class \
	"'::regclass AND dep.deptype = 'e')"

/* Not among what a new, empty database has. */
#define MADE(oid) " " oid " >= 16384"

#define NAME(n, name) "quote_ident(" n ".nspname) || '.' || quote_ident(" name ")"

/*
 * Kind and name of a relation `c` in schema `n`, and where they come from. What
 * there is most of has its object id alone, and NULL: that costs the server half.
 */
#define RELATION \
	"CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN" \
	" 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' ELSE" \
	" 'table' END, " NAME("n", "c.relname")
#define RELATIONS \
	" pg_class AS c" \
	" JOIN pg_namespace AS n ON n.oid = c.relnamespace AND" USERS("n")
#define OF_USERS " WHERE" OWN("pg_class", "c.oid")

#define TYPE \
	"CASE t.typtype WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' WHEN 'r' THEN" \
	" 'range' ELSE 'type' END, " NAME("n", "t.typname")

#define ROUTINE \
	"CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE" \
	" 'function' END, " NAME("n", "p.proname") " || '(' ||" \
	" pg_get_function_identity_arguments(p.oid) || ')'"
/* The constructors of range types come with the types. */
#define ROUTINES \
	" pg_proc AS p" \
	" JOIN pg_namespace AS n ON n.oid = p.pronamespace AND" USERS("n") \
	" AND NOT EXISTS (SELECT 1" \
	" FROM pg_depend AS dep" \
	" WHERE dep.classid = 'pg_proc'::regclass AND dep.objid = p.oid AND" \
	" dep.deptype IN ('e', 'i'))"

/* "name=value" texts, in an order of their own; " LABEL (...)" or nothing. */
#define LIST(array) \
	"(SELECT string_agg(o, ', ' ORDER BY o COLLATE \"C\")" \
	" FROM unnest(" array ") AS o)"
#define OPTIONS(label, array) \
	"CASE WHEN " array " IS NULL THEN '' ELSE COALESCE(' " label " (' || " \
	LIST(array) " || ')', '') END"

#define QUALIFIED(class, id, schema, name) \
	"(SELECT " NAME("qn", "q." name) \
	" FROM " class " AS q" \
	" JOIN pg_namespace AS qn ON qn.oid = q." schema \
	" WHERE q.oid = " id ")"

/* What nearly nothing has is looked up where it is had: joins take longer to plan. */
#define TABLESPACE(id) \
	"(SELECT quote_ident(s.spcname) FROM pg_tablespace AS s WHERE s.oid = " id ")"

#define FIRED(mode) \
	" || CASE " mode " WHEN 'O' THEN '' WHEN 'D' THEN ' (disabled)' WHEN 'R' THEN" \
	" ' (enabled: replica)' ELSE ' (enabled: always)' END"

static const char schemas[] =
	"SELECT 'schema', quote_ident(n.nspname), NULL, NULL"
	" FROM pg_namespace AS n"
	" WHERE" USERS("n") " AND" OWN("pg_namespace", "n.oid");

#define KINDS " c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')"

static const char relations[] =
	"SELECT " RELATION ", NULL, NULL, c.oid"
	" FROM" RELATIONS OF_USERS " AND" KINDS;

static const char views[] =
	"SELECT c.oid, NULL, '9', 'as ' || ltrim(pg_get_viewdef(c.oid))"
	" FROM pg_class AS c"
	" WHERE" MADE("c.oid") " AND c.relkind IN ('v', 'm')";

/* Relations with a detail, which nearly all have none of. */
#define DETAILED \
	MADE("c.oid") " AND" KINDS " AND (c.relkind IN ('p', 'f') OR c.relpersistence =" \
	" 'u' OR c.reloftype <> 0 OR c.relispartition OR c.reloptions IS NOT NULL OR" \
	" c.reltoastrelid IN (SELECT q.oid FROM pg_class AS q WHERE q.relkind = 't' AND" \
	" q.reloptions IS NOT NULL) OR c.reltablespace <> 0 OR (c.relkind = 'r' AND" \
	" c.relreplident <> 'd') OR c.relrowsecurity OR c.relforcerowsecurity OR" \
	" c.relam IN (SELECT am.oid FROM pg_am AS am WHERE am.amname <> 'heap'))"

static const char details[] =
	"SELECT c.oid, NULL, l.rank, l.line"
	" FROM pg_class AS c"
	" CROSS JOIN LATERAL (VALUES"
	" ('0a', CASE c.relpersistence WHEN 'u' THEN 'unlogged' END),"
	" ('0b', CASE WHEN c.reloftype <> 0 THEN 'of ' || format_type(c.reloftype,"
	" NULL) END),"
	" ('0c', CASE c.relkind WHEN 'p' THEN 'partition by ' ||"
	" pg_get_partkeydef(c.oid) END),"
	" ('0e', CASE WHEN c.relispartition THEN 'bound ' ||"
	" pg_get_expr(c.relpartbound, c.oid) END),"
	" ('0f', 'using ' || CASE WHEN c.relkind IN ('r', 'm', 'p') THEN (SELECT"
	" quote_ident(am.amname) FROM pg_am AS am WHERE am.oid = c.relam AND am.amname"
	" <> 'heap') END),"
	" ('0g', 'with (' || " LIST("c.reloptions") " || ')'),"
	" ('0h', 'toast with (' || (SELECT " LIST("q.reloptions") " FROM pg_class AS q"
	" WHERE q.oid = c.reltoastrelid AND q.relkind = 't') || ')'),"
	" ('0i', 'tablespace ' || " TABLESPACE("c.reltablespace") "),"
	" ('0j', CASE WHEN c.relkind IN ('r', 'p') THEN CASE c.relreplident WHEN 'n'"
	" THEN 'replica identity nothing' WHEN 'f' THEN 'replica identity full' END"
	" END),"
	" ('0k', CASE WHEN c.relrowsecurity THEN 'row level security' END),"
	" ('0l', CASE WHEN c.relforcerowsecurity THEN 'row level security for the"
	" owner too' END)) AS l (rank, line)"
	" WHERE" DETAILED " AND l.line IS NOT NULL";

static const char parents[] =
	"SELECT " RELATION ", '0d' || lpad(h.inhseqno::text, 5, '0'), CASE WHEN"
	" c.relispartition THEN 'partition of ' ELSE 'inherits ' END || "
	NAME("pn", "p.relname")
	" FROM pg_inherits AS h"
	" JOIN" RELATIONS " ON c.oid = h.inhrelid AND c.relkind IN ('r', 'p', 'f')"
	" JOIN pg_class AS p ON p.oid = h.inhparent"
	" JOIN pg_namespace AS pn ON pn.oid = p.relnamespace" OF_USERS;

/* Some servers count a column's changes among its options. */
#define OWN_COUNTERS_ASIDE \
	"CASE WHEN a.attoptions[2] IS NULL AND a.attoptions[1] LIKE 'pg\\_%'" \
	" THEN NULL ELSE (SELECT array_agg(w)" \
	" FROM unnest(a.attoptions) AS w" \
	" WHERE w NOT LIKE 'pg\\_%') END"

/*
 * What a column is computed from, and how it is compressed, is younger than some. Columns
 * that are the system's, and those of sequences, are told of where there are rights to
 * them alone: to look through all columns once more is a twentieth of the whole.
 */
#define COLUMNS(generated, compression) \
	"SELECT a.attrelid, a.attnum, CASE WHEN a.attnum > 0 AND c.relkind <> 'S' THEN" \
	" quote_ident(a.attname) END, ' ' ||" \
	" format_type(a.atttypid, a.atttypmod) ||" \
	" CASE WHEN a.attcollation <> t.typcollation THEN ' collate ' || " \
	QUALIFIED("pg_collation", "a.attcollation", "collnamespace", "collname") \
	" ELSE '' END || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || CASE" \
	" a.attidentity WHEN 'a' THEN ' generated always as identity' WHEN 'd' THEN '" \
	" generated by default as identity' ELSE '' END || CASE WHEN d.adbin IS NULL" \
	" THEN '' ELSE " generated " END || CASE" \
	" WHEN c.relkind = 'c' OR a.attstorage = t.typstorage THEN '' ELSE ' storage '" \
	" || CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'x'" \
	" THEN 'extended' ELSE 'main' END END || " compression \
	" || CASE WHEN a.attstattarget >= 0 THEN ' statistics ' || a.attstattarget" \
	" ELSE '' END || CASE WHEN a.attoptions IS NULL THEN '' ELSE " \
	OPTIONS("with", OWN_COUNTERS_ASIDE) " END || " \
	OPTIONS("options", "a.attfdwoptions") \
	", CASE WHEN a.attcollation > 100 THEN '' END, CASE WHEN a.attacl IS NOT NULL" \
	" THEN '' END" \
	" FROM pg_attribute AS a" \
	" JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v'," \
	" 'm', 'f', 'c', 'S') AND (c.relkind <> 'S' OR a.attacl IS NOT NULL)" \
	" JOIN pg_type AS t ON t.oid = a.atttypid" \
	" LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum" \
	" WHERE" MADE("a.attrelid") " AND (a.attnum > 0 OR a.attacl IS NOT NULL) AND" \
	" NOT a.attisdropped"

/* With a table to look into, each has to be opened: a default has no columns in it. */
#define DEFAULT "' default ' || pg_get_expr(d.adbin, 0)"
#define GENERATED \
	"CASE a.attgenerated WHEN '' THEN" DEFAULT "WHEN 's' THEN ' generated, stored:" \
	" ' || pg_get_expr(d.adbin, d.adrelid) ELSE ' generated: ' ||" \
	" pg_get_expr(d.adbin, d.adrelid) END"

static const char columns_11[] =
	COLUMNS(DEFAULT, "''");
static const char columns_12[] =
	COLUMNS(GENERATED, "''");
static const char columns_14[] =
	COLUMNS(GENERATED, "CASE a.attcompression WHEN 'p' THEN ' compression pglz' WHEN 'l' THEN ' compression lz4' ELSE '' END");

/*
 * Keys and checks as pg_get_constraintdef() writes them, of the usual kind: it reads
 * each one's row again, and the names of its columns one by one. Here the columns are
 * numbers, which pg_schema.c knows the names of. `odd` is what makes a key unusual on
 * some versions; it holds for all of them where a version's own form is not known.
 */
#define USUAL(odd) \
	"k.convalidated AND NOT k.condeferrable AND CASE k.contype WHEN 'c' THEN NOT" \
	" k.connoinherit WHEN 'f' THEN k.confmatchtype = 's' ELSE k.contype IN ('p'," \
	" 'u') AND i.relam = 403 AND x.indnatts = x.indnkeyatts END AND (" odd ") IS" \
	" NOT TRUE"

#define ACTION(on, which) \
	"CASE " which " WHEN 'a' THEN '' WHEN 'r' THEN ' ON " on " RESTRICT' WHEN 'c'" \
	" THEN ' ON " on " CASCADE' WHEN 'n' THEN ' ON " on " SET NULL' ELSE ' ON " on \
	" SET DEFAULT' END"

/*
 * What a partition has of its table's keys to others is made with it, under names
 * that go by the order in which partitions came.
 */
#define CONSTRAINTS(odd) \
	"SELECT k.conrelid, NULL, '2', 'constraint ' || quote_ident(k.conname) ||" \
	" CASE WHEN NOT u.usual THEN ' ' || pg_get_constraintdef(k.oid) ELSE CASE" \
	" k.contype WHEN 'c' THEN ' CHECK (' || pg_get_expr(k.conbin, k.conrelid) ||" \
	" ')' WHEN 'p' THEN ' PRIMARY KEY (' WHEN 'u' THEN ' UNIQUE (' ELSE ' FOREIGN" \
	" KEY (' END END, CASE WHEN u.usual AND k.contype <> 'c' THEN k.conkey END," \
	" CASE WHEN k.contype = 'f' THEN CASE WHEN u.usual THEN ') REFERENCES ' || " \
	NAME("fn", "f.relname") " || '(' END ELSE CASE WHEN u.usual AND k.contype <>" \
	" 'c' THEN ')' ELSE '' END || " OPTIONS("with", "i.reloptions") \
	" || CASE WHEN i.reltablespace <> 0 THEN ' tablespace ' || " \
	TABLESPACE("i.reltablespace") " ELSE '' END || CASE WHEN" \
	" x.indisclustered THEN ' (clustered)' ELSE '' END || CASE WHEN" \
	" x.indisreplident THEN ' (replica identity)' ELSE '' END END, CASE WHEN" \
	" u.usual AND k.contype = 'f' THEN k.confrelid END, k.confkey, CASE WHEN u.usual" \
	" AND k.contype = 'f' THEN ')' || " ACTION("UPDATE", "k.confupdtype") " || " \
	ACTION("DELETE", "k.confdeltype") " END" \
	" FROM pg_constraint AS k" \
	" LEFT JOIN pg_index AS x ON x.indexrelid = k.conindid AND k.contype IN ('p'," \
	" 'u', 'x')" \
	" LEFT JOIN pg_class AS i ON i.oid = x.indexrelid" \
	" LEFT JOIN pg_class AS f ON f.oid = k.confrelid AND f.relkind IN ('r', 'p')" \
	" LEFT JOIN pg_namespace AS fn ON fn.oid = f.relnamespace" \
	" CROSS JOIN LATERAL (SELECT (" USUAL(odd) ") IS TRUE) AS u (usual)" \
	" WHERE" MADE("k.conrelid") " AND k.contype <> 't' AND NOT (k.contype = 'f'" \
	" AND k.conparentid <> 0)"

static const char constraints_11[] =
	CONSTRAINTS("false");
static const char constraints_15[] =
	CONSTRAINTS("x.indnullsnotdistinct OR k.confdelsetcols IS NOT NULL");
static const char constraints_18[] =
	CONSTRAINTS("true");

static const char domain_constraints[] =
	"SELECT " TYPE ", '2', 'constraint ' || quote_ident(k.conname) || ' ' ||"
	" pg_get_constraintdef(k.oid)"
	" FROM pg_constraint AS k"
	" JOIN pg_type AS t ON t.oid = k.contypid"
	" JOIN pg_namespace AS n ON n.oid = t.typnamespace"
	" WHERE k.contypid <> 0 AND" USERS("n") " AND" OWN("pg_type", "t.oid");

/*
 * Plain b-trees are written as keys are. Whether a column's operator class is the one
 * that is not named hangs on its type. Of these it always is: the default of a type
 * that no other type with a default of its own, and no user's, can stand in for (as
 * bit can for varbit).
 */
#define USUAL_CLASSES \
	"ARRAY(SELECT o.oid" \
	" FROM pg_opclass AS o" \
	" JOIN pg_type AS t ON t.oid = o.opcintype AND t.typtype = 'b'" \
	" WHERE o.opcmethod = 403 AND o.opcdefault AND o.opckeytype = 0 AND NOT EXISTS" \
	" (SELECT 1" \
	" FROM pg_cast AS k" \
	" WHERE k.casttarget = o.opcintype AND k.castmethod = 'b' AND k.castcontext =" \
	" 'i' AND (k.castsource >= 16384 OR EXISTS (SELECT 1" \
	" FROM pg_opclass AS own" \
	" WHERE own.opcmethod = 403 AND own.opcdefault AND own.opcintype =" \
	" k.castsource))))"

/* Tables with a column whose collation is not its database's. */
#define COLLATED \
	"SELECT a.attrelid" \
	" FROM pg_attribute AS a" \
	" WHERE" MADE("a.attrelid") " AND a.attcollation > 100"

/* `odd` as with keys. */
#define PLAIN(odd) \
	"i.relkind = 'i' AND i.relam = 403 AND x.indexprs IS NULL AND x.indnatts =" \
	" x.indnkeyatts AND i.reloptions IS NULL AND 0 = ALL (x.indoption::int2[]) AND" \
	" NOT (" odd ") AND x.indclass::oid[] <@ " USUAL_CLASSES " AND" \
	" x.indcollation::oid[] <@ '{0,100}'::oid[]"

/*
 * Those of constraints stand with them. `plain` says which are written here, `also` which
 * are asked for.
 */
#define INDEXES(plain, also) \
	"SELECT x.indrelid, NULL, '3', 'index ' || quote_ident(i.relname) || ':" \
	" ' || CASE WHEN p.plain THEN CASE WHEN x.indisunique THEN 'CREATE UNIQUE" \
	" INDEX ' ELSE 'CREATE INDEX ' END || quote_ident(i.relname) || ' ON ' || " \
	NAME("n", "c.relname") " || ' USING btree (' ELSE" \
	" pg_get_indexdef(x.indexrelid) END, CASE WHEN p.plain THEN x.indkey END, CASE" \
	" WHEN p.plain THEN ')' || COALESCE(' WHERE ' || pg_get_expr(x.indpred," \
	" x.indrelid), '') ELSE '' END || CASE WHEN i.reltablespace = 0 THEN '' ELSE" \
	" ' tablespace ' || " TABLESPACE("i.reltablespace") " END || CASE WHEN" \
	" x.indisclustered THEN ' (clustered)' ELSE '' END || CASE WHEN" \
	" x.indisreplident THEN ' (replica identity)' ELSE '' END || CASE WHEN" \
	" x.indisvalid THEN '' ELSE ' (invalid)' END || CASE WHEN i.relispartition THEN" \
	" COALESCE(' (part of ' || (SELECT " QUALIFIED("pg_class", "h.inhparent", \
						      "relnamespace", "relname") \
	" FROM pg_inherits AS h" \
	" WHERE h.inhrelid = x.indexrelid) || ')', '') ELSE '' END, NULL, NULL, NULL" \
	" FROM pg_index AS x" \
	" JOIN pg_class AS c ON c.oid = x.indrelid AND c.relkind IN ('r', 'p', 'm')" \
	" JOIN pg_namespace AS n ON n.oid = c.relnamespace" \
	" JOIN pg_class AS i ON i.oid = x.indexrelid" \
	" CROSS JOIN LATERAL (SELECT " plain " OFFSET 0) AS p (plain)" \
	" WHERE" MADE("x.indrelid") " AND x.indexrelid NOT IN (SELECT k.conindid" \
	" FROM pg_constraint AS k" \
	" WHERE k.contype IN ('p', 'u', 'x'))" also
#define PLAIN_ONES(odd) INDEXES(PLAIN(odd), "")
/* What would be plain, but for the collation of a column of its table. */
#define COLLATED_ONES(odd) \
	INDEXES("false", " AND " PLAIN(odd) " AND x.indrelid IN (" COLLATED ")")

static const char indexes_11[] =
	PLAIN_ONES("false");
static const char indexes_15[] =
	PLAIN_ONES("x.indnullsnotdistinct");
static const char collated_11[] =
	COLLATED_ONES("false");
static const char collated_15[] =
	COLLATED_ONES("x.indnullsnotdistinct");

static const char policies[] =
	"SELECT " RELATION ", '4', 'policy ' || quote_ident(p.polname) || CASE WHEN"
	" p.polpermissive THEN '' ELSE ' as restrictive' END || ' for ' || CASE"
	" p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN"
	" 'update' WHEN 'd' THEN 'delete' ELSE 'all' END || ' to ' || (SELECT"
	" string_agg(CASE r WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(r))"
	" END, ', ' ORDER BY pg_get_userbyid(r) COLLATE \"C\")"
	" FROM unnest(p.polroles) AS r) || COALESCE(' using (' ||"
	" pg_get_expr(p.polqual, p.polrelid) || ')', '') || COALESCE(' with check ('"
	" || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')"
	" FROM pg_policy AS p"
	" JOIN" RELATIONS " ON c.oid = p.polrelid" OF_USERS;

static const char triggers[] =
	"SELECT " RELATION ", '5', 'trigger ' || quote_ident(g.tgname) || ': ' ||"
	" pg_get_triggerdef(g.oid)" FIRED("g.tgenabled")
	" FROM pg_trigger AS g"
	" JOIN" RELATIONS " ON c.oid = g.tgrelid" OF_USERS " AND NOT g.tgisinternal"
	" UNION ALL SELECT " RELATION ", '6', 'rule ' || quote_ident(r.rulename) || ':"
	" ' || pg_get_ruledef(r.oid)" FIRED("r.ev_enabled")
	" FROM pg_rewrite AS r"
	" JOIN" RELATIONS " ON c.oid = r.ev_class" OF_USERS " AND r.rulename <>"
	" '_RETURN'"
	" UNION ALL SELECT 'event trigger', quote_ident(v.evtname), '1', 'on ' ||"
	" quote_ident(v.evtevent) || COALESCE(' when tag in (' || " LIST("v.evttags")
	" || ')', '') || ' execute function ' || v.evtfoid::regprocedure"
	FIRED("v.evtenabled")
	" FROM pg_event_trigger AS v"
	" WHERE" OWN("pg_event_trigger", "v.oid");

static const char functions[] =
	"SELECT " ROUTINE ", '1', rtrim(pg_get_functiondef(p.oid), E'\\n')"
	" FROM" ROUTINES " AND p.prokind <> 'a'";

#define FUNCTION(oid) "NULLIF(" oid "::oid, 0)::regprocedure::text"

static const char aggregates[] =
	"SELECT " ROUTINE ", l.rank, l.line"
	" FROM" ROUTINES
	" JOIN pg_aggregate AS g ON g.aggfnoid = p.oid"
	" LEFT JOIN pg_operator AS so ON so.oid = g.aggsortop"
	" LEFT JOIN pg_namespace AS sn ON sn.oid = so.oprnamespace"
	" CROSS JOIN LATERAL (VALUES"
	" ('0', concat_ws(', ', 'returns ' || pg_get_function_result(p.oid), 'kind '"
	" || g.aggkind::text, 'parallel ' || p.proparallel::text, 'volatile ' ||"
	" p.provolatile::text, 'direct arguments ' || g.aggnumdirectargs)),"
	" ('1', concat_ws(', ', 'state ' || format_type(g.aggtranstype, NULL),"
	" 'initially ' || quote_literal(g.agginitval), 'space ' || g.aggtransspace,"
	" 'by ' || " FUNCTION("g.aggtransfn") ")),"
	" ('2', 'final ' || " FUNCTION("g.aggfinalfn") " || ' (' ||"
	" g.aggfinalmodify::text || CASE WHEN g.aggfinalextra THEN ', extra)' ELSE ')'"
	" END),"
	" ('3', 'combined by ' || " FUNCTION("g.aggcombinefn") "),"
	" ('4', 'serialized by ' || " FUNCTION("g.aggserialfn") " || ' and ' || "
	FUNCTION("g.aggdeserialfn") "),"
	" ('5', CASE WHEN g.aggmtransfn <> 0 THEN concat_ws(', ', 'moving state ' ||"
	" format_type(g.aggmtranstype, NULL), 'initially ' ||"
	" quote_literal(g.aggminitval), 'space ' || g.aggmtransspace, 'by ' || "
	FUNCTION("g.aggmtransfn") ", 'inverse ' || " FUNCTION("g.aggminvtransfn")
	", 'final ' || " FUNCTION("g.aggmfinalfn") " || ' (' ||"
	" g.aggmfinalmodify::text || CASE WHEN g.aggmfinalextra THEN ', extra)' ELSE"
	" ')' END) END),"
	" ('6', 'sorted by ' || quote_ident(sn.nspname) || '.' || so.oprname)) AS l"
	" (rank, line)"
	" WHERE l.line IS NOT NULL";

static const char types[] =
	"SELECT " TYPE ", '1' || lpad(row_number() OVER (PARTITION BY e.enumtypid"
	" ORDER BY e.enumsortorder)::text, 9, '0'), 'label ' ||"
	" quote_literal(e.enumlabel)"
	" FROM pg_enum AS e"
	" JOIN pg_type AS t ON t.oid = e.enumtypid"
	" JOIN pg_namespace AS n ON n.oid = t.typnamespace"
	" WHERE" USERS("n") " AND" OWN("pg_type", "t.oid")
	" UNION ALL SELECT " TYPE ", '1', 'as ' || format_type(t.typbasetype,"
	" t.typtypmod) || CASE WHEN t.typcollation <> b.typcollation THEN ' collate '"
	" || " QUALIFIED("pg_collation", "t.typcollation", "collnamespace", "collname")
	" ELSE '' END || CASE WHEN t.typnotnull THEN ' not null' ELSE '' END ||"
	" COALESCE(' default ' || pg_get_expr(t.typdefaultbin, 0), ' default ' ||"
	" t.typdefault, '')"
	" FROM pg_type AS t"
	" JOIN pg_namespace AS n ON n.oid = t.typnamespace"
	" JOIN pg_type AS b ON b.oid = t.typbasetype"
	" WHERE t.typtype = 'd' AND" USERS("n") " AND" OWN("pg_type", "t.oid")
	" UNION ALL SELECT " TYPE ", '1', concat_ws(', ', 'of ' ||"
	" format_type(r.rngsubtype, NULL), 'operator class ' || "
	QUALIFIED("pg_opclass", "r.rngsubopc", "opcnamespace", "opcname")
	", 'collate ' || "
	QUALIFIED("pg_collation", "r.rngcollation", "collnamespace", "collname")
	", 'canonical ' || " FUNCTION("r.rngcanonical") ", 'difference ' || "
	FUNCTION("r.rngsubdiff") ", 'multirange ' || format_type((to_jsonb(r) ->>"
	" 'rngmultitypid')::oid, NULL))"
	" FROM pg_range AS r"
	" JOIN pg_type AS t ON t.oid = r.rngtypid"
	" JOIN pg_namespace AS n ON n.oid = t.typnamespace"
	" WHERE" USERS("n") " AND" OWN("pg_type", "t.oid")
	" UNION ALL SELECT " TYPE ", '1', CASE WHEN NOT t.typisdefined THEN 'shell'"
	" ELSE concat_ws(', ', 'input ' || t.typinput::regprocedure, 'output ' ||"
	" t.typoutput::regprocedure, 'receive ' || " FUNCTION("t.typreceive")
	", 'send ' || " FUNCTION("t.typsend") ", 'modifiers ' || "
	FUNCTION("t.typmodin") " || ' ' || " FUNCTION("t.typmodout") ", 'analyze ' || "
	FUNCTION("t.typanalyze") ", 'length ' || t.typlen, 'by value ' || t.typbyval,"
	" 'align ' || t.typalign::text, 'storage ' || t.typstorage::text, 'category '"
	" || t.typcategory::text || t.typispreferred, 'delimiter ' ||"
	" t.typdelim::text, 'collatable ' || (t.typcollation <> 0), 'default ' ||"
	" t.typdefault) END"
	" FROM pg_type AS t"
	" JOIN pg_namespace AS n ON n.oid = t.typnamespace"
	" WHERE t.typtype IN ('b', 'p') AND NOT EXISTS (SELECT 1"
	" FROM pg_type AS e"
	" WHERE e.typarray = t.oid) AND" USERS("n") " AND" OWN("pg_type", "t.oid");

static const char sequences[] =
	"SELECT " RELATION ", '1', 'as ' || format_type(s.seqtypid, NULL) || ' start '"
	" || s.seqstart || ' increment ' || s.seqincrement || ' minimum ' || s.seqmin"
	" || ' maximum ' || s.seqmax || ' cache ' || s.seqcache || CASE WHEN"
	" s.seqcycle THEN ' cycle' ELSE '' END || COALESCE(CASE d.deptype WHEN 'i'"
	" THEN ' identity of ' ELSE ' owned by ' END || " NAME("tn", "t.relname")
	" || '.' || quote_ident(a.attname), '')"
	" FROM pg_sequence AS s"
	" JOIN" RELATIONS " ON c.oid = s.seqrelid"
	" LEFT JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid ="
	" c.oid AND d.objsubid = 0 AND d.refclassid = 'pg_class'::regclass AND"
	" d.refobjsubid > 0 AND d.deptype IN ('a', 'i')"
	" LEFT JOIN pg_class AS t ON t.oid = d.refobjid"
	" LEFT JOIN pg_namespace AS tn ON tn.oid = t.relnamespace"
	" LEFT JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum ="
	" d.refobjsubid" OF_USERS;

static const char extensions[] =
	"SELECT 'extension', quote_ident(e.extname), '1', 'version ' ||"
	" quote_ident(e.extversion) || ' in ' || quote_ident(n.nspname)"
	" FROM pg_extension AS e"
	" JOIN pg_namespace AS n ON n.oid = e.extnamespace"
	" UNION ALL SELECT 'language', quote_ident(l.lanname), '1', concat_ws(', ',"
	" CASE WHEN l.lanpltrusted THEN 'trusted' END, 'handler ' || "
	FUNCTION("l.lanplcallfoid") ", 'inline ' || " FUNCTION("l.laninline")
	", 'validator ' || " FUNCTION("l.lanvalidator") ")"
	" FROM pg_language AS l"
	" WHERE" MADE("l.oid") " AND" OWN("pg_language", "l.oid");

#define WHO(oid, owner) \
	"CASE " oid " WHEN 0 THEN 'public' WHEN " owner " THEN 'its owner' ELSE" \
	" quote_ident(pg_get_userbyid(" oid ")) END"

/* What is as it is by default needs no line. */
#define GRANTS(list) \
	"WITH o (kind, name, rank, part, acl, usual, owner) AS (" list ") " \
	"SELECT o.kind," \
	" o.name, o.rank, CASE WHEN r.list IS NULL THEN 'nothing granted' || o.part" \
	" ELSE 'grant ' || r.list || o.part || ' to ' || " WHO("r.grantee", "o.owner") \
	" || CASE WHEN r.is_grantable THEN ' with grant option' ELSE '' END || CASE" \
	" WHEN r.grantor = o.owner THEN '' ELSE ' granted by ' ||" \
	" quote_ident(pg_get_userbyid(r.grantor)) END END" \
	" FROM o" \
	" LEFT JOIN LATERAL (SELECT x.grantee, x.grantor, x.is_grantable," \
	" string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type COLLATE \"C\")" \
	" AS list" \
	" FROM aclexplode(o.acl) AS x GROUP BY 1, 2, 3) AS r ON true" \
	" WHERE o.usual IS NULL OR NOT (o.acl @> o.usual AND o.acl <@ o.usual)"

static const char grants[] =
	GRANTS("SELECT " RELATION
	", '7', '', c.relacl, CASE c.relkind WHEN 'S' THEN acldefault('s', c.relowner)"
	" ELSE acldefault('r', c.relowner) END, c.relowner"
	" FROM" RELATIONS OF_USERS " AND c.relacl IS NOT NULL AND c.relkind IN ('r',"
	" 'p', 'v', 'm', 'f', 'S')"
	" UNION ALL SELECT " RELATION ", '8', ' on column ' || quote_ident(a.attname),"
	" a.attacl, '{}'::aclitem[], c.relowner"
	" FROM (SELECT attrelid, attname, attacl"
	" FROM pg_attribute"
	" WHERE" MADE("attrelid") " AND attacl IS NOT NULL AND NOT attisdropped"
	" OFFSET 0) AS a"
	" JOIN" RELATIONS " ON c.oid = a.attrelid" OF_USERS
	" UNION ALL SELECT " ROUTINE ", '7', '', p.proacl, acldefault('f',"
	" p.proowner), p.proowner"
	" FROM" ROUTINES " AND p.proacl IS NOT NULL"
	" UNION ALL SELECT " TYPE ", '7', '', t.typacl, acldefault('T', t.typowner),"
	" t.typowner"
	" FROM pg_type AS t"
	" JOIN pg_namespace AS n ON n.oid = t.typnamespace"
	" WHERE t.typacl IS NOT NULL AND" USERS("n") " AND" OWN("pg_type", "t.oid"));

/* Of those a new database has some already. */
static const char schema_grants[] =
	GRANTS("SELECT 'schema', quote_ident(n.nspname), '7', '', n.nspacl,"
	" acldefault('n', n.nspowner), n.nspowner"
	" FROM pg_namespace AS n"
	" WHERE n.nspacl IS NOT NULL AND" USERS("n") " AND" OWN("pg_namespace", "n.oid"));

static const char few_grants[] =
	GRANTS("SELECT 'foreign data wrapper', quote_ident(w.fdwname), '7', '',"
	" w.fdwacl, acldefault('F', w.fdwowner), w.fdwowner"
	" FROM pg_foreign_data_wrapper AS w"
	" WHERE w.fdwacl IS NOT NULL AND" OWN("pg_foreign_data_wrapper", "w.oid")
	" UNION ALL SELECT 'foreign server', quote_ident(s.srvname), '7', '',"
	" s.srvacl, acldefault('S', s.srvowner), s.srvowner"
	" FROM pg_foreign_server AS s"
	" WHERE s.srvacl IS NOT NULL AND" OWN("pg_foreign_server", "s.oid")
	" UNION ALL SELECT 'default rights', 'of ' ||"
	" quote_ident(pg_get_userbyid(d.defaclrole)) || COALESCE(' in ' ||"
	" quote_ident(n.nspname), ''), '7', ' on ' || CASE d.defaclobjtype WHEN 'r'"
	" THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T'"
	" THEN 'types' WHEN 'n' THEN 'schemas' ELSE 'large objects' END, d.defaclacl,"
	" NULL, d.defaclrole"
	" FROM pg_default_acl AS d"
	" LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace");

static const char comments[] =
	"SELECT 'comment', 'on ' || i.type || ' ' || i.identity, '1',"
	" quote_literal(d.description)"
	" FROM pg_description AS d"
	" CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS i"
	" WHERE" MADE("d.objoid") " AND d.classoid <> 'pg_extension'::regclass AND"
	" i.identity IS NOT NULL AND COALESCE(i.schema, '') <> 'git_migrate' AND"
	" i.identity <> 'git_migrate' AND i.identity NOT LIKE '% git_migrate.%' AND"
	" i.identity NOT LIKE 'git_migrate.%' AND NOT EXISTS (SELECT 1"
	" FROM pg_depend AS dep"
	" WHERE dep.classid = d.classoid AND dep.objid = d.objoid AND dep.deptype ="
	" 'e')";

static const char foreign_data[] =
	"SELECT 'foreign data wrapper', quote_ident(w.fdwname), '1', concat_ws(', ',"
	" 'handler ' || " FUNCTION("w.fdwhandler") ", 'validator ' || "
	FUNCTION("w.fdwvalidator") ", 'options (' || " LIST("w.fdwoptions") " || ')')"
	" FROM pg_foreign_data_wrapper AS w"
	" WHERE" OWN("pg_foreign_data_wrapper", "w.oid")
	" UNION ALL SELECT 'foreign server', quote_ident(s.srvname), '1', concat_ws(',"
	" ', 'wrapper ' || quote_ident(w.fdwname), 'type ' || s.srvtype, 'version ' ||"
	" s.srvversion, 'options (' || " LIST("s.srvoptions") " || ')')"
	" FROM pg_foreign_server AS s"
	" JOIN pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw"
	" WHERE" OWN("pg_foreign_server", "s.oid")
	" UNION ALL SELECT " RELATION ", '0m', 'server ' || quote_ident(s.srvname) || "
	OPTIONS("options", "f.ftoptions")
	" FROM pg_foreign_table AS f"
	" JOIN" RELATIONS " ON c.oid = f.ftrelid"
	" JOIN pg_foreign_server AS s ON s.oid = f.ftserver" OF_USERS;

static const char statistics[] =
	"SELECT 'statistics', " NAME("n", "s.stxname") ", '1',"
	" pg_get_statisticsobjdef(s.oid) || COALESCE(' target ' || NULLIF(to_jsonb(s)"
	" ->> 'stxstattarget', '-1'), '')"
	" FROM pg_statistic_ext AS s"
	" JOIN pg_namespace AS n ON n.oid = s.stxnamespace"
	" WHERE" USERS("n") " AND" OWN("pg_statistic_ext", "s.oid");

/* The columns of these differ by version: all, but for ids, owners, what the
   operating system says. */
#define ROW(alias, hidden) "(to_jsonb(" alias ") - ARRAY[" hidden "])::text"

static const char rare[] =
	"SELECT 'collation', " NAME("n", "l.collname") ", '1', "
	ROW("l", "'oid', 'collname', 'collnamespace', 'collowner', 'collversion'")
	" FROM pg_collation AS l"
	" JOIN pg_namespace AS n ON n.oid = l.collnamespace"
	" WHERE" USERS("n") " AND" OWN("pg_collation", "l.oid")
	" UNION ALL SELECT 'operator', o.oprnamespace::regnamespace || '.' ||"
	" o.oprname || ' (' || CASE WHEN o.oprleft = 0 THEN 'none' ELSE"
	" format_type(o.oprleft, NULL) END || ', ' || format_type(o.oprright, NULL) ||"
	" ')', '1', concat_ws(', ', 'function ' || " FUNCTION("o.oprcode")
	", 'returns ' || format_type(o.oprresult, NULL), 'commutator ' ||"
	" NULLIF(o.oprcom, 0)::regoperator, 'negator ' || NULLIF(o.oprnegate,"
	" 0)::regoperator, 'restrict ' || " FUNCTION("o.oprrest") ", 'join ' || "
	FUNCTION("o.oprjoin") ", CASE WHEN o.oprcanmerge THEN 'merges' END, CASE WHEN"
	" o.oprcanhash THEN 'hashes' END)"
	" FROM pg_operator AS o"
	" WHERE" MADE("o.oid") " AND" OWN("pg_operator", "o.oid")
	" UNION ALL SELECT 'cast', format_type(k.castsource, NULL) || ' as ' ||"
	" format_type(k.casttarget, NULL), '1', concat_ws(', ', 'function ' || "
	FUNCTION("k.castfunc") ", 'context ' || k.castcontext::text, 'method ' ||"
	" k.castmethod::text)"
	" FROM pg_cast AS k"
	" WHERE" MADE("k.oid") " AND" OWN("pg_cast", "k.oid");

#define PUBLICATIONS(part) \
	"SELECT 'publication', quote_ident(p.pubname), '1', " \
	ROW("p", "'oid', 'pubname', 'pubowner'") \
	" FROM pg_publication AS p" \
	" WHERE" OWN("pg_publication", "p.oid") \
	" UNION ALL SELECT 'publication', quote_ident(p.pubname), '2', 'table ' || " \
	NAME("n", "c.relname") part \
	" FROM pg_publication_rel AS r" \
	" JOIN pg_publication AS p ON p.oid = r.prpubid" \
	" JOIN pg_class AS c ON c.oid = r.prrelid" \
	" JOIN pg_namespace AS n ON n.oid = c.relnamespace"

static const char publications_11[] =
	PUBLICATIONS("");
static const char publications_15[] =
	PUBLICATIONS(" || COALESCE(' columns ' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum = ANY (r.prattrs::int2[])), '') || COALESCE(' where ' || pg_get_expr(r.prqual, c.oid), '')")
	" UNION ALL SELECT 'publication', quote_ident(p.pubname), '3', 'schema ' ||"
	" quote_ident(n.nspname)"
	" FROM pg_publication_namespace AS r"
	" JOIN pg_publication AS p ON p.oid = r.pnpubid"
	" JOIN pg_namespace AS n ON n.oid = r.pnnspid";

/* Of what nearly nobody makes: that it is there. */
static const char others[] =
	"SELECT i.type, i.identity, NULL, NULL"
	" FROM (SELECT 'pg_opclass'::regclass, oid"
	" FROM pg_opclass"
	" UNION ALL SELECT 'pg_opfamily'::regclass, oid"
	" FROM pg_opfamily"
	" UNION ALL SELECT 'pg_amop'::regclass, oid"
	" FROM pg_amop"
	" WHERE" OWN("pg_opfamily", "amopfamily")
	" UNION ALL SELECT 'pg_amproc'::regclass, oid"
	" FROM pg_amproc"
	" WHERE" OWN("pg_opfamily", "amprocfamily")
	" UNION ALL SELECT 'pg_am'::regclass, oid"
	" FROM pg_am"
	" UNION ALL SELECT 'pg_conversion'::regclass, oid"
	" FROM pg_conversion"
	" UNION ALL SELECT 'pg_transform'::regclass, oid"
	" FROM pg_transform"
	" UNION ALL SELECT 'pg_ts_config'::regclass, oid"
	" FROM pg_ts_config"
	" UNION ALL SELECT 'pg_ts_dict'::regclass, oid"
	" FROM pg_ts_dict"
	" UNION ALL SELECT 'pg_ts_parser'::regclass, oid"
	" FROM pg_ts_parser"
	" UNION ALL SELECT 'pg_ts_template'::regclass, oid"
	" FROM pg_ts_template) AS o (class, id)"
	" CROSS JOIN LATERAL pg_identify_object(o.class, o.id, 0) AS i"
	" WHERE" MADE("o.id") " AND NOT EXISTS (SELECT 1"
	" FROM pg_depend AS dep"
	" WHERE dep.classid = o.class AND dep.objid = o.id AND dep.deptype = 'e')"
	" UNION ALL SELECT 'text search configuration', i.identity, '1', 'token ' ||"
	" m.maptokentype || ': ' || string_agg(d.identity, ', ' ORDER BY m.mapseqno)"
	" FROM pg_ts_config_map AS m"
	" CROSS JOIN LATERAL pg_identify_object('pg_ts_config'::regclass, m.mapcfg, 0)"
	" AS i"
	" CROSS JOIN LATERAL pg_identify_object('pg_ts_dict'::regclass, m.mapdict, 0)"
	" AS d"
	" WHERE" MADE("m.mapcfg") " AND" OWN("pg_ts_config", "m.mapcfg")
	" GROUP BY 2, m.maptokentype"
	" UNION ALL SELECT 'text search dictionary', i.identity, '1', d.dictinitoption"
	" FROM pg_ts_dict AS d"
	" CROSS JOIN LATERAL pg_identify_object('pg_ts_dict'::regclass, d.oid, 0) AS i"
	" WHERE" MADE("d.oid") " AND d.dictinitoption IS NOT NULL AND"
	OWN("pg_ts_dict", "d.oid");

/*
 * Whether there is any of each part. The tracker has functions and triggers of its own,
 * in every database that we know: questions about no others would tell of nothing.
 */
#define ANY(from) "EXISTS (SELECT FROM " from ")"
#define OTHERS_THAN_OURS(schema) \
	schema " IS DISTINCT FROM to_regnamespace('git_migrate')"
#define ANY_MADE(catalog) ANY(catalog " WHERE" MADE("oid"))

static const char parts[] =
	"SELECT " ANY("pg_class AS c WHERE" DETAILED) ", " ANY("pg_inherits") ", "
	ANY("pg_policy") ", "
	ANY("pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid WHERE NOT"
	    " g.tgisinternal AND " OTHERS_THAN_OURS("c.relnamespace")) " OR "
	ANY("pg_rewrite WHERE" MADE("oid") " AND rulename <> '_RETURN'") " OR "
	ANY("pg_event_trigger") ", "
	ANY("pg_proc WHERE" MADE("oid") " AND " OTHERS_THAN_OURS("pronamespace")) ", "
	/* tables have types, and these have arrays; that is no question of types */
	ANY("pg_type WHERE" MADE("oid") " AND typtype <> 'c' AND typinput <>"
	    " 'array_in'::regproc") ", " ANY("pg_sequence") ", "
	/* and rights to columns, told by these */
	ANY("pg_class WHERE" MADE("oid") " AND relacl IS NOT NULL") " OR "
	ANY("pg_proc WHERE" MADE("oid") " AND proacl IS NOT NULL") " OR "
	ANY("pg_type WHERE" MADE("oid") " AND typacl IS NOT NULL") ", "
	ANY("pg_description WHERE" MADE("objoid")) ", "
	ANY("pg_foreign_data_wrapper") ", " ANY("pg_foreign_data_wrapper") " OR "
	ANY("pg_default_acl") ", " ANY("pg_statistic_ext") ", "
	ANY_MADE("pg_collation") " OR " ANY_MADE("pg_operator") " OR "
	ANY_MADE("pg_cast") ", " ANY("pg_publication") ", "
	ANY_MADE("pg_opclass") " OR " ANY_MADE("pg_opfamily") " OR "
	ANY_MADE("pg_amop") " OR " ANY_MADE("pg_amproc") " OR " ANY_MADE("pg_am") " OR "
	ANY_MADE("pg_conversion") " OR " ANY_MADE("pg_transform") " OR "
	ANY_MADE("pg_ts_config") " OR " ANY_MADE("pg_ts_dict") " OR "
	ANY_MADE("pg_ts_parser") " OR " ANY_MADE("pg_ts_template");
/* clang-format on */

/* Relations and their columns come before what is told of them. */
const struct pg_schema_question pg_schema_questions[] = {
	{ schemas, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ALWAYS },
	{ relations, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ALWAYS },
	{ views, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ALWAYS },
	{ columns_11, 0, 11, PG_SCHEMA_COLUMNS, PG_PART_ALWAYS },
	{ columns_12, 12, 13, PG_SCHEMA_COLUMNS, PG_PART_ALWAYS },
	{ columns_14, 14, INT_MAX, PG_SCHEMA_COLUMNS, PG_PART_ALWAYS },
	{ constraints_11, 0, 14, PG_SCHEMA_KEYS, PG_PART_ALWAYS },
	{ constraints_15, 15, 17, PG_SCHEMA_KEYS, PG_PART_ALWAYS },
	{ constraints_18, 18, INT_MAX, PG_SCHEMA_KEYS, PG_PART_ALWAYS },
	{ indexes_11, 0, 14, PG_SCHEMA_INDEXES, PG_PART_ALWAYS },
	{ indexes_15, 15, INT_MAX, PG_SCHEMA_INDEXES, PG_PART_ALWAYS },
	{ extensions, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ALWAYS },
	{ schema_grants, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ALWAYS },
	{ parts, 0, INT_MAX, PG_SCHEMA_PARTS, PG_PART_ALWAYS },
	{ collated_11, 0, 14, PG_SCHEMA_KEYS, PG_PART_COLLATED },
	{ collated_15, 15, INT_MAX, PG_SCHEMA_KEYS, PG_PART_COLLATED },
	{ details, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_DETAILS },
	{ parents, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_PARENTS },
	{ domain_constraints, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_TYPES },
	{ policies, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_POLICIES },
	{ triggers, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_TRIGGERS },
	{ functions, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ROUTINES },
	{ aggregates, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_ROUTINES },
	{ types, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_TYPES },
	{ sequences, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_SEQUENCES },
	{ grants, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_GRANTS },
	{ comments, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_COMMENTS },
	{ foreign_data, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_FOREIGN },
	{ few_grants, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_FEW_GRANTS },
	{ statistics, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_STATISTICS },
	{ rare, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_RARE },
	{ publications_11, 0, 14, PG_SCHEMA_LINES, PG_PART_PUBLICATIONS },
	{ publications_15, 15, INT_MAX, PG_SCHEMA_LINES, PG_PART_PUBLICATIONS },
	{ others, 0, INT_MAX, PG_SCHEMA_LINES, PG_PART_OTHERS },
	{ NULL, 0, 0, PG_SCHEMA_LINES, PG_PART_ALWAYS },
};
