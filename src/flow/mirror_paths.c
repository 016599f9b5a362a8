#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/ledger.h"
#include "core/links.h"
#include "core/mirror_index.h"
#include "flow/mirror.h"
#include "flow/mirror_paths.h"
#include "flow/note_lines.h"
#include "git/notes.h"
#include "git/notes_delta.h"

enum {
	BYTES_MAX = 256 << 20,	/* of the notes that are read for one answer */
	CHANGED_MAX = 2048,	/* notes: where more are new, all are read */
	LEFT_OUT_MAX = 1 << 12, /* records: a mirror that has more is not kept */
};

/* What is read, and what comes of it. */
struct reader {
	struct repo *repo;
	const char *target;
	struct pool *pool;
	struct mirror m; /* its head and tips; all of it where the index has to be made */
	struct mirror_index index;
	struct mirror_place *found; /* to be added to it */
	size_t nr_found, alloc_found;
	const char **lines; /* that are new, the pool's */
	size_t nr_lines, alloc_lines;
	bool bad;      /* a line is no record */
	bool explains; /* a record says that it took the place of others */
};

static int cmp_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_texts(const char **texts, size_t nr)
{
	if (nr > 1)
		qsort(texts, nr, sizeof(*texts), cmp_text);
}

/* Notes that the record in a line stands in, if it is about a path. */
static void add_places(struct reader *r, const char *line, const struct note_blob *notes,
		       size_t nr)
{
	const struct mirror_place *last;
	const char *path, *known;
	size_t len, i;

	path = record_line_path(line, &len);
	for (i = 0; path && i < nr; i++) {
		last = r->nr_found ? &r->found[r->nr_found - 1] : NULL;
		known = last && strncmp(last->path, path, len) == 0 && !last->path[len]
				? last->path
				: NULL;
		if (known && oid_eq(&last->blob, &notes[i].blob))
			continue; /* lines of one path mostly stand together */
		if (!known)
			known = pool_strndup(r->pool, path, len);
		VEC_GROW(r->found, r->nr_found, r->alloc_found);
		r->found[r->nr_found++] = (struct mirror_place){ known, notes[i].blob };
	}
}

/* --- what is kept, brought up to date -------------------------------------- */

static void add_line(struct reader *r, const char *line, const struct note_blob *notes,
		     size_t nr)
{
	VEC_GROW(r->lines, r->nr_lines, r->alloc_lines);
	r->lines[r->nr_lines++] = pool_strdup(r->pool, line);
	add_places(r, line, notes, nr);
}

/*
 * The notes of one object in two commits: new lines are added to `r` where `take`, and
 * `*lost` is set when one is gone. 0 or -1.
 */
static int compare_object(struct reader *r, const struct notes_delta *gone,
			  size_t *gone_at, const struct notes_delta *added,
			  size_t *added_at, const struct oid *object, bool take,
			  bool *lost, struct err *err)
{
	struct note_limits most = { BYTES_MAX, SIZE_MAX, SIZE_MAX };
	struct note_lines was = { 0 }, now = { 0 };
	size_t i, from = *added_at;
	int ret = -1;

	if (note_lines_read(r->repo, gone, object, gone_at, &most, &was, err) == 0 &&
	    note_lines_read(r->repo, added, object, added_at, &most, &now, err) == 0)
		ret = 0;
	for (i = 0; ret == 0 && i < was.nr && !*lost; i++)
		*lost = !note_lines_have(&now, was.lines[i]);
	for (i = 0; ret == 0 && take && i < now.nr; i++)
		if (!note_lines_have(&was, now.lines[i]))
			add_line(r, now.lines[i], added->items + from, *added_at - from);
	note_lines_release(&was);
	note_lines_release(&now);
	return ret;
}

/* 1 when it is done; 0 where that would be too much; -1. */
static int compare_commits(struct reader *r, const struct oid *older,
			   const struct oid *newer, bool take, bool *lost,
			   struct err *err)
{
	struct notes_delta gone = { 0 }, added = { 0 };
	size_t gone_at = 0, added_at = 0;
	struct oid object;
	int ret = -1;

