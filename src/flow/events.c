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
	if (j->target.ledger.nr)
		return 0;
	err_set(err, ERR_REFUSED, "target '%s' has no tracker yet", target);
	err_hint(err, "apply", "The first \"git migrate apply %s\" makes it.", target);
	return -1;
}

/* Lock, append, commit; then the mirror. */
static int write_event(struct event_job *j, struct record *r, struct err *err)
{
	struct target *t = &j->target;
	size_t written;
	int ret;

	record_seal(r, &t->pool);
	if (t->driver->begin(t->db, false, err) < 0)
		return -1;
	ret = tracker_lock(&t->tracker, ledger_last(&t->ledger), err);
	if (ret > 0)
		ret = err_set(err, ERR_REFUSED, "another run wrote to target '%s'",
			      t->name);
	if (ret < 0 || tracker_append(&t->tracker, r, err) < 0 ||
	    t->driver->commit(t->db, err) < 0) {
		t->driver->rollback(t->db);
		return -1;
	}
	ledger_add(&t->ledger, r);
	return mirror_catch_up(j->repo, t->name, &t->ledger, &written, err);
}

static void end(struct event_job *j)
{
	scribe_release(&j->scribe);
	target_release(&j->target);
	pool_release(&j->pool);
}

int events_restored(struct repo *repo, const char *target, const char *reason,
		    struct err *err)
{
	struct event_job j;
	const struct record *last;
	struct mirror m;
	struct record r;
	int ret = -1;

	if (begin(&j, repo, target, err) < 0 ||
	    mirror_read_head(repo, target, &j.pool, &m, err) < 0)
		goto out;
	last = ledger_last(&j.target.ledger);
	if (m.head_seq <= last->seq) {
		err_set(err, ERR_REFUSED, "target '%s' has lost nothing", target);
		err_detail(err,
			   "Its mirror here ends in record %" PRIu64 "; its tracker ends "
			   "in %" PRIu64 ".",
			   m.head_seq, last->seq);
		err_hint(err, "restored",
			 "Fetch the mirror first if another clone has a "
			 "newer one.");
		goto out;
	}
	scribe_begin(&j.scribe, &j.target.pool, last, EVENT_RESTORED, &r);
	r.seq = m.head_seq + 1;
	r.field[FIELD_OLD] = pool_printf(&j.pool, "%010" PRIu64 ":%s", m.head_seq,
					 m.head_hash);
	r.field[FIELD_REASON] = reason;
	ret = write_event(&j, &r, err);
out:
	end(&j);
	return ret;
}

int events_cloned(struct repo *repo, const char *target, const char *reason,
		  struct err *err)
{
	struct buf key = BUF_INIT, server = BUF_INIT;
	const struct record *last;
	char uuid[UUID_TEXT];
	struct event_job j;
	struct record r;
	int ret = -1;

	if (begin(&j, repo, target, err) < 0 ||
	    j.target.driver->identity(j.target.db, &server, err) < 0)
		goto out;
	last = ledger_last(&j.target.ledger);
	uuid_random(uuid);
	scribe_begin(&j.scribe, &j.target.pool, last, EVENT_CLONED, &r);
	r.field[FIELD_TARGET] = uuid;
	if (server.len)
		r.field[FIELD_SERVER] = server.s;
	r.field[FIELD_FROM] = pool_printf(&j.pool, "%s:%010" PRIu64 ":%s",
					  j.target.ledger.target, last->seq, last->hash);
	r.field[FIELD_REASON] = reason;
	buf_addf(&key, "migrate.%s.uuid", target);
	ret = write_event(&j, &r, err);
	if (ret == 0)
		ret = repo_set_config(repo, key.s, uuid, err);
out:
	end(&j);
	buf_release(&key);
	buf_release(&server);
	return ret;
}
