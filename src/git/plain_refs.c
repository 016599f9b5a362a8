#include "base/compat.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/oid.h"
#include "git/internal.h"
#include "git/plain_refs.h"

enum {
	LOOSE_MAX = 4096,
	PACKED_MAX = 16 << 20, /* with more it is libgit2 that reads them */
	DEPTH_MAX = 16,
};

/* Each work tree has its own of these. */
static bool is_per_worktree(const char *ref)
{
	return starts_with(ref, "refs/worktree/") || starts_with(ref, "refs/bisect/") ||
	       starts_with(ref, "refs/rewritten/");
}

/* A name without anything that git gives a meaning, or that might be another's. */
static bool is_plain_name(const char *ref)
{
	char before = '/';

	if (!starts_with(ref, "refs/") || is_per_worktree(ref) || ends_with(ref, ".lock"))
		return false;
	for (; *ref; before = *ref++) {
		bool parts = *ref == '.' || *ref == '/';

		if (!parts && !ascii_isalnum((unsigned char)*ref) && !strchr("-_", *ref))
			return false;
		if (parts && (before == '.' || before == '/'))
			return false;
	}
	return before != '/' && before != '.';
}

/* A line of hex digits, and nothing but its end behind it. */
static int parse_id(const struct buf *text, struct oid *out)
{
	size_t len = text->len;

	while (len && strchr(" \t\r\n", text->s[len - 1]))
		len--;
	return oid_parse(out, buf_str(text), len) < 0 ? -1 : 1;
}

/* The file of a ref, or of HEAD: 1 with its text, 0 when there is none, -1. */
static int read_loose(const char *dir, const char *name, struct buf *out)
{
	struct buf path = BUF_INIT;
	struct err quiet = { 0 };
	struct stat st;
	int ret;

	buf_addf(&path, "%s/%s", dir, name);
	ret = file_read(path.s, LOOSE_MAX, out, &quiet);
	if (ret > 0 && lstat(path.s, &st) == 0)
		ret = -1; /* a link that leads nowhere names another ref */
	buf_release(&path);
	return ret < 0 ? -1 : ret == 0;
}

/* All of packed-refs, without NUL bytes; empty when there is none. 0 or -1. */
static int read_packed(const struct repo *r, struct buf *out)
{
	struct buf path = BUF_INIT;
	struct err quiet = { 0 };
	int ret;

	buf_addf(&path, "%s/packed-refs", r->common_dir);
	ret = file_read(path.s, PACKED_MAX, out, &quiet);
	buf_release(&path);
	return ret < 0 || strlen(buf_str(out)) != out->len ? -1 : 0;
}

/* The id on the line of packed-refs on which a name begins at `at`. */
static int packed_id(const struct buf *packed, const char *at, struct oid *out)
{
	const char *line = at - OID_HEXSZ - 1;

	if (at - packed->s <= OID_HEXSZ || (line > packed->s && line[-1] != '\n'))
		return -1;
	return oid_parse(out, line, OID_HEXSZ);
}

static int find_packed(const struct repo *r, const char *ref, struct oid *out)
{
	struct buf packed = BUF_INIT, wanted = BUF_INIT;
	int ret = read_packed(r, &packed);
	const char *at;

	buf_addf(&wanted, " %s\n", ref);
	for (at = buf_str(&packed); ret == 0 && (at = strstr(at, wanted.s)); at++)
		ret = packed_id(&packed, at + 1, out) == 0 ? 1 : -1;
	buf_release(&packed);
	buf_release(&wanted);
	return ret;
}

int plain_ref(const struct repo *r, const char *ref, struct oid *out)
{
	struct buf text = BUF_INIT;
	int ret = -1;

	if (!is_plain_name(ref))
		return -1;
	ret = read_loose(r->common_dir, ref, &text);
	if (ret > 0)
		ret = parse_id(&text, out);
	else if (ret == 0) /* behind it, since that is where a loose one goes to */
		ret = find_packed(r, ref, out);
	buf_release(&text);
	return ret;
}

/* What HEAD names, in `text`: 1; 0 for none, when it has an id in `out`; -1. */
static int parse_head(struct buf *text, const char **name, struct oid *out)
{
	static const char symbolic[] = "ref: ";

	if (!starts_with(buf_str(text), symbolic))
		return parse_id(text, out) > 0 ? 0 : -1;
	while (text->s[text->len - 1] == '\n')
		text->s[--text->len] = '\0';
	*name = text->s + strlen(symbolic);
	return is_plain_name(*name) ? 1 : -1;
}

