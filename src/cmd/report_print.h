/* The forms in which `report` prints. */
#ifndef CMD_REPORT_PRINT_H
#define CMD_REPORT_PRINT_H

#include <stdio.h>

#include "flow/report.h"

/* Each prints the whole report. `now` is when, as records have it. */
void report_print_html(const struct report *r, const char *now, FILE *to);
void report_print_markdown(const struct report *r, const char *now, FILE *to);
/** A row for each record; RFC 4180, with a line of names. */
void report_print_csv(const struct report *r, FILE *to);
void report_print_json(const struct report *r, const char *now, FILE *to);

/** Rehearsals and drills as JSON: of one migration, or (NULL) all. The caller's. */
struct js *report_json_proofs(const struct proofs *proofs, const char *path);

enum { DURATION_TEXT = 32, WHAT_TEXT = 48 };

/** "3 d 4 h", "12 min", "5 s"; "open" for -1. Returns `text`. */
const char *report_duration(int64_t seconds, char text[DURATION_TEXT]);

/** What is in force on a target, and what of the plan is not settled there. */
struct report_counts {
	size_t in_force, pending, open_faults;
};
struct report_counts report_count(const struct report *r, const struct log_target *t);

/** Half of the mended incidents took no longer: seconds, -1 when there is none. */
int64_t report_median(const struct report *r, enum incident_kind kind);

/** What an incident was, in words: "failed" or "was wrong". */
const char *report_kind(enum incident_kind kind);

/** "applied", or "applied (lost: restored)". Returns `text`. */
const char *report_what(const struct report_record *one, char text[WHAT_TEXT]);

#endif
