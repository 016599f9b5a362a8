/* Whether a rehearsal has lost anything. */
#include "base/compat.h"

#include "base/err.h"
#include "base/vec.h"
#include "flow/stage.h"
#include "git/blob.h"
#include "git/repo.h"
#include "sql/objects.h"

static struct kept_wish wish_for(const struct stage *s, const struct kept *before)
{
	const struct scenario *sc = &s->r->scenario;

	return (struct kept_wish){ .before = before,
				   .rules = sc->rules,
				   .nr_rules = sc->nr_rules };
}

static int read_kept(struct stage *s, const struct kept *before, struct kept *out,
		     struct err *err)
{
	const struct kept_wish wish = wish_for(s, before);
	struct target *t = &s->scratch.target;

	return t->driver->kept(t->db, &wish, out, err);
}

int stage_count(struct stage *s, struct err *err)
{
	size_t i;

	s->r->at = REHEARSE_KEPT;
	if (read_kept(s, NULL, &s->before, err) < 0 ||
	    stage_read_shape(s, &s->shape, err) < 0)
		return -1;
	s->r->rows = kept_rows(&s->before);
	for (i = 0; i < s->before.nr; i++)
		s->r->columns += s->before.tables[i].nr;
	if (s->before.nr && !s->r->rows) {
		err_set(err, ERR_REFUSED, "there are no rows that could be lost");
		err_hint(err, "scenario",
			 "Put rows into the tables with a section [seed].");
		return -1;
	}
	return 0;
}

/* Each is about something that was there before, or that the original has added. */
static int check_rules(const struct stage *s, struct err *err)
{
	const struct scenario *sc = &s->r->scenario;
	const struct kept_rule *rule;
	size_t i;

	for (i = 0; i < sc->nr_rules; i++) {
		rule = &sc->rules[i];
		if (!kept_idle_rule(&s->before, rule, 1) ||
		    kept_is_of_added(&s->added, rule))
			continue;
		err_set(err, ERR_REFUSED, "[kept] names '%s', which was not there before",
			rule->what);
		err_hint(err, "scenario",
			 "It is <table> or <table>.<column>, written as in SQL; tables "
			 "that are not in the schema public have its name before "
			 "theirs.");
		return -1;
	}
	return 0;
}

int stage_count_added(struct stage *s, struct err *err)
{
	struct kept_wish wish = { .before = &s->before, .only_new = true };
	struct target *t = &s->scratch.target;

	s->r->at = REHEARSE_KEPT;
	/* a copy that has the original had what it added before, too */
	if (s->r->has_original && (!s->original_is_there || s->between) &&
	    t->driver->kept(t->db, &wish, &s->added, err) < 0)
		return -1;
	return check_rules(s, err);
}

static void add_loss(struct rehearsal *r, const struct buf *text)
{
	VEC_GROW(r->lost, r->nr_lost, r->alloc_lost);
	r->lost[r->nr_lost++] = pool_strdup(&r->pool, text->s);
}

void stage_remark(struct stage *s, const char *text)
{
	struct rehearsal *r = s->r;

	VEC_GROW(r->remarks, r->nr_remarks, r->alloc_remarks);
	r->remarks[r->nr_remarks++] = text;
}

static void note_loss(void *arg, const struct kept_difference *d)
{
	struct stage *s = arg;
	struct buf text = BUF_INIT;

	kept_tell(d, &text);
	add_loss(s->r, &text);
	buf_release(&text);
}

static void note_added(void *arg, const struct kept_difference *d)
{
	struct stage *s = arg;
	struct buf text = BUF_INIT;

	kept_tell_added(d,
			pool_printf(&s->r->pool, "'%s'%s", stage_path(s, s->r->original),
				    s->between ? " or one behind it" : ""),
			&text);
	if (kept_is_emptied(d))
		add_loss(s->r, &text);
	else
		stage_remark(s, pool_strdup(&s->r->pool, text.s));
	buf_release(&text);
}

/* Data that has come in since the original stands in what that has added. */
static void compare(struct stage *s, const struct kept *now)
{
	const struct kept_wish wish = wish_for(s, &s->before);

	kept_compare(&s->before, now, wish.rules, wish.nr_rules, note_loss, s);
	kept_compare_added(&s->before, &s->added, &wish, now, note_added, s);
}

