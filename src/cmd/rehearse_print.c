#include "base/compat.h"

#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/rehearse_print.h"
#include "flow/rehearse.h"
#include "out/json.h"
#include "out/term.h"

static const char *path_of(const struct rehearsal *r, size_t pos)
{
	return r->plan.items[pos].path;
}

/* --- for people -------------------------------------------------------- */

static void print_head(const struct rehearsal *r)
{
	printf("rehearsal of %s", path_of(r, r->pos));
	if (r->has_original)
		printf(", which corrects %s", path_of(r, r->original));
	printf(", on ");
	term_print(stdout, r->engine);
	printf("%s\n", r->private_server ? " (a private server)" : "");
}

static void print_subject(const struct rehearse_done *d)
{
	if (d->what[0])
		term_print(stdout, d->what);
	else if (d->line)
		printf("line %u", d->line);
}

static void print_lock(const struct rehearse_effect *e)
{
	printf("    ");
	term_print(stdout, e->table);
	if (e->lock)
		printf(", %s", e->lock);
	if (e->rewritten)
		printf(", rewritten");
	if (e->dropped)
		printf(", dropped");
	if (e->destroyed)
		printf(", %" PRIu64 " row%s destroyed", e->destroyed,
		       plural((size_t)e->destroyed));
	printf("\n");
}

/* Locks, and statements that took their time. */
static void print_effects(const struct rehearsal *r, const char *path)
{
	enum { SLOW_MS = 100 };
	const struct rehearse_effect *e;
	size_t i;

	for (i = 0; i < r->nr_effects; i++) {
		e = &r->effects[i];
		if (strcmp(e->path, path) != 0)
			continue;
		if (e->table)
			print_lock(e);
		else if (e->ms >= SLOW_MS)
			printf("    line %u took %" PRId64 " ms\n", e->line, e->ms);
	}
}

/* What a person should know of a comparison that has passed. */
static void print_remarks(const struct rehearsal *r)
{
	size_t i;

	for (i = 0; i < r->nr_remarks; i++) {
		printf("    ");
		term_print(stdout, r->remarks[i]);
		printf("\n");
	}
}

static void print_same(const struct rehearse_done *d)
{
	if (d->what[0])
		printf("with %s in place of it, schema %s", d->what, d->said);
	else
		term_print(stdout, d->said);
}

static void print_compat(const struct rehearsal *r, const struct rehearse_done *d)
{
	char hex[OID_HEXSZ + 1];

	if (d->said)
		printf("not tried: %s", d->said);
	else
		printf("%zu file%s of %.12s behind %zu migration%s", d->nr, plural(d->nr),
		       oid_hex(&r->compat.revision, hex), r->compat.migrations,
		       plural(r->compat.migrations));
}

/* Files that tell nothing of the copy's rows. */
static void print_untried(const struct compat *c)
{
	size_t i;

	for (i = 0; i < c->nr; i++) {
		if (!c->files[i].untried)
			continue;
		printf("    compat/");
		term_print(stdout, c->files[i].path);
		printf(": tried without rows, since on those of the copy it fails: ");
		term_print(stdout, c->files[i].untried);
		printf("\n");
	}
}

static void print_what(const struct rehearsal *r, const struct rehearse_done *d)
{
	switch (d->step) {
	case REHEARSE_BEFORE:
		printf("%zu migration%s", d->nr, plural(d->nr));
		return;
	case REHEARSE_ORIGINAL:
	case REHEARSE_FIX:
		printf("%s, %" PRId64 " ms", d->what, d->ms);
		return;
	case REHEARSE_KEPT:
		printf("%zu table%s, %zu column%s, %" PRIu64 " row%s", d->nr,
		       plural(d->nr), r->columns, plural(r->columns), r->rows,
		       plural((size_t)r->rows));
		return;
	case REHEARSE_SAME:
		print_same(d);
		return;
	case REHEARSE_COMPAT:
		print_compat(r, d);
		return;
	case REHEARSE_SEED:
	case REHEARSE_FAILURE:
	case REHEARSE_WORKS:
	case REHEARSE_CHECK:
		print_subject(d);
		if (!d->said)
			return;
		printf(": ");
		term_print(stdout, d->said);
		return;
	}
	BUG("unhandled step %d", (int)d->step);
}

void rehearse_print_done(const struct ctx *ctx, const struct rehearsal *r,
			 const struct rehearse_done *d)
{
	if (r->nr == 1)
		print_head(r);
	printf("  %s%-9s%s ", term_color(ctx->color, COLOR_GREEN), rehearse_word(d->step),
	       term_reset(ctx->color));
	print_what(r, d);
	printf("\n");
	if (d->step == REHEARSE_ORIGINAL || d->step == REHEARSE_FIX)
		print_effects(r, d->what);
	if (d->step == REHEARSE_KEPT)
		print_remarks(r);
	if (d->step == REHEARSE_COMPAT)
		print_untried(&r->compat);
	fflush(stdout);
}

