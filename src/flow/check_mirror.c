#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/text.h"
#include "core/chain.h"
#include "core/policy.h"
#include "flow/check_mirror.h"
#include "flow/check_paths.h"
#include "flow/mirror.h"
#include "flow/note_lines.h"
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
	struct note_limits most;
	struct findings *f;
	bool proofs; /* it is no mirror: lines of any form, which only grow */
};

static void refuse_mirror(struct findings *f, const char *ref, const char *what,
			  const char *detail, const char *hint)
{
	findings_add(f, RULE_MIRROR, false, NULL, "%s: %s", ref, what);
	if (detail[0])
		findings_detail(f, "%s", detail);
	if (hint[0])
		findings_hint(f, "%s", hint);
	else
		findings_hint(f,
			      "A mirror only grows. \"git migrate sync\" fetches the one "
			      "that is there, adds what was written here, and pushes "
			      "it.");
}

static int refuse_proofs(struct update *u, const char *what, const char *detail)
{
	findings_add(u->f, RULE_MIRROR, false, NULL, "%s: %s", u->ref, what);
	if (detail[0])
		findings_detail(u->f, "%s", detail);
	findings_hint(u->f,
		      "A failure that is known stays known. Join what is there with "
		      "yours, and push that: git fetch <remote> %s && git notes --ref=%s "
		      "merge -s cat_sort_uniq FETCH_HEAD",
		      u->ref, u->ref);
	return 1;
}

static int refuse(struct update *u, const char *what, const char *detail)
{
	refuse_mirror(u->f, u->ref, what, detail, "");
	return 1;
}

/* What was found wrong becomes a finding; what could not be read stays an error. */
static int refuse_err(struct update *u, struct err *err)
{
	if (err->code != ERR_REFUSED)
		return -1;
	refuse_mirror(u->f, u->ref, err->message, err->detail, err->hint);
	memset(err, 0, sizeof(*err));
	return 1;
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
		err_hint(err, "mirror",
			 "The notes of a mirror hold records alone. Where the line was "
			 "added, begin again from what the server has: \"git update-ref "
			 "-d "
			 "%s\", and \"git migrate sync\" writes what the tracker has.",
			 u->ref);
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

/* Each old line of the object must still be there. As check_mirror's steps. */
static int check_kept(struct update *u, const struct oid *object,
		      const struct note_lines *was, const struct note_lines *now,
		      struct err *err)
{
	const char *lost;

	if (note_lines_lost(u->repo, u->newer, object, was, now, &u->most, &lost, err) <
	    0)
		return -1;
	if (!lost)
		return 0;
	return u->proofs
		       ? refuse_proofs(u, "what was noted was taken out or changed", lost)
		       : refuse(u, "a record was taken out or changed", lost);
}

static int check_object(struct update *u, const struct oid *object, size_t *gone,
			size_t *added, struct err *err)
{
	struct note_lines was = { 0 }, now = { 0 };
	size_t i;
	int ret = -1;

	if (note_lines_read(u->repo, &u->gone, object, gone, &u->most, &was, err) < 0 ||
	    note_lines_read(u->repo, &u->added, object, added, &u->most, &now, err) < 0)
		goto out;
	ret = check_kept(u, object, &was, &now, err);
	for (i = 0; i < now.nr && ret == 0 && !u->proofs; i++)
		if (!note_lines_have(&was, now.lines[i]))
			ret = take_record(u, object, now.lines[i], err);
out:
	note_lines_release(&was);
	note_lines_release(&now);
	return ret;
}

/* What the push adds to the notes becomes links of the chain; it takes nothing. */
static int read_changes(struct update *u, struct err *err)
{
	size_t gone = 0, added = 0;
	struct oid object;
	int ret;

	ret = notes_delta(u->repo, u->older, u->newer, true, &u->added, err);
	if (ret == 0)
		ret = notes_delta(u->repo, u->newer, u->older, false, &u->gone, err);
	while (ret == 0 && note_lines_next(&u->gone, gone, &u->added, added, &object))
		ret = check_object(u, &object, &gone, &added, err);
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
	struct note_lines text = { 0 };
	size_t at = 0, i;
	int ret = notes_delta(u->repo, base, u->older, false, &d, err);

	while (ret == 0 && at < d.nr) {
		ret = note_lines_read(u->repo, &d, &d.items[at].object, &at, &u->most,
				      &text, err);
		for (i = 0; ret == 0 && i < text.nr; i++)
			know_line(u, text.lines[i]);
		note_lines_release(&text);
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

bool check_place(const char *ref, const struct oid *newer, struct findings *f)
{
	if (oid_is_zero(newer) || !starts_with(MIRROR_REFS, ref) ||
	    MIRROR_REFS[strlen(ref)] != '/')
		return true;
	findings_add(f, RULE_MIRROR, false, NULL,
		     "%s: it would stand where the mirrors have their folder", ref);
	findings_hint(f,
		      "Push it under another name; one that stands there already goes "
		      "with \"git push <remote> :%s\".",
		      ref);
	return false;
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
		.most = { BYTES_MAX, CARRIED_MAX, RECORDS_MAX },
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
	if (!repo_has_commit(repo, newer)) {
		refuse(&u, "what it would name is no commit", "");
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

int check_proofs(struct repo *repo, const char *ref, const struct oid *older,
		 const struct oid *newer, struct findings *f, struct err *err)
{
	struct update u = {
		.repo = repo,
		.ref = ref,
		.older = older,
		.newer = newer,
		.most = { BYTES_MAX, CARRIED_MAX, RECORDS_MAX },
		.f = f,
		.proofs = true,
	};
	int ret = 1;

	if (oid_is_zero(newer)) {
		refuse_proofs(&u, "what was noted cannot be deleted", "");
		return 0;
	}
	if (!oid_is_zero(older))
		ret = repo_is_ancestor_within(repo, older, newer, COMMITS_MAX, err);
	if (ret == 0)
		refuse_proofs(&u, "what was noted was rewritten", "");
	else if (ret > 0)
		ret = oid_is_zero(older) ? 0 : read_changes(&u, err);
	if (ret < 0)
		ret = refuse_err(&u, err);
	notes_delta_release(&u.gone);
	notes_delta_release(&u.added);
	return ret < 0 ? -1 : 0;
}
