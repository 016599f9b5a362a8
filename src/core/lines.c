#include "base/compat.h"

#include "base/buf.h"
#include "base/vec.h"
#include "core/lines.h"
#include "core/migration.h"

enum {
	SPAN_MAX = 1024,       /* of commits that an empty stop saves a walk over */
	OTHERS_ALLOWED = 4096, /* stops of other lines, beyond twice those of the tip's */
	ARRIVALS_ALLOWED = 65536, /* and arrivals at them */
	STOP_SIZE = 2 * OID_RAWSZ + 12,
	ARRIVAL_SIZE = OID_RAWSZ + 8,
	HEAD_SIZE = 16,
	ORDERED = 1U << 31, /* beside the number of a stop's arrivals */
};

void lines_release(struct lines *l)
{
	pool_release(&l->pool);
	free(l->paths);
	free(l->stops);
	free(l->circles);
	map_release(&l->by_path);
	map_release(&l->by_commit);
	memset(l, 0, sizeof(*l));
}

static bool same_path(const void *array, size_t pos, const void *what)
{
	return strcmp(((const char *const *)array)[pos], what) == 0;
}

static bool same_commit(const void *array, size_t pos, const void *what)
{
	return oid_eq(&((const struct stop *)array)[pos].commit, what);
}

/* `path` lives as long as `l`; -1 when it is there already. */
static ssize_t add_path(struct lines *l, const char *path, uint32_t hash)
{
	VEC_GROW(l->paths, l->nr_paths, l->alloc_paths);
	l->paths[l->nr_paths] = path;
	map_add(&l->by_path, hash, l->nr_paths);
	return (ssize_t)l->nr_paths++;
}

uint32_t lines_path(struct lines *l, const char *path)
{
	uint32_t hash = map_hash(&l->by_path, path, strlen(path));
	ssize_t pos = map_find(&l->by_path, hash, same_path, l->paths, path);

	if (pos < 0)
		pos = add_path(l, pool_strdup(&l->pool, path), hash);
	return (uint32_t)pos;
}

static unsigned first_bits(const struct oid *id)
{
	return (unsigned)id->id[0] << 8 | id->id[1];
}

uint32_t lines_find(struct lines *l, const struct oid *commit)
{
	unsigned bit = first_bits(commit);
	uint32_t hash;
	ssize_t pos;

	/* asked of every commit that is walked over, and hardly ever there */
	if (!(l->seen[bit / 8] & 1 << bit % 8))
		return STOP_NONE;
	hash = map_hash(&l->by_commit, commit, sizeof(*commit));
	pos = map_find(&l->by_commit, hash, same_commit, l->stops, commit);
	return pos < 0 ? STOP_NONE : (uint32_t)pos;
}

uint32_t lines_add(struct lines *l, const struct oid *commit, const struct oid *parent,
		   size_t nr)
{
	struct stop *s;

	VEC_GROW(l->stops, l->nr, l->alloc);
	s = &l->stops[l->nr];
	memset(s, 0, sizeof(*s));
	s->commit = *commit;
	s->parent = *parent;
	s->older = STOP_OPEN;
	s->nr = nr;
	if (nr)
		s->arrivals = pool_alloc(&l->pool, nr * sizeof(*s->arrivals));
	else
		s->ordered = true;
	l->changes++;
	l->nr_arrivals += nr;
	l->seen[first_bits(commit) / 8] |= (unsigned char)(1 << first_bits(commit) % 8);
	map_add(&l->by_commit, map_hash(&l->by_commit, commit, sizeof(*commit)), l->nr);
	return (uint32_t)l->nr++;
}

/* What is written, and how the stops hang together there. */
struct copy {
	uint32_t *older; /* of each stop, the empty ones that are left out jumped over */
	uint32_t *span;
	bool *keep;
	uint32_t *order; /* stops in the order in which they are written: older first */
	uint32_t *number;
	size_t nr;
	uint32_t *path; /* number of each path, from 1; 0: nothing brings it any more */
	size_t nr_paths, names; /* how long they are with their NULs */
	size_t arrivals;
};

