/* SPDX-License-Identifier: BSD-3-Clause */
/* Computes a reading's threads from its slots, which contain nearly all of it, so that it is not written twice. */
#include "recording/recording_threads.h"
#include "common/allocate.h"
#include "recording/recording_kinds.h"
#include "recording/recording_rows.h"

#include <stdlib.h>
#include <string.h>

/* The shared slots have thread number 0; their states tell them apart, as in the rows of threads. */
static int compare_owners(const struct tm_slot *one, const struct tm_slot *other)
{
    if (one->thread != other->thread)
        return one->thread < other->thread ? -1 : 1;
    return one->thread != 0 ? 0 : (one->state > other->state) - (one->state < other->state);
}

/* By owner; slots of one owner keep the order of the array, so that writer and reader get the same order. */
static int by_owner(const void *a, const void *b)
{
    const struct tm_slot *one = *(const struct tm_slot *const *)a, *other = *(const struct tm_slot *const *)b;
    int order = compare_owners(one, other);
    return order != 0 ? order : (one > other) - (one < other);
}

/*
 * The totals of a thread, as threadmeter/reader.h defines them: over all its slots, each of which has the peak of all.
 * Sums may wrap around. They only have to be the same in the writer and in the reader: the file contains what has to be
 * corrected.
 */
static void add_slot(struct tm_thread_reading *thread, const struct tm_slot *slot)
{
    struct tm_totals *sum = &thread->totals;
    const struct tm_totals *totals = &slot->totals;
    uint64_t peak = slot->thread == 0 ? totals->peak_bytes : slot->thread_peak_bytes;
#define ADD(name, unit, meaning) sum->name += totals->name;
    TM_COUNTERS(ADD)
#undef ADD
    sum->peak_bytes = peak > sum->peak_bytes ? peak : sum->peak_bytes;
    if (slot->state == TM_LIVE)
        thread->state = TM_LIVE;
}

void rows_expect_threads(struct rows *threads, const struct rows *slots)
{
    const struct tm_slot **order = tool_allocate(slots->count, sizeof(struct tm_slot *)), *first = slots->row;
    bool in_order = true;
    for (size_t i = 0; i < slots->count; i++) {
        order[i] = first + i;
        in_order &= i == 0 || compare_owners(order[i - 1], order[i]) <= 0;
    }
    if (!in_order)
        qsort(order, slots->count, sizeof *order, by_owner);

    rows_reserve(ROWS_THREADS, threads, slots->count);
    threads->count = 0;
    for (size_t i = 0; i < slots->count;) {
        struct tm_thread_reading *thread = row_at(ROWS_THREADS, threads, threads->count);
        const struct tm_slot *slot = order[i];
        *thread = (struct tm_thread_reading){.thread = slot->thread, .tid = slot->tid, .state = slot->state};
        memcpy(thread->name, slot->name, sizeof thread->name);
        for (; i < slots->count && compare_owners(slot, order[i]) == 0; i++)
            add_slot(thread, order[i]);
        /* A sum may be invalid, though each slot is valid. */
        threads->count += row_is_sound(&recording_kinds[ROWS_THREADS], thread);
    }
    free(order);
}
