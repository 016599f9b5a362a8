/*
 * JSON for --json: a tree that is built, printed and freed (jansson beneath,
 * whose own names begin with json_).
 */
#ifndef OUT_JSON_H
#define OUT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct js;

struct js *js_object(void);
struct js *js_array(void);
/** Frees a tree with all that was put into it. Accepts NULL. */
void js_free(struct js *j);

/*
 * Members keep the order in which they were put; keys are ours, so UTF-8. NULL
 * strings become null; one that is not UTF-8 is escaped by text_printable.
 */
void js_put_str(struct js *object, const char *key, const char *value);
void js_put_int(struct js *object, const char *key, int64_t value);
void js_put_bool(struct js *object, const char *key, bool value);
/** Takes ownership of `child`. */
void js_put(struct js *object, const char *key, struct js *child);
void js_add(struct js *array, struct js *child);
void js_add_str(struct js *array, const char *value);

/**
 * Prints it, indented by two, with a newline; what is not ASCII as \uNNNN, so
 * that nothing in it can steer a terminal. 0, or -1 with errno.
 */
int js_print(const struct js *j, FILE *to);

#endif
