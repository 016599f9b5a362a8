#include "base/compat.h"

#include <sqlite3.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/vec.h"
#include "tools/crash-vfs.h"

enum { SECTOR = 512 };

/* A write, or a truncation to `at` when there are no bytes. */
struct change {
	sqlite3_int64 at;
	char *bytes;
	size_t len;
};

/* A file, whatever its name is by now. */
struct inode {
	struct buf safe; /* what a sync has made last */
	struct change *pending;
	size_t nr, alloc;
};

/* What a folder was told: the name is that file's, or nobody's. */
struct entry {
	char *name;
	struct inode *inode; /* NULL: unlinked */
};

struct crash {
	sqlite3_vfs vfs; /* first: SQLite's pointer to it is ours */
	sqlite3_vfs *real;
	unsigned calls, at;
	bool down;
	struct inode **inodes;
	size_t nr_inodes, inodes_alloc;
	struct entry *entries; /* in order; those before `safe` were synced */
	size_t nr_entries, entries_alloc, safe;
};

struct file {
	sqlite3_file base; /* first, as above */
	struct crash *crash;
	struct inode *inode; /* NULL: one that nothing lasting is kept in */
	bool syncs_folder;
	sqlite3_file *real; /* behind this */
};

/* --- the model --------------------------------------------------------------- */

void crash_now(struct crash *c)
{
	c->down = true;
}

bool crash_happened(const struct crash *c)
{
	return c->down;
}

/* Before a call that changes something: false when there is no power for it. */
static bool powered(struct crash *c)
{
	if (!c->down && ++c->calls == c->at)
		crash_now(c);
	return !c->down;
}

static struct inode *inode_new(struct crash *c)
{
	struct inode *inode = xcalloc(1, sizeof(*inode));

	VEC_GROW(c->inodes, c->nr_inodes, c->inodes_alloc);
	c->inodes[c->nr_inodes++] = inode;
	return inode;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The file that has a name after the first `nr` entries; NULL when none has. */
static struct inode *named(const struct crash *c, const char *name, size_t nr)
{
	while (nr-- > 0)
		if (strcmp(c->entries[nr].name, name) == 0)
			return c->entries[nr].inode;
	return NULL;
}

static void enter(struct crash *c, const char *path, struct inode *inode)
{
	VEC_GROW(c->entries, c->nr_entries, c->entries_alloc);
	c->entries[c->nr_entries++] = (struct entry){ .name = xstrdup(base_name(path)),
						      .inode = inode };
}

static void pend(struct inode *inode, const void *bytes, size_t len, sqlite3_int64 at)
{
	struct change *change;

	VEC_GROW(inode->pending, inode->nr, inode->alloc);
	change = &inode->pending[inode->nr++];
	*change = (struct change){ .at = at, .len = len };
	if (!bytes)
		return;
	change->bytes = xmalloc(len + 1);
	memcpy(change->bytes, bytes, len);
}

/* Makes a file at least that long, with zeros. */
static void lengthen(struct buf *b, size_t len)
{
	while (b->len < len)
		buf_addc(b, '\0');
}

static void cut(struct buf *b, size_t len)
{
	lengthen(b, len);
	b->len = len;
}

static void forget(struct inode *inode)
{
	while (inode->nr > 0)
		free(inode->pending[--inode->nr].bytes);
}

static void make_safe(struct inode *inode)
{
	size_t i;

	for (i = 0; i < inode->nr; i++) {
		const struct change *change = &inode->pending[i];

		if (!change->bytes) {
			cut(&inode->safe, (size_t)change->at);
			continue;
		}
		lengthen(&inode->safe, (size_t)change->at + change->len);
		memcpy(inode->safe.s + change->at, change->bytes, change->len);
	}
	forget(inode);
}

/* --- what is left ------------------------------------------------------------ */

/* xorshift: the same seed makes the same choices, on every machine */
struct luck {
	unsigned kind;
	uint32_t state;
};

static uint32_t draw(struct luck *l)
{
	l->state ^= l->state << 13;
	l->state ^= l->state >> 17;
	l->state ^= l->state << 5;
	return l->state >> 8;
}

static bool reached(struct luck *l)
{
	if (l->kind < CRASH_SOME)
		return l->kind == CRASH_ALL;
	return draw(l) & 1;
}

static void apply(const struct change *change, struct luck *l, struct buf *out)
{
	size_t at = (size_t)change->at, end = at + change->len, next;

	if (!change->bytes) {
		if (reached(l))
			cut(out, at);
		return;
	}
	for (; at < end; at = next) {
		next = at - at % SECTOR + SECTOR;
		next = next < end ? next : end;
		if (!reached(l))
			continue;
		lengthen(out, next);
		memcpy(out->s + at, change->bytes + (at - (size_t)change->at), next - at);
	}
}

static void write_file(const char *folder, const char *name, const struct inode *inode,
		       struct luck *l)
{
	struct buf path = BUF_INIT, bytes = BUF_INIT;
	FILE *out;
	size_t i;

