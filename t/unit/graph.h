/*
 * Histories made up for the tests of the order: commits, folders, and nothing
 * else. Small ones are written as text,
 *
 *	r: 10; s r: 10 20; m r: 10 25*2; x m s: 10 20<25 25*2
 *
 * name, parents and the whole folder of each commit, parents first; "name!" is
 * a shallow boundary; a file is path[*version][<required[,...][%form]].
 */
#ifndef T_UNIT_GRAPH_H
#define T_UNIT_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct lines;
struct oid;

enum { PATHS = 12, PARENTS = 4, FORMS = 5 };

/** Bytewise, so that numbers compare as the paths do. Texts leave ".sql" out. */
extern const char *const paths[PATHS];

/** How a header names what it requires. */
enum form { FORM_PATH, FORM_TREE, FORM_BASE, FORM_SHORT, FORM_SUBJECT };

/** A file: 0 is none; its version, what it requires (a set), in which form. */
typedef uint32_t blob;
#define BLOB(version, needs, form)                                                       \
	((blob)(version) | (blob)(needs) << 8 | (blob)(form) << 24)
#define CONTENT_VERSION(b) ((b)&0xff)
#define NEEDS(b, p) ((b) >> (8 + (p)) & 1)
#define FORM(b) ((enum form)((b) >> 24))

struct node {
	char name[8];
	size_t parents[PARENTS], nr_parents;
	bool boundary;
	size_t tree; /* the first commit with the same folder */
	blob files[PATHS];
};

/** Start with `= { 0 }`. */
struct graph {
	struct node *at;
	size_t nr, alloc;
	uint64_t salt;	/* other salt, other object ids */
	size_t calls;	/* to the source, so far */
	size_t fail_at; /* this call fails; 0 is none */
	bool lies;    /* where two folders are compared, the first one holds every file */
	bool doubted; /* what was never given out is an error, not a failed test */
};

struct node *graph_add(struct graph *g, const char *name);
void graph_release(struct graph *g);

/** Finds equal folders; to be called whenever they have changed. */
void graph_trees(struct graph *g);

/** Adds the commits of a text. */
void graph_parse(struct graph *g, const char *text);
void graph_dump(const struct graph *g, struct buf *out);

/** Number of the path or commit that a text calls so; the test fails without. */
size_t graph_path(const char *s, size_t len);
size_t graph_find(const struct graph *g, const char *s, size_t len);

/** The last component. */
const char *graph_base(const char *path);

/** One entry of a plan, by numbers. */
struct item {
	size_t path, commit, arrival;
	unsigned company;
	bool unknown;
	bool cyclic; /* for the use of the oracle */
};

struct list {
	struct item at[PATHS];
	size_t nr;
	bool refused;
};

/** The plan of one commit as order_plan has it. 0, or -1 with `err` set. */
int graph_plan(struct graph *g, size_t tip, struct lines *lines, struct list *out,
	       struct err *err);

void graph_id(const struct graph *g, size_t commit, struct oid *out);

/** The stop at a commit, or STOP_NONE. */
uint32_t graph_stop(const struct graph *g, size_t commit, struct lines *lines);

#endif
