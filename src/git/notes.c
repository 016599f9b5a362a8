#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/pool.h"
#include "base/text.h"
#include "base/vec.h"
#include "git/cache.h"
#include "git/config.h"
#include "git/history.h"
#include "git/internal.h"
#include "git/notes.h"
#include "git/pack.h"
#include "git/tree.h"

enum {
	NOTE_MAX = 64 << 20,
	NOTES_MAX = 256 << 20, /* bytes of all of them */
	ENTRIES_MAX = 2000000, /* tree entries: a few objects can spell out any number */
	MODE_NOTE = 0100644,
	FOLDERS = 256,
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

	if (repo_commit(r, &c, commit, err) < 0)
		return -1;
	from_git(tree, git_commit_tree_id(c));
	git_commit_free(c);
	return 0;
}

static void sort_set(struct note_set *set)
{
	if (set->nr > 1)
		qsort(set->items, set->nr, sizeof(*set->items), cmp_note);
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
	sort_set(set);
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

	if (repo_load(r, err) < 0)
		return -1;
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

/* The root of a notes tree: its folders, by the two digits that they are named. */
struct root {
	struct oid folders[FOLDERS]; /* zero: there is none */
	bool other;		     /* it has more than such folders, or none */
	struct note_set set; /* with `other` all notes, else those of one folder */
};

/* What one call of notes_append does. */
struct writer {
	struct repo *repo;
	struct pack *pack;
	bool added; /* a line that was not there */
};

/* The folders as they are named in the root; false when that holds anything else. */
static bool take_folders(git_odb_object *raw, struct root *root)
{
	struct tree_entry e;
	unsigned char first;
	size_t at = 0;
	int more;

	while ((more = tree_next(raw, &at, &e)) > 0) {
		if (e.mode != 040000 || e.name_len != 2 || !hex_is_lower(e.name, 2) ||
		    hex_decode(e.name, &first, 1) < 0 ||
		    !oid_is_zero(&root->folders[first]))
			return false;
		root->folders[first] = e.id;
	}
	return more == 0;
}

/* Reads what the folders are; all notes where it has another form than we write. */
static int open_root(struct repo *r, const struct oid *tip, struct root *root,
		     struct err *err)
{
	git_odb_object *raw = NULL;
	struct oid tree;

	if (oid_is_zero(tip))
		return 0;
	if (commit_tree(r, tip, &tree, err) < 0 ||
	    repo_read(r, &raw, &tree, GIT_OBJECT_TREE, err) != 0)
		return -1;
	root->other = !take_folders(raw, root);
	git_odb_object_free(raw);
	if (!root->other)
		return 0;
	memset(root->folders, 0, sizeof(root->folders));
	return load_set(r, tip, &root->set, err);
}

/* The notes of one folder, the only ones in the set then. */
static int open_folder(struct repo *r, struct root *root, unsigned char first,
		       struct err *err)
{
	char prefix[OID_HEXSZ + 1];

	root->set.nr = 0;
	if (oid_is_zero(&root->folders[first]))
		return 0;
	hex_encode(&first, 1, prefix);
	if (collect(r, &root->folders[first], prefix, 2, &root->set, err) < 0)
		return -1;
	sort_set(&root->set);
	return 0;
}

static bool has_line(const struct buf *text, const char *line)
{
	size_t len = strlen(line);
	const char *hit = buf_str(text);

	while ((hit = strstr(hit, line)) != NULL) {
		if ((hit == text->s || hit[-1] == '\n') && hit[len] == '\n')
			return true;
		hit++;
	}
	return false;
}

/*
 * Writes one note: the old text with the new lines behind it. A mixture of fanouts
 * can hold two notes of one object; git joins their texts, and so is it done here.
 */
static int write_note(struct writer *w, const struct note *notes, size_t nr_notes,
		      const struct note_line *lines, size_t nr_lines, struct oid *out,
		      struct err *err)
{
	struct buf text = BUF_INIT;
	size_t bytes = 0, i;
	int ret = -1;

	for (i = 0; i < nr_notes; i++) {
		if (read_note(w->repo, &notes[i].blob, &text, &bytes, err) < 0)
			goto out;
		if (text.len && text.s[text.len - 1] != '\n')
			buf_addc(&text, '\n');
	}
	for (i = 0; i < nr_lines; i++) {
		if (has_line(&text, lines[i].line))
			continue;
		buf_adds(&text, lines[i].line);
		buf_addc(&text, '\n');
		w->added = true;
	}
	if (text.len > NOTE_MAX)
		err_set(err, ERR_FATAL, "a note has grown over %d bytes", NOTE_MAX);
	else
		ret = pack_add(w->pack, GIT_OBJECT_BLOB, buf_str(&text), text.len, out,
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

static void add_entry(struct buf *tree, unsigned mode, const char *name, size_t len,
		      const struct oid *id)
{
	buf_addf(tree, "%o ", mode);
	buf_add(tree, name, len);
	buf_addc(tree, '\0');
	buf_add(tree, id->id, OID_RAWSZ);
}

/* What a folder is made of: notes that stand there, and lines to put into them. */
struct content {
	const struct note *notes;
	size_t nr_notes;
	const struct note_line *lines;
	size_t nr_lines;
};

/* Takes all of the object that comes first away from `c`. */
static struct content take_object(struct content *c, struct oid *object)
{
	struct content one = { .notes = c->notes, .lines = c->lines };

	if (!c->nr_lines ||
	    (c->nr_notes && oid_cmp(&c->notes[0].object, &c->lines[0].object) <= 0))
		*object = c->notes[0].object;
	else
		*object = c->lines[0].object;
	for (; c->nr_notes && oid_eq(&c->notes->object, object); c->nr_notes--) {
		c->notes++;
		one.nr_notes++;
	}
	for (; c->nr_lines && oid_eq(&c->lines->object, object); c->nr_lines--) {
		c->lines++;
		one.nr_lines++;
	}
	return one;
}

/* A folder of 38-digit names. */
static int write_folder(struct writer *w, struct content c, struct oid *out,
			struct err *err)
{
	struct buf tree = BUF_INIT;
	char hex[OID_HEXSZ + 1];
	struct oid object, blob;
	struct content one;
	int ret = -1;

	while (c.nr_notes || c.nr_lines) {
		one = take_object(&c, &object);
		if (one.nr_notes == 1 && !one.nr_lines)
			blob = one.notes->blob;
		else if (write_note(w, one.notes, one.nr_notes, one.lines, one.nr_lines,
				    &blob, err) < 0)
			goto out;
		add_entry(&tree, MODE_NOTE, oid_hex(&object, hex) + 2, OID_HEXSZ - 2,
			  &blob);
	}
	ret = pack_add(w->pack, GIT_OBJECT_TREE, tree.s, tree.len, out, err);
out:
	buf_release(&tree);
	return ret;
}

/*
 * Writes the folders into which lines come; the others stay what they are, unread.
 * Where the tree has another form all are written.
 */
static int write_folders(struct writer *w, struct root *root,
			 const struct note_line *lines, size_t nr, struct err *err)
{
	const struct note *end = root->set.items + root->set.nr;
	struct content c = { .lines = lines, .notes = root->set.items };
	unsigned first;

	for (first = 0; first < FOLDERS; first++) {
		c.lines += c.nr_lines;
		for (c.nr_lines = 0; c.lines + c.nr_lines < lines + nr &&
				     c.lines[c.nr_lines].object.id[0] == first;)
			c.nr_lines++;
		if (root->other) {
			c.notes += c.nr_notes;
			for (c.nr_notes = 0; c.notes + c.nr_notes < end &&
					     c.notes[c.nr_notes].object.id[0] == first;)
				c.nr_notes++;
		} else if (c.nr_lines) {
			if (open_folder(w->repo, root, (unsigned char)first, err) < 0)
				return -1;
			c.notes = root->set.items;
			c.nr_notes = root->set.nr;
		} else {
			continue;
		}
		if ((c.nr_notes || c.nr_lines) &&
		    write_folder(w, c, &root->folders[first], err) < 0)
			return -1;
	}
	return 0;
}

static int write_root(struct writer *w, const struct root *root, struct oid *out,
		      struct err *err)
{
	struct buf tree = BUF_INIT;
	unsigned char first;
	char hex[3];
	unsigned i;
	int ret;

	for (i = 0; i < FOLDERS; i++) {
		if (oid_is_zero(&root->folders[i]))
			continue;
		first = (unsigned char)i;
		hex_encode(&first, 1, hex);
		add_entry(&tree, 040000, hex, 2, &root->folders[i]);
	}
	ret = pack_add(w->pack, GIT_OBJECT_TREE, buf_str(&tree), tree.len, out, err);
	buf_release(&tree);
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
	ret = pack_add(w->pack, GIT_OBJECT_COMMIT, text.s, text.len, out, err);
out:
	git_signature_free(now);
	buf_release(&text);
	buf_release(&who);
	return ret;
}

/* Whether commits of notes are to be signed: migrate.signNotes, else commit.gpgSign. */
static bool wants_signature(struct repo *r)
{
	return config_bool(r->config, "migrate.signnotes",
			   config_bool(r->config, "commit.gpgsign", false));
}

/* By git itself, with the user's own key and program. What it points at is there. */
static int sign_commit(struct repo *r, const struct oid *tree,
		       const struct notes_commit *where, const char *message,
		       struct oid *out, struct err *err)
{
	char tree_hex[OID_HEXSZ + 1], base[OID_HEXSZ + 1], merged[OID_HEXSZ + 1];
	const char *args[9] = { "commit-tree", "-S" };
	struct buf input = BUF_INIT, id = BUF_INIT, said = BUF_INIT;
	size_t nr = 2;
	int status;

	if (!oid_is_zero(where->base)) {
		args[nr++] = "-p";
		args[nr++] = oid_hex(where->base, base);
	}
	if (!oid_is_zero(where->merged)) {
		args[nr++] = "-p";
		args[nr++] = oid_hex(where->merged, merged);
	}
	args[nr] = oid_hex(tree, tree_hex);
	buf_adds(&input, message);
	status = repo_git_asking(r, args, &input, &id, &said, err);
	if (status > 0 || (status == 0 && oid_parse(out, buf_str(&id), OID_HEXSZ) < 0)) {
		status = git_failed(err, "commit-tree -S", &said);
		err_hint(err, "sign",
			 "The records are safe in the tracker. \"git config "
			 "migrate.signNotes false\" writes them without a signature.");
	}
	buf_release(&input);
	buf_release(&id);
	buf_release(&said);
	return status;
}

/* Packs what was written, with a commit of it. */
static int finish_commit(struct writer *w, const struct oid *tree,
			 const struct notes_commit *where, const char *message,
			 struct oid *out, struct err *err)
{
	if (wants_signature(w->repo))
		return pack_finish(w->pack, err) < 0
			       ? -1
			       : sign_commit(w->repo, tree, where, message, out, err);
	return write_commit(w, tree, where, message, out, err) < 0
		       ? -1
		       : pack_finish(w->pack, err);
}

int notes_append(struct repo *r, const char *ref, const struct notes_commit *where,
		 const struct note_line *lines, size_t nr, const char *message,
		 struct err *err)
{
	struct note_line *sorted = xcalloc(nr + 1, sizeof(*sorted));
	struct writer w = { .repo = r, .pack = pack_new(r) };
	struct root root = { 0 };
	struct oid tree, commit;
	int ret = -1;

	if (nr) { /* a merge brings none, nor what its message is written for */
		memcpy(sorted, lines, nr * sizeof(*sorted));
		qsort(sorted, nr, sizeof(*sorted), cmp_line);
	}
	if (repo_load(r, err) < 0 || open_root(r, where->base, &root, err) < 0 ||
	    write_folders(&w, &root, sorted, nr, err) < 0)
		goto out;
	if (nr && !w.added && oid_is_zero(where->merged)) {
		ret = 0;
		goto out;
	}
	if (write_root(&w, &root, &tree, err) < 0 ||
	    finish_commit(&w, &tree, where, message, &commit, err) < 0)
		goto out;
	FAULT_POINT("packed");
	ret = repo_swap_ref(r, ref, where->tip, &commit, "migrate: records", err);
	if (ret == 0)
		history_keep_trailers(r, &commit, message);
	FAULT_POINT("mirrored");
out:
	pack_free(w.pack);
	free(sorted);
	free(root.set.items);
	return ret;
}

int notes_forward(struct repo *r, const char *ref, const struct oid *tip,
		  const struct oid *base, struct err *err)
{
	if (oid_eq(tip, base))
		return 0;
	return repo_swap_ref(r, ref, tip, base, "migrate: fast-forward", err);
}

bool notes_kept(struct repo *r, const char *target, struct buf *out)
{
	return cache_mirror(r, target, out);
}

void notes_keep(struct repo *r, const char *target, const struct buf *index)
{
	cache_keep_mirror(r, target, index);
}
