#include "base/compat.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "flow/seen.h"
#include "git/repo.h"

enum {
	TEXT_MAX = RECORD_SEQ_DIGITS + 1 + SHA256_HEXSZ + 1,
	HISTORY_MAX = 1 << 20, /* bytes: some 25,000 refs */
	COUNT_DIGITS = 15,
};

/* Appends what is kept of a target: 1, 0 when there is none, -1. */
static int read_kept(struct repo *repo, const char *kind, const char *target, size_t max,
		     struct buf *out, struct err *err)
{
	struct buf path = BUF_INIT;
	int ret;

	buf_addf(&path, "%s/migrate/%s/%s", repo_common_dir(repo), kind, target);
	ret = file_read(path.s, max, out, err);
	buf_release(&path);
	return ret < 0 ? -1 : ret == 0;
}

static void keep(struct repo *repo, const char *kind, const char *target,
		 const struct buf *text)
{
	struct buf path = BUF_INIT;
	struct err ignored = { 0 };

	buf_addf(&path, "%s/migrate", repo_common_dir(repo));
	mkdir(path.s, 0777);
	buf_addf(&path, "/%s", kind);
	mkdir(path.s, 0777);
	buf_addf(&path, "/%s", target);
	file_replace_lazily(path.s, text->s, text->len, 0666, &ignored);
	buf_release(&path);
}

/* "<10 digits> <64 hex digits>" and LF */
static bool parse(const struct buf *text, struct seen *out)
{
	const char *hash = text->s + RECORD_SEQ_DIGITS + 1;
	size_t i;

	if (text->len != TEXT_MAX || text->s[RECORD_SEQ_DIGITS] != ' ' ||
	    text->s[TEXT_MAX - 1] != '\n' || !hex_is_lower(hash, SHA256_HEXSZ))
		return false;
	out->seq = 0;
	for (i = 0; i < RECORD_SEQ_DIGITS; i++) {
		if (!ascii_isdigit(text->s[i]))
			return false;
		out->seq = out->seq * 10 + (uint64_t)(text->s[i] - '0');
	}
	snprintf(out->hash, sizeof(out->hash), "%.*s", SHA256_HEXSZ, hash);
	return true;
}

int seen_read(struct repo *repo, const char *target, struct seen *out, struct err *err)
{
	struct buf text = BUF_INIT;
	int ret = read_kept(repo, "seen", target, TEXT_MAX, &text, err);

	if (ret > 0)
		ret = parse(&text, out);
	buf_release(&text);
	return ret;
}

void seen_keep(struct repo *repo, const char *target, const struct seen *head)
{
	struct buf text = BUF_INIT;
	struct err ignored = { 0 };
	struct seen was;

	if (seen_read(repo, target, &was, &ignored) > 0 &&
	    strcmp(was.hash, head->hash) == 0)
		return;
	buf_addf(&text, "%010" PRIu64 " %s\n", head->seq, head->hash);
	keep(repo, "seen", target, &text);
	buf_release(&text);
}

/* How many commits, and a line of 40 hex digits for each tip. */
static bool parse_history(const struct buf *text, struct seen_history *out)
{
	size_t at = strspn(buf_str(text), "0123456789");
	const size_t digits = at, line = OID_HEXSZ + 1;

	if (!digits || digits > COUNT_DIGITS || text->s[at++] != '\n' ||
	    (text->len - at) % line != 0)
		return false;
	out->commits = strtoull(text->s, NULL, 10);
	out->tips = xcalloc((text->len - at) / line + 1, sizeof(*out->tips));
	for (; at < text->len; at += line)
		if (text->s[at + OID_HEXSZ] != '\n' ||
		    oid_parse(&out->tips[out->nr++], text->s + at, OID_HEXSZ) < 0)
			return false;
	return true;
}

int seen_history_read(struct repo *repo, const char *target, struct seen_history *out,
		      struct err *err)
{
	struct buf text = BUF_INIT;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = read_kept(repo, "history", target, HISTORY_MAX, &text, err);
	if (ret > 0 && !parse_history(&text, out)) {
		free(out->tips);
		memset(out, 0, sizeof(*out));
	}
	buf_release(&text);
	return ret < 0 ? -1 : 0;
}

void seen_history_keep(struct repo *repo, const char *target,
		       const struct seen_history *h)
{
	struct buf text = BUF_INIT;
	char hex[OID_HEXSZ + 1];
	size_t i;

	buf_addf(&text, "%" PRIu64 "\n", h->commits);
	for (i = 0; i < h->nr; i++)
		buf_addf(&text, "%s\n", oid_hex(&h->tips[i], hex));
	if (text.len <= HISTORY_MAX)
		keep(repo, "history", target, &text);
	buf_release(&text);
}

enum seen_how seen_look(const struct seen *s, const struct record *r)
{
	if (r->seq == s->seq && strcmp(r->hash, s->hash) == 0)
		return SEEN_MET;
	return strcmp(record_old_hash(r), s->hash) == 0 ? SEEN_EXPLAINED : SEEN_NOT;
}
