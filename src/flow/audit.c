#include "base/compat.h"

#include "base/err.h"
#include "base/vec.h"
#include "core/plan.h"
#include "core/schema.h"
#include "flow/audit.h"
#include "flow/audit_asked.h"
#include "flow/audit_history.h"
#include "flow/audit_story.h"
#include "flow/mirror.h"
#include "flow/seen.h"
#include "flow/survey.h"
#include "git/history.h"
#include "git/repo.h"

void audit_release(struct audit *a)
{
	free(a->checks);
	pool_release(&a->pool);
	memset(a, 0, sizeof(*a));
}

static void vnote(struct audit *a, const char *id, enum check_result result, uint64_t seq,
		  const char *fmt, va_list ap)
{
	struct audit_check *c;
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	VEC_GROW(a->checks, a->nr, a->alloc);
	c = &a->checks[a->nr++];
	c->id = id;
	c->result = result;
	c->seq = seq;
	c->message = pool_strdup(&a->pool, text);
	a->failed += result == CHECK_FAILED;
}

PRINTF_LIKE(5, 6)
static void note(struct audit *a, const char *id, enum check_result result, uint64_t seq,
		 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vnote(a, id, result, seq, fmt, ap);
	va_end(ap);
}

void audit_note(struct audit *a, const char *id, enum check_result result, uint64_t seq,
		const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vnote(a, id, result, seq, fmt, ap);
	va_end(ap);
}

static void bad_record(void *arg, uint64_t seq, const char *what)
{
	note(arg, "chain", CHECK_FAILED, seq, "%s", what);
}

static void bad_line(void *arg, const char *line, const char *why)
{
	note(arg, "mirror-line", CHECK_FAILED, 0,
	     "the mirror holds a line that is no record (%s): %.100s", why, line);
}

static void bad_part(void *arg, const char *id, const char *what)
{
	note(arg, id, CHECK_FAILED, 0, "%s", what);
}

/* The tracker with itself: form, numbers, hashes, and the copies in columns. */
static int check_chain(struct audit *a, struct target *t, struct err *err)
{
	const struct record *last;
	size_t before = a->failed;
	int found;

	ledger_release(&t->ledger);
	found = t->db ? tracker_examine(&t->tracker, &t->pool, &t->ledger, bad_record, a,
					err)
		      : 0;
	if (found < 0)
		return -1;
	ledger_fold(&t->ledger);
	last = ledger_last(&t->ledger);
	a->records = t->ledger.nr;
	if (!found)
		note(a, "tracker", CHECK_WARNING, 0, "there is no tracker yet");
	else if (a->failed == before)
		note(a, "chain", CHECK_OK, last ? last->seq : 0,
		     "%zu records, each linked to the one before it; columns agree",
		     t->ledger.nr);
	if (found && tracker_guards(&t->tracker, bad_part, a, err) < 0)
		return -1;
	if (last)
		snprintf(a->head, sizeof(a->head), "%s", last->hash);
	return 0;
}

/* What runs outside of a transaction and has no end: nothing else is applied. */
static void check_open(struct audit *a, const struct target *t)
{
	const struct record *open = t->ledger.open;

	if (open)
		note(a, "open", CHECK_WARNING, open->seq,
		     "migration '%s' was begun at %s, and its end is not known; \"git "
		     "migrate status %s\" names the way forward",
		     open->field[FIELD_PATH], open->field[FIELD_AT], t->name);
}

/* An entry that the plan lacks: of a later commit, or gone. */
static int check_absent(struct audit *a, struct repo *repo, const struct plan *plan,
			const struct ledger_entry *e, struct plan *cache, struct err *err)
{
	int later = survey_comes_later(repo, plan, e, cache, err);

	if (later < 0)
		return -1;
	if (later)
		note(a, "ahead", CHECK_OK, e->settled->seq,
		     "migration '%s' was applied from a later commit", e->path);
	else
		note(a, "plan-missing", CHECK_FAILED, e->settled->seq,
		     "migration '%s' was applied and is not in the plan", e->path);
	return 0;
}

