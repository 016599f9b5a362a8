#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/vec.h"
#include "flow/log.h"
#include "flow/log_story.h"
#include "flow/mirror.h"
#include "flow/mirror_old.h"
#include "flow/mirror_paths.h"

enum { SHOWN_MAX = 100 }; /* bytes of a line that is wrong */

/* --- what is wrong ------------------------------------------------------- */

struct doubt {
	struct log_target *t;
	struct pool *pool;
};

/* The first thing is enough: an audit names all. */
static void doubt_line(void *arg, const char *line, const char *why)
{
	struct doubt *d = arg;
	struct buf shown = BUF_INIT;

	if (d->t->broken)
		return;
	text_printable(&shown, line, strnlen(line, SHOWN_MAX), 0);
	d->t->broken = pool_printf(d->pool, "A line of it is wrong (%s): %s", why,
				   buf_str(&shown));
	buf_release(&shown);
}

static void doubt_head(struct doubt *d, const struct mirror *m)
{
	const struct record *last = ledger_last(&d->t->ledger);

	if (d->t->broken || !m->head_seq ||
	    (last && strcmp(last->hash, m->head_hash) == 0))
		return;
	d->t->broken = pool_printf(d->pool,
				   "It names record %" PRIu64
				   " (%.12s) as its newest, which is not there",
				   m->head_seq, m->head_hash);
}

/* --- what was lost ------------------------------------------------------- */

/* Lines of a mirror, and what of them is not in force. */
struct sorting {
	const struct mirror *m;
	bool *taken;		  /* those in force */
	struct mirror_old *olds;  /* of what is in force */
	const struct record **by; /* those records */
	size_t nr_olds, alloc_olds, alloc_by;
	size_t *found; /* see mirror_find_old */
};

/* Numbers rise along a chain, so it stands in the sorted lines in its own order. */
static void take_ledger(struct sorting *s, const struct ledger *l)
{
	const struct record *r;
	size_t i, k = 0, nr_by = 0;

	for (i = 0; i < s->m->nr && k < l->nr; i++)
		if (strcmp(s->m->lines[i], l->records[k].line) == 0) {
			s->taken[i] = true;
			k++;
		}
	for (k = 0; k < l->nr; k++) {
		r = &l->records[k];
		if (!r->field[FIELD_OLD])
			continue;
		VEC_GROW(s->olds, s->nr_olds, s->alloc_olds);
		mirror_old_init(&s->olds[s->nr_olds++], r);
		VEC_GROW(s->by, nr_by, s->alloc_by);
		s->by[nr_by++] = r;
	}
}

struct lost_record {
	struct record record;
	const struct record *by;
};

/* As the log goes on; one time for two is possible, and then numbers decide. */
static int cmp_lost(const void *left, const void *right)
{
	const struct lost_record *a = left, *b = right;
	int order = (a->by > b->by) - (a->by < b->by);

	if (order == 0)
		order = strcmp(a->record.field[FIELD_AT], b->record.field[FIELD_AT]);
	return order ? order : strcmp(a->record.line, b->record.line);
}

static void keep_lost(struct log_target *t, struct lost_record *lost, size_t nr)
{
	size_t i;

	if (nr > 1)
		qsort(lost, nr, sizeof(*lost), cmp_lost);
	t->lost = xcalloc(nr + 1, sizeof(*t->lost));
	t->lost_by = xcalloc(nr + 1, sizeof(*t->lost_by));
	for (i = 0; i < nr; i++) {
		t->lost[i] = lost[i].record;
		t->lost_by[i] = lost[i].by;
	}
	t->nr_lost = nr;
}

