/*
 * SQLite's memory. After each change of a table it reads the whole schema anew:
 * tens of thousands of small blocks, freed together and asked for again, which a
 * heap that joins and divides them pays for with a quarter of all CPU time. Here
 * freed blocks wait, by their size, for the next who wants one.
 *
 * SQLite knows one heap for the whole process and gives it no place for state, so
 * that is static. One thread uses it, as sqlite3_config() was told.
 */
#include "base/compat.h"

#include "db/sqlite.h"

enum {
	GRAIN = 16,
	CLASSES = 128, /* of sizes; what is larger is left to malloc */
	CHUNK = 64 * 1024,
};

/* Before each block: its class, or its size in bytes where that is none. */
struct head {
	union {
		uint64_t size;
		void *align;
	};
};

struct block {
	struct head head;
	struct block *next; /* while it is free */
};

static struct {
	struct block *free[CLASSES + 1];
	char *at;
	size_t left; /* of the newest chunk */
} heap;

static struct head *head_of(void *p)
{
	return (struct head *)((char *)p - sizeof(struct head));
}

static uint64_t class_of(size_t total)
{
	return (total + GRAIN - 1) / GRAIN;
}

/* A new block of a class. */
static struct head *carve(uint64_t class)
{
	size_t size = class * GRAIN;
	struct head *head;

	if (heap.left < size) {
		heap.at = malloc(CHUNK);
		heap.left = heap.at ? CHUNK : 0;
		if (!heap.at)
			return NULL;
	}
	head = (struct head *)(void *)heap.at;
	heap.at += size;
	heap.left -= size;
	return head;
}

/* What the caller gets of a block, which may be none. */
static void *hand_out(struct head *head, uint64_t size)
{
	if (!head)
		return NULL;
	head->size = size;
	return head + 1;
}

static void *take(int size)
{
	size_t total = (size_t)size + sizeof(struct head);
	uint64_t class = class_of(total);
	struct block *block;

	if (class > CLASSES)
		return hand_out(malloc(total), total);
	block = heap.free[class];
	if (!block)
		return hand_out(carve(class), class);
	heap.free[class] = block->next;
	return &block->head + 1;
}

static void give_back(void *p)
{
	struct block *block;

	if (!p)
		return;
	block = (struct block *)(void *)head_of(p);
	if (block->head.size > CLASSES) {
		free(block);
		return;
	}
	block->next = heap.free[block->head.size];
	heap.free[block->head.size] = block;
}

static int size_of(void *p)
{
	uint64_t size = p ? head_of(p)->size : 0;

	if (size == 0)
		return 0;
	return (int)((size > CLASSES ? size : size * GRAIN) - sizeof(struct head));
}

static void *resize(void *p, int size)
{
	size_t total = (size_t)size + sizeof(struct head);
	struct head *head = head_of(p);
	void *other;

	if (head->size > CLASSES && class_of(total) > CLASSES)
		return hand_out(realloc(head, total), total);
	if (head->size <= CLASSES && head->size == class_of(total))
		return p;
	other = take(size);
	if (other) {
		memcpy(other, p, (size_t)(size < size_of(p) ? size : size_of(p)));
		give_back(p);
	}
	return other;
}

static int round_up(int size)
{
	size_t total = (size_t)size + sizeof(struct head);

	if (class_of(total) > CLASSES)
		return (size + 7) & ~7;
	return (int)(class_of(total) * GRAIN - sizeof(struct head));
}

static int start(void *arg UNUSED)
{
	return SQLITE_OK;
}

static void stop(void *arg UNUSED)
{
}

/* A sanitizer has to see each block. */
#if defined(__SANITIZE_ADDRESS__)
enum { WATCHED = true };
#elif defined(__has_feature)
enum { WATCHED = __has_feature(address_sanitizer) };
#else
enum { WATCHED = false };
#endif

void sqlite_use_heap(void)
{
	static const sqlite3_mem_methods methods = { take,     give_back, resize, size_of,
						     round_up, start,	  stop,	  NULL };

	if (!WATCHED)
		sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}
