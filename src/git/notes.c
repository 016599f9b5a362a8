#include "base/compat.h"

#include <git2/sys/mempack.h>
#include <git2/sys/odb_backend.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/pool.h"
#include "base/text.h"
#include "base/vec.h"
#include "git/internal.h"
#include "git/notes.h"
#include "git/tree.h"

enum {
	NOTE_MAX = 64 << 20,
	NOTES_MAX = 256 << 20, /* bytes of all of them */
	ENTRIES_MAX = 2000000, /* tree entries: a few objects can spell out any number */
	MODE_NOTE = 0100644,
};

/* One note blob, by the object that it is about. */
struct note {
	struct oid object;
	struct oid blob;
};

struct note_set {
	struct note *items; /* by object */
	size_t nr, alloc;
	size_t seen; /* tree entries */
};

static int cmp_note(const void *a, const void *b)
{
	const struct note *x = a, *y = b;

	return oid_cmp(&x->object, &y->object);
}

/* A folder of two hex digits. */
static bool is_fanout(const struct tree_entry *e)
{
	unsigned char byte;

	return e->name_len == 2 && hex_decode(e->name, &byte, 1) == 0;
}

/*
 * Collects the notes below a tree whose folders spelt `prefix`: any mixture of
 * fanouts. What is no note (git allows other files there) is not carried over.
 */
static int collect(struct repo *r, const struct oid *tree, char *prefix, size_t len,
		   struct note_set *set, struct err *err)
{
	git_odb_object *raw = NULL;
	struct tree_entry e;
	size_t at = 0;
	int more, ret = -1;

	if (repo_read(r, &raw, tree, GIT_OBJECT_TREE, err) != 0)
		return -1;
	while ((more = tree_next(raw, &at, &e)) > 0) {
		if (++set->seen > ENTRIES_MAX) {
			err_set(err, ERR_FATAL, "the notes have more than %d entries",
				ENTRIES_MAX);
			goto out;
		}
		if (e.mode == 040000 && is_fanout(&e) && len + 2 < OID_HEXSZ) {
			memcpy(prefix + len, e.name, 2);
			if (collect(r, &e.id, prefix, len + 2, set, err) < 0)
				goto out;
		} else if ((e.mode & 0170000) == 0100000 &&
			   len + e.name_len == OID_HEXSZ) {
			memcpy(prefix + len, e.name, e.name_len);
			VEC_GROW(set->items, set->nr, set->alloc);
			if (oid_parse(&set->items[set->nr].object, prefix, OID_HEXSZ) < 0)
				continue;
			set->items[set->nr++].blob = e.id;
		}
	}
	if (more < 0) {
		err_set(err, ERR_FATAL, "a tree of the notes is malformed");
		goto out;
	}
	ret = 0;
out:
	git_odb_object_free(raw);
	return ret;
}

static int commit_tree(struct repo *r, const struct oid *commit, struct oid *tree,
		       struct err *err)
{
	git_commit *c = NULL;
	char hex[OID_HEXSZ + 1];

	if (git_commit_lookup(&c, r->git, to_git(commit)) < 0)
		return repo_err(err, "could not read notes commit %s",
				oid_hex(commit, hex));
	from_git(tree, git_commit_tree_id(c));
	git_commit_free(c);
	return 0;
}

static int load_set(struct repo *r, const struct oid *tip, struct note_set *set,
		    struct err *err)
{
	char prefix[OID_HEXSZ + 1];
	struct oid tree;

	if (oid_is_zero(tip))
		return 0;
	if (commit_tree(r, tip, &tree, err) < 0 ||
	    collect(r, &tree, prefix, 0, set, err) < 0)
		return -1;
	if (set->nr > 1)
		qsort(set->items, set->nr, sizeof(*set->items), cmp_note);
	return 0;
}

/*
 * Appends a note's text; a partial clone fetches it. `*bytes` adds up the sizes,
 * judged before reading where the object is at hand.
 */
static int read_note(struct repo *r, const struct oid *blob, struct buf *out,
		     size_t *bytes, struct err *err)
{
	size_t before = out->len, size = 0;
	git_object_t type;

	if (git_odb_read_header(&size, &type, r->odb, to_git(blob)) < 0)
		size = 0;
	if (size <= NOTE_MAX && *bytes + size <= NOTES_MAX) {
		if (repo_read_blob(r, blob, out, err) != 0)
			return -1;
		size = out->len - before;
	}
	*bytes += size;
	if (size <= NOTE_MAX && *bytes <= NOTES_MAX)
		return 0;
	return err_set(err, ERR_FATAL, "the notes hold more than %d bytes", NOTES_MAX);
}