static bool is_stop(uint32_t at)
{
	return at < STOP_OPEN;
}

bool lines_outweigh(const struct lines *l, uint32_t tip)
{
	size_t own = 0, arrivals = 0;
	uint32_t at;

	for (at = tip; is_stop(at) && own <= l->nr; at = l->stops[at].older) {
		arrivals += l->stops[at].nr;
		own++;
	}
	return (own && l->nr > 2 * own + OTHERS_ALLOWED) ||
	       l->nr_arrivals > 2 * arrivals + ARRIVALS_ALLOWED;
}

/*
 * Other lines than the tip's are dropped all together when they are too many.
 * With a stop that is kept are those below it. A ring, which only a file that
 * lies can lead to, is kept, and not read again.
 */
static void choose(const struct lines *l, uint32_t tip, struct copy *c)
{
	bool all = !lines_outweigh(l, tip);
	uint32_t at;
	size_t i;

	for (i = 0; i < l->nr; i++) {
		c->keep[i] = all;
		c->older[i] = l->stops[i].older;
		c->span[i] = l->stops[i].span;
	}
	for (at = tip; is_stop(at) && !c->keep[at]; at = l->stops[at].older)
		c->keep[at] = true;
}

/* Puts those that are kept in order, the older one first. */
static void sort(const struct lines *l, struct copy *c)
{
	size_t i, first, k;
	uint32_t at, swap;

	for (i = 0; i < l->nr; i++) {
		first = c->nr;
		for (at = (uint32_t)i; is_stop(at) && c->keep[at]; at = c->older[at]) {
			c->keep[at] = false; /* once is enough */
			c->order[c->nr++] = at;
		}
		for (k = 0; k < (c->nr - first) / 2; k++) {
			swap = c->order[first + k];
			c->order[first + k] = c->order[c->nr - 1 - k];
			c->order[c->nr - 1 - k] = swap;
		}
	}
}

/*
 * Jumps over empty stops that save no more than the next one does, and numbers
 * what is left. Older ones jump first, so that whoever jumps over one lands
 * where it has landed, and none is left that nobody lands on.
 */
static void thin_out(const struct lines *l, struct copy *c)
{
	bool *was = xcalloc(l->nr + 1, sizeof(*was));
	bool *is = xcalloc(l->nr + 1, sizeof(*is));
	uint32_t at, next;
	size_t k, nr = 0;

	for (k = 0; k < c->nr; k++) {
		at = c->order[k];
		if (is_stop(c->older[at]))
			was[c->older[at]] = true;
		while (is_stop(next = c->older[at]) && l->stops[next].nr == 0 &&
		       c->older[next] != STOP_OPEN &&
		       c->span[at] + c->span[next] <= SPAN_MAX) {
			c->span[at] += c->span[next];
			c->older[at] = c->older[next];
		}
		if (is_stop(next))
			is[next] = true;
	}
	for (k = 0; k < c->nr; k++) {
		at = c->order[k];
		if (l->stops[at].nr == 0 && was[at] && !is[at])
			continue;
		c->number[at] = (uint32_t)nr;
		c->order[nr++] = at;
	}
	c->nr = nr;
	free(was);
	free(is);
}

/* Paths are numbered as before, without those of what is left out. */
static void number_paths(const struct lines *l, struct copy *c)
{
	const struct stop *s;
	size_t i, k;

	for (k = 0; k < c->nr; k++) {
		s = &l->stops[c->order[k]];
		c->arrivals += s->nr;
		for (i = 0; i < s->nr; i++)
			c->path[s->arrivals[i].path] = 1;
	}
	for (i = 0; i < l->nr_paths; i++) {
		if (!c->path[i])
			continue;
		c->path[i] = (uint32_t)++c->nr_paths;
		c->names += strlen(l->paths[i]) + 1;
	}
}

