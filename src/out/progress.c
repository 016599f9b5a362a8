#include "base/compat.h"

#include <time.h>

#include "out/progress.h"

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

void progress_show(struct progress *p, const char *what, size_t nr)
{
	const double delay = 2, pause = 0.1;
	double t;

	if (!p->to)
		return;
	t = now();
	if (p->began == 0)
		p->began = t;
	if (t - p->began < delay || t - p->shown < pause)
		return;
	fprintf(p->to, "\r%s: %zu", what, nr);
	fflush(p->to);
	p->shown = t;
	p->visible = true;
}

void progress_end(struct progress *p)
{
	if (p->visible)
		fputs("\r\033[K", p->to);
	p->visible = false;
	p->began = 0;
}
