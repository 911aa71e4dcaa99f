/* SPDX-License-Identifier: BSD-3-Clause */
/* The forms that a report has. */
#ifndef TM_REPORT_H
#define TM_REPORT_H

#include "summary.h"

/* What the end of a recording is called: "ended", "stopped" and so on. */
extern const char *const recording_end_names[RECORDING_ENDS];

/* report_text.c; all: also the rows that are left out where there are many. */
void report_print(FILE *out, const struct summary *summary, bool all);

/* report_json.c: all of it; all but its lists; and what is in these. To be given to json_decref(). */
json_t *report_to_json(const struct summary *summary);
json_t *report_head_to_json(const struct summary *summary);
bool report_has_row(const struct account *account, bool is_thread);
json_t *report_account_to_json(const struct account *account, bool is_thread);
bool report_has_cell(const struct tm_slot *slot);
json_t *report_cell_to_json(const struct tm_slot *slot);

/* report_series.c: live bytes and rates over time, from the same recording, rewound. */
json_t *report_series_to_json(const struct summary *summary, struct recording *recording);

/* report_page_data.c: what the page is made of, of bounded size. */
json_t *report_page_to_json(const struct summary *summary, struct recording *recording);

/* report_page.c */
bool report_has_page(void); /* this program was built with one */
bool report_write_page(FILE *out, const json_t *data);

#endif
