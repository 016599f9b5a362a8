#include "base/compat.h"

#include "base/pool.h"
#include "base/vec.h"
#include "core/descriptions.h"

/*
 * One description: u32 length of all of it, commit, blob, u64 time, author and
 * subject ending in NUL; the trailers of the message, those of the header, the
 * directives. Numbers have their high byte first.
 */
enum { IDS_SIZE = 2 * OID_RAWSZ, IDS_AT = 4, FIXED_SIZE = IDS_AT + IDS_SIZE + 8 };

static void put_number(struct buf *out, uint64_t v, unsigned size)
{
	while (size--)
		buf_addc(out, (int)(v >> (8 * size) & 0xff));
}

static void put_text(struct buf *out, const char *s)
{
	buf_add(out, s, strlen(s) + 1);
}

static void put_trailers(struct buf *out, const struct trailers *t)
{
	size_t i;

	put_number(out, t->nr, 4);
	for (i = 0; i < t->nr; i++) {
		put_number(out, t->items[i].key, 1);
		put_text(out, t->items[i].value);
	}
	put_number(out, t->misplaced_nr, 4);
	for (i = 0; i < t->misplaced_nr; i++)
		put_text(out, t->misplaced[i]);
}

static void put_directives(struct buf *out, const struct directives *d)
{
	size_t i;

	put_number(out, d->nr, 4);
	for (i = 0; i < d->nr; i++) {
		put_text(out, d->items[i].word);
		put_number(out, d->items[i].value != NULL, 1);
		put_text(out, d->items[i].value ? d->items[i].value : "");
	}
}

/* Stored bytes as they are read; once `bad`, everything is empty. */
struct reader {
	const char *at, *end;
	struct pool *pool;
	bool bad;
};

static uint64_t get_number(struct reader *r, unsigned size)
{
	uint64_t v = 0;

	if ((size_t)(r->end - r->at) < size) {
		r->bad = true;
		return 0;
	}
	while (size--)
		v = v << 8 | (unsigned char)*r->at++;
	return v;
}

static const char *get_text(struct reader *r)
{
	const char *nul = memchr(r->at, '\0', (size_t)(r->end - r->at)), *text = r->at;

	if (!nul) {
		r->bad = true;
		return "";
	}
	r->at = nul + 1;
	return pool_strndup(r->pool, text, (size_t)(nul - text));
}

/* How many items follow, each of which takes at least `size` bytes. */
static size_t get_count(struct reader *r, size_t size)
{
	uint64_t nr = get_number(r, 4);

	if (nr * size <= (uint64_t)(r->end - r->at))
		return (size_t)nr;
	r->bad = true;
	return 0;
}

static void get_trailers(struct reader *r, struct trailers *t)
{
	size_t i;

	t->nr = get_count(r, 2);
	t->items = t->nr ? pool_alloc(r->pool, t->nr * sizeof(*t->items)) : NULL;
	for (i = 0; i < t->nr; i++) {
		t->items[i].key = (enum trailer_key)get_number(r, 1);
		if (t->items[i].key >= TRAILER_NR) {
			r->bad = true;
			t->items[i].key = TRAILER_FIXES;
		}
		t->items[i].value = get_text(r);
	}
	t->misplaced_nr = get_count(r, 1);
	t->misplaced = t->misplaced_nr
			       ? pool_alloc(r->pool, t->misplaced_nr * sizeof(char *))
			       : NULL;
	for (i = 0; i < t->misplaced_nr; i++)
		t->misplaced[i] = get_text(r);
}

static void get_directives(struct reader *r, struct directives *d)
{
	bool has;
	size_t i;

	d->nr = get_count(r, 3);
	d->items = d->nr ? pool_alloc(r->pool, d->nr * sizeof(*d->items)) : NULL;
	for (i = 0; i < d->nr; i++) {
		d->items[i].word = get_text(r);
		has = get_number(r, 1);
		d->items[i].value = get_text(r);
		if (!has)
			d->items[i].value = NULL;
	}
}

void descriptions_release(struct descriptions *d)
{
	buf_release(&d->bytes);
	free(d->at);
	map_release(&d->by_id);
	memset(d, 0, sizeof(*d));
}

static bool same_ids(const void *array, size_t pos, const void *ids)
{
	const struct descriptions *d = array;

	return memcmp(d->bytes.s + d->at[pos] + IDS_AT, ids, IDS_SIZE) == 0;
}

static void add_index(struct descriptions *d, size_t at)
{
	uint32_t hash = map_hash(&d->by_id, d->bytes.s + at + IDS_AT, IDS_SIZE);

	VEC_GROW(d->at, d->nr, d->alloc);
	d->at[d->nr] = at;
	map_add(&d->by_id, hash, d->nr++);
}

static size_t length_at(const struct descriptions *d, size_t at)
{
	struct reader r = { d->bytes.s + at, d->bytes.s + d->bytes.len, NULL, false };

	return (size_t)get_number(&r, 4);
}

int descriptions_decode(struct descriptions *d, struct buf *bytes)
{
	static const struct buf empty = BUF_INIT;
	size_t at, len;

	d->bytes = *bytes;
	*bytes = empty;
	for (at = 0; at < d->bytes.len; at += len) {
		len = length_at(d, at);
		if (len < FIXED_SIZE || len > d->bytes.len - at) {
			descriptions_release(d);
			return -1;
		}
		add_index(d, at);
	}
	return 0;
}

static void make_ids(const struct migration *m, char ids[IDS_SIZE])
{
	memcpy(ids, m->commit.id, OID_RAWSZ);
	memcpy(ids + OID_RAWSZ, m->blob.id, OID_RAWSZ);
}

bool descriptions_find(struct descriptions *d, struct pool *pool, struct migration *m)
{
	struct migration known = *m;
	struct reader r = { .pool = pool };
	char ids[IDS_SIZE];
	ssize_t pos;

	if (!d->nr)
		return false;
	make_ids(m, ids);
	pos = map_find(&d->by_id, map_hash(&d->by_id, ids, sizeof(ids)), same_ids, d,
		       ids);
	if (pos < 0)
		return false;
	r.at = d->bytes.s + d->at[pos];
	r.end = r.at + length_at(d, d->at[pos]);
	r.at += IDS_AT + IDS_SIZE;
	known.when = (int64_t)get_number(&r, 8);
	known.author = get_text(&r);
	known.subject = get_text(&r);
	get_trailers(&r, &known.in_message);
	get_trailers(&r, &known.in_header);
	get_directives(&r, &known.how);
	if (r.bad || r.at != r.end)
		return false;
	*m = known;
	return true;
}

void descriptions_add(struct descriptions *d, const struct migration *m)
{
	struct buf one = BUF_INIT;
	size_t at = d->bytes.len;
	char ids[IDS_SIZE];

	make_ids(m, ids);
	buf_add(&one, ids, sizeof(ids));
	put_number(&one, (uint64_t)m->when, 8);
	put_text(&one, m->author);
	put_text(&one, m->subject);
	put_trailers(&one, &m->in_message);
	put_trailers(&one, &m->in_header);
	put_directives(&one, &m->how);
	put_number(&d->bytes, one.len + IDS_AT, 4);
	buf_add(&d->bytes, one.s, one.len);
	buf_release(&one);
	add_index(d, at);
}
