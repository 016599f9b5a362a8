#include "base/compat.h"

#include "base/text.h"
#include "sql/narrow.h"

enum family { FAMILY_OTHER, FAMILY_INTEGER, FAMILY_NUMERIC, FAMILY_FLOAT, FAMILY_TEXT };

struct type {
	char name[64]; /* lower case, without what stands in parentheses */
	long size[2];  /* -1: not said */
	enum family family;
	int rank; /* in its family: what is higher holds what is lower */
};

static const struct {
	const char *name;
	enum family family;
	int rank;
} known[] = {
	{ "smallint", FAMILY_INTEGER, 1 },
	{ "int2", FAMILY_INTEGER, 1 },
	{ "int", FAMILY_INTEGER, 2 },
	{ "integer", FAMILY_INTEGER, 2 },
	{ "int4", FAMILY_INTEGER, 2 },
	{ "bigint", FAMILY_INTEGER, 3 },
	{ "int8", FAMILY_INTEGER, 3 },
	{ "numeric", FAMILY_NUMERIC, 1 },
	{ "decimal", FAMILY_NUMERIC, 1 },
	{ "real", FAMILY_FLOAT, 1 },
	{ "float4", FAMILY_FLOAT, 1 },
	{ "double precision", FAMILY_FLOAT, 2 },
	{ "float8", FAMILY_FLOAT, 2 },
	{ "varchar", FAMILY_TEXT, 1 },
	{ "character varying", FAMILY_TEXT, 1 },
	{ "text", FAMILY_TEXT, 2 },
};

static void read_sizes(const char *from, struct type *out)
{
	char *end;

	out->size[0] = strtol(from, &end, 10);
	if (*end == ',')
		out->size[1] = strtol(end + 1, NULL, 10);
}

static void read_type(const char *text, struct type *out)
{
	size_t i, n = 0;

	memset(out, 0, sizeof(*out));
	out->size[0] = out->size[1] = -1;
	for (; *text && *text != '(' && n < sizeof(out->name) - 1; text++)
		out->name[n++] = (char)ascii_tolower((unsigned char)*text);
	while (n > 0 && out->name[n - 1] == ' ')
		n--;
	out->name[n] = '\0';
	if (*text == '(')
		read_sizes(text + 1, out);
	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].name, out->name) != 0)
			continue;
		out->family = known[i].family;
		out->rank = known[i].rank;
	}
}

static long size_or(long size, long otherwise)
{
	return size < 0 ? otherwise : size;
}

static bool holds_sizes(const struct type *old, const struct type *now)
{
	long old_scale = size_or(old->size[1], 0), scale = size_or(now->size[1], 0);

	if (now->size[0] < 0)
		return true;
	if (old->size[0] < 0)
		return false;
	return scale >= old_scale && now->size[0] - scale >= old->size[0] - old_scale;
}

bool sql_type_keeps(const char *old_type, const char *new_type)
{
	struct type old, now;

	read_type(old_type, &old);
	read_type(new_type, &now);
	if (now.family == FAMILY_TEXT && now.size[0] < 0)
		return true; /* each value has a text */
	if (old.family != FAMILY_OTHER && old.family == now.family)
		return now.rank >= old.rank && holds_sizes(&old, &now);
	if (strcmp(old.name, now.name) == 0)
		return holds_sizes(&old, &now);
	if (old.family == FAMILY_INTEGER && now.family == FAMILY_NUMERIC)
		return now.size[0] < 0;
	return strcmp(old.name, "date") == 0 && starts_with(now.name, "timestamp");
}

/* --- USING --------------------------------------------------------------- */

/* Both ways: one that is narrower loses what the other would keep. */
static bool is_same_type(const char *text, const char *type)
{
	return sql_type_keeps(text, type) && sql_type_keeps(type, text);
}

/* A type, up to its end: nothing follows that works on the value. */
static bool is_type(const char *text)
{
	return !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_ (),")];
}

/* Goes behind the column's name; NULL when another one stands here. */
static const char *behind_column(const char *s, const char *column)
{
	size_t len = strlen(column);

	if (strncasecmp(s, column, len) != 0)
		return NULL;
	s += len;
	return s + strspn(s, " ");
}

bool sql_using_is_cast(const char *expression, const char *column, const char *type)
{
	const char *s = behind_column(expression, column);
	char inner[64];
	size_t len;

	if (s && !*s)
		return true;
	if (s && strncmp(s, "::", 2) == 0) {
		s += 2;
		s += strspn(s, " ");
		return is_type(s) && is_same_type(s, type);
	}
	if (strncasecmp(expression, "cast", 4) != 0)
		return false;
	expression += 4 + strspn(expression + 4, " (");
	s = behind_column(expression, column);
	len = s ? strlen(s) : 0;
	if (len < 5 || len - 4 >= sizeof(inner) || strncasecmp(s, "as ", 3) != 0 ||
	    s[len - 1] != ')')
		return false;
	snprintf(inner, sizeof(inner), "%.*s", (int)len - 4, s + 3);
	return is_type(inner) && is_same_type(inner, type);
}