static void put_oid(struct buf *out, const struct oid *id)
{
	buf_add(out, (const char *)id->id, OID_RAWSZ);
}

static bool is_circular(const struct stop *s)
{
	size_t i;

	for (i = 0; i < s->nr; i++)
		if (s->arrivals[i].circle)
			return true;
	return false;
}

static void put_stop(const struct lines *l, const struct copy *c, uint32_t at,
		     struct buf *out)
{
	const struct stop *s = &l->stops[at];
	uint32_t older = c->older[at];

	put_oid(out, &s->commit);
	put_oid(out, &s->parent);
	buf_add_u32(out, is_stop(older) ? c->number[older] : older);
	buf_add_u32(out, older == STOP_OPEN ? 0 : c->span[at]);
	/* what could not be put in order is asked again */
	buf_add_u32(out, (uint32_t)s->nr | (s->ordered && !is_circular(s) ? ORDERED : 0));
}

static int cmp_arrival(const void *a, const void *b, void *paths)
{
	const char *const *names = paths;

	return strcmp(names[((const struct arrival *)a)->path],
		      names[((const struct arrival *)b)->path]);
}

static void put_arrivals(const struct lines *l, const struct copy *c,
			 const struct stop *s, struct buf *out)
{
	static const struct oid none;
	bool circular = is_circular(s);
	struct arrival *sorted = NULL;
	const struct arrival *a;
	size_t i;

	if (circular) {
		sorted = xcalloc(s->nr, sizeof(*sorted));
		memcpy(sorted, s->arrivals, s->nr * sizeof(*sorted));
		qsort_r(sorted, s->nr, sizeof(*sorted), cmp_arrival, l->paths);
	}
	for (i = 0; i < s->nr; i++) {
		a = circular ? &sorted[i] : &s->arrivals[i];
		buf_add_u32(out, c->path[a->path] - 1);
		buf_add_u32(out, circular ? 0 : a->company);
		put_oid(out, circular ? &none : &a->commit);
	}
	free(sorted);
}

void lines_encode(struct lines *l, uint32_t tip, struct buf *out)
{
	struct copy c = {
		.older = xcalloc(l->nr + 1, sizeof(*c.older)),
		.span = xcalloc(l->nr + 1, sizeof(*c.span)),
		.keep = xcalloc(l->nr + 1, sizeof(*c.keep)),
		.order = xcalloc(l->nr + 1, sizeof(*c.order)),
		.number = xcalloc(l->nr + 1, sizeof(*c.number)),
		.path = xcalloc(l->nr_paths + 1, sizeof(*c.path)),
	};
	size_t i;

	choose(l, tip, &c);
	sort(l, &c);
	thin_out(l, &c);
	number_paths(l, &c);
	buf_add_u32(out, (uint32_t)c.nr);
	buf_add_u32(out, (uint32_t)c.arrivals);
	buf_add_u32(out, (uint32_t)c.nr_paths);
	buf_add_u32(out, (uint32_t)c.names);
	for (i = 0; i < c.nr; i++)
		put_stop(l, &c, c.order[i], out);
	for (i = 0; i < c.nr; i++)
		put_arrivals(l, &c, &l->stops[c.order[i]], out);
	for (i = 0; i < l->nr_paths; i++)
		if (c.path[i])
			buf_add(out, l->paths[i], strlen(l->paths[i]) + 1);
	free(c.older);
	free(c.span);
	free(c.keep);
	free(c.order);
	free(c.number);
	free(c.path);
}

/* All paths, each once, every one a name that a migration can have. */
static int get_paths(struct lines *l, const char *data, size_t len, size_t nr)
{
	char *copy;
	const char *at, *end;
	uint32_t hash;

	if ((nr && !len) || (len && data[len - 1] != '\0'))
		return -1;
	at = copy = pool_alloc(&l->pool, len + 1);
	memcpy(copy, data, len);
	for (end = copy + len; at < end; at += strlen(at) + 1) {
		hash = map_hash(&l->by_path, at, strlen(at));
		if (l->nr_paths == nr || migration_name_check(at) != NAME_OK ||
		    map_find(&l->by_path, hash, same_path, l->paths, at) >= 0)
			return -1;
		add_path(l, at, hash);
	}
	return l->nr_paths == nr ? 0 : -1;
}

