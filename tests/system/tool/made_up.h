/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A made-up process. Its readings add up like those of a real one, and all that can happen in a process happens. It
 * depends only on the seed, so it can be repeated.
 */
#ifndef TESTS_MADE_UP_H
#define TESTS_MADE_UP_H

#include "recording/recording.h"
#include "recording/recording_read.h"

enum { MADE_UP_THREADS = 40, MADE_UP_TAGS = 5, MADE_UP_CROWD = 1000 };

struct made_up_slot {
    bool used;
    uint32_t generation;
    struct tm_totals totals;
};

struct made_up {
    uint64_t random;
    uint64_t steps, threads_ever;
    size_t crowd; /* so many more threads live at each step, and until the next, at most MADE_UP_CROWD; 0 at first */
    uint64_t crowd_first; /* number of the first live one; 0: there is none */
    struct made_up_thread {
        uint64_t thread; /* 0: none */
        enum tm_slot_state state;
        char name[16];
        uint64_t peak;
        struct made_up_slot slots[MADE_UP_TAGS]; /* by tag; 0: none */
        uint64_t freed_of[MADE_UP_THREADS];
    } threads[MADE_UP_THREADS];
    struct tm_totals retired, gone_of_tag[MADE_UP_TAGS];
    struct recording_frame frame;
    struct tm_slot slots[MADE_UP_THREADS * MADE_UP_TAGS + 2 + MADE_UP_CROWD];
    struct tm_thread_reading rows[MADE_UP_THREADS + 2 + MADE_UP_CROWD];
    struct tm_tag_reading tags[MADE_UP_TAGS];
    struct tm_flow flows[MADE_UP_THREADS * MADE_UP_THREADS + 1];
};

void made_up_begin(struct made_up *process, uint64_t seed);
struct recording_info made_up_info(const struct made_up *process);

/* Changes the process, and returns the next reading, which is valid until the next call. */
const struct recording_frame *made_up_step(struct made_up *process);

#endif
