#include "base/compat.h"

#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/report_print.h"
#include "out/json.h"

const char *report_duration(int64_t s, char text[DURATION_TEXT])
{
	enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

	if (s < 0)
		snprintf(text, DURATION_TEXT, "open");
	else if (s < MINUTE)
		snprintf(text, DURATION_TEXT, "%" PRId64 " s", s);
	else if (s < HOUR)
		snprintf(text, DURATION_TEXT, "%" PRId64 " min", s / MINUTE);
	else if (s < DAY)
		snprintf(text, DURATION_TEXT, "%" PRId64 " h %" PRId64 " min", s / HOUR,
			 s % HOUR / MINUTE);
	else
		snprintf(text, DURATION_TEXT, "%" PRId64 " d %" PRId64 " h", s / DAY,
			 s % DAY / HOUR);
	return text;
}

struct report_counts report_count(const struct report *r, const struct log_target *t)
{
	struct report_counts n = { 0, 0, 0 };
	const struct ledger_entry *e;
	size_t i;

	for (i = 0; i < t->ledger.nr_entries; i++) {
		e = &t->ledger.entries[i];
		n.in_force += e->settled && event_takes_effect(e->settled->event);
	}
	for (i = 0; i < r->log.plan.nr; i++) {
		e = ledger_find(&t->ledger, r->log.plan.items[i].path);
		n.pending += !e || !e->settled;
	}
	for (i = 0; i < r->nr_incidents; i++)
		n.open_faults += r->incidents[i].target == t &&
				 r->incidents[i].kind == INCIDENT_FAULT &&
				 !r->incidents[i].ended;
	return n;
}

static int cmp_seconds(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

int64_t report_median(const struct report *r, enum incident_kind kind)
{
	int64_t *all = xcalloc(r->nr_incidents + 1, sizeof(*all)), median;
	size_t i, nr = 0;

	for (i = 0; i < r->nr_incidents; i++)
		if (r->incidents[i].kind == kind && r->incidents[i].seconds >= 0)
			all[nr++] = r->incidents[i].seconds;
	if (nr > 1)
		qsort(all, nr, sizeof(*all), cmp_seconds);
	median = nr ? all[(nr - 1) / 2] : -1;
	free(all);
	return median;
}

const char *report_kind(enum incident_kind kind)
{
	return kind == INCIDENT_FAILED ? "failed" : "was wrong";
}

const char *report_what(const struct report_record *one, char text[WHAT_TEXT])
{
	const char *how = log_lost_how(one->target, one->record);

	snprintf(text, WHAT_TEXT, "%s%s%s%s", event_name(one->record->event),
		 how ? " (lost: " : "", how ? how : "", how ? ")" : "");
	return text;
}

/* --- CSV ------------------------------------------------------------------- */

/*
 * A cell that a spreadsheet would take for a formula gets a blank before it; what
 * could steer a terminal is escaped.
 */
static void csv_cell(FILE *to, const char *text, bool last)
{
	struct buf safe = BUF_INIT, cell = BUF_INIT;

	if (text && *text && strchr("=+-@", *text))
		buf_addc(&safe, ' ');
	if (text)
		text_printable(&safe, text, strlen(text), 0);
	buf_add_quoted(&cell, buf_str(&safe), safe.len, '"');
	fputs(buf_str(&cell), to);
	fputs(last ? "\r\n" : ",", to);
	buf_release(&safe);
	buf_release(&cell);
}

static const enum field csv_fields[] = { FIELD_AT,    FIELD_BY,	   FIELD_RUN,
					 FIELD_PATH,  FIELD_BLOB,  FIELD_COMMIT,
					 FIELD_HEAD,  FIELD_FIXES, FIELD_SQLSTATE,
					 FIELD_REASON };

/* How long it took: a run, or a migration by what the run's end says of it. */
static void csv_duration(FILE *to, const struct record *one, const struct record *end)
{
	const char *path = one->field[FIELD_PATH], *ms = one->field[FIELD_MS];
	int64_t share = ms || !path ? -1 : report_share(end, path);

	if (share >= 0)
		fprintf(to, "%" PRId64 ",", share);
	else
		fprintf(to, "%s,", ms ? ms : "");
}

static void csv_record(FILE *to, const struct log_target *t, const struct record *one,
		       const struct record *end)
{
	size_t i;

	csv_cell(to, t->name, false);
	fprintf(to, "%" PRIu64 ",", one->seq);
	csv_cell(to, event_name(one->event), false);
	for (i = 0; i < ARRAY_SIZE(csv_fields); i++)
		csv_cell(to, one->field[csv_fields[i]], false);
	csv_duration(to, one, end);
	csv_cell(to, one->hash, false);
	csv_cell(to, log_lost_how(t, one), true);
}

static void csv_target(const struct report *r, const struct log_target *t, FILE *to)
{
	struct report_run run;
	size_t from, i;

	for (from = 0; from < t->nr_story; from += run.nr) {
		run = report_run_at(t, from);
		for (i = 0; i < run.nr; i++)
			if (log_in_time(&r->filter, run.records[i]))
				csv_record(to, t, run.records[i], report_end(&run));
	}
}

void report_print_csv(const struct report *r, FILE *to)
{
	size_t i;

	fputs("target,seq,event", to);
	for (i = 0; i < ARRAY_SIZE(csv_fields); i++)
		fprintf(to, ",%s", field_name(csv_fields[i]));
	fputs(",ms,hash,lost\r\n", to);
	for (i = 0; i < r->log.nr_targets; i++)
		if (report_has(r, &r->log.targets[i]))
			csv_target(r, &r->log.targets[i], to);
}

/* --- Markdown -------------------------------------------------------------- */

/* One line, in which nothing is markup. */
static void md_text(FILE *to, const char *text)
{
	struct buf safe = BUF_INIT;
	size_t i;

	text_printable(&safe, text ? text : "-", text ? strlen(text) : 1, 0);
	for (i = 0; i < safe.len; i++) {
		if (strchr("\\`*_{}[]<>()#+!|~&", safe.s[i]))
			fputc('\\', to);
		fputc(safe.s[i], to);
	}
	buf_release(&safe);
}

static void md_cells(FILE *to, const char *const *cells, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		fputs("| ", to);
		md_text(to, cells[i]);
		fputc(' ', to);
	}
	fputs("|\n", to);
}

