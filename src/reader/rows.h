/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of a published file as readings of one moment each. Knows nothing of processes, nor of what the kernel says. */
#ifndef TM_ROWS_H
#define TM_ROWS_H

#include "base/sums.h"
#include "reader/source.h"

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

/* All functions here give 0; or -EINVAL for a file that cannot be so, -ENOMEM; with a message. */
int tm__read_rows(const struct tm__source *source, struct tm__rows *rows, char message[TM_READER_MESSAGE]);
void tm__free_rows(struct tm__rows *rows);

/* rows_tags.c: tags as they are in the file, and by `tm__collect_tags` with what slots have charged to them. */
int tm__read_tags(const struct tm__source *source, uint32_t count, struct tm__tag **tags,
                  char message[TM_READER_MESSAGE]);
int tm__collect_tags(const struct tm__source *source, struct tm__rows *rows, const struct tm__tag *tags, uint32_t count,
                     char message[TM_READER_MESSAGE]);
void tm__sort_tags(struct tm__rows *rows);

/* Whether no tag lost a slot between the two: then each slot is counted once, with its tag's rest or by itself. */
bool tm__are_same_tags(const struct tm__tag *before, const struct tm__tag *behind, uint32_t count);

/* rows_flow.c: who freed whose blocks. */
int tm__read_flows(const struct tm__source *source, struct tm__rows *rows, char message[TM_READER_MESSAGE]);

/* Room for `count`, or for one more than that, in an array; false if there is no memory. */
bool tm__reserve(void *array, size_t *capacity, size_t count, size_t size);
bool tm__grow(void *array, size_t *capacity, size_t count, size_t size);

int tm__no_memory(char message[TM_READER_MESSAGE]);
int tm__cut_off(const struct tm__source *source, char message[TM_READER_MESSAGE]);

/* A name as a reading has it, of two words of the file: "(unknown)" if none was learned. */
void tm__take_name(char name[TM__NAME], const uint64_t words[2]);

/* Whether nothing of it is negative, or above TM__MOST: the sum of four such does not overflow. */
bool tm__is_possible(const struct tm_totals *all);

#endif
