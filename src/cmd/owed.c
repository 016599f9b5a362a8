/* status --owed: the contracts that a target has not run, why, and since when. */
#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/owed.h"
#include "flow/survey.h"
#include "out/json.h"
#include "out/table.h"

enum { DAY_LEN = 10, DAY_MS = 24 * 60 * 60 * 1000 };

struct owed {
	const struct migration *m;
	bool waits;
	const char *why; /* the plan's pool's */
	char since[CLOCK_TEXT];
	int64_t days;
};

static bool is_owed(const struct course *c)
{
	return c->contract &&
	       (c->fate == FATE_WAITS || c->fate == FATE_RUN || c->fate == FATE_HELD);
}

/* In words; the plan's pool's. */
static const char *gate_of(struct survey *s, const struct held *held)
{
	struct buf words = BUF_INIT;
	const char *ret;

	gates_say(held, &words);
	ret = pool_strdup(&s->plan.pool, buf_str(&words));
	buf_release(&words);
	return ret;
}

/* 0 or -1. */
static int look(struct survey *s, size_t pos, struct owed *out, struct err *err)
{
	const struct course *c = survey_course(s, pos);
	const struct held *held = gates_held(&s->gates, pos);
	char now[CLOCK_TEXT];
	int64_t ms;

	if (plan_describe(&s->plan, pos, err) < 0)
		return -1;
	out->m = &s->plan.items[pos];
	out->waits = held || c->fate == FATE_WAITS;
	if (held)
		out->why = gate_of(s, held);
	else if (c->fate == FATE_WAITS)
		out->why = schedule_wait(&s->plan, c, &s->plan.pool);
	else if (c->fate == FATE_HELD)
		out->why = "one that it stands behind waits";
	else
		out->why = "the next apply runs it";
	clock_text(out->m->when, out->since);
	out->since[DAY_LEN] = '\0';
	clock_utc(now);
	if (clock_parse(now, &ms) < 0)
		BUG("the clock says '%s'", now);
	ms -= 1000 * out->m->when;
	out->days = ms > 0 ? ms / DAY_MS : 0;
	return 0;
}

static struct js *owed_json(const struct owed *o)
{
	char hex[OID_HEXSZ + 1];
	struct js *j = js_object();

	js_put_str(j, "path", o->m->path);
	js_put_str(j, "commit", oid_hex(&o->m->commit, hex));
	js_put_str(j, "state", o->waits ? "waiting" : "due");
	js_put_str(j, "why", o->why);
	js_put_str(j, "since", o->since);
	js_put_int(j, "days", o->days);
	return j;
}

static void print_line(const struct owed *o)
{
	char hex[OID_HEXSZ + 1];

	printf("%s %s %s %" PRId64 " %s ", o->waits ? "waiting" : "due",
	       oid_hex(&o->m->commit, hex), o->since, o->days, o->m->path);
	term_print(stdout, o->why);
	printf("\n");
}

static void add_row(struct table *t, const struct owed *o)
{
	char commit[SHORT_ID + 1];

	table_cell(t, o->waits ? COLOR_NONE : COLOR_YELLOW, o->waits ? "waiting" : "due");
	table_cell(t, COLOR_NONE, o->m->path);
	table_cell(t, COLOR_DIM, cmd_short_id(&o->m->commit, commit));
	table_cellf(t, COLOR_NONE, "since %s, %" PRId64 " day%s", o->since, o->days,
		    plural(o->days));
	table_cell(t, COLOR_NONE, o->why);
	table_row(t);
}

static void print_head(const struct survey *s, size_t nr)
{
	printf("target ");
	term_print(stdout, s->target.name);
	if (nr)
		printf(": %zu owed\n", nr);
	else
		printf(": nothing is owed\n");
}

int owed_show(struct ctx *ctx, struct survey *s, bool porcelain, struct js *all,
	      struct err *err)
{
	struct table *t = table_new(ctx->color);
	struct js *list = js_array(), *j;
	struct owed o;
	size_t i, nr = 0;
	int ret = 0;

	for (i = s->judgement.schedule.first; i < s->plan.nr && ret == 0; i++) {
		if (!is_owed(survey_course(s, i)))
			continue;
		ret = look(s, i, &o, err);
		if (ret < 0)
			break;
		nr++;
		if (porcelain)
			print_line(&o);
		else if (all)
			js_add(list, owed_json(&o));
		else
			add_row(t, &o);
	}
	if (ret == 0 && all) {
		j = js_object();
		js_put_str(j, "target", s->target.name);
		js_put(j, "owed", list);
		list = NULL;
		js_add(all, j);
	} else if (ret == 0 && !porcelain) {
		print_head(s, nr);
		if (nr)
			table_print(t, stdout, 2);
	}
	js_free(list);
	table_free(t);
	return ret;
}
