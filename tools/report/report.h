/* SPDX-License-Identifier: BSD-3-Clause */
/* The forms that a report has. */
#ifndef TM_REPORT_H
#define TM_REPORT_H

#include "report/summary.h"

/* What the end of a recording is called: "ended", "stopped" and so on. */
extern const char *const recording_end_names[RECORDING_ENDS];

/* report_text.c; all: also the rows that are left out where there are many. */
void report_print(FILE *out, const struct summary *summary, bool all);

/* report_json.c: all of it; and parts, of an object that is open. */
void report_put_json(struct tool_json *json, const struct summary *summary);
void report_put_head(struct tool_json *json, const struct summary *summary); /* all before the lists */
void report_put_unseen(struct tool_json *json, const struct account *unseen);
bool report_has_row(const struct account *account, bool is_thread);
void report_put_account(struct tool_json *json, const struct account *account, bool is_thread);
bool report_has_cell(const struct tm_slot *slot);
void report_put_cell(struct tool_json *json, const struct tm_slot *slot);

/* report_series.c: live bytes and rates over time, from the same recording, rewound. */
void report_put_series(struct tool_json *json, const struct summary *summary, struct recording *recording);

/* report_page_data.c: what the page is made of, of bounded size. */
void report_put_page_data(struct tool_json *json, const struct summary *summary, struct recording *recording);

/* report_page.c */
bool report_has_page(void); /* this program was built with one */
bool report_write_page(FILE *out, const struct summary *summary, struct recording *recording);

#endif
