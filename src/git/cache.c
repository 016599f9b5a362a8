#include "base/compat.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/sha256.h"
#include "base/text.h"
#include "core/descriptions.h"
#include "core/lines.h"
#include "git/cache.h"
#include "git/config.h"
#include "git/internal.h"

/* What the files hold; to be raised with every change of what is in them. */
#define CACHE_FORMAT "2"

enum {
	FILE_MAX = 64 << 20,
	DESCRIPTIONS_MAX = 32 << 20,
	TRAILERS_MAX = 8 << 10,
	TRAILERS_KEPT = 32,
};

struct cache {
	const char *dir;     /* <common git dir>, the repository's */
	const char *own_dir; /* that of this work tree alone */
	bool readable, writable;
	unsigned asked; /* how often for lines */
	bool trimmed;	/* they were stored, without those that outweigh */
	char *folder;	/* that `lines` are of */
	struct lines lines;
	size_t stored; /* lines.changes of what the file has */
	struct descriptions descriptions;
	bool descriptions_read, descriptions_grown;
	struct buf head_bytes; /* that `head` points into */
	struct kept_head head;
	bool head_read, head_known;
	struct buf trailers; /* see add_trailers; the newest first */
	bool trailers_read, trailers_grown;
};

static struct cache *get(struct repo *r)
{
	const char *objects = getenv("GIT_OBJECT_DIRECTORY");
	struct cache *c = r->cache;

	if (c)
		return c;
	c = r->cache = xcalloc(1, sizeof(*c));
	c->dir = r->common_dir;
	c->own_dir = r->git_dir;
	c->readable = !r->shallow && config_bool(r->config, "migrate.cache", true);
	c->writable = c->readable && !(objects && objects[0]);
	return c;
}

/* Each work tree has a HEAD of its own. */
static const char *dir_of(const struct cache *c, const char *kind)
{
	return strcmp(kind, "head") == 0 ? c->own_dir : c->dir;
}

/* <dir>/migrate/<kind>, or for another folder <kind>-<digits of its hash>. */
static void name_file(const struct cache *c, const char *kind, const char *folder,
		      struct buf *out)
{
	char hex[SHA256_HEXSZ + 1];

	buf_addf(out, "%s/migrate/%s", dir_of(c, kind), kind);
	if (folder && strcmp(folder, "migrations") != 0) {
		sha256_hex(folder, strlen(folder), hex);
		buf_addf(out, "-%.16s", hex);
	}
}

/* Two lines before what is stored: what it is, and its SHA-256. */
static void add_head(struct buf *out, const char *kind, const char *folder,
		     const void *data, size_t len)
{
	char hex[SHA256_HEXSZ + 1];

	sha256_hex(data, len, hex);
	buf_addf(out, "git-migrate %s %s " CACHE_FORMAT " %s\n%s\n", PACKAGE_VERSION,
		 kind, folder ? folder : "", hex);
}

/* Where what is stored begins behind its head; 0 when that is not ours. */
static size_t check_head(const char *kind, const char *folder, const struct buf *all)
{
	struct buf head = BUF_INIT;
	const char *body = all->len ? memchr(all->s, '\n', all->len) : NULL;
	size_t len = 0;

	if (body)
		body = memchr(body + 1, '\n', all->len - (size_t)(body + 1 - all->s));
	if (body++) {
		len = (size_t)(body - all->s);
		add_head(&head, kind, folder, body, all->len - len);
		if (head.len != len || memcmp(head.s, all->s, len) != 0)
			len = 0;
	}
	buf_release(&head);
	return len;
}

/*
 * The stored bytes, from `*start` of `out` on; false when there are none that can
 * be used.
 */
static bool load(const struct cache *c, const char *kind, const char *folder,
		 struct buf *out, size_t *start)
{
	struct buf path = BUF_INIT;
	struct err quiet = { 0 };

	*start = 0;
	if (!c->readable)
		return false;
	name_file(c, kind, folder, &path);
	if (file_read(path.s, FILE_MAX, out, &quiet) == 0)
		*start = check_head(kind, folder, out);
	buf_release(&path);
	return *start > 0;
}

/* The mode that git gives to its own files here: core.sharedRepository, umask. */
static unsigned mode_like_git(const struct cache *c)
{
	struct buf path = BUF_INIT;
	unsigned mode = 0644;
	struct stat st;

	buf_addf(&path, "%s/HEAD", c->dir);
	if (stat(path.s, &st) == 0)
		mode = st.st_mode & 0666;
	buf_release(&path);
	return mode;
}

