#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/plan.h"
#include "flow/audit_log.h"
#include "flow/audit_order.h"
#include "flow/audit_story.h"
#include "flow/fixes.h"
#include "git/repo.h"

/* So many commits are named one by one. */
enum { NAMED_MAX = 20 };

/* --- commits --------------------------------------------------------------- */

static int cmp_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The different commits that records name, sorted; the caller's. */
static const char **named_commits(const struct audit_log *l, struct pool *pool)
{
	const char **ids = xcalloc(l->nr_commits + 1, sizeof(*ids));
	char hex[OID_HEXSZ + 1];
	size_t i;

	for (i = 0; i < l->nr_commits; i++)
		ids[i] = pool_strdup(pool, oid_hex(&l->commits[i], hex));
	if (l->nr_commits > 1)
		qsort(ids, l->nr_commits, sizeof(*ids), cmp_text);
	return ids;
}

/* Takes out of `ids` those that are not here; tells of them. */
static int drop_missing(struct audit *a, struct repo *repo, const char **ids, size_t *nr,
			struct err *err)
{
	size_t i, kept = 0;
	int here;

	for (i = 0; i < *nr; i++) {
		here = repo_is_commit(repo, ids[i], err);
		if (here < 0)
			return -1;
		if (here)
			ids[kept++] = ids[i];
		else if (i - kept < NAMED_MAX)
			audit_note(a, "commit-missing", CHECK_WARNING, 0,
				   "commit %.12s, which records name, is not in this "
				   "repository",
				   ids[i]);
	}
	*nr = kept;
	return 0;
}

/* One process for all: what is not behind the plan's commit is printed. */
static int list_unreachable(struct repo *repo, const struct plan *plan, const char **ids,
			    size_t nr, struct buf *out, struct err *err)
{
	static const char *const args[] = { "rev-list", "--stdin", NULL };
	struct buf input = BUF_INIT, said = BUF_INIT;
	char hex[OID_HEXSZ + 1];
	size_t i;
	int status;

	for (i = 0; i < nr; i++)
		buf_addf(&input, "%s\n", ids[i]);
	buf_addf(&input, "^%s\n", oid_hex(&plan->head, hex));
	status = repo_git_asking(repo, args, &input, out, &said, err);
	if (status > 0)
		status = err_set(err, ERR_FATAL, "git rev-list failed: %s",
				 buf_str(&said));
	buf_release(&input);
	buf_release(&said);
	return status;
}

/* Cuts the text into its lines, sorted; the array is the caller's. */
static const char **sort_lines(struct buf *text, size_t *nr)
{
	const char **lines = NULL;
	size_t alloc = 0;
	char *at, *end;

	*nr = 0;
	for (at = text->s; at && *at; at = end) {
		end = at + strcspn(at, "\n");
		if (*end)
			*end++ = '\0';
		VEC_GROW(lines, *nr, alloc);
		lines[(*nr)++] = at;
	}
	if (*nr > 1)
		qsort(lines, *nr, sizeof(*lines), cmp_text);
	return lines;
}

static int check_commits(struct audit *a, struct repo *repo, const struct plan *plan,
			 const struct audit_log *l, struct err *err)
{
	struct buf out = BUF_INIT;
	struct pool pool = { 0 };
	const char **ids = named_commits(l, &pool), **lines;
	size_t nr_lines, nr = l->nr_commits, i, before = a->nr, all = nr, apart = 0;
	int ret = drop_missing(a, repo, ids, &nr, err);

	if (ret == 0 && nr)
		ret = list_unreachable(repo, plan, ids, nr, &out, err);
	lines = sort_lines(&out, &nr_lines);
	for (i = 0; i < nr && ret == 0; i++) {
		if (!nr_lines ||
		    !bsearch(&ids[i], lines, nr_lines, sizeof(*lines), cmp_text) ||
		    apart++ >= NAMED_MAX)
			continue;
		audit_note(a, "unreachable", CHECK_WARNING, 0,
			   "commit %.12s, which records name, is not in the history of "
			   "this plan",
			   ids[i]);
	}
	if (ret == 0 && a->nr == before)
		audit_note(a, "commits", CHECK_OK, 0,
			   "%zu commit%s that records name %s in the history of this "
			   "plan",
			   all, plural(all), all == 1 ? "is" : "are");
	buf_release(&out);
	pool_release(&pool);
	free(lines);
	free(ids);
	return ret;
}

/* --- fixes ----------------------------------------------------------------- */

static const struct record *settled_by(const struct ledger *l, const char *path)
{
	const struct ledger_entry *e = ledger_find(l, path);

	return e ? e->settled : NULL;
}

/* The plan's fixes as a record lists them: paths by commas. */
static void list_fixed(const struct plan *plan, const struct fixes *f, size_t pos,
		       struct buf *out)
{
	const struct fix *made;
	size_t i, nr;

