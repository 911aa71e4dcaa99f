/* SPDX-License-Identifier: BSD-3-Clause */
/* A reading as dump prints it, which is as tm_report() does. */
#ifndef TM_READING_TABLE_H
#define TM_READING_TABLE_H

#include <stdio.h>

#include <threadmeter/reader.h>

/* `left_out` NULL, or what threads make together that are not in the reading any more, but in its total. */
void tool_print_reading(FILE *out, const struct tm_reading *reading, const struct tm_totals *left_out);

/* Who freed whose blocks: so many of the first, and the others as one row of this name. All are in each one's share. */
enum { TOOL_FLOWS_SHOWN = 16 };
void tool_print_flows(FILE *out, const struct tm_flow *flows, size_t count, size_t shown, const char *others);

/* The last line, with how many misuses were told, if any. */
void tool_print_cross_allocator_calls(FILE *out, const struct tm_cross_allocator_calls *calls);

#endif
