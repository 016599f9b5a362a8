#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/log_print.h"

/* One line that is being made. */
struct line {
	const struct log_view *view;
	size_t pos;
	const struct migration *m;
	struct buf *out;
	const char *arg; /* of "%(word:arg)", "" without */
};

static void add_escaped(struct buf *out, const char *text, size_t len)
{
	text_printable(out, text, len, 0);
}

static void add_commit(struct line *l)
{
	char hex[OID_HEXSZ + 1];

	buf_adds(l->out, oid_hex(&l->m->commit, hex));
}

static void add_short(struct line *l)
{
	char text[SHORT_ID + 1];

	buf_adds(l->out, cmd_short_id(&l->m->commit, text));
}

static void add_blob(struct line *l)
{
	char hex[OID_HEXSZ + 1];

	buf_adds(l->out, oid_hex(&l->m->blob, hex));
}

static void add_subject(struct line *l)
{
	add_escaped(l->out, l->m->subject, strlen(l->m->subject));
}

/* "Name <mail>": either half of it. */
static void add_author(struct line *l)
{
	const char *author = l->m->author, *mail = strstr(author, " <");

	add_escaped(l->out, author, mail ? (size_t)(mail - author) : strlen(author));
}

static void add_mail(struct line *l)
{
	const char *mail = strstr(l->m->author, " <");

	if (mail)
		add_escaped(l->out, mail + 2, strcspn(mail + 2, ">"));
}

static void add_date(struct line *l)
{
	char when[CLOCK_TEXT];

	clock_text(l->m->when, when);
	buf_addf(l->out, "%.19sZ", when);
}

static void add_day(struct line *l)
{
	char when[CLOCK_TEXT];

	clock_text(l->m->when, when);
	buf_addf(l->out, "%.10s", when);
}

static void add_epoch(struct line *l)
{
	buf_addf(l->out, "%" PRId64, l->m->when);
}

static void add_path(struct line *l)
{
	buf_adds(l->out, l->m->path);
}

static void add_paths(struct line *l, const struct fix *fixes, size_t nr, bool of)
{
	size_t i;

	for (i = 0; i < nr; i++)
		buf_addf(l->out, "%s%s", i ? "," : "",
			 l->view->log->plan.items[of ? fixes[i].of : fixes[i].fix].path);
}

static void add_fixes(struct line *l)
{
	size_t nr;
	const struct fix *fixes = fixes_made_by(&l->view->log->fixes, l->pos, &nr);

	add_paths(l, fixes, nr, true);
}

static void add_fixed_by(struct line *l)
{
	size_t nr;
	const struct fix *fixes = fixes_of(&l->view->log->fixes, l->pos, &nr);

	add_paths(l, fixes, nr, false);
}

/* All values of one of our trailers, one after the other. */
static void add_trailer(struct line *l)
{
	const struct trailers *t = &l->m->trailers;
	bool more = false;
	size_t i;

	for (i = 0; i < t->nr; i++) {
		if (strcasecmp(trailer_name(t->items[i].key), l->arg) != 0)
			continue;
		if (more)
			buf_adds(l->out, ", ");
		add_escaped(l->out, t->items[i].value, strlen(t->items[i].value));
		more = true;
	}
}

static const struct ledger_entry *on_target(const struct line *l)
{
	const struct log_target *t = log_target(l->view->log, l->arg);

	return t ? ledger_find(&t->ledger, l->m->path) : NULL;
}

static void add_applied(struct line *l)
{
	const struct ledger_entry *e = on_target(l);

	if (e && e->settled)
		buf_adds(l->out, e->settled->field[FIELD_AT]);
}

static void add_by(struct line *l)
{
	const struct ledger_entry *e = on_target(l);

	if (e && e->settled)
		add_escaped(l->out, e->settled->field[FIELD_BY],
			    strlen(e->settled->field[FIELD_BY]));
}

static void add_state(struct line *l)
{
	const struct ledger_entry *e = on_target(l);

	buf_adds(l->out, !e	      ? "pending"
			 : e->settled ? event_name(e->settled->event)
			 : e->started ? "started"
			 : e->failed  ? "failed"
				      : "pending");
}

static void add_newline(struct line *l)
{
	buf_addc(l->out, '\n');
}

static void add_tab(struct line *l)
{
	buf_addc(l->out, '\t');
}

static void add_percent(struct line *l)
{
	buf_addc(l->out, '%');
}

enum arg { ARG_NONE, ARG_TARGET, ARG_TRAILER };

