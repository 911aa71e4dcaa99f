/* SPDX-License-Identifier: BSD-3-Clause */
#include "meter/tag_limits.h"
#include "block/block.h"
#include "meter/soft_limit.h"
#include "state/tag_table.h"

/*
 * Of each slot, frees are read before allocations, and acquired: so the result may be above what is live at any moment,
 * but never below it.
 */
static uint64_t live_bytes(const struct tm__tag_use *use)
{
    uint64_t live = 0;
    for (uint32_t number = use->first_slot; number != 0; number = tm__slot_at(number)->next_of_tag) {
        const struct tm__slot *slot = tm__slot_at(number);
        uint64_t freed = atomic_load_explicit(&slot->owner.freed_bytes, memory_order_acquire);
        freed += tm__remote_freed_bytes(slot);
        live += tm__load(&slot->owner.allocated_bytes) - freed;
    }
    return live;
}

bool tm__tag_admits(tm_tag number, size_t size, const struct tm__block *replaced, bool refusable, bool *bounded,
                    enum tm__credited *credited)
{
    struct tm__tag_use *use = tm__tag_use_of(number);
    *bounded = tm__tag_is_bounded(number);
    if (!*bounded)
        return true;
    /* Memory order does not matter here: the slot got its tag before the block, which the caller has. */
    bool same_tag = replaced && atomic_load(&tm__slot_at(replaced->slot)->identity.tag) == (uint32_t)number;
    uint64_t freed = same_tag ? replaced->size : 0;
    /* If access is denied, a signal handler interrupted this thread while it has the lock: it may still read. */
    enum tm__access access = tm__access_tags();
    uint64_t limit = tm__load(&tm__tag_at(tm__tag_place(number))->limit), live = live_bytes(use) + size - freed;
    bool refused = refusable && limit != 0 && live > limit && size > freed;
    if (!refused) {
        tm__store_release(&tm__thread.me->allocated_bytes, tm__load(&tm__thread.me->allocated_bytes) + size);
        if (same_tag)
            *credited = tm__credit_counters(replaced->slot, replaced->size);
        if (access != TM__DENIED && tm__soft_limit_crossed(&use->soft, live - size + freed, live)) {
            tm__thread.bounds->calls |= TM__CALL_TAG;
            tm__thread.bounds->tag_soft = use->soft;
        }
    }
    tm__end_tags(access);
    return !refused;
}
