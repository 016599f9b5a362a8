/*
 * A database's schema as text that does not depend on how it came about: objects of
 * a kind and a name, in the order of both, each with lines. What a driver reads from
 * its catalogs is put in in any order.
 */
#ifndef CORE_SCHEMA_H
#define CORE_SCHEMA_H

#include "base/pool.h"
#include "base/sha256.h"

struct buf;

/** Of the form of the text, which a digest is worth nothing without. */
#define SCHEMA_FORM "1"

struct schema_line {
	const char *kind, *name; /* of the object that it is about */
	const char *rank;	 /* orders the lines of an object, before their text */
	const char *text;	 /* maybe of several lines; NULL: the object is there */
};

/** Start with `= { 0 }`. */
struct schema {
	struct pool pool;
	struct schema_line *lines;
	size_t nr, alloc;
};

void schema_release(struct schema *s);

/** Adds a line; the texts are copied. `rank` NULL: "". */
void schema_add(struct schema *s, const char *kind, const char *name, const char *rank,
		const char *text);

/** Puts the lines into their order, and drops what is there twice. */
void schema_sort(struct schema *s);

/** Of sorted ones: behind the last line of the object that begins at `first`. */
size_t schema_object_end(const struct schema *s, size_t first);

/**
 * Appends the sorted schema as text: a paragraph an object, its first line kind and
 * name, the others indented. What could steer a terminal is escaped; the digest of an
 * object's own bytes stands below it then.
 */
void schema_render(const struct schema *s, struct buf *out);

enum { SCHEMA_PRINT_SZ = sizeof(SCHEMA_FORM ":") - 1 + SHA256_HEXSZ };

/** The fingerprint: form, colon, and the SHA-256 of exactly that text. */
void schema_fingerprint(const struct schema *s, char print[SCHEMA_PRINT_SZ + 1]);

#endif