static void check_entry(struct audit *a, const struct migration *m,
			const struct record *r)
{
	char hex[OID_HEXSZ + 1];

	if (strcmp(oid_hex(&m->blob, hex), r->field[FIELD_BLOB]) != 0)
		note(a, "plan-edited", CHECK_FAILED, r->seq,
		     "migration '%s' was applied as blob %.12s; the plan has %.12s",
		     m->path, r->field[FIELD_BLOB], hex);
	else if (!oid_is_zero(&m->commit) &&
		 strcmp(oid_hex(&m->commit, hex), r->field[FIELD_COMMIT]) != 0)
		note(a, "plan-commit", CHECK_WARNING, r->seq,
		     "migration '%s' was applied from commit %.12s; the plan has it from "
		     "%.12s",
		     m->path, r->field[FIELD_COMMIT], hex);
}

static int check_digest(struct audit *a, struct repo *repo, const struct record *r,
			struct err *err)
{
	char digest[SHA256_HEXSZ + 1];
	struct buf sql = BUF_INIT;
	struct oid blob;
	int found;

	if (oid_parse(&blob, r->field[FIELD_BLOB], strlen(r->field[FIELD_BLOB])) < 0)
		BUG("a parsed record with a malformed blob id");
	found = repo_read_blob(repo, &blob, &sql, err);
	if (found > 0) {
		note(a, "blob", CHECK_WARNING, r->seq,
		     "blob %.12s of migration '%s' is not in this repository",
		     r->field[FIELD_BLOB], r->field[FIELD_PATH]);
	} else if (found == 0) {
		sha256_hex(buf_str(&sql), sql.len, digest);
		if (strcmp(digest, r->field[FIELD_SHA256]) != 0)
			note(a, "blob", CHECK_FAILED, r->seq,
			     "the SHA-256 of blob %.12s (migration '%s') is not what the "
			     "record says",
			     r->field[FIELD_BLOB], r->field[FIELD_PATH]);
	}
	buf_release(&sql);
	return found < 0 ? -1 : 0;
}

static int check_plan(struct audit *a, struct repo *repo, const struct plan *plan,
		      const struct ledger *l, struct err *err)
{
	size_t before = a->nr, settled = 0, i;
	struct plan cache = { 0 };
	const struct ledger_entry *e;
	ssize_t pos;
	int ret = 0;

	for (i = 0; i < l->nr_entries && ret == 0; i++) {
		e = &l->entries[i];
		if (!e->settled)
			continue;
		settled++;
		pos = plan_find(plan, e->path);
		if (pos >= 0)
			check_entry(a, &plan->items[pos], e->settled);
		else
			ret = check_absent(a, repo, plan, e, &cache, err);
		if (ret == 0)
			ret = check_digest(a, repo, e->settled, err);
	}
	if (a->nr == before)
		note(a, "plan", CHECK_OK, 0,
		     "%zu applied migrations, path and content as in the plan", settled);
	plan_release(&cache);
	return ret;
}

/* The record that says a database lost `seq` when it was restored, or NULL. */
static const struct record *restore_over(const struct ledger *l, uint64_t seq)
{
	size_t i;

	for (i = 1; i < l->nr; i++)
		if (l->records[i].event == EVENT_RESTORED && seq < l->records[i].seq &&
		    seq > l->records[i - 1].seq)
			return &l->records[i];
	return NULL;
}

