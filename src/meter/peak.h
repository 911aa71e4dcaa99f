/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The watermark of a slot that has one thread. Until the slot's balance (what the owner allocated, less what it freed
 * itself) is above it, live bytes cannot be above the peak. Inline, since a thread that grows exceeds it at each block.
 */
#ifndef TM_PEAK_H
#define TM_PEAK_H

#include "state/slot.h"

/*
 * To be called when the balance is about to be above the watermark. The peak is stored with release: a reader that sees
 * it also sees the peak of earlier owners that it replaced, see tm_process_totals(). Remote frees only grow, so the
 * watermark is never too high.
 */
static inline void tm__look_for_peak(struct tm__owner *me, uint64_t balance)
{
    _Atomic uint64_t *peak = &tm__slot_of(me)->identity.peak_bytes;
    uint64_t live = balance - tm__own_remote_freed_bytes(tm__slot_of(me)), highest = tm__load(peak);
    if (live > highest) {
        tm__store_release(peak, live);
        tm__set_watermark(me, balance);
    } else {
        tm__set_watermark(me, balance + (highest - live));
    }
}

/*
 * Charges a block to the caller's own slot, whose balance is about to be above the watermark, if that can only mean a
 * new peak. Otherwise returns false and changes nothing.
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
