#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "flow/check.h"
#include "flow/check_mirror.h"
#include "flow/mirror.h"
#include "flow/prepush.h"
#include "git/repo.h"

struct update {
	const char *ref; /* there */
	struct oid older, newer;
};

/* From its end: the name here is what was typed, which may have blanks. */
static int parse_line(char *line, struct update *out, struct err *err)
{
	size_t len = strlen(line), id = OID_HEXSZ + 1;
	char *at;

	if (len <= 2 * id || line[len - id] != ' ' ||
	    oid_parse(&out->older, line + len - OID_HEXSZ, OID_HEXSZ) < 0)
		goto broken;
	line[len - id] = '\0';
	at = strrchr(line, ' ');
	if (!at || (size_t)(at - line) <= id || at[-(ssize_t)id] != ' ' ||
	    oid_parse(&out->newer, at - OID_HEXSZ, OID_HEXSZ) < 0)
		goto broken;
	out->ref = at + 1;
	return 0;
broken:
	return err_set(err, ERR_FATAL,
		       "could not read a line: git writes \"<local ref> <id> <remote "
		       "ref> <id>\"");
}

/* What cannot be read cannot be compared; git itself would let only force through. */
static void refuse_unseen(const char *remote, const struct update *u, struct findings *f)
{
	char hex[OID_HEXSZ + 1];

	findings_add(f, RULE_UNSEEN, false, NULL,
		     "'%s' has moved on at the remote, to %.12s, which is not here",
		     u->ref, oid_hex(&u->older, hex));
	findings_hint(f, "Fetch it (git fetch %s), build on it and push without force.",
		      remote);
}

static int judge(struct repo *repo, const char *remote, const struct update *u,
		 struct findings *f, struct err *err)
{
	const struct check_step step = { .older = u->older, .newer = u->newer };
	char hex[OID_HEXSZ + 1];
	int there = oid_is_zero(&u->older) || oid_is_zero(&u->newer)
			    ? 1
			    : repo_is_commit(repo, oid_hex(&u->older, hex), err);

	if (there < 0)
		return -1;
	if (!there) {
		refuse_unseen(remote, u, f);
		return 0;
	}
	if (starts_with(u->ref, MIRROR_REFS))
		return check_mirror(repo, u->ref, &u->older, &u->newer, f, err);
	return check_branch(repo, u->ref, &step, f, err);
}

int prepush_check(struct repo *repo, const char *remote, char *line, struct findings *f,
		  struct err *err)
{
	struct buf protected = BUF_INIT;
	struct update u;
	int found, ret = -1;

	if (parse_line(line, &u, err) < 0)
		return -1;
	if (!check_place(u.ref, &u.newer, f))
		return 0;
	found = repo_protected_at(repo, remote, &protected, err);
	if (found >= 0)
		ret = starts_with(u.ref, MIRROR_REFS) ||
				      (found && strcmp(protected.s, u.ref) == 0)
			      ? judge(repo, remote, &u, f, err)
			      : 0;
	buf_release(&protected);
	return ret;
}
