#include "base/compat.h"

#include <poll.h>

#include "base/err.h"
#include "base/interrupt.h"
#include "base/io.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/decide_print.h"
#include "flow/decide.h"
#include "out/json.h"
#include "out/term.h"

/* --- lines ------------------------------------------------------------- */

/* The next line of several, of which `*at` is moved behind; false at the end. */
static bool next_line(const char **at, struct buf *line)
{
	size_t len = strcspn(*at, "\n");

	if (!**at)
		return false;
	buf_reset(line);
	buf_add(line, *at, len);
	*at += len + ((*at)[len] == '\n');
	return true;
}

static void print_lines(FILE *to, const char *text, const char *before)
{
	struct buf line = BUF_INIT;

	while (next_line(&text, &line)) {
		fputs(before, to);
		term_print(to, buf_str(&line));
		fputc('\n', to);
	}
	buf_release(&line);
}

/* --- asking ------------------------------------------------------------ */

bool decide_can_ask(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
}

/* Position of the only answer that begins so, in any case; `usual` for nothing; -1. */
static int find_answer(const struct decision_node *node, const char *typed, size_t len,
		       int usual)
{
	int i, found = -1;

	if (len == 0)
		return usual;
	for (i = 0; i < DECISION_ANSWERS && node->answers[i].word; i++) {
		if (strncasecmp(node->answers[i].word, typed, len) != 0)
			continue;
		if (found >= 0)
			return -1;
		found = i;
	}
	return found;
}

static void print_prompt(const struct decision_node *node, int usual)
{
	int i;

	fprintf(stderr, "%s (", node->text);
	for (i = 0; i < DECISION_ANSWERS && node->answers[i].word; i++)
		fprintf(stderr, "%s%s", i ? "/" : "", node->answers[i].word);
	fprintf(stderr, ") [%s] ", node->answers[usual].word);
	fflush(stderr);
}