void cache_make_folder(const char *git_dir, const char *common_dir)
{
	struct buf path = BUF_INIT;
	unsigned mode = 0777;
	struct stat st;

	if (stat(common_dir, &st) == 0)
		mode = st.st_mode & 07777;
	buf_addf(&path, "%s/migrate", git_dir);
	if (mkdir(path.s, mode) == 0)
		chmod(path.s, mode); /* whatever the umask */
	buf_release(&path);
}

static void store(const struct cache *c, const char *kind, const char *folder,
		  const struct buf *data)
{
	struct buf path = BUF_INIT, all = BUF_INIT;
	struct err quiet = { 0 };

	if (data->len > FILE_MAX / 2)
		return;
	cache_make_folder(dir_of(c, kind), c->dir);
	name_file(c, kind, folder, &path);
	add_head(&all, kind, folder, buf_str(data), data->len);
	buf_add(&all, buf_str(data), data->len);
	file_replace_lazily(path.s, all.s, all.len, mode_like_git(c), &quiet);
	buf_release(&path);
	buf_release(&all);
}

struct lines *cache_lines(struct repo *r, const char *folder)
{
	struct cache *c = get(r);
	struct buf bytes = BUF_INIT;
	size_t start;

	c->asked++;
	if (c->folder && strcmp(c->folder, folder) == 0)
		return &c->lines;
	free(c->folder);
	c->folder = xstrdup(folder);
	lines_release(&c->lines);
	if (load(c, "plan", folder, &bytes, &start))
		lines_decode(&c->lines, bytes.s + start, bytes.len - start);
	c->stored = c->lines.changes;
	buf_release(&bytes);
	return &c->lines;
}

static void store_lines(struct cache *c, const struct oid *tip, const struct oid *newest)
{
	struct buf bytes = BUF_INIT;
	uint32_t stop = lines_find(&c->lines, tip);

	if (stop == STOP_NONE)
		stop = lines_find(&c->lines, newest);
	if (c->lines.changes == c->stored &&
	    (c->trimmed || !lines_outweigh(&c->lines, stop)))
		return;
	c->trimmed = true;
	lines_encode(&c->lines, stop, &bytes);
	store(c, "plan", c->folder, &bytes);
	c->stored = c->lines.changes;
	buf_release(&bytes);
}

void cache_keep_lines(struct repo *r, const struct oid *tip, const struct oid *newest)
{
	struct cache *c = get(r);

	if (c->writable)
		store_lines(c, tip, newest);
}

void cache_keep_landed(struct repo *r, const struct oid *tip, const struct oid *newest)
{
	struct cache *c = get(r);

	if (c->readable && c->asked == 1)
		store_lines(c, tip, newest);
}

void cache_drop_lines(struct repo *r)
{
	struct cache *c = get(r);
	struct buf path = BUF_INIT;

	lines_release(&c->lines);
	c->stored = 0;
	if (c->writable && c->folder) {
		name_file(c, "plan", c->folder, &path);
		unlink(path.s);
	}
	buf_release(&path);
}

static struct descriptions *get_descriptions(struct cache *c)
{
	struct buf bytes = BUF_INIT;
	size_t start;

	if (!c->descriptions_read && load(c, "descriptions", NULL, &bytes, &start)) {
		bytes.len -= start;
		memmove(bytes.s, bytes.s + start, bytes.len);
		descriptions_decode(&c->descriptions, &bytes);
	}
	c->descriptions_read = true;
	buf_release(&bytes);
	return &c->descriptions;
}

bool cache_describe(struct repo *r, struct pool *pool, struct migration *m)
{
	return descriptions_find(get_descriptions(get(r)), pool, m);
}

void cache_keep_description(struct repo *r, const struct migration *m)
{
	struct cache *c = get(r);
	struct descriptions *d = get_descriptions(c);

	if (!c->writable)
		return;
	if (d->bytes.len > DESCRIPTIONS_MAX) /* of branches long gone, most of them */
		descriptions_release(d);
	descriptions_add(d, m);
	c->descriptions_grown = true;
}

/* Appends what is stored of one of several of a kind. */
static bool load_one(struct repo *r, const char *kind, const char *name, struct buf *out)
{
	struct buf bytes = BUF_INIT;
	bool known;
	size_t start;

	known = load(get(r), kind, name, &bytes, &start);
	if (known)
		buf_add(out, bytes.s + start, bytes.len - start);
	buf_release(&bytes);
	return known;
}

static void store_one(struct repo *r, const char *kind, const char *name,
		      const struct buf *data)
{
	struct cache *c = get(r);

	if (c->writable)
		store(c, kind, name, data);
}

bool cache_settings(struct repo *r, const char *blob, struct buf *out)
{
	return load_one(r, "settings", blob, out);
}

void cache_keep_settings(struct repo *r, const char *blob, const struct buf *settings)
{
	store_one(r, "settings", blob, settings);
}

