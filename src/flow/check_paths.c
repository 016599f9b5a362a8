#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "core/plan.h"
#include "core/policy.h"
#include "core/record.h"
#include "flow/check_paths.h"
#include "git/history.h"
#include "git/repo.h"

/* Commits whose trees are looked into one by one; of most the newest tells as well. */
enum { LOOKUPS_MAX = 1000 };

struct path_claim {
	const char *path;
	struct oid blob, head, commit;
	uint64_t seq;
	bool here; /* the commit is */
};

void paths_release(struct paths *p)
{
	pool_release(&p->pool);
	free(p->items);
	memset(p, 0, sizeof(*p));
}

void paths_add(struct paths *p, const struct record *r)
{
	struct path_claim *c;

	if (!event_settles(r->event) && r->event != EVENT_STARTED &&
	    r->event != EVENT_FAILED)
		return;
	VEC_GROW(p->items, p->nr, p->alloc);
	c = &p->items[p->nr++];
	memset(c, 0, sizeof(*c));
	c->path = pool_strdup(&p->pool, r->field[FIELD_PATH]);
	c->seq = r->seq;
	oid_parse(&c->blob, r->field[FIELD_BLOB], OID_HEXSZ);
	oid_parse(&c->head, r->field[FIELD_HEAD], OID_HEXSZ);
	oid_parse(&c->commit, r->field[FIELD_COMMIT], OID_HEXSZ);
}

static int by_head(const void *a, const void *b)
{
	const struct path_claim *x = a, *y = b;
	int order = oid_cmp(&x->head, &y->head);

	return order ? order : (x->seq > y->seq) - (x->seq < y->seq);
}

/* Marks those whose commit is here; the newest of them, NULL when there is none. */
static const struct path_claim *find_here(struct repo *repo, struct paths *p,
					  size_t *missing)
{
	const struct path_claim *newest = NULL;
	struct path_claim *c;
	size_t i;

	if (p->nr > 1)
		qsort(p->items, p->nr, sizeof(*p->items), by_head);
	for (i = 0, *missing = 0; i < p->nr; i++) {
		c = &p->items[i];
		c->here = i && oid_eq(&c->head, &c[-1].head)
				  ? c[-1].here
				  : repo_has_commit(repo, &c->head);
		*missing += !c->here;
		if (c->here && (!newest || c->seq > newest->seq))
			newest = c;
	}
	return newest;
}

/* The folder is where the protected branch has it; before there is one, the commit. */
static int load_settings(struct repo *repo, const struct oid *head, struct err *err)
{
	struct buf ref = BUF_INIT;
	struct oid tip;
	int found = repo_protected_ref(repo, &ref, err);

	if (found > 0)
		found = repo_ref(repo, ref.s, &tip, err);
	buf_release(&ref);
	if (found < 0)
		return -1;
	return repo_load_shared_sound(repo, found ? &tip : head, err) < 0 ? -1 : 0;
}

/* What the newest commit's plan has under the path; NULL: nothing. */
static const struct migration *planned(const struct plan *newest,
				       const struct path_claim *c)
{
	ssize_t pos = newest->nr ? plan_find(newest, c->path) : -1;

	return pos < 0 ? NULL : &newest->items[pos];
}

static bool lists(const struct plan *newest, const struct path_claim *c)
{
	const struct migration *m = planned(newest, c);

	return m && oid_eq(&m->blob, &c->blob);
}

static void refuse_claim(struct findings *f, const char *ref, const struct path_claim *c,
			 bool other_bytes)
{
	char hex[OID_HEXSZ + 1];

	findings_add(f, RULE_MIRROR, false, c->path,
		     other_bytes ? "%s: record %" PRIu64
				   " has other bytes for '%s' than its commit"
				 : "%s: record %" PRIu64 " has '%s', its commit has not",
		     ref, c->seq, c->path);
	findings_detail(f, "The commit is %s.", oid_hex(&c->head, hex));
	findings_hint(f, "What ran is what the history holds. Find out who wrote the "
			 "record: \"git migrate audit\" compares it with the database.");
}

