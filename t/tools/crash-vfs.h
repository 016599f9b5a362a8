/*
 * A file system for SQLite on which power can fail: it does all on the real one, and
 * keeps in mind what of it would still be there.
 *
 * Its rules are those that POSIX promises, and no more: what was written is safe once
 * the file was synced; that a file was made or unlinked is safe once its folder was
 * synced (SQLite does that with the first sync of a journal, and with an unlink when
 * it is asked to). Until then each sector of 512 bytes may have reached the disk or
 * not, whatever came before or after it; folders keep their order.
 */
#ifndef TOOLS_CRASH_VFS_H
#define TOOLS_CRASH_VFS_H

#include <stdbool.h>

struct crash;

/** From now on SQLite's default VFS. Power fails before call `at`, from 1; 0: never. */
struct crash *crash_new(unsigned at);

/** The old default is back: for a look at what is left. */
void crash_unmount(struct crash *c);

/** Unmounted, and no database may be open on it any more. */
void crash_free(struct crash *c);

/** Power fails now: each later call that would change something is an I/O error. */
void crash_now(struct crash *c);

/** Whether it has failed. */
bool crash_happened(const struct crash *c);

enum crash_luck {
	CRASH_NOTHING = 0, /* nothing that was not synced has reached the disk */
	CRASH_ALL = 1,	   /* all of it has */
	CRASH_SOME = 2,	   /* a choice; each greater number is another one */
};

/** Writes what the disk holds then into the folder, which is empty. */
void crash_write(const struct crash *c, const char *folder, unsigned luck);

#endif
