#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/vec.h"
#include "core/chain.h"
#include "core/ledger.h"

#define NO_LINK SIZE_MAX

void chain_release(struct chain *c)
{
	free(c->links);
	map_release(&c->by_hash);
	map_release(&c->by_prev);
	memset(c, 0, sizeof(*c));
}

static bool same_hash(const void *array, size_t pos, const void *what)
{
	return strcmp(((const struct chain_link *)array)[pos].hash, what) == 0;
}

static bool same_prev(const void *array, size_t pos, const void *what)
{
	return strcmp(((const struct chain_link *)array)[pos].prev, what) == 0;
}

static struct chain_link *find(struct chain *c, const char *hash)
{
	uint32_t key = map_hash(&c->by_hash, hash, SHA256_HEXSZ);
	ssize_t at = map_find(&c->by_hash, key, same_hash, c->links, hash);

	return at == MAP_NONE ? NULL : &c->links[at];
}

static bool is_continued(struct chain *c, const char *prev)
{
	uint32_t key = map_hash(&c->by_prev, prev, SHA256_HEXSZ);

	return map_find(&c->by_prev, key, same_prev, c->links, prev) != MAP_NONE;
}

static struct chain_link *append(struct chain *c, const struct record *r)
{
	struct chain_link *l;

	VEC_GROW(c->links, c->nr, c->alloc);
	l = &c->links[c->nr];
	memset(l, 0, sizeof(*l));
	snprintf(l->hash, sizeof(l->hash), "%s", r->hash);
	snprintf(l->prev, sizeof(l->prev), "%s", r->field[FIELD_PREV]);
	snprintf(l->target, sizeof(l->target), "%s", r->field[FIELD_TARGET]);
	l->seq = r->seq;
	l->event = r->event;
	snprintf(l->old, sizeof(l->old), "%s", record_old_hash(r));
	map_add(&c->by_hash, map_hash(&c->by_hash, l->hash, SHA256_HEXSZ), c->nr++);
	return l;
}

void chain_add(struct chain *c, const struct record *r, bool placed)
{
	struct chain_link *l = find(c, r->hash);

	if (!l) {
		l = append(c, r);
		c->fresh++;
		if (!is_continued(c, l->prev))
			map_add(&c->by_prev, map_hash(&c->by_prev, l->prev, SHA256_HEXSZ),
				c->nr - 1);
	}
	l->placed = l->placed || placed;
}

void chain_know(struct chain *c, const struct record *r)
{
	struct chain_link *l = find(c, r->hash);

	if (!l)
		l = append(c, r);
	else if (!l->known)
		c->fresh--;
	l->known = true;
}

bool chain_wants(struct chain *c, const char *hash, const char *prev)
{
	return find(c, hash) || find(c, prev) || is_continued(c, hash) ||
	       is_continued(c, prev) || strcmp(hash, c->was.hash) == 0 ||
	       strcmp(hash, c->now.hash) == 0;
}

static bool begins_log(const struct chain_link *l)
{
	return strcmp(l->prev, RECORD_NO_PREV) == 0;
}

static bool is_same_head(struct chain *c)
{
	return c->was.seq && c->was.seq == c->now.seq &&
	       strcmp(c->was.hash, c->now.hash) == 0;
}

