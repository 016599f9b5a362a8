/* The sections of a scenario, one after the other. */
#include "base/compat.h"

#include "base/err.h"
#include "flow/stage.h"
#include "sql/query.h"
#include "sql/split.h"

static const char *name_of(const struct stage *s, const struct scenario_part *part)
{
	if (part->title[0])
		return pool_printf(&s->r->pool, "[%s: %s]", scenario_word(part->kind),
				   part->title);
	return pool_printf(&s->r->pool, "[%s] on line %u", scenario_word(part->kind),
			   part->line);
}

/* Says where in the scenario an error is. */
static int at_place(const struct stage *s, struct err *err)
{
	struct buf name = BUF_INIT;

	if (err->code == ERR_INTERRUPTED)
		return -1;
	scenario_path(&name, stage_migration(s));
	if (err->line)
		err_wrap(err, "%s/%s:%u:%u", s->r->plan.folder, name.s, err->line,
			 err->column);
	else
		err_wrap(err, "%s/%s", s->r->plan.folder, name.s);
	buf_release(&name);
	return -1;
}

static bool is_asked(const struct scenario_part *part)
{
	return part->kind == SCENARIO_WRONG || part->kind == SCENARIO_CHECK;
}

static int no_query(const struct stage *s, const struct scenario_part *part,
		    const struct sql_statement *st, struct err *err)
{
	err_set(err, ERR_REFUSED, "this is no query, and holds whatever it does");
	err_detail(err, "It stands in %s.", name_of(s, part));
	err_hint(err, "scenario",
		 "Ask for what is to hold with SELECT, VALUES, TABLE, SHOW or PRAGMA. "
		 "What must run stands in a section [failure] where it fails without "
		 "the fix, in [seed] where it prepares, and in compat/ where it is what "
		 "running code does.");
	err->line = st->line;
	err->column = st->column;
	return at_place(s, err);
}

/* What cannot be split says so when it is run. */
static int check_queries(const struct stage *s, const struct scenario_part *part,
			 struct err *err)
{
	struct err ignored = { 0 };
	struct sql_statement st;
	struct sql_split split;
	int ret = 0, rc = sql_split_init(&split, part->sql, strlen(part->sql), &ignored);

	while (rc == 0 && ret == 0 && sql_split_next(&split, &st, &ignored) > 0)
		if (!sql_is_query(&st))
			ret = no_query(s, part, &st, err);
	sql_split_close(&split);
	return ret;
}

int stage_check_parts(struct stage *s, struct err *err)
{
	const struct scenario *sc = &s->r->scenario;
	size_t i;

	for (i = 0; i < sc->nr; i++)
		if (is_asked(&sc->parts[i]) && check_queries(s, &sc->parts[i], err) < 0)
			return -1;
	return 0;
}

/* Runs one: 0; 1: it failed, -1: it makes no sense. */
static int run_part(struct stage *s, const struct scenario_part *part, struct buf *rows,
		    struct err *err)
{
	struct buf name = BUF_INIT;
	struct db_script script = { .sql = part->sql, .len = strlen(part->sql) };
	int ret;

	scenario_path(&name, stage_migration(s));
	script.name = name.s;
	ret = scratch_run(&s->scratch, &script,
			  part->kind == SCENARIO_SEED ? SCRATCH_KEEP : SCRATCH_UNDO, rows,
			  err);
	buf_release(&name);
	return ret < 0 ? at_place(s, err) : ret;
}

static void end_part(struct stage *s, const struct scenario_part *part, const char *said)
{
	stage_end(s, (struct rehearse_done){ .what = part->title,
					     .line = part->line,
					     .said = said ? pool_strdup(&s->r->pool, said)
							  : NULL });
}

