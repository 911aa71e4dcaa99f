/* SPDX-License-Identifier: BSD-3-Clause */
/* What rows of each kind consist of. For the files that make rows of bytes, and bytes of rows. */
#ifndef TM_RECORDING_KINDS_H
#define TM_RECORDING_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/system.h"
#include "recording/recording.h"

/* In the order in which a reading has them. */
enum row_kind { ROWS_PROCESS, ROWS_TAGS, ROWS_SLOTS, ROWS_THREADS, ROWS_FLOWS, ROW_KINDS };

/* Rows of one kind, in order of their keys, no two with the same. */
struct rows {
    void *row;
    size_t count, capacity;
};

/* The one row of ROWS_PROCESS: what a frame holds beside lists. */
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
    uint16_t size; /* 1, 4 or 8; a text's with the 0 at its end; 0: none, never written */
    bool text;
    uint64_t most; /* what a number can be */
};

enum {
    TOTALS_MOST = 2,
    FIELDS_MOST = 64,    /* a bit each of what has changed */
    ROWS_MOST = 1 << 18, /* as many threads as the library's table has slots, and again */
};

struct kind {
    const struct field *fields;
    size_t field_count;
    size_t size;
    size_t totals[TOTALS_MOST]; /* where they are, plus 1 */
};

extern const struct kind recording_kinds[ROW_KINDS];

uint64_t field_get(const struct field *field, const void *row);
bool field_set(const struct field *field, void *row, uint64_t number); /* false: it cannot be so much */
bool row_adds_up(const struct kind *kind, const void *row);            /* nothing was freed that was not allocated */
bool row_is_sound(const struct kind *kind, const void *row);           /* could be read back */

/*
 * What names a row for as long as it is there: the fields of it that come first in the list. Of the slots that are
 * shared and of "(others)" it takes one more to tell them apart.
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
