/* SPDX-License-Identifier: BSD-3-Clause */
/* The data of the page, of limited size. */
#ifndef TM_REPORT_PAGE_DATA_H
#define TM_REPORT_PAGE_DATA_H

#include "common/json_writer.h"
#include "report/summary.h"

void report_put_page_data(struct tool_json *json, const struct summary *summary, struct recording *recording);

#endif
