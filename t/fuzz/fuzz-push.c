/*
 * libFuzzer target for what a hook reads of a push. The first byte selects.
 *
 *   clang -fsanitize=fuzzer,address,undefined -Isrc t/fuzz/fuzz-push.c \
 *	src/git/{tree,notes_delta}.c
 *src/core/{chain,ledger,migration,oid,paths,record,update}.c \
 *	src/base/{buf,err,guard,interrupt,io,map,pool,proc,sha256,text}.c -lnettle
 *
 * libgit2 is not in it: its objects are made of the input.
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "core/chain.h"
#include "core/update.h"
#include "git/notes_delta.h"
#include "git/tree.h"

/* its functions that take apart what git prints of .gitmigrate are static */
#include "git/config.c" /* NOLINT */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- objects instead of libgit2's ----------------------------------------------- */

enum { TREES = 10 };

/* Trees are called '0' to '9', which is the first byte of their id. */
struct git_odb_object {
	struct buf raw;
	git_oid id;
};

static struct git_odb_object trees[TREES];

const char *const GIT_ENV[] = { NULL };

const void *git_odb_object_data(git_odb_object *object)
{
	return buf_str(&object->raw);
}

size_t git_odb_object_size(git_odb_object *object)
{
	return object->raw.len;
}

const git_oid *git_odb_object_id(git_odb_object *object)
{
	return &object->id;
}

int git_odb_object_dup(git_odb_object **out, git_odb_object *object)
{
	*out = object;
	return 0;
}

void git_odb_object_free(git_odb_object *object UNUSED)
{
}

int git_oid_equal(const git_oid *a, const git_oid *b)
{
	return memcmp(a, b, OID_RAWSZ) == 0;
}

int git_odb_read_header(size_t *size, git_object_t *type, git_odb *odb UNUSED,
			const git_oid *id UNUSED)
{
	*size = 0;
	*type = GIT_OBJECT_BLOB;
	return 0;
}

/* A commit is its tree. */
const git_oid *git_commit_tree_id(const git_commit *commit)
{
	return (const git_oid *)(const void *)commit;
}

void git_commit_free(git_commit *commit UNUSED)
{
}

const git_oid *to_git(const struct oid *id)
{
	return (const git_oid *)(const void *)id;
}

void from_git(struct oid *out, const git_oid *id)
{
	memcpy(out, id, OID_RAWSZ);
}

int repo_commit(struct repo *r UNUSED, git_commit **out, const struct oid *id,
		struct err *err UNUSED)
{
	*out = (git_commit *)(void *)(uintptr_t)id;
	return 0;
}

int repo_check_size(struct repo *r UNUSED, const struct oid *id UNUSED,
		    const char *kind UNUSED, size_t limit UNUSED, struct err *err UNUSED)
{
	return 0;
}

int repo_read_blob(struct repo *r UNUSED, const struct oid *id UNUSED,
		   struct buf *out UNUSED, struct err *err UNUSED)
{
	return 0;
}

int git_failed(struct err *err, const char *what, const struct buf *errors UNUSED)
{
	return err_set(err, ERR_FATAL, "%s", what);
}

int repo_read(struct repo *r UNUSED, git_odb_object **out, const struct oid *id,
	      git_object_t type UNUSED, struct err *err)
{
	unsigned name = (unsigned)(id->id[0] - '0');

	if (name >= TREES)
		return err_set(err, ERR_FATAL, "there is no such tree");
	*out = &trees[name];
	return 0;
}

static struct oid name_id(char name)
{
	struct oid id = { { 0 } };

	id.id[0] = (unsigned char)name;
	return id;
}

/* --- trees of notes --------------------------------------------------------------- */

/* "<mode> <name>=<id>" is an entry, "." ends a tree, "!" begins what is taken as it is.
 */
static void add_line(struct buf *tree, const char *line, size_t len)
{
	struct oid id;

	if (len && line[0] == '!') {
		buf_add(tree, line + 1, len - 1);
	} else if (len > 2 && line[len - 2] == '=') {
		id = name_id(line[len - 1]);
		buf_add(tree, line, len - 2);
		buf_addc(tree, '\0');
		buf_add(tree, (const char *)id.id, OID_RAWSZ);
	}
}

static void make_trees(const char *at, size_t size)
{
	const char *end = at + size, *lf;
	unsigned nr = 0, i;

	for (i = 0; i < TREES; i++) {
		const struct oid id = name_id((char)('0' + i));

		memcpy(&trees[i].id, &id, OID_RAWSZ);
		buf_reset(&trees[i].raw);
	}
	for (; at < end && nr < TREES; at = lf + 1) {
		lf = memchr(at, '\n', (size_t)(end - at));
		if (!lf)
			lf = end;
		if (lf - at == 1 && *at == '.')
			nr++;
		else
			add_line(&trees[nr].raw, at, (size_t)(lf - at));
	}
}

static bool holds(const struct notes_delta *d, const struct note_blob *note)
{
	size_t i;

	for (i = 0; i < d->nr; i++)
		if (memcmp(&d->items[i], note, sizeof(*note)) == 0)
			return true;
	return false;
}

