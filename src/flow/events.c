#include "base/compat.h"

#include "base/err.h"
#include "flow/events.h"
#include "flow/mirror.h"
#include "flow/record_make.h"
#include "git/repo.h"

struct event_job {
	struct repo *repo;
	struct target target;
	struct scribe scribe;
	struct pool pool;
	struct mirror mirror; /* its head alone */
};

static int begin(struct event_job *j, struct repo *repo, const char *target,
		 struct err *err)
{
	const struct target_options o = { .name = target };
	struct oid head;

	memset(j, 0, sizeof(*j));
	j->repo = repo;
	if (repo_resolve(repo, "HEAD", &head, err) < 0 ||
	    target_open(&j->target, repo, &o, err) < 0)
		return -1;
	scribe_init(&j->scribe, repo, &j->target, &head);
	return mirror_read_head(repo, target, &j->pool, &j->mirror, err);
}

static int refuse_untracked(const char *target, struct err *err)
{
	err_set(err, ERR_REFUSED, "target '%s' has no tracker yet", target);
	err_hint(err, "apply", "The first \"git migrate apply %s\" makes it.", target);
	return -1;
}

static bool is_own(const struct event_job *j, const struct mirror *m)
{
	const struct ledger *l = &j->target.ledger;
	size_t i = l->nr;

	while (i-- > 0)
		if (strcmp(l->records[i].hash, m->head_hash) == 0)
			return true;
	return false;
}

/*
 * Where the mirror here and what was fetched part, the record names the end of the log
 * that is not this database's own, however great the number of its own is.
 */
static int find_others_head(struct event_job *j, struct err *err)
{
	struct mirror fetched;

	if (oid_is_zero(&j->mirror.parted) || !j->mirror.head_seq ||
	    !is_own(j, &j->mirror))
		return 0;
	if (mirror_head_at(j->repo, j->target.name, &j->mirror.base, &j->pool, &fetched,
			   err) < 0)
		return -1;
	if (fetched.head_seq && !is_own(j, &fetched)) {
		j->mirror.head_seq = fetched.head_seq;
		j->mirror.head_hash = fetched.head_hash;
	}
	return 0;
}

/* "<seq>:<hash>" of the head that a record takes the place of. */
static const char *old_head(struct event_job *j)
{
	return pool_printf(&j->pool, "%010" PRIu64 ":%s", j->mirror.head_seq,
			   j->mirror.head_hash);
}

/* The new uuid is what this clone knows from here on. */
static int know_uuid(struct repo *repo, const char *target, const char *uuid,
		     struct err *err)
{
	struct buf key = BUF_INIT;
	int ret;

	buf_addf(&key, "migrate.%s.uuid", target);
	ret = repo_set_config(repo, key.s, uuid, err);
	if (ret < 0)
		err_hint(err, "uuid",
			 "The record stands; set it by hand: git config %s %s", key.s,
			 uuid);
	buf_release(&key);
	return ret;
}

static int refuse_grown(struct event_job *j, struct err *err)
{
	err_set(err, ERR_REFUSED, "another run wrote to target '%s'", j->target.name);
	err_hint(err, "again",
		 "Look at \"git migrate status %s\", and say it again if it still holds.",
		 j->target.name);
	return -1;
}

/* The first record goes with the tables that it stands in. */
static int write_first(struct event_job *j, struct record *r, struct err *err)
{
	struct target *t = &j->target;
	int ret;

	record_seal(r, &t->pool);
	ret = tracker_install(&t->tracker, r, err);
	if (ret > 0)
		return refuse_grown(j, err);
	if (ret == 0)
		ledger_add(&t->ledger, r);
	return ret;
}

/* Lock, append, commit. */
static int write_event(struct event_job *j, struct record *r, struct err *err)
{
	struct target *t = &j->target;
	int ret;

	record_seal(r, &t->pool);
	ret = tracker_write(&t->tracker, ledger_last(&t->ledger), r, 1, 0, err);
	if (ret > 0)
		return refuse_grown(j, err);
	if (ret == 0)
		ledger_add(&t->ledger, r);
	return ret;
}

/* A mirror that cannot be written fails nothing: it is caught up later. */
static void mirror_event(struct event_job *j, struct err *unmirrored)
{
	size_t written;

	mirror_catch_up(j->repo, j->target.name, &j->target.ledger, &written, unmirrored);
}

/* Nothing can be said of a restore where the mirror is another database's. */
static int check_was_mirrored(struct event_job *j, const struct record *last,
			      struct err *err)
{
	struct mirror whole;

	if (mirror_read(j->repo, j->target.name, MIRROR_FETCHED, &j->pool, &whole, err) <
	    0)
		return -1;
	if (mirror_has(&whole, last->line))
		return 0;
	err_set(err, ERR_REFUSED, "the mirror of target '%s' is not of this database",
		j->target.name);
	err_detail(err, "It does not have the tracker's last record, %" PRIu64 ".",
		   last->seq);
	err_hint(err, "fork", "\"git migrate audit %s\" shows where they part.",
		 j->target.name);
	return -1;
}

