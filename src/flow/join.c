#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/pool.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/plan.h"
#include "flow/join.h"
#include "flow/mirror.h"
#include "git/notes.h"
#include "git/repo.h"

enum { TRIES = 20 };

/* By what they continue, those that say why there are two behind the others. */
static int cmp_prev(const void *left, const void *right)
{
	const struct record *a = left, *b = right;
	int order = strcmp(a->field[FIELD_PREV], b->field[FIELD_PREV]);

	return order ? order
		     : (int)event_begins_anew(a->event) -
			       (int)event_begins_anew(b->event);
}

static const char *describe_fork(const struct record *a, const struct record *b,
				 struct pool *pool)
{
	return pool_printf(pool,
			   "records %010" PRIu64 " of %s (%s, run %.8s) and of %s (%s, "
			   "run %.8s) continue the same one",
			   a->seq, a->field[FIELD_AT], event_name(a->event),
			   a->field[FIELD_RUN], b->field[FIELD_AT], event_name(b->event),
			   b->field[FIELD_RUN]);
}

int join_find_fork(struct repo *repo, const char *target, struct pool *pool,
		   const char **what, struct err *err)
{
	struct record *records;
	struct err ignored = { 0 };
	struct mirror m;
	size_t i, nr = 0;
	int ret = 0;

	if (mirror_read(repo, target, MIRROR_FETCHED, pool, &m, err) < 0)
		return -1;
	records = xcalloc(m.nr + 1, sizeof(*records));
	for (i = 0; i < m.nr; i++)
		if (record_parse(&records[nr], pool, m.lines[i], strlen(m.lines[i]),
				 &ignored) == 0)
			nr++;
	if (nr > 1)
		qsort(records, nr, sizeof(*records), cmp_prev);
	for (i = 1; i < nr && ret == 0; i++) {
		const struct record *a = &records[i - 1], *b = &records[i];

		/* what began anew is the first of another log */
		if (a->seq == 1 || event_begins_anew(b->event) ||
		    strcmp(a->field[FIELD_PREV], b->field[FIELD_PREV]) != 0)
			continue;
		*what = describe_fork(a, b, pool);
		ret = 1;
	}
	free(records);
	return ret;
}

/* Lines on their commits, to be looked up and added to. */
struct lines {
	struct note_line *items;
	size_t nr, alloc;
};

static void add_line(struct lines *l, const struct oid *object, const char *line)
{
	VEC_GROW(l->items, l->nr, l->alloc);
	l->items[l->nr].object = *object;
	l->items[l->nr++].line = line;
}

static int cmp_line(const void *left, const void *right)
{
	const struct note_line *a = left, *b = right;
	int order = oid_cmp(&a->object, &b->object);

	return order ? order : strcmp(a->line, b->line);
}

static bool has_line(const struct notes *sorted, const struct note_line *line)
{
	return sorted->nr && bsearch(line, sorted->lines, sorted->nr,
				     sizeof(*sorted->lines), cmp_line) != NULL;
}

/* Where the plan has the record's migration from; false: nowhere, or as it says. */
static bool find_new_place(const struct plan *plan, const struct record *r,
			   struct oid *object)
{
	const struct migration *m;
	char hex[OID_HEXSZ + 1];
	ssize_t pos;

	if (!event_has_migration(r->event))
		return false;
	pos = plan_find(plan, r->field[FIELD_PATH]);
	if (pos < 0)
		return false;
	m = &plan->items[pos];
	*object = m->commit;
	return !oid_is_zero(&m->commit) &&
	       strcmp(oid_hex(&m->blob, hex), r->field[FIELD_BLOB]) == 0 &&
	       strcmp(oid_hex(&m->commit, hex), r->field[FIELD_COMMIT]) != 0;
}

static void copy_to_new_places(const struct plan *plan, const struct notes *all,
			       struct pool *pool, struct lines *out)
{
	struct note_line copy;
	struct err ignored = { 0 };
	struct record r;
	size_t i;

	for (i = 0; i < all->nr; i++) {
		copy.line = all->lines[i].line;
		if (record_parse(&r, pool, copy.line, strlen(copy.line), &ignored) == 0 &&
		    find_new_place(plan, &r, &copy.object) && !has_line(all, &copy))
			add_line(out, &copy.object, copy.line);
	}
}

/* What stands on our side alone goes along. */
static int take_parted(struct repo *repo, const struct mirror *m, const struct notes *all,
		       struct pool *pool, struct lines *out, struct err *err)
{
	struct notes ours;
	size_t i;

	if (oid_is_zero(&m->parted))
		return 0;
	if (notes_read_at(repo, &m->parted, pool, &ours, err) < 0)
		return -1;
	for (i = 0; i < ours.nr; i++)
		if (!has_line(all, &ours.lines[i]))
			add_line(out, &ours.lines[i].object, ours.lines[i].line);
	return 0;
}

static void make_message(struct buf *out, const char *target, const struct mirror *m,
			 size_t copied)
{
	if (copied)
		buf_addf(out, "migrate: %zu record%s of target '%s' on rewritten commits",
			 copied, plural(copied), target);
	else
		buf_addf(out, "migrate: target '%s' as two clones wrote it", target);
	if (m->head_seq)
		buf_addf(out, "\n\nMigrate-Head: %s %010" PRIu64 " %s", target,
			 m->head_seq, m->head_hash);
	buf_addc(out, '\n');
}

/* One try: 0, 1 when another writer was first, -1. */
static int join_once(struct repo *repo, const char *target, const struct plan *plan,
		     size_t *copied, struct pool *pool, struct err *err)
{
	struct buf ref = BUF_INIT, message = BUF_INIT;
	struct lines lines = { 0 };
	struct notes all;
	struct mirror m;
	int ret = -1;

	mirror_ref(&ref, target);
	if (mirror_read_head(repo, target, pool, &m, err) < 0 ||
	    notes_read_at(repo, &m.base, pool, &all, err) < 0)
		goto out;
	if (all.nr > 1)
		qsort(all.lines, all.nr, sizeof(*all.lines), cmp_line);
	if (plan)
		copy_to_new_places(plan, &all, pool, &lines);
	*copied = lines.nr;
	if (take_parted(repo, &m, &all, pool, &lines, err) < 0)
		goto out;
	if (lines.nr || !oid_is_zero(&m.parted)) {
		const struct notes_commit where = { .tip = &m.tip,
						    .base = &m.base,
						    .merged = &m.parted };

		make_message(&message, target, &m, *copied);
		ret = notes_append(repo, ref.s, &where, lines.items, lines.nr, message.s,
				   err);
	} else if (!oid_is_zero(&m.tip)) {
		ret = notes_forward(repo, ref.s, &m.tip, &m.base, err);
	} else {
		ret = 0; /* others' records need no ref of our own */
	}
out:
	buf_release(&ref);
	buf_release(&message);
	free(lines.items);
	return ret;
}

int join_mirror(struct repo *repo, const char *target, const struct plan *plan,
		size_t *copied, struct err *err)
{
	int i, ret = 1;

	for (i = 0; i < TRIES && ret > 0; i++) {
		struct pool pool = { 0 };

		ret = join_once(repo, target, plan, copied, &pool, err);
		pool_release(&pool);
	}
	if (ret > 0)
		return err_set(err, ERR_FATAL,
			       "could not write the mirror of target '%s': others kept "
			       "writing",
			       target);
	return ret;
}
