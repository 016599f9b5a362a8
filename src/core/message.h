/* The text of a commit message, on its way to a commit. Pure. */
#ifndef CORE_MESSAGE_H
#define CORE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct oid;

/** What stands for a text that is to be filled in. */
#define FAILURE_MODE_PLACEHOLDER "<what went wrong, and why this mends it>"

struct message_style {
	const char *comment; /* core.commentChar; NULL: '#'; "auto": git chose it */
	bool keeps_comments; /* commit.cleanup is whitespace, verbatim or scissors */
};

/**
 * Appends what git will make of the file that an editor leaves: cut at the scissors
 * line of `git commit -v`, without comments and needless white space. "" when there
 * is nothing but those.
 */
void message_clean(struct buf *out, const char *text, size_t len,
		   const struct message_style *style);

/** Whether `git rebase --autosquash` will meld it ("fixup! ", "squash! ", "amend! "). */
bool message_is_melded(const char *message);

/**
 * The commit that `git revert` says it reverts: the next id behind "This reverts
 * commit " from `*at` on, which is moved behind it. False when there is none.
 */
bool message_reverts(const char *message, size_t *at, struct oid *out);

/** Whether a text is still the placeholder to fill in: "", or "<...>". */
bool message_is_unfilled(const char *value);

#endif
