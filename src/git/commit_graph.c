#include "base/compat.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "core/oid.h"
#include "git/bloom.h"
#include "git/commit_graph.h"

/* Sizes in the file, in bytes unless said otherwise. */
enum {
	HEADER_LEN = 8,
	TABLE_ENTRY_LEN = 12,
	FANOUT_NR = 256,
	COMMIT_LEN = OID_RAWSZ + 16,
	BLOOM_HEADER_LEN = 12,
	NO_PARENT = 0x70000000, /* also: there are fewer positions than that */
	MAX_LAYERS = 256,	/* the number of layers below one is a byte */
};

/* The chunks that are read; others (later parents, dates) are passed over. */
enum chunk_kind {
	CHUNK_FANOUT,
	CHUNK_IDS,
	CHUNK_COMMITS,
	CHUNK_BASE,
	CHUNK_BLOOM_ENDS,
	CHUNK_BLOOMS,
	CHUNK_NR
};

static const uint32_t chunk_ids[CHUNK_NR] = {
	0x4f494446, /* OIDF */
	0x4f49444c, /* OIDL */
	0x43444154, /* CDAT */
	0x42415345, /* BASE */
	0x42494458, /* BIDX */
	0x42444154, /* BDAT */
};

struct chunk {
	const unsigned char *at; /* NULL: not in this file */
	size_t len;
};

struct layer {
	const unsigned char *bytes;
	size_t len;
	bool mapped;
	struct chunk chunk[CHUNK_NR];
	uint32_t nr, below; /* commits: here, in all layers under this one */
	uint32_t hashes;    /* of its filters; 0: it has none */
};

struct commit_graph {
	struct layer *layers; /* the base first */
	size_t nr_layers;
	bool no_filters;
};

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t be64(const unsigned char *p)
{
	return (uint64_t)be32(p) << 32 | be32(p + 4);
}

/* --- one file ---------------------------------------------------------- */

/* Notes where a chunk lies, if it is one that is read. 0, -1 for a second one. */
static int note_chunk(struct layer *l, uint32_t id, uint64_t start, uint64_t end)
{
	size_t i;

	for (i = 0; i < CHUNK_NR; i++) {
		if (chunk_ids[i] != id)
			continue;
		if (l->chunk[i].at)
			return -1;
		l->chunk[i].at = l->bytes + start;
		l->chunk[i].len = (size_t)(end - start);
	}
	return id == 0 ? -1 : 0; /* 0 ends the table */
}

/* Header and table of contents: all chunks lie behind it and before the checksum. */
static int read_table(struct layer *l, size_t layers_below)
{
	static const unsigned char expected[] = { 'C', 'G', 'P', 'H', 1, 1 };
	const unsigned char *entry = l->bytes + HEADER_LEN;
	size_t table_len, i, nr;
	uint64_t start, end;

	if (l->len < HEADER_LEN + TABLE_ENTRY_LEN + OID_RAWSZ ||
	    memcmp(l->bytes, expected, sizeof(expected)) != 0 ||
	    l->bytes[7] != layers_below)
		return -1;
	nr = l->bytes[6];
	table_len = (nr + 1) * TABLE_ENTRY_LEN;
	if (table_len > l->len - HEADER_LEN - OID_RAWSZ)
		return -1;
	start = be64(entry + 4);
	if (start < HEADER_LEN + table_len)
		return -1;
	for (i = 0; i < nr; i++, entry += TABLE_ENTRY_LEN, start = end) {
		end = be64(entry + TABLE_ENTRY_LEN + 4);
		if (end < start || end > l->len - OID_RAWSZ ||
		    note_chunk(l, be32(entry), start, end) < 0)
			return -1;
	}
	return be32(entry) == 0 ? 0 : -1;
}

/* Commits with a first byte below `byte`, which may be 256. */
static uint32_t fanout(const struct layer *l, unsigned byte)
{
	return byte ? be32(l->chunk[CHUNK_FANOUT].at + 4 * (byte - 1)) : 0;
}

