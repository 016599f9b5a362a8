#include "base/compat.h"

#include "base/err.h"
#include "base/vec.h"
#include "flow/note_lines.h"
#include "git/notes_delta.h"

static int cmp_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void note_lines_release(struct note_lines *t)
{
	buf_release(&t->bytes);
	free(t->lines);
	memset(t, 0, sizeof(*t));
}

bool note_lines_have(const struct note_lines *t, const char *line)
{
	return t->nr &&
	       bsearch(&line, t->lines, t->nr, sizeof(*t->lines), cmp_line) != NULL;
}

bool note_lines_next(const struct notes_delta *gone, size_t gone_at,
		     const struct notes_delta *added, size_t added_at, struct oid *object)
{
	bool more_gone = gone_at < gone->nr, more_added = added_at < added->nr;

	if (!more_gone && !more_added)
		return false;
	if (!more_added || (more_gone && oid_cmp(&gone->items[gone_at].object,
						 &added->items[added_at].object) < 0))
		*object = gone->items[gone_at].object;
	else
		*object = added->items[added_at].object;
	return true;
}

static int cut(struct note_lines *t, size_t most, struct err *err)
{
	char *at = t->bytes.s, *end = at + t->bytes.len, *lf;

	if (t->bytes.len && memchr(at, '\0', t->bytes.len))
		return err_set(err, ERR_REFUSED, "a note has a NUL byte");
	for (; at < end; at = lf + 1) {
		lf = memchr(at, '\n', (size_t)(end - at));
		if (!lf)
			lf = end; /* where the NUL of the buffer is */
		*lf = '\0';
		if (lf == at)
			continue;
		if (t->nr == most)
			return err_set(err, ERR_FATAL,
				       "the notes of one commit have more than %zu lines",
				       most);
		VEC_GROW(t->lines, t->nr, t->alloc);
		t->lines[t->nr++] = at;
	}
	if (t->nr > 1)
		qsort(t->lines, t->nr, sizeof(*t->lines), cmp_line);
	return 0;
}

int note_lines_read(struct repo *repo, const struct notes_delta *d,
		    const struct oid *object, size_t *at, struct note_limits *most,
		    struct note_lines *out, struct err *err)
{
	for (; *at < d->nr && oid_eq(&d->items[*at].object, object); ++*at) {
		if (notes_text(repo, &d->items[*at].blob, &out->bytes, &most->left, err) <
		    0)
			return -1;
		if (out->bytes.len > most->bytes)
			return err_set(err, ERR_FATAL,
				       "the notes of one commit have more than %zu bytes",
				       most->bytes);
		buf_addc(&out->bytes, '\n'); /* the last line may lack its own */
	}
	return cut(out, most->lines, err);
}

/* All notes of the object as they are now, those included that did not change. */
static int read_all(struct repo *repo, const struct oid *tip, const struct oid *object,
		    struct note_limits *most, struct note_lines *out, struct err *err)
{
	static const struct oid none;
	struct notes_delta all = { 0 };
	size_t at = 0;
	int ret = notes_delta(repo, &none, tip, false, &all, err);

	while (at < all.nr && oid_cmp(&all.items[at].object, object) < 0)
		at++;
	if (ret == 0)
		ret = note_lines_read(repo, &all, object, &at, most, out, err);
	notes_delta_release(&all);
	return ret;
}

int note_lines_lost(struct repo *repo, const struct oid *tip, const struct oid *object,
		    const struct note_lines *was, const struct note_lines *now,
		    struct note_limits *most, const char **lost, struct err *err)
{
	struct note_lines all = { 0 };
	size_t i = 0;
	int ret = 0;

	*lost = NULL;
	while (i < was->nr && note_lines_have(now, was->lines[i]))
		i++;
	if (i < was->nr)
		ret = read_all(repo, tip, object, most, &all, err);
	for (; i < was->nr && ret == 0 && !*lost; i++)
		if (!note_lines_have(now, was->lines[i]) &&
		    !note_lines_have(&all, was->lines[i]))
			*lost = was->lines[i];
	note_lines_release(&all);
	return ret;
}
