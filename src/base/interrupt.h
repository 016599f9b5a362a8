/* Signals that ask the program to stop, seen only where it waits. */
#ifndef BASE_INTERRUPT_H
#define BASE_INTERRUPT_H

#include <stdbool.h>

/**
 * From now on SIGINT, SIGTERM and SIGHUP are held back but while the program
 * waits in interrupt_poll; the first one is noted, a second one ends the program
 * as usual. A signal that was ignored before stays ignored.
 */
void interrupt_watch(void);

/** Whether one came since. */
bool interrupt_seen(void);

struct pollfd;

/**
 * poll(2) in which those signals are let in. Returns as poll; -1 with EINTR once
 * one came, before this call or in it.
 */
int interrupt_poll(struct pollfd *fds, unsigned long nr, int timeout_ms);

#endif
