#include "base/compat.h"

#include <regex.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/vec.h"
#include "flow/log.h"
#include "flow/log_story.h"
#include "flow/mirror.h"
#include "git/history.h"
#include "git/repo.h"

static int add_target(void *arg, const char *name, struct err *err UNUSED)
{
	struct log *l = arg;
	struct log_target *t;

	VEC_GROW(l->targets, l->nr_targets, l->alloc_targets);
	t = &l->targets[l->nr_targets++];
	memset(t, 0, sizeof(*t));
	t->name = pool_strdup(&l->pool, name);
	return 0;
}

static int cmp_target(const void *a, const void *b)
{
	return strcmp(((const struct log_target *)a)->name,
		      ((const struct log_target *)b)->name);
}

int log_begin(struct repo *repo, const char *rev, struct log *out, struct err *err)
{
	struct oid commit;

	memset(out, 0, sizeof(*out));
	if (repo_resolve(repo, rev ? rev : "HEAD", &commit, err) < 0 ||
	    repo_load_shared(repo, &commit, err) < 0 ||
	    history_plan(repo, &commit, &out->plan, err) < 0 ||
	    fixes_read(&out->plan, &out->fixes, err) < 0 ||
	    mirror_each(repo, add_target, out, err) < 0)
		return -1;
	if (out->nr_targets > 1)
		qsort(out->targets, out->nr_targets, sizeof(*out->targets), cmp_target);
	return 0;
}

int log_add_records(struct repo *repo, struct log *l, const char *const *paths, size_t nr,
		    struct err *err)
{
	size_t i;

	for (i = 0; i < l->nr_targets; i++)
		if (log_story_read(repo, &l->targets[i], paths, nr, &l->pool, err) < 0)
			return -1;
	return 0;
}

int log_read(struct repo *repo, const char *rev, struct log *out, struct err *err)
{
	return log_begin(repo, rev, out, err) < 0
		       ? -1
		       : log_add_records(repo, out, NULL, 0, err);
}

void log_release(struct log *l)
{
	size_t i;

	for (i = 0; i < l->nr_targets; i++)
		log_story_release(&l->targets[i]);
	free(l->targets);
	fixes_release(&l->fixes);
	plan_release(&l->plan);
	pool_release(&l->pool);
}

const struct log_target *log_target(const struct log *l, const char *name)
{
	const struct log_target key = { .name = name };

	return l->nr_targets ? bsearch(&key, l->targets, l->nr_targets,
				       sizeof(*l->targets), cmp_target)
			     : NULL;
}

int log_check_whole(const struct log *l, const char *target, struct err *err)
{
	const struct log_target *t;
	size_t i;

	for (i = 0; i < l->nr_targets; i++) {
		t = &l->targets[i];
		if (!t->broken || (target && strcmp(target, t->name) != 0))
			continue;
		err_set(err, ERR_REFUSED, "the mirror of target '%s' is not one chain",
			t->name);
		err_detail(err, "What is told of that target may be wrong. %s",
			   t->broken);
		err_hint(err, "fork",
			 "\"git migrate audit --offline %s\" names all that is wrong, "
			 "and \"git log refs/notes/migrate/%s\" who wrote it.",
			 t->name, t->name);
		return -1;
	}
	return 0;
}

const struct record *const *log_records(const struct log_target *t, const char *path,
					size_t *nr)
{
	size_t low = 0, high = t->nr_of_paths, mid, end;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(t->of_paths[mid]->field[FIELD_PATH], path) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < t->nr_of_paths; end++)
		if (strcmp(t->of_paths[end]->field[FIELD_PATH], path) != 0)
			break;
	*nr = end - low;
	return t->of_paths + low;
}

static bool between(const struct log_filter *f, const char *at)
{
	return (!f->since || strcmp(at, f->since) >= 0) &&
	       (!f->until || strcmp(at, f->until) <= 0);
}

bool log_in_time(const struct log_filter *f, const struct record *r)
{
	return between(f, r->field[FIELD_AT]);
}

bool log_judges_records(const struct log_filter *f)
{
	return f->target || f->since || f->until || f->failed;
}

/* What the logs say of one migration, as far as the filter lets it through. */
struct seen {
	bool any, in_time, failed;
};

static struct seen look_at(const struct log *l, const struct log_filter *f,
			   const char *path)
{
	struct seen seen = { false, false, false };
	const struct record *const *records;
	size_t i, k, nr;

	for (i = 0; i < l->nr_targets; i++) {
		if (f->target && strcmp(l->targets[i].name, f->target) != 0)
			continue;
		records = log_records(&l->targets[i], path, &nr);
		for (k = 0; k < nr; k++) {
			bool in_time = log_in_time(f, records[k]);

			seen.any = true;
			seen.in_time |= in_time;
			seen.failed |= in_time && records[k]->event == EVENT_FAILED;
		}
	}
	return seen;
}

static bool passes(const struct log *l, const struct log_filter *f, size_t pos,
		   const regex_t *author)
{
	const struct migration *m = &l->plan.items[pos];
	const struct seen seen = look_at(l, f, m->path);
	char when[CLOCK_TEXT];
	size_t fixes, fixed;

	fixes_made_by(&l->fixes, pos, &fixes);
	fixes_of(&l->fixes, pos, &fixed);
	clock_text(m->when, when);
	return (!f->target || seen.any) && (seen.any ? seen.in_time : between(f, when)) &&
	       (!f->failed || seen.failed) && (!f->fixes || fixes || fixed) &&
	       (!author || regexec(author, m->author, 0, NULL, 0) == 0);
}

int log_select(const struct log *l, const struct log_filter *f, bool *shown,
	       struct err *err)
{
	char why[128];
	regex_t author;
	size_t i;
	int bad;

	if (f->author && (bad = regcomp(&author, f->author, REG_NOSUB)) != 0) {
		regerror(bad, &author, why, sizeof(why));
		return err_set(err, ERR_USAGE, "'%s' is no regular expression: %s",
			       f->author, why);
	}
	for (i = 0; i < l->plan.nr; i++)
		shown[i] = passes(l, f, i, f->author ? &author : NULL);
	if (f->author)
		regfree(&author);
	return 0;
}