/* Appends the lines of one note to `out`. */
static int read_lines(struct repo *r, const struct note *note, struct pool *pool,
		      struct notes *out, size_t *alloc, size_t *bytes, struct err *err)
{
	struct buf text = BUF_INIT;
	const char *data, *end, *lf;

	if (read_note(r, &note->blob, &text, bytes, err) < 0) {
		buf_release(&text);
		return -1;
	}
	data = buf_str(&text);
	for (end = data + text.len; data < end; data = lf + 1) {
		lf = memchr(data, '\n', (size_t)(end - data));
		if (!lf)
			lf = end;
		if (lf == data)
			continue;
		VEC_GROW(out->lines, out->nr, *alloc);
		out->lines[out->nr].object = note->object;
		out->lines[out->nr++].line = pool_strndup(pool, data,
							  (size_t)(lf - data));
	}
	buf_release(&text);
	return 0;
}

int notes_read_at(struct repo *r, const struct oid *tip, struct pool *pool,
		  struct notes *out, struct err *err)
{
	struct note_set set = { 0 };
	struct note_line *kept;
	size_t alloc = 0, bytes = 0, i;
	int ret = -1;

	memset(out, 0, sizeof(*out));
	out->tip = *tip;
	if (load_set(r, tip, &set, err) < 0)
		goto out;
	for (i = 0; i < set.nr; i++)
		if (read_lines(r, &set.items[i], pool, out, &alloc, &bytes, err) < 0)
			goto out;
	ret = 0;
out:
	kept = pool_alloc(pool, (out->nr + 1) * sizeof(*kept));
	if (out->nr)
		memcpy(kept, out->lines, out->nr * sizeof(*kept));
	free(out->lines);
	out->lines = kept;
	free(set.items);
	return ret;
}

/* Objects in memory until they are written as one pack. */
struct writer {
	struct repo *repo;
	git_odb_backend *memory; /* a backend of the repository's odb */
	struct oid *written;	 /* what the pack is made of */
	size_t nr, alloc;
};

/* A backend cannot be taken out of an odb again: one is kept with the repository. */
static int open_memory(struct writer *w, struct err *err)
{
	git_odb_backend *memory = NULL;

	if (!w->repo->memory) {
		if (git_mempack_new(&memory) < 0 ||
		    git_odb_add_backend(w->repo->odb, memory, 999) < 0) {
			if (memory)
				memory->free(memory);
			return repo_err(err, "could not make room for notes");
		}
		w->repo->memory = memory;
	}
	w->memory = w->repo->memory;
	return 0;
}

static int write_object(struct writer *w, git_object_t type, const void *data, size_t len,
			struct oid *out, struct err *err)
{
	git_oid id;

	if (git_odb_hash(&id, data, len, type) < 0)
		return repo_err(err, "could not write a note");
	from_git(out, &id);
	if (git_odb_exists_ext(w->repo->odb, &id, GIT_ODB_LOOKUP_NO_REFRESH))
		return 0; /* a folder that did not change */
	if (w->memory->write(w->memory, &id, data, len, type) < 0)
		return repo_err(err, "could not write a note");
	VEC_GROW(w->written, w->nr, w->alloc);
	w->written[w->nr++] = *out;
	return 0;
}

/* The note's old text with the new lines behind it. */
static int extend_note(struct writer *w, struct note *note, const struct note_line *lines,
		       size_t nr, bool *changed, struct err *err)
{
	struct buf text = BUF_INIT;
	size_t bytes = 0;
	size_t i, len;
	const char *hit;
	int ret = -1;

	if (!oid_is_zero(&note->blob)) {
		if (read_note(w->repo, &note->blob, &text, &bytes, err) < 0)
			goto out;
		if (text.len && text.s[text.len - 1] != '\n')
			buf_addc(&text, '\n');
	}
	for (i = 0; i < nr; i++) {
		len = strlen(lines[i].line);
		hit = buf_str(&text);
		while ((hit = strstr(hit, lines[i].line)) != NULL) {
			if ((hit == text.s || hit[-1] == '\n') && hit[len] == '\n')
				break;
			hit++;
		}
		if (hit)
			continue;
		buf_adds(&text, lines[i].line);
		buf_addc(&text, '\n');
		*changed = true;
	}
	if (text.len > NOTE_MAX)
		err_set(err, ERR_FATAL, "a note has grown over %d bytes", NOTE_MAX);
	else
		ret = write_object(w, GIT_OBJECT_BLOB, text.s, text.len, &note->blob,
				   err);
out:
	buf_release(&text);
	return ret;
}

