#include "base/compat.h"

#include "base/buf.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/drill_print.h"
#include "flow/drill.h"
#include "flow/drill_judge.h"
#include "flow/drill_log.h"
#include "out/json.h"
#include "out/table.h"

enum { MINUTE = 60, HOUR = 3600 };

void drill_clock(struct buf *out, int64_t seconds)
{
	if (seconds >= HOUR)
		buf_addf(out, "%" PRId64 ":%02d:%02d", seconds / HOUR,
			 (int)(seconds % HOUR / MINUTE), (int)(seconds % MINUTE));
	else
		buf_addf(out, "%d:%02d", (int)(seconds / MINUTE),
			 (int)(seconds % MINUTE));
}

/* --- what there was ---------------------------------------------------- */

static const struct drilled *newest_of(const struct drill_log *log, const char *name)
{
	size_t i;

	for (i = 0; i < log->nr; i++)
		if (strcmp(log->items[i].incident, name) == 0)
			return &log->items[i];
	return NULL;
}

static enum color result_color(const struct drilled *r)
{
	return strcmp(r->result, "passed") == 0 ? COLOR_GREEN : COLOR_YELLOW;
}

static struct js *drilled_json(const struct drilled *r)
{
	struct js *j = js_object();

	js_put_str(j, "incident", r->incident);
	js_put_str(j, "result", r->result);
	js_put_str(j, "at", r->at);
	js_put_str(j, "by", r->by);
	js_put_int(j, "seconds", r->seconds);
	js_put_int(j, "hints", r->hints);
	js_put_str(j, "engine", r->engine);
	return j;
}

static void print_drilled_line(const struct drilled *r)
{
	const char *const texts[] = { r->at, r->result, r->incident, r->engine };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		term_print(stdout, texts[i][0] ? texts[i] : "-");
		putchar(' ');
	}
	printf("%" PRId64 " %" PRId64 " ", r->seconds, r->hints);
	term_print(stdout, r->by);
	putchar('\n');
}

static void add_drilled_row(struct table *t, const struct drilled *r)
{
	struct buf time = BUF_INIT;

	drill_clock(&time, r->seconds < 0 ? 0 : r->seconds);
	table_cellf(t, COLOR_DIM, "%.10s", r->at);
	table_cell(t, result_color(r), r->result);
	table_cell(t, COLOR_BOLD, r->incident);
	table_cell(t, COLOR_NONE, time.s);
	table_cellf(t, COLOR_NONE, "%" PRId64 " hint%s", r->hints, plural(r->hints));
	table_cell(t, COLOR_NONE, r->engine);
	table_cell(t, COLOR_NONE, r->by);
	table_row(t);
	buf_release(&time);
}

void drill_print_log(struct ctx *ctx, enum drill_form form, const struct drill_log *log)
{
	struct table *t = table_new(ctx->color);
	struct js *all = js_array();
	size_t i;

	for (i = 0; i < log->nr; i++) {
		if (form == DRILL_JSON)
			js_add(all, drilled_json(&log->items[i]));
		else if (form == DRILL_PORCELAIN)
			print_drilled_line(&log->items[i]);
		else
			add_drilled_row(t, &log->items[i]);
	}
	if (form == DRILL_JSON)
		js_print(all, stdout);
	table_print(t, stdout, 0);
	table_free(t);
	js_free(all);
}

/* --- incidents --------------------------------------------------------- */

static struct js *incident_json(const struct drill_incident *d,
				const struct drilled *newest)
{
	struct js *j = js_object();

	js_put_str(j, "incident", d->name);
	js_put_str(j, "title", d->title);
	if (newest)
		js_put(j, "newest", drilled_json(newest));
	else
		js_put_str(j, "newest", NULL);
	return j;
}

static void add_incident_row(struct table *t, const struct drill_incident *d,
			     const struct drilled *newest)
{
	table_cell(t, COLOR_BOLD, d->name);
	table_cell(t, COLOR_NONE, d->title);
	if (newest)
		table_cellf(t, result_color(newest), "%s %.10s", newest->result,
			    newest->at);
	table_row(t);
}

