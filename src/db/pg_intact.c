/*
 * Whether the tracker is as it was made, looked at behind a migration whose text
 * does not show what it changed: DO and functions run what they like.
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "db/pg.h"
#include "sql/split.h"

/* What is seen of a tracker that is whole. */
#define ROWS "rows 1"
#define COLUMNS "columns 16"
#define INDEXES "indexes 5"
#define STRANGE "strange 0"
#define TRIGGERS                                                                         \
	"lock_delete lock_truncate log_change log_insert log_truncate"                   \
	" schema_change schema_insert schema_truncate"
#define WHOLE ROWS " " COLUMNS " " INDEXES " " STRANGE " " TRIGGERS

/* Around what was seen, in the server's message: the rest may be in any language. */
#define OPENS "[["
#define CLOSES "]]"

/*
 * What is not whole makes it an error, behind which nothing runs: the number that it
 * is no number tells what was seen. A trigger is at work for all when it is ALWAYS;
 * one of somebody else's counts where it could change or swallow a row.
 */
const char pg_intact_sql[] =
	"SELECT CASE WHEN seen = '" WHOLE "' THEN 1"
	" ELSE CAST(concat('" OPENS "', seen, '" CLOSES "') AS integer) END"
	" FROM (SELECT concat_ws(' ',"
	"  'rows', (SELECT count(*) FROM git_migrate.lock),"
	"  'columns', (SELECT count(*) FROM pg_catalog.pg_attribute"
	"   WHERE attrelid = ANY (tables) AND attnum > 0 AND NOT attisdropped),"
	"  'indexes', (SELECT count(*) FROM pg_catalog.pg_index"
	"   WHERE indrelid = ANY (tables) AND indisunique AND indisvalid),"
	"  'strange', (SELECT count(*) FROM pg_catalog.pg_class AS c"
	"   WHERE oid = ANY (tables) AND (relkind <> 'r' OR relpersistence <> 'p'"
	"    OR relrowsecurity OR relowner <> (SELECT proowner FROM pg_catalog.pg_proc"
	"     WHERE oid = 'git_migrate.refuse_change()'::pg_catalog.regprocedure)"
	"    OR (relhasrules AND EXISTS (SELECT FROM pg_catalog.pg_rewrite"
	"     WHERE ev_class = c.oid))"
	"    OR (relhassubclass AND EXISTS (SELECT FROM pg_catalog.pg_inherits"
	"     WHERE inhparent = c.oid)))),"
	"  (SELECT string_agg(concat(tgname,"
	"    CASE tgenabled WHEN 'A' THEN NULL ELSE '/' END), ' ' ORDER BY tgname)"
	"   FROM pg_catalog.pg_trigger WHERE tgrelid = ANY (tables)"
	"    AND NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 2 <> 0)) AS seen"
	" FROM (SELECT ARRAY['git_migrate.log'::pg_catalog.regclass,"
	"  'git_migrate.lock'::pg_catalog.regclass,"
	"  'git_migrate.schema'::pg_catalog.regclass]::pg_catalog.oid[] AS tables) AS t)"
	" AS s";

/* --- which migrations ---------------------------------------------------- */

/*
 * Statements that do what their words say. An expression in one of them could call a
 * function too, as a trigger does: what is done there is for audit to see.
 */
static const char plain_words[] =
	" alter analyze cluster comment copy create delete drop grant insert lock notify"
	" reindex reset revoke security set truncate update ";

bool pg_runs_code(const struct sql_statement *st)
{
	char word[16] = " ";
	size_t n = 0;

	for (; n < st->len && n < sizeof(word) - 3; n++) {
		if (!ascii_isalnum((unsigned char)st->text[n]))
			break;
		word[n + 1] = (char)ascii_tolower((unsigned char)st->text[n]);
	}
	snprintf(word + n + 1, 2, " ");
	return !strstr(plain_words, word);
}

/* --- what was found ------------------------------------------------------ */

static void add_fault(struct buf *out, const char *what, const char *name, size_t len,
		      const char *fault)
{
	buf_addf(out, "%s%s%.*s%s", out->len ? "; " : "", what, (int)len, name, fault);
}

/* Whether a word stands in a list, between blanks. */
static bool has_word(const char *list, const char *word, size_t len)
{
	const char *at = list;
	size_t n;

	for (; *at; at += n + strspn(at + n, " ")) {
		n = strcspn(at, " ");
		if (n == len && memcmp(at, word, len) == 0)
			return true;
	}
	return false;
}

static void compare_triggers(const char *seen, struct buf *out)
{
	static const char ours[] = TRIGGERS;
	const char *at;
	size_t n;

	for (at = ours; *at; at += n + strspn(at + n, " ")) {
		n = strcspn(at, " ");
		if (!has_word(seen, at, n))
			add_fault(out, "trigger '", at, n, "' is gone or switched off");
	}
	for (at = seen; *at; at += n + strspn(at + n, " ")) {
		n = strcspn(at, " ");
		if (!has_word(ours, at, at[n - 1] == '/' ? n - 1 : n))
			add_fault(out, "trigger '", at, at[n - 1] == '/' ? n - 1 : n,
				  "' was put on its tables");
	}
}

/* Goes behind `wanted` at `*seen`, or behind what stands there in its place. */
static void compare_number(const char **seen, const char *wanted, const char *fault,
			   struct buf *out)
{
	size_t len = strlen(wanted);

	if (strncmp(*seen, wanted, len) == 0 && ((*seen)[len] == ' ' || !(*seen)[len])) {
		*seen += len;
	} else {
		add_fault(out, fault, "", 0, "");
		*seen += strcspn(*seen, " ");
		*seen += strspn(*seen, " ");
		*seen += strcspn(*seen, " ");
	}
	*seen += strspn(*seen, " ");
}

static void compare(const char *seen, struct buf *out)
{
	compare_number(&seen, ROWS, "its lock row is not there", out);
	compare_number(&seen, COLUMNS, "its tables have other columns", out);
	compare_number(&seen, INDEXES, "a unique index is gone, or one was added", out);
	compare_number(&seen, STRANGE,
		       "a table has a rule, a policy, an heir or another owner, or is "
		       "UNLOGGED",
		       out);
	compare_triggers(seen, out);
}

void pg_intact_explain(struct err *err)
{
	const char *from = strstr(err->message, OPENS), *to;
	struct buf found = BUF_INIT, seen = BUF_INIT;

	to = from ? strstr(from, CLOSES) : NULL;
	if (to) {
		buf_add(&seen, from + strlen(OPENS), (size_t)(to - from) - strlen(OPENS));
		compare(buf_str(&seen), &found);
	} else { /* what is looked at is not there */
		buf_adds(&found, err->message);
	}
	err_set(err, ERR_REFUSED, "the migration changed the tracker");
	err_detail(err, "Seen before its record was written: %s.", buf_str(&found));
	err_hint(
		err, "tracker-append-only",
		"Take out of it, and of the functions that it calls, what changes the "
		"tracker, which git migrate alone writes. If \"git migrate audit\" tells "
		"the same now, it was so before: the owner of the tracker puts it back.");
	buf_release(&found);
	buf_release(&seen);
}
