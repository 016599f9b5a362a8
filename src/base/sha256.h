/* SHA-256 (nettle's, the library that costs start-up least for its speed). */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>

enum { SHA256_HEXSZ = 64 };

/** Digest of `len` bytes as 64 lower-case hex digits and a NUL. */
void sha256_hex(const void *data, size_t len, char hex[SHA256_HEXSZ + 1]);

#endif
