/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the rows of a published file become, which rows.c, rows_tags.c and rows_flow.c fill in together; and what holds of
 * every row, of whatever kind.
 */
#ifndef TM_ROWS_STORE_H
#define TM_ROWS_STORE_H

#include "state/layout.h"

#include <stdbool.h>
#include <threadmeter/reader.h>

/* A counter above this is none that any program got to: so sums, and what is printed of them, do not overflow. */
#define TM__MOST (UINT64_C(1) << 62)

/* What becomes a struct tm_reading; arrays are the reader's, and grow. */
struct tm__rows {
    struct tm_slot *slots; /* those that somebody has, and the shared ones, which are first */
    uint32_t *homes;       /* of each of them: the number of its thread's first slot */
    size_t slot_count, slot_capacity;
    struct tm__peak {
        uint64_t thread, bytes;
    } * peaks; /* by slot number, whether anybody has it or not: what it says of its thread's peak */
    size_t peak_capacity;
    struct tm_tag_reading *tags;
    size_t tag_count, tag_capacity;
    struct tm_flow *flows;
    size_t flow_count, flow_capacity;
    struct tm__flow_tables *flow_tables; /* as they were read; kept, since they are large */
    struct tm_totals process, retired;
    bool flow_on, ended;
    struct tm_cross_allocator_calls cross_allocator_calls;
};

void tm__free_rows(struct tm__rows *rows);

/* A name as a reading has it, of two words of the file: "(unknown)" if none was learned. */
void tm__take_name(char name[TM__NAME], const uint64_t words[2]);

/* Whether nothing of it is negative, or above TM__MOST: the sum of four such does not overflow. */
bool tm__is_possible(const struct tm_totals *all);

#endif
