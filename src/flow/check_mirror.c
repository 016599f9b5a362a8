#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/pool.h"
#include "base/vec.h"
#include "core/chain.h"
#include "core/policy.h"
#include "flow/check_mirror.h"
#include "flow/check_paths.h"
#include "flow/mirror.h"
#include "flow/target.h"
#include "git/notes_delta.h"
#include "git/repo.h"

enum {
	COMMITS_MAX = 50000,  /* of a mirror in one push, old ones beside them included */
	RECORDS_MAX = 100000, /* new ones in one push: a log of twenty large projects */
	BYTES_MAX = 128 << 20,	/* of all notes that have to be read for it */
	CARRIED_MAX = 16 << 20, /* of the notes of one commit, before and after */
};

/* One push to one mirror. A function that refuses it adds a finding and returns 1. */
struct update {
	struct repo *repo;
	const char *ref, *target;
	const struct oid *older, *newer;
	struct notes_delta gone, added;
	struct chain chain;
	struct paths paths; /* that its records name */
	size_t room;	    /* bytes of notes that may still be read */
	struct findings *f;
};

/* The lines of all notes of one commit, sorted. */
struct text {
	struct buf bytes;
	char **lines;
	size_t nr, alloc;
};

static void refuse_mirror(struct findings *f, const char *ref, const char *what,
			  const char *detail)
{
	findings_add(f, RULE_MIRROR, false, NULL, "%s: %s", ref, what);
	if (detail[0])
		findings_detail(f, "%s", detail);
	findings_hint(f, "A mirror only grows. \"git migrate sync\" fetches the one that "
			 "is there, adds what was written here, and pushes it.");
}

static int refuse(struct update *u, const char *what, const char *detail)
{
	refuse_mirror(u->f, u->ref, what, detail);
	return 1;
}

/* What was found wrong becomes a finding; what could not be read stays an error. */
static int refuse_err(struct update *u, struct err *err)
{
	if (err->code != ERR_REFUSED)
		return -1;
	refuse_mirror(u->f, u->ref, err->message, err->detail);
	memset(err, 0, sizeof(*err));
	return 1;
}

/* --- notes ---------------------------------------------------------------- */

static int cmp_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void text_release(struct text *t)
{
	buf_release(&t->bytes);
	free(t->lines);
	memset(t, 0, sizeof(*t));
}

static bool text_has(const struct text *t, const char *line)
{
	return t->nr &&
	       bsearch(&line, t->lines, t->nr, sizeof(*t->lines), cmp_line) != NULL;
}

/* Cuts the bytes into lines; a NUL would hide what stands behind it. 0 or -1. */
static int text_cut(struct text *t, struct err *err)
{
	char *at = t->bytes.s, *end = at + t->bytes.len, *lf;

	if (t->bytes.len && memchr(at, '\0', t->bytes.len))
		return err_set(err, ERR_REFUSED, "a note has a NUL byte");
	for (; at < end; at = lf + 1) {
		lf = memchr(at, '\n', (size_t)(end - at));
		if (!lf)
			lf = end; /* where the NUL of the buffer is */
		*lf = '\0';
		if (lf == at)
			continue;
		if (t->nr == RECORDS_MAX)
			return err_set(err, ERR_FATAL,
				       "the notes of one commit have more than %d lines",
				       RECORDS_MAX);
		VEC_GROW(t->lines, t->nr, t->alloc);
		t->lines[t->nr++] = at;
	}
	if (t->nr > 1)
		qsort(t->lines, t->nr, sizeof(*t->lines), cmp_line);
	return 0;
}

/* Reads the notes that `d` has of one object from `*at` on, which is moved. */
static int text_read(struct update *u, const struct notes_delta *d,
		     const struct oid *object, size_t *at, struct text *out,
		     struct err *err)
{
	for (; *at < d->nr && oid_eq(&d->items[*at].object, object); ++*at) {
		if (notes_text(u->repo, &d->items[*at].blob, &out->bytes, &u->room, err) <
		    0)
			return -1;
		if (out->bytes.len > CARRIED_MAX)
			return err_set(err, ERR_FATAL,
				       "the notes of one commit have more than %d bytes",
				       CARRIED_MAX);
		buf_addc(&out->bytes, '\n'); /* the last line may lack its own */
	}
	return text_cut(out, err);
}