static const struct record *with_seq(const struct ledger *l, uint64_t seq)
{
	size_t low = 0, high = l->nr, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (l->records[mid].seq == seq)
			return &l->records[mid];
		if (seq < l->records[mid].seq)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* Whether this database took the place of another one, and says so. */
static bool took_a_place(const struct ledger *l)
{
	size_t i;

	for (i = 0; i < l->nr; i++)
		if (l->records[i].event == EVENT_CLONED ||
		    (l->records[i].event == EVENT_CREATED &&
		     l->records[i].field[FIELD_OLD]))
			return true;
	return false;
}

/* A line of the mirror that is not in the tracker: grave unless it is explained. */
static void check_extra(struct audit *a, struct target *t, const char *line)
{
	const struct record *here, *restore;
	struct err why = { 0 };
	struct record r;

	if (record_parse(&r, &t->pool, line, strlen(line), &why) < 0)
		return; /* told as a bad line */
	if (t->ledger.target && strcmp(r.field[FIELD_TARGET], t->ledger.target) != 0) {
		if (!took_a_place(&t->ledger))
			note(a, "other-target", CHECK_FAILED, r.seq,
			     "the mirror has record %" PRIu64
			     " of target %s; the tracker "
			     "is that of %s",
			     r.seq, r.field[FIELD_TARGET], t->ledger.target);
		return;
	}
	here = with_seq(&t->ledger, r.seq);
	restore = restore_over(&t->ledger, r.seq);
	if (here)
		note(a, "fork", CHECK_FAILED, r.seq,
		     "record %" PRIu64 " differs between tracker and mirror", r.seq);
	else if (restore)
		note(a, "restored", CHECK_WARNING, r.seq,
		     "record %" PRIu64
		     " (%s%s%s) was lost when the database was restored; "
		     "record %" PRIu64 " says so",
		     r.seq, event_name(r.event), r.field[FIELD_PATH] ? " " : "",
		     r.field[FIELD_PATH] ? r.field[FIELD_PATH] : "", restore->seq);
	else
		note(a, "tracker-lacks", CHECK_FAILED, r.seq,
		     "the mirror has record %" PRIu64
		     " (%s%s%s at %s), which the tracker "
		     "lacks",
		     r.seq, event_name(r.event), r.field[FIELD_PATH] ? " " : "",
		     r.field[FIELD_PATH] ? r.field[FIELD_PATH] : "", r.field[FIELD_AT]);
}

static int cmp_line(const void *key, const void *record)
{
	return strcmp(key, ((const struct record *)record)->line);
}

/* Both are sorted, but for a tracker that is wrong. */
static bool has_same_lines(const struct mirror *m, const struct ledger *l)
{
	size_t i;

	for (i = 0; i < m->nr && i < l->nr; i++)
		if (strcmp(m->lines[i], l->records[i].line) != 0)
			return false;
	return m->nr == l->nr;
}

/* Both ways: what the mirror lacks is late, what the tracker lacks is grave. */
static void check_mirror(struct audit *a, const struct mirror *m, struct target *t)
{
	size_t i, lacks = 0, before = a->failed;
	const struct ledger *l = &t->ledger;
	struct ledger copy = { 0 };
	uint64_t first = 0;

	/* what the tracker has word for word was judged there */
	if (a->failed || !has_same_lines(m, l)) {
		mirror_fold(m, &t->pool, &copy, bad_line, a);
		ledger_release(&copy);
	}
	for (i = 0; i < l->nr; i++) {
		if (mirror_has(m, l->records[i].line))
			continue;
		if (!lacks++)
			first = l->records[i].seq;
	}
	for (i = 0; i < m->nr; i++)
		if (!l->nr || !bsearch(m->lines[i], l->records, l->nr,
				       sizeof(*l->records), cmp_line))
			check_extra(a, t, m->lines[i]);
	if (lacks && a->failed == before)
		note(a, "mirror-lacks", CHECK_WARNING, first,
		     "the mirror lacks %zu records from %" PRIu64 " on; the next \"git "
		     "migrate apply %s\" writes them",
		     lacks, first, t->name);
	else if (a->failed == before)
		note(a, "mirror", CHECK_OK, 0,
		     "%zu records, byte for byte as in the "
		     "tracker",
		     l->nr);
}

/* What this clone saw last must still be there. */
static int check_seen(struct audit *a, struct repo *repo, struct target *t,
		      struct err *err)
{
	struct seen seen;
	int found = seen_read(repo, t->name, &seen, err);

	if (found < 0)
		return -1;
	if (found && !seen_is_there(&seen, &t->ledger))
		note(a, "seen", CHECK_FAILED, seen.seq,
		     "this clone has seen record %" PRIu64 " (%.12s), which is gone: the "
		     "log went back in time",
		     seen.seq, seen.hash);
	else if (found)
		note(a, "seen", CHECK_OK, seen.seq,
		     "goes on from record %" PRIu64 ", the last that this clone has seen",
		     seen.seq);
	return 0;
}

static int compare_log(struct repo *repo, struct plan *plan, struct target *t,
		       struct audit *a, struct err *err)
{
	return check_plan(a, repo, plan, &t->ledger, err) < 0 ||
			       audit_story(a, repo, plan, &t->ledger, err) < 0 ||
			       audit_asked(a, repo, plan, &t->ledger, err) < 0 ||
			       check_seen(a, repo, t, err) < 0 ||
			       audit_history(a, repo, t->name, err) < 0
		       ? -1
		       : 0;
}

/* The newest record with a fingerprint that still counts, or NULL. */
static const struct record *last_ran(const struct ledger *l)
{
	size_t i = l->nr;

	while (i-- > 0)
		if (l->records[i].event == EVENT_RAN && l->records[i].field[FIELD_SCHEMA])
			return &l->records[i];
	return NULL;
}

/* Whether what stands behind it may have changed the schema, or brought another. */
static bool is_outdated(const struct ledger *l, const struct record *ran)
{
	const struct record *r;

	for (r = ran + 1; r < l->records + l->nr; r++)
		if (event_settles(r->event) || r->event == EVENT_STARTED ||
		    r->event == EVENT_RESTORED)
			return true;
	return false;
}

/* "postgresql/15" of "postgresql/15.20": the catalogs write things as that does. */
static bool same_engine(const char *a, const char *b)
{
	size_t len = strcspn(a, ".");

	return len == strcspn(b, ".") && memcmp(a, b, len) == 0;
}

static void compare_schema(struct audit *a, struct target *t, const struct record *ran,
			   const char *now)
{
	const char *then = ran->field[FIELD_SCHEMA], *engine = t->driver->engine(t->db);

	if (strcmp(then, now) == 0)
		note(a, "schema", CHECK_OK, ran->seq,
		     "the database is made of the same as when record %" PRIu64
		     " was written",
		     ran->seq);
	else if (strcspn(then, ":") != strcspn(now, ":") ||
		 memcmp(then, now, strcspn(now, ":")) != 0)
		note(a, "schema-unknown", CHECK_WARNING, ran->seq,
		     "the schema cannot be compared: %s described it in another form",
		     ran->field[FIELD_TOOL]);
	else if (!same_engine(ran->field[FIELD_ENGINE], engine))
		note(a, "schema-unknown", CHECK_WARNING, ran->seq,
		     "the schema cannot be compared: it was described on %s, and this is "
		     "%s",
		     ran->field[FIELD_ENGINE], engine);
	else
		note(a, "schema", CHECK_WARNING, ran->seq,
		     "the schema was changed outside of git migrate since %s: its "
		     "fingerprint was %.14s then and is %.14s (\"git migrate schema %s\" "
		     "shows it)",
		     ran->field[FIELD_AT], then, now, t->name);
}

/* What it is made of, against what the end of the last run found. */
static void check_schema(struct audit *a, struct target *t)
{
	const struct record *ran = last_ran(&t->ledger);
	char now[SCHEMA_PRINT_SZ + 1];
	struct schema s = { 0 };
	struct err why = { 0 };

	if (!ran)
		return; /* none of its runs was one of a version that knows of it */
	if (is_outdated(&t->ledger, ran)) {
		note(a, "schema-unknown", CHECK_WARNING, ran->seq,
		     "the schema cannot be compared: no run has ended since what stands "
		     "behind record %" PRIu64,
		     ran->seq);
	} else if (t->driver->schema(t->db, &s, &why) < 0) {
		note(a, "schema-unknown", CHECK_WARNING, ran->seq,
		     "the schema could not be read: %s", why.message);
	} else {
		schema_sort(&s);
		schema_fingerprint(&s, now);
		compare_schema(a, t, ran, now);
	}
	schema_release(&s);
}

/* The mirror is read first: a run beside us writes the tracker before it. */
static int compare(struct repo *repo, struct plan *plan, struct target *t,
		   struct audit *a, struct err *err)
{
	struct mirror m;

	if (mirror_read(repo, t->name, MIRROR_FETCHED, &a->pool, &m, err) < 0 ||
	    check_chain(a, t, err) < 0 || compare_log(repo, plan, t, a, err) < 0)
		return -1;
	check_open(a, t);
	check_mirror(a, &m, t);
	if (t->db)
		check_schema(a, t);
	if (!a->failed)
		seen_keep(repo, t->name, &t->ledger);
	return 0;
}

/* Lines that the chain in force leaves out need a reason, as in check_mirror. */
static void check_left_out(struct audit *a, const struct mirror *m, struct target *t)
{
	size_t i, before = a->failed;

	for (i = 0; i < m->nr; i++)
		if (!t->ledger.nr ||
		    !bsearch(m->lines[i], t->ledger.records, t->ledger.nr,
			     sizeof(*t->ledger.records), cmp_line))
			check_extra(a, t, m->lines[i]);
	if (a->failed == before)
		note(a, "mirror", CHECK_OK, 0, "%zu lines, none left without a reason",
		     m->nr);
}

/* From git alone: the log is what the mirror says it is. */
static int compare_offline(struct repo *repo, struct plan *plan, struct target *t,
			   struct audit *a, struct err *err)
{
	const struct record *last;
	struct mirror m;
	size_t before;

	if (mirror_read(repo, t->name, MIRROR_FETCHED, &a->pool, &m, err) < 0)
		return -1;
	if (!m.nr) {
		err_set(err, ERR_REFUSED, "there is no mirror of target '%s' here",
			t->name);
		err_hint(err, "noMirror",
			 "Mirrors that others wrote come with \"git migrate sync\", or "
			 "with git fetch once \"git migrate init\" has told git of "
			 "them.");
		return -1;
	}
	before = a->failed;
	mirror_fold(&m, &t->pool, &t->ledger, bad_line, a);
	last = ledger_last(&t->ledger);
	a->records = t->ledger.nr;
	if (last)
		snprintf(a->head, sizeof(a->head), "%s", last->hash);
	if (a->failed == before)
		note(a, "chain", CHECK_OK, last ? last->seq : 0,
		     "%zu records, each linked to the one before it; no database was "
		     "asked",
		     t->ledger.nr);
	if (compare_log(repo, plan, t, a, err) < 0)
		return -1;
	check_left_out(a, &m, t);
	return 0;
}

int audit_run(struct repo *repo, const struct audit_options *o, struct audit *a,
	      struct err *err)
{
	struct plan plan = { 0 };
	struct target t = { .name = o->target.name };
	struct oid commit;
	int ret = -1;

	memset(a, 0, sizeof(*a));
	if (repo_resolve(repo, o->rev ? o->rev : "HEAD", &commit, err) < 0 ||
	    repo_load_shared(repo, &commit, err) < 0 ||
	    history_plan(repo, &commit, &plan, err) < 0)
		goto out;
	if (o->offline)
		ret = target_check_name(t.name, err) < 0
			      ? -1
			      : compare_offline(repo, &plan, &t, a, err);
	else if (target_connect(&t, repo, &o->target, err) == 0)
		ret = compare(repo, &plan, &t, a, err);
out:
	target_release(&t);
	plan_release(&plan);
	return ret;
}
