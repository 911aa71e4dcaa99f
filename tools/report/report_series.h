/* SPDX-License-Identifier: BSD-3-Clause */
/* Live bytes and rates over time. */
#ifndef TM_REPORT_SERIES_H
#define TM_REPORT_SERIES_H

#include "common/json_writer.h"
#include "report/summary.h"

/* From the same recording, rewound. */
void report_put_series(struct tool_json *json, const struct summary *summary, struct recording *recording);

#endif
