#include "base/compat.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/map.h"
#include "base/sha1.h"
#include "base/text.h"
#include "base/vec.h"
#include "git/internal.h"
#include "git/pack.h"

enum {
	HEADER = 12,
	CHUNK = 1 << 16,  /* what is written, and read again, at once */
	LEVEL = 1,	  /* git packs again what is worth it */
	WINDOW_BITS = 12, /* 4 KiB, as much as most notes are */
	MEM_LEVEL = 5,
	PACK_MAX = INT32_MAX, /* beyond it the index needs offsets of 64 bits */
};

struct entry {
	struct oid id;
	uint32_t crc, offset;
};

struct pack {
	struct repo *repo;
	char *folder; /* objects/pack */
	char *path;   /* of the unfinished file; NULL before the first object */
	int fd;
	struct buf out;	     /* not written yet */
	uint64_t size;	     /* of the file, with that */
	z_stream zip, store; /* how objects are kept: smaller, or as they are */
	struct sha1 *hash;
	struct entry *entries;
	size_t nr, alloc;
	struct map seen; /* of the entries */
};

struct pack *pack_new(struct repo *r)
{
	struct pack *p = xcalloc(1, sizeof(*p));
	struct buf folder = BUF_INIT;

	buf_addf(&folder, "%s/objects/pack", r->common_dir);
	p->repo = r;
	p->folder = buf_detach(&folder);
	p->fd = -1;
	return p;
}

static int failed(const struct pack *p, struct err *err)
{
	return err_errno(err, ERR_FATAL, "could not write a pack in '%s'", p->folder);
}

/* A file beside the packs, which git gc takes away should it be left behind. */
static int open_temporary(const struct pack *p, const char *name, char **path,
			  struct err *err)
{
	struct buf whole = BUF_INIT;
	int fd;

	buf_addf(&whole, "%s/%s_XXXXXX", p->folder, name);
	fd = mkostemp(whole.s, O_CLOEXEC);
	if (fd >= 0)
		*path = buf_detach(&whole);
	else
		failed(p, err);
	buf_release(&whole);
	return fd;
}

static int flush(struct pack *p, struct err *err)
{
	if (fd_write_all(p->fd, buf_str(&p->out), p->out.len) < 0)
		return failed(p, err);
	buf_reset(&p->out);
	return 0;
}

static void *zip_alloc(void *arg UNUSED, unsigned nr, unsigned len)
{
	return xcalloc(nr, len);
}

static void zip_free(void *arg UNUSED, void *memory)
{
	free(memory);
}