int stage_seed(struct stage *s, struct err *err)
{
	const struct scenario *sc = &s->r->scenario;
	size_t i;
	int ret;

	for (i = 0; i < sc->nr; i++) {
		if (sc->parts[i].kind != SCENARIO_SEED)
			continue;
		stage_begin(s, REHEARSE_SEED);
		ret = run_part(s, &sc->parts[i], NULL, err);
		if (ret != 0)
			return ret > 0 ? at_place(s, err) : -1;
		end_part(s, &sc->parts[i], NULL);
	}
	return 0;
}

static int differs(struct stage *s, const struct scenario_part *part, const char *rows,
		   struct err *err)
{
	err_set(err, ERR_REFUSED, "%s does not hold", name_of(s, part));
	err_detail(err, "It gives\n%s\nand should give\n%s", rows[0] ? rows : "no rows",
		   part->rows[0] ? part->rows : "no rows");
	err_hint(err, "rehearse",
		 "Mend the migration, or the scenario where that is wrong; commit, and "
		 "rehearse again.");
	return -1;
}

/* Behind the fix it works, and gives the rows that are asked for. */
static int must_hold(struct stage *s, const struct scenario_part *part, struct err *err)
{
	bool asks = is_asked(part);
	struct buf rows = BUF_INIT;
	int ret = run_part(s, part, asks ? &rows : NULL, err);

	if (ret > 0) {
		err_wrap(err, "%s %s", name_of(s, part),
			 part->kind == SCENARIO_CHECK ? "does not run"
						      : "still fails behind the fix");
		ret = at_place(s, err);
	} else if (ret == 0 && asks && strcmp(buf_str(&rows), part->rows) != 0) {
		ret = differs(s, part, buf_str(&rows), err);
	}
	buf_release(&rows);
	return ret;
}

static int no_failure(struct stage *s, const struct scenario_part *part, struct err *err)
{
	err_set(err, ERR_REFUSED,
		part->kind == SCENARIO_WRONG ? "%s holds without the fix"
					     : "%s does not fail without the fix",
		name_of(s, part));
	err_hint(err, "rehearse",
		 "A fix shows what it is worth against the failure that it mends: write "
		 "one that '%s' really causes.",
		 stage_path(s, s->r->has_original ? s->r->original : s->r->pos));
	return -1;
}

/* Before the fix it fails, or gives other rows. */
static int must_fail(struct stage *s, const struct scenario_part *part, struct err *err)
{
	struct buf rows = BUF_INIT;
	struct err why = { 0 };
	int ret = run_part(s, part, part->kind == SCENARIO_WRONG ? &rows : NULL, &why);

	if (ret < 0)
		*err = why;
	else if (ret == 0 && (part->kind == SCENARIO_FAILURE ||
			      strcmp(buf_str(&rows), part->rows) == 0))
		ret = no_failure(s, part, err);
	else
		end_part(s, part, ret > 0 ? why.message : NULL);
	buf_release(&rows);
	return ret < 0 ? -1 : 0;
}

int stage_failures(struct stage *s, struct err *err)
{
	const struct scenario *sc = &s->r->scenario;
	const struct scenario_part *part;
	size_t i;

	for (i = 0; i < sc->nr; i++) {
		part = &sc->parts[i];
		if (part->kind != SCENARIO_FAILURE && part->kind != SCENARIO_WRONG)
			continue;
		stage_begin(s, REHEARSE_FAILURE);
		if (must_fail(s, part, err) < 0)
			return -1;
	}
	return 0;
}

int stage_checks(struct stage *s, struct err *err)
{
	const struct scenario *sc = &s->r->scenario;
	const struct scenario_part *part;
	size_t i;

	for (i = 0; i < sc->nr; i++) {
		part = &sc->parts[i];
		if (part->kind == SCENARIO_SEED)
			continue;
		stage_begin(s, part->kind == SCENARIO_CHECK ? REHEARSE_CHECK
							    : REHEARSE_WORKS);
		if (must_hold(s, part, err) < 0)
			return -1;
		end_part(s, part, NULL);
	}
	return 0;
}
