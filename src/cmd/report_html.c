#include "base/compat.h"

#include "base/clock.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/report_print.h"
#include "out/html.h"

/* Marks of a timeline stand at so many places; what falls together is drawn once. */
enum { PLACES = 980, MARGIN = 10 };

static void cell(FILE *to, const char *label, const char *class, const char *text)
{
	fprintf(to, "<td data-label=\"%s\"%s%s%s>", label, class[0] ? " class=\"" : "",
		class, class[0] ? "\"" : "");
	html_text(to, text);
	fputs("</td>", to);
}

static void number_cell(FILE *to, const char *label, uint64_t n)
{
	fprintf(to, "<td class=\"n\" data-label=\"%s\">%" PRIu64 "</td>", label, n);
}

/* A head that begins with '#' stands over numbers. */
static void begin_table(FILE *to, const char *caption, const char *const *heads)
{
	fputs("<div class=\"wide\"><table class=\"cards\">", to);
	html_element(to, "caption", "", caption);
	fputs("\n<thead><tr>", to);
	for (; *heads; heads++)
		fprintf(to, "<th scope=\"col\"%s>%s</th>",
			**heads == '#' ? " class=\"n\"" : "", *heads + (**heads == '#'));
	fputs("</tr></thead>\n<tbody>\n", to);
}

static void end_table(FILE *to)
{
	fputs("</tbody></table></div>\n", to);
}

static void print_head(const struct report *r, const char *now, FILE *to)
{
	html_begin(to, "Migrations: what ran where, and what fixed what");
	fputs("<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header>\n"
	      "<h1>Migrations: what ran where, and what fixed what</h1>\n<p>",
	      to);
	fprintf(to,
		"Plan of commit <code>%s</code>, %zu migration%s. Made on "
		"<time>%s</time> "
		"from git notes; no database was asked.",
		r->head, r->log.plan.nr, plural(r->log.plan.nr), now);
	if (r->filter.since)
		fprintf(to, " Records since <time>%s</time>.", r->filter.since);
	if (r->filter.until)
		fprintf(to, " Records until <time>%s</time>.", r->filter.until);
	fputs("</p>\n</header>\n<nav aria-label=\"Sections\"><ul>\n"
	      "<li><a href=\"#targets\">Targets</a></li>\n"
	      "<li><a href=\"#incidents\">What went wrong</a></li>\n"
	      "<li><a href=\"#fixes\">Fixes</a></li>\n"
	      "<li><a href=\"#failures\">Failed attempts</a></li>\n"
	      "<li><a href=\"#exceptions\">Exceptions</a></li>\n"
	      "<li><a href=\"#proofs\">Rehearsals and drills</a></li>\n"
	      "<li><a href=\"#runs\">Timelines</a></li>\n"
	      "<li><a href=\"#verify\">How to verify this</a></li>\n"
	      "</ul></nav>\n<main id=\"main\">\n",
	      to);
}

/* Before anybody relies on it. */
static void print_broken(const struct report *r, FILE *to)
{
	size_t i;

	for (i = 0; i < r->log.nr_targets; i++) {
		const struct log_target *t = &r->log.targets[i];

		if (!t->broken || !report_has(r, t))
			continue;
		fputs("<p role=\"alert\"><strong class=\"bad\">The mirror of ", to);
		html_element(to, "span", "id", t->name);
		fputs(" is not one chain: what is told of it may be wrong.</strong> ",
		      to);
		html_text(to, t->broken);
		fputs("</p>\n", to);
	}
}

