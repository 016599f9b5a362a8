#include "base/compat.h"

#include "base/err.h"
#include "base/text.h"
#include "base/vec.h"
#include "flow/audit_history.h"
#include "flow/audit_story.h"
#include "flow/mirror.h"
#include "flow/note_lines.h"
#include "flow/seen.h"
#include "git/notes_delta.h"
#include "git/repo.h"

/* So many lines are named one by one. */
enum { NAMED_MAX = 20 };

struct walk {
	struct audit *a;
	struct repo *repo;
	struct oid commit, parent; /* that are compared now */
	const char *how; /* what became of a line that the commit is named for */
	size_t commits, lost;
};

/* Numbers are for those that look for the record: a line that is none has no number. */
static void note_lost(struct walk *w, const char *line)
{
	char hex[OID_HEXSZ + 1];
	struct pool pool = { 0 };
	struct err quiet = { 0 };
	struct record r;

	oid_hex(&w->commit, hex);
	if (w->lost++ >= NAMED_MAX)
		return;
	if (record_parse(&r, &pool, line, strlen(line), &quiet) == 0)
		audit_note(w->a, "mirror-history", CHECK_FAILED, r.seq,
			   "commit %.12s of the mirror %s record %" PRIu64 " (%s%s%s)",
			   hex, w->how, r.seq, event_name(r.event),
			   r.field[FIELD_PATH] ? " " : "",
			   r.field[FIELD_PATH] ? r.field[FIELD_PATH] : "");
	else
		audit_note(w->a, "mirror-history", CHECK_FAILED, 0,
			   "commit %.12s of the mirror %s a line: %.100s", hex, w->how,
			   line);
	pool_release(&pool);
}

static int compare_object(struct walk *w, const struct notes_delta *gone, size_t *gone_at,
			  const struct notes_delta *added, size_t *added_at,
			  const struct oid *object, struct err *err)
{
	struct note_limits most = { SIZE_MAX, SIZE_MAX, SIZE_MAX };
	struct note_lines was = { 0 }, now = { 0 };
	const char *lost = NULL;
	int ret = -1;

	if (note_lines_read(w->repo, gone, object, gone_at, &most, &was, err) == 0 &&
	    note_lines_read(w->repo, added, object, added_at, &most, &now, err) == 0)
		ret = note_lines_lost(w->repo, &w->commit, object, &was, &now, &most,
				      &lost, err);
	if (ret == 0 && lost)
		note_lost(w, lost);
	note_lines_release(&was);
	note_lines_release(&now);
	return ret;
}

/* Mostly a commit only adds notes, and its parent has none that it lacks. */
static int compare_parent(struct walk *w, struct err *err)
{
	struct notes_delta gone = { 0 }, added = { 0 };
	size_t gone_at = 0, added_at = 0;
	struct oid object;
	int ret = notes_delta(w->repo, &w->commit, &w->parent, false, &gone, err);

	if (ret == 0 && gone.nr)
		ret = notes_delta(w->repo, &w->parent, &w->commit, false, &added, err);
	while (ret == 0 && gone_at < gone.nr &&
	       note_lines_next(&gone, gone_at, &added, added_at, &object))
		ret = compare_object(w, &gone, &gone_at, &added, &added_at, &object, err);
	notes_delta_release(&gone);
	notes_delta_release(&added);
	return ret;
}

/* "<commit> <parent>..." in one line, which `*at` is moved behind. */
static int compare_commit(struct walk *w, const char **at, struct err *err)
{
	int ret = 0;

	if (oid_parse(&w->commit, *at, OID_HEXSZ) < 0)
		return err_set(err, ERR_FATAL, "git rev-list says: %.60s", *at);
	w->commits++;
	for (*at += OID_HEXSZ; **at == ' ' && ret == 0; *at += OID_HEXSZ) {
		++*at;
		if (oid_parse(&w->parent, *at, OID_HEXSZ) < 0)
			return err_set(err, ERR_FATAL, "git rev-list says: %.60s", *at);
		ret = compare_parent(w, err);
	}
	*at += **at == '\n';
	return ret;
}

struct tips {
	struct repo *repo;
	const char *target;
	struct seen_history now;
	size_t alloc;
};

static int add_tip(void *arg, const char *ref, struct err *err)
{
	struct tips *t = arg;
	struct oid tip;
	int found;

	if (!mirror_is_of(ref, t->target))
		return 0;
	found = repo_ref(t->repo, ref, &tip, err);
	if (found <= 0)
		return found;
	VEC_GROW(t->now.tips, t->now.nr, t->alloc);
	t->now.tips[t->now.nr++] = tip;
	return 0;
}

/* Whether a tip that was gone through before is still behind one of now: 1, 0, -1. */
static int is_behind(const struct tips *t, const struct oid *before, struct err *err)
{
	int behind = repo_has_commit(t->repo, before) ? 0 : -1;
	size_t i;

	if (behind < 0)
		return 0;
	for (i = 0; i < t->now.nr && behind == 0; i++)
		behind = repo_is_ancestor(t->repo, before, &t->now.tips[i], err);
	return behind;
}

