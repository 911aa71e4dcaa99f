/* SPDX-License-Identifier: BSD-3-Clause */
/* The fields of each kind of row, for the files that turn rows into bytes, and bytes into rows. */
#ifndef TM_RECORDING_KINDS_H
#define TM_RECORDING_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/system.h"
#include "recording/recording.h"

/* In the order of a reading. */
enum row_kind { ROWS_PROCESS, ROWS_TAGS, ROWS_SLOTS, ROWS_THREADS, ROWS_FLOWS, ROW_KINDS };

/* Rows of one kind, sorted by their keys; no two have the same key. */
struct rows {
    void *row;
    size_t count, capacity;
};

/* The only row of ROWS_PROCESS: the part of a frame that is no list. */
struct process_row {
    uint64_t time_ns;
    uint64_t elapsed_ns;
    bool live, flow_on;
    struct tool_memory memory;
    struct tm_totals process, retired;
    struct tm_cross_allocator_calls cross_allocator_calls;
};

struct field {
    uint16_t offset;
    uint16_t size; /* 1, 4 or 8; of a text, with the 0 at its end; 0: there is no such field, and none is written */
    bool text;
    uint64_t most; /* the largest valid number */
};

enum {
    TOTALS_MOST = 2,
    FIELDS_MOST = 64,    /* a word of 64 bits says which have changed */
    ROWS_MOST = 1 << 18, /* twice as many threads as the library's table has slots */
};

struct kind {
    const struct field *fields;
    size_t field_count;
    size_t size;
    size_t totals[TOTALS_MOST]; /* offsets, plus 1 */
};

extern const struct kind recording_kinds[ROW_KINDS];

uint64_t field_get(const struct field *field, const void *row);
bool field_set(const struct field *field, void *row, uint64_t number); /* false: the number is too large */
bool row_adds_up(const struct kind *kind, const void *row);            /* no more was freed than allocated */
bool row_is_sound(const struct kind *kind, const void *row);           /* a reader would accept it */

/*
 * What identifies a row while it exists: the first fields of the list. For the shared slots
 * and for "(others)" one more field is needed to tell them apart.
 */
struct key {
    uint64_t major, minor;
};

struct key row_key(enum row_kind kind, const void *row);
int compare_keys(struct key a, struct key b);
int compare_rows(const void *a, const void *b, void *kind); /* an enum row_kind, as for qsort_r() */

static inline void *row_at(enum row_kind kind, const struct rows *rows, size_t index)
{
    return rows->row ? (char *)rows->row + index * recording_kinds[kind].size : NULL;
}

#endif