static void print_targets(const struct report *r, FILE *to)
{
	static const char *const heads[] = { "Target",	    "#In force",
					     "#Pending",    "#Faults live",
					     "Last record", "Head",
					     NULL };
	const struct record *last;
	struct report_counts n;
	size_t i;

	fputs("<section id=\"targets\"><h2>Targets</h2>\n", to);
	begin_table(to, "As their mirrors in this clone have it.", heads);
	for (i = 0; i < r->log.nr_targets; i++) {
		const struct log_target *t = &r->log.targets[i];

		if (!report_has(r, t))
			continue;
		n = report_count(r, t);
		last = ledger_last(&t->ledger);
		fputs("<tr>", to);
		cell(to, "Target", "name", t->name);
		number_cell(to, "In force", n.in_force);
		number_cell(to, "Pending", n.pending);
		fprintf(to, "<td class=\"n%s\" data-label=\"Faults live\">%zu</td>",
			n.open_faults ? " bad" : "", n.open_faults);
		cell(to, "Last record", "t", last ? last->field[FIELD_AT] : "-");
		cell(to, "Head", "id", last ? last->hash : "-");
		fputs("</tr>\n", to);
	}
	end_table(to);
	print_broken(r, to);
	fputs("</section>\n", to);
}

static void print_median(const struct report *r, enum incident_kind kind,
			 const char *what, FILE *to)
{
	int64_t median = report_median(r, kind);
	char text[DURATION_TEXT];

	if (median >= 0)
		fprintf(to, "<li>%s: half of them took no longer than %s.</li>\n", what,
			report_duration(median, text));
}

static void print_incident(const struct incident *i, FILE *to)
{
	char text[DURATION_TEXT];

	fputs("<tr>", to);
	cell(to, "Began", "t", i->began->field[FIELD_AT]);
	cell(to, "Target", "name", i->target->name);
	fputs("<td data-label=\"What\">", to);
	html_element(to, "code", "", i->path);
	fprintf(to, " %s", report_kind(i->kind));
	if (i->failures > 1)
		fprintf(to, " (%zu times)", i->failures);
	if (i->began->field[FIELD_SQLSTATE]) {
		fputs(", error ", to);
		html_element(to, "code", "", i->began->field[FIELD_SQLSTATE]);
	}
	fputs("</td><td data-label=\"Mended by\">", to);
	if (i->fix) {
		html_element(to, "code", "", i->fix);
		if (i->failure_mode) {
			fputs("<br>", to);
			html_element(to, "span", "dim", i->failure_mode);
		}
	} else {
		fputs(i->ended ? "the file, before it was applied" : "-", to);
	}
	fprintf(to, "</td><td class=\"%s\" data-label=\"After\">%s</td></tr>\n",
		i->ended ? "good" : "bad", report_duration(i->seconds, text));
}

static void print_incidents(const struct report *r, FILE *to)
{
	static const char *const heads[] = { "Began",	  "Target", "What",
					     "Mended by", "After",  NULL };
	size_t i;

	fputs("<section id=\"incidents\"><h2>What went wrong, and how long it took to "
	      "mend</h2>\n",
	      to);
	if (!r->nr_incidents) {
		fputs("<p>Nothing that is known here.</p></section>\n", to);
		return;
	}
	fputs("<ul>\n", to);
	print_median(r, INCIDENT_FAILED, "From a failed attempt to success", to);
	print_median(r, INCIDENT_FAULT,
		     "From a wrong migration's coming into force to its fix", to);
	fputs("</ul>\n", to);
	begin_table(to, "Newest first; what is open has not been mended on that target.",
		    heads);
	for (i = 0; i < r->nr_incidents; i++)
		print_incident(&r->incidents[i], to);
	end_table(to);
	fputs("</section>\n", to);
}

static void print_migration(const struct report *r, size_t pos, FILE *to)
{
	const struct migration *m = &r->log.plan.items[pos];
	const char *mode = trailers_get(&m->trailers, TRAILER_FAILURE_MODE);
	char commit[SHORT_ID + 1], when[CLOCK_TEXT];

	html_element(to, "code", "", m->path);
	fputs(" ", to);
	html_text(to, m->subject);
	clock_text(m->when, when);
	fprintf(to, " <span class=\"dim\"><code>%s</code> ",
		cmd_short_id(&m->commit, commit));
	html_text(to, m->author);
	fprintf(to, ", %.10s</span>", when);
	if (mode) {
		fputs("<br><span class=\"dim\">failure mode: ", to);
		html_text(to, mode);
		fputs("</span>", to);
	}
}

