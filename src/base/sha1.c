#include "base/compat.h"

#include <nettle/sha1.h>

#include "base/io.h"
#include "base/sha1.h"

struct sha1 {
	struct sha1_ctx ctx;
};

struct sha1 *sha1_new(void)
{
	struct sha1 *h = xmalloc(sizeof(*h));

	sha1_init(&h->ctx);
	return h;
}

void sha1_add(struct sha1 *h, const void *data, size_t len)
{
	sha1_update(&h->ctx, len, data);
}

void sha1_end(struct sha1 *h, unsigned char digest[SHA1_SIZE])
{
	sha1_digest(&h->ctx, SHA1_SIZE, digest);
}

void sha1_free(struct sha1 *h)
{
	free(h);
}