static int by_seq(const void *a, const void *b)
{
	const struct chain_link *x = *(struct chain_link *const *)a;
	const struct chain_link *y = *(struct chain_link *const *)b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

/* What the head stands behind, and what that names as where another log ended. */
static void tie_from(struct chain *c, struct chain_link *head)
{
	struct chain_link **todo = xcalloc(2 * c->nr + 1, sizeof(struct chain_link *));
	struct chain_link *l, *next;
	size_t nr = 0;

	todo[nr++] = head;
	while (nr) {
		l = todo[--nr];
		if (l->tied)
			continue;
		l->tied = true;
		next = find(c, l->prev);
		if (next)
			todo[nr++] = next;
		next = l->old[0] ? find(c, l->old) : NULL;
		if (next)
			todo[nr++] = next;
	}
	free(todo);
}

/*
 * What stands behind or before an old record is of its log, too: a merge by hand names no
 * head, and what a mirror lacked comes late. A log that begins anew is not.
 */
static void tie_to_old(struct chain *c)
{
	struct chain_link **all = xcalloc(c->nr + 1, sizeof(struct chain_link *));
	struct chain_link *prev;
	size_t i;

	for (i = 0; i < c->nr; i++)
		all[i] = &c->links[i];
	if (c->nr > 1)
		qsort(all, c->nr, sizeof(struct chain_link *), by_seq);
	for (i = c->nr; i-- > 0;) {
		prev = all[i]->known ? find(c, all[i]->prev) : NULL;
		if (prev && !prev->tied)
			tie_from(c, prev);
	}
	for (i = 0; i < c->nr; i++) {
		prev = find(c, all[i]->prev);
		if (all[i]->known || (prev && prev->tied && prev->seq < all[i]->seq &&
				      !event_begins_anew(all[i]->event)))
			all[i]->tied = true;
	}
	free(all);
}

/* The first new record that is of no log that has to do with the heads; NULL: none. */
static const struct chain_link *find_untied(struct chain *c)
{
	struct chain_link *head = find(c, c->now.hash);
	const struct chain_link *first = NULL, *l;
	size_t i;

	for (i = 0; i < c->nr; i++)
		c->links[i].tied = false;
	if (head)
		tie_from(c, head);
	tie_to_old(c);
	for (i = 0; i < c->nr; i++) {
		l = &c->links[i];
		if (!l->known && !l->tied && (!first || l->seq < first->seq))
			first = l;
	}
	return first;
}

bool chain_is_whole(struct chain *c)
{
	const struct chain_link *l;
	size_t i;

	if (c->fresh && c->was.seq && !c->was.by_tip)
		return false;
	if (c->now.seq && !is_same_head(c) && !find(c, c->now.hash))
		return false;
	for (i = 0; i < c->nr; i++) {
		l = &c->links[i];
		if (!l->known &&
		    (!l->placed || (begins_log(l) ? c->was.seq != 0 : !find(c, l->prev))))
			return false;
	}
	return !find_untied(c);
}

/* As much of a record as ledger_check looks at. */
static struct record as_record(const struct chain_link *l)
{
	struct record r = { .seq = l->seq, .event = l->event };

	r.field[FIELD_PREV] = l->prev;
	r.field[FIELD_TARGET] = l->target;
	memcpy(r.hash, l->hash, sizeof(r.hash));
	return r;
}

static int check_link(const struct chain_link *prev, const struct chain_link *l,
		      struct err *err)
{
	struct record before, r = as_record(l);

	if (prev)
		before = as_record(prev);
	if (ledger_check(prev ? &before : NULL, &r, err) < 0)
		return -1;
	if (!l->placed)
		return err_set(err, ERR_REFUSED,
			       "record %" PRIu64 " does not stand on the commit that it "
			       "names",
			       l->seq);
	return 0;
}

/* `next`: which link continues each one; NO_LINK for an end. */
static int check_links(struct chain *c, size_t *next, struct err *err)
{
	const struct chain_link *l, *prev;
	size_t i, at;

	for (i = 0; i < c->nr; i++) {
		l = &c->links[i];
		prev = find(c, l->prev);
		if (!l->known && check_link(prev, l, err) < 0)
			return -1;
		if (!prev || event_begins_anew(l->event))
			continue;
		at = (size_t)(prev - c->links);
		if (next[at] != NO_LINK && !(l->known && c->links[next[at]].known)) {
			err_set(err, ERR_REFUSED,
				"two records continue the same one, record %" PRIu64,
				prev->seq);
			err_detail(err, "Record %" PRIu64 " has the hash %s.", prev->seq,
				   prev->hash);
			return -1;
		}
		next[at] = i;
	}
	return 0;
}

static int by_target(const void *a, const void *b)
{
	const struct chain_link *x = *(const struct chain_link *const *)a;
	const struct chain_link *y = *(const struct chain_link *const *)b;

	return strcmp(x->target, y->target);
}

/* A target's log begins once. */
static int check_beginnings(struct chain *c, struct err *err)
{
	const struct chain_link **firsts = xcalloc(c->nr + 1, sizeof(*firsts));
	size_t i, nr = 0;
	int ret = 0;

	for (i = 0; i < c->nr; i++)
		if (begins_log(&c->links[i]))
			firsts[nr++] = &c->links[i];
	if (nr > 1)
		qsort(firsts, nr, sizeof(*firsts), by_target);
	for (i = 1; i < nr && ret == 0; i++)
		if (by_target(&firsts[i - 1], &firsts[i]) == 0 &&
		    !(firsts[i - 1]->known && firsts[i]->known))
			ret = err_set(err, ERR_REFUSED,
				      "two records begin the log of target %s",
				      firsts[i]->target);
	free(firsts);
	return ret;
}

/*
 * Back from the new head to the old one; a record that says that the log went on from
 * elsewhere is followed to what it names. What names it was hashed behind it, so it ends.
 */
static bool follows(struct chain *c, const struct chain_link *head)
{
	const struct chain_link *at, *next;

	for (at = head; at; at = next) {
		if (strcmp(at->hash, c->was.hash) == 0 ||
		    (!at->known && strcmp(at->old, c->was.hash) == 0))
			return true;
		if (at->known) /* a merge by hand names the head of one side */
			return !c->was.by_tip || !c->now.by_tip;
		next = at->old[0] ? find(c, at->old) : NULL;
		if (!next)
			next = find(c, at->prev);
	}
	return false;
}

static int check_head(struct chain *c, const size_t *next, struct err *err)
{
	const struct chain_link *head = find(c, c->now.hash);

	if (!c->now.seq)
		return err_set(err, ERR_REFUSED,
			       "its commits name no head (Migrate-Head:)");
	if (head ? head->seq != c->now.seq : !is_same_head(c))
		return err_set(err, ERR_REFUSED,
			       "the head that it names is none of its records");
	if (head && c->now.by_tip && next[head - c->links] != NO_LINK)
		return err_set(err, ERR_REFUSED,
			       "the head that it names is not the last record: record "
			       "%" PRIu64 " continues it",
			       c->links[next[head - c->links]].seq);
	if (is_same_head(c) || !c->was.seq || (head && follows(c, head)))
		return 0;
	err_set(err, ERR_REFUSED,
		"record %" PRIu64 ", its head, does not follow from the one before",
		c->now.seq);
	err_detail(err,
		   "The mirror ended in record %" PRIu64 ", %s. A log that goes on from "
		   "elsewhere has to name that: fetch the mirror, and say \"git migrate "
		   "target restored\" or \"clone\" with it in place.",
		   c->was.seq, c->was.hash);
	return -1;
}

/* The log of the heads is the mirror's; another one is of it only by what it names. */
static int check_untied(struct chain *c, struct err *err)
{
	const struct chain_link *l = find_untied(c), *head = find(c, c->now.hash);

	if (!l)
		return 0;
	err_set(err, ERR_REFUSED,
		"record %" PRIu64 " is of a log of its own beside the one that is there",
		l->seq);
	err_detail(err,
		   "It is of target %s; the mirror is that of %s, and ends in record "
		   "%" PRIu64 ", %s. Neither says that it took the other's place.",
		   l->target, head ? head->target : "another one", c->now.seq,
		   c->now.hash);
	err_hint(err, "fork",
		 "Two databases call themselves the same. One takes another name, or "
		 "fetches the mirror and says whose place it took: git migrate target "
		 "clone (or restored) <target> --reason \"...\".");
	return -1;
}

int chain_check(struct chain *c, struct err *err)
{
	size_t *next = xcalloc(c->nr + 1, sizeof(*next)), i;
	int ret = -1;

	for (i = 0; i < c->nr; i++)
		next[i] = NO_LINK;
	if (check_links(c, next, err) == 0 && check_beginnings(c, err) == 0)
		ret = check_head(c, next, err);
	if (ret == 0)
		ret = check_untied(c, err);
	free(next);
	return ret;
}