/* As paths_check, of one that the newest commit does not bear out. */
static int check_alone(struct repo *repo, const struct path_claim *c, const char *ref,
		       struct findings *f, struct err *err)
{
	struct oid blob;
	unsigned mode;
	int found = history_holds(repo, &c->head, c->path, &blob, &mode, err);

	if (found < 0)
		return -1;
	if (found && oid_eq(&blob, &c->blob))
		return 0;
	refuse_claim(f, ref, c, found);
	return 1;
}

/* Which commits it would be too much to look into. */
struct looked {
	size_t heads, commits;
	size_t passed; /* records whose commit was not looked into */
};

/*
 * That the commit which is said to bring it has it: nearly always the plan names the
 * same one. Bytes may be others there, if it was edited before it ran. As paths_check.
 */
static int check_bringer(struct repo *repo, const struct path_claim *c,
			 const struct plan *newest, struct looked *looked,
			 const char *ref, struct findings *f, struct err *err)
{
	const struct migration *m = planned(newest, c);
	struct oid blob;
	char hex[OID_HEXSZ + 1];
	unsigned mode;
	int held;

	if ((m && oid_eq(&m->commit, &c->commit)) || oid_eq(&c->head, &c->commit) ||
	    !repo_has_commit(repo, &c->commit))
		return 0;
	if (looked->commits == LOOKUPS_MAX) {
		looked->passed++;
		return 0;
	}
	looked->commits++;
	held = history_holds(repo, &c->commit, c->path, &blob, &mode, err);
	if (held)
		return held < 0 ? -1 : 0;
	findings_add(f, RULE_MIRROR, false, c->path,
		     "%s: record %" PRIu64 " says that a commit brings '%s' which has no "
		     "such file",
		     ref, c->seq, c->path);
	findings_detail(f, "The commit is %s.", oid_hex(&c->commit, hex));
	findings_hint(f, "Find out who wrote the record: \"git migrate audit\" compares "
			 "it with the database.");
	return 1;
}

static int check_all(struct repo *repo, const struct paths *p, const struct plan *newest,
		     const char *ref, struct findings *f, struct err *err)
{
	struct looked looked = { 0 };
	const struct path_claim *c;
	size_t i;
	int ret = 0;

	for (i = 0; i < p->nr && ret == 0; i++) {
		c = &p->items[i];
		if (c->here && !lists(newest, c)) {
			if (++looked.heads > LOOKUPS_MAX)
				return err_set(err, ERR_REFUSED,
					       "more than %d of its records speak of "
					       "files that are not there any more",
					       LOOKUPS_MAX);
			ret = check_alone(repo, c, ref, f, err);
		}
		if (c->here && ret == 0)
			ret = check_bringer(repo, c, newest, &looked, ref, f, err);
	}
	if (ret == 0 && looked.passed) {
		findings_add(f, RULE_MIRROR, true, NULL,
			     "%s: the commits that %zu of its records name were not "
			     "looked into",
			     ref, looked.passed);
		findings_hint(f, "They are not those of the plan; push the mirror more "
				 "often, and all are.");
	}
	return ret;
}

int paths_check(struct repo *repo, struct paths *p, const char *ref, struct findings *f,
		struct err *err)
{
	struct plan plan = { 0 };
	size_t missing;
	const struct path_claim *newest = find_here(repo, p, &missing);
	int ret = 0;

	if (newest && (load_settings(repo, &newest->head, err) < 0 ||
		       history_plan(repo, &newest->head, &plan, err) < 0))
		ret = -1;
	if (ret == 0)
		ret = check_all(repo, p, &plan, ref, f, err);
	if (ret == 0 && missing) {
		findings_add(f, RULE_MIRROR, true, NULL,
			     "%s: %zu of its new records name commits that are not here",
			     ref, missing);
		findings_hint(f, "Their paths and bytes were not compared; push the "
				 "branch along with the mirror.");
	}
	plan_release(&plan);
	return ret;
}