/*
 * A ref was taken away and written anew, which git does for whoever prunes: no commit
 * tells of what is lacking then, but what it was is here still, if it is.
 */
static int compare_replaced(struct walk *w, const struct tips *t, const struct oid *was,
			    const struct mirror *now, struct err *err)
{
	char hex[OID_HEXSZ + 1];
	struct pool pool = { 0 };
	struct mirror m = { 0 };
	size_t i;
	int ret = 0;

	w->commit = *was;
	w->how = "is behind it no more, and with it is gone";
	if (!repo_has_commit(t->repo, was))
		audit_note(w->a, "mirror-history", CHECK_WARNING, 0,
			   "the mirror was written anew: commit %.12s, which an audit of "
			   "this clone has gone through, is not here any more",
			   oid_hex(was, hex));
	else
		ret = mirror_read_at(t->repo, t->target, was, &pool, &m, err);
	for (i = 0; ret == 0 && i < m.nr; i++)
		if (!mirror_has(now, m.lines[i]))
			note_lost(w, m.lines[i]);
	pool_release(&pool);
	return ret;
}

/* What need not be gone through again; nothing where a ref was written anew. 0 or -1. */
static int find_known(struct walk *w, const struct tips *t, const struct mirror *now,
		      struct seen_history *known, struct err *err)
{
	bool all = !w->a->full;
	int behind = 0;
	size_t i;

	if (repo_is_shallow(t->repo))
		return 0;
	if (seen_history_read(t->repo, t->target, known, err) < 0)
		return -1;
	for (i = 0; i < known->nr && behind >= 0; i++) {
		behind = is_behind(t, &known->tips[i], err);
		if (behind == 0) {
			all = false;
			behind = compare_replaced(w, t, &known->tips[i], now, err);
		}
	}
	w->how = "took out";
	if (!all)
		known->nr = known->commits = 0;
	return behind < 0 ? -1 : 0;
}

/* Oldest first, as the story went. */
static int list_commits(const struct tips *t, const struct seen_history *known,
			struct buf *out, struct err *err)
{
	static const char *const args[] = { "rev-list",	 "--topo-order", "--reverse",
					    "--parents", "--stdin",	 NULL };
	struct buf list = BUF_INIT, said = BUF_INIT;
	char hex[OID_HEXSZ + 1];
	int status = 0;
	size_t i;

	for (i = 0; i < t->now.nr; i++)
		buf_addf(&list, "%s\n", oid_hex(&t->now.tips[i], hex));
	for (i = 0; i < known->nr; i++)
		buf_addf(&list, "^%s\n", oid_hex(&known->tips[i], hex));
	if (t->now.nr)
		status = repo_git_asking(t->repo, args, &list, out, &said, err);
	if (status > 0)
		status = err_set(err, ERR_FATAL, "git rev-list failed: %s",
				 buf_str(&said));
	buf_release(&list);
	buf_release(&said);
	return status;
}

static void note_sound(const struct walk *w, struct tips *t,
		       const struct seen_history *known)
{
	t->now.commits = known->commits + w->commits;
	if (known->commits)
		audit_note(w->a, "mirror-history", CHECK_OK, 0,
			   "%" PRIu64 " commits of the mirror, none of which took a line "
			   "out; %" PRIu64 " of them were gone through before (all: "
			   "--full)",
			   t->now.commits, known->commits);
	else
		audit_note(w->a, "mirror-history", CHECK_OK, 0,
			   "%zu commit%s of the mirror, none of which took a line out",
			   w->commits, plural(w->commits));
	if (w->commits && !repo_is_shallow(w->repo))
		seen_history_keep(w->repo, t->target, &t->now);
}

int audit_history(struct audit *a, struct repo *repo, const char *target,
		  const struct mirror *m, struct err *err)
{
	struct tips tips = { .repo = repo, .target = target };
	struct walk w = { .a = a, .repo = repo, .how = "took out" };
	struct seen_history known = { 0 };
	struct buf list = BUF_INIT;
	const char *at;
	int ret = repo_each_ref(repo, "refs/notes/", add_tip, &tips, err);

	if (ret == 0)
		ret = find_known(&w, &tips, m, &known, err);
	if (ret == 0)
		ret = list_commits(&tips, &known, &list, err);
	for (at = buf_str(&list); ret == 0 && *at;)
		ret = compare_commit(&w, &at, err);
	if (ret < 0 && err->code == ERR_REFUSED) {
		audit_note(a, "mirror-history", CHECK_FAILED, 0, "%s", err->message);
		memset(err, 0, sizeof(*err));
		ret = 0;
	} else if (ret == 0 && w.commits + known.commits && !w.lost) {
		note_sound(&w, &tips, &known);
	}
	free(tips.now.tips);
	free(known.tips);
	buf_release(&list);
	return ret;
}