static void end(struct event_job *j)
{
	scribe_release(&j->scribe);
	target_release(&j->target);
	pool_release(&j->pool);
}

/* The first record of a database that takes the place of one thrown away. */
static int start_over(struct event_job *j, const char *reason, struct err *err)
{
	struct target *t = &j->target;
	const struct target_options o = { .name = t->name };
	struct buf server = BUF_INIT;
	char uuid[UUID_TEXT];
	struct record r;
	int ret = -1;

	if ((!t->db && target_create(t, j->repo, &o, false, err) < 0) ||
	    t->driver->identity(t->db, &server, err) < 0)
		goto out;
	uuid_random(uuid);
	scribe_begin(&j->scribe, &t->pool, NULL, EVENT_CREATED, &r);
	r.field[FIELD_TARGET] = uuid;
	if (server.len)
		r.field[FIELD_SERVER] = server.s;
	r.field[FIELD_OLD] = old_head(j);
	r.field[FIELD_REASON] = reason;
	ret = t->has_tracker ? write_event(j, &r, err) : write_first(j, &r, err);
	if (ret == 0)
		ret = know_uuid(j->repo, t->name, uuid, err);
out:
	buf_release(&server);
	return ret;
}

/* The record of a database that came back from a backup. */
static int come_back(struct event_job *j, const char *reason, struct err *err)
{
	const struct record *last = ledger_last(&j->target.ledger);
	const struct mirror *m = &j->mirror;
	const char *target = j->target.name;
	struct record r;

	if (target_check_identity(&j->target, j->repo, err) < 0)
		return -1;
	if (m->head_seq <= last->seq) {
		err_set(err, ERR_REFUSED, "target '%s' has lost nothing", target);
		err_detail(err,
			   "Its mirror here ends in record %" PRIu64 "; its tracker ends "
			   "in %" PRIu64 ".",
			   m->head_seq, last->seq);
		err_hint(err, "restored",
			 "Fetch the mirror first if another clone has a "
			 "newer one.");
		return -1;
	}
	if (m->head_seq >= RECORD_SEQ_MAX) {
		err_set(err, ERR_REFUSED,
			"the mirror of target '%s' names an impossible head", target);
		err_hint(err, "fork",
			 "\"git log refs/notes/migrate/%s\" shows who wrote it.", target);
		return -1;
	}
	if (check_was_mirrored(j, last, err) < 0)
		return -1;
	scribe_begin(&j->scribe, &j->target.pool, last, EVENT_RESTORED, &r);
	r.seq = m->head_seq + 1;
	r.field[FIELD_OLD] = old_head(j);
	r.field[FIELD_REASON] = reason;
	return write_event(j, &r, err);
}

int events_restored(struct repo *repo, const char *target, const char *reason, bool *anew,
		    struct err *unmirrored, struct err *err)
{
	struct event_job j;
	int ret = -1;

	*anew = false;
	if (begin(&j, repo, target, err) < 0)
		goto out;
	*anew = !j.target.ledger.nr;
	if (*anew && !j.mirror.head_seq)
		refuse_untracked(target, err);
	else
		ret = *anew ? start_over(&j, reason, err) : come_back(&j, reason, err);
	if (ret == 0)
		mirror_event(&j, unmirrored);
out:
	end(&j);
	return ret;
}

int events_cloned(struct repo *repo, const char *target, const char *reason,
		  struct err *unmirrored, struct err *err)
{
	struct buf server = BUF_INIT;
	const struct record *last;
	char uuid[UUID_TEXT];
	struct event_job j;
	struct record r;
	int ret = -1;

	if (begin(&j, repo, target, err) < 0 || find_others_head(&j, err) < 0)
		goto out;
	last = ledger_last(&j.target.ledger);
	if (!last) {
		refuse_untracked(target, err);
		goto out;
	}
	if (j.target.driver->identity(j.target.db, &server, err) < 0)
		goto out;
	uuid_random(uuid);
	scribe_begin(&j.scribe, &j.target.pool, last, EVENT_CLONED, &r);
	r.field[FIELD_TARGET] = uuid;
	if (server.len)
		r.field[FIELD_SERVER] = server.s;
	if (j.mirror.head_seq) /* what this database took the place of */
		r.field[FIELD_OLD] = old_head(&j);
	r.field[FIELD_FROM] = pool_printf(&j.pool, "%s:%010" PRIu64 ":%s",
					  j.target.ledger.target, last->seq, last->hash);
	r.field[FIELD_REASON] = reason;
	ret = write_event(&j, &r, err);
	if (ret == 0)
		ret = know_uuid(repo, target, uuid, err);
	if (ret == 0)
		mirror_event(&j, unmirrored);
out:
	end(&j);
	buf_release(&server);
	return ret;
}
