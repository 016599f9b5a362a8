#include "base/compat.h"

#include "base/text.h"
#include "core/migration.h"

/* 1: a byte of a name, 3: one that can begin it. */
static const unsigned char name_bytes[256] = {
	['0' ... '9'] = 3, ['A' ... 'Z'] = 3, ['a' ... 'z'] = 3,
	['.'] = 1,	   ['_'] = 1,	      ['-'] = 1,
};

/* Components of the path one after the other, empty ones too. */
static enum name_verdict check_components(const char *path)
{
	unsigned char c;

	for (;; path++) {
		c = (unsigned char)*path;
		if (name_bytes[c] != 3)
			return c == '/' || name_bytes[c] ? NAME_START : NAME_CHARACTER;
		while (name_bytes[(unsigned char)*path])
			path++;
		if (!*path)
			return NAME_OK;
		if (*path != '/')
			return NAME_CHARACTER;
	}
}

enum name_verdict migration_name_check(const char *path)
{
	size_t len = strlen(path);

	if (len < 4)
		return NAME_OTHER;
	if (memcmp(path + len - 4, ".sql", 4) != 0)
		return strcasecmp(path + len - 4, ".sql") == 0 ? NAME_EXTENSION
							       : NAME_OTHER;
	if (len > MIGRATION_PATH_MAX)
		return NAME_LONG;
	return check_components(path);
}

const char *migration_name_reason(enum name_verdict v)
{
	switch (v) {
	case NAME_OK:
	case NAME_OTHER:
		break;
	case NAME_CHARACTER:
		return "only letters, digits, '.', '_' and '-' can stand in a name";
	case NAME_START:
		return "each part of a path has to begin with a letter or digit";
	case NAME_LONG:
		return "a path cannot be longer than 200 bytes";
	case NAME_EXTENSION:
		return "the extension has to be '.sql' in lower case";
	}
	BUG("no reason for the verdict %d", (int)v);
}

const char *migration_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
