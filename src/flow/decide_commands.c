/* What is typed for a way: names in the place of "@name@", as a shell takes them. */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "core/contract.h"
#include "core/migration.h"
#include "flow/decide_parts.h"
#include "git/repo.h"
#include "sql/remedy.h"

enum { ID = 12, TRIES = 100 };

/* A name and what stands for it; NULL where the walk has none. */
struct value {
	const char *name, *text;
};

enum { VALUES = 28 };

struct values {
	struct value items[VALUES];
	size_t nr;
};

static void set(struct values *v, const char *name, const char *text)
{
	if (v->nr == VALUES)
		BUG("too many values");
	v->items[v->nr++] = (struct value){ name, text };
}

static const char *value_of(const struct values *v, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < v->nr; i++)
		if (strlen(v->items[i].name) == len &&
		    strncmp(v->items[i].name, name, len) == 0 && v->items[i].text)
			return v->items[i].text;
	BUG("nothing stands for '%.*s'", (int)len, name);
}

static bool is_plain(const char *s)
{
	for (; *s; s++)
		if (!ascii_isalnum((unsigned char)*s) && !strchr("._-/:=,@%+", *s))
			return false;
	return true;
}

/* A word of a shell. */
static const char *quoted(struct pool *pool, const char *s)
{
	struct buf out = BUF_INIT;
	const char *text;

	if (*s && is_plain(s))
		return s;
	buf_addc(&out, '\'');
	for (; *s; s++)
		if (*s == '\'')
			buf_adds(&out, "'\\''");
		else
			buf_addc(&out, *s);
	buf_addc(&out, '\'');
	text = pool_strdup(pool, out.s);
	buf_release(&out);
	return text;
}

/* --- files --------------------------------------------------------------- */

/* A file of the migrations folder as it is called from where the user stands. */
static const char *file_word(struct deciding *g, const char *path)
{
	const char *prefix = repo_prefix(g->repo), *text;
	struct buf out = BUF_INIT;

	for (; prefix && *prefix; prefix++)
		if (*prefix == '/')
			buf_adds(&out, "../");
	buf_addf(&out, "%s/%s", g->d->survey.plan.folder, path);
	text = pool_strdup(&g->out->pool, out.s);
	buf_release(&out);
	return quoted(&g->out->pool, text);
}

static bool is_taken(struct deciding *g, const char *path)
{
	const char *top = repo_toplevel(g->repo);

	if (plan_find(&g->d->survey.plan, path) >= 0)
		return true;
	return top && access(pool_printf(&g->out->pool, "%s/%s/%s", top,
					 g->d->survey.plan.folder, path),
			     F_OK) == 0;
}

/* "fix-phone.sql" beside "phone.sql", with a number where there is one already. */
static const char *new_path(struct deciding *g, const char *before)
{
	const char *path = g->d->path, *base = migration_base(path), *name;
	int folder = (int)(base - path), stem = (int)strlen(base) - 4, i;

	name = pool_printf(&g->out->pool, "%.*s%s%s", folder, path, before, base);
	for (i = 2; i < TRIES && is_taken(g, name); i++)
		name = pool_printf(&g->out->pool, "%.*s%s%.*s-%d.sql", folder, path,
				   before, stem, base, i);
	return name;
}

/* The remedy of that kind: what files `fix` writes. */
static bool find_remedy(struct deciding *g, const char *word, struct sql_remedy *out)
{
	enum sql_trouble_kind kind;

	*out = (struct sql_remedy){ .before = &g->out->before,
				    .now = &g->out->after,
				    .sqlite = g->d->survey.target.driver == &db_sqlite };
	if (!word || sql_trouble_parse(word, &kind) < 0)
		return false;
	sql_trouble_find_nth(out->before, out->now, kind, g->nr_trouble, &out->trouble);
	return true;
}

static void set_fix_files(struct deciding *g, struct values *v, const char *fix)
{
	const char *file = file_word(g, fix), *files = file, *last = fix;
	struct pool *pool = &g->out->pool;
	int stem = (int)strlen(fix) - 4, step;
	struct sql_remedy r;

	if (find_remedy(g, g->out->walk.kind, &r))
		for (step = STEP_FIRST + 1; step <= (int)sql_remedy_last(&r); step++) {
			last = pool_printf(pool, "%.*s%s", stem, fix,
					   sql_remedy_suffix((enum remedy_step)step));
			files = pool_printf(pool, "%s %s", files, file_word(g, last));
		}
	set(v, "fix", quoted(pool, fix));
	set(v, "fix-file", file);
	set(v, "fix-files", files);
	/* what is wrong is well behind the last of them alone */
	set(v, "rehearsed", quoted(pool, last));
}

static void set_files(struct deciding *g, struct values *v)
{
	const char *usual = pool_printf(&g->out->pool, "%.*sfix-%s",
					(int)(migration_base(g->d->path) - g->d->path),
					g->d->path, migration_base(g->d->path));
	const char *fix = new_path(g, "fix-"), *replacement = new_path(g, "replace-");

	set(v, "file", file_word(g, g->d->path));
	set_fix_files(g, v, fix);
	set(v, "fix-name",
	    strcmp(fix, usual) == 0 ? ""
				    : pool_printf(&g->out->pool, " --name=%s",
						  quoted(&g->out->pool, fix)));
	set(v, "replacement", quoted(&g->out->pool, replacement));
	set(v, "new-file", file_word(g, replacement));
}

/* The kind, and which one of several. */
static const char *which_kind(struct deciding *g)
{
	const char *kind = g->out->walk.kind;

	return kind && g->nr_trouble ? pool_printf(&g->out->pool, "%s --nth=%zu", kind,
						   g->nr_trouble + 1)
				     : kind;
}