static bool has_length(const struct chunk *c, size_t nr, size_t each)
{
	return c->at && c->len % each == 0 && c->len / each == nr;
}

/* Counts the commits; the chunks that have something for each must agree. */
static int check_lengths(struct layer *l)
{
	unsigned i;

	if (!has_length(&l->chunk[CHUNK_FANOUT], FANOUT_NR, 4))
		return -1;
	for (i = 0; i < FANOUT_NR; i++)
		if (fanout(l, i) > fanout(l, i + 1))
			return -1;
	l->nr = fanout(l, FANOUT_NR);
	if (l->below >= NO_PARENT || l->nr >= NO_PARENT - l->below ||
	    !has_length(&l->chunk[CHUNK_IDS], l->nr, OID_RAWSZ) ||
	    !has_length(&l->chunk[CHUNK_COMMITS], l->nr, COMMIT_LEN))
		return -1;
	return 0;
}

/*
 * Both versions of the hash are the same for the paths that have keys, and the
 * keys serve any number of hashes. Where a filter ends is looked at when it is
 * asked: going through all of them would cost more than most questions.
 */
static void check_filters(struct layer *l)
{
	const struct chunk *blooms = &l->chunk[CHUNK_BLOOMS];
	uint32_t version, hashes, bits;

	if (!has_length(&l->chunk[CHUNK_BLOOM_ENDS], l->nr, 4) || !blooms->at ||
	    blooms->len < BLOOM_HEADER_LEN)
		return;
	version = be32(blooms->at);
	hashes = be32(blooms->at + 4);
	bits = be32(blooms->at + 8);
	if ((version == 1 || version == 2) && hashes <= 64 && bits > 0 && bits <= 1024)
		l->hashes = hashes;
}

/* Whether the file names the same layers under it as the chain does (NULL: none). */
static bool fits_chain(const struct layer *l, const struct oid *chain, size_t at)
{
	const struct chunk *base = &l->chunk[CHUNK_BASE];

	if (!chain || at == 0)
		return true;
	return has_length(base, at, OID_RAWSZ) && memcmp(base->at, chain, base->len) == 0;
}

/* Puts `l`, whose bytes are set, on top of the others. 0, or -1: not `g`'s then. */
static int add_layer(struct commit_graph *g, struct layer *l, const struct oid *chain)
{
	l->below = commit_graph_nr(g);
	if (read_table(l, g->nr_layers) < 0 || check_lengths(l) < 0 ||
	    !fits_chain(l, chain, g->nr_layers))
		return -1;
	check_filters(l);
	g->layers = xreallocarray(g->layers, g->nr_layers + 1, sizeof(*l));
	g->layers[g->nr_layers++] = *l;
	return 0;
}

/* --- files ------------------------------------------------------------- */

/*
 * git puts a new graph in its place by renaming, so what is mapped keeps its
 * length; a file that someone else cuts short meanwhile ends us with SIGBUS, as
 * it does git.
 */
static int map_file(struct layer *l, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret = -1;
	struct stat st;
	void *bytes;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (uintmax_t)st.st_size <= SIZE_MAX) {
		bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes != MAP_FAILED) {
			*l = (struct layer){ .bytes = bytes,
					     .len = (size_t)st.st_size,
					     .mapped = true };
			ret = 0;
		}
	}
	close(fd);
	return ret;
}

static void unmap(const struct layer *l)
{
	if (l->mapped)
		munmap((void *)(uintptr_t)l->bytes, l->len);
}

static int add_file(struct commit_graph *g, const char *path, const struct oid *chain)
{
	struct layer l;

	if (map_file(&l, path) < 0)
		return -1;
	if (add_layer(g, &l, chain) < 0) {
		unmap(&l);
		return -1;
	}
	return 0;
}

