/* One hook: its text, and the file that git or another dispatcher runs. */
#ifndef CMD_HOOK_FILE_H
#define CMD_HOOK_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct err;

struct hook {
	const char *name;
	bool server;
	const unsigned char *text; /* NULL for one that is not installed here */
	size_t len;
	const char *block; /* the lines for a script that is somebody else's */
};

extern const struct hook hooks[];
enum { HOOKS_NR = 6 };

enum hook_found {
	HOOK_NONE,
	HOOK_OURS,
	HOOK_RUNS_US, /* somebody else's, that runs `git migrate hook` */
	HOOK_OTHER,
};

/** What is at `path`; the beginning of its text, if it has one, replaces `text`. */
enum hook_found hook_look(const char *path, struct buf *text);

/** Whether something is at `path`, be it a symbolic link that leads nowhere. */
bool hook_is_there(const char *path);
bool hook_is_folder(const char *path);

/** Where a hook goes that was at `path` before: "<folder>/<name>.before-migrate". */
void hook_aside(struct buf *out, const char *path, const struct hook *h);

/**
 * Writes our hook to `path`; what is there is kept first, which is told. 1; 0 when it
 * was there already; -1 with all as it was.
 */
int hook_write(const char *path, const struct hook *h, struct err *err);

/** Puts back what was before, or nothing. 1; 0 when our hook is not there; -1. */
int hook_restore(const char *path, const struct hook *h, struct err *err);

/** Why no lines can be put into a script by a program; NULL when they can. */
const char *hook_why_not_add(const char *path, bool must_be_executable);

/** Adds the block to a script of the project, or makes one of it. 1, 0 or -1 as above. */
int hook_add_block(const char *path, const struct hook *h, struct err *err);
int hook_drop_block(const char *path, const struct hook *h, struct err *err);

/** Makes a folder, marked as ours, unless it is there. 0 or -1. */
int hook_make_folder(const char *path, struct err *err);
/** Removes such a folder when nothing is left in it. */
void hook_drop_folder(const char *path);

#endif
