/* SPDX-License-Identifier: BSD-3-Clause */
/* What tm_report() says of programs whose threads own less than 1 KiB each: such figures are exact to the byte. */
#ifndef TESTS_REPORT_ROWS_H
#define TESTS_REPORT_ROWS_H

#include <stddef.h>

struct row {
    char state[16];
    unsigned long live, blocks, peak, allocated, others;
};

/* The row of the thread with this name, or of "total", in the report with this number, from 0. Fails if there is none. */
struct row row_of(const char *text, int report, const char *name);
int count_reports(const char *text);

/* Fails unless the row has these figures. */
void expect_row(const char *text, int report, const char *name, const char *state, unsigned long live,
                unsigned long blocks, unsigned long allocated, unsigned long others);

/* Runs a program with THREADMETER_REPORT=stderr; it must exit with 0. `text` is what it wrote to stderr. */
void run_reported(const char *const argv[], char *text, size_t capacity);

#endif