/* What is there afterwards was there before, or is told to be new. */
static void fuzz_trees(const char *data, size_t size)
{
	const struct oid older = name_id('0'), newer = name_id('1');
	struct notes_delta was = { 0 }, now = { 0 }, added = { 0 };
	static const struct oid none;
	struct repo r = { 0 };
	struct err err = { 0 };
	size_t i;

	make_trees(data, size);
	if (notes_delta(&r, &none, &older, false, &was, &err) == 0 &&
	    notes_delta(&r, &none, &newer, false, &now, &err) == 0 &&
	    notes_delta(&r, &older, &newer, false, &added, &err) == 0) {
		for (i = 0; i < now.nr; i++)
			if (!holds(&was, &now.items[i]) && !holds(&added, &now.items[i]))
				abort();
		for (i = 0; i < added.nr; i++)
			if (!holds(&now, &added.items[i]))
				abort();
	} else if (!err.message[0]) {
		abort();
	}
	notes_delta_release(&added);
	if (notes_delta(&r, &older, &newer, true, &added, &err) < 0 && !err.message[0])
		abort();
	notes_delta_release(&was);
	notes_delta_release(&now);
	notes_delta_release(&added);
}

/* --- chains ------------------------------------------------------------------------- */

static void letter_hash(char letter, char out[SHA256_HEXSZ + 1])
{
	memset(out, letter, SHA256_HEXSZ);
	out[SHA256_HEXSZ] = '\0';
}

/* What passed: the links of two new ones never lead to one record. */
static void check_passed(const struct chain *c)
{
	size_t i, k;

	for (i = 0; i < c->nr; i++)
		for (k = 0; k < i; k++)
			if (!c->links[i].known && !c->links[k].known &&
			    c->links[i].event == EVENT_APPLIED &&
			    c->links[k].event == EVENT_APPLIED &&
			    strcmp(c->links[i].prev, c->links[k].prev) == 0)
				abort();
}

/* Five bytes for a record: its letter, the one before, number, event and target, where.
 */
static void fuzz_chain(const char *data, size_t size)
{
	static const char *const targets[] = { "one", "two" };
	struct chain c = { 0 };
	struct err err = { 0 };
	char prev[SHA256_HEXSZ + 1];
	size_t i;

	if (size < 4)
		return;
	c.was.seq = (unsigned)data[0] % 8;
	c.now.seq = (unsigned)data[1] % 8;
	letter_hash(data[2], c.was.hash);
	letter_hash(data[3], c.now.hash);
	c.was.by_tip = data[0] & 16;
	c.now.by_tip = data[1] & 16;
	for (i = 4; i + 5 <= size && i < 200; i += 5) {
		struct record r = { .seq = (unsigned char)data[i + 2] % 8,
				    .event = (unsigned char)data[i + 3] % EVENT_NR };

		letter_hash(data[i], r.hash);
		letter_hash(data[i + 1], prev);
		r.field[FIELD_PREV] = prev;
		r.field[FIELD_TARGET] = targets[data[i + 3] < 0];
		if (data[i + 4] & 1)
			chain_know(&c, &r);
		else
			chain_add(&c, &r, data[i + 4] & 2);
	}
	chain_is_whole(&c);
	if (chain_check(&c, &err) == 0)
		check_passed(&c);
	else if (!err.message[0] || err.code != ERR_REFUSED)
		abort();
	chain_release(&c);
}

/* --- lines and settings ---------------------------------------------------------------
 */

static void fuzz_update(const char *data, size_t size)
{
	char *line = xstrndup(data, size), hex[OID_HEXSZ + 1];
	struct oid older, newer;
	struct buf again = BUF_INIT;
	const char *ref;

	if (update_parse(line, &older, &newer, &ref) == 0) {
		buf_addf(&again, "%s ", oid_hex(&older, hex));
		buf_addf(&again, "%s %s", oid_hex(&newer, hex), ref);
		if (!ref[0] || strcasecmp(again.s, line) != 0)
			abort();
	}
	buf_release(&again);
	free(line);
}

/* What a tree may set where nobody else does. */
static bool may_come_of_a_tree(const char *key)
{
	static const char *const keys[] = {
		"migrate.path", "migrate.onemigrationpercommit", "migrate.requiresigned",
		"migrate.requirereview", "migrate.requirerehearsal"
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

/* Whatever git prints of the file: few keys can come of it, and one's own stay. */
static void fuzz_settings(const char *data, size_t size)
{
	struct config *c = xcalloc(1, sizeof(*c));
	struct buf bytes = BUF_INIT;
	size_t i;

	add(c, "migrate.protect", strlen("migrate.protect"), "landed");
	c->own = c->nr;
	buf_add(&bytes, data, size);
	buf_addc(&bytes, '\0');
	config_add_tree(c, &bytes);
	for (i = c->own; i < c->nr; i++)
		if (!may_come_of_a_tree(c->items[i].key))
			abort();
	if (strcmp(config_get(c, "migrate.protect"), "landed") != 0)
		abort();
	config_forget_tree(c);
	if (c->nr != 1)
		abort();
	buf_release(&bytes);
	config_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy;

	if (size == 0)
		return 0;
	copy = xmalloc(size - 1); /* exactly as long: a read past it is seen */
	memcpy(copy, data + 1, size - 1);
	switch (data[0] % 4) {
	case 0:
		fuzz_trees(copy, size - 1);
		break;
	case 1:
		fuzz_chain(copy, size - 1);
		break;
	case 2:
		fuzz_update(copy, size - 1);
		break;
	case 3:
		fuzz_settings(copy, size - 1);
		break;
	}
	free(copy);
	return 0;
}