bool cache_mirror(struct repo *r, const char *target, struct buf *out)
{
	return load_one(r, "mirror", target, out);
}

void cache_keep_mirror(struct repo *r, const char *target, const struct buf *index)
{
	struct cache *c = get(r);

	if (c->readable)
		store(c, "mirror", target, index);
}

/* Commit, blob of its .gitmigrate, folder and a NUL, the plan. */
static bool take_head(struct kept_head *h, const char *data, size_t len)
{
	const size_t ids = 2 * OID_RAWSZ;
	const char *nul = len > ids ? memchr(data + ids, '\0', len - ids) : NULL;

	if (!nul)
		return false;
	memcpy(h->commit.id, data, OID_RAWSZ);
	memcpy(h->shared.id, data + OID_RAWSZ, OID_RAWSZ);
	h->folder = data + ids;
	h->plan = nul + 1;
	h->plan_len = len - (size_t)(nul + 1 - data);
	return true;
}

const struct kept_head *cache_head(struct repo *r)
{
	struct cache *c = get(r);
	size_t start;

	if (!c->head_read && load(c, "head", NULL, &c->head_bytes, &start))
		c->head_known = take_head(&c->head, c->head_bytes.s + start,
					  c->head_bytes.len - start);
	c->head_read = true;
	return c->head_known ? &c->head : NULL;
}

void cache_keep_head(struct repo *r, const struct kept_head *head)
{
	struct cache *c = get(r);
	struct buf bytes = BUF_INIT;

	if (!c->writable)
		return;
	buf_add(&bytes, head->commit.id, OID_RAWSZ);
	buf_add(&bytes, head->shared.id, OID_RAWSZ);
	buf_add(&bytes, head->folder, strlen(head->folder) + 1);
	buf_add(&bytes, head->plan, head->plan_len);
	store(c, "head", NULL, &bytes);
	buf_release(&bytes);
}

/* The next of them: commit, length, bytes. 1, 0 at the end, -1. */
static int next_trailers(const struct buf *all, size_t *at, const char **commit,
			 const char **text, size_t *len)
{
	const size_t fixed = OID_RAWSZ + 4;
	size_t left = all->len - *at;

	if (!left)
		return 0;
	if (left < fixed)
		return -1;
	*commit = all->s + *at;
	*text = *commit + fixed;
	*len = u32_at(*commit + OID_RAWSZ);
	if (*len > left - fixed)
		return -1;
	*at += fixed + *len;
	return 1;
}

static const struct buf *get_trailers(struct repo *r)
{
	struct cache *c = get(r);
	size_t start;

	if (!c->trailers_read && load(c, "trailers", NULL, &c->trailers, &start)) {
		c->trailers.len -= start;
		memmove(c->trailers.s, c->trailers.s + start, c->trailers.len);
	} else if (!c->trailers_read) {
		buf_reset(&c->trailers);
	}
	c->trailers_read = true;
	return &c->trailers;
}

bool cache_trailers(struct repo *r, const struct oid *commit, struct buf *out)
{
	const struct buf *all = get_trailers(r);
	const char *id, *text;
	size_t at = 0, len;

	while (next_trailers(all, &at, &id, &text, &len) > 0) {
		if (memcmp(id, commit->id, OID_RAWSZ) != 0)
			continue;
		if (out)
			buf_add(out, text, len);
		return true;
	}
	return false;
}

static void add_trailers(struct buf *out, const char *commit, const char *text,
			 size_t len)
{
	buf_add(out, commit, OID_RAWSZ);
	buf_add_u32(out, (uint32_t)len);
	buf_add(out, text, len);
}

void cache_keep_trailers(struct repo *r, const struct oid *commit, const char *text)
{
	struct cache *c = get(r);
	struct buf more = BUF_INIT;
	const char *id, *old;
	size_t at = 0, len;
	unsigned nr = 1;

	if (!c->writable || strlen(text) > TRAILERS_MAX ||
	    cache_trailers(r, commit, NULL))
		return;
	add_trailers(&more, (const char *)commit->id, text, strlen(text));
	while (nr++ < TRAILERS_KEPT &&
	       next_trailers(&c->trailers, &at, &id, &old, &len) > 0)
		add_trailers(&more, id, old, len);
	buf_release(&c->trailers);
	c->trailers = more;
	c->trailers_grown = true;
}

void cache_close(struct cache *c)
{
	if (!c)
		return;
	if (c->descriptions_grown)
		store(c, "descriptions", NULL, &c->descriptions.bytes);
	if (c->trailers_grown)
		store(c, "trailers", NULL, &c->trailers);
	buf_release(&c->trailers);
	buf_release(&c->head_bytes);
	descriptions_release(&c->descriptions);
	lines_release(&c->lines);
	free(c->folder);
	free(c);
}
