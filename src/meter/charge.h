/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Charging a block where the fast path cannot: a new peak, a thread without a slot, a slot with many writers, limits.
 */
#ifndef TM_CHARGE_H
#define TM_CHARGE_H

#include <stddef.h>
#include <stdint.h>

struct tm__block;

/*
 * Charges a block of any size to the calling thread, which attaches if it has not yet. Returns the slot. Never fails.
 */
uint32_t tm__charge(size_t size);

/* The same, but returns TM__NO_SLOT with ENOMEM, and changes nothing, if a limit forbids the charge. */
uint32_t tm__try_charge(size_t size);

/* As tm__try_charge(), and credits `replaced`. If that is charged to the caller, limits count it as freed already. */
uint32_t tm__exchange(size_t size, const struct tm__block *replaced);

#endif
