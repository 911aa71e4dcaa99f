/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes the lists of one process, which is watched, from its readings. */
#ifndef TM_TOP_WATCH_H
#define TM_TOP_WATCH_H

#include "top/top_model.h"

struct top_cell {
    uint64_t thread; /* 0 for the shared slots */
    int32_t tag;
    uint64_t live_bytes;
};

/* One process, as it was at the last reading. */
struct top_watch {
    struct tm_reader *reader; /* NULL: no process is watched */
    bool read;                /* it was read at least once */
    bool live, unknown;       /* if neither, it has ended, and is not read again */
    const char *state;        /* tool_state() */
    char program[32];
    pid_t pid;
    struct tm_cross_allocator_calls cross_allocator_calls;
    uint64_t running_ns;     /* since its first allocation */
    uint64_t resident_bytes; /* or TOP_UNKNOWN */
    struct top_row total;
    size_t thread_count, orphan_count;
    uint64_t orphan_bytes;
    struct top_list threads, tags;
    struct top_cell *cells; /* the matrix: sorted by thread, then tag */
    size_t cell_count;
};

/* Becomes the owner of the reader, and closes the one before. NULL: no process is watched. */
void tool_top_watch(struct top_watch *watch, struct tm_reader *reader);
/* False, with a message, if the process cannot be read; then nothing changes. */
bool tool_top_read(struct top_watch *watch, uint64_t time_ns, char message[TM_READER_MESSAGE]);
void tool_top_fill(struct top_watch *watch, const struct tm_reading *reading, uint64_t time_ns);
uint64_t tool_top_cell(const struct top_watch *watch, uint64_t thread, int32_t tag);

#endif
