#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/plan.h"
#include "core/schema.h"
#include "flow/audit.h"
#include "flow/audit_asked.h"
#include "flow/audit_history.h"
#include "flow/audit_log.h"
#include "flow/audit_story.h"
#include "flow/mirror.h"
#include "flow/seen.h"
#include "flow/survey.h"
#include "git/config.h"
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

static void bad_line(void *arg, const char *line, const char *why)
{
	note(arg, "mirror-line", CHECK_FAILED, 0,
	     "the mirror holds a line that is no record (%s): %.100s", why, line);
}

static void bad_part(void *arg, const char *id, const char *what)
{
	note(arg, id, CHECK_FAILED, 0, "%s", what);
}

/* Where the two readers meet: what is wrong goes into the audit. */
struct examined {
	struct audit *audit;
	struct audit_log *log;
};

static void examined_record(void *arg, const struct record *r)
{
	const struct examined *e = arg;

	audit_log_add(e->log, r, false);
}

static void examined_bad(void *arg, uint64_t seq, const char *what)
{
	const struct examined *e = arg;

	note(e->audit, "chain", CHECK_FAILED, seq, "%s", what);
}

static void note_log(struct audit *a, const struct audit_log *l)
{
	a->records = l->nr;
	if (l->nr)
		snprintf(a->head, sizeof(a->head), "%s", l->last.hash);
}

/* The tracker with itself: form, numbers, hashes, and the copies in columns. */
static int check_chain(struct audit *a, struct target *t, struct audit_log *l,
		       struct err *err)
{
	struct examined e = { a, l };
	const struct tracker_reader reader = { examined_record, examined_bad, &e };
	size_t before = a->failed;
	int found = t->db ? tracker_examine(&t->tracker, &reader, err) : 0;

	if (found < 0)
		return -1;
	audit_log_end(l);
	note_log(a, l);
	if (!found)
		note(a, "tracker", CHECK_WARNING, 0, "there is no tracker yet");
	else if (a->failed == before)
		note(a, "chain", CHECK_OK, l->last.seq,
		     "%zu record%s, each linked to the one before it; columns agree",
		     l->nr, plural(l->nr));
	return found ? tracker_guards(&t->tracker, bad_part, a, err) : 0;
}

/* What runs outside of a transaction and has no end: nothing else is applied. */
static void check_open(struct audit *a, const struct target *t, const struct audit_log *l)
{
	const struct record *open = l->kept.open;

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
		     "%zu applied migration%s, path and content as in the plan", settled,
		     plural(settled));
	plan_release(&cache);
	return ret;
}

/* A line of the mirror that is not in the tracker: grave unless it is explained. */
static void check_extra(struct audit *a, const struct audit_log *l, size_t at)
{
	const char *target = l->kept.target, *line = l->at->lines[at];
	struct pool pool = { 0 };
	struct err why = { 0 };
	const struct mirror_old *old = l->replaced[at] ? &l->olds[l->replaced[at] - 1]
						       : NULL;
	struct record r;

	if (record_parse_kept(&r, &pool, line, NULL, &why) < 0) {
		pool_release(&pool);
		return; /* told as a bad line */
	}
	if (target && strcmp(r.field[FIELD_TARGET], target) != 0) {
		if (!old)
			note(a, "other-target", CHECK_FAILED, r.seq,
			     "the mirror has record %" PRIu64
			     " of target %s; the log is that of %s, and does not say "
			     "that it took its place",
			     r.seq, r.field[FIELD_TARGET], target);
	} else if (old) {
		note(a, "restored", CHECK_WARNING, r.seq,
		     "record %" PRIu64
		     " (%s%s%s) was lost when the database was restored; "
		     "record %" PRIu64 " says so",
		     r.seq, event_name(r.event), r.field[FIELD_PATH] ? " " : "",
		     r.field[FIELD_PATH] ? r.field[FIELD_PATH] : "", old->by);
	} else if (audit_log_has(l, r.seq)) {
		note(a, "fork", CHECK_FAILED, r.seq,
		     "record %" PRIu64 " differs between tracker and mirror", r.seq);
	} else {
		note(a, "tracker-lacks", CHECK_FAILED, r.seq,
		     "the mirror has record %" PRIu64
		     " (%s%s%s at %s), which the tracker "
		     "lacks",
		     r.seq, event_name(r.event), r.field[FIELD_PATH] ? " " : "",
		     r.field[FIELD_PATH] ? r.field[FIELD_PATH] : "", r.field[FIELD_AT]);
	}
	pool_release(&pool);
}

/* What a commit of the mirror names as its head. */
static void check_head(struct audit *a, const struct audit_log *l)
{
	const struct mirror *m = l->at;

	if (m->head_seq && !l->head_met)
		note(a, "head", CHECK_FAILED, m->head_seq,
		     "the mirror names record %" PRIu64 " (%.12s) as its head, which the "
		     "log does not have; it ends in record %" PRIu64 " (%.12s)",
		     m->head_seq, m->head_hash, l->last.seq, l->last.hash);
}

