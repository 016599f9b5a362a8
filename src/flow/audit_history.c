#include "base/compat.h"

#include "base/err.h"
#include "flow/audit_history.h"
#include "flow/audit_story.h"
#include "flow/mirror.h"
#include "flow/note_lines.h"
#include "git/notes_delta.h"
#include "git/repo.h"

/* So many lines are named one by one. */
enum { NAMED_MAX = 20 };

struct walk {
	struct audit *a;
	struct repo *repo;
	struct oid commit, parent; /* that are compared now */
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
			   "commit %.12s of the mirror took out record %" PRIu64
			   " (%s%s%s)",
			   hex, r.seq, event_name(r.event),
			   r.field[FIELD_PATH] ? " " : "",
			   r.field[FIELD_PATH] ? r.field[FIELD_PATH] : "");
	else
		audit_note(w->a, "mirror-history", CHECK_FAILED, 0,
			   "commit %.12s of the mirror took out a line: %.100s", hex,
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
	struct buf list;
};

static int add_tip(void *arg, const char *ref, struct err *err)
{
	struct tips *t = arg;
	char hex[OID_HEXSZ + 1];
	struct oid tip;
	int found;

	if (!mirror_is_of(ref, t->target))
		return 0;
	found = repo_ref(t->repo, ref, &tip, err);
	if (found > 0)
		buf_addf(&t->list, "%s\n", oid_hex(&tip, hex));
	return found < 0 ? -1 : 0;
}

/* Oldest first, as the story went. */
static int list_commits(struct repo *repo, const char *target, struct buf *out,
			struct err *err)
{
	static const char *const args[] = { "rev-list",	 "--topo-order", "--reverse",
					    "--parents", "--stdin",	 NULL };
	struct tips tips = { .repo = repo, .target = target, .list = BUF_INIT };
	struct buf said = BUF_INIT;
	int status = repo_each_ref(repo, "refs/notes/", add_tip, &tips, err);

	if (status == 0 && tips.list.len)
		status = repo_git_asking(repo, args, &tips.list, out, &said, err);
	if (status > 0)
		status = err_set(err, ERR_FATAL, "git rev-list failed: %s",
				 buf_str(&said));
	buf_release(&tips.list);
	buf_release(&said);
	return status;
}

int audit_history(struct audit *a, struct repo *repo, const char *target, struct err *err)
{
	struct walk w = { .a = a, .repo = repo };
	struct buf list = BUF_INIT;
	const char *at;
	int ret = list_commits(repo, target, &list, err);

	for (at = buf_str(&list); ret == 0 && *at;)
		ret = compare_commit(&w, &at, err);
	if (ret < 0 && err->code == ERR_REFUSED) {
		audit_note(a, "mirror-history", CHECK_FAILED, 0, "%s", err->message);
		memset(err, 0, sizeof(*err));
		ret = 0;
	} else if (ret == 0 && w.commits && !w.lost) {
		audit_note(a, "mirror-history", CHECK_OK, 0,
			   "%zu commits of the mirror, none of which took a line out",
			   w.commits);
	}
	buf_release(&list);
	return ret;
}