void rehearse_print_end(const struct ctx *ctx, const struct rehearsal *r, bool passed)
{
	char hex[OID_HEXSZ + 1];

	if (!passed)
		printf("  %s%-9s failed%s\n", term_color(ctx->color, COLOR_RED),
		       rehearse_word(r->at), term_reset(ctx->color));
	else if (r->note)
		printf("passed; noted on commit %.12s\n",
		       oid_hex(&r->plan.items[r->pos].commit, hex));
	else
		printf("passed\n");
}

/* --- for programs ------------------------------------------------------ */

static struct js *steps_json(const struct rehearsal *r)
{
	struct js *array = js_array(), *j;
	const struct rehearse_done *d;
	size_t i;

	for (i = 0; i < r->nr; i++) {
		d = &r->done[i];
		j = js_object();
		js_put_str(j, "step", rehearse_word(d->step));
		js_put_str(j, "what", d->what);
		js_put_int(j, "line", d->line);
		js_put_str(j, "said", d->said);
		js_put_int(j, "ms", d->ms);
		js_add(array, j);
	}
	return array;
}

static struct js *effect_json(const struct rehearse_effect *e)
{
	struct js *j = js_object();

	js_put_str(j, "path", e->path);
	if (!e->table) {
		js_put_int(j, "line", e->line);
		js_put_int(j, "ms", e->ms);
		return j;
	}
	js_put_str(j, "table", e->table);
	js_put_str(j, "lock", e->lock);
	js_put_bool(j, "rewritten", e->rewritten);
	js_put_bool(j, "dropped", e->dropped);
	js_put_int(j, "destroyed", (int64_t)e->destroyed);
	return j;
}

static struct js *effects_json(const struct rehearsal *r, bool tables)
{
	struct js *array = js_array();
	size_t i;

	for (i = 0; i < r->nr_effects; i++)
		if ((r->effects[i].table != NULL) == tables)
			js_add(array, effect_json(&r->effects[i]));
	return array;
}

static struct js *kept_json(const struct rehearsal *r)
{
	struct js *j = js_object(), *lost = js_array(), *allowed = js_array(), *rule;
	struct js *remarks = js_array();
	size_t i;

	for (i = 0; i < r->nr_lost; i++)
		js_add_str(lost, r->lost[i]);
	for (i = 0; i < r->scenario.nr_rules; i++) {
		rule = js_object();
		js_put_str(rule, "what", r->scenario.rules[i].what);
		js_put_str(rule, "reason", r->scenario.rules[i].reason);
		js_add(allowed, rule);
	}
	js_put_int(j, "rows", (int64_t)r->rows);
	js_put_int(j, "columns", (int64_t)r->columns);
	js_put(j, "lost", lost);
	js_put(j, "allowed", allowed);
	for (i = 0; i < r->nr_remarks; i++)
		js_add_str(remarks, r->remarks[i]);
	js_put(j, "remarks", remarks);
	return j;
}

static struct js *compat_json(const struct compat *c)
{
	struct js *j = js_object(), *files = js_array(), *rowless = js_array(), *file;
	char hex[OID_HEXSZ + 1];
	size_t i;

	for (i = 0; i < c->nr; i++) {
		js_add_str(files, c->files[i].path);
		if (!c->files[i].untried)
			continue;
		file = js_object();
		js_put_str(file, "file", c->files[i].path);
		js_put_str(file, "reason", c->files[i].untried);
		js_add(rowless, file);
	}
	js_put_str(j, "revision",
		   oid_is_zero(&c->revision) ? NULL : oid_hex(&c->revision, hex));
	js_put_str(j, "not_tried", c->lacking);
	js_put(j, "files", files);
	js_put(j, "without_rows", rowless);
	js_put_int(j, "migrations", (int64_t)c->migrations);
	return j;
}

void rehearse_print_json(const struct rehearsal *r, bool passed)
{
	const struct migration *m = &r->plan.items[r->pos];
	struct js *j = js_object();
	char hex[OID_HEXSZ + 1];

	js_put_str(j, "path", m->path);
	js_put_str(j, "blob", oid_hex(&m->blob, hex));
	js_put_str(j, "commit", oid_hex(&m->commit, hex));
	js_put_str(j, "original", r->has_original ? path_of(r, r->original) : NULL);
	js_put_str(j, "scenario", oid_hex(&r->scenario_blob, hex));
	js_put_str(j, "engine", r->engine);
	js_put_str(j, "result", passed ? "passed" : "failed");
	js_put_str(j, "failed_step", passed ? NULL : rehearse_word(r->at));
	js_put(j, "steps", steps_json(r));
	js_put(j, "tables", effects_json(r, true));
	js_put(j, "statements", effects_json(r, false));
	js_put(j, "kept", kept_json(r));
	js_put(j, "compat", compat_json(&r->compat));
	js_put_str(j, "note", r->note);
	js_print(j, stdout);
	js_free(j);
}
