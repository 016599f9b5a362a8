#include "base/compat.h"

#include <signal.h>

#include "base/fault.h"

void fault_point(const char *name)
{
	const char *asked = getenv("GIT_MIGRATE_FAULT");

	if (asked && strcmp(asked, name) == 0)
		raise(SIGKILL);
}
