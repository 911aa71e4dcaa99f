/* SPDX-License-Identifier: BSD-3-Clause */
/* What is gone, by thread name and tag, for the process itself. */
#include "api/retired.h"
#include "state/retired.h"
#include "state/identity.h"
#include "state/settled.h"
#include "state/slots.h"
#include "threadmeter/totals.h"

#include <string.h>

static void read_row(const struct tm__retired *row, struct tm_retired *result)
{
    result->accounts = tm__load(&row->accounts);
    result->thread_peak_bytes = tm__load(&row->thread_peak_bytes);
    result->totals = tm__settled_totals(&row->counted);
    result->totals.peak_bytes = tm__load(&row->peak_bytes);
    atomic_thread_fence(memory_order_acquire);
}

/* Read until it is twice the same, and so of one moment. A thread that was stopped in the midst of it is not waited for. */
void tm__read_retired_row(uint32_t place, struct tm_retired *result)
{
    enum { ATTEMPTS = 16 };
    const struct tm__retired *row = &tm__region_now()->retired[place];
    uint64_t name[TM__NAME / sizeof(uint64_t)], tag[sizeof row->tag / sizeof(uint64_t)];
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++)
        name[i] = tm__load(&row->name[i]);
    for (size_t i = 0; i < sizeof tag / sizeof tag[0]; i++)
        tag[i] = tm__load(&row->tag.words[i]);
    *result = (struct tm_retired){0};
    memcpy(result->name,
           place == 0     ? "(others)\0\0\0\0\0\0\0"
           : name[0] == 0 ? "(unknown)\0\0\0\0\0\0"
                          : (char *)name,
           TM__NAME);
    memcpy(result->tag, tag, sizeof result->tag);
    struct tm_retired again = *result;
    read_row(row, result);
    for (int i = 0; i < ATTEMPTS; i++) {
        read_row(row, &again);
        if (memcmp(&again, result, sizeof again) == 0)
            return;
        *result = again;
    }
}

int tm_each_retired(int (*visit)(const struct tm_retired *retired, void *arg), void *arg)
{
    for (uint32_t number = TM__SHARED_SLOTS; number < tm__slots_used(); number++)
        tm__reap_slot(number); /* now, as in tm_retired_totals() */
    for (uint32_t place = 0; place < tm__retired_used(); place++) {
        struct tm_retired retired;
        tm__read_retired_row(place, &retired);
        int result = retired.accounts > 0 ? visit(&retired, arg) : 0;
        if (result != 0)
            return result;
    }
    return 0;
}
