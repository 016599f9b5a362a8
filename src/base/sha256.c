#include "base/compat.h"

#include <nettle/sha2.h>

#include "base/sha256.h"
#include "base/text.h"

void sha256_hex(const void *data, size_t len, char hex[SHA256_HEXSZ + 1])
{
	unsigned char digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, len, data);
	sha256_digest(&ctx, sizeof(digest), digest);
	hex_encode(digest, sizeof(digest), hex);
}
