/* SHA-1, by which git names what it keeps; for nothing else. */
#ifndef BASE_SHA1_H
#define BASE_SHA1_H

#include <stddef.h>

struct sha1;

enum { SHA1_SIZE = 20 };

/** The digest of bytes that come in pieces. */
struct sha1 *sha1_new(void);
void sha1_add(struct sha1 *h, const void *data, size_t len);

/** Gives the digest of all that was added, and begins anew. */
void sha1_end(struct sha1 *h, unsigned char digest[SHA1_SIZE]);
void sha1_free(struct sha1 *h);

#endif
