/* SPDX-License-Identifier: BSD-3-Clause */
/* Charging where the fast path cannot: a new peak, a thread without a slot, a slot with many writers, limits. */
#ifndef TM_CHARGE_H
#define TM_CHARGE_H

#include <stddef.h>
#include <stdint.h>

struct tm__block;

/* Charges a block of any size to the caller, attaching the thread if need be; the slot. Never fails. */
uint32_t tm__charge(size_t size);

/* The same; but TM__NO_SLOT with ENOMEM, and nothing is changed, where a limit is in the way. */
uint32_t tm__try_charge(size_t size);

/* The same, and credits `instead`. In an account of the caller the old block makes room for the new one. */
uint32_t tm__exchange(size_t size, const struct tm__block *instead);

#endif
