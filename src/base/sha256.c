#include "base/compat.h"

#include <nettle/sha2.h>

#include "base/io.h"
#include "base/sha256.h"
#include "base/text.h"

struct sha256 {
	struct sha256_ctx ctx;
};

void sha256_hex(const void *data, size_t len, char hex[SHA256_HEXSZ + 1])
{
	struct sha256 h;

	sha256_init(&h.ctx);
	sha256_add(&h, data, len);
	sha256_end(&h, hex);
}

void sha256_line(const char *line, size_t len, char hex[SHA256_HEXSZ + 1])
{
	struct sha256 h;

	sha256_init(&h.ctx);
	sha256_add(&h, line, len);
	sha256_add(&h, "\n", 1);
	sha256_end(&h, hex);
}

struct sha256 *sha256_new(void)
{
	struct sha256 *h = xmalloc(sizeof(*h));

	sha256_init(&h->ctx);
	return h;
}

void sha256_add(struct sha256 *h, const void *data, size_t len)
{
	sha256_update(&h->ctx, len, data);
}

void sha256_end(struct sha256 *h, char hex[SHA256_HEXSZ + 1])
{
	unsigned char digest[SHA256_DIGEST_SIZE];

	sha256_digest(&h->ctx, sizeof(digest), digest);
	hex_encode(digest, sizeof(digest), hex);
}

void sha256_peek(const struct sha256 *h, char hex[SHA256_HEXSZ + 1])
{
	struct sha256 now = *h;

	sha256_end(&now, hex);
}

void sha256_free(struct sha256 *h)
{
	free(h);
}