static void check_extras(struct audit *a, const struct audit_log *l)
{
	size_t i;

	for (i = 0; i < l->at->nr; i++)
		if (!l->matched[i])
			check_extra(a, l, i);
	for (i = 0; i < l->nr_olds; i++)
		if (l->olds[i].lines && l->olds[i].event != EVENT_RESTORED)
			note(a, "replaced", CHECK_WARNING, l->olds[i].by,
			     "%zu record%s of the mirror %s of a log that this one took "
			     "the place of; record %" PRIu64 " (%s) says so",
			     l->olds[i].lines, plural(l->olds[i].lines),
			     l->olds[i].lines == 1 ? "is" : "are", l->olds[i].by,
			     event_name(l->olds[i].event));
}

/* Both ways: what the mirror lacks is late, what the tracker lacks is grave. */
static void check_mirror(struct audit *a, const struct audit_log *l,
			 const struct target *t)
{
	size_t before = a->failed;

	/* what the tracker has word for word was judged there */
	if (a->failed || !audit_log_is_mirrored(l))
		mirror_walk(l->at, NULL, NULL, bad_line, a);
	check_extras(a, l);
	check_head(a, l);
	if (l->lacking && a->failed == before)
		note(a, "mirror-lacks", CHECK_WARNING, l->first_lacking,
		     "the mirror lacks %zu record%s from %" PRIu64 " on; the next \"git "
		     "migrate apply %s\" writes what it lacks",
		     l->lacking, plural(l->lacking), l->first_lacking, t->name);
	else if (a->failed == before)
		note(a, "mirror", CHECK_OK, 0,
		     "%zu record%s, byte for byte as in the tracker", l->nr,
		     plural(l->nr));
}

/* What this clone saw last must still be there. */
static void check_seen(struct audit *a, const struct audit_log *l)
{
	const struct seen *seen = l->seen;

	if (seen && l->seen_how == SEEN_EXPLAINED)
		note(a, "seen", CHECK_WARNING, seen->seq,
		     "record %" PRIu64 " (%.12s), the last that this clone has seen, is "
		     "gone; record %" PRIu64 " says why",
		     seen->seq, seen->hash, l->seen_by);
	else if (seen && l->seen_how == SEEN_NOT)
		note(a, "seen", CHECK_FAILED, seen->seq,
		     "this clone has seen record %" PRIu64 " (%.12s), which is gone: the "
		     "log went back in time",
		     seen->seq, seen->hash);
	else if (seen)
		note(a, "seen", CHECK_OK, seen->seq,
		     "goes on from record %" PRIu64 ", the last that this clone has seen",
		     seen->seq);
}

/* "at" of a record is what the runner's clock said. */
static void check_times(struct audit *a, const struct audit_log *l)
{
	if (l->back)
		note(a, "clock", CHECK_WARNING, l->first_back,
		     "%zu record%s, from %" PRIu64 " on, %s dated more than a minute "
		     "before the one before it: the clock of a runner was wrong",
		     l->back, plural(l->back), l->first_back,
		     l->back == 1 ? "is" : "are");
}

/* Whether lines of the mirror are of that uuid, and were left behind with a reason. */
static bool was_replaced(const struct audit_log *l, const char *uuid)
{
	struct pool pool = { 0 };
	struct err ignored = { 0 };
	struct record r;
	bool ret = false;
	size_t i;

	for (i = 0; i < l->at->nr && !ret; i++)
		ret = l->replaced[i] &&
		      record_parse_kept(&r, &pool, l->at->lines[i], NULL, &ignored) ==
			      0 &&
		      strcmp(r.field[FIELD_TARGET], uuid) == 0;
	pool_release(&pool);
	return ret;
}

/* Whose log it is: that of the target which this clone knows by the name. */
static void check_known(struct audit *a, struct repo *repo, const struct target *t,
			const struct audit_log *l)
{
	struct buf key = BUF_INIT;
	const char *known;

	buf_addf(&key, "migrate.%s.uuid", t->name);
	known = config_get(repo_config(repo), key.s);
	if (known && l->nr && strcmp(known, l->target) != 0 && !was_replaced(l, known))
		note(a, "identity", CHECK_FAILED, 1,
		     "this clone knows target '%s' as %s; the log is that of %s, and "
		     "does not say that it took its place",
		     t->name, known, l->target);
	buf_release(&key);
}

/* Whose mirror it is by its own words; a ref can be pushed under any name. */
static void check_name(struct audit *a, const struct target *t, const struct mirror *m)
{
	if (m->other)
		note(a, "mirror-name", CHECK_FAILED, 0,
		     "the newest commit of the mirror that names a head names that of "
		     "target '%s', not of '%s'",
		     m->other, t->name);
}

/* Whether the database is on the server that the log says. */
static int check_server(struct audit *a, struct target *t, const struct audit_log *l,
			struct err *err)
{
	struct buf now = BUF_INIT;
	int ret = t->db ? t->driver->identity(t->db, &now, err) : 0;