static int cmp_line(const void *a, const void *b)
{
	const struct note_line *x = a, *y = b;
	int order = oid_cmp(&x->object, &y->object);

	return order ? order : strcmp(x->line, y->line);
}

/*
 * A mixture of fanouts can hold two notes of one object; git joins their texts,
 * and a tree with both would be malformed.
 */
static int join_doubles(struct writer *w, struct note_set *set, struct err *err)
{
	struct buf text = BUF_INIT;
	size_t i, k, kept = 0, bytes = 0;
	int ret = -1;

	for (i = 0; i < set->nr; i = k) {
		for (k = i + 1;
		     k < set->nr && cmp_note(&set->items[i], &set->items[k]) == 0;)
			k++;
		set->items[kept++] = set->items[i];
		if (k == i + 1)
			continue;
		buf_reset(&text);
		for (; i < k; i++) {
			if (read_note(w->repo, &set->items[i].blob, &text, &bytes, err) <
			    0)
				goto out;
			if (text.len && text.s[text.len - 1] != '\n')
				buf_addc(&text, '\n');
		}
		if (write_object(w, GIT_OBJECT_BLOB, buf_str(&text), text.len,
				 &set->items[kept - 1].blob, err) < 0)
			goto out;
	}
	set->nr = kept;
	ret = 0;
out:
	buf_release(&text);
	return ret;
}

/* Puts the lines into the notes of their objects; the set is sorted again. */
static int merge_lines(struct writer *w, struct note_set *set,
		       const struct note_line *lines, size_t nr, bool *changed,
		       struct err *err)
{
	struct note_line *sorted = xcalloc(nr + 1, sizeof(*sorted));
	size_t known = set->nr, i, k; /* the sorted part: each object comes up once */
	struct note key = { 0 }, *note;
	int ret = -1;

	memcpy(sorted, lines, nr * sizeof(*sorted));
	qsort(sorted, nr, sizeof(*sorted), cmp_line);
	for (i = 0; i < nr; i = k) {
		for (k = i + 1; k < nr && oid_eq(&sorted[k].object, &sorted[i].object);)
			k++;
		key.object = sorted[i].object;
		note = known ? bsearch(&key, set->items, known, sizeof(key), cmp_note)
			     : NULL;
		if (!note) {
			VEC_GROW(set->items, set->nr, set->alloc);
			note = &set->items[set->nr++];
			*note = key;
		}
		if (extend_note(w, note, sorted + i, k - i, changed, err) < 0)
			goto out;
	}
	if (set->nr > 1)
		qsort(set->items, set->nr, sizeof(*set->items), cmp_note);
	ret = 0;
out:
	free(sorted);
	return ret;
}

static void add_entry(struct buf *tree, unsigned mode, const char *name, size_t len,
		      const struct oid *id)
{
	buf_addf(tree, "%o ", mode);
	buf_add(tree, name, len);
	buf_addc(tree, '\0');
	buf_add(tree, id->id, OID_RAWSZ);
}

/* A root of 2-digit folders that hold 38-digit names. */
static int write_tree(struct writer *w, const struct note_set *set, struct oid *out,
		      struct err *err)
{
	struct buf root = BUF_INIT, sub = BUF_INIT;
	char hex[OID_HEXSZ + 1];
	struct oid id;
	size_t i = 0;
	int ret = -1;
	unsigned char first;

