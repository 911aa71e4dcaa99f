/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "api/allocate.h"
#include "base/backend.h"
#include "base/options.h"
#include "block/block.h"
#include "block/thread_cache.h"
#include "meter/charge.h"
#include "meter/credit.h"
#include "state/slot.h"

#include <errno.h>

void *tm__out_of_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

void *tm__allocate_in(void *base, size_t alignment, size_t size)
{
    tm__read_thread_options(); /* this may be the first block of the process */
    if (tm__tail) {
        backend_free(base); /* it has no room for a tail */
        return tm__allocate(alignment, size);
    }
    uint32_t slot = tm__try_charge(size);
    if (slot == TM__NO_SLOT) {
        backend_free(base);
        return tm__out_of_memory();
    }
    uint64_t account = tm__account_of(slot), key = tm__key_of(slot);
    if (alignment <= TM__ALIGNMENT)
        return tm__seal(base, size, account, key);
    void *user = tm__aligned_in(base, 0, alignment);
    tm__seal_aligned(user, base, alignment, size, account, key);
    return user;
}

void *tm__allocate(size_t alignment, size_t size)
{
    struct tm__block block;
    if (!tm__place(alignment, size, &block))
        return NULL;
    struct tm__owner *me = tm__thread.me;
    bool is_charged = size > 0 && tm__charge_own(me, size);
    uint32_t slot = is_charged ? tm__slot_in(me->account) : tm__try_charge(size);
    if (slot == TM__NO_SLOT) {
        backend_free(block.base);
        return tm__out_of_memory();
    }
    return tm__seal_in(&block, size, slot);
}

void tm__discard(void *user, const struct tm__block *block)
{
    tm__uncover(user, block);
    if (block->wide)
        tm__mark_wide_freed(user);
    else
        tm__mark_freed(user, tm__header_of(user)->account, block->alignment > TM__ALIGNMENT);
    tm__free_object(block->base);
}

void tm__release(void *user, const struct tm__block *block)
{
    tm__credit(block->slot, block->size);
    tm__discard(user, block);
}
