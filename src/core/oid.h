/* Object ids of a SHA-1 repository, without any git library. */
#ifndef CORE_OID_H
#define CORE_OID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { OID_RAWSZ = 20, OID_HEXSZ = 40 };

struct oid {
	unsigned char id[OID_RAWSZ];
};

/** All zeros stands for "none". */
bool oid_is_zero(const struct oid *a);
static inline bool oid_eq(const struct oid *a, const struct oid *b)
{
	return memcmp(a->id, b->id, OID_RAWSZ) == 0;
}
int oid_cmp(const struct oid *a, const struct oid *b);

/** Exactly 40 hex digits. 0 or -1. */
int oid_parse(struct oid *out, const char *hex, size_t len);

/** 40 lower-case digits and a NUL; returns `hex`. */
const char *oid_hex(const struct oid *a, char hex[OID_HEXSZ + 1]);

/** Whether the id begins with these hex digits (any case). */
bool oid_has_prefix(const struct oid *a, const char *hex, size_t len);

#endif
