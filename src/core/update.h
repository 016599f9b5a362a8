/* An update of a ref, as git tells a hook of it. */
#ifndef CORE_UPDATE_H
#define CORE_UPDATE_H

#include "core/oid.h"

/**
 * Reads "<old> <new> <ref>", what git writes to pre-receive for each ref; `*ref`
 * points into `line`. 0, or -1 when it is not that.
 */
int update_parse(const char *line, struct oid *older, struct oid *newer,
		 const char **ref);

#endif
