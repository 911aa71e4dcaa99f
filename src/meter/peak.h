/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The watermark of a slot that has one thread: until its balance (what it allocated, less what it freed itself) passes
 * that, its live bytes cannot be more than they ever were. In line, for a thread that grows passes it block by block.
 */
#ifndef TM_PEAK_H
#define TM_PEAK_H

#include "state/slot.h"

/*
 * What others have freed of this slot's blocks. Grows at any moment, never shrinks. Acquired, to be published with the
 * allocation: who sees that sees what its peak was reckoned with.
 */
static inline uint64_t tm__remote_freed_bytes(const struct tm__owner *me)
{
    const struct tm__lane *lanes = tm__slot_of(me)->lanes;
    static_assert(TM__LANES == 4, "in one line: compilers leave a loop as it is");
    return tm__lane_bytes(&lanes[0]) + tm__lane_bytes(&lanes[1]) + tm__lane_bytes(&lanes[2]) +
           tm__lane_bytes(&lanes[3]);
}

/*
 * The balance is about to pass the watermark. The peak is released, for who sees it sees the peak of earlier owners
 * that it took the place of: see tm_process_totals(). Frees by others only grow, so the watermark is never too high.
 */
static inline void tm__look_for_peak(struct tm__owner *me, uint64_t balance)
{
    _Atomic uint64_t *peak = &tm__slot_of(me)->identity.peak_bytes;
    uint64_t live = balance - tm__remote_freed_bytes(me), highest = tm__load(peak);
    if (live > highest) {
        tm__store_release(peak, live);
        tm__set_watermark(me, balance);
    } else {
        tm__set_watermark(me, balance + (highest - live));
    }
}

/*
 * Charges a block to the caller's own slot whose balance is about to pass the watermark, if there is nothing to see but
 * a new peak; false, and nothing done, otherwise.
 */
static inline bool tm__charge_peak(struct tm__owner *me, size_t size)
{
    if (me != tm__thread.home || tm__thread.bounded || tm__tail)
        return false;
    uint64_t allocated = tm__load(&me->allocated_bytes) + size;
    tm__look_for_peak(me, allocated - tm__load(&me->freed_bytes));
    tm__store_release(&me->allocated_bytes, allocated);
    tm__add_own(&me->allocated_blocks, 1);
    return true;
}

#endif
