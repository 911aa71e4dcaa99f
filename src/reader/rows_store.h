/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The result of reading a published file's rows, which rows.c, rows_tags.c and rows_flow.c fill in together; and checks
 * for rows of every kind.
 */
#ifndef TM_ROWS_STORE_H
#define TM_ROWS_STORE_H

#include "state/layout.h"

#include <stdbool.h>
#include <threadmeter/reader.h>

/* No program can count further than this. Larger counters are rejected, so that sums of the others do not overflow. */
#define TM__MOST (UINT64_C(1) << 62)

/* The parts of a struct tm_reading. The reader owns the arrays, which grow as needed. */
struct tm__rows {
    struct tm_slot *slots; /* the shared slots first, then those that are not free */
    uint32_t *homes;       /* for each of them: the number of its thread's home slot */
    size_t slot_count, slot_capacity;
    struct tm__peak {
        uint64_t thread, bytes;
    } * peaks; /* for each slot, also if it is free: what it says about its thread's peak */
    size_t peak_capacity;
    struct tm_tag_reading *tags;
    size_t tag_count, tag_capacity;
    struct tm_retired *retired_rows;
    size_t retired_row_count, retired_row_capacity;
    struct tm_flow *flows;
    size_t flow_count, flow_capacity;
    struct tm__flow_tables *flow_tables; /* memory to read them to; kept, since it is large */
    struct tm_totals process, retired;
    bool flow_on, ended;
    struct tm_cross_allocator_calls cross_allocator_calls;
};

void tm__free_rows(struct tm__rows *rows);

/* Makes a name of two words of the file: "(unknown)" if the process never learned it. */
void tm__take_name(char name[TM__NAME], const uint64_t words[2]);

/* Whether no difference is negative, and nothing is above TM__MOST. A sum of four such totals does not overflow. */
bool tm__is_possible(const struct tm_totals *all);

#endif
