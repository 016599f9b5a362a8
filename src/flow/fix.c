#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "core/contract.h"
#include "core/message.h"
#include "flow/fix.h"
#include "flow/tables.h"
#include "flow/target.h"
#include "git/repo.h"

enum { MORE_MAX = 20 }; /* names in one comment */

static const char *path_of(const struct fix_draft *d)
{
	return d->log.plan.items[d->pos].path;
}

/* --- what may be fixed ------------------------------------------------- */

/* Whether a target has a record of it that says one of these. */
static bool has_record(const struct fix_draft *d, bool (*says)(enum event e))
{
	const struct record *const *records;
	size_t i, k, nr;

	for (i = 0; i < d->log.nr_targets; i++) {
		records = log_records(&d->log.targets[i], path_of(d), &nr);
		for (k = 0; k < nr; k++)
			if (!log_lost_by(&d->log.targets[i], records[k]) &&
			    says(records[k]->event))
				return true;
	}
	return false;
}

static bool says_run(enum event e)
{
	return event_settles(e) || e == EVENT_STARTED;
}

static bool says_failed(enum event e)
{
	return e == EVENT_FAILED;
}

static int check_final(const struct fix_draft *d, struct repo *repo, struct err *err)
{
	int landed = has_record(d, says_run) ? 1 : tables_landed(repo, path_of(d), err);
	char hex[OID_HEXSZ + 1];

	if (landed)
		return landed < 0 ? -1 : 0;
	err_set(err, ERR_REFUSED, "migration '%s' is free to change: it needs no fix",
		path_of(d));
	err_detail(err, "It has not landed, and no mirror at hand says that it ran.");
	err_hint(err, "amend",
		 "Edit it, and put that into the commit that brings it: git commit "
		 "--amend, or git commit --fixup=%.12s and git rebase --autosquash.",
		 oid_hex(&d->log.plan.items[d->pos].commit, hex));
	return -1;
}

static int find(struct fix_draft *d, const char *named, struct err *err)
{
	struct resolution r;

	plan_resolve(&d->log.plan, d->log.plan.nr, named, &r);
	d->pos = r.pos;
	if (r.how == RESOLVE_FOUND)
		return 0;
	err_set(err, ERR_REFUSED,
		r.how == RESOLVE_MANY ? "'%s' names more than one migration"
				      : "'%s' names no migration of the plan",
		named);
	err_hint(err, "noMigration", "\"git migrate plan\" lists them.");
	return -1;
}

/* --- what went wrong --------------------------------------------------- */

/* Hints which kinds there are. Returns -1. */
static int hint_kinds(struct err *err)
{
	struct buf words = BUF_INIT;
	size_t i;

	for (i = 0; i < TROUBLE_NR; i++)
		buf_addf(&words, "%s%s", i ? ", " : "",
			 sql_trouble_word((enum sql_trouble_kind)i));
	err_hint(err, "kind", "Say it with --kind=<kind>: %s.", words.s);
	buf_release(&words);
	return -1;
}

/* Whether it is the contract of a lossy type, and has not run on the target yet. */
static bool is_stopped_contract(struct fix_draft *d, const char *target)
{
	const struct log_target *mirror = log_target(&d->log, target);
	const struct ledger_entry *e = mirror ? ledger_find(&mirror->ledger, path_of(d))
					      : NULL;
	struct sql_remedy r = d->remedy;

	if ((e && e->settled) || !is_contract(&d->log.plan.items[d->pos].trailers))
		return false;
	r.now = &d->after;
	if (!sql_remedy_find_rest(&r))
		return false;
	d->remedy = r;
	return true;
}

/* Its kind, said or worked out. */
static int judge(struct fix_draft *d, const char *wanted, enum sql_trouble_kind *out,
		 struct err *err)
{
	enum sql_trouble_kind kind;
	struct sql_trouble t;
	bool found = false;
	size_t i;

	if (wanted && sql_trouble_parse(wanted, out) == 0)
		return 0;
	if (wanted) {
		err_set(err, ERR_USAGE, "'%s' is no kind of trouble", wanted);
		return hint_kinds(err);
	}
	for (i = 0; i < TROUBLE_NR; i++) {
		kind = (enum sql_trouble_kind)i;
		if (!sql_trouble_find(&d->before, &d->after, kind, &t))
			continue;
		d->others[i] = found;
		if (!found)
			*out = kind;
		found = true;
	}
	if (found)
		return 0;
	err_set(err, ERR_REFUSED,
		"the SQL of migration '%s' does not tell what went wrong", path_of(d));
	return hint_kinds(err);
}