static void print_tree(const struct report *r, size_t pos, FILE *to)
{
	const struct fix *fixes;
	bool any = false;
	size_t i, nr;

	fputs("<li>", to);
	print_migration(r, pos, to);
	fixes = fixes_of(&r->log.fixes, pos, &nr);
	for (i = 0; i < nr; i++) {
		if (r->log.fixes.under[fixes[i].fix] != (ssize_t)pos)
			continue;
		fputs(any ? "" : "\n<ul>\n", to);
		any = true;
		print_tree(r, fixes[i].fix, to);
	}
	fputs(any ? "</ul></li>\n" : "</li>\n", to);
}

static void print_fixes(const struct report *r, FILE *to)
{
	size_t i, nr, shown = 0;

	fputs("<section id=\"fixes\"><h2>Fixes, under what they fix</h2>\n", to);
	for (i = 0; i < r->log.plan.nr; i++) {
		fixes_of(&r->log.fixes, i, &nr);
		if (!nr || r->log.fixes.under[i] >= 0)
			continue;
		fputs(shown++ ? "" : "<ul class=\"tree\">\n", to);
		print_tree(r, i, to);
	}
	fputs(shown ? "</ul></section>\n"
		    : "<p>No migration fixes another.</p></section>\n",
	      to);
}

static void print_records(const char *id, const char *title, const char *none,
			  const struct report_record *records, size_t nr, FILE *to)
{
	static const char *const heads[] = { "When", "Target",	"What", "By",
					     "Why",  "#Record", NULL };
	char what[WHAT_TEXT];
	size_t i;

	fprintf(to, "<section id=\"%s\"><h2>%s</h2>\n", id, title);
	if (!nr) {
		fprintf(to, "<p>%s</p></section>\n", none);
		return;
	}
	begin_table(to, "Newest first, target by target.", heads);
	for (i = 0; i < nr; i++) {
		const struct record *one = records[i].record;
		const char *sqlstate = one->field[FIELD_SQLSTATE];

		fputs("<tr>", to);
		cell(to, "When", "t", one->field[FIELD_AT]);
		cell(to, "Target", "name", records[i].target->name);
		fprintf(to, "<td data-label=\"What\">%s ",
			report_what(&records[i], what));
		if (one->field[FIELD_PATH])
			html_element(to, "code", "", one->field[FIELD_PATH]);
		fputs("</td>", to);
		cell(to, "By", "", one->field[FIELD_BY]);
		cell(to, "Why", "",
		     one->field[FIELD_REASON] ? one->field[FIELD_REASON]
		     : sqlstate		      ? sqlstate
					      : "-");
		number_cell(to, "Record", one->seq);
		fputs("</tr>\n", to);
	}
	end_table(to);
	fputs("</section>\n", to);
}

static void print_proofs(const struct report *r, FILE *to)
{
	static const char *const heads[] = { "What",	 "Migration", "Result",
					     "Noted on", "Note",      NULL };
	char id[SHORT_ID + 1];
	size_t i;

	fputs("<section id=\"proofs\"><h2>Rehearsals and drills</h2>\n", to);
	if (!r->proofs.nr) {
		fputs("<p>None is noted here.</p></section>\n", to);
		return;
	}
	begin_table(to, "As notes tell of them: statements of whoever could push them.",
		    heads);
	for (i = 0; i < r->proofs.nr; i++) {
		const struct proof *p = &r->proofs.items[i];

		fputs("<tr>", to);
		cell(to, "What", "", p->kind);
		cell(to, "Migration", "name", p->path ? p->path : "-");
		cell(to, "Result", "", p->result ? p->result : "-");
		cell(to, "Noted on", "id", cmd_short_id(&p->object, id));
		cell(to, "Note", "id", p->line);
		fputs("</tr>\n", to);
	}
	end_table(to);
	fputs("</section>\n", to);
}

