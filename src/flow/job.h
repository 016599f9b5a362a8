/* Inside of an apply: what its parts share (apply.c, batch.c, backfill.c, alone.c,
 * lost.c). */
#ifndef FLOW_JOB_H
#define FLOW_JOB_H

#include "flow/apply.h"
#include "flow/record_make.h"
#include "git/blob.h"

/** Room for the records of one migration: an exception, and what came of it. */
#define RECORDS_MAX PROVEN_MAX

/** A migration that is being run. */
struct work {
	size_t pos;
	const struct job_step *given;	 /* that it comes from */
	struct step step;		 /* what is done with it */
	bool with_next;			 /* in one transaction with the one behind it */
	char replaced[SHA256_HEXSZ + 1]; /* digest of the one that it supersedes */
	struct buf sql;			 /* the file; empty where it is read in pieces: */
	struct blob_source *blob;	 /* a large one */
	struct source source;
	char sha256[SHA256_HEXSZ + 1];
	uint64_t size;
	struct db_script script;
	struct tracker_head head;
	struct record records[RECORDS_MAX];
	struct tracker_row rows[RECORDS_MAX];
	struct db_statement statements[RECORDS_MAX + 1]; /* and their proof */
	struct tracker_proof proof;
	size_t nr_records;
	struct tracker_founding
		*founding; /* in place of a migration: the tracker itself */
	bool ending;	   /* in place of a migration: the record that ends the run */
	bool resumed;	   /* its `started` was there when it came up */
	int64_t ms;	   /* that it took; -1: not known yet */
};

/** How long one of a run's migrations took; -1: nobody knows. */
struct duration {
	const char *path;
	int64_t ms;
	bool shown;
};

struct job_step {
	struct step step;
	bool with_next; /* in one transaction with the one behind it */
};

/** One run over one target. */
struct job {
	struct repo *repo;
	const struct apply_options *o;
	struct survey *s;
	struct apply_result *result;
	struct scribe scribe;
	struct job_step *steps; /* in order */
	size_t nr;
	size_t end;	    /* position up to which to run */
	size_t next;	    /* of steps: what comes before it is settled */
	ssize_t held;	    /* the one that stopped the steps; -1: none did */
	bool gated;	    /* gates stopped them, before that one */
	bool *checked;	    /* by position in the plan: its file was looked at */
	bool *apart;	    /* by position: it shares nothing with what follows it */
	bool tried_batches; /* dry run: one batch, and what follows would need all */
	bool told_singly;   /* what cannot run together was said */
	bool needs_commit;  /* a dry run ended before one that asks for this */
	unsigned tries;	    /* in a row that found the log grown */
	int64_t patience;  /* clock_ms() until when locks are tried again; 0: not begun */
	unsigned pause_ms; /* before the next try */
	bool name_blockers;
	bool session_used;  /* a migration was run in it */
	bool founding;	    /* the first batch begins with the tracker's own tables */
	unsigned foundings; /* tries of it */
	struct buf backup;  /* path of the one that was made for this run, "" for none */
	size_t backup_of;   /* of steps: whose record names it */
	int64_t since;	    /* clock_ms() when the first was begun */
	struct duration *durations; /* of those that are done */
	size_t nr_durations, alloc_durations;
	bool ran; /* the record that ends the run is written */
};

void job_tell(const struct job *j, struct apply_event event);

/** How an entry wants to be run; what is not understood is refused. 0 or -1. */
int read_directives(struct job *j, size_t pos, struct db_script *script, struct err *err);

/** Reads file and directives of a plan's entry. 0 or -1. */
int work_read(struct job *j, size_t pos, struct work *w, struct err *err);
void work_release(struct work *w);

/** As work_read(), for a step that is to be carried out. 0 or -1. */
int work_begin(struct job *j, const struct job_step *step, struct work *w,
	       struct err *err);

/** The migration that comes next, as a position in the plan. */
size_t job_pos(const struct job *j);

/** Works out the steps from `next` on, as the survey sees it now. 0 or -1. */
int job_choose(struct job *j, struct err *err);

/** Says what each of them is about to run together with, and what it cannot. */
void job_join(struct job *j);

/**
 * The next ones, up to `culprit`, which has failed with `why` for that, do not share a
 * transaction any more: says so.
 */
void job_part(struct job *j, size_t culprit, const struct err *why);

/** Tells what is left out of this run, and why. */
void job_tell_owed(const struct job *j);

/** The run has ended before one that requires what waits. Returns -1. */
int job_refuse_held(const struct job *j, struct err *err);

/**
 * Refuses lines that want to say how the file is run and are not read: they stand
 * below its header, or in a file that is too large for one. 0 or -1.
 */
int work_check_header(struct work *w, struct err *err);

/**
 * SHA-256 of its bytes in hex; of a large file known once it was read to its end,
 * which this does where it has to. NULL when that cannot be.
 */
const char *work_digest(struct work *w);

/**
 * Composes and seals the records of a success behind `last`: `reason` is put into
 * what settles the entry, NULL: none. Fills the statements too.
 */
