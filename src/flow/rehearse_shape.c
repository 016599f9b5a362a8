/* What hangs on the tables: a table that is made anew leaves it behind unseen. */
#include "base/compat.h"

#include "base/text.h"
#include "flow/stage.h"

int stage_read_shape(struct stage *s, struct schema *out, struct err *err)
{
	struct target *t = &s->scratch.target;

	if (t->driver->schema(t->db, out, err) < 0)
		return -1;
	schema_sort(out);
	return 0;
}

/* Some lines of a sorted schema. */
struct range {
	const struct schema *of;
	size_t first, end;
	bool no_case;
};

/* Of the engine, whose names may have no case. */
static int compare_names(bool no_case, const char *a, const char *b)
{
	return no_case ? strcasecmp(a, b) : strcmp(a, b);
}

/*
 * The lines of the same object. Both are sorted, and the search begins where the last
 * one has ended; but not by names without case.
 */
static bool find_object(struct range *now, const struct schema_line *l)
{
	const struct schema *of = now->of;
	int d = -1;

	for (now->first = now->no_case ? 0 : now->end; now->first < of->nr;
	     now->first = schema_object_end(of, now->first)) {
		d = strcmp(of->lines[now->first].kind, l->kind);
		if (d == 0)
			d = compare_names(now->no_case, of->lines[now->first].name,
					  l->name);
		if (d == 0 || (d > 0 && !now->no_case))
			break;
	}
	now->end = now->first;
	if (now->first == of->nr || d != 0)
		return false;
	now->end = schema_object_end(of, now->first);
	return true;
}

static bool has_line(const struct range *now, const char *text)
{
	const struct schema_line *lines = now->of->lines;
	size_t i;

	for (i = now->first; i < now->end; i++)
		if (lines[i].text && strcmp(lines[i].text, text) == 0)
			return true;
	return false;
}

/* How long "column <name>" is, with the quotes of the name; 0: it is no column. */
static size_t column_len(const char *text)
{
	static const char word[] = "column ";
	size_t len = strlen(word);

	if (!starts_with(text, word))
		return 0;
	if (text[len] != '"')
		return len + strcspn(text + len, " \n");
	do
		len += strcspn(text + len + 1, "\"") + 1;
	while (text[len] && text[++len] == '"');
	return len;
}

/* The line of that column now; NULL: it is gone. */
static const char *find_column(const struct range *now, const char *text, size_t len)
{
	const struct schema_line *lines = now->of->lines;
	size_t i;

	for (i = now->first; i < now->end; i++)
		if (lines[i].text && column_len(lines[i].text) == len &&
		    (now->no_case ? strncasecmp(lines[i].text, text, len)
				  : strncmp(lines[i].text, text, len)) == 0)
			return lines[i].text;
	return NULL;
}

/* Of longer texts the first line names what it is. */
static int shown(const char *text)
{
	return (int)strcspn(text, "\n");
}

static void compare_table(struct stage *s, const char *table, const char *text,
			  const struct range *now)
{
	size_t len = column_len(text);
	const char *is = len ? find_column(now, text, len) : NULL;
	struct pool *pool = &s->r->pool;

	if (is)
		stage_remark(s, pool_printf(pool, "table %s: %.*s is now %.*s", table,
					    shown(text), text, shown(is), is));
	else if (!len)
		stage_remark(s, pool_printf(pool, "table %s: not there any more: %.*s",
					    table, shown(text), text));
}

/* Tables and columns that are gone are losses: what compares data tells of these. */
void stage_compare_shape(struct stage *s, const struct schema *is)
{
	const struct schema *was = &s->shape;
	const struct schema_line *l;
	struct range now = { is, 0, 0, s->before.no_case };
	bool found = false, is_table;
	size_t i, end = 0;

	for (i = 0; i < was->nr; i++) {
		l = &was->lines[i];
		is_table = strcmp(l->kind, "table") == 0;
		if (i == end) {
			end = schema_object_end(was, i);
			found = find_object(&now, l);
			if (!found && !is_table)
				stage_remark(s, pool_printf(&s->r->pool, "%s %s is gone",
							    l->kind, l->name));
		}
		if (found && is_table && l->text && !has_line(&now, l->text))
			compare_table(s, l->name, l->text, &now);
	}
}