enum mark { MARK_APPLIED, MARK_FAILED, MARK_OTHER, MARK_NR };

static enum mark mark_of(enum event e)
{
	return e == EVENT_APPLIED  ? MARK_APPLIED
	       : e == EVENT_FAILED ? MARK_FAILED
				   : MARK_OTHER;
}

static void draw_mark(enum mark mark, unsigned x, FILE *to)
{
	if (mark == MARK_APPLIED)
		fprintf(to, "<circle class=\"applied\" cx=\"%u\" cy=\"18\" r=\"4\"/>", x);
	else if (mark == MARK_FAILED)
		fprintf(to, "<path class=\"failed\" d=\"M%u 31l8 8m0-8l-8 8\"/>", x - 4);
	else
		fprintf(to,
			"<rect class=\"other\" x=\"%u\" y=\"48\" width=\"7\" "
			"height=\"7\"/>",
			x - 3);
}

/* When each record was, left to right, a row for each kind. */
static void draw_timeline(const struct report *r, const struct log_target *t, FILE *to)
{
	unsigned char seen[PLACES + 1][MARK_NR] = { { 0 } };
	int64_t first = -1, last = -1, at;
	size_t i, count[MARK_NR] = { 0 };
	unsigned place;
	enum mark mark;

	for (i = 0; i < t->nr_story; i++) {
		if (!log_in_time(&r->filter, t->story[i]) ||
		    clock_parse(t->story[i]->field[FIELD_AT], &at) < 0)
			continue;
		first = first < 0 || at < first ? at : first;
		last = at > last ? at : last;
		count[mark_of(t->story[i]->event)]++;
	}
	if (first < 0)
		return;
	fprintf(to,
		"<svg viewBox=\"0 0 %d 60\" preserveAspectRatio=\"none\" role=\"img\" "
		"aria-label=\"%zu applied, %zu failed, %zu other records\">"
		"<path class=\"axis\" d=\"M0 18h%dM0 35h%dM0 52h%d\"/>\n",
		PLACES + 2 * MARGIN, count[MARK_APPLIED], count[MARK_FAILED],
		count[MARK_OTHER], PLACES + 2 * MARGIN, PLACES + 2 * MARGIN,
		PLACES + 2 * MARGIN);
	for (i = 0; i < t->nr_story; i++) {
		if (!log_in_time(&r->filter, t->story[i]) ||
		    clock_parse(t->story[i]->field[FIELD_AT], &at) < 0)
			continue;
		place = last == first
				? 0
				: (unsigned)((at - first) * PLACES / (last - first));
		mark = mark_of(t->story[i]->event);
		if (!seen[place][mark])
			draw_mark(mark, MARGIN + place, to);
		seen[place][mark] = 1;
	}
	fputs("</svg>\n<p class=\"dim\">Rows: applied (dots), failed (crosses), all else "
	      "(squares).</p>\n",
	      to);
}

static void print_ran(const struct record *end, FILE *to)
{
	fprintf(to, "<span class=\"dim\">ended after %s ms", end->field[FIELD_MS]);
	if (end->field[FIELD_SCHEMA]) {
		fputs(", schema ", to);
		html_element(to, "code", "", end->field[FIELD_SCHEMA]);
	}
	fputs("</span>", to);
}

static void print_event(const struct record *one, const struct record *end, FILE *to)
{
	int64_t ms;

	fprintf(to, "<span class=\"%s\">%s</span>",
		one->event == EVENT_FAILED ? "bad" : "good", event_name(one->event));
	if (!one->field[FIELD_PATH])
		return;
	fputs(" ", to);
	html_element(to, "code", "", one->field[FIELD_PATH]);
	ms = report_share(end, one->field[FIELD_PATH]);
	if (ms >= 0)
		fprintf(to, " <span class=\"dim\">%" PRId64 " ms</span>", ms);
}

