#include "base/compat.h"

#include "core/record_stream.h"

/* So many records are parsed into one pool, since their values are mostly the same. */
enum { CHUNK = 256 };

void record_stream_release(struct record_stream *s)
{
	pool_release(&s->pools[0]);
	pool_release(&s->pools[1]);
	memset(s, 0, sizeof(*s));
}

const struct record *record_stream_last(const struct record_stream *s)
{
	return s->nr ? &s->records[s->nr % 2] : NULL;
}

const struct record *record_stream_next(struct record_stream *s, const char *line,
					bool stays, struct err *err)
{
	const struct record *before = record_stream_last(s);
	struct record *r = &s->records[(s->nr + 1) % 2];
	struct pool *pool;
	int ret;

	if (s->nr == s->turn) {
		s->pool = !s->pool;
		pool_release(&s->pools[s->pool]);
		s->first = s->nr;
		s->turn += CHUNK;
	}
	if (s->nr == s->first)
		before = NULL; /* nothing is shared with what will go before */
	pool = &s->pools[s->pool];
	ret = stays ? record_parse_kept(r, pool, line, before, err)
		    : record_parse_next(r, pool, line, before, err);
	if (ret < 0)
		return NULL;
	s->nr++;
	return r;
}

void record_copy(struct record *out, const struct record *r, bool stays,
		 const struct record *before, struct pool *pool)
{
	const char *value;
	int f;

	*out = *r;
	if (!stays)
		out->line = pool_strndup(pool, r->line, r->line_len);
	for (f = 0; f < FIELD_NR; f++) {
		value = before ? before->field[f] : NULL;
		if (r->field[f])
			out->field[f] = value && strcmp(value, r->field[f]) == 0
						? value
						: pool_strdup(pool, r->field[f]);
	}
}
