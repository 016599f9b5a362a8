#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "core/kept.h"
#include "core/schema.h"
#include "flow/app.h"
#include "flow/drill.h"
#include "flow/drill_judge.h"
#include "flow/drill_kept.h"
#include "flow/drill_place.h"
#include "flow/drill_writers.h"
#include "flow/scratch.h"

/* --- data -------------------------------------------------------------- */

struct rules {
	struct kept_rule *items;
	size_t nr, alloc;
};

static void add_rules(struct rules *r, const struct drill_incident *incident,
		      enum drill_part_kind kind, enum kept_leave leave)
{
	const struct drill_part *p = NULL;

	while ((p = drill_next(incident, kind, p))) {
		VEC_GROW(r->items, r->nr, r->alloc);
		r->items[r->nr++] = (struct kept_rule){
			.leave = leave, .what = p->name, .now = "", .reason = p->about
		};
	}
}

/* What the drill began with is made once more: nobody can have touched that. */
static int read_before(struct drill *d, const struct kept_wish *wish, struct kept *out,
		       struct err *err)
{
	const unsigned kinds = 1u << DRILL_FILE | 1u << DRILL_DATA | 1u << DRILL_BAD;
	struct scratch scratch = SCRATCH_INIT;
	struct app app = { .db = NULL };
	int ret = drill_scratch(d, &scratch, &app, err);

	if (ret == 0)
		ret = drill_fill(&app, d->incident, kinds, err);
	if (ret == 0)
		ret = app.driver->kept(app.db, wish, out, err);
	app_close(&app);
	scratch_drop(&scratch);
	return ret;
}

static void add_loss(void *arg, const struct kept_difference *loss)
{
	struct buf *why = arg;

	if (why->len)
		buf_adds(why, ", ");
	kept_tell(loss, why);
}

static int compare(struct drill *d, struct app *app, struct drill_judgement *out,
		   struct err *err)
{
	struct kept before = { 0 }, now = { 0 };
	struct rules rules = { 0 };
	struct kept_wish wish = { 0 };
	struct buf why = BUF_INIT;
	int ret;

	add_rules(&rules, d->incident, DRILL_MAY_CHANGE, KEPT_MAY_CHANGE);
	add_rules(&rules, d->incident, DRILL_MAY_GO, KEPT_MAY_GO);
	wish.rules = rules.items;
	wish.nr_rules = rules.nr;
	ret = read_before(d, &wish, &before, err);
	wish.before = &before;
	if (ret == 0)
		ret = app->driver->kept(app->db, &wish, &now, err);
	if (ret == 0) {
		kept_compare(&before, &now, rules.items, rules.nr, add_loss, &why);
		drill_judgement_add(d, out, DRILL_AREA_DATA, "what was there is kept",
				    why.len ? why.s : NULL);
	}
	buf_release(&why);
	free(rules.items);
	kept_release(&before);
	kept_release(&now);
	return ret;
}

int drill_judge_kept(struct drill *d, struct drill_judgement *out, struct err *err)
{
	struct app app;
	int ret = app_open(&app, d->url, d->dir, false, err);

	if (ret == 0) {
		ret = compare(d, &app, out, err);
	} else if (err->code == ERR_REFUSED) {
		drill_judgement_add(d, out, DRILL_AREA_DATA, "what was there is kept",
				    err->message);
		ret = 0;
	}
	app_close(&app);
	return ret;
}

/* --- schema ------------------------------------------------------------ */

static int read_print(const struct db_driver *driver, struct db *db, char *print,
		      struct err *err)
{
	struct schema s = { 0 };
	int ret = driver->schema(db, &s, err);

	if (ret == 0) {
		schema_sort(&s);
		schema_fingerprint(&s, print);
	}
	schema_release(&s);
	return ret;
}

/*
 * Of a database that got all of them in one run, or first what there was at `first`.
 * 0; 1: the migrations do not run there, and `err` says why; -1.
 */
static int print_of_plan(struct drill *d, const char *first, char *print, struct err *err)
{
	const struct apply_options begin = { .rev = first }, rest = { 0 };
	struct scratch scratch = SCRATCH_INIT;
	int ret = drill_scratch(d, &scratch, NULL, err);

	if (ret == 0 && ((first && scratch_apply(&scratch, &begin, err) < 0) ||
			 scratch_apply(&scratch, &rest, err) < 0))
		ret = err->code == ERR_INTERRUPTED ? -1 : 1;
	if (ret == 0)
		ret = read_print(scratch.target.driver, scratch.target.db, print, err);
	scratch_drop(&scratch);
	return ret;
}

/* `is` is the schema here, where another one ran in place of the one that failed. */
static int judge_other_way(struct drill *d, const char *is, struct drill_judgement *out,
			   struct err *err)
{
	const char *bad = d->incident->bad->name, *why = NULL;
	char other[SCHEMA_PRINT_SZ + 1];
	int ret = print_of_plan(d, d->base, other, err);

	if (ret < 0)
		return -1;
	if (ret > 0)
		why = pool_printf(&d->pool, "they do not run where '%s' ran: %s", bad,
				  err->message);
	else if (strcmp(is, other) != 0)
		why = pool_printf(&d->pool, "it is another schema where '%s' ran", bad);
	memset(err, 0, sizeof(*err));
	drill_judgement_add(d, out, DRILL_AREA_LOG, "both ways end in the same schema",
			    why);
	return 0;
}

int drill_judge_schema(struct drill *d, struct drill_judgement *out, struct err *err)
{
	static const char what[] = "the database is what its migrations make";
	char is[SCHEMA_PRINT_SZ + 1], should[SCHEMA_PRINT_SZ + 1];
	const char *why = NULL;
	struct app app;
	int ret = app_open(&app, d->url, d->dir, false, err);

	if (ret == 0)
		ret = read_print(app.driver, app.db, is, err);
	app_close(&app);
	if (ret == 0)
		ret = print_of_plan(d, NULL, should, err);
	if (ret < 0)
		return -1;
	if (ret > 0)
		why = pool_printf(&d->pool, "they do not run on an empty one: %s",
				  err->message);
	else if (strcmp(is, should) != 0)
		why = "its schema was changed past them";
	memset(err, 0, sizeof(*err));
	drill_judgement_add(d, out, DRILL_AREA_LOG, what, why);
	if (d->incident->bad->kind == DRILL_LANDED)
		return judge_other_way(d, is, out, err);
	return 0;
}