/* `seen` has a word for each path: the last stop, counted from 1, that brings it. */
static int get_arrivals(struct lines *l, struct stop *s, const unsigned char *data,
			uint32_t *seen)
{
	struct arrival *a;
	size_t i;

	for (i = 0; i < s->nr; i++, data += ARRIVAL_SIZE) {
		a = &s->arrivals[i];
		a->path = u32_at(data);
		a->company = u32_at(data + 4);
		memcpy(a->commit.id, data + 8, OID_RAWSZ);
		if (a->path >= l->nr_paths || seen[a->path] == l->nr)
			return -1;
		seen[a->path] = (uint32_t)l->nr;
		if (s->ordered && (oid_is_zero(&a->commit) || !a->company))
			return -1;
		if (!s->ordered && i &&
		    strcmp(l->paths[a[-1].path], l->paths[a->path]) >= 0)
			return -1;
	}
	return 0;
}

static int get_stops(struct lines *l, const unsigned char *stops, size_t nr,
		     const unsigned char *arrivals, size_t nr_arrivals)
{
	uint32_t *seen = pool_alloc(&l->pool, (l->nr_paths + 1) * sizeof(*seen));
	const unsigned char *p;
	struct oid commit, parent;
	struct stop *s;
	uint32_t word;
	size_t i, has;

	for (i = 0; i < nr; i++) {
		p = stops + i * STOP_SIZE;
		memcpy(commit.id, p, OID_RAWSZ);
		memcpy(parent.id, p + OID_RAWSZ, OID_RAWSZ);
		word = u32_at(p + 2 * OID_RAWSZ + 8);
		has = word & ~ORDERED;
		if (has > nr_arrivals || lines_find(l, &commit) != STOP_NONE)
			return -1;
		lines_add(l, &commit, &parent, has);
		s = &l->stops[i];
		s->older = u32_at(p + 2 * OID_RAWSZ);
		s->span = u32_at(p + 2 * OID_RAWSZ + 4);
		s->ordered = word & ORDERED;
		/* an older one comes first, so no line is a ring */
		if ((is_stop(s->older) && (s->older >= i || !s->span)) ||
		    s->span > INT32_MAX || (!has && !s->ordered) ||
		    get_arrivals(l, s, arrivals, seen) < 0)
			return -1;
		arrivals += has * ARRIVAL_SIZE;
		nr_arrivals -= has;
	}
	return nr_arrivals ? -1 : 0;
}

int lines_decode(struct lines *l, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t nr, arrivals, paths, names;

	if (len < HEAD_SIZE)
		return -1;
	nr = u32_at(p);
	arrivals = u32_at(p + 4);
	paths = u32_at(p + 8);
	names = u32_at(p + 12);
	if (nr >= INT32_MAX ||
	    len - HEAD_SIZE != nr * STOP_SIZE + arrivals * ARRIVAL_SIZE + names)
		return -1;
	if (nr) {
		l->alloc = nr;
		l->stops = xreallocarray(NULL, nr, sizeof(*l->stops));
		map_reserve(&l->by_commit, nr);
	}
	if (paths <= names) /* each has a byte at least; else it is refused below */
		map_reserve(&l->by_path, paths);
	p += HEAD_SIZE;
	if (get_paths(l, (const char *)p + nr * STOP_SIZE + arrivals * ARRIVAL_SIZE,
		      names, paths) == 0 &&
	    get_stops(l, p, nr, p + nr * STOP_SIZE, arrivals) == 0)
		return 0;
	lines_release(l);
	return -1;
}