bool plain_head_is_valid(const char *git_dir)
{
	struct buf text = BUF_INIT;
	const char *name;
	struct oid id;
	bool ret = read_loose(git_dir, "HEAD", &text) > 0 &&
		   parse_head(&text, &name, &id) >= 0;

	buf_release(&text);
	return ret;
}

int plain_head(const struct repo *r, struct oid *out)
{
	struct buf text = BUF_INIT;
	const char *name;
	int ret = read_loose(r->git_dir, "HEAD", &text);

	if (ret > 0) {
		ret = parse_head(&text, &name, out);
		ret = ret > 0 ? plain_ref(r, name, out) : ret == 0 ? 1 : -1;
	}
	buf_release(&text);
	return ret;
}

static void add_name(struct plain_refs *refs, const char *name, size_t len)
{
	VEC_GROW(refs->names, refs->nr, refs->alloc);
	refs->names[refs->nr++] = xstrndup(name, len);
}

static int list_packed(const struct repo *r, const char *prefix, struct plain_refs *out)
{
	struct buf packed = BUF_INIT, wanted = BUF_INIT;
	int ret = read_packed(r, &packed);
	const char *at;
	struct oid id;

	buf_addf(&wanted, " %s", prefix);
	for (at = buf_str(&packed); ret == 0 && (at = strstr(at, wanted.s));) {
		at++;
		ret = packed_id(&packed, at, &id);
		add_name(out, at, strcspn(at, "\n"));
	}
	buf_release(&packed);
	buf_release(&wanted);
	return ret;
}

static int list_loose(const struct repo *r, struct buf *name, unsigned depth,
		      struct plain_refs *out);

static int list_entry(const struct repo *r, const struct dirent *e, struct buf *name,
		      unsigned depth, struct plain_refs *out)
{
	if (e->d_name[0] == '.')
		return strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ? 0
										   : -1;
	if (ends_with(e->d_name, ".lock"))
		return 0;
	buf_adds(name, e->d_name);
	if (e->d_type == DT_DIR) {
		buf_addc(name, '/');
		return list_loose(r, name, depth + 1, out);
	}
	if (e->d_type != DT_REG)
		return -1;
	add_name(out, name->s, name->len);
	return 0;
}

/* What is in the folder `name`, which ends in a slash. 0 or -1. */
static int list_loose(const struct repo *r, struct buf *name, unsigned depth,
		      struct plain_refs *out)
{
	size_t before = name->len;
	struct buf path = BUF_INIT;
	struct dirent *e;
	DIR *dir = NULL;
	int ret = 0;

	buf_addf(&path, "%s/%s", r->common_dir, name->s);
	if (depth < DEPTH_MAX)
		dir = opendir(path.s);
	if (!dir)
		ret = depth < DEPTH_MAX && errno == ENOENT ? 0 : -1;
	while (dir && ret == 0 && (e = readdir(dir)) != NULL) {
		ret = list_entry(r, e, name, depth, out);
		name->len = before;
		name->s[before] = '\0';
	}
	if (dir)
		closedir(dir);
	buf_release(&path);
	return ret;
}

static int cmp_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In order, each once, and none whose name may have a meaning. 0 or -1. */
static int settle(struct plain_refs *refs)
{
	size_t i, nr = 0;

	for (i = 0; i < refs->nr; i++)
		if (!is_plain_name(refs->names[i]))
			return -1;
	if (refs->nr > 1)
		qsort(refs->names, refs->nr, sizeof(*refs->names), cmp_name);
	for (i = 0; i < refs->nr; i++) {
		if (nr && strcmp(refs->names[nr - 1], refs->names[i]) == 0)
			free(refs->names[i]);
		else
			refs->names[nr++] = refs->names[i];
	}
	refs->nr = nr;
	return 0;
}

int plain_refs_list(const struct repo *r, const char *prefix, struct plain_refs *out)
{
	struct buf name = BUF_INIT;
	int ret;

	memset(out, 0, sizeof(*out));
	buf_adds(&name, prefix);
	ret = list_loose(r, &name, 0, out);
	if (ret == 0)
		ret = list_packed(r, prefix, out);
	if (ret == 0)
		ret = settle(out);
	if (ret < 0)
		plain_refs_release(out);
	buf_release(&name);
	return ret;
}

void plain_refs_release(struct plain_refs *refs)
{
	size_t i;

	for (i = 0; i < refs->nr; i++)
		free(refs->names[i]);
	free(refs->names);
	memset(refs, 0, sizeof(*refs));
}
