#include "base/compat.h"

#include "base/pool.h"
#include "sql/key.h"

/* One part, without its quotes; `*end` is behind it. */
static const char *take(struct pool *pool, const char *at, const char **end)
{
	size_t len = strcspn(at, ".");
	char *out, *to;

	if (*at != '"') {
		*end = at + len;
		return pool_strndup(pool, at, len);
	}
	to = out = pool_alloc(pool, strlen(at) + 1);
	for (at++; *at && (*at != '"' || at[1] == '"'); at++) {
		at += *at == '"';
		*to++ = *at;
	}
	*end = *at ? at + 1 : at;
	return out;
}

void sql_key_parts(struct pool *pool, const char *key, const char **schema,
		   const char **base)
{
	const char *end, *first = take(pool, key, &end);

	*schema = NULL;
	*base = first;
	if (*end != '.')
		return;
	*schema = first;
	*base = take(pool, end + 1, &end);
}