static int add_file_of_chain(struct commit_graph *g, const char *const *dirs, size_t nr,
			     const struct oid *chain)
{
	char hex[OID_HEXSZ + 1];
	struct buf path = BUF_INIT;
	int ret = -1;
	size_t i;

	for (i = 0; i < nr && ret < 0; i++) {
		buf_reset(&path);
		buf_addf(&path, "%s/info/commit-graphs/graph-%s.graph", dirs[i],
			 oid_hex(&chain[g->nr_layers], hex));
		ret = add_file(g, path.s, chain);
	}
	buf_release(&path);
	return ret;
}

/* Reads a list of layers, a line each; returns how many. */
static size_t read_chain(const char *path, struct oid chain[MAX_LAYERS])
{
	const size_t line_len = OID_HEXSZ + 1;
	struct buf text = BUF_INIT;
	struct err err = { 0 };
	size_t nr = 0;

	if (file_read(path, MAX_LAYERS * line_len, &text, &err) == 0)
		while (nr < text.len / line_len &&
		       text.s[nr * line_len + OID_HEXSZ] == '\n' &&
		       oid_parse(&chain[nr], text.s + nr * line_len, OID_HEXSZ) == 0)
			nr++;
	buf_release(&text);
	return nr;
}

static void add_chain(struct commit_graph *g, const char *const *dirs, size_t nr,
		      const char *path)
{
	struct oid chain[MAX_LAYERS];
	size_t len = read_chain(path, chain);

	while (g->nr_layers < len && add_file_of_chain(g, dirs, nr, chain) == 0)
		;
}

struct commit_graph *commit_graph_open(const char *const *object_dirs, size_t nr,
				       const struct commit_graph_options *opts)
{
	struct commit_graph *g;
	struct buf path = BUF_INIT;
	size_t i;

	if (opts && opts->no_graph)
		return NULL;
	g = xcalloc(1, sizeof(*g));
	g->no_filters = opts && opts->no_filters;
	for (i = 0; i < nr && g->nr_layers == 0; i++) {
		buf_reset(&path);
		buf_addf(&path, "%s/info/commit-graph", object_dirs[i]);
		if (add_file(g, path.s, NULL) == 0)
			break;
		buf_adds(&path, "s/commit-graph-chain");
		add_chain(g, object_dirs, nr, path.s);
	}
	buf_release(&path);
	if (g->nr_layers == 0) {
		commit_graph_free(g);
		return NULL;
	}
	return g;
}

struct commit_graph *commit_graph_from_bytes(const unsigned char *bytes, size_t len)
{
	struct commit_graph *g = xcalloc(1, sizeof(*g));
	struct layer l = { .bytes = bytes, .len = len };

	if (add_layer(g, &l, NULL) < 0) {
		commit_graph_free(g);
		return NULL;
	}
	return g;
}

void commit_graph_free(struct commit_graph *g)
{
	size_t i;

	if (!g)
		return;
	for (i = 0; i < g->nr_layers; i++)
		unmap(&g->layers[i]);
	free(g->layers);
	free(g);
}

/* --- questions --------------------------------------------------------- */

uint32_t commit_graph_nr(const struct commit_graph *g)
{
	const struct layer *top = g->nr_layers ? &g->layers[g->nr_layers - 1] : NULL;

	return top ? top->below + top->nr : 0;
}

/* The layer that has a position, which becomes one in that layer. */
static const struct layer *find_layer(const struct commit_graph *g, uint32_t *pos)
{
	size_t i = g->nr_layers;

	if (*pos >= commit_graph_nr(g))
		BUG("position %" PRIu32 " is not of this graph", *pos);
	while (*pos < g->layers[i - 1].below)
		i--;
	*pos -= g->layers[i - 1].below;
	return &g->layers[i - 1];
}

static const unsigned char *id_at(const struct layer *l, uint32_t at)
{
	return l->chunk[CHUNK_IDS].at + (size_t)at * OID_RAWSZ;
}

