/* SPDX-License-Identifier: BSD-3-Clause */
/* What a report says, of programs that own less than 1 KiB a thread: then it says it to the byte. */
#ifndef TESTS_REPORT_ROWS_H
#define TESTS_REPORT_ROWS_H

#include <stddef.h>

struct row {
    char state[16];
    unsigned long live, blocks, peak, allocated, others;
};

/* The row of a thread of this name (or "total"), of the how-manieth report in a text; it must be there. */
struct row row_of(const char *text, int report, const char *name);
int count_reports(const char *text);

/* Fails unless the row is so. */
void expect_row(const char *text, int report, const char *name, const char *state, unsigned long live,
                unsigned long blocks, unsigned long allocated, unsigned long others);

/* Runs a program with THREADMETER_REPORT=stderr; it must exit with 0. What it wrote to stderr. */
void run_reported(const char *const argv[], char *text, size_t capacity);

#endif
