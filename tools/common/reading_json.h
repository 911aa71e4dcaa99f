/* SPDX-License-Identifier: BSD-3-Clause */
/* A reading as dump --json prints it (docs/formats/published-file.md). */
#ifndef TM_READING_JSON_H
#define TM_READING_JSON_H

#include "base/columns.h"
#include "common/json_writer.h"

#include <threadmeter/reader.h>

void tool_json_reading(struct tool_json *json, const struct tm_reading *reading);

/* Writes parts of it, for other outputs in JSON, too. */
void tool_json_totals(struct tool_json *json, const char *name, const struct tm_totals *totals);
void tool_json_put_figures(struct tool_json *json, const struct tm__figures *figures); /* of the object that is open */
void tool_json_cross_allocator_calls(struct tool_json *json, const char *name,
                                     const struct tm_cross_allocator_calls *cross_allocator_calls);
void tool_json_flow(struct tool_json *json, const struct tm_flow *flow);
void tool_json_pid_or_null(struct tool_json *json, const char *name, pid_t pid); /* null: 0 */

#endif
