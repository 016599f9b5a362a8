/*
 * Where the broken migration never ran, another one runs in its place; where it ran,
 * its fix does. Both databases must be made of the same afterwards.
 */
#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "core/schema.h"
#include "flow/stage.h"

enum { NAMED_MAX = 5 }; /* objects that a refusal names */

/* The newest entry that takes the place of `root`; -1. */
static ssize_t find_replacement(const struct stage *s, size_t root)
{
	size_t i;

	for (i = s->r->plan.nr; i-- > root;)
		if (s->ties[i].supersedes == (ssize_t)root)
			return (ssize_t)i;
	return -1;
}

/* Behind the replacement, and all that corrects what it replaces. */
static size_t find_end(const struct stage *s, size_t root, size_t replacement)
{
	size_t end = replacement, i;

	for (i = root + 1; i < s->r->plan.nr; i++)
		if (positions_has(&s->ties[i].fixes, root) && i > end)
			end = i;
	return end;
}

int stage_read_ties(struct stage *s, struct err *err)
{
	struct rehearsal *r = s->r;
	ssize_t root;
	size_t i;

	s->ties = xcalloc(r->plan.nr + 1, sizeof(*s->ties));
	for (i = 0; i < r->plan.nr; i++)
		if (ties_read(&r->plan, i, &r->pool, &s->ties[i], err) < 0)
			return -1;
	root = r->has_original ? (ssize_t)r->original : s->ties[r->pos].supersedes;
	if (root < 0)
		return 0;
	s->root = (size_t)root;
	s->replacement = find_replacement(s, s->root);
	return 0;
}

/* --- the two ways ------------------------------------------------------ */

static int apply(struct stage *s, struct scratch *scratch, const struct oid *rev,
		 size_t pos, struct err *err)
{
	char hex[OID_HEXSZ + 1];
	const struct apply_options o = { .rev = oid_hex(rev, hex),
					 .to = stage_path(s, pos) };

	return scratch_apply(scratch, &o, err);
}

/* What comes before the broken one, and that itself: 1 when it cannot run, 0, -1. */
static int apply_broken(struct stage *s, struct scratch *scratch, struct err *err)
{
	const struct oid *then = &s->r->plan.items[s->root].arrival;

	if (s->root > 0 && apply(s, scratch, then, s->root - 1, err) < 0)
		return -1;
	if (apply(s, scratch, then, s->root, err) == 0)
		return 0;
	return err->code == ERR_REFUSED ? 1 : -1;
}

/*
 * The schema at the end of one of them: `broken` where the broken one runs first. As
 * apply_broken().
 */
static int go(struct stage *s, bool broken, struct schema *out, struct err *err)
{
	const struct plan *plan = &s->r->plan;
	struct scratch_options where = s->o->where;
	struct scratch scratch = SCRATCH_INIT;
	struct target *t = &scratch.target;
	size_t end = find_end(s, s->root, (size_t)s->replacement);
	int ret;

	where.copy = false;
	ret = scratch_make(&scratch, s->repo, &where, err);
	if (ret == 0 && broken)
		ret = apply_broken(s, &scratch, err);
	if (ret == 0)
		ret = apply(s, &scratch, &plan->head, end, err);
	/* a contract comes when its partners are there from an earlier run */
	if (ret == 0)
		ret = apply(s, &scratch, &plan->head, end, err);
	if (ret == 0)
		ret = t->driver->schema(t->db, out, err);
	if (ret == 0)
		schema_sort(out);
	scratch_drop(&scratch);
	return ret;
}

/* --- the comparison ---------------------------------------------------- */

static int compare_lines(const struct schema_line *a, const struct schema_line *b)
{
	int d = strcmp(a->kind, b->kind);

	d = d ? d : strcmp(a->name, b->name);
	d = d ? d : strcmp(a->rank, b->rank);
	return d ? d : strcmp(a->text ? a->text : "", b->text ? b->text : "");
}

/* Names the objects with lines that one of the two sorted schemas lacks. */
static void name_differences(const struct schema *a, const struct schema *b,
			     struct buf *out)
{
	const struct schema_line *l, *last = NULL;
	size_t i = 0, k = 0, named = 0;
	int d;

	while ((i < a->nr || k < b->nr) && named < NAMED_MAX) {
		d = i == a->nr	 ? 1
		    : k == b->nr ? -1
				 : compare_lines(&a->lines[i], &b->lines[k]);
		l = d <= 0 ? &a->lines[i] : &b->lines[k];
		i += d <= 0;
		k += d >= 0;
		if (d == 0 || (last && strcmp(last->kind, l->kind) == 0 &&
			       strcmp(last->name, l->name) == 0))
			continue;
		buf_addf(out, "%s%s %s", named++ ? ", " : "", l->kind, l->name);
		last = l;
	}
}

static int refuse(struct stage *s, const struct schema *a, const struct schema *b,
		  struct err *err)
{
	struct buf names = BUF_INIT;

	name_differences(a, b, &names);
	err_set(err, ERR_REFUSED,
		"the schema is another one where '%s' ran in place of '%s'",
		stage_path(s, (size_t)s->replacement), stage_path(s, s->root));
	err_detail(err, "They differ in: %s.", buf_str(&names));
	err_hint(err, "rehearse",
		 "Let the replacement end where the original ends with its fixes, or add "
		 "a fix that takes the one there.");
	buf_release(&names);
	return -1;
}

/* Nobody's database can have gone the other way. */
static int skip(struct stage *s, struct err *err)
{
	const char *said = pool_printf(&s->r->pool,
				       "%s cannot run here: there is nothing to compare",
				       stage_path(s, s->root));

	memset(err, 0, sizeof(*err));
	stage_end(s, (struct rehearse_done){ .said = said });
	return 0;
}

int stage_same(struct stage *s, struct err *err)
{
	struct schema fixed = { 0 }, fresh = { 0 };
	char a[SCHEMA_PRINT_SZ + 1], b[SCHEMA_PRINT_SZ + 1];
	int ret;

	if (s->replacement < 0)
		return 0;
	stage_begin(s, REHEARSE_SAME);
	ret = go(s, true, &fixed, err);
	if (ret > 0)
		return skip(s, err);
	if (ret == 0)
		ret = go(s, false, &fresh, err);
	if (ret == 0) {
		schema_fingerprint(&fixed, a);
		schema_fingerprint(&fresh, b);
		if (strcmp(a, b) != 0)
			ret = refuse(s, &fixed, &fresh, err);
		else
			stage_end(s,
				  (struct rehearse_done){
					  .what = stage_path(s, (size_t)s->replacement),
					  .said = pool_strdup(&s->r->pool, a) });
	}
	schema_release(&fixed);
	schema_release(&fresh);
	return ret;
}