/* Where the SQL tells nothing of the kind there is one to be filled in. */
static int choose(struct fix_draft *d, const struct fix_options *o, struct err *err)
{
	enum sql_trouble_kind kind;

	if (o->nth < 1) {
		err_set(err, ERR_USAGE, "--nth counts from 1");
		err_hint(err, "usage", "\"git migrate fix -h\" lists the options.");
		return -1;
	}
	if (judge(d, o->kind, &kind, err) < 0)
		return -1;
	d->nth = (size_t)o->nth - 1;
	if (sql_trouble_find_nth(&d->before, &d->after, kind, d->nth,
				 &d->remedy.trouble) ||
	    d->nth == 0)
		return 0;
	err_set(err, ERR_REFUSED,
		"the SQL of migration '%s' tells of fewer than %d of %s", path_of(d),
		o->nth, sql_trouble_word(kind));
	err_hint(err, "more", "Leave --nth out: what is written then names the others.");
	return -1;
}

static int choose_engine(struct fix_draft *d, struct repo *repo,
			 const struct fix_options *o, struct err *err)
{
	const struct db_driver *driver;
	const char *url;

	if (o->engine) {
		d->remedy.sqlite = strcmp(o->engine, "sqlite") == 0;
		if (d->remedy.sqlite || strcmp(o->engine, "postgresql") == 0)
			return 0;
		err_set(err, ERR_USAGE, "'%s' is no engine", o->engine);
		err_hint(err, "usage", "It is sqlite or postgresql.");
		return -1;
	}
	if (target_url(repo, o->target, &url, err) < 0)
		return -1;
	driver = db_driver_for(url, err);
	d->remedy.sqlite = driver == &db_sqlite;
	return driver ? 0 : -1;
}

static int read_batch(struct fix_draft *d, struct err *err)
{
	struct sql_remedy *r = &d->remedy;
	const struct directive *how;
	size_t i;

	if (plan_describe(&d->log.plan, d->pos, err) < 0)
		return -1;
	for (i = 0; i < d->log.plan.items[d->pos].how.nr; i++) {
		how = &d->log.plan.items[d->pos].how.items[i];
		if (strcasecmp(how->word, "batch") == 0)
			r->batched = true;
		else if (strcasecmp(how->word, "table") == 0)
			r->batch.table = how->value;
		else if (strcasecmp(how->word, "key") == 0)
			r->batch.key = how->value;
		else if (strcasecmp(how->word, "size") == 0)
			r->batch.size = how->value;
	}
	return 0;
}

static int read_tables(struct fix_draft *d, struct repo *repo, const char *target,
		       struct err *err)
{
	const struct log_target *mirror = log_target(&d->log, target);
	struct tables t = { .repo = repo, .plan = &d->log.plan };
	const struct ledger none = { 0 };
	int ret = tables_begin(&t, mirror ? &mirror->ledger : &none, d->pos, err);

	d->before.sqlite = d->after.sqlite = d->now.sqlite = d->remedy.sqlite;
	if (ret == 0)
		ret = tables_read(&t, d->pos, &d->before, err);
	if (ret == 0)
		ret = tables_read(&t, d->pos + 1, &d->after, err);
	if (ret == 0)
		ret = tables_read(&t, t.plan->nr, &d->now, err);
	tables_end(&t);
	return ret;
}

int fix_read(struct repo *repo, const struct fix_options *o, struct fix_draft *out,
	     struct err *err)
{
	bool may_stop;

	memset(out, 0, sizeof(*out));
	out->remedy.before = &out->before;
	out->remedy.now = &out->now;
	if (log_read(repo, NULL, &out->log, err) < 0 || find(out, o->migration, err) < 0)
		return -1;
	/* it may be free to change, and its own words still name this command */
	may_stop = !o->kind && has_record(out, says_failed);
	if ((!may_stop && check_final(out, repo, err) < 0) ||
	    choose_engine(out, repo, o, err) < 0 || read_batch(out, err) < 0 ||
	    read_tables(out, repo, o->target, err) < 0)
		return -1;
	out->replaces = !o->kind && is_stopped_contract(out, o->target);
	if (out->replaces)
		return 0;
	return may_stop && check_final(out, repo, err) < 0 ? -1 : choose(out, o, err);
}

void fix_release(struct fix_draft *d)
{
	sql_catalog_release(&d->before);
	sql_catalog_release(&d->after);
	sql_catalog_release(&d->now);
	log_release(&d->log);
}

/* --- what is written --------------------------------------------------- */

