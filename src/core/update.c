#include "base/compat.h"

#include "core/update.h"

int update_parse(const char *line, struct oid *older, struct oid *newer, const char **ref)
{
	enum { SECOND = OID_HEXSZ + 1, THIRD = 2 * SECOND };

	if (strlen(line) <= THIRD || line[SECOND - 1] != ' ' || line[THIRD - 1] != ' ' ||
	    oid_parse(older, line, OID_HEXSZ) < 0 ||
	    oid_parse(newer, line + SECOND, OID_HEXSZ) < 0)
		return -1;
	*ref = line + THIRD;
	return 0;
}
