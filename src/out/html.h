/*
 * A page of HTML that needs nothing but itself: no script, no font, no network
 * (its own policy forbids them). Readable on a phone, on paper, light and dark.
 */
#ifndef OUT_HTML_H
#define OUT_HTML_H

#include <stdio.h>

/** Everything up to the body's first element; `title` is text. */
void html_begin(FILE *to, const char *title);
void html_end(FILE *to);

/** Text from outside: made harmless for HTML (attributes too) and for the eye. */
void html_text(FILE *to, const char *text);

/** An element with a class ("" for none) around such a text. */
void html_element(FILE *to, const char *name, const char *class, const char *text);

#endif