static void find_lost(struct doubt *d, const struct mirror *m)
{
	struct log_target *t = d->t;
	struct sorting s = { .m = m };
	struct lost_record *lost = xcalloc(m->nr + 1, sizeof(*lost));
	struct err ignored = { 0 };
	size_t i, nr = 0;

	s.taken = xcalloc(m->nr + 1, sizeof(*s.taken));
	s.found = xcalloc(m->nr + 1, sizeof(*s.found));
	take_ledger(&s, &t->ledger);
	mirror_find_old(m, s.taken, s.olds, s.nr_olds, s.found, NULL, NULL);
	for (i = 0; i < m->nr; i++) {
		if (!s.found[i] && !s.taken[i])
			doubt_line(d, m->lines[i],
				   "it is not of the chain, and no record says why");
		if (s.found[i] && record_parse_kept(&lost[nr].record, d->pool,
						    m->lines[i], NULL, &ignored) == 0)
			lost[nr++].by = s.by[s.found[i] - 1];
	}
	keep_lost(t, lost, nr);
	free(lost);
	free(s.taken);
	free(s.found);
	free(s.olds);
	free(s.by);
}

const struct record *log_lost_by(const struct log_target *t, const struct record *r)
{
	return t->nr_lost && r >= t->lost && r < t->lost + t->nr_lost
		       ? t->lost_by[r - t->lost]
		       : NULL;
}

const char *log_lost_how(const struct log_target *t, const struct record *r)
{
	const struct record *by = log_lost_by(t, r);

	return by ? event_name(by->event) : NULL;
}

/* --- the story ------------------------------------------------------------ */

static void tell(struct log_target *t)
{
	const struct ledger *l = &t->ledger;
	size_t i, k = 0;

	t->story = xcalloc(l->nr + t->nr_lost + 1, sizeof(*t->story));
	for (i = 0; i < l->nr; i++) {
		while (k < t->nr_lost && t->lost_by[k] == &l->records[i])
			t->story[t->nr_story++] = &t->lost[k++];
		t->story[t->nr_story++] = &l->records[i];
	}
}

/* Bytewise by path, then in the order of the story. */
static int cmp_told(const void *left, const void *right)
{
	const struct record *const *a = *(const struct record *const *const *)left;
	const struct record *const *b = *(const struct record *const *const *)right;
	int order = strcmp((*a)->field[FIELD_PATH], (*b)->field[FIELD_PATH]);

	return order ? order : (a > b) - (a < b);
}

static void index_records(struct log_target *t)
{
	const struct record *const **told = xcalloc(t->nr_story + 1, sizeof(*told));
	size_t i, nr = 0;

	for (i = 0; i < t->nr_story; i++)
		if (t->story[i]->field[FIELD_PATH])
			told[nr++] = &t->story[i];
	if (nr > 1)
		qsort(told, nr, sizeof(*told), cmp_told);
	t->of_paths = xcalloc(nr + 1, sizeof(*t->of_paths));
	for (i = 0; i < nr; i++)
		t->of_paths[i] = *told[i];
	t->nr_of_paths = nr;
	free(told);
}

static int read_all(struct repo *repo, struct log_target *t, struct pool *pool,
		    struct err *err)
{
	struct doubt d = { .t = t, .pool = pool };
	struct mirror m;

	if (mirror_read(repo, t->name, MIRROR_FETCHED, pool, &m, err) < 0)
		return -1;
	mirror_fold(&m, pool, &t->ledger, doubt_line, &d);
	doubt_head(&d, &m);
	if (t->ledger.nr < m.nr)
		find_lost(&d, &m);
	return 0;
}

int log_story_read(struct repo *repo, struct log_target *t, const char *const *paths,
		   size_t nr, struct pool *pool, struct err *err)
{
	bool more = !paths;

	if (paths &&
	    mirror_fold_paths(repo, t->name, paths, nr, pool, &t->ledger, &more, err) < 0)
		return -1;
	if (more) {
		ledger_release(&t->ledger);
		if (read_all(repo, t, pool, err) < 0)
			return -1;
	}
	tell(t);
	index_records(t);
	return 0;
}

void log_story_release(struct log_target *t)
{
	ledger_release(&t->ledger);
	free(t->lost);
	free(t->lost_by);
	free(t->story);
	free(t->of_paths);
}
