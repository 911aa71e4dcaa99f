/* SPDX-License-Identifier: BSD-3-Clause */
#include "reader/threads.h"
#include "base/sums.h"
#include "reader/arrays.h"

#include <stdlib.h>
#include <string.h>

static int by_thread(const void *a, const void *b)
{
    const struct tm_thread_reading *left = a, *right = b;
    if (left->thread != right->thread)
        return left->thread < right->thread ? -1 : 1;
    return (left->state > right->state) - (left->state < right->state);
}

static int by_live(const void *a, const void *b)
{
    const struct tm_thread_reading *left = a, *right = b;
    if ((left->thread == 0) != (right->thread == 0))
        return left->thread == 0 ? 1 : -1;
    uint64_t left_live = tm_live_bytes(&left->totals), right_live = tm_live_bytes(&right->totals);
    if (left_live != right_live && left->thread != 0)
        return left_live < right_live ? 1 : -1;
    return by_thread(a, b);
}

static void add_to_thread(struct tm_thread_reading *thread, const struct tm_thread_reading *slot)
{
    uint64_t peak = thread->totals.peak_bytes;
    tm__add_totals(&thread->totals, &slot->totals);
    thread->totals.peak_bytes = peak > slot->totals.peak_bytes ? peak : slot->totals.peak_bytes;
    if (slot->state == TM_LIVE)
        thread->state = TM_LIVE;
}

bool tm__sum_threads(const struct tm__rows *rows, struct tm_thread_reading **threads, size_t *capacity, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < rows->slot_count; i++) {
        const struct tm_slot *slot = &rows->slots[i];
        if (!tm__grow(threads, capacity, i, sizeof **threads))
            return false;
        struct tm_thread_reading *thread = &(*threads)[i];
        *thread = (struct tm_thread_reading){
            .thread = slot->thread, .tid = slot->tid, .state = slot->state, .totals = slot->totals};
        memcpy(thread->name, slot->name, sizeof thread->name);
        if (slot->thread != 0)
            thread->totals.peak_bytes = slot->thread_peak_bytes;
    }
    qsort(*threads, rows->slot_count, sizeof **threads, by_thread);
    for (size_t i = 0; i < rows->slot_count; i++) {
        bool same = *count > 0 && (*threads)[i].thread != 0 && (*threads)[*count - 1].thread == (*threads)[i].thread;
        if (same)
            add_to_thread(&(*threads)[*count - 1], &(*threads)[i]);
        else
            (*threads)[(*count)++] = (*threads)[i];
    }
    qsort(*threads, *count, sizeof **threads, by_live);
    return true;
}
