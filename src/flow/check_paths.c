#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "core/policy.h"
#include "core/record.h"
#include "flow/check_paths.h"
#include "git/history.h"
#include "git/repo.h"

/* Commits whose trees are looked into one by one; of most the newest tells as well. */
enum { LOOKUPS_MAX = 1000 };

struct path_claim {
	const char *path;
	struct oid blob, head;
	uint64_t seq;
	bool here; /* the commit is */
};

/* The migrations of one commit, by path. */
struct files {
	struct pool pool;
	struct file {
		const char *path;
		struct oid blob;
	} * items;
	size_t nr, alloc;
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

static int keep_file(void *arg, const char *path, const struct oid *blob,
		     struct err *err UNUSED)
{
	struct files *f = arg;

	VEC_GROW(f->items, f->nr, f->alloc);
	f->items[f->nr].path = pool_strdup(&f->pool, path);
	f->items[f->nr++].blob = *blob;
	return 0;
}

static int cmp_path(const void *path, const void *file)
{
	return strcmp(path, ((const struct file *)file)->path);
}

static bool lists(const struct files *f, const struct path_claim *c)
{
	const struct file *hit = f->nr ? bsearch(c->path, f->items, f->nr,
						 sizeof(*f->items), cmp_path)
				       : NULL;

	return hit && oid_eq(&hit->blob, &c->blob);
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

static int check_all(struct repo *repo, const struct paths *p, const struct files *newest,
		     const char *ref, struct findings *f, struct err *err)
{
	size_t i, lookups = 0;
	int ret = 0;

	for (i = 0; i < p->nr && ret == 0; i++) {
		if (!p->items[i].here || lists(newest, &p->items[i]))
			continue;
		if (++lookups > LOOKUPS_MAX)
			return err_set(err, ERR_REFUSED,
				       "more than %d of its records speak of files that "
				       "are not there any more",
				       LOOKUPS_MAX);
		ret = check_alone(repo, &p->items[i], ref, f, err);
	}
	return ret;
}

int paths_check(struct repo *repo, struct paths *p, const char *ref, struct findings *f,
		struct err *err)
{
	struct files files = { 0 };
	size_t missing;
	const struct path_claim *newest = find_here(repo, p, &missing);
	int ret = 0;

	if (newest &&
	    (load_settings(repo, &newest->head, err) < 0 ||
	     history_each_file(repo, &newest->head, keep_file, &files, err) < 0))
		ret = -1;
	if (ret == 0)
		ret = check_all(repo, p, &files, ref, f, err);
	if (ret == 0 && missing) {
		findings_add(f, RULE_MIRROR, true, NULL,
			     "%s: %zu of its new records name commits that are not here",
			     ref, missing);
		findings_hint(f, "Their paths and bytes were not compared; push the "
				 "branch along with the mirror.");
	}
	pool_release(&files.pool);
	free(files.items);
	return ret;
}