static void md_targets(const struct report *r, FILE *to)
{
	size_t i;

	fputs("## Targets\n\n| target | in force | pending | faults live | last record | "
	      "head |\n|---|---|---|---|---|---|\n",
	      to);
	for (i = 0; i < r->log.nr_targets; i++) {
		const struct log_target *t = &r->log.targets[i];
		const struct record *last = ledger_last(&t->ledger);
		struct report_counts n;

		if (!report_has(r, t))
			continue;
		n = report_count(r, t);
		fprintf(to, "| %s | %zu | %zu | %zu | %s | %s |\n", t->name, n.in_force,
			n.pending, n.open_faults, last ? last->field[FIELD_AT] : "-",
			last ? last->hash : "-");
	}
	for (i = 0; i < r->log.nr_targets; i++) {
		const struct log_target *t = &r->log.targets[i];

		if (!t->broken || !report_has(r, t))
			continue;
		fprintf(to,
			"\n**The mirror of %s is not one chain: what is told of it may "
			"be "
			"wrong.** ",
			t->name);
		md_text(to, t->broken);
		fputc('\n', to);
	}
}

static void md_incidents(const struct report *r, FILE *to)
{
	char text[DURATION_TEXT];
	size_t i;

	fputs("\n## What went wrong, and how long it took to mend\n\n", to);
	if (!r->nr_incidents) {
		fputs("Nothing that is known here.\n", to);
		return;
	}
	fputs("| began | target | what | | mended by | after |\n"
	      "|---|---|---|---|---|---|\n",
	      to);
	for (i = 0; i < r->nr_incidents; i++) {
		const struct incident *one = &r->incidents[i];
		const char *cells[] = { one->began->field[FIELD_AT],
					one->target->name,
					one->path,
					report_kind(one->kind),
					one->fix     ? one->fix
					: one->ended ? "the file itself"
						     : "-",
					report_duration(one->seconds, text) };

		md_cells(to, cells, ARRAY_SIZE(cells));
	}
}

