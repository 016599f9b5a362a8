#include "base/compat.h"

#include "base/err.h"
#include "base/vec.h"
#include "core/record_stream.h"
#include "flow/audit_log.h"
#include "flow/mirror.h"

void audit_log_begin(struct audit_log *l, struct pool *pool, const struct mirror *at,
		     const struct seen *seen)
{
	memset(l, 0, sizeof(*l));
	l->pool = pool;
	l->at = at;
	l->seen = seen;
	l->matched = xcalloc(at->nr + 1, sizeof(*l->matched));
	l->replaced = xcalloc(at->nr + 1, sizeof(*l->replaced));
}

void audit_log_release(struct audit_log *l)
{
	ledger_release(&l->kept);
	map_release(&l->by_commit);
	free(l->open);
	free(l->seqs);
	free(l->commits);
	free(l->matched);
	free(l->replaced);
	free(l->olds);
	memset(l, 0, sizeof(*l));
}

void audit_log_reset(struct audit_log *l)
{
	struct pool *pool = l->pool;
	const struct mirror *at = l->at;
	const struct seen *seen = l->seen;

	audit_log_release(l);
	audit_log_begin(l, pool, at, seen);
}

static bool same_commit(const void *array, size_t pos, const void *what)
{
	return oid_eq(&((const struct oid *)array)[pos], what);
}

static void name_commit(struct audit_log *l, const char *hex)
{
	struct oid id;
	uint32_t hash;

	if (!hex || oid_parse(&id, hex, OID_HEXSZ) < 0)
		return;
	/* mostly that of the record before */
	if (l->nr_commits && oid_eq(&l->commits[l->nr_commits - 1], &id))
		return;
	hash = map_hash(&l->by_commit, &id, sizeof(id));
	if (map_find(&l->by_commit, hash, same_commit, l->commits, &id) >= 0)
		return;
	VEC_GROW(l->commits, l->nr_commits, l->alloc_commits);
	l->commits[l->nr_commits] = id;
	map_add(&l->by_commit, hash, l->nr_commits++);
}

static void keep(struct audit_log *l, const struct record *r, bool stays)
{
	struct record *to = ledger_room(&l->kept);

	record_copy(to, r, stays, ledger_last(&l->kept), l->pool);
	ledger_add(&l->kept, to);
}

/* Takes a path out of those that are open; whether it was there. */
static bool close_path(struct audit_log *l, const char *path)
{
	size_t i;

	for (i = 0; i < l->nr_open; i++)
		if (strcmp(l->open[i], path) == 0) {
			l->open[i] = l->open[--l->nr_open];
			return true;
		}
	return false;
}

/*
 * What is kept. A failure matters where it ends what was begun outside of a transaction,
 * and the end of a run where it has a fingerprint (take_schema).
 */
static void take_event(struct audit_log *l, const struct record *r, bool stays)
{
	const char *path = r->field[FIELD_PATH];
	bool was_open = path && r->event != EVENT_EXCEPTED && close_path(l, path);

	if (r->event == EVENT_RAN || (r->event == EVENT_FAILED && !was_open))
		return;
	keep(l, r, stays);
	if (r->event != EVENT_STARTED)
		return;
	VEC_GROW(l->open, l->nr_open, l->alloc_open);
	l->open[l->nr_open++] = ledger_last(&l->kept)->field[FIELD_PATH];
}

static void take_schema(struct audit_log *l, const struct record *r)
{
	const struct record before = l->ran;

	if (r->event == EVENT_RAN && r->field[FIELD_SCHEMA]) {
		record_copy(&l->ran, r, true, before.seq ? &before : NULL, l->pool);
		l->ran.line = NULL; /* nobody asks for it, and it may be gone */
		l->outdated = false;
	} else if (event_takes_effect(r->event) || r->event == EVENT_STARTED ||
		   r->event == EVENT_RESTORED) {
		l->outdated = true;
	}
}

static int cmp_line(const void *line, const void *at)
{
	return strcmp(line, *(const char *const *)at);
}

/* Both are sorted, but for a tracker that is wrong. */
static void match(struct audit_log *l, const struct record *r)
{
	const struct mirror *m = l->at;
	const char *const *hit = NULL;

	if (l->step == l->nr && l->step < m->nr &&
	    strcmp(m->lines[l->step], r->line) == 0)
		hit = &m->lines[l->step++];
	else if (m->nr)
		hit = bsearch(r->line, m->lines, m->nr, sizeof(*m->lines), cmp_line);
	if (hit)
		l->matched[hit - m->lines] = true;
	else if (!l->lacking++)
		l->first_lacking = r->seq;
}

static void take_place(struct audit_log *l, const struct record *r)
{
	if (!r->field[FIELD_OLD])
		return;
	VEC_GROW(l->olds, l->nr_olds, l->alloc_olds);
	mirror_old_init(&l->olds[l->nr_olds++], r);
}

static void look_for_seen(struct audit_log *l, const struct record *r)
{
	enum seen_how how = l->seen ? seen_look(l->seen, r) : SEEN_NOT;

	if (how <= l->seen_how)
		return;
	l->seen_how = how;
	l->seen_by = r->seq;
}

/* Clocks of two runners differ a little, and no more than that. */
static void take_time(struct audit_log *l, const struct record *r)
{
	enum { SLACK_MS = 60 * 1000 };
	const char *at = r->field[FIELD_AT];
	int64_t before, now;

	if (strcmp(at, l->when) < 0 && clock_parse(at, &now) == 0 &&
	    clock_parse(l->when, &before) == 0 && before - now > SLACK_MS && !l->back++)
		l->first_back = r->seq;
	snprintf(l->when, sizeof(l->when), "%s", at);
}

void audit_log_add(struct audit_log *l, const struct record *r, bool stays)
{
	take_time(l, r);
	match(l, r);
	take_place(l, r);
	take_schema(l, r);
	name_commit(l, r->field[FIELD_COMMIT]);
	name_commit(l, r->field[FIELD_HEAD]);
	look_for_seen(l, r);
	if (l->at->head_seq && (strcmp(r->hash, l->at->head_hash) == 0 ||
				strcmp(record_old_hash(r), l->at->head_hash) == 0))
		l->head_met = true;
	take_event(l, r, stays);
	VEC_GROW(l->seqs, l->nr, l->alloc);
	l->seqs[l->nr++] = r->seq;
	l->last.seq = r->seq;
	snprintf(l->last.hash, sizeof(l->last.hash), "%s", r->hash);
	snprintf(l->target, sizeof(l->target), "%s", r->field[FIELD_TARGET]);
}

/* What was seen last may be in a log that this one took the place of. */
static void look_behind(void *arg, const struct record *r, const struct mirror_old *old)
{
	struct audit_log *l = arg;

	if (!l->seen || l->seen_how != SEEN_NOT || strcmp(l->seen->hash, r->hash) != 0)
		return;
	l->seen_how = SEEN_EXPLAINED;
	l->seen_by = old->by;
}

void audit_log_end(struct audit_log *l)
{
	ledger_fold(&l->kept);
	mirror_find_old(l->at, l->matched, l->olds, l->nr_olds, l->replaced, look_behind,
			l);
	if (l->nr)
		l->kept.target = l->target;
}

bool audit_log_is_mirrored(const struct audit_log *l)
{
	return l->step == l->nr && l->nr == l->at->nr;
}

bool audit_log_has(const struct audit_log *l, uint64_t seq)
{
	size_t low = 0, high = l->nr, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (l->seqs[mid] == seq)
			return true;
		if (seq < l->seqs[mid])
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}