/* A line of the terminal, while signals are let in. 1, 0 at its end, -1. */
static int read_line(char *line, size_t size, struct err *err)
{
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t n = -1;

	while (interrupt_poll(&pfd, 1, -1) < 0)
		if (errno != EINTR || interrupt_seen())
			return err_set(err, ERR_INTERRUPTED, "interrupted");
	n = read(STDIN_FILENO, line, size - 1);
	line[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static void tell_person(struct decide_person *p)
{
	if (p->told)
		return;
	p->told = true;
	fprintf(stderr, "migration %s on target ", p->d->path);
	term_print(stderr, p->d->survey.target.name);
	fprintf(stderr, ": what nothing here can tell is asked.\n"
			"Enter takes the answer in brackets; nothing is changed, "
			"Ctrl-C ends it.\n");
}

static void tell_no_answer(const char *typed, size_t len)
{
	char *copy = xstrndup(typed, len);

	fprintf(stderr, "  '");
	term_print(stderr, copy);
	fprintf(stderr, "' is none of the answers, nor the beginning of one alone\n");
	free(copy);
}

int decide_ask(void *arg, enum decision_question question, int usual,
	       const char *evidence, struct err *err)
{
	const struct decision_node *node = &decision_nodes[question];
	struct decide_person *p = arg;
	char line[256];
	const char *typed;
	size_t len;
	int rc, choice;

	cmd_flush(p->ctx);
	tell_person(p);
	fputc('\n', stderr);
	print_lines(stderr, evidence, "  ");
	for (;;) {
		print_prompt(node, usual);
		rc = read_line(line, sizeof(line), err);
		if (rc <= 0)
			fputc('\n', stderr);
		if (rc < 0)
			return -1;
		if (rc == 0)
			return DECIDE_NOBODY;
		len = strlen(line);
		typed = text_trim(line, &len);
		choice = find_answer(node, typed, len, usual);
		if (choice >= 0)
			return choice;
		tell_no_answer(typed, len);
	}
}

/* --- what a down migration would do ------------------------------------- */

static const char *counted_word(enum db_counted how)
{
	switch (how) {
	case COUNTED_ALL:
		return "all";
	case COUNTED_AT_LEAST:
		return "at-least";
	case COUNTED_ABOUT:
		return "about";
	case COUNTED_UNKNOWN:
		return "unknown";
	case COUNTED_ABSENT:
		return "absent";
	}
	BUG("unhandled count %d", (int)how);
}

static void add_number(const struct db_count *c, struct buf *out)
{
	const char *unit = c->column ? "value" : "row";

	switch (c->how) {
	case COUNTED_ALL:
		buf_addf(out, "%" PRIu64 " %s%s", c->nr, unit, plural(c->nr));
		return;
	case COUNTED_AT_LEAST:
		buf_addf(out, "at least %" PRIu64 " %ss (counting was cut off)", c->nr,
			 unit);
		return;
	case COUNTED_ABOUT:
		buf_addf(out,
			 "up to about %" PRIu64 " %ss (counting was cut off: an "
			 "estimate of the rows)",
			 c->nr, unit);
		return;
	case COUNTED_UNKNOWN:
		buf_addf(out, "%ss that could not be counted in time", unit);
		return;
	case COUNTED_ABSENT:
		buf_adds(out, "not there any more");
		return;
	}
	BUG("unhandled count %d", (int)c->how);
}

static void add_counted(const struct decide_down *d, struct buf *out)
{
	if (d->why_not)
		buf_addf(out, "not counted: %s", d->why_not);
	else
		add_number(&d->count, out);
	if (d->effect->kind == EFFECT_TYPE)
		buf_addf(out,
			 ", of type %s; as %s again they would not be what they were",
			 d->effect->new_type, d->effect->old_type);
}

static void add_down(const struct decide_down *d, struct buf *out)
{
	switch (d->effect->kind) {
	case EFFECT_NEW_TABLE:
	case EFFECT_NEW_COLUMN:
	case EFFECT_TYPE:
		add_counted(d, out);
		return;
	case EFFECT_GONE_TABLE:
	case EFFECT_GONE_COLUMN:
		buf_adds(out, "was dropped; it would be back without its values");
		return;
	case EFFECT_UPDATED:
		buf_adds(out, d->effect->rebuilt
				      ? "it was made anew, and not each value is seen to "
					"come with it; what they were is not kept"
				      : "its rows were updated; what they were is not "
					"kept");
		return;
	case EFFECT_DELETED:
		buf_adds(out, d->effect->rebuilt
				      ? "it was made anew, and not each row is seen to "
					"come with it; none would be back"
				      : "rows were deleted; none would be back");
		return;
	}
	BUG("unhandled effect %d", (int)d->effect->kind);
}

static void print_down(const struct decide *way)
{
	struct buf text = BUF_INIT;
	size_t i;

	if (way->nr_down)
		printf("\nwhat a down migration would do to the data, at this moment:\n");
	for (i = 0; i < way->nr_down; i++) {
		buf_reset(&text);
		add_down(&way->down[i], &text);
		printf("  ");
		term_print(stdout, way->down[i].name);
		printf(": ");
		term_print(stdout, buf_str(&text));
		printf("\n");
	}
	buf_release(&text);
}

/* --- for people -------------------------------------------------------- */

static const char *who_word(const struct decide_evidence *e)
{
	return e->asked ? "person" : e->open ? "default" : "evidence";
}

static void print_steps(const struct ctx *ctx, const struct decide *way)
{
	const struct decision_step *s;
	const struct decision_node *node;
	const struct decide_evidence *e;

	for (s = way->walk.steps; s < way->walk.steps + way->walk.nr; s++) {
		node = &decision_nodes[s->question];
		e = &way->of[s->question];
		printf("\n%s %s%s%s%s\n", node->text, term_color(ctx->color, COLOR_BOLD),
		       node->answers[s->answer].word, term_reset(ctx->color),
		       e->asked	 ? " (you say)"
		       : e->open ? " (nobody was asked)"
				 : "");
		print_lines(stdout, buf_str(&e->lines), "  ");
	}
}

void decide_print(const struct ctx *ctx, const struct decide *way)
{
	size_t i;

	print_steps(ctx, way);
	print_down(way);
	printf("\nthe way forward: ");
	term_print(stdout, way->advice);
	printf("\n\n");
	for (i = 0; i < way->nr_commands; i++) {
		printf("\t%s", way->commands[i].edit ? "# " : "");
		term_print(stdout, way->commands[i].text);
		printf("\n");
	}
}

/* --- for programs ------------------------------------------------------ */

static struct js *steps_json(const struct decide *way)
{
	struct js *array = js_array(), *j, *lines;
	struct buf line = BUF_INIT;
	const struct decision_step *s;
	const char *at;

	for (s = way->walk.steps; s < way->walk.steps + way->walk.nr; s++) {
		const struct decision_node *node = &decision_nodes[s->question];

		j = js_object();
		lines = js_array();
		js_put_str(j, "question", node->id);
		js_put_str(j, "text", node->text);
		js_put_str(j, "answer", node->answers[s->answer].word);
		js_put_str(j, "by", who_word(&way->of[s->question]));
		at = buf_str(&way->of[s->question].lines);
		while (next_line(&at, &line))
			js_add_str(lines, buf_str(&line));
		js_put(j, "evidence", lines);
		js_add(array, j);
	}
	buf_release(&line);
	return array;
}

static struct js *commands_json(const struct decide *way)
{
	struct js *array = js_array(), *j;
	size_t i;

	for (i = 0; i < way->nr_commands; i++) {
		j = js_object();
		js_put_str(j, way->commands[i].edit ? "edit" : "command",
			   way->commands[i].text);
		js_add(array, j);
	}
	return array;
}

static struct js *down_json(const struct decide *way)
{
	struct js *array = js_array(), *j;
	const struct decide_down *d;
	bool counted;
	size_t i;

	for (i = 0; i < way->nr_down; i++) {
		d = &way->down[i];
		counted = sql_effect_is_counted(d->effect->kind) && !d->why_not;
		j = js_object();
		js_put_str(j, "name", d->name);
		js_put_str(j, "effect", sql_effect_word(d->effect->kind));
		js_put_str(j, "counted", counted ? counted_word(d->count.how) : NULL);
		js_put_str(j, "unit", d->effect->column_key ? "values" : "rows");
		if (counted && d->count.how < COUNTED_UNKNOWN)
			js_put_int(j, "count", (int64_t)d->count.nr);
		js_put_str(j, "error", d->why_not);
		js_add(array, j);
	}
	return array;
}

void decide_json(const struct decide *way, struct js *to)
{
	js_put_str(to, "way", way ? decision_ends[way->walk.way].id : NULL);
	js_put_str(to, "advice", way ? way->advice : NULL);
	js_put_str(to, "kind", way ? way->walk.kind : NULL);
	js_put(to, "commands", way ? commands_json(way) : js_array());
	js_put(to, "steps", way ? steps_json(way) : js_array());
	js_put(to, "down", way ? down_json(way) : js_array());
}