/* A name with a line break would end a comment. */
static void add_plain(const char *name, struct buf *out)
{
	for (; *name; name++)
		buf_addc(out, (unsigned char)*name < ' ' ? ' ' : *name);
}

/* "t.b (--nth=2)". */
static void add_one(const struct sql_trouble *t, size_t nr, struct buf *out)
{
	if (t->table)
		add_plain(t->table, out);
	if (t->column) {
		buf_addc(out, '.');
		add_plain(t->column, out);
	}
	buf_adds(out, " (");
	if (t->constraint || t->index) {
		buf_adds(out, t->index ? "index " : "");
		add_plain(t->index ? t->index : t->constraint, out);
		buf_adds(out, ", ");
	}
	buf_addf(out, "--nth=%zu)", nr + 1);
}

void fix_add_more(const struct fix_draft *d, struct buf *out)
{
	enum sql_trouble_kind kind = d->remedy.trouble.kind;
	struct sql_trouble t;
	size_t nr;

	for (nr = 0; nr <= MORE_MAX; nr++) {
		if (!sql_trouble_find_nth(&d->before, &d->after, kind, nr, &t))
			return;
		if (nr == d->nth)
			continue;
		buf_adds(out, out->len ? ", " : "");
		add_one(&t, nr, out);
	}
	buf_adds(out, ", ...");
}

static void write_more(const struct fix_draft *d, struct buf *out)
{
	struct buf more = BUF_INIT;

	fix_add_more(d, &more);
	if (more.len)
		buf_addf(out,
			 "-- The same is true of %s, which this does not mend yet.\n",
			 more.s);
	buf_release(&more);
}

/* What it waits for is what that one does. */
static void write_replacement(const struct fix_draft *d, const char *name,
			      struct buf *out)
{
	const struct trailers *t = &d->log.plan.items[d->pos].trailers;
	size_t i;

	buf_addf(out, "-- %s\n--\n-- Supersedes: %s\n-- Phase: contract\n", name,
		 path_of(d));
	for (i = 0; i < t->nr; i++)
		if (t->items[i].key == TRAILER_PAIRS_WITH ||
		    t->items[i].key == TRAILER_REQUIRES ||
		    t->items[i].key == TRAILER_NOT_BEFORE)
			buf_addf(out, "-- %s: %s\n", trailer_name(t->items[i].key),
				 t->items[i].value);
	buf_adds(out, "-- Data-Loss: the values of the column that has the wrong type\n"
		      "-- Reversal: none; it is the end of the recovery\n--\n");
	sql_remedy_step(&d->remedy, STEP_FIRST, out);
}

void fix_write(const struct fix_draft *d, const char *name, struct buf *out)
{
	enum sql_trouble_kind kind = d->remedy.trouble.kind;

	if (d->replaces) {
		write_replacement(d, name, out);
		return;
	}
	buf_addf(out,
		 "-- %s\n"
		 "--\n"
		 "-- Fixes: %s\n"
		 "-- Failure-Mode: %s\n"
		 "-- Reversal: %s\n"
		 "--\n"
		 "-- %s: %s.\n",
		 name, path_of(d), FAILURE_MODE_PLACEHOLDER, sql_remedy_reversal(kind),
		 sql_trouble_word(kind), sql_trouble_clause(kind));
	write_more(d, out);
	sql_remedy_step(&d->remedy, STEP_FIRST, out);
}

bool fix_write_step(const struct fix_draft *d, enum remedy_step step,
		    const char *requires, struct buf *out)
{
	struct buf sql = BUF_INIT;
	bool some = sql_remedy_step(&d->remedy, step, &sql);

	if (some)
		buf_addf(out,
			 "-- Fixes: %s\n"
			 "-- Failure-Mode: %s\n"
			 "-- Requires: %s\n%s",
			 path_of(d), FAILURE_MODE_PLACEHOLDER, requires, buf_str(&sql));
	buf_release(&sql);
	return some;
}

/* In one commit names decide what comes first, unless a header requires another. */
bool fix_write_contract(const struct fix_draft *d, const char *name, const char *partner,
			struct buf *out)
{
	struct sql_remedy r = d->remedy;
	struct buf sql = BUF_INIT;
	const char *loss;
	bool some;

	r.file = name;
	some = sql_remedy_contract(&r, &sql, &loss);

	if (some)
		buf_addf(out,
			 "-- Phase: contract\n"
			 "-- Pairs-With: %s\n"
			 "-- Requires: %s\n"
			 "-- Data-Loss: %s\n"
			 "-- Reversal: none; it is the end of the recovery\n"
			 "--\n%s",
			 partner, partner, loss, buf_str(&sql));
	buf_release(&sql);
	return some;
}
