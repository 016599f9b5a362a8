#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "core/policy.h"
#include "flow/check.h"
#include "flow/check_tags.h"
#include "flow/push.h"
#include "git/repo.h"

/* Each needs two plans; whoever moves more of them has time to do so by and by. */
enum { JUDGED_MAX = 100 };

/* Those that move, and where from and where to; three arrays of one length. */
struct moves {
	const char **names;
	struct oid *older, *newer;
	size_t nr;
	struct oid tips[2]; /* of the branch, before the push and after */
	size_t nr_tips;
};

static void moves_release(struct moves *m)
{
	free(m->names);
	free(m->older);
	free(m->newer);
}

/* The commit of a tag, which may have an object of its own; false: it names none. */
static bool tagged_commit(struct repo *repo, const struct oid *id, struct oid *out)
{
	char rev[OID_HEXSZ + sizeof("^{commit}")], hex[OID_HEXSZ + 1];
	struct err none = { 0 };

	snprintf(rev, sizeof(rev), "%s^{commit}", oid_hex(id, hex));
	return repo_resolve(repo, rev, out, &none) == 0;
}

static void find_moves(struct repo *repo, const struct push *push, struct moves *m)
{
	const struct push_update *u;
	size_t i;

	m->names = xcalloc(push->nr + 1, sizeof(*m->names));
	m->older = xcalloc(push->nr + 1, sizeof(*m->older));
	m->newer = xcalloc(push->nr + 1, sizeof(*m->newer));
	for (i = 0; i < push->nr; i++) {
		u = &push->items[i];
		if (!starts_with(u->ref, "refs/tags/") || oid_is_zero(&u->older) ||
		    oid_is_zero(&u->newer) ||
		    !tagged_commit(repo, &u->older, &m->older[m->nr]) ||
		    !tagged_commit(repo, &u->newer, &m->newer[m->nr]))
			continue;
		m->names[m->nr++] = u->ref + strlen("refs/tags/");
	}
}

static int find_tips(struct repo *repo, const struct push *push, const char *protected,
		     struct moves *m, struct err *err)
{
	int found = repo_ref(repo, protected, &m->tips[0], err);

	m->nr_tips = found > 0;
	if (found >= 0)
		found = push_tip(repo, push, protected, &m->tips[m->nr_tips], err);
	m->nr_tips += found > 0;
	return found < 0 ? -1 : 0;
}

/* Leaves those that named a commit of the branch, or (`of` false) that name none. */
static int keep_of_branch(struct repo *repo, struct moves *m, const struct oid *ids,
			  bool of, struct err *err)
{
	bool *is = xcalloc(m->nr + 1, sizeof(*is));
	int ret = repo_are_ancestors(repo, m->tips, m->nr_tips, ids, m->nr, is, err);
	size_t i, nr = 0;

	for (i = 0; i < m->nr && ret == 0; i++) {
		if (is[i] != of)
			continue;
		m->names[nr] = m->names[i];
		m->older[nr] = m->older[i];
		m->newer[nr++] = m->newer[i];
	}
	m->nr = nr;
	free(is);
	return ret;
}

static int judge(struct repo *repo, const struct push *push, const struct moves *m,
		 size_t i, struct findings *f, struct err *err)
{
	const struct check_step step = { .older = m->older[i],
					 .newer = m->newer[i],
					 .push = push,
					 .order_alone = true };
	struct findings there = { 0 };
	int ret = check_step(repo, &step, &there, err);

	if (ret == 0 && there.errors) {
		findings_add(f, RULE_TAG, false, NULL,
			     "tag '%s' would be moved to rewritten history: %s",
			     m->names[i], there.items[0].message);
		findings_hint(f, "Leave it where it is, and give the other commit a "
				 "tag of its own.");
	}
	findings_release(&there);
	return ret;
}

static int too_many(struct err *err)
{
	err_set(err, ERR_FATAL,
		"more than %d tags would be moved from the protected branch to other "
		"history at once",
		JUDGED_MAX);
	err_hint(err, "limits",
		 "Push fewer of them at a time; those that stay on the branch may be any "
		 "number.");
	return -1;
}

int check_tags(struct repo *repo, const struct push *push, const char *protected,
	       struct findings *f, struct err *err)
{
	struct moves m = { 0 };
	size_t i;
	int ret;

	find_moves(repo, push, &m);
	ret = m.nr ? find_tips(repo, push, protected, &m, err) : 0;
	if (m.nr && ret == 0)
		ret = keep_of_branch(repo, &m, m.older, true, err);
	if (m.nr && ret == 0)
		ret = keep_of_branch(repo, &m, m.newer, false, err);
	if (ret == 0 && m.nr > JUDGED_MAX)
		ret = too_many(err);
	for (i = 0; i < m.nr && ret == 0; i++) {
		ret = judge(repo, push, &m, i, f, err);
		if (ret < 0)
			err_wrap(err, "refs/tags/%s", m.names[i]);
	}
	moves_release(&m);
	return ret;
}
