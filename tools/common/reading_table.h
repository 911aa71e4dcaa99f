/* SPDX-License-Identifier: BSD-3-Clause */
/* A reading as dump prints it, in the form of tm_report(). */
#ifndef TM_READING_TABLE_H
#define TM_READING_TABLE_H

#include <stdio.h>

#include <threadmeter/reader.h>

/* `left_out`: the total of threads that were removed from the reading, but are in its total; may be NULL. */
void tool_print_reading(FILE *out, const struct tm_reading *reading, const struct tm_totals *left_out);

/* Who freed whose blocks: the first rows, and the others as one row of this name. Each share is of all rows. */
enum { TOOL_FLOWS_SHOWN = 16 };
void tool_print_flows(FILE *out, const struct tm_flow *flows, size_t count, size_t shown, const char *others);

/* The last line: cross-allocator calls, and errors reported, if there are any. */
void tool_print_cross_allocator_calls(FILE *out, const struct tm_cross_allocator_calls *calls);

#endif
