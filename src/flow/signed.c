#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "core/oid.h"
#include "flow/signed.h"
#include "git/config.h"
#include "git/repo.h"

/* Before each commit, and in no line of a diff, which begins with another sign. */
#define HEADER "commit "

/* A note's paths in the tree, without fanout and with one or two folders. */
enum { FANOUTS = 3, SHORT_DIGITS = 2 };

static const char *signers(struct repo *repo)
{
	const char *file = config_get(repo_config(repo), "migrate.allowedsigners");

	return file && file[0] ? file : NULL;
}

bool signed_is_asked(struct repo *repo)
{
	return signers(repo) != NULL;
}

/* How one commit changes the line. */
struct change {
	bool good, adds, removes;
	size_t parents;
};

/* "commit <letter of the signature> <parents>" */
static void begin_change(struct change *c, const char *header, size_t len)
{
	size_t i;

	memset(c, 0, sizeof(*c));
	c->good = len > 0 && header[0] == 'G';
	for (i = 1; i < len; i++)
		c->parents += header[i - 1] == ' ' && header[i] != ' ';
}

/* A line of its diff, with a sign for each parent before it. */
static void look_at(struct change *c, const char *text, size_t len, const char *line)
{
	size_t signs = c->parents ? c->parents : 1, plus;

	if (len != signs + strlen(line) || strncmp(text + signs, line, len - signs) != 0)
		return;
	plus = strspn(text, "+");
	c->adds |= plus >= signs;
	c->removes |= memchr(text, '-', signs) != NULL;
}

/* What only moves to another folder of the tree is not added. */
static bool is_added_by(const struct change *c)
{
	return c->good && c->adds && !c->removes;
}

static bool is_vouched_for(const char *said, const char *line)
{
	struct change c = { 0 };
	bool found = false;
	size_t len;

	for (; *said && !found; said += len + (said[len] == '\n')) {
		len = strcspn(said, "\n");
		if (starts_with(said, HEADER)) {
			found = is_added_by(&c);
			begin_change(&c, said + strlen(HEADER), len - strlen(HEADER));
		} else {
			look_at(&c, said, len, line);
		}
	}
	return found || is_added_by(&c);
}

int signed_line(struct repo *repo, const struct oid *tip, const struct oid *object,
		const char *line, struct err *err)
{
	char at[OID_HEXSZ + 1], hex[OID_HEXSZ + 1], paths[FANOUTS][OID_HEXSZ + FANOUTS];
	const char *args[] = { "-c",
			       NULL,
			       "log",
			       "--no-show-signature",
			       "--format=" HEADER "%G? %P",
			       "--patch",
			       "-c",
			       "--root",
			       "--unified=0",
			       "--no-color",
			       "--no-ext-diff",
			       "--no-textconv",
			       "--no-renames",
			       at,
			       "--",
			       paths[0],
			       paths[1],
			       paths[2],
			       NULL };
	struct buf keys = BUF_INIT, out = BUF_INIT, said = BUF_INIT;
	int status;

	if (!signed_is_asked(repo))
		return 1;
	oid_hex(tip, at);
	oid_hex(object, hex);
	snprintf(paths[0], sizeof(paths[0]), "%s", hex);
	snprintf(paths[1], sizeof(paths[1]), "%.2s/%s", hex, hex + SHORT_DIGITS);
	snprintf(paths[2], sizeof(paths[2]), "%.2s/%.2s/%s", hex, hex + SHORT_DIGITS,
		 hex + 2 * SHORT_DIGITS);
	buf_addf(&keys, "gpg.ssh.allowedSignersFile=%s", signers(repo));
	args[1] = keys.s;
	status = repo_git(repo, args, &out, &said, err);
	if (status > 0)
		status = err_set(err, ERR_FATAL, "git log failed: %s", buf_str(&said));
	else if (status == 0)
		status = is_vouched_for(buf_str(&out), line);
	buf_release(&keys);
	buf_release(&out);
	buf_release(&said);
	return status;
}
