#include "base/compat.h"

#include "base/text.h"
#include "core/oid.h"

bool oid_is_zero(const struct oid *a)
{
	static const struct oid zero;

	return oid_eq(a, &zero);
}

int oid_cmp(const struct oid *a, const struct oid *b)
{
	return memcmp(a->id, b->id, OID_RAWSZ);
}

int oid_parse(struct oid *out, const char *hex, size_t len)
{
	return len == OID_HEXSZ ? hex_decode(hex, out->id, OID_RAWSZ) : -1;
}

const char *oid_hex(const struct oid *a, char hex[OID_HEXSZ + 1])
{
	hex_encode(a->id, OID_RAWSZ, hex);
	return hex;
}

bool oid_has_prefix(const struct oid *a, const char *hex, size_t len)
{
	char whole[OID_HEXSZ + 1];

	return len <= OID_HEXSZ && strncasecmp(oid_hex(a, whole), hex, len) == 0;
}
