/*
 * Crashes on demand, for tests of builds with --enable-faults: the program kills
 * itself at the step that GIT_MIGRATE_FAULT names, or with "<name>:3" when it comes
 * to it for the third time. Nothing in other builds.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#ifdef ENABLE_FAULTS
#define FAULT_POINT(name) fault_point(name)
#else
#define FAULT_POINT(name)                                                                \
	do {                                                                             \
	} while (0)
#endif

/** Ends the process by SIGKILL, as a power cut would, if `name` is the one asked for. */
void fault_point(const char *name);

#endif