static const struct placeholder {
	const char *word;
	void (*add)(struct line *l);
	enum arg arg;
} placeholders[] = {
	{ "H", add_commit, ARG_NONE },
	{ "h", add_short, ARG_NONE },
	{ "s", add_subject, ARG_NONE },
	{ "an", add_author, ARG_NONE },
	{ "ae", add_mail, ARG_NONE },
	{ "aI", add_date, ARG_NONE },
	{ "as", add_day, ARG_NONE },
	{ "at", add_epoch, ARG_NONE },
	{ "n", add_newline, ARG_NONE },
	{ "x09", add_tab, ARG_NONE },
	{ "%", add_percent, ARG_NONE },
	{ "(path)", add_path, ARG_NONE },
	{ "(blob)", add_blob, ARG_NONE },
	{ "(fixes)", add_fixes, ARG_NONE },
	{ "(fixed-by)", add_fixed_by, ARG_NONE },
	{ "(trailer:", add_trailer, ARG_TRAILER },
	{ "(applied:", add_applied, ARG_TARGET },
	{ "(by:", add_by, ARG_TARGET },
	{ "(state:", add_state, ARG_TARGET },
};

/* What stands at `at`, behind a '%'; `*len` is its length. NULL: nothing that is known.
 */
static const struct placeholder *find_placeholder(const char *at, size_t *len)
{
	const struct placeholder *p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(placeholders); i++) {
		p = &placeholders[i];
		if (!starts_with(at, p->word))
			continue;
		*len = strlen(p->word);
		if (p->arg != ARG_NONE)
			*len += strcspn(at + *len, ")") + 1;
		return *len <= strlen(at) ? p : NULL;
	}
	return NULL;
}

static bool is_trailer(const char *name)
{
	int key;

	for (key = 0; key < TRAILER_NR; key++)
		if (strcasecmp(trailer_name((enum trailer_key)key), name) == 0)
			return true;
	return false;
}

static char *argument(const struct placeholder *p, const char *at, size_t len)
{
	const size_t before = strlen(p->word);

	return p->arg == ARG_NONE ? xstrndup("", 0)
				  : xstrndup(at + before, len - before - 1);
}

/* One placeholder of the format, judged. Returns its length, -1 when it is none. */
static ssize_t check_placeholder(const struct log *log, const char *at, struct err *err)
{
	size_t len = 0;
	const struct placeholder *p = find_placeholder(at, &len);
	ssize_t ret = (ssize_t)len;
	char *arg;

	if (!p) {
		err_set(err, ERR_USAGE, "there is no placeholder '%%%.*s'",
			(int)(at[0] == '(' ? strcspn(at, ")") + 1 : 1), at);
		err_hint(err, "usage", "git-migrate(1) lists those of --format.");
		return -1;
	}
	arg = argument(p, at, len);
	if (p->arg == ARG_TARGET && !log_target(log, arg))
		ret = err_set(err, ERR_USAGE, "there is no mirror of a target '%s' here",
			      arg);
	else if (p->arg == ARG_TRAILER && !is_trailer(arg))
		ret = err_set(err, ERR_USAGE, "'%s' is no trailer of ours", arg);
	free(arg);
	return ret;
}

static int check_format(const struct log *log, const char *format, struct err *err)
{
	ssize_t len;

	while ((format = strchr(format, '%')) != NULL) {
		len = check_placeholder(log, ++format, err);
		if (len < 0)
			return -1;
		format += len;
	}
	return 0;
}

static void make_line(struct line *l, const char *format)
{
	const struct placeholder *p;
	size_t len = 0;
	char *arg;

	for (; *format; format += len) {
		len = strcspn(format, "%");
		buf_add(l->out, format, len);
		if (!format[len])
			return;
		format += len + 1;
		p = find_placeholder(format, &len);
		if (!p)
			BUG("'%s' was not judged", format);
		l->arg = arg = argument(p, format, len);
		p->add(l);
		free(arg);
	}
}

int log_print_format(const struct log_view *v, const char *format, struct err *err)
{
	struct buf out = BUF_INIT;
	struct line line = { .view = v, .out = &out };
	size_t *order, nr, i;

	if (check_format(v->log, format, err) < 0)
		return -1;
	log_order(v, &order, &nr);
	for (i = 0; i < nr; i++) {
		line.pos = order[i];
		line.m = &v->log->plan.items[order[i]];
		buf_reset(&out);
		make_line(&line, format);
		buf_addc(&out, '\n');
		fwrite(out.s, 1, out.len, stdout);
	}
	free(order);
	buf_release(&out);
	return 0;
}