void work_record(struct job *j, struct work *w, const struct record *last,
		 const struct db_report *report, const char *reason);

/** Begins one more record, behind `last` or the one begun before it. */
struct record *work_begin_record(struct job *j, struct work *w, enum event event,
				 const struct record *last);

/** Seals the newest of them and makes its statement. */
void work_seal_records(struct job *j, struct work *w);

/** Tells that what comes next is first in line: what the server says is about it. */
void tell_next(struct job *j);

/** It is committed: its records join the ledger, and it is told. */
void work_done(struct job *j, struct work *w, const struct db_report *report);

/** As work_done(); its record is in the ledger already, which was read again. */
void work_was_done(struct job *j, struct work *w, const struct record *record);

/**
 * Best effort: writes down that a migration failed, and why. Only when nothing is
 * left of it.
 */
void record_failure(struct job *j, struct work *w, const struct err *why);

/**
 * Writes `failed` behind the newest record that was read, waiting for the lock. 0;
 * 1 when the log has grown since; -1.
 */
int write_failure(struct job *j, struct work *w, const struct err *why, unsigned wait_ms,
		  struct err *err);

/** The migration that is under way failed: told, remembered and recorded. */
void work_failed(struct job *j, struct work *w, const struct err *why);

/** Takes note of a migration that is done, for the record that ends the run. */
void ran_note(struct job *j, const char *path, int64_t ms);

/**
 * Composes and seals that record behind `last`; of `nr` works it is not known yet
 * that they are done, but they will be when it is written. 0 or -1.
 */
int ran_compose(struct job *j, const struct record *last, const struct work *works,
		size_t nr, struct record *out, struct err *err);

/**
 * Writes it, in a transaction of its own, when the run has done something and it is
 * not written yet; `ended` is what stopped the run, if anything did. That it could
 * not be is told, and is no failure.
 */
void ran_write(struct job *j, const struct err *ended);

/** Composes and seals the record that gives the target its name. 0 or -1. */
int make_created(struct job *j, struct record *out, struct err *err);

/** The tracker's tables are there, with that record. */
void founded(struct job *j, const struct record *created);

/**
 * What to do about a failure to make them, `ret` as of tracker_not_installed(): 0
 * when it is to be tried again, or others have done it meanwhile; -1.
 */
int meet_unfounded(struct job *j, int ret, struct err *err);

/**
 * Reads the log again after another run has written to it, and judges it anew.
 * 0, or -1 when that happens over and over, or what it says now forbids to go on.
 */
int look_again(struct job *j, struct err *err);

/** A dry run cannot try what comes next. */
enum { RUN_UNTRIED = 1 };

/**
 * Runs what comes next as one batch, up to a migration that must run alone. 0;
 * RUN_UNTRIED; -1 with what stopped it told and recorded.
 */
int run_batch(struct job *j, struct err *err);

/** Waits before the next try, longer each time; 0, -1 with the patience at an end. */
int pause_for_lock(struct job *j, struct err *err);

/** Says how long the lock was tried for. */
void hint_patience(const struct job *j, struct err *err);

/** The lock between runners is another's: 0 when it was waited for, -1. */
int wait_for_runner(struct job *j, struct err *err);

/** A session of its own for each migration, where none can be put back. 0 or -1. */
int renew_session(struct job *j, struct err *err);

/** Writes `started`. 0, 1 when the log has grown, and was read again; -1. */
int write_started(struct job *j, struct work *w, struct err *err);

/** It has taken effect: settles it. 0 or -1. */
int settle_done(struct job *j, struct work *w, const struct db_report *report,
		const char *reason, struct err *err);

/** Judges a migration that is run in batches, by its text alone. 0 or -1. */
int check_backfill(struct job *j, struct work *w, struct err *err);

/** Runs the next migration, which is run in batches, or goes on with it. 0 or -1. */
int run_backfill(struct job *j, struct err *err);

/** Runs the next migration, which cannot run in a transaction, or goes on with it. */
int run_alone(struct job *j, struct err *err);

/**
 * After a COMMIT of records alone without an answer: connects again, waits for the
 * old session and reads the log. 0 with `*found` the newest of the records that
 * `w` was to write, NULL when it is not there or there were none; -1 (ERR_UNCERTAIN).
 */
int find_lost(struct job *j, const struct work *w, const struct record **found,
	      struct err *err);

/**
 * After a COMMIT without an answer: connects again, waits for the old session and
 * reads what became of `nr` migrations. Those that were committed are done. 0 when
 * it is known; -1 (ERR_UNCERTAIN) when the database could not be asked.
 */
int settle_lost(struct job *j, struct work *works, size_t nr, struct err *err);

/**
 * As settle_lost() for `nr` that were committed, behind which one failed as `err` says
 * and ended the connection. 0: they are done, and that failure is what is left to meet.
 */
int settle_unseen(struct job *j, struct work *works, size_t nr, struct err *err);

#endif
