#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/vec.h"
#include "git/internal.h"
#include "git/limits.h"
#include "git/notes_delta.h"
#include "git/tree.h"

struct gathering {
	struct notes_delta *out;
	bool strict;
};

void notes_delta_release(struct notes_delta *d)
{
	free(d->items);
	memset(d, 0, sizeof(*d));
}

/*
 * The object whose id the folders and the name spell: "ab/cd..." or "abcd...". Lower
 * case alone, as git writes it, or one object could have two names.
 */
static int spelt_object(const char *path, struct oid *out)
{
	char hex[OID_HEXSZ];
	size_t len = 0, part;

	for (; *path; path += part + (path[part] == '/')) {
		part = strcspn(path, "/");
		if (len + part > OID_HEXSZ || (path[part] && part != 2) ||
		    !hex_is_lower(path, part))
			return -1;
		memcpy(hex + len, path, part);
		len += part;
	}
	return len == OID_HEXSZ ? oid_parse(out, hex, len) : -1;
}

static int take_note(void *arg, const char *path, const struct tree_entry *e,
		     struct err *err)
{
	struct gathering *g = arg;
	struct note_blob note = { .blob = e->id };

	if (!tree_is_file(e) || spelt_object(path, &note.object) < 0) {
		if (!g->strict)
			return 0;
		err_set(err, ERR_REFUSED, "'%s' in its tree is no note", path);
		err_detail(err,
			   "A note is a file that is named by the id of a commit; "
			   "the mode of this one is %o.",
			   e->mode);
		return -1;
	}
	VEC_GROW(g->out->items, g->out->nr, g->out->alloc);
	g->out->items[g->out->nr++] = note;
	return 0;
}

static int root_of(struct repo *r, const struct oid *commit, struct oid *root,
		   struct err *err)
{
	git_commit *c = NULL;

	memset(root, 0, sizeof(*root));
	if (oid_is_zero(commit))
		return 0;
	if (repo_commit(r, &c, commit, err) < 0)
		return -1;
	from_git(root, git_commit_tree_id(c));
	git_commit_free(c);
	return 0;
}

static int by_object(const void *a, const void *b)
{
	const struct note_blob *x = a, *y = b;
	int order = oid_cmp(&x->object, &y->object);

	return order ? order : oid_cmp(&x->blob, &y->blob);
}

int notes_delta(struct repo *r, const struct oid *older, const struct oid *newer,
		bool strict, struct notes_delta *out, struct err *err)
{
	struct gathering g = { out, strict };
	struct oid was, now;

	if (root_of(r, older, &was, err) < 0 || root_of(r, newer, &now, err) < 0 ||
	    (!oid_is_zero(&now) && tree_changed(r, &now, &was, take_note, &g, err) < 0))
		return -1;
	if (out->nr > 1)
		qsort(out->items, out->nr, sizeof(*out->items), by_object);
	return 0;
}

int notes_text(struct repo *r, const struct oid *blob, struct buf *out, size_t *room,
	       struct err *err)
{
	char hex[OID_HEXSZ + 1];
	size_t before = out->len, size = 0;
	git_object_t type;

	if (repo_check_size(r, blob, "note", LIMIT_NOTE, err) < 0)
		return -1;
	if (git_odb_read_header(&size, &type, r->odb, to_git(blob)) == 0 && size > *room)
		return err_set(err, ERR_FATAL, "the notes hold too many bytes");
	if (repo_read_blob(r, blob, out, err) != 0)
		return err_wrap(err, "note %s", oid_hex(blob, hex));
	*room -= out->len - before < *room ? out->len - before : *room;
	return 0;
}