void drill_print_list(struct ctx *ctx, enum drill_form form,
		      const struct drill_catalogue *c, const struct drill_log *log)
{
	struct table *t = table_new(ctx->color);
	struct js *all = js_array();
	const struct drilled *newest;
	size_t i;

	for (i = 0; i < c->nr; i++) {
		newest = newest_of(log, c->items[i].name);
		if (form == DRILL_JSON)
			js_add(all, incident_json(&c->items[i], newest));
		else if (form == DRILL_PORCELAIN)
			printf("%s %s\n", c->items[i].name,
			       newest ? newest->result : "-");
		else
			add_incident_row(t, &c->items[i], newest);
	}
	if (form == DRILL_JSON)
		js_print(all, stdout);
	table_print(t, stdout, 0);
	table_free(t);
	js_free(all);
}

/* --- one drill --------------------------------------------------------- */

void drill_print_story(struct ctx *ctx, const struct drill *d)
{
	const struct drill_part *story = drill_next(d->incident, DRILL_STORY, NULL);

	printf("%s%s%s\n\n%s\n\n", term_color(ctx->color, COLOR_BOLD), d->incident->title,
	       term_reset(ctx->color), story->text);
	printf("repository: ");
	term_print(stdout, d->dir);
	printf("\ndatabase:   ");
	term_print(stdout, d->database ? d->database : d->url);
	printf("\n\n");
}

static const char *area_title(enum drill_area area)
{
	switch (area) {
	case DRILL_AREA_OLD:
		return "old version";
	case DRILL_AREA_NEW:
		return "new version";
	case DRILL_AREA_WRITERS:
		return "rolling forward";
	case DRILL_AREA_HISTORY:
	case DRILL_AREA_LOG:
	case DRILL_AREA_PLAN:
	case DRILL_AREA_DATA:
		return drill_area_word(area);
	}
	BUG("unhandled area %d", (int)area);
}

void drill_print_verdicts(struct ctx *ctx, const struct drill_judgement *j, bool all)
{
	struct table *t = table_new(ctx->color);
	const struct drill_verdict *v;
	size_t i;

	for (i = 0; i < j->nr; i++) {
		v = &j->items[i];
		if (v->ok && !all)
			continue;
		table_cell(t, v->ok ? COLOR_GREEN : COLOR_RED, v->ok ? "ok" : "FAILS");
		table_cell(t, COLOR_DIM, area_title(v->area));
		table_cellf(t, COLOR_NONE, "%s%s%s", v->what, v->ok ? "" : ": ", v->why);
		table_row(t);
	}
	table_print(t, stdout, 2);
	table_free(t);
}

static struct js *verdicts_json(const struct drill_judgement *j)
{
	struct js *all = js_array(), *one;
	size_t i;

	for (i = 0; i < j->nr; i++) {
		one = js_object();
		js_put_str(one, "area", drill_area_word(j->items[i].area));
		js_put_bool(one, "ok", j->items[i].ok);
		js_put_str(one, "what", j->items[i].what);
		js_put_str(one, "why", j->items[i].why);
		js_add(all, one);
	}
	return all;
}

void drill_print_json(const struct drill *d, const struct drill_judgement *j)
{
	struct js *o = js_object();

	js_put_str(o, "incident", d->incident->name);
	js_put_str(o, "title", d->incident->title);
	js_put_str(o, "story", drill_next(d->incident, DRILL_STORY, NULL)->text);
	js_put_str(o, "engine", d->engine);
	js_put_str(o, "folder", d->dir);
	js_put_str(o, "began", d->began);
	js_put_str(o, "ended", d->ended);
	js_put_int(o, "seconds", drill_seconds(d));
	js_put_int(o, "hints", (int64_t)d->hints);
	js_put_bool(o, "passed", d->ended != NULL);
	if (j)
		js_put(o, "verdicts", verdicts_json(j));
	js_print(o, stdout);
	js_free(o);
}