/* --- records -------------------------------------------------------------- */

static int take_record(struct update *u, const struct oid *object, const char *line,
		       struct err *err)
{
	struct pool pool = { 0 };
	struct record r;
	struct oid place;
	int ret = -1;

	if (record_parse(&r, &pool, line, strlen(line), err) < 0) {
		err_detail(err, "%s", line);
		goto out;
	}
	if (mirror_place(&r, &place) < 0) {
		err_set(err, ERR_REFUSED, "record %" PRIu64 " names no commit", r.seq);
		goto out;
	}
	if (u->chain.nr == RECORDS_MAX) {
		err_set(err, ERR_FATAL, "the push brings more than %d records",
			RECORDS_MAX);
		goto out;
	}
	chain_add(&u->chain, &r, oid_eq(&place, object));
	paths_add(&u->paths, &r);
	ret = 0;
out:
	pool_release(&pool);
	return ret;
}

/* All notes of the object as they are now, those included that did not change. */
static int read_all_notes(struct update *u, const struct oid *object, struct text *out,
			  struct err *err)
{
	static const struct oid none;
	struct notes_delta all = { 0 };
	size_t at = 0;
	int ret = notes_delta(u->repo, &none, u->newer, false, &all, err);

	while (at < all.nr && oid_cmp(&all.items[at].object, object) < 0)
		at++;
	if (ret == 0)
		ret = text_read(u, &all, object, &at, out, err);
	notes_delta_release(&all);
	return ret;
}

/* Each old line of the object must still be there. As check_mirror's steps. */
static int check_kept(struct update *u, const struct oid *object, const struct text *was,
		      const struct text *now, struct err *err)
{
	struct text all = { 0 };
	size_t i = 0;
	int ret = 0;

	while (i < was->nr && text_has(now, was->lines[i]))
		i++;
	if (i < was->nr) /* in a mixture of fanouts it may be in a note that stayed */
		ret = read_all_notes(u, object, &all, err);
	for (; i < was->nr && ret == 0; i++)
		if (!text_has(now, was->lines[i]) && !text_has(&all, was->lines[i]))
			ret = refuse(u, "a record was taken out or changed",
				     was->lines[i]);
	text_release(&all);
	return ret;
}

static int check_object(struct update *u, size_t *gone, size_t *added, struct err *err)
{
	struct text was = { 0 }, now = { 0 };
	struct oid object;
	size_t i;
	int ret = -1;

	if (*added == u->added.nr ||
	    (*gone < u->gone.nr &&
	     oid_cmp(&u->gone.items[*gone].object, &u->added.items[*added].object) < 0))
		object = u->gone.items[*gone].object;
	else
		object = u->added.items[*added].object;
	if (text_read(u, &u->gone, &object, gone, &was, err) < 0 ||
	    text_read(u, &u->added, &object, added, &now, err) < 0)
		goto out;
	ret = check_kept(u, &object, &was, &now, err);
	for (i = 0; i < now.nr && ret == 0; i++)
		if (!text_has(&was, now.lines[i]))
			ret = take_record(u, &object, now.lines[i], err);
out:
	text_release(&was);
	text_release(&now);
	return ret;
}

/* What the push adds to the notes becomes links of the chain; it takes nothing. */
static int read_changes(struct update *u, struct err *err)
{
	size_t gone = 0, added = 0;
	int ret;

	ret = notes_delta(u->repo, u->older, u->newer, true, &u->added, err);
	if (ret == 0)
		ret = notes_delta(u->repo, u->newer, u->older, false, &u->gone, err);
	while (ret == 0 && (gone < u->gone.nr || added < u->added.nr))
		ret = check_object(u, &gone, &added, err);
	return ret;
}

/* --- what was there before ------------------------------------------------ */

/* Tells the chain of an old record that has a say in it. */
static void know_line(struct update *u, const char *line)
{
	/* "<number> prev=<hash> ..." */
	enum { PREV_AT = RECORD_SEQ_DIGITS + 6 };
	struct buf whole = BUF_INIT;
	char hash[SHA256_HEXSZ + 1], prev[SHA256_HEXSZ + 1] = "";
	struct pool pool = { 0 };
	struct err quiet = { 0 };
	struct record r;

	buf_addf(&whole, "%s\n", line);
	sha256_hex(whole.s, whole.len, hash);
	if (whole.len > PREV_AT + SHA256_HEXSZ)
		snprintf(prev, sizeof(prev), "%s", line + PREV_AT);
	if (chain_wants(&u->chain, hash, prev) &&
	    record_parse(&r, &pool, line, strlen(line), &quiet) == 0)
		chain_know(&u->chain, &r);
	pool_release(&pool);
	buf_release(&whole);
}

