/* SPDX-License-Identifier: BSD-3-Clause */
/* The forms that a report has. */
#ifndef TM_REPORT_H
#define TM_REPORT_H

#include "summary.h"

/* What the end of a recording is called: "ended", "stopped" and so on. */
extern const char *const recording_end_names[RECORDING_ENDS];

/* report_text.c; all: also the rows that are left out where there are many. */
void report_print(FILE *out, const struct summary *summary, bool all);

/* report_json.c: to be given to json_decref(). */
json_t *report_to_json(const struct summary *summary);

/* report_series.c: live bytes and rates over time, from the same recording, rewound. */
json_t *report_series_to_json(const struct summary *summary, struct recording *recording);

/* report_page.c */
bool report_has_page(void); /* this program was built with one */
bool report_write_page(FILE *out, const json_t *data);

#endif