static void md_records(const char *title, const struct report_record *records, size_t nr,
		       FILE *to)
{
	char what[WHAT_TEXT];
	size_t i;

	fprintf(to, "\n## %s\n\n", title);
	if (!nr) {
		fputs("None.\n", to);
		return;
	}
	fputs("| when | target | what | migration | by | why "
	      "|\n|---|---|---|---|---|---|\n",
	      to);
	for (i = 0; i < nr; i++) {
		const struct record *one = records[i].record;
		const char *cells[] = { one->field[FIELD_AT],
					records[i].target->name,
					report_what(&records[i], what),
					one->field[FIELD_PATH],
					one->field[FIELD_BY],
					one->field[FIELD_REASON]
						? one->field[FIELD_REASON]
						: one->field[FIELD_SQLSTATE] };

		md_cells(to, cells, ARRAY_SIZE(cells));
	}
}

static void md_proofs(const struct report *r, FILE *to)
{
	char id[SHORT_ID + 1];
	size_t i;

	fputs("\n## Rehearsals and drills\n\n", to);
	if (!r->proofs.nr) {
		fputs("None is noted here.\n", to);
		return;
	}
	fputs("| what | migration | result | noted on | note |\n|---|---|---|---|---|\n",
	      to);
	for (i = 0; i < r->proofs.nr; i++) {
		const struct proof *p = &r->proofs.items[i];
		const char *cells[] = { p->kind, p->path, p->result,
					cmd_short_id(&p->object, id), p->line };

		md_cells(to, cells, ARRAY_SIZE(cells));
	}
}

void report_print_markdown(const struct report *r, const char *now, FILE *to)
{
	fprintf(to,
		"# Migrations: what ran where, and what fixed what\n\nPlan of commit %s, "
		"%zu migrations. Made on %s from git notes.\n\n",
		r->head, r->log.plan.nr, now);
	md_targets(r, to);
	md_incidents(r, to);
	md_records("Failed attempts", r->failures, r->nr_failures, to);
	md_records("Exceptions", r->exceptions, r->nr_exceptions, to);
	md_proofs(r, to);
}

/* --- JSON ------------------------------------------------------------------ */

static struct js *json_targets(const struct report *r)
{
	struct js *all = js_array(), *one;
	size_t i;

	for (i = 0; i < r->log.nr_targets; i++) {
		const struct log_target *t = &r->log.targets[i];
		const struct record *last = ledger_last(&t->ledger);
		struct report_counts n;

		if (!report_has(r, t))
			continue;
		n = report_count(r, t);
		one = js_object();
		js_put_str(one, "target", t->name);
		js_put_str(one, "uuid", t->ledger.target);
		js_put_int(one, "in_force", (int64_t)n.in_force);
		js_put_int(one, "pending", (int64_t)n.pending);
		js_put_int(one, "open_faults", (int64_t)n.open_faults);
		js_put_int(one, "seq", last ? (int64_t)last->seq : 0);
		js_put_str(one, "head", last ? last->hash : NULL);
		js_put_str(one, "broken", t->broken);
		js_add(all, one);
	}
	return all;
}

/* What was settled or tried in a run, and how long it took where that is known. */
static struct js *json_migrations(const struct report_run *run)
{
	const struct record *end = report_end(run);
	struct js *all = js_array(), *one;
	int64_t ms;
	size_t i;

	for (i = 0; i < run->nr; i++) {
		const struct record *of = run->records[i];

		if (!event_settles(of->event) && of->event != EVENT_FAILED)
			continue;
		ms = report_share(end, of->field[FIELD_PATH]);
		one = js_object();
		js_put_str(one, "path", of->field[FIELD_PATH]);
		js_put_str(one, "event", event_name(of->event));
		js_put_int(one, "ms", of->event == EVENT_FAILED ? -1 : ms);
		js_add(all, one);
	}
	return all;
}

static struct js *json_runs(const struct report *r)
{
	struct js *all = js_array(), *one;
	size_t i;

