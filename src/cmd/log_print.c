#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/log_print.h"
#include "out/json.h"
#include "out/term.h"

void log_order(const struct log_view *v, size_t **order, size_t *nr)
{
	const size_t all = v->log->plan.nr;
	size_t i, pos;

	*order = xcalloc(all + 1, sizeof(**order));
	*nr = 0;
	for (i = 0; i < all && (v->limit < 0 || *nr < (size_t)v->limit); i++) {
		pos = v->reverse ? i : all - 1 - i;
		if (v->shown[pos])
			(*order)[(*nr)++] = pos;
	}
}

bool log_shows_target(const struct log_view *v, const struct log_target *t)
{
	return !v->filter->target || strcmp(t->name, v->filter->target) == 0;
}

/* What became of a migration on one target. */
static const struct record *outcome(const struct log_target *t, const char *path)
{
	const struct ledger_entry *e = ledger_find(&t->ledger, path);

	return !e ? NULL : e->settled ? e->settled : e->started ? e->started : e->failed;
}

static size_t count_failures(const struct log_target *t, const char *path)
{
	const struct record *const *records;
	size_t i, nr, failed = 0;

	records = log_records(t, path, &nr);
	for (i = 0; i < nr; i++)
		failed += records[i]->event == EVENT_FAILED;
	return failed;
}

static void print_outcome(const struct ctx *ctx, const struct log_target *t,
			  const struct record *r, const char *prefix)
{
	size_t failed = count_failures(t, r->field[FIELD_PATH]);

	printf("%s%s%s%s on %s at %s by ", prefix,
	       term_color(ctx->color, event_settles(r->event) ? COLOR_GREEN : COLOR_RED),
	       event_name(r->event), term_reset(ctx->color), t->name, r->field[FIELD_AT]);
	term_print(stdout, r->field[FIELD_BY]);
	if (r->event != EVENT_FAILED && failed)
		printf(", after %zu failure%s", failed, plural(failed));
	else if (failed > 1)
		printf(", %zu times in all", failed);
	fputc('\n', stdout);
}

/* What had settled it there, and was lost with the log that said so. */
static size_t print_lost(const struct log_target *t, const char *path, const char *prefix)
{
	const struct record *const *records;
	size_t i, nr, lost = 0;

	records = log_records(t, path, &nr);
	for (i = 0; i < nr; i++) {
		const struct record *by = log_lost_by(t, records[i]);

		if (!by || !event_settles(records[i]->event))
			continue;
		printf("%slost on %s (%s, record %" PRIu64 "): %s at %s by ", prefix,
		       t->name, event_name(by->event), by->seq,
		       event_name(records[i]->event), records[i]->field[FIELD_AT]);
		term_print(stdout, records[i]->field[FIELD_BY]);
		fputc('\n', stdout);
		lost++;
	}
	return lost;
}

static void print_life(const struct ctx *ctx, const struct log_view *v, size_t pos,
		       const char *prefix)
{
	const struct log *l = v->log;
	const struct record *r;
	bool any = false;
	size_t i;

	for (i = 0; i < l->nr_targets; i++) {
		if (!log_shows_target(v, &l->targets[i]))
			continue;
		r = outcome(&l->targets[i], l->plan.items[pos].path);
		if (r)
			print_outcome(ctx, &l->targets[i], r, prefix);
		any |= r != NULL;
		any |= print_lost(&l->targets[i], l->plan.items[pos].path, prefix) > 0;
	}
	if (!any)
		printf("%s%snot applied anywhere that is known here%s\n", prefix,
		       term_color(ctx->color, COLOR_YELLOW), term_reset(ctx->color));
}

static void print_relations(const struct log *l, size_t pos, const char *prefix)
{
	const char *mode = trailers_get(&l->plan.items[pos].trailers,
					TRAILER_FAILURE_MODE);
	const struct fix *fixes;
	size_t i, nr;

	fixes = fixes_made_by(&l->fixes, pos, &nr);
	for (i = 0; i < nr; i++)
		printf("%sfixes %s\n", prefix, l->plan.items[fixes[i].of].path);
	if (mode) {
		printf("%sfailure mode: ", prefix);
		term_print(stdout, mode);
		fputc('\n', stdout);
	}
	fixes = fixes_of(&l->fixes, pos, &nr);
	for (i = 0; i < nr; i++)
		printf("%sfixed by %s\n", prefix, l->plan.items[fixes[i].fix].path);
}