	while (i < set->nr) {
		first = set->items[i].object.id[0];
		buf_reset(&sub);
		for (; i < set->nr && set->items[i].object.id[0] == first; i++) {
			oid_hex(&set->items[i].object, hex);
			add_entry(&sub, MODE_NOTE, hex + 2, OID_HEXSZ - 2,
				  &set->items[i].blob);
		}
		if (write_object(w, GIT_OBJECT_TREE, sub.s, sub.len, &id, err) < 0)
			goto out;
		add_entry(&root, 040000, hex, 2, &id);
	}
	ret = write_object(w, GIT_OBJECT_TREE, buf_str(&root), root.len, out, err);
out:
	buf_release(&root);
	buf_release(&sub);
	return ret;
}

static int write_commit(struct writer *w, const struct oid *tree,
			const struct notes_commit *where, const char *message,
			struct oid *out, struct err *err)
{
	struct buf text = BUF_INIT, who = BUF_INIT;
	git_signature *now = NULL;
	char hex[OID_HEXSZ + 1];
	int ret = -1;

	repo_identity(w->repo, &who);
	if (git_signature_now(&now, "x", "x") < 0) {
		repo_err(err, "could not read the clock");
		goto out;
	}
	buf_addf(&who, " %lld %c%02d%02d", (long long)now->when.time,
		 now->when.offset < 0 ? '-' : '+', abs(now->when.offset) / 60,
		 abs(now->when.offset) % 60);
	buf_addf(&text, "tree %s\n", oid_hex(tree, hex));
	if (!oid_is_zero(where->base))
		buf_addf(&text, "parent %s\n", oid_hex(where->base, hex));
	if (!oid_is_zero(where->merged))
		buf_addf(&text, "parent %s\n", oid_hex(where->merged, hex));
	buf_addf(&text, "author %s\ncommitter %s\n\n%s", who.s, who.s, message);
	ret = write_object(w, GIT_OBJECT_COMMIT, text.s, text.len, out, err);
out:
	git_signature_free(now);
	buf_release(&text);
	buf_release(&who);
	return ret;
}

/* One pack of what this run wrote: old notes are in a pack already. */
static int write_pack(struct writer *w, struct err *err)
{
	git_odb_writepack *pack = NULL;
	git_indexer_progress progress = { 0 };
	git_packbuilder *builder = NULL;
	git_buf bytes = GIT_BUF_INIT;
	int code, ret = -1;
	size_t i;

	code = git_packbuilder_new(&builder, w->repo->git);
	for (i = 0; i < w->nr && code == 0; i++)
		code = git_packbuilder_insert(builder, to_git(&w->written[i]), NULL);
	if (code < 0 || git_packbuilder_write_buf(&bytes, builder) < 0 ||
	    git_odb_write_pack(&pack, w->repo->odb, NULL, NULL) < 0 ||
	    pack->append(pack, bytes.ptr, bytes.size, &progress) < 0 ||
	    pack->commit(pack, &progress) < 0)
		repo_err(err, "could not write the notes as a pack");
	else
		ret = 0;
	if (pack)
		pack->free(pack);
	git_packbuilder_free(builder);
	git_buf_dispose(&bytes);
	return ret;
}

int notes_append(struct repo *r, const char *ref, const struct notes_commit *where,
		 const struct note_line *lines, size_t nr, const char *message,
		 struct err *err)
{
	struct writer w = { .repo = r };
	struct note_set set = { 0 };
	struct oid tree, commit;
	bool changed = false;
	int ret = -1;

	if (load_set(r, where->base, &set, err) < 0)
		goto out;
	if (open_memory(&w, err) < 0 || join_doubles(&w, &set, err) < 0)
		goto out;
	if (merge_lines(&w, &set, lines, nr, &changed, err) < 0)
		goto out;
	if (!changed && oid_is_zero(where->merged)) {
		ret = 0;
		goto out;
	}
	if (write_tree(&w, &set, &tree, err) < 0 ||
	    write_commit(&w, &tree, where, message, &commit, err) < 0 ||
	    write_pack(&w, err) < 0)
		goto out;
	FAULT_POINT("packed");
	ret = repo_swap_ref(r, ref, where->tip, &commit, "migrate: records", err);
	FAULT_POINT("mirrored");
out:
	if (w.memory)
		git_mempack_reset(w.memory);
	free(w.written);
	free(set.items);
	return ret;
}

int notes_forward(struct repo *r, const char *ref, const struct oid *tip,
		  const struct oid *base, struct err *err)
{
	if (oid_eq(tip, base))
		return 0;
	return repo_swap_ref(r, ref, tip, base, "migrate: fast-forward", err);
}