	made = fixes_made_by(f, pos, &nr);
	for (i = 0; i < nr; i++)
		buf_addf(out, "%s%s", i ? "," : "", plan->items[made[i].of].path);
}

static void check_fixes(struct audit *a, const struct plan *plan, const struct fixes *f,
			const struct ledger *l)
{
	struct buf list = BUF_INIT;
	size_t i, before = a->nr, nr = 0;

	for (i = 0; i < plan->nr; i++) {
		const struct record *r = settled_by(l, plan->items[i].path);
		const char *said = r ? r->field[FIELD_FIXES] : NULL;

		buf_reset(&list);
		list_fixed(plan, f, i, &list);
		if (!r || r->event != EVENT_APPLIED || (!said && !list.len))
			continue;
		nr++;
		if (!said || strcmp(said, buf_str(&list)) != 0)
			audit_note(a, "fixes", CHECK_WARNING, r->seq,
				   "migration '%s' was applied as a fix of %s; by the "
				   "plan "
				   "it fixes %s",
				   r->field[FIELD_PATH], said ? said : "nothing",
				   list.len ? list.s : "nothing");
		if (list.len &&
		    !trailers_get(&plan->items[i].trailers, TRAILER_FAILURE_MODE))
			audit_note(a, "failure-mode", CHECK_WARNING, r->seq,
				   "fix '%s' does not say what had failed",
				   r->field[FIELD_PATH]);
	}
	if (f->unresolved)
		audit_note(a, "fixes", CHECK_WARNING, 0,
			   "%zu \"Fixes:\" of the plan name nothing before them",
			   f->unresolved);
	if (a->nr == before)
		audit_note(a, "fixes", CHECK_OK, 0, "%zu fix%s, as in the plan", nr,
			   nr == 1 ? "" : "es");
	buf_release(&list);
}

static void check_unfixed(struct audit *a, const struct plan *plan, const struct fixes *f,
			  const struct ledger *l)
{
	const struct record *of;
	size_t i, live = 0;

	for (i = 0; i < f->nr; i++) {
		const char *fix = plan->items[f->by_of[i].fix].path;

		of = settled_by(l, plan->items[f->by_of[i].of].path);
		if (!of || !event_takes_effect(of->event) || settled_by(l, fix))
			continue;
		live++;
		audit_note(a, "unfixed", CHECK_WARNING, of->seq,
			   "migration '%s' is in force, and '%s', which fixes it, is not",
			   of->field[FIELD_PATH], fix);
	}
	if (!live)
		audit_note(a, "unfixed", CHECK_OK, 0,
			   "nothing that a later migration fixes is in force without it");
}

/* --- exceptions ------------------------------------------------------------ */

/* Events that a person answers for with a reason. */
static bool wants_reason(const struct record *r)
{
	return r->event == EVENT_EXCEPTED || r->event == EVENT_ABANDONED ||
	       event_begins_anew(r->event) ||
	       (r->event == EVENT_CREATED && r->field[FIELD_OLD]);
}

static size_t count_waivers(const struct plan *plan)
{
	size_t i, k, nr = 0;

	for (i = 0; i < plan->nr; i++)
		for (k = 0; k < plan->items[i].trailers.nr; k++)
			nr += plan->items[i].trailers.items[k].key == TRAILER_LINT_WAIVE;
	return nr;
}

static void check_exceptions(struct audit *a, const struct plan *plan,
			     const struct ledger *l)
{
	size_t i, nr = 0, bad = 0, waivers = count_waivers(plan);

	for (i = 0; i < l->nr; i++) {
		const struct record *r = &l->records[i];

		if (!wants_reason(r))
			continue;
		nr++;
		if (r->field[FIELD_REASON] && r->field[FIELD_REASON][0])
			continue;
		bad++;
		audit_note(a, "exceptions", CHECK_FAILED, r->seq,
			   "record %" PRIu64 " ('%s') gives no reason", r->seq,
			   event_name(r->event));
	}
	if (!bad)
		audit_note(a, "exceptions", CHECK_OK, 0,
			   "%zu exception%s on record, each with its reason; %zu "
			   "waiver%s "
			   "in the plan",
			   nr, plural(nr), waivers, plural(waivers));
}

int audit_story(struct audit *a, struct repo *repo, struct plan *plan,
		const struct audit_log *log, struct err *err)
{
	const struct ledger *l = &log->kept;
	struct fixes fixes = { 0 };
	int ret = -1;

	if (audit_order(a, plan, l, err) == 0 &&
	    check_commits(a, repo, plan, log, err) == 0 &&
	    fixes_read(plan, &fixes, err) == 0) {
		check_fixes(a, plan, &fixes, l);
		check_unfixed(a, plan, &fixes, l);
		check_exceptions(a, plan, l);
		ret = 0;
	}
	fixes_release(&fixes);
	return ret;
}