/* One migration: its head line after `bullet`, the rest after `prefix`. */
static void print_entry(const struct ctx *ctx, const struct log_view *v, size_t pos,
			const char *bullet, const char *prefix)
{
	const struct migration *m = &v->log->plan.items[pos];
	char commit[SHORT_ID + 1], when[CLOCK_TEXT];

	printf("%s%s", bullet, term_color(ctx->color, COLOR_BOLD));
	term_print(stdout, m->path);
	printf("%s\n%s%s%s%s ", term_reset(ctx->color), prefix,
	       term_color(ctx->color, COLOR_YELLOW), cmd_short_id(&m->commit, commit),
	       term_reset(ctx->color));
	term_print(stdout, m->subject);
	if (!oid_is_zero(&m->commit)) {
		clock_text(m->when, when);
		printf(" (");
		term_print(stdout, m->author);
		printf(", %.10s)", when);
	}
	fputc('\n', stdout);
	print_relations(v->log, pos, prefix);
	print_life(ctx, v, pos, prefix);
}

void log_print_text(const struct ctx *ctx, const struct log_view *v)
{
	size_t *order, nr, i;

	log_order(v, &order, &nr);
	for (i = 0; i < nr; i++) {
		if (i)
			fputc('\n', stdout);
		print_entry(ctx, v, order[i], "", "    ");
	}
	free(order);
}

/* The next one drawn under `pos`, at `*at` of its fixes or behind; NULL: no more. */
static const struct fix *next_under(const struct log_view *v, size_t pos, size_t *at)
{
	size_t nr;
	const struct fix *fixes = fixes_of(&v->log->fixes, pos, &nr);

	for (; *at < nr; ++*at)
		if (v->log->fixes.under[fixes[*at].fix] == (ssize_t)pos &&
		    v->shown[fixes[*at].fix])
			return &fixes[*at];
	return NULL;
}

static bool has_under(const struct log_view *v, size_t pos)
{
	size_t at = 0;

	return next_under(v, pos, &at) != NULL;
}

/* What fixes a migration, under it, and under that what fixes that. */
static void print_under(const struct ctx *ctx, const struct log_view *v, size_t pos,
			const char *indent)
{
	struct buf bullet = BUF_INIT, prefix = BUF_INIT, deeper = BUF_INIT;
	const struct fix *fix, *more;
	size_t at = 0;

	for (fix = next_under(v, pos, &at); fix; fix = more) {
		at++;
		more = next_under(v, pos, &at);
		buf_reset(&bullet);
		buf_reset(&prefix);
		buf_reset(&deeper);
		buf_addf(&bullet, "%s%s-* ", indent, more ? "|" : "`");
		buf_addf(&deeper, "%s%s ", indent, more ? "|" : " ");
		buf_addf(&prefix, "%s%s   ", deeper.s,
			 has_under(v, fix->fix) ? "|" : " ");
		print_entry(ctx, v, fix->fix, bullet.s, prefix.s);
		print_under(ctx, v, fix->fix, deeper.s);
	}
	buf_release(&bullet);
	buf_release(&prefix);
	buf_release(&deeper);
}

void log_print_graph(const struct ctx *ctx, const struct log_view *v)
{
	struct log_view all = *v;
	size_t *order, nr, i, roots = 0;
	ssize_t under;

	all.limit = -1;
	log_order(&all, &order, &nr);
	for (i = 0; i < nr; i++) {
		under = v->log->fixes.under[order[i]];
		if (under >= 0 && v->shown[under])
			continue;
		if (v->limit >= 0 && roots == (size_t)v->limit)
			break;
		if (roots++)
			fputc('\n', stdout);
		print_entry(ctx, v, order[i], "* ",
			    has_under(v, order[i]) ? "|   " : "    ");
		print_under(ctx, v, order[i], "");
	}
	free(order);
}

void log_print_oneline(const struct ctx *ctx, const struct log_view *v)
{
	size_t *order, nr, i;

	log_order(v, &order, &nr);
	for (i = 0; i < nr; i++) {
		const struct migration *m = &v->log->plan.items[order[i]];
		char commit[SHORT_ID + 1];

		printf("%s%s%s ", term_color(ctx->color, COLOR_YELLOW),
		       cmd_short_id(&m->commit, commit), term_reset(ctx->color));
		term_print(stdout, m->path);
		fputc(' ', stdout);
		term_print(stdout, m->subject);
		fputc('\n', stdout);
	}
	free(order);
}