	if (ret >= 0 && l->kept.server && now.len && strcmp(l->kept.server, now.s) != 0)
		note(a, "identity", CHECK_FAILED, 0,
		     "the log was written on server %s; this is %s: the database is a "
		     "copy, or was moved, and no record says so",
		     l->kept.server, now.s);
	buf_release(&now);
	return ret < 0 ? -1 : 0;
}

static int compare_log(struct repo *repo, struct plan *plan, const struct target *t,
		       const struct audit_log *l, struct audit *a, struct err *err)
{
	if (check_plan(a, repo, plan, &l->kept, err) < 0 ||
	    audit_story(a, repo, plan, l, err) < 0 ||
	    audit_asked(a, repo, plan, &l->kept, err) < 0)
		return -1;
	check_seen(a, l);
	check_times(a, l);
	check_known(a, repo, t, l);
	check_name(a, t, l->at);
	return audit_history(a, repo, t->name, l->at, err);
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
static void check_schema(struct audit *a, struct target *t, const struct audit_log *l)
{
	const struct record *ran = &l->ran;
	char now[SCHEMA_PRINT_SZ + 1];
	struct schema s = { 0 };
	struct err why = { 0 };

	if (!ran->seq)
		return; /* none of its runs was one of a version that knows of it */
	if (l->outdated) {
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

static int compare(struct repo *repo, struct plan *plan, struct target *t,
		   struct audit_log *l, struct audit *a, struct err *err)
{
	if (check_chain(a, t, l, err) < 0 || check_server(a, t, l, err) < 0 ||
	    compare_log(repo, plan, t, l, a, err) < 0)
		return -1;
	check_open(a, t, l);
	check_mirror(a, l, t);
	if (t->db)
		check_schema(a, t, l);
	if (!a->failed && l->nr)
		seen_keep(repo, t->name, &l->last);
	return 0;
}

/* Lines that the chain in force leaves out need a reason, as in check_mirror. */
static void check_left_out(struct audit *a, const struct audit_log *l)
{
	size_t before = a->failed;

	check_extras(a, l);
	check_head(a, l);
	if (a->failed == before)
		note(a, "mirror", CHECK_OK, 0, "%zu line%s, none left without a reason",
		     l->at->nr, plural(l->at->nr));
}

static void mirrored_record(void *arg, const struct record *r)
{
	struct audit_log *l = arg;

	if (r)
		audit_log_add(l, r, true);
	else
		audit_log_reset(l);
}

/* From git alone: the log is what the mirror says it is. */
static int compare_offline(struct repo *repo, struct plan *plan, struct target *t,
			   struct audit_log *l, struct audit *a, struct err *err)
{
	size_t before = a->failed;

	if (!l->at->nr) {
		err_set(err, ERR_REFUSED, "there is no mirror of target '%s' here",
			t->name);
		err_hint(err, "noMirror",
			 "Mirrors that others wrote come with \"git migrate sync\", or "
			 "with git fetch once \"git migrate init\" has told git of "
			 "them.");
		return -1;
	}
	mirror_walk(l->at, mirrored_record, l, bad_line, a);
	audit_log_end(l);
	note_log(a, l);
	if (a->failed == before)
		note(a, "chain", CHECK_OK, l->last.seq,
		     "%zu record%s, each linked to the one before it; no database was "
		     "asked",
		     l->nr, plural(l->nr));
	if (compare_log(repo, plan, t, l, a, err) < 0)
		return -1;
	check_left_out(a, l);
	if (!a->failed && l->nr)
		seen_keep(repo, t->name, &l->last);
	return 0;
}

/* The mirror is read first: a run beside us writes the tracker before it. */
static int examine(struct repo *repo, const struct audit_options *o, struct plan *plan,
		   struct target *t, struct audit *a, struct err *err)
{
	struct mirror m;
	struct seen seen;
	struct audit_log l;
	int found = -1, ret;

	if (mirror_read(repo, t->name, MIRROR_FETCHED, &a->pool, &m, err) == 0)
		found = seen_read(repo, t->name, &seen, err);
	if (found < 0)
		return -1;
	audit_log_begin(&l, &a->pool, &m, found ? &seen : NULL);
	ret = (o->offline ? compare_offline : compare)(repo, plan, t, &l, a, err);
	audit_log_release(&l);
	return ret;
}

int audit_run(struct repo *repo, const struct audit_options *o, struct audit *a,
	      struct err *err)
{
	struct plan plan = { 0 };
	struct target t = { .name = o->target.name };
	struct oid commit;
	int ret = -1;

	memset(a, 0, sizeof(*a));
	a->full = o->full;
	if (repo_resolve(repo, o->rev ? o->rev : "HEAD", &commit, err) < 0 ||
	    repo_load_shared(repo, &commit, err) < 0 ||
	    history_plan(repo, &commit, &plan, err) < 0)
		goto out;
	if ((o->offline ? target_check_name(t.name, err)
			: target_connect(&t, repo, &o->target, err)) == 0)
		ret = examine(repo, o, &plan, &t, a, err);
out:
	target_release(&t);
	plan_release(&plan);
	return ret;
}
