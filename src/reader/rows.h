/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of a published file as readings of one moment each. Knows nothing of processes, nor of what the kernel says. */
#ifndef TM_ROWS_H
#define TM_ROWS_H

#include "source.h"

/* What becomes a struct tm_reading; arrays are the reader's, and grow. */
struct tm__rows {
    struct tm_slot *slots; /* those that somebody has, and the shared ones, which are first */
    uint32_t *homes;       /* of each of them: the number of its thread's first slot */
    size_t slot_count, slot_capacity;
    struct tm_tag_reading *tags;
    size_t tag_count, tag_capacity;
    struct tm_flow *flows;
    size_t flow_count, flow_capacity;
    struct tm_totals process;
    bool flow_on;
    struct tm_crossings crossings;
};

/* 0; or -EINVAL for a file that cannot be so, -ENOMEM; with a message. */
int tm__read_rows(const struct tm__source *source, struct tm__rows *rows, char message[TM_READER_MESSAGE]);
void tm__free_rows(struct tm__rows *rows);

/* rows_flow.c: the same of who freed whose blocks. */
int tm__read_flows(const struct tm__source *source, struct tm__rows *rows, char message[TM_READER_MESSAGE]);

/* Room for one more in an array; false if there is no memory. */
bool tm__grow(void *array, size_t *capacity, size_t count, size_t size);

static inline void tm__add_totals(struct tm_totals *sum, const struct tm_totals *more)
{
    sum->allocated_bytes += more->allocated_bytes;
    sum->allocated_blocks += more->allocated_blocks;
    sum->freed_bytes += more->freed_bytes;
    sum->freed_blocks += more->freed_blocks;
    sum->freed_by_others_bytes += more->freed_by_others_bytes;
    sum->freed_by_others_blocks += more->freed_by_others_blocks;
    sum->freed_of_others_bytes += more->freed_of_others_bytes;
}

static inline void tm__subtract_totals(struct tm_totals *sum, const struct tm_totals *less)
{
    sum->allocated_bytes -= less->allocated_bytes;
    sum->allocated_blocks -= less->allocated_blocks;
    sum->freed_bytes -= less->freed_bytes;
    sum->freed_blocks -= less->freed_blocks;
    sum->freed_by_others_bytes -= less->freed_by_others_bytes;
    sum->freed_by_others_blocks -= less->freed_by_others_blocks;
    sum->freed_of_others_bytes -= less->freed_of_others_bytes;
}

#endif
