/* SPDX-License-Identifier: BSD-3-Clause */
/* What tm_report() writes, read back from a file and taken apart. */
#ifndef TESTS_PARSED_REPORT_H
#define TESTS_PARSED_REPORT_H

#include <stdint.h>
#include <threadmeter/totals.h>

enum { KIB = 1024 };

/* A row, or a line that is a sum. */
struct row {
    char name[36]; /* or the label */
    long tid;      /* 0: none */
    char state[9]; /* or empty */
    uint64_t live, blocks, peak, allocated, remote_frees_received, remote_frees_made;
};

extern struct parsed_report {
    char text[1 << 16];
    struct row rows[100];
    int count;
    struct row others, retired, total; /* with an empty name if the report has no such line */
    struct tm_cross_allocator_calls cross_allocator_calls;
} report;

/* Fills `report` with what tm_report() says now. */
void read_report(void);

/*
 * The same while no other thread uses the library: then the report allocates nothing, changes no totals, and its rows add
 * up to its total.
 */
void take_report(void);

#endif
