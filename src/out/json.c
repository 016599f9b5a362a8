#include "base/compat.h"

#include "out/json.h"

#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"

#include <jansson.h>

static json_t *tree(const struct js *j)
{
	return (json_t *)j;
}

/* With x-allocators jansson fails for wrong arguments alone. */
static struct js *made(json_t *j)
{
	if (!j)
		BUG("jansson made nothing");
	return (struct js *)j;
}

struct js *js_object(void)
{
	json_set_alloc_funcs(xmalloc, free);
	return made(json_object());
}

struct js *js_array(void)
{
	json_set_alloc_funcs(xmalloc, free);
	return made(json_array());
}

void js_free(struct js *j)
{
	json_decref(tree(j));
}

static json_t *string(const char *value)
{
	struct buf safe = BUF_INIT;
	json_t *s;

	if (!value)
		return json_null();
	s = json_string(value);
	if (s)
		return s;
	text_printable(&safe, value, strlen(value), TEXT_KEEP_NEWLINES);
	s = json_string(buf_str(&safe));
	buf_release(&safe);
	return s;
}

static void put(struct js *object, const char *key, json_t *value)
{
	if (json_object_set_new(tree(object), key, value) < 0)
		BUG("cannot put '%s' into this JSON value", key);
}

static void add(struct js *array, json_t *value)
{
	if (json_array_append_new(tree(array), value) < 0)
		BUG("cannot add to this JSON value");
}

void js_put_str(struct js *object, const char *key, const char *value)
{
	put(object, key, string(value));
}

void js_put_int(struct js *object, const char *key, int64_t value)
{
	put(object, key, json_integer(value));
}

void js_put_bool(struct js *object, const char *key, bool value)
{
	put(object, key, json_boolean(value));
}

void js_put(struct js *object, const char *key, struct js *child)
{
	put(object, key, tree(child));
}

void js_add(struct js *array, struct js *child)
{
	add(array, tree(child));
}

void js_add_str(struct js *array, const char *value)
{
	add(array, string(value));
}

int js_print(const struct js *j, FILE *to)
{
	if (json_dumpf(tree(j), to, JSON_INDENT(2) | JSON_ENSURE_ASCII) < 0)
		return -1;
	return fputc('\n', to) == EOF ? -1 : 0;
}
