/* The answer to COMMIT never came: what became of it is asked of the tracker. */
#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "flow/job.h"

enum {
	PAUSE_MIN_MS = 50,
	PAUSE_MAX_MS = 2000,
	OLD_SESSION_MS = 60000, /* for the old session to end */
};

/*
 * The lock row is waited for first: while the old session lives its COMMIT may
 * still be on the way, and the tracker alone would say that there was none.
 */
static int ask_again(struct job *j, struct err *err)
{
	struct target *t = &j->s->target;

	if (t->driver->reconnect(t->db, err) < 0 || target_read(t, err) < 0)
		return -1;
	if (!t->has_tracker)
		return 0; /* it was to be made: who tries again waits for the old one */
	if (tracker_wait(&t->tracker, OLD_SESSION_MS, err) < 0 || target_read(t, err) < 0)
		return -1;
	return target_settle(t, err);
}

static int reach_again(struct job *j, int64_t deadline, struct err *err)
{
	int pause = PAUSE_MIN_MS;
	struct err why = { 0 };

	while (ask_again(j, &why) < 0) {
		if (clock_ms() >= deadline || why.code == ERR_INTERRUPTED ||
		    target_pause(&j->s->target, pause, &why) < 0)
			return err_wrap(err, "the database could not be asked (%s)",
					why.message);
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
		memset(&why, 0, sizeof(why));
	}
	return 0;
}

/* The same record in a log that was read again, NULL when it is not there. */
static const struct record *find_again(const struct ledger *l, const struct record *r)
{
	size_t i = l->nr;

	while (i > 0 && l->records[i - 1].seq > r->seq)
		i--;
	if (i == 0 || strcmp(l->records[i - 1].hash, r->hash) != 0)
		return NULL;
	return &l->records[i - 1];
}

/* Those that were committed, which are the first of them, are done. */
static size_t take_committed(struct job *j, struct work *works, size_t nr)
{
	const struct record *found;
	size_t i;

	for (i = 0; i < nr; i++) {
		struct work *w = &works[i];

		found = w->nr_records ? find_again(&j->s->target.ledger,
						   &w->records[w->nr_records - 1])
				      : NULL;
		if (!found)
			break;
		if (w->founding)
			j->founding = false;
		else
			work_was_done(j, w, found);
	}
	return i;
}

static int refuse_lost(const struct job *j, const struct work *w, struct err *err)
{
	err_set(err, ERR_REFUSED,
		"the connection to the server was lost while '%s' was run",
		j->s->plan.items[w->pos].path);
	err_detail(err, "The tracker was asked on a new connection: it was not applied.");
	err_hint(err, "lost", "Run the command again when the server is well.");
	return -1;
}

int settle_lost(struct job *j, struct work *works, size_t nr, struct err *err)
{
	const struct err lost = { .code = ERR_UNCERTAIN };
	int pause = PAUSE_MIN_MS;
	int64_t deadline = clock_ms() + 1000 * (int64_t)j->s->target.reconnect_s;
	size_t done = 0;
	int ret;

	for (;;) {
		if (reach_again(j, deadline, err) < 0) {
			err->code = ERR_UNCERTAIN;
			work_failed(j, &works[done], err);
			return -1;
		}
		done += take_committed(j, works + done, nr - done);
		if (done == nr)
			return 0;
		if (works[done].founding)
			return meet_unfounded(j, 1, err);
		/*
		 * The old session may hold more of them that nobody has run yet. A
		 * record in their way makes each find another head than it expects.
		 */
		ret = write_failure(j, &works[done], &lost, OLD_SESSION_MS, err);
		if (ret == 0)
			break;
		if (clock_ms() >= deadline ||
		    target_pause(&j->s->target, pause, err) < 0) {
			if (ret > 0)
				err_set(err, ERR_UNCERTAIN, "the log keeps growing");
			err->code = ERR_UNCERTAIN;
			work_failed(j, &works[done], err);
			return err_wrap(err, "the old session could not be kept off");
		}
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
	}
	return refuse_lost(j, &works[done], err);
}

int settle_unseen(struct job *j, struct work *works, size_t nr, struct err *err)
{
	const struct err failure = *err;

	memset(err, 0, sizeof(*err));
	if (settle_lost(j, works, nr, err) < 0)
		return -1;
	*err = failure;
	return 0;
}

int find_lost(struct job *j, const struct work *w, const struct record **found,
	      struct err *err)
{
	int64_t deadline = clock_ms() + 1000 * (int64_t)j->s->target.reconnect_s;

	*found = NULL;
	if (reach_again(j, deadline, err) < 0) {
		err->code = ERR_UNCERTAIN;
		return -1;
	}
	if (w->nr_records)
		*found = find_again(&j->s->target.ledger, &w->records[w->nr_records - 1]);
	return 0;
}
