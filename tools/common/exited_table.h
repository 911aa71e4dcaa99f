/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_EXITED_TABLE_H
#define TM_EXITED_TABLE_H

#include <stdio.h>

#include <threadmeter/reader.h>

/*
 * Writes a blank line and a table of threads that are gone, by name, as tm_report() does (src/report/report_exited.c).
 * Nothing if nothing is gone.
 */
void tool_print_exited(FILE *out, const struct tm_retired *rows, size_t count);

#endif