	for (i = 0; i < r->nr_runs; i++) {
		const struct report_run *run = &r->runs[i];
		const struct record *end = report_end(run);

		one = js_object();
		js_put_str(one, "target", run->target->name);
		js_put_str(one, "run", run->records[0]->field[FIELD_RUN]);
		js_put_str(one, "by", run->records[0]->field[FIELD_BY]);
		js_put_str(one, "commit", run->records[0]->field[FIELD_HEAD]);
		js_put_str(one, "began", run->records[0]->field[FIELD_AT]);
		js_put_str(one, "ended", end ? end->field[FIELD_AT] : NULL);
		js_put_int(one, "ms",
			   end && end->field[FIELD_MS]
				   ? strtoll(end->field[FIELD_MS], NULL, 10)
				   : -1);
		js_put_str(one, "schema", end ? end->field[FIELD_SCHEMA] : NULL);
		js_put_str(one, "lost", log_lost_how(run->target, run->records[0]));
		js_put_int(one, "seq", (int64_t)run->records[0]->seq);
		js_put_int(one, "records", (int64_t)run->nr);
		js_put(one, "migrations", json_migrations(run));
		js_add(all, one);
	}
	return all;
}

static struct js *json_incidents(const struct report *r)
{
	struct js *all = js_array(), *one;
	size_t i;

	for (i = 0; i < r->nr_incidents; i++) {
		const struct incident *in = &r->incidents[i];

		one = js_object();
		js_put_str(one, "kind", in->kind == INCIDENT_FAILED ? "failed" : "fault");
		js_put_str(one, "target", in->target->name);
		js_put_str(one, "path", in->path);
		js_put_str(one, "began", in->began->field[FIELD_AT]);
		js_put_str(one, "ended", in->ended ? in->ended->field[FIELD_AT] : NULL);
		js_put_int(one, "seconds", in->seconds);
		js_put_int(one, "failures", (int64_t)in->failures);
		js_put_str(one, "fix", in->fix);
		js_put_str(one, "failure_mode", in->failure_mode);
		js_add(all, one);
	}
	return all;
}

static struct js *json_records(const struct report_record *records, size_t nr)
{
	struct js *all = js_array(), *one;
	size_t i;

	for (i = 0; i < nr; i++) {
		one = js_object();
		js_put_str(one, "target", records[i].target->name);
		js_put_str(one, "event", event_name(records[i].record->event));
		js_put_str(one, "path", records[i].record->field[FIELD_PATH]);
		js_put_str(one, "at", records[i].record->field[FIELD_AT]);
		js_put_str(one, "by", records[i].record->field[FIELD_BY]);
		js_put_str(one, "sqlstate", records[i].record->field[FIELD_SQLSTATE]);
		js_put_str(one, "reason", records[i].record->field[FIELD_REASON]);
		js_put_str(one, "lost",
			   log_lost_how(records[i].target, records[i].record));
		js_put_str(one, "record", records[i].record->line);
		js_add(all, one);
	}
	return all;
}

struct js *report_json_proofs(const struct proofs *proofs, const char *path)
{
	struct js *all = js_array(), *one;
	char hex[OID_HEXSZ + 1];
	size_t i;

	for (i = 0; i < proofs->nr; i++) {
		const struct proof *p = &proofs->items[i];

		if (path && (!p->path || strcmp(p->path, path) != 0))
			continue;
		one = js_object();
		js_put_str(one, "kind", p->kind);
		js_put_str(one, "object", oid_hex(&p->object, hex));
		js_put_str(one, "path", p->path);
		js_put_str(one, "result", p->result);
		js_put_str(one, "line", p->line);
		js_add(all, one);
	}
	return all;
}

void report_print_json(const struct report *r, const char *now, FILE *to)
{
	struct js *j = js_object();

	js_put_str(j, "commit", r->head);
	js_put_str(j, "made", now);
	js_put_int(j, "migrations", (int64_t)r->log.plan.nr);
	js_put(j, "targets", json_targets(r));
	js_put(j, "runs", json_runs(r));
	js_put(j, "incidents", json_incidents(r));
	js_put_int(j, "median_seconds_failed", report_median(r, INCIDENT_FAILED));
	js_put_int(j, "median_seconds_fault", report_median(r, INCIDENT_FAULT));
	js_put(j, "failures", json_records(r->failures, r->nr_failures));
	js_put(j, "exceptions", json_records(r->exceptions, r->nr_exceptions));
	js_put(j, "proofs", report_json_proofs(&r->proofs, NULL));
	js_print(j, to);
	js_free(j);
}
