#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/vec.h"
#include "git/folders.h"
#include "git/internal.h"

static void add_folder(struct folders *f, const char *path)
{
	enum { FOLDERS_MAX = 16 };
	size_t i;

	for (i = 0; i < f->nr; i++)
		if (strcmp(f->items[i], path) == 0)
			return;
	if (f->nr == FOLDERS_MAX)
		return;
	VEC_GROW(f->items, f->nr, f->alloc);
	f->items[f->nr++] = xstrdup(path);
}

/* The alternates that an object folder names, behind those that are there. */
static void add_alternates(struct folders *f, const char *objects)
{
	struct buf path = BUF_INIT, text = BUF_INIT;
	struct err quiet = { 0 };
	char *at, *line;

	buf_addf(&path, "%s/info/alternates", objects);
	if (file_read(path.s, 1 << 20, &text, &quiet) == 0) {
		for (at = text.s; at && *at;) {
			line = line_next(&at);
			buf_reset(&path);
			if (*line && *line != '/')
				buf_addf(&path, "%s/", objects);
			buf_adds(&path, line);
			if (*line && *line != '#')
				add_folder(f, path.s);
		}
	}
	buf_release(&path);
	buf_release(&text);
}

void folders_find(struct folders *f, const char *common_dir)
{
	struct buf own = BUF_INIT;
	size_t i;

	buf_addf(&own, "%s/objects", common_dir);
	add_folder(f, own.s);
	for (i = 0; i < f->nr; i++)
		add_alternates(f, f->items[i]);
	buf_release(&own);
}

void folders_release(struct folders *f)
{
	size_t i;

	for (i = 0; i < f->nr; i++)
		free(f->items[i]);
	free(f->items);
	memset(f, 0, sizeof(*f));
}