	if (notes_delta(r->repo, newer, older, false, &gone, err) == 0 &&
	    notes_delta(r->repo, older, newer, false, &added, err) == 0)
		ret = gone.nr <= CHANGED_MAX && added.nr <= CHANGED_MAX;
	while (ret > 0 && note_lines_next(&gone, gone_at, &added, added_at, &object))
		if (compare_object(r, &gone, &gone_at, &added, &added_at, &object, take,
				   lost, err) < 0)
			ret = -1;
	notes_delta_release(&gone);
	notes_delta_release(&added);
	return ret;
}

/*
 * Nothing of what was read before is gone: what is no tip any more has gone into the one
 * that is built upon. Returns as compare_commits.
 */
static int check_kept(struct reader *r, struct err *err)
{
	const struct mirror_index *x = &r->index;
	bool lost = false;
	size_t i, k;
	int ret = 1;

	for (i = 0; i < x->nr_tips && ret > 0 && !lost; i++) {
		for (k = 0; k < r->m.nr_tips; k++)
			if (oid_eq(&x->tips[i], &r->m.tips[k]))
				break;
		if (k == r->m.nr_tips)
			ret = compare_commits(r, &x->tips[i], &r->m.base, false, &lost,
					      err);
	}
	return ret > 0 ? !lost : ret;
}

/* The lines that tips have which were not read yet. Returns as compare_commits. */
static int find_new(struct reader *r, struct err *err)
{
	bool less = false; /* what they lack, others have */
	size_t i;
	int ret = 1;

	for (i = 0; i < r->m.nr_tips && ret > 0; i++)
		if (!mirror_index_has_tip(&r->index, &r->m.tips[i]))
			ret = compare_commits(r, &r->index.base, &r->m.tips[i], true,
					      &less, err);
	return ret;
}

/* Whether the new lines are records, one behind the other, up to the new head. */
static bool continues(struct reader *r)
{
	struct mirror_index *x = &r->index;
	struct err why = { 0 };
	struct record one;
	size_t i;

	sort_texts(r->lines, r->nr_lines);
	for (i = 0; i < r->nr_lines; i++) {
		if (i && strcmp(r->lines[i - 1], r->lines[i]) == 0)
			continue;
		if (record_parse_kept(&one, r->pool, r->lines[i], NULL, &why) < 0 ||
		    one.seq <= x->head_seq || event_begins_anew(one.event) ||
		    strcmp(one.field[FIELD_PREV], x->head) != 0 ||
		    mirror_index_leaves_out(x, one.hash))
			return false;
		x->head_seq = one.seq;
		snprintf(x->head, sizeof(x->head), "%s", one.hash);
	}
	return !r->m.head_seq || strcmp(x->head, r->m.head_hash) == 0;
}

static void keep(struct reader *r)
{
	struct buf bytes = BUF_INIT;

	mirror_index_encode(&r->index, &bytes);
	notes_keep(r->repo, r->target, &bytes);
	buf_release(&bytes);
}

static void be_of_tips(struct reader *r)
{
	r->index.tips = r->m.tips;
	r->index.nr_tips = r->m.nr_tips;
	r->index.base = r->m.base;
	mirror_index_add(&r->index, r->pool, r->found, r->nr_found);
}

/* Whether what is kept tells of the mirror as it is now, or could be made to. */
static bool catch_up(struct reader *r)
{
	struct err quiet = { 0 };

	if (mirror_index_is_of(&r->index, r->m.tips, r->m.nr_tips))
		return true;
	if (check_kept(r, &quiet) <= 0 || find_new(r, &quiet) <= 0 || !continues(r))
		return false;
	be_of_tips(r);
	keep(r);
	return true;
}

