#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/text.h"
#include "core/oid.h"
#include "flow/signed.h"
#include "git/config.h"
#include "git/notes.h"
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
			       "--text", /* whatever attributes or bytes say */
			       "--no-ext-diff",
			       "--no-textconv",
			       "--no-renames",
			       "--full-history", /* a merge may have left a side out */
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

/* --- what was taken out -------------------------------------------------------- */

static const char FILE_HEADER[] = "diff --git a/";

/* What a note's path in the tree stands for, whatever the fanout. */
static bool read_object(const char *path, struct oid *out)
{
	char hex[OID_HEXSZ + 1];
	size_t len = 0;

	for (; *path && *path != ' ' && *path != '\n'; path++) {
		if (*path == '/')
			continue;
		if (len == OID_HEXSZ)
			return false;
		hex[len++] = *path;
	}
	return len == OID_HEXSZ && oid_parse(out, hex, len) == 0;
}

static size_t count_lines(const char *text)
{
	size_t nr = 1;

	for (; *text; text++)
		nr += *text == '\n';
	return nr;
}

/* A diff's own header has a '-' too, and is no line that anybody asks for. */
static size_t read_dropped(struct pool *pool, const char *said, struct note_line *out)
{
	struct oid object;
	bool of_note = false;
	size_t nr = 0, len;

	for (; *said; said += len + (said[len] == '\n')) {
		len = strcspn(said, "\n");
		if (starts_with(said, FILE_HEADER))
			of_note = read_object(said + strlen(FILE_HEADER), &object);
		if (!of_note || *said != '-')
			continue;
		out[nr].object = object;
		out[nr++].line = pool_strndup(pool, said + 1, len - 1);
	}
	return nr;
}

int signed_dropped(struct repo *repo, const struct oid *tip, struct pool *pool,
		   struct note_line **out, size_t *nr, struct err *err)
{
	char at[OID_HEXSZ + 1];
	const char *const args[] = { "log",
				     "--no-show-signature",
				     "--format=",
				     "--patch",
				     "-m",
				     "--diff-filter=MD",
				     "--unified=0",
				     "--src-prefix=a/",
				     "--dst-prefix=b/",
				     "--no-color",
				     "--text",
				     "--no-ext-diff",
				     "--no-textconv",
				     "--no-renames",
				     at,
				     "--",
				     NULL };
	struct buf all = BUF_INIT, said = BUF_INIT;
	int status;

	*nr = 0;
	if (!signed_is_asked(repo))
		return 0;
	oid_hex(tip, at);
	status = repo_git(repo, args, &all, &said, err);
	if (status > 0)
		status = err_set(err, ERR_FATAL, "git log failed: %s", buf_str(&said));
	if (status == 0) {
		*out = pool_alloc(pool, count_lines(buf_str(&all)) * sizeof(**out));
		*nr = read_dropped(pool, buf_str(&all), *out);
	}
	buf_release(&all);
	buf_release(&said);
	return status;
}
