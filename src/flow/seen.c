#include "base/compat.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "flow/seen.h"
#include "git/repo.h"

enum { TEXT_MAX = RECORD_SEQ_DIGITS + 1 + SHA256_HEXSZ + 1 };

static void seen_path(struct repo *repo, const char *target, struct buf *out)
{
	buf_addf(out, "%s/migrate/seen/%s", repo_common_dir(repo), target);
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
	struct buf path = BUF_INIT, text = BUF_INIT;
	int ret;

	seen_path(repo, target, &path);
	ret = file_read(path.s, TEXT_MAX, &text, err);
	if (ret >= 0)
		ret = ret == 0 && parse(&text, out);
	buf_release(&path);
	buf_release(&text);
	return ret;
}

void seen_keep(struct repo *repo, const char *target, const struct seen *head)
{
	struct buf path = BUF_INIT, text = BUF_INIT;
	struct err ignored = { 0 };
	struct seen was;

	if (seen_read(repo, target, &was, &ignored) > 0 &&
	    strcmp(was.hash, head->hash) == 0)
		return;
	buf_addf(&path, "%s/migrate", repo_common_dir(repo));
	mkdir(path.s, 0777);
	buf_adds(&path, "/seen");
	mkdir(path.s, 0777);
	buf_reset(&path);
	seen_path(repo, target, &path);
	buf_addf(&text, "%010" PRIu64 " %s\n", head->seq, head->hash);
	file_replace_lazily(path.s, text.s, text.len, 0666, &ignored);
	buf_release(&path);
	buf_release(&text);
}

bool seen_is_met(const struct seen *s, const struct record *r, uint64_t before)
{
	char old[RECORD_SEQ_DIGITS + 1 + SHA256_HEXSZ + 1];

	if (r->seq == s->seq && strcmp(r->hash, s->hash) == 0)
		return true;
	if (r->event == EVENT_RESTORED && before && s->seq > before && s->seq < r->seq)
		return true;
	if (!r->field[FIELD_OLD])
		return false;
	snprintf(old, sizeof(old), "%010" PRIu64 ":%s", s->seq, s->hash);
	return strcmp(r->field[FIELD_OLD], old) == 0 || r->event == EVENT_CREATED ||
	       r->event == EVENT_CLONED;
}