static bool load(struct reader *r)
{
	struct buf bytes = BUF_INIT;
	char *kept;
	bool found = notes_kept(r->repo, r->target, &bytes);

	if (found) {
		kept = pool_alloc(r->pool, bytes.len + 1); /* paths stay in it */
		memcpy(kept, buf_str(&bytes), bytes.len);
		found = mirror_index_decode(&r->index, r->pool, kept, bytes.len) == 0 &&
			catch_up(r);
	}
	buf_release(&bytes);
	r->nr_found = r->nr_lines = 0;
	return found;
}

/* --- the few records -------------------------------------------------------- */

/* Which notes are read: each once. */
static struct oid *wanted_blobs(struct reader *r, const char *const *paths, size_t nr,
				size_t *nr_blobs)
{
	const struct mirror_place *places;
	struct oid *blobs = NULL;
	size_t alloc = 0, i, k, found, all = 0;

	for (i = 0; i < nr; i++) {
		places = mirror_index_find(&r->index, paths[i], &found);
		for (k = 0; k < found; k++) {
			VEC_GROW(blobs, all, alloc);
			blobs[all++] = places[k].blob;
		}
	}
	*nr_blobs = mirror_index_sort_tips(blobs, all);
	return blobs;
}

static void cut_lines(struct reader *r, char *text)
{
	char *end;

	for (; *text; text = end) {
		end = strchrnul(text, '\n');
		if (*end)
			*end++ = '\0';
		if (!*text)
			continue;
		VEC_GROW(r->lines, r->nr_lines, r->alloc_lines);
		r->lines[r->nr_lines++] = text;
	}
}

static int read_blobs(struct reader *r, const struct oid *blobs, size_t nr)
{
	struct buf text = BUF_INIT;
	struct err quiet = { 0 };
	size_t room = BYTES_MAX, i;
	int ret = 0;

	for (i = 0; i < nr && ret == 0; i++) {
		buf_reset(&text);
		ret = notes_text(r->repo, &blobs[i], &text, &room, &quiet);
		if (ret == 0 && text.len)
			cut_lines(r, pool_strndup(r->pool, text.s, text.len));
	}
	buf_release(&text);
	return ret;
}

/* Paths are sorted. */
static bool is_wanted(const char *path, const char *const *paths, size_t nr)
{
	return path && nr && bsearch(&path, paths, nr, sizeof(*paths), cmp_text);
}

/* 0; -1: a note is not there any more. */
static int fold_wanted(struct reader *r, const char *const *paths, size_t nr,
		       struct ledger *out, bool *left_out)
{
	struct err quiet = { 0 };
	struct record *one;
	size_t i, nr_blobs;
	struct oid *blobs = wanted_blobs(r, paths, nr, &nr_blobs);
	int ret = read_blobs(r, blobs, nr_blobs);

	free(blobs);
	if (ret < 0)
		return -1;
	sort_texts(r->lines, r->nr_lines);
	for (i = 0; i < r->nr_lines; i++) {
		if (i && strcmp(r->lines[i - 1], r->lines[i]) == 0)
			continue;
		one = ledger_room(out);
		if (record_parse_kept(one, r->pool, r->lines[i], ledger_last(out),
				      &quiet) == 0 &&
		    is_wanted(one->field[FIELD_PATH], paths, nr)) {
			if (mirror_index_leaves_out(&r->index, one->hash))
				*left_out = true;
			else
				ledger_add(out, one);
		}
	}
	ledger_fold(out);
	return 0;
}

/* --- all of it ---------------------------------------------------------------- */

/* The records of one commit's notes: where they stand, and what they continue. */
static void take_notes(struct reader *r, struct links *links, const struct note_lines *t,
		       const struct note_blob *notes, size_t nr)
{
	struct pool pool = { 0 };
	struct err quiet = { 0 };
	struct record one;
	size_t i;

	for (i = 0; i < t->nr; i++) {
		if (record_parse_kept(&one, &pool, t->lines[i], NULL, &quiet) < 0) {
			r->bad = true;
			continue;
		}
		r->explains = r->explains || one.field[FIELD_OLD];
		links_add(links, &one);
		add_places(r, t->lines[i], notes, nr);
	}
	pool_release(&pool);
}