static int refuse_losses(const struct rehearsal *r, struct err *err)
{
	struct buf all = BUF_INIT;
	size_t i;

	for (i = 0; i < r->nr_lost; i++)
		buf_addf(&all, "%s%s.", i ? "\n" : "", r->lost[i]);
	err_set(err, ERR_REFUSED, "what was there before is not kept: %s", r->lost[0]);
	if (r->nr_lost > 1)
		err_detail(err, "%s", all.s);
	err_hint(err, "rehearse",
		 "Let the migration keep it. What differs on purpose stands in the "
		 "scenario's section [kept], with its reason; so does what has another "
		 "name now: \"<table>.<column> is now <table>.<column>: <reason>\".");
	buf_release(&all);
	return -1;
}

/* --- what was not seen --------------------------------------------------- */

static void tell_unseen(void *arg, const struct kept_table *before,
			const struct kept_column *column)
{
	struct stage *s = arg;
	struct rehearsal *r = s->r;

	stage_remark(
		s, column ? pool_printf(&r->pool,
					"column %s.%s: rows not compared: its table now "
					"has another key",
					before->name, column->name)
			  : pool_printf(&r->pool,
					"table %s: rows that stayed not compared: they "
					"are too many",
					before->name));
}

/* Whether two names are one, but for case and quotes. */
static bool are_alike(const char *a, const char *b)
{
	for (;; a++, b++) {
		a += strspn(a, "\"");
		b += strspn(b, "\"");
		if (strncasecmp(a, b, 1) != 0)
			return false;
		if (!*a)
			return true;
	}
}

static bool is_touched(const struct stage *s, const struct sql_objects *objects,
		       const char *table)
{
	const struct rehearse_effect *e;
	size_t i;

	for (i = 0; i < objects->nr; i++)
		if (objects->items[i].kind == OBJECT_TABLE &&
		    are_alike(objects->items[i].name, table))
			return true;
	for (i = 0; i < s->r->nr_effects; i++) {
		e = &s->r->effects[i];
		if (e->table && strcmp(e->path, stage_migration(s)) == 0 &&
		    are_alike(e->table, table))
			return true;
	}
	return false;
}

/* What its text names; of one that is run as it is read, the dry run has told enough. */
static int read_objects(struct stage *s, struct sql_objects *out, struct err *err)
{
	const struct oid *blob = &s->r->plan.items[s->r->pos].blob;
	struct err ignored = { 0 }; /* it has run: it can be split */
	struct buf sql = BUF_INIT;
	uint64_t size;
	int ret = repo_blob_size(s->repo, blob, &size, err);

	if (ret == 0 && size <= BLOB_LARGE)
		ret = repo_read_blob(s->repo, blob, &sql, err);
	if (ret == 0)
		sql_objects(buf_str(&sql), sql.len, &s->r->pool, out, &ignored);
	buf_release(&sql);
	return ret == 0 ? 0 : -1;
}

/* What the migration does to rows shows only where there are any. */
static int tell_empty(struct stage *s, struct err *err)
{
	struct rehearsal *r = s->r;
	struct sql_objects objects = { 0 };
	const struct kept_table *t;
	size_t i;
	int ret = read_objects(s, &objects, err);

	for (i = 0; ret == 0 && i < s->before.nr; i++) {
		t = &s->before.tables[i];
		if (t->rows == 0 && is_touched(s, &objects, t->name))
			stage_remark(s, pool_printf(&r->pool,
						    "table %s: had no rows to lose: put "
						    "some "
						    "into [seed]",
						    t->name));
	}
	sql_objects_release(&objects);
	return ret;
}

int stage_compare(struct stage *s, struct err *err)
{
	const struct scenario *sc = &s->r->scenario;
	struct schema shape = { 0 };
	struct kept now = { 0 };
	int ret;

	stage_begin(s, REHEARSE_KEPT);
	ret = read_kept(s, &s->before, &now, err);
	if (ret == 0)
		compare(s, &now);
	if (s->r->nr_lost)
		ret = refuse_losses(s->r, err);
	if (ret == 0 && sc->unshown)
		stage_remark(s, pool_printf(&s->r->pool, "the failure is not shown: %s",
					    sc->unshown));
	if (ret == 0)
		ret = stage_read_shape(s, &shape, err);
	if (ret == 0) {
		stage_compare_shape(s, &shape);
		ret = tell_empty(s, err);
	}
	if (ret == 0)
		kept_unseen(&s->before, &now, sc->rules, sc->nr_rules, tell_unseen, s);
	if (ret == 0)
		stage_end(s, (struct rehearse_done){ .nr = s->before.nr });
	kept_release(&now);
	schema_release(&shape);
	return ret;
}
