#include "base/compat.h"

#include "base/err.h"
#include "base/vec.h"
#include "flow/staged.h"
#include "git/repo.h"

#define EMPTY_TREE "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

/* ":100644 100644 <hex> <hex> M" in front of a NUL, the path behind it. */
static int parse_change(char *line, const char *path, struct staged_change *out)
{
	char *at = line;

	if (*at++ != ':')
		return -1;
	out->old_mode = (unsigned)strtoul(at, &at, 8);
	out->mode = (unsigned)strtoul(at, &at, 8);
	if (*at++ != ' ' || strlen(at) != 2 * OID_HEXSZ + 3 ||
	    oid_parse(&out->old_blob, at, OID_HEXSZ) < 0 ||
	    oid_parse(&out->blob, at + OID_HEXSZ + 1, OID_HEXSZ) < 0)
		return -1;
	out->status = at[2 * OID_HEXSZ + 2];
	out->path = path;
	return 0;
}

static int parse_changes(struct staged *s, const char *folder, struct err *err)
{
	size_t len = strlen(folder);
	char *at = s->raw.s, *end = at + s->raw.len, *path;
	struct staged_change change;

	while (at && at < end) {
		path = at + strlen(at) + 1;
		if (path < end && strcmp(path, folder) == 0) {
			if (parse_change(at, "", &change) == 0 && change.status != 'D')
				s->folder_mode = change.mode;
			at = path + strlen(path) + 1;
			continue;
		}
		if (path >= end || strncmp(path, folder, len) != 0 || path[len] != '/' ||
		    parse_change(at, path + len + 1, &change) < 0)
			return err_set(err, ERR_FATAL,
				       "could not read what git diff-index said");
		VEC_GROW(s->items, s->nr, s->alloc);
		s->items[s->nr++] = change;
		at = path + strlen(path) + 1;
	}
	return 0;
}

static const char *tree_name(const struct oid *base, char hex[OID_HEXSZ + 1])
{
	return oid_is_zero(base) ? EMPTY_TREE : oid_hex(base, hex);
}

int staged_read(struct repo *repo, const char *folder, const struct oid *base,
		struct staged *out, struct err *err)
{
	char hex[OID_HEXSZ + 1];
	const char *const args[] = { "diff-index",
				     "--cached",
				     "--raw",
				     "-z",
				     "--no-renames",
				     "--no-abbrev",
				     "--no-ext-diff",
				     tree_name(base, hex),
				     "--",
				     folder,
				     NULL };
	struct buf said = BUF_INIT;
	int status = repo_git(repo, args, &out->raw, &said, err);

	if (status > 0)
		err_set(err, ERR_FATAL, "git diff-index failed: %s", buf_str(&said));
	buf_release(&said);
	return status == 0 ? parse_changes(out, folder, err) : -1;
}

void staged_release(struct staged *s)
{
	buf_release(&s->raw);
	free(s->items);
	memset(s, 0, sizeof(*s));
}

static int cmp_path(const void *path, const void *change)
{
	return strcmp(path, ((const struct staged_change *)change)->path);
}

const struct staged_change *staged_find(const struct staged *s, const char *path)
{
	return s->nr ? bsearch(path, s->items, s->nr, sizeof(*s->items), cmp_path) : NULL;
}

int staged_anything(struct repo *repo, const struct oid *base, struct err *err)
{
	char hex[OID_HEXSZ + 1];
	const char *const args[] = { "diff-index",	   "--cached", "--quiet",
				     tree_name(base, hex), "--",       NULL };
	struct buf said = BUF_INIT;
	int status = repo_git(repo, args, NULL, &said, err);

	if (status > 1)
		status = err_set(err, ERR_FATAL, "git diff-index failed: %s",
				 buf_str(&said));
	buf_release(&said);
	return status;
}
