/* SPDX-License-Identifier: BSD-3-Clause */
/* One process that is watched: from its readings to lists. */
#ifndef TM_TOP_WATCH_H
#define TM_TOP_WATCH_H

#include "top/top_model.h"

struct top_cell {
    uint64_t thread; /* 0 for the shared slots */
    int32_t tag;
    uint64_t live_bytes;
};

/* One process, as last read. */
struct top_watch {
    struct tm_reader *reader; /* NULL: none is watched */
    bool read;                /* at least once */
    bool live, unknown;       /* if neither, it is its last reading */
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

void tool_top_watch(struct top_watch *watch, struct tm_reader *reader); /* takes the reader over; NULL: watches none */
/* False, with a message, if it cannot be read; all stays as it was then. */
bool tool_top_read(struct top_watch *watch, uint64_t time_ns, char message[TM_READER_MESSAGE]);
void tool_top_fill(struct top_watch *watch, const struct tm_reading *reading, uint64_t time_ns);
uint64_t tool_top_cell(const struct top_watch *watch, uint64_t thread, int32_t tag);

#endif
