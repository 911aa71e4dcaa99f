/* SPDX-License-Identifier: BSD-3-Clause */
#include "meter/early.h"
#include "meter/shared.h"
#include "state/layout.h"

/* Sums over all threads; the next thread that has attached moves them to the overflow slot. */
static _Atomic uint64_t allocated_bytes, allocated_blocks, freed_bytes, freed_blocks;

void tm__charge_early(size_t size)
{
    atomic_fetch_add(&allocated_bytes, size);
    atomic_fetch_add(&allocated_blocks, 1);
}

void tm__credit_early(size_t size)
{
    atomic_fetch_add(&freed_bytes, size);
    atomic_fetch_add(&freed_blocks, 1);
}

/* Frees are taken first. The allocation of each came before it, so that is then in the sum of allocations. */
void tm__flush_early_charges(void)
{
    if (atomic_load(&allocated_blocks) == 0 && atomic_load(&freed_blocks) == 0)
        return;
    uint64_t blocks_freed = atomic_exchange(&freed_blocks, 0), bytes_freed = atomic_exchange(&freed_bytes, 0);
    uint64_t blocks = atomic_exchange(&allocated_blocks, 0), bytes = atomic_exchange(&allocated_bytes, 0);
    tm__charge_sum_shared(TM__OVERFLOW_SLOT, bytes, blocks);
    tm__credit_sum_shared(TM__OVERFLOW_SLOT, bytes_freed, blocks_freed);
}