/* Calls `fn` for each record of a migration that is shown, target by target. */
static void each_record(const struct log_view *v, size_t pos,
			void (*fn)(void *arg, const struct log_target *t,
				   const struct record *r),
			void *arg)
{
	const struct log *l = v->log;
	const struct record *const *records;
	size_t i, k, nr;

	for (i = 0; i < l->nr_targets; i++) {
		if (!log_shows_target(v, &l->targets[i]))
			continue;
		records = log_records(&l->targets[i], l->plan.items[pos].path, &nr);
		for (k = 0; k < nr; k++)
			if (log_in_time(v->filter, records[k]))
				fn(arg, &l->targets[i], records[k]);
	}
}

static void porcelain_record(UNUSED void *arg, const struct log_target *t,
			     const struct record *r)
{
	const char *how = log_lost_how(t, r);

	if (how)
		printf("lost %s %s %s\n", t->name, how, r->line);
	else
		printf("record %s %s\n", t->name, r->line);
}

void log_print_porcelain(const struct log_view *v)
{
	const struct fix *fixes;
	char commit[OID_HEXSZ + 1], blob[OID_HEXSZ + 1];
	size_t *order, nr, i, k, nr_fixes;

	log_order(v, &order, &nr);
	for (i = 0; i < nr; i++) {
		const struct migration *m = &v->log->plan.items[order[i]];

		printf("migration %s %s %s\n", oid_hex(&m->commit, commit),
		       oid_hex(&m->blob, blob), m->path);
		fixes = fixes_made_by(&v->log->fixes, order[i], &nr_fixes);
		for (k = 0; k < nr_fixes; k++)
			printf("fixes %s\n", v->log->plan.items[fixes[k].of].path);
		each_record(v, order[i], porcelain_record, NULL);
	}
	free(order);
}

static void json_record(void *arg, const struct log_target *t, const struct record *r)
{
	struct js *one = js_object();

	js_put_str(one, "target", t->name);
	js_put_int(one, "seq", (int64_t)r->seq);
	js_put_str(one, "event", event_name(r->event));
	js_put_str(one, "at", r->field[FIELD_AT]);
	js_put_str(one, "by", r->field[FIELD_BY]);
	js_put_str(one, "sqlstate", r->field[FIELD_SQLSTATE]);
	js_put_str(one, "reason", r->field[FIELD_REASON]);
	js_put_str(one, "lost", log_lost_how(t, r));
	js_put_str(one, "record", r->line);
	js_add(arg, one);
}

static struct js *json_paths(const struct log *l, const struct fix *fixes, size_t nr,
			     bool of)
{
	struct js *a = js_array();
	size_t i;

	for (i = 0; i < nr; i++)
		js_add_str(a, l->plan.items[of ? fixes[i].of : fixes[i].fix].path);
	return a;
}

struct js *log_json(const struct log_view *v, size_t pos)
{
	const struct log *l = v->log;
	const struct migration *m = &l->plan.items[pos];
	struct js *j = js_object(), *records = js_array();
	const struct fix *fixes;
	char hex[OID_HEXSZ + 1];
	size_t nr;

	js_put_str(j, "path", m->path);
	js_put_str(j, "blob", oid_hex(&m->blob, hex));
	js_put_str(j, "commit", oid_hex(&m->commit, hex));
	js_put_str(j, "subject", m->subject);
	js_put_str(j, "author", m->author);
	js_put_int(j, "when", m->when);
	fixes = fixes_made_by(&l->fixes, pos, &nr);
	js_put(j, "fixes", json_paths(l, fixes, nr, true));
	fixes = fixes_of(&l->fixes, pos, &nr);
	js_put(j, "fixed_by", json_paths(l, fixes, nr, false));
	js_put_str(j, "failure_mode", trailers_get(&m->trailers, TRAILER_FAILURE_MODE));
	each_record(v, pos, json_record, records);
	js_put(j, "records", records);
	return j;
}

void log_print_json(const struct log_view *v)
{
	struct js *all = js_array();
	size_t *order, nr, i;

	log_order(v, &order, &nr);
	for (i = 0; i < nr; i++)
		js_add(all, log_json(v, order[i]));
	js_print(all, stdout);
	js_free(all);
	free(order);
}