static void begin_stream(z_stream *zip, int level)
{
	zip->zalloc = zip_alloc;
	zip->zfree = zip_free;
	/* most objects are small, and what it looks back in is cleared for each */
	if (deflateInit2(zip, level, Z_DEFLATED, WINDOW_BITS, MEM_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		BUG("zlib is not the one that this was compiled for");
}

static int begin(struct pack *p, struct err *err)
{
	if (p->hash)
		return 0;
	p->fd = open_temporary(p, "tmp_pack", &p->path, err);
	if (p->fd < 0)
		return -1;
	begin_stream(&p->zip, LEVEL);
	begin_stream(&p->store, Z_NO_COMPRESSION);
	p->hash = sha1_new();
	buf_reserve(&p->out, HEADER);
	memset(p->out.s, 0, HEADER); /* the number of objects is not known yet */
	p->size = p->out.len = HEADER;
	return 0;
}

/* The kind in three bits and the size in four, then seven more at a time. */
static void add_entry_header(struct buf *out, git_object_t type, size_t len)
{
	unsigned c = (unsigned)type << 4 | (len & 15);

	for (len >>= 4; len; len >>= 7) {
		buf_addc(out, (int)(c | 0x80));
		c = len & 0x7f;
	}
	buf_addc(out, (int)c);
}

/* All at once, straight behind what is to be written. */
static void deflate_into(z_stream *zip, const void *data, size_t len, struct buf *out)
{
	size_t room = deflateBound(zip, len);

	buf_reserve(out, room);
	zip->next_in = (z_const Bytef *)data;
	zip->avail_in = (uInt)len;
	zip->next_out = (Bytef *)out->s + out->len;
	zip->avail_out = (uInt)room;
	if (deflate(zip, Z_FINISH) != Z_STREAM_END || deflateReset(zip) != Z_OK)
		BUG("zlib did not keep its bound");
	out->len += room - zip->avail_out;
	out->s[out->len] = '\0';
}

static bool same_id(const void *array, size_t pos, const void *id)
{
	const struct entry *entries = array;

	return oid_eq(&entries[pos].id, id);
}

int pack_add(struct pack *p, git_object_t type, const void *data, size_t len,
	     struct oid *out, struct err *err)
{
	struct entry *e;
	uint32_t hash;
	size_t before;

	if (begin(p, err) < 0)
		return -1;
	repo_name_object(p->hash, type, data, len, out);
	hash = map_hash(&p->seen, out->id, OID_RAWSZ);
	if (map_find(&p->seen, hash, same_id, p->entries, out) != MAP_NONE ||
	    git_odb_exists_ext(p->repo->odb, to_git(out), GIT_ODB_LOOKUP_NO_REFRESH))
		return 0;
	map_add(&p->seen, hash, p->nr);
	VEC_GROW(p->entries, p->nr, p->alloc);
	e = &p->entries[p->nr++];
	*e = (struct entry){ .id = *out, .offset = (uint32_t)p->size };
	before = p->out.len;
	add_entry_header(&p->out, type, len);
	/*
	 * "git log" reads nearly all trees of the notes, if only to know of a commit that
	 * it has none. Compressed they are a tenth smaller, and read in ten times the
	 * time.
	 */
	deflate_into(type == GIT_OBJECT_TREE ? &p->store : &p->zip, data, len, &p->out);
	e->crc = (uint32_t)crc32(0, (Bytef *)p->out.s + before,
				 (uInt)(p->out.len - before));
	p->size += p->out.len - before;
	if (p->size > PACK_MAX)
		return err_set(err, ERR_FATAL, "cannot write a pack of over %d bytes",
			       PACK_MAX);
	return p->out.len < CHUNK ? 0 : flush(p, err);
}

/* The header, now that it is known, and behind all the hash of it, read again. */
static int seal(struct pack *p, unsigned char digest[SHA1_SIZE], struct err *err)
{
	ssize_t len;
	off_t at = 0;

	if (flush(p, err) < 0)
		return -1;
	buf_adds(&p->out, "PACK");
	buf_add_u32(&p->out, 2);
	buf_add_u32(&p->out, (uint32_t)p->nr);
	if (pwrite(p->fd, p->out.s, HEADER, 0) != HEADER)
		return failed(p, err);
	buf_reset(&p->out);
	buf_reserve(&p->out, CHUNK);
	while ((len = pread(p->fd, p->out.s, CHUNK, at)) > 0) {
		sha1_add(p->hash, p->out.s, (size_t)len);
		at += len;
	}
	sha1_end(p->hash, digest);
	if (len < 0 || (uint64_t)at != p->size)
		return failed(p, err);
	buf_add(&p->out, digest, SHA1_SIZE);
	return flush(p, err);
}

static int cmp_entry(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return oid_cmp(&x->id, &y->id);
}

/* git's index of a pack, version 2: counts by first byte, names, sums, places. */
static void make_index(struct pack *p, const unsigned char digest[SHA1_SIZE],
		       struct buf *out)
{
	static const unsigned char magic[] = { 0377, 't', 'O', 'c' };
	unsigned char own[SHA1_SIZE];
	size_t i = 0;
	unsigned first;

	qsort(p->entries, p->nr, sizeof(*p->entries), cmp_entry);
	buf_add(out, magic, sizeof(magic));
	buf_add_u32(out, 2);
	for (first = 0; first < 256; first++) {
		while (i < p->nr && p->entries[i].id.id[0] == first)
			i++;
		buf_add_u32(out, (uint32_t)i);
	}
	for (i = 0; i < p->nr; i++)
		buf_add(out, p->entries[i].id.id, OID_RAWSZ);
	for (i = 0; i < p->nr; i++)
		buf_add_u32(out, p->entries[i].crc);
	for (i = 0; i < p->nr; i++)
		buf_add_u32(out, p->entries[i].offset);
	buf_add(out, digest, SHA1_SIZE);
	sha1_add(p->hash, out->s, out->len);
	sha1_end(p->hash, own);
	buf_add(out, own, SHA1_SIZE);
}

/* Gives a file its mode, as that of git's own, and its name. */
static int settle(const struct pack *p, int fd, const char *from, const char *hex,
		  const char *suffix, struct err *err)
{
	struct buf path = BUF_INIT;
	struct stat head;
	mode_t mode = 0444;
	int ret = 0;

	buf_addf(&path, "%s/HEAD", p->repo->common_dir);
	if (stat(path.s, &head) == 0)
		mode = head.st_mode & 0444;
	buf_reset(&path);
	buf_addf(&path, "%s/pack-%s.%s", p->folder, hex, suffix);
	if (fchmod(fd, mode) < 0 || rename(from, path.s) < 0)
		ret = failed(p, err);
	buf_release(&path);
	return ret;
}

/* Behind the pack, since it is the index by which a pack is found. */
static int write_index(struct pack *p, const unsigned char digest[SHA1_SIZE],
		       const char *hex, struct err *err)
{
	struct buf bytes = BUF_INIT;
	char *path = NULL;
	int fd = open_temporary(p, "tmp_idx", &path, err), ret = -1;

	if (fd < 0)
		return -1;
	make_index(p, digest, &bytes);
	if (fd_write_all(fd, bytes.s, bytes.len) < 0)
		failed(p, err);
	else
		ret = settle(p, fd, path, hex, "idx", err);
	if (ret < 0)
		unlink(path);
	close(fd);
	free(path);
	buf_release(&bytes);
	return ret;
}

int pack_finish(struct pack *p, struct err *err)
{
	unsigned char digest[SHA1_SIZE];
	char hex[2 * SHA1_SIZE + 1];

	if (!p->nr)
		return 0;
	if (seal(p, digest, err) < 0)
		return -1;
	hex_encode(digest, SHA1_SIZE, hex);
	if (settle(p, p->fd, p->path, hex, "pack", err) < 0)
		return -1;
	free(p->path);
	p->path = NULL;
	return write_index(p, digest, hex, err);
}

void pack_free(struct pack *p)
{
	if (!p)
		return;
	if (p->path)
		unlink(p->path);
	if (p->hash) { /* it was begun */
		deflateEnd(&p->zip);
		deflateEnd(&p->store);
	}
	if (p->fd >= 0)
		close(p->fd);
	sha1_free(p->hash);
	map_release(&p->seen);
	buf_release(&p->out);
	free(p->entries);
	free(p->folder);
	free(p->path);
	free(p);
}
