/* SPDX-License-Identifier: BSD-3-Clause */
/* A recording's summary as text. */
#ifndef TM_REPORT_TEXT_H
#define TM_REPORT_TEXT_H

#include "report/summary.h"

#include <stdio.h>

/* `all`: print all rows; otherwise only the first ones, if there are many. */
void report_print(FILE *out, const struct summary *summary, bool all);

#endif
