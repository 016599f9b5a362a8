/* The terminal: whether to colour, the pager, text made safe for it. */
#ifndef OUT_TERM_H
#define OUT_TERM_H

#include <stdbool.h>
#include <stdio.h>

struct err;

enum color {
	COLOR_NONE,
	COLOR_BOLD,
	COLOR_DIM,
	COLOR_RED,
	COLOR_GREEN,
	COLOR_YELLOW,
	COLOR_BLUE,
	COLOR_CYAN,
};

/**
 * Whether to colour what goes to `fd`: `setting` is color.ui's value (NULL:
 * auto), as git reads it (always, never, auto, true, false); NO_COLOR and
 * TERM=dumb turn auto off.
 */
bool term_want_color(const char *setting, int fd);

/** The escape sequence that begins a colour, "" when `on` is false. */
const char *term_color(bool on, enum color c);
const char *term_reset(bool on);

/** Prints text from outside to `to`, escaped (text_printable), one line. */
void term_print(FILE *to, const char *s);
/** The same for a text of several lines. */
void term_print_lines(FILE *to, const char *s);

/**
 * Sends what is printed on stdout from now on through a pager when stdout is a
 * terminal. `command` is what git would use (GIT_PAGER, core.pager, PAGER,
 * less); "" or "cat" is none. LESS=FRX and LV=-c are set where unset. A pager
 * that cannot be started is no error. term_pager_end waits for it and must be
 * called before exit.
 */
void term_pager_start(const char *command);
void term_pager_end(void);

#endif