/* Those of one commit of notes that another one has not. 0 or -1. */
static int take_commit(struct reader *r, struct links *links, const struct oid *older,
		       const struct oid *newer, struct err *err)
{
	struct note_limits most = { SIZE_MAX, SIZE_MAX, SIZE_MAX };
	struct notes_delta notes = { 0 };
	size_t at = 0, from;
	int ret = notes_delta(r->repo, older, newer, false, &notes, err);

	while (ret == 0 && at < notes.nr) {
		struct note_lines now = { 0 };

		from = at;
		ret = note_lines_read(r->repo, &notes, &notes.items[at].object, &at,
				      &most, &now, err);
		if (ret == 0)
			take_notes(r, links, &now, notes.items + from, at - from);
		note_lines_release(&now);
	}
	notes_delta_release(&notes);
	return ret;
}

/* What the chain has not. False: too much to be kept. */
static bool find_left_out(struct reader *r, const struct links *links)
{
	char hex[SHA256_HEXSZ + 1];
	size_t i;

	for (i = 0; i < links->nr && r->index.nr_left_out < LEFT_OUT_MAX; i++) {
		if (links->counts[i])
			continue;
		hex_encode(links->items[i].hash, sizeof(links->items[i].hash), hex);
		mirror_index_leave_out(&r->index, r->pool, hex);
	}
	return i == links->nr;
}

/*
 * Goes through all notes, one at a time. False where the records are no whole chain, or
 * where some are not of it and none says why: that is told by who reads all of it.
 */
static bool make_index(struct reader *r)
{
	static const struct oid none;
	struct links links = { 0 };
	struct err quiet = { 0 };
	bool ret = r->m.head_seq > 0;
	size_t i;

	memset(&r->index, 0, sizeof(r->index));
	for (i = 0; i < r->m.nr_tips && ret; i++)
		ret = take_commit(r, &links, i ? &r->m.tips[i - 1] : &none, &r->m.tips[i],
				  &quiet) == 0;
	ret = ret && !r->bad && links_follow(&links, r->m.head_hash) &&
	      find_left_out(r, &links) && (r->explains || !r->index.nr_left_out);
	links_release(&links);
	if (ret) {
		r->index.head_seq = r->m.head_seq;
		memcpy(r->index.head, r->m.head_hash, sizeof(r->index.head));
		be_of_tips(r);
		keep(r);
	}
	r->nr_found = 0;
	return ret;
}

/* The mirror as it is: without a head, forked, cut, or with too much that does not count.
 */
static int fold_all(struct reader *r, struct ledger *out, struct err *err)
{
	if (mirror_read(r->repo, r->target, MIRROR_FETCHED, r->pool, &r->m, err) < 0)
		return -1;
	mirror_fold(&r->m, r->pool, out, NULL, NULL);
	return 0;
}

int mirror_fold_paths(struct repo *repo, const char *target, const char *const *paths,
		      size_t nr, struct pool *pool, struct ledger *out, bool *more,
		      struct err *err)
{
	struct reader r = { .repo = repo, .target = target, .pool = pool };
	bool left_out = false, whole;
	const char **sorted = xcalloc(nr + 1, sizeof(*sorted));
	int ret = mirror_read_head(repo, target, pool, &r.m, err);

	if (nr)
		memcpy(sorted, paths, nr * sizeof(*sorted));
	sort_texts(sorted, nr);
	if (ret == 0) {
		r.m.nr_tips = mirror_index_sort_tips(r.m.tips, r.m.nr_tips);
		whole = (!load(&r) && !make_index(&r)) ||
			fold_wanted(&r, sorted, nr, out, &left_out) < 0;
		if (more)
			*more = whole || left_out;
		else if (whole)
			ret = fold_all(&r, out, err);
	}
	free(r.found);
	free(r.lines);
	free(sorted);
	return ret;
}