/* Looks through what the mirror before the push has and `base` (zero: none) has not. */
static int know_since(struct update *u, const struct oid *base, struct err *err)
{
	struct notes_delta d = { 0 };
	struct text text = { 0 };
	size_t at = 0, i;
	int ret = notes_delta(u->repo, base, u->older, false, &d, err);

	while (ret == 0 && at < d.nr) {
		ret = text_read(u, &d, &d.items[at].object, &at, &text, err);
		for (i = 0; ret == 0 && i < text.nr; i++)
			know_line(u, text.lines[i]);
		text_release(&text);
	}
	notes_delta_release(&d);
	return ret;
}

/*
 * Mostly the new records continue the last one of the commit before. All old ones are
 * gone through only where that does not explain them.
 */
static int know_old(struct update *u, struct err *err)
{
	static const struct oid none;
	struct oid base;

	if (oid_is_zero(u->older) || (!u->chain.fresh && chain_is_whole(&u->chain)))
		return 0;
	if (repo_first_parent(u->repo, u->older, &base, err) < 0 ||
	    know_since(u, &base, err) < 0)
		return -1;
	if (chain_is_whole(&u->chain) || oid_is_zero(&base))
		return 0;
	return know_since(u, &none, err);
}

static int read_head(struct update *u, const struct oid *tip, struct chain_head *out,
		     struct err *err)
{
	struct pool pool = { 0 };
	struct mirror m;
	int ret = mirror_head_at(u->repo, u->target, tip, &pool, &m, err);

	if (ret == 0 && m.head_seq) {
		out->seq = m.head_seq;
		snprintf(out->hash, sizeof(out->hash), "%s", m.head_hash);
		out->by_tip = oid_eq(&m.head_commit, tip);
	}
	pool_release(&pool);
	return ret;
}

/* --- the whole ------------------------------------------------------------ */

static int check_line(struct update *u, struct err *err)
{
	int ancestor;

	if (oid_is_zero(u->older))
		return 0;
	ancestor = repo_is_ancestor_within(u->repo, u->older, u->newer, COMMITS_MAX, err);
	if (ancestor != 0)
		return ancestor < 0 ? -1 : 0;
	return refuse(u, "the mirror was rewritten", "The push is no fast-forward.");
}

static int check_records(struct update *u, struct err *err)
{
	int ret = -1;

	if (read_head(u, u->older, &u->chain.was, err) < 0 ||
	    read_head(u, u->newer, &u->chain.now, err) < 0)
		return -1;
	ret = read_changes(u, err);
	if (ret)
		return ret;
	if (oid_is_zero(u->older) && !u->chain.nr)
		return refuse(u, "there is no record in it", "");
	if (know_old(u, err) < 0 || chain_check(&u->chain, err) < 0)
		return -1;
	return paths_check(u->repo, &u->paths, u->ref, u->f, err);
}

int check_mirror(struct repo *repo, const char *ref, const struct oid *older,
		 const struct oid *newer, struct findings *f, struct err *err)
{
	struct update u = {
		.repo = repo,
		.ref = ref,
		.target = ref + strlen(MIRROR_REFS),
		.older = older,
		.newer = newer,
		.room = BYTES_MAX,
		.f = f,
	};
	int ret;

	if (oid_is_zero(newer)) {
		refuse(&u, "a mirror cannot be deleted", "");
		return 0;
	}
	if (!target_name_ok(u.target)) {
		refuse(&u, "no target can have that name", "");
		return 0;
	}
	ret = check_line(&u, err);
	if (ret == 0)
		ret = check_records(&u, err);
	if (ret < 0)
		ret = refuse_err(&u, err);
	notes_delta_release(&u.gone);
	notes_delta_release(&u.added);
	chain_release(&u.chain);
	paths_release(&u.paths);
	return ret < 0 ? -1 : 0;
}
