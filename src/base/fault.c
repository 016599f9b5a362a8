#include "base/compat.h"

#include <signal.h>

#include "base/fault.h"

void fault_point(const char *name)
{
	static unsigned long times; /* that it was reached */
	const char *asked = getenv("GIT_MIGRATE_FAULT");
	size_t len = strlen(name);
	unsigned long wanted;

	if (!asked || strncmp(asked, name, len) != 0 || (asked[len] && asked[len] != ':'))
		return;
	wanted = asked[len] ? strtoul(asked + len + 1, NULL, 10) : 1;
	if (++times == wanted)
		raise(SIGKILL);
}
