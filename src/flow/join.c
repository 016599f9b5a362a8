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
#include "flow/parted.h"
#include "git/notes.h"
#include "git/repo.h"

enum { TRIES = 20 };

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

/* What stands on our side alone goes along, also where it was taken out of theirs. */
static int take_ours(struct repo *repo, const struct mirror *m, const struct notes *all,
		     struct pool *pool, struct lines *out, struct err *err)
{
	const struct oid *side = mirror_own_side(m);
	struct notes ours;
	size_t i;

	if (!side)
		return 0;
	if (notes_read_at(repo, side, pool, &ours, err) < 0)
		return -1;
	for (i = 0; i < ours.nr; i++)
		if (!has_line(all, &ours.lines[i]))
			add_line(out, &ours.lines[i].object, ours.lines[i].line);
	return 0;
}

/* Of what stands in several commits none need name where the whole ends. */
static int find_end(struct repo *repo, const char *target, struct mirror *m,
		    struct pool *pool, struct err *err)
{
	struct parted p;

	if (parted_look(repo, target, NULL, pool, &p, err) < 0)
		return -1;
	if (p.what)
		return parted_refuse(target, p.what, err);
	m->head_seq = p.end_seq;
	m->head_hash = p.end_hash;
	return 0;
}

static void make_message(struct buf *out, const char *target, const struct mirror *m,
			 size_t copied, size_t ours)
{
	if (ours && oid_is_zero(&m->parted))
		buf_addf(out, "migrate: %zu line%s of target '%s' put back", ours,
			 plural(ours), target);
	else if (copied)
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
	size_t ours;
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
	if (take_ours(repo, &m, &all, pool, &lines, err) < 0)
		goto out;
	ours = lines.nr - *copied;
	if ((ours || !oid_is_zero(&m.parted)) &&
	    find_end(repo, target, &m, pool, err) < 0)
		goto out;
	if (lines.nr || !oid_is_zero(&m.parted)) {
		const struct notes_commit where = { .tip = &m.tip,
						    .base = &m.base,
						    .merged = &m.parted };

		make_message(&message, target, &m, *copied, ours);
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
