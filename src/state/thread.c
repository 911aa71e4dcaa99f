/* SPDX-License-Identifier: BSD-3-Clause */
#include "state/thread.h"

const struct tm__owner tm__unattached = {.free_key = TM__NO_KEY}, tm__late_owner = {.free_key = TM__NO_KEY},
                       tm__overflow_owner = {.free_key = TM__NO_KEY}, tm__early_owner = {.free_key = TM__NO_KEY};

_Thread_local struct tm__thread tm__thread __attribute__((tls_model("initial-exec"))) = {
    .me = (struct tm__owner *)&tm__unattached,
    .cache = (struct tm__cache *)&tm__no_cache,
    .writer = TM__NO_WRITER,
    .lane = offsetof(struct tm__slot, lanes),
};

/*
 * Stored after `flows`, and loaded relaxed: a thread that reads it has attached, or has a block from a thread that has;
 * and a thread that attaches opens the region first, which acquires this.
 */
_Atomic bool tm__flow_is_on;

uint64_t tm__own_writer(void)
{
    const struct tm__owner *home = tm__thread.home;
    return home ? tm__thread.id << 32 | tm__slot_in(home->account) : 0;
}

void tm__choose_writer(void)
{
    bool fast = tm__tail == 0 && !atomic_load_explicit(&tm__flow_is_on, memory_order_relaxed);
    bool in_slot = tm__thread.home && !tm__is_shared_owner(tm__thread.me);
    tm__thread.writer = in_slot && fast ? tm__own_writer() : TM__NO_WRITER;
}