	buf_add(&bytes, buf_str(&inode->safe), inode->safe.len);
	for (i = 0; i < inode->nr; i++)
		apply(&inode->pending[i], l, &bytes);
	buf_addf(&path, "%s/%s", folder, name);
	out = fopen(path.s, "w");
	if (!out || fwrite(buf_str(&bytes), 1, bytes.len, out) != bytes.len ||
	    fclose(out) != 0)
		abort();
	buf_release(&path);
	buf_release(&bytes);
}

void crash_write(const struct crash *c, const char *folder, unsigned luck)
{
	struct luck l = { .kind = luck, .state = luck * 2654435761u + 1 };
	size_t pending = c->nr_entries - c->safe, nr = c->safe, i, k;

	if (luck == CRASH_ALL)
		nr += pending;
	else if (luck >= CRASH_SOME)
		nr += draw(&l) % (pending + 1);
	for (i = 0; i < nr; i++) {
		const char *name = c->entries[i].name;

		/* each name once, with the file that it ends with */
		for (k = i + 1; k < nr && strcmp(c->entries[k].name, name) != 0; k++)
			;
		if (k == nr && c->entries[i].inode)
			write_file(folder, name, c->entries[i].inode, &l);
	}
}

/* --- a file ------------------------------------------------------------------ */

static sqlite3_file *real(sqlite3_file *f)
{
	return ((struct file *)f)->real;
}

static int file_close(sqlite3_file *f)
{
	return real(f)->pMethods->xClose(real(f));
}

static int file_read_at(sqlite3_file *f, void *bytes, int len, sqlite3_int64 at)
{
	return real(f)->pMethods->xRead(real(f), bytes, len, at);
}

static int file_write(sqlite3_file *f, const void *bytes, int len, sqlite3_int64 at)
{
	struct file *file = (struct file *)f;

	if (!powered(file->crash))
		return SQLITE_IOERR_WRITE;
	if (file->inode)
		pend(file->inode, bytes, (size_t)len, at);
	return real(f)->pMethods->xWrite(real(f), bytes, len, at);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 len)
{
	struct file *file = (struct file *)f;

	if (!powered(file->crash))
		return SQLITE_IOERR_TRUNCATE;
	if (file->inode)
		pend(file->inode, NULL, 0, len);
	return real(f)->pMethods->xTruncate(real(f), len);
}

/* The real sync is left out: nobody takes the power from this machine. */
static int file_sync(sqlite3_file *f, int flags UNUSED)
{
	struct file *file = (struct file *)f;

	if (!powered(file->crash))
		return SQLITE_IOERR_FSYNC;
	if (file->inode)
		make_safe(file->inode);
	if (file->syncs_folder)
		file->crash->safe = file->crash->nr_entries;
	file->syncs_folder = false;
	return SQLITE_OK;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *out)
{
	return real(f)->pMethods->xFileSize(real(f), out);
}

static int file_lock(sqlite3_file *f, int lock)
{
	return real(f)->pMethods->xLock(real(f), lock);
}

static int file_unlock(sqlite3_file *f, int lock)
{
	return real(f)->pMethods->xUnlock(real(f), lock);
}

static int file_reserved(sqlite3_file *f, int *out)
{
	return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
	/* room that is asked for beforehand would pass the model by */
	if (op == SQLITE_FCNTL_SIZE_HINT || op == SQLITE_FCNTL_CHUNK_SIZE)
		return SQLITE_NOTFOUND;
	return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int file_sector(sqlite3_file *f)
{
	return real(f)->pMethods->xSectorSize(real(f));
}

static int file_traits(sqlite3_file *f)
{
	return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int file_shm_map(sqlite3_file *f, int page, int size, int extend,
			void volatile **out)
{
	return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *f, int offset, int nr, int flags)
{
	return real(f)->pMethods->xShmLock(real(f), offset, nr, flags);
}

static void file_shm_barrier(sqlite3_file *f)
{
	real(f)->pMethods->xShmBarrier(real(f));
}

static int file_shm_unmap(sqlite3_file *f, int unlink_it)
{
	return real(f)->pMethods->xShmUnmap(real(f), unlink_it);
}

/* Version 2: without mapped pages, whose writes nobody would see. */
static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read_at,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

/* --- the file system --------------------------------------------------------- */

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *f, int flags,
		    int *out_flags)
{
	bool lasts = flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL |
			      SQLITE_OPEN_WAL | SQLITE_OPEN_SUPER_JOURNAL);
	struct file *file = (struct file *)f;
	struct crash *c = (struct crash *)vfs;
	int rc;

	memset(file, 0, sizeof(*file));
	file->crash = c;
	file->real = (sqlite3_file *)(file + 1);
	if (path && lasts) {
		file->inode = named(c, base_name(path), c->nr_entries);
		if (!file->inode && (flags & SQLITE_OPEN_CREATE) && !powered(c))
			return SQLITE_CANTOPEN;
	}
	rc = c->real->xOpen(c->real, path, file->real, flags, out_flags);
	if (rc != SQLITE_OK)
		return rc;
	file->base.pMethods = &methods;
	if (path && lasts && !file->inode) {
		file->inode = inode_new(c);
		file->syncs_folder = !(flags & SQLITE_OPEN_MAIN_DB);
		enter(c, path, file->inode);
	}
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
	struct crash *c = (struct crash *)vfs;
	int rc;

	if (!powered(c))
		return SQLITE_IOERR_DELETE;
	rc = c->real->xDelete(c->real, path, 0);
	if (rc != SQLITE_OK)
		return rc;
	if (named(c, base_name(path), c->nr_entries))
		enter(c, path, NULL);
	if (sync_folder)
		c->safe = c->nr_entries;
	return SQLITE_OK;
}

struct crash *crash_new(unsigned at)
{
	struct crash *c = xcalloc(1, sizeof(*c));

	c->real = sqlite3_vfs_find(NULL);
	if (!c->real)
		abort();
	c->at = at;
	c->vfs = *c->real; /* what is not replaced finds its own data there */
	c->vfs.pNext = NULL;
	c->vfs.zName = "crash";
	c->vfs.szOsFile = (int)sizeof(struct file) + c->real->szOsFile;
	c->vfs.xOpen = vfs_open;
	c->vfs.xDelete = vfs_delete;
	if (sqlite3_vfs_register(&c->vfs, 1) != SQLITE_OK)
		abort();
	return c;
}

void crash_unmount(struct crash *c)
{
	sqlite3_vfs_unregister(&c->vfs);
	sqlite3_vfs_register(c->real, 1);
}

void crash_free(struct crash *c)
{
	size_t i;

	for (i = 0; i < c->nr_inodes; i++) {
		forget(c->inodes[i]);
		free(c->inodes[i]->pending);
		buf_release(&c->inodes[i]->safe);
		free(c->inodes[i]);
	}
	for (i = 0; i < c->nr_entries; i++)
		free(c->entries[i].name);
	free(c->inodes);
	free(c->entries);
	free(c);
}