/* With a template, or in words where none fits. */
static void set_fix(struct deciding *g, struct values *v)
{
	const char *kind = which_kind(g), *path = quoted(&g->out->pool, g->d->path);
	struct pool *pool = &g->out->pool;

	set(v, "write-fix",
	    kind ? pool_printf(pool, "fix --kind %s%s%s %s", kind,
			       value_of(v, "fix-target", strlen("fix-target")),
			       value_of(v, "fix-name", strlen("fix-name")), path)
		 : pool_printf(pool, "new %s", value_of(v, "fix", strlen("fix"))));
	set(v, "fill-fix",
	    kind ? pool_printf(pool, "fill in %s",
			       value_of(v, "fix-files", strlen("fix-files")))
		 : pool_printf(pool,
			       "write \"-- Fixes: %s\", \"-- Failure-Mode: ...\" and the "
			       "SQL into %s",
			       path, value_of(v, "fix-file", strlen("fix-file"))));
}

/* `fix` writes what takes the place of a contract that stops at values without a copy. */
static void set_replacement(struct deciding *g, struct values *v)
{
	const char *path = quoted(&g->out->pool, g->d->path);
	const char *name = value_of(v, "replacement", strlen("replacement"));
	const char *file = value_of(v, "new-file", strlen("new-file"));
	struct pool *pool = &g->out->pool;
	struct sql_remedy r = { .before = &g->out->before, .now = &g->out->after };
	bool rest = g->pos >= 0 &&
		    is_contract(&g->d->survey.plan.items[g->pos].trailers) &&
		    sql_remedy_find_rest(&r);

	set(v, "write-new",
	    rest ? pool_printf(pool, "fix%s --name=%s %s",
			       value_of(v, "fix-target", strlen("fix-target")), name,
			       path)
		 : pool_printf(pool, "new %s", name));
	set(v, "fill-new",
	    rest ? pool_printf(pool, "fill in %s", file)
		 : pool_printf(pool, "write \"-- Supersedes: %s\" and the SQL into %s",
			       path, file));
}

/* --- commits ------------------------------------------------------------- */

static int set_commits(struct deciding *g, struct values *v, struct err *err)
{
	const struct record *settled = g->entry ? g->entry->settled : NULL;
	const char *begun = g->d->started.field[FIELD_HEAD];
	struct pool *pool = &g->out->pool;
	char hex[OID_HEXSZ + 1];
	const struct oid *commit;
	struct oid parent;

	if (begun)
		set(v, "begun", pool_printf(pool, "%.*s", ID, begun));
	if (settled)
		set(v, "head", pool_printf(pool, "%.*s", ID, settled->field[FIELD_HEAD]));
	if (g->pos < 0)
		return 0;
	commit = &g->d->survey.plan.items[g->pos].commit;
	set(v, "commit", pool_printf(pool, "%.*s", ID, oid_hex(commit, hex)));
	if (repo_first_parent(g->repo, commit, &parent, err) < 0)
		return -1;
	set(v, "base",
	    oid_is_zero(&parent) ? "--root" : pool_printf(pool, "%.*s~1", ID, hex));
	return 0;
}

/* --- the target ---------------------------------------------------------- */

static void set_subject(struct deciding *g, struct values *v, const char *name,
			const char *verb)
{
	set(v, name,
	    quoted(&g->out->pool, pool_printf(&g->out->pool, "%s %s", verb, g->d->path)));
}

static void set_target(struct deciding *g, struct values *v)
{
	struct target *t = &g->d->survey.target;
	const struct record *open = t->ledger.open;
	bool usual = strcmp(t->name, "default") == 0;

	set(v, "path", quoted(&g->out->pool, g->d->path));
	set_subject(g, v, "mend-subject", "mend");
	set_subject(g, v, "back-subject", "bring back");
	set_subject(g, v, "new-subject", "replace");
	set(v, "target", target_argument(t));
	set(v, "name", t->name);
	set(v, "fix-target",
	    usual ? "" : pool_printf(&g->out->pool, " --target=%s", t->name));
	set(v, "url", quoted(&g->out->pool, buf_str(&t->shown)));
	set(v, "kind", which_kind(g));
	set(v, "done-blob", g->done_blob);
	set(v, "blocker", g->now.blocker[0] ? g->now.blocker : NULL);
	set(v, "other", open ? quoted(&g->out->pool, open->field[FIELD_PATH]) : NULL);
}

/* --- putting them in ------------------------------------------------------- */

static const char *fill_in(struct deciding *g, const struct values *v, const char *text)
{
	struct buf out = BUF_INIT;
	const char *at, *end, *ret;

	while ((at = strchr(text, '@'))) {
		end = strchr(at + 1, '@');
		if (!end)
			BUG("'%s' has an odd '@'", text);
		buf_add(&out, text, (size_t)(at - text));
		buf_adds(&out, value_of(v, at + 1, (size_t)(end - at - 1)));
		text = end + 1;
	}
	buf_adds(&out, text);
	ret = pool_strdup(&g->out->pool, buf_str(&out));
	buf_release(&out);
	return ret;
}

int decide_write_commands(struct deciding *g, struct err *err)
{
	const struct decision_end *end = &decision_ends[g->out->walk.way];
	struct values v = { .nr = 0 };
	size_t i;

	set_target(g, &v);
	set_files(g, &v);
	set_fix(g, &v);
	set_replacement(g, &v);
	if (set_commits(g, &v, err) < 0)
		return -1;
	g->out->advice = fill_in(g, &v, end->advice);
	for (i = 0; i < DECISION_COMMANDS && end->commands[i].text; i++)
		g->out->commands[g->out->nr_commands++] = (struct decide_command){
			.text = fill_in(g, &v, end->commands[i].text),
			.edit = end->commands[i].edit,
		};
	return 0;
}