static const unsigned char *commit_at(const struct layer *l, uint32_t at)
{
	return l->chunk[CHUNK_COMMITS].at + (size_t)at * COMMIT_LEN;
}

/* Ids that are not in order are not found, and that is all. */
static uint32_t find_in_layer(const struct layer *l, const struct oid *id)
{
	uint32_t low = fanout(l, id->id[0]), high = fanout(l, id->id[0] + 1U), mid;
	int cmp;

	while (low < high) {
		mid = low + (high - low) / 2;
		cmp = memcmp(id->id, id_at(l, mid), OID_RAWSZ);
		if (cmp == 0)
			return l->below + mid;
		if (cmp < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return GRAPH_NONE;
}

uint32_t commit_graph_find(const struct commit_graph *g, const struct oid *id)
{
	uint32_t pos = GRAPH_NONE;
	size_t i;

	for (i = g->nr_layers; i > 0 && pos == GRAPH_NONE; i--)
		pos = find_in_layer(&g->layers[i - 1], id);
	return pos;
}

void commit_graph_id(const struct commit_graph *g, uint32_t pos, struct oid *out)
{
	const struct layer *l = find_layer(g, &pos);

	memcpy(out->id, id_at(l, pos), OID_RAWSZ);
}

void commit_graph_root_tree(const struct commit_graph *g, uint32_t pos, struct oid *out)
{
	const struct layer *l = find_layer(g, &pos);

	memcpy(out->id, commit_at(l, pos), OID_RAWSZ);
}

/* One more than that of its highest parent; 0 where a git before 2.19 wrote it. */
static uint32_t level_at(const struct layer *l, uint32_t at)
{
	return be32(commit_at(l, at) + OID_RAWSZ + 8) >> 2;
}

uint32_t commit_graph_first_parent(const struct commit_graph *g, uint32_t pos)
{
	const struct layer *l = find_layer(g, &pos), *parent_layer;
	uint32_t parent = be32(commit_at(l, pos) + OID_RAWSZ), at = parent;

	if (parent == NO_PARENT)
		return GRAPH_NONE;
	if (parent >= l->below + l->nr) /* in a layer above, or in none */
		return GRAPH_UNKNOWN;
	parent_layer = find_layer(g, &at);
	/* a walk asks for these next; positions lie about at random */
	__builtin_prefetch(parent_layer->chunk[CHUNK_IDS].at + (size_t)at * OID_RAWSZ);
	if (parent_layer->hashes)
		__builtin_prefetch(parent_layer->chunk[CHUNK_BLOOM_ENDS].at +
				   4 * (size_t)at);
	if (level_at(parent_layer, at) >= level_at(l, pos))
		return GRAPH_UNKNOWN;
	return parent;
}

bool commit_graph_is_merge(const struct commit_graph *g, uint32_t pos)
{
	const struct layer *l = find_layer(g, &pos);

	return be32(commit_at(l, pos) + OID_RAWSZ + 4) != NO_PARENT;
}

bool commit_graph_has_filters(const struct commit_graph *g)
{
	size_t i;

	for (i = 0; i < g->nr_layers && !g->no_filters; i++)
		if (g->layers[i].hashes)
			return true;
	return false;
}

bool commit_graph_maybe_changed(const struct commit_graph *g, uint32_t pos,
				const struct bloom_keys *keys)
{
	const struct layer *l = find_layer(g, &pos);
	const unsigned char *ends = l->chunk[CHUNK_BLOOM_ENDS].at;
	uint32_t start, end;

	if (g->no_filters || !l->hashes)
		return true;
	start = pos ? be32(ends + 4 * ((size_t)pos - 1)) : 0;
	end = be32(ends + 4 * (size_t)pos);
	if (start > end || end > l->chunk[CHUNK_BLOOMS].len - BLOOM_HEADER_LEN)
		return true;
	return bloom_may_hold(l->chunk[CHUNK_BLOOMS].at + BLOOM_HEADER_LEN + start,
			      end - start, l->hashes, keys);
}
