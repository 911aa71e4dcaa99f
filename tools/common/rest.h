/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_REST_H
#define TM_REST_H

#include "common/system.h"

#include <stdio.h>
#include <threadmeter/totals.h>

/*
 * What of the anonymous memory that is resident is live, and what is not: a line, and another one if most of it is not
 * counted. Live bytes and headers are exact where nobody allocates meanwhile, the kernel's figures are of another moment.
 */
void tool_print_rest(FILE *out, const struct tm_totals *totals, const struct tool_memory *memory);

#endif
