/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a reading consists of, as tables of rows, and rows as bytes: only what has changed. For recording_write.c and
 * recording_read.c alone.
 */
#ifndef TM_RECORDING_ROWS_H
#define TM_RECORDING_ROWS_H

#include "recording/recording.h"

/* ---- the file's own parts; numbers in them are little-endian ---- */

#define RECORDING_MAGIC "\x89TMREC\r\n" /* not text, and what spoils line ends spoils it */
enum {
    RECORDING_VERSION = 2,
    RECORDING_VERSION_ROWS = 1, /* all of a row's fields behind each other, and threads as they were: read, no more */
    RECORDING_HEADER = 72,      /* bytes, with the checksum at the end */
    RECORDING_FRAME_HEAD = 8,   /* length, checksum */
    RECORDING_FRAME_MOST = 1 << 26, /* of its content, as it is before it is compressed */
};

/* First byte of a frame's payload. */
enum { PAYLOAD_PLAIN, PAYLOAD_DEFLATED };

/* First byte of the content. */
enum { CONTENT_READING = 1, CONTENT_END = 2 };

/* ---- bytes ---- */

struct bytes {
    uint8_t *data;
    size_t size, capacity;
};

void bytes_put(struct bytes *bytes, const void *data, size_t size);
void bytes_put_number(struct bytes *bytes, uint64_t number); /* 7 bits a byte, the lowest first */

/* What is left to read; `data` NULL once something was wrong, and then all that is read is 0. */
struct view {
    const uint8_t *data;
    size_t size;
};

uint64_t view_number(struct view *view);
const void *view_take(struct view *view, size_t size);

/* ---- rows ---- */

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

size_t row_size(enum row_kind kind);

/* Makes rows of an array of what a reading has of the kind: copies and sorts. What is out of all bounds is left out. */
void rows_set(enum row_kind kind, struct rows *rows, const void *array, size_t count);

/* Threads as the slots have them, which nearly always is as they are; the slots are in order of their keys. */
void rows_expect_threads(struct rows *threads, const struct rows *slots);

/* Appends what makes `after` of `before`. */
void rows_put_changes(enum row_kind kind, struct bytes *bytes, const struct rows *before, const struct rows *after);

/* Makes `after` of `before` and the changes; false if they are none. `after` is another one than `before`. */
bool rows_take_changes(enum row_kind kind, int version, struct view *view, const struct rows *before,
                       struct rows *after);

#endif
