#include "base/compat.h"

#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd/cmd.h"
#include "flow/log.h"
#include "out/json.h"
#include "out/term.h"

/* The day of a commit, in UTC as all times of this tool. */
static const char *day(int64_t when, char text[11])
{
	time_t t = (time_t)when;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(text, 11, "%Y-%m-%d", &tm) == 0)
		memcpy(text, "?", 2);
	return text;
}

static void print_life(struct ctx *ctx, const struct log *l, size_t pos,
		       const char *prefix)
{
	const struct ledger_entry *e;
	const struct record *r;
	size_t i;
	bool any = false;

	for (i = 0; i < l->nr_targets; i++) {
		e = ledger_find(&l->targets[i].ledger, l->plan.items[pos].path);
		r = !e		 ? NULL
		    : e->settled ? e->settled
		    : e->started ? e->started
				 : e->failed;
		if (!r)
			continue;
		any = true;
		printf("%s%s%s%s on %s at %s by ", prefix,
		       term_color(ctx->color, e->settled ? COLOR_GREEN : COLOR_RED),
		       event_name(r->event), term_reset(ctx->color), l->targets[i].name,
		       r->field[FIELD_AT]);
		term_print(stdout, r->field[FIELD_BY]);
		fputc('\n', stdout);
	}
	if (!any)
		printf("%s%snot applied anywhere that is known here%s\n", prefix,
		       term_color(ctx->color, COLOR_YELLOW), term_reset(ctx->color));
}

static bool has_fix_behind(const struct log *l, size_t pos, size_t from)
{
	for (; from < l->plan.nr; from++)
		if (l->under[from] == (ssize_t)pos)
			return true;
	return false;
}

/* One migration: its head line after `bullet`, the rest after `prefix`. */
static void print_entry(struct ctx *ctx, const struct log *l, size_t pos,
			const char *bullet, const char *prefix)
{
	const struct migration *m = &l->plan.items[pos];
	const char *mode = trailers_get(&m->trailers, TRAILER_FAILURE_MODE);
	char commit[SHORT_ID + 1], when[11];

	printf("%s%s", bullet, term_color(ctx->color, COLOR_BOLD));
	term_print(stdout, m->path);
	printf("%s\n%s%s%s%s ", term_reset(ctx->color), prefix,
	       term_color(ctx->color, COLOR_YELLOW), cmd_short_id(&m->commit, commit),
	       term_reset(ctx->color));
	term_print(stdout, m->subject);
	if (oid_is_zero(&m->commit)) {
		printf("\n");
	} else {
		printf(" (");
		term_print(stdout, m->author);
		printf(", %s)\n", day(m->when, when));
	}
	if (l->under[pos] >= 0) {
		printf("%sfixes %s\n", prefix, l->plan.items[l->under[pos]].path);
	}
	if (mode) {
		printf("%sfailure mode: ", prefix);
		term_print(stdout, mode);
		fputc('\n', stdout);
	}
	print_life(ctx, l, pos, prefix);
}

/* What fixes a migration, under it, and under that what fixes that. */
static void print_fixes(struct ctx *ctx, const struct log *l, size_t pos,
			const char *indent)
{
	struct buf bullet = BUF_INIT, prefix = BUF_INIT, deeper = BUF_INIT;
	size_t i;

	for (i = pos + 1; i < l->plan.nr; i++) {
		bool more;

		if (l->under[i] != (ssize_t)pos)
			continue;
		more = has_fix_behind(l, pos, i + 1);
		buf_reset(&bullet);
		buf_reset(&prefix);
		buf_reset(&deeper);
		buf_addf(&bullet, "%s%s-* ", indent, more ? "|" : "`");
		buf_addf(&deeper, "%s%s ", indent, more ? "|" : " ");
		buf_addf(&prefix, "%s%s   ", deeper.s,
			 has_fix_behind(l, i, i + 1) ? "|" : " ");
		print_entry(ctx, l, i, bullet.s, prefix.s);
		print_fixes(ctx, l, i, deeper.s);
	}
	buf_release(&bullet);
	buf_release(&prefix);
	buf_release(&deeper);
}

static void print_tree(struct ctx *ctx, const struct log *l, size_t root)
{
	print_entry(ctx, l, root, "* ",
		    has_fix_behind(l, root, root + 1) ? "|   " : "    ");
	print_fixes(ctx, l, root, "");
}

static void print_all(struct ctx *ctx, const struct log *l, int limit, bool reverse)
{
	size_t i, pos, shown = 0;

	for (i = 0; i < l->plan.nr; i++) {
		pos = reverse ? i : l->plan.nr - 1 - i;
		if (l->under[pos] >= 0)
			continue;
		if (limit >= 0 && shown++ == (size_t)limit)
			break;
		if (i && (limit < 0 || shown > 1))
			printf("\n");
		print_tree(ctx, l, pos);
	}
}

static struct js *entry_json(const struct log *l, size_t pos)
{
	const struct migration *m = &l->plan.items[pos];
	struct js *j = js_object(), *life = js_array(), *one;
	char hex[OID_HEXSZ + 1];
	size_t i, k;

	js_put_str(j, "path", m->path);
	js_put_str(j, "blob", oid_hex(&m->blob, hex));
	js_put_str(j, "commit", oid_hex(&m->commit, hex));
	js_put_str(j, "subject", m->subject);
	js_put_str(j, "author", m->author);
	js_put_int(j, "when", m->when);
	js_put_str(j, "fixes",
		   l->under[pos] >= 0 ? l->plan.items[l->under[pos]].path : NULL);
	js_put_str(j, "failure_mode", trailers_get(&m->trailers, TRAILER_FAILURE_MODE));
	for (i = 0; i < l->nr_targets; i++) {
		for (k = 0; k < l->targets[i].ledger.nr; k++) {
			const struct record *r = &l->targets[i].ledger.records[k];

			if (!r->field[FIELD_PATH] ||
			    strcmp(r->field[FIELD_PATH], m->path) != 0)
				continue;
			one = js_object();
			js_put_str(one, "target", l->targets[i].name);
			js_put_str(one, "event", event_name(r->event));
			js_put_str(one, "at", r->field[FIELD_AT]);
			js_put_str(one, "by", r->field[FIELD_BY]);
			js_put_str(one, "record", r->line);
			js_add(life, one);
		}
	}
	js_put(j, "records", life);
	return j;
}

int cmd_log(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] [<rev>]", NULL };
	bool reverse = false, json = false;
	int limit = -1;
	const struct opt opts[] = {
		{ OPT_COUNT, 'n', "max-count", &limit, "<number>",
		  "show this many, with their fixes" },
		{ OPT_BOOL, 0, "reverse", &reverse, NULL, "oldest first" },
		{ OPT_BOOL, 0, "json", &json, NULL, "JSON" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err), ret = -1;
	struct js *all;
	struct log l;
	size_t i;

	if (nr < 0 || cmd_at_most(nr, 1, argv, err) < 0)
		return -1;
	if (log_read(ctx->repo, nr ? argv[0] : NULL, &l, err) < 0)
		goto out;
	if (json) {
		all = js_array();
		for (i = 0; i < l.plan.nr; i++)
			js_add(all, entry_json(&l, i));
		js_print(all, stdout);
		js_free(all);
	} else {
		term_pager_start(ctx->pager);
		print_all(ctx, &l, limit, reverse);
	}
	ret = 0;
out:
	log_release(&l);
	return ret;
}
