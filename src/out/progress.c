#include "base/compat.h"

#include "base/text.h"
#include <time.h>

#include "out/progress.h"
#include "out/term.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

FILE *progress_stream(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 ? stderr : NULL;
}

/* Seconds since it began, when it is time to show it; else -1. */
static double due(struct progress *p)
{
	const double delay = 2, pause = 0.1;
	double t;

	if (!p->to)
		return -1;
	t = now();
	if (p->began == 0)
		p->began = t;
	if (t - p->began < delay || t - p->shown < pause)
		return -1;
	p->shown = t;
	p->visible = true;
	return t - p->began;
}

void progress_show(struct progress *p, const char *what, size_t nr)
{
	if (due(p) < 0)
		return;
	fprintf(p->to, "\r%s: %zu", what, nr);
	fflush(p->to);
}

void progress_bytes(struct progress *p, const char *what, uint64_t done, uint64_t of,
		    unsigned statements)
{
	const double mega = 1e6;
	double seconds = due(p), rate;
	unsigned left;

	if (seconds < 0)
		return;
	rate = (double)done / seconds;
	fprintf(p->to, "\r\033[K");
	term_print(p->to, what);
	fprintf(p->to, ": %.1f of %.1f MB, %u statement%s, %.1f MB/s",
		(double)done / mega, (double)of / mega, statements, plural(statements),
		rate / mega);
	left = done && done < of ? (unsigned)((double)(of - done) / rate) : 0;
	if (left)
		fprintf(p->to, ", %u:%02u left", left / 60, left % 60);
	fflush(p->to);
}

void progress_rows(struct progress *p, const char *what, uint64_t done, uint64_t of,
		   const char *note)
{
	bool begins = p->began == 0;
	double seconds = due(p), rate;
	unsigned left;

	if (begins)
		p->first = done;
	if (seconds < 0)
		return;
	rate = (double)(done - p->first) / seconds;
	fprintf(p->to, "\r\033[K");
	term_print(p->to, what);
	fprintf(p->to, ": %" PRIu64, done);
	if (of > done)
		fprintf(p->to, " of about %" PRIu64, of);
	fprintf(p->to, " rows, %.0f rows/s", rate);
	left = rate > 0 && of > done ? (unsigned)((double)(of - done) / rate) : 0;
	if (left)
		fprintf(p->to, ", %u:%02u left", left / 60, left % 60);
	if (note) {
		fprintf(p->to, "; ");
		term_print(p->to, note);
	}
	fflush(p->to);
}

void progress_end(struct progress *p)
{
	if (p->visible)
		fputs("\r\033[K", p->to);
	p->visible = false;
	p->began = 0;
}
