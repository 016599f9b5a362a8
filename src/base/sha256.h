/* SHA-256 (nettle's, the library that costs start-up least for its speed). */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>

struct sha256;

enum { SHA256_HEXSZ = 64 };

/** Digest of `len` bytes as 64 lower-case hex digits and a NUL. */
void sha256_hex(const void *data, size_t len, char hex[SHA256_HEXSZ + 1]);

/** The same of a line, which is followed by a LF that is not there. */
void sha256_line(const char *line, size_t len, char hex[SHA256_HEXSZ + 1]);

/** The same of bytes that come in pieces. */
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *h, const void *data, size_t len);

/** Gives the digest of all that was added, and begins anew. */
void sha256_end(struct sha256 *h, char hex[SHA256_HEXSZ + 1]);

/** The digest of what was added up to now; more may follow. */
void sha256_peek(const struct sha256 *h, char hex[SHA256_HEXSZ + 1]);
void sha256_free(struct sha256 *h);

#endif
