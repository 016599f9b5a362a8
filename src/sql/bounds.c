#include "base/compat.h"

#include "base/text.h"
#include "sql/bounds.h"
#include "sql/name.h"

#define BATCH ":batch"

/* One SELECT, or the whole of an UPDATE or DELETE. */
struct arm {
	bool in_where, at_term; /* a condition begins here */
	bool between;		/* the next AND is no end of one */
	unsigned cases;		/* CASE without its END yet */
	bool bound, loose;	/* `:batch` is one of them; OR stands beside it */
};

bool bounds_is_batch(const struct walk *w)
{
	return w->now.end - w->now.start == strlen(BATCH) &&
	       strncmp(w->s + w->now.start, BATCH, strlen(BATCH)) == 0;
}

static bool is_any(const struct walk *w, const char *const *words)
{
	for (; *words; words++)
		if (walk_is(w, *words))
			return true;
	return false;
}

static bool ends_arm(const struct walk *w)
{
	static const char *const words[] = { "union", "except", "intersect", NULL };

	return is_any(w, words);
}

/* Whether something is still to come: what stands here can only be a name. */
static bool lacks_operand(const struct walk *w)
{
	static const char *const words[] = { "where", "and",   "or", "not", "between",
					     "like",  "ilike", "is", NULL };
	struct walk before = *w;
	unsigned char last = (unsigned char)w->s[w->before.end - 1];

	before.now = w->before;
	return is_any(&before, words) ||
	       (last < 0x80 && !ascii_isalnum(last) && !strchr("_$)]\"'`", last));
}

/* What can follow a WHERE; `on` begins ON CONFLICT, for no JOIN stands there. */
static bool ends_where(const struct walk *w)
{
	static const char *const words[] = { "returning", "group", "having", "window",
					     "order",	  "limit", "offset", "fetch",
					     "for",	  "on",	   NULL };

	return walk_at_end(w) || walk_is_char(w, ';') ||
	       (!lacks_operand(w) && (ends_arm(w) || is_any(w, words)));
}

/* `:batch` or `alias.:batch` with nothing to the right of it that could turn it. */
static bool is_bound(struct walk w, const struct bounds_rows *rows)
{
	struct walk behind = w;

	walk_next(&behind);
	if (walk_accept_char(&behind, '.')) {
		if (!rows->are_named(rows->arg, &w))
			return false;
		w = behind;
	}
	if (!bounds_is_batch(&w))
		return false;
	walk_next(&w);
	return walk_is(&w, "and") || walk_is(&w, "or") || ends_where(&w);
}

/* One word of a WHERE. */
static void take(struct arm *arm, const struct walk *w, const struct bounds_rows *rows)
{
	if (arm->at_term)
		arm->bound |= is_bound(*w, rows);
	arm->at_term = false;
	if (walk_is(w, "case"))
		arm->cases++;
	else if (arm->cases && walk_is(w, "end"))
		arm->cases--;
	else if (arm->cases)
		return;
	else if (walk_is(w, "or"))
		arm->loose = true;
	else if (walk_is(w, "between"))
		arm->between = true;
	else if (walk_is(w, "and") && arm->between)
		arm->between = false;
	else if (walk_is(w, "and"))
		arm->at_term = true;
}

static bool is_on_conflict(const struct walk *w)
{
	struct walk behind = *w;

	return walk_accept(&behind, "on") && walk_is(&behind, "conflict");
}

bool bounds_hold(struct walk w, const struct bounds_rows *rows)
{
	struct arm arm = { 0 };

	for (; !walk_at_end(&w) && !walk_is_char(&w, ';'); walk_next(&w)) {
		if (w.depth > 0)
			continue;
		if (is_on_conflict(&w))
			break; /* its WHERE is of other rows */
		if (walk_is(&w, "where"))
			arm = (struct arm){ .in_where = true, .at_term = true };
		else if (arm.in_where && !ends_where(&w))
			take(&arm, &w, rows);
		else
			arm.in_where = false;
		if (!ends_arm(&w))
			continue;
		if (!arm.bound || arm.loose)
			return false;
		arm = (struct arm){ 0 };
	}
	return arm.bound && !arm.loose;
}