static void print_run(const struct report_run *run, FILE *to)
{
	const struct record *end = report_end(run);
	const struct record *by = log_lost_by(run->target, run->records[0]);
	size_t i;

	fputs("<tr>", to);
	cell(to, "Began", "t", run->records[0]->field[FIELD_AT]);
	cell(to, "By", "", run->records[0]->field[FIELD_BY]);
	fputs("<td data-label=\"What\">", to);
	for (i = 0; i < run->nr; i++) {
		fputs(i ? "<br>" : "", to);
		if (run->records[i] == end)
			print_ran(end, to);
		else
			print_event(run->records[i], end, to);
	}
	if (by)
		fprintf(to,
			"<br><span class=\"bad\">lost: %s</span> <span class=\"dim\">"
			"record %" PRIu64 "</span>",
			event_name(by->event), by->seq);
	fputs("</td>", to);
	number_cell(to, "Records from", run->records[0]->seq);
	fputs("</tr>\n", to);
}

static void print_runs(const struct report *r, FILE *to)
{
	static const char *const heads[] = { "Began", "By", "What", "Records from",
					     NULL };
	size_t i;

	fputs("<section id=\"runs\"><h2>Timelines</h2>\n", to);
	for (i = 0; i < r->nr_runs; i++) {
		const struct log_target *t = r->runs[i].target;

		if (i == 0 || r->runs[i - 1].target != t) {
			html_element(to, "h3", "id", t->name);
			fputs("\n", to);
			draw_timeline(r, t, to);
			begin_table(to, "Runs, newest first.", heads);
		}
		print_run(&r->runs[i], to);
		if (i + 1 == r->nr_runs || r->runs[i + 1].target != t)
			end_table(to);
	}
	fputs("</section>\n", to);
}

static void print_verification(const struct report *r, FILE *to)
{
	size_t i;

	fputs("<section id=\"verify\"><h2>How to verify this</h2>\n"
	      "<p>Each record is one line of text and names the SHA-256 of the line "
	      "before "
	      "it. With a clone, and nothing but git, a shell and sha256sum:</p>\n<pre>",
	      to);
	fputs("git fetch origin "
	      "&quot;refs/notes/migrate/*:refs/notes/origin/migrate/*&quot;\n"
	      "git log --notes=origin/migrate/default     # the records on their "
	      "commits\n"
	      "git migrate audit --offline                # chain, plan and mirror\n",
	      to);
	fputs("</pre>\n<p>git-migrate-records(5) prints the few lines of shell that "
	      "compute "
	      "the chain without this tool. It must end in these heads:</p>\n<ul>\n",
	      to);
	for (i = 0; i < r->log.nr_targets; i++) {
		const struct record *last = ledger_last(&r->log.targets[i].ledger);

		if (!last || !report_has(r, &r->log.targets[i]))
			continue;
		fputs("<li>", to);
		html_element(to, "span", "id", r->log.targets[i].name);
		fprintf(to, ": record %" PRIu64 " <code>%s</code></li>\n", last->seq,
			last->hash);
	}
	fputs("</ul></section>\n", to);
}

void report_print_html(const struct report *r, const char *now, FILE *to)
{
	print_head(r, now, to);
	print_targets(r, to);
	print_incidents(r, to);
	print_fixes(r, to);
	print_records("failures", "Failed attempts",
		      "None that is known here: each was rolled back.", r->failures,
		      r->nr_failures, to);
	print_records("exceptions", "Exceptions, and who answers for them", "None.",
		      r->exceptions, r->nr_exceptions, to);
	print_proofs(r, to);
	print_runs(r, to);
	print_verification(r, to);
	fputs("</main>\n", to);
	html_end(to);
}
