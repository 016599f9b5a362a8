#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/text.h"
#include "git/cache.h"
#include "git/describe.h"
#include "git/internal.h"
#include "git/limits.h"

enum { HEADER_BLOB_MAX = 16 << 20, HEADER_MAX = 64 << 10 };

/*
 * How much of a file can be its header, in whole lines: one of megabytes, shared
 * by a thousand files, was written to hurt.
 */
static size_t header_length(const struct buf *sql)
{
	size_t len = sql->len;

	if (len > HEADER_MAX)
		for (len = HEADER_MAX; len > 0 && sql->s[len - 1] != '\n'; len--)
			;
	return len;
}

/* A stranger's trailers: each is to be read by people, and looked for in the plan. */
static int check_trailers(struct repo *r, const struct trailers *t, const char *kind,
			  const struct oid *id, struct err *err)
{
	char hex[OID_HEXSZ + 1];
	size_t i, longest = 0;

	if (!r->bounded)
		return 0;
	for (i = 0; i < t->nr; i++)
		if (strlen(t->items[i].value) > longest)
			longest = strlen(t->items[i].value);
	if (longest <= LIMIT_TRAILER && t->nr <= LIMIT_TRAILERS)
		return 0;
	oid_hex(id, hex);
	if (longest > LIMIT_TRAILER)
		err_set(err, ERR_FATAL, "a trailer of %s %s is too long: %zu bytes", kind,
			hex, longest);
	else
		err_set(err, ERR_FATAL, "%s %s has too many trailers: %zu", kind, hex,
			t->nr);
	err_hint(err, "limits",
		 "At most %d of %d bytes are read here; see git-migrate-hooks(5), "
		 "LIMITS.",
		 LIMIT_TRAILERS, LIMIT_TRAILER);
	return -1;
}

int describe_header(struct repo *r, const struct oid *blob, struct pool *pool,
		    struct trailers *out, struct directives *how, struct err *err)
{
	git_object_t type;
	struct buf sql = BUF_INIT;
	size_t size;
	int ret = -1;

	if (repo_load(r, err) < 0 ||
	    repo_check_size(r, blob, "migration", LIMIT_MIGRATION, err) < 0)
		return -1;
	if (git_odb_read_header(&size, &type, r->odb, to_git(blob)) == 0 &&
	    size > HEADER_BLOB_MAX)
		return 0;
	if (repo_read_blob_start(r, blob, HEADER_MAX + 1, &sql, err) == 0) {
		trailers_from_header(out, how, pool, buf_str(&sql), header_length(&sql));
		ret = check_trailers(r, out, "migration", blob, err);
	}
	buf_release(&sql);
	return ret;
}

/* The first paragraph on one line, as git's %s. */
static const char *make_subject(struct pool *pool, const char *message)
{
	struct buf out = BUF_INIT;
	const char *subject;
	size_t len;

	while (ascii_isspace((unsigned char)*message))
		message++;
	while (*message && *message != '\n') {
		len = strcspn(message, "\n");
		if (out.len)
			buf_addc(&out, ' ');
		buf_add(&out, message, len);
		while (out.len && ascii_isspace((unsigned char)out.s[out.len - 1]))
			out.s[--out.len] = '\0';
		message += len + (message[len] == '\n');
	}
	subject = pool_strndup(pool, buf_str(&out), out.len);
	buf_release(&out);
	return subject;
}

static int describe_commit(struct repo *r, struct pool *pool, struct migration *m,
			   struct err *err)
{
	git_commit *commit = NULL;
	const git_signature *author;
	const char *message;

	if (oid_is_zero(&m->commit)) {
		m->author = "unknown";
		m->subject = "(before the history that this shallow clone has)";
		return 0;
	}
	if (repo_commit(r, &commit, &m->commit, err) < 0)
		return -1;
	r->reads.commits++;
	author = git_commit_author(commit);
	message = git_commit_message_raw(commit);
	m->author = pool_printf(pool, "%s <%s>", author->name, author->email);
	m->when = author->when.time;
	m->subject = make_subject(pool, message);
	trailers_from_message(&m->in_message, pool, message, strlen(message));
	git_commit_free(commit);
	return check_trailers(r, &m->in_message, "commit", &m->commit, err);
}

int describe_raw(struct repo *r, struct pool *pool, struct migration *m, struct err *err)
{
	if (describe_commit(r, pool, m, err) < 0)
		return -1;
	return describe_header(r, &m->blob, pool, &m->in_header, &m->how, err);
}

int describe_migration(struct repo *r, struct pool *pool, struct migration *m,
		       struct err *err)
{
	bool lasting = !oid_is_zero(&m->commit);

	if (lasting && cache_describe(r, pool, m))
		return 0;
	if (describe_raw(r, pool, m, err) < 0)
		return -1;
	if (lasting)
		cache_keep_description(r, m);
	return 0;
}
