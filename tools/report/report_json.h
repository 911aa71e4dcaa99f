/* SPDX-License-Identifier: BSD-3-Clause */
/* A recording's summary as JSON: all of it. */
#ifndef TM_REPORT_JSON_H
#define TM_REPORT_JSON_H

#include "common/json_writer.h"
#include "report/summary.h"

void report_put_json(struct tool_json *json, const struct summary *summary);

/* Writes parts of it into an object that is open. */
void report_put_head(struct tool_json *json, const struct summary *summary); /* all before the lists */
void report_put_unseen(struct tool_json *json, const struct account *unseen);
bool report_has_row(const struct account *account, bool is_thread);
void report_put_account(struct tool_json *json, const struct account *account, bool is_thread);
bool report_has_cell(const struct tm_slot *slot);
void report_put_cell(struct tool_json *json, const struct tm_slot *slot);

#endif
