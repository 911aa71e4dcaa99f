/* SPDX-License-Identifier: BSD-3-Clause */
/* The shared slots: no thread owns them, so their counters have many writers. */
#ifndef TM_SHARED_H
#define TM_SHARED_H

#include <stdint.h>

/* Charges blocks to a shared slot. */
void tm__charge_sum_shared(uint32_t slot, uint64_t bytes, uint64_t blocks);

/* Credits blocks of a shared slot to it, as freed by a thread that charges to the same slot: no remote frees. */
void tm__credit_sum_shared(uint32_t slot, uint64_t bytes, uint64_t blocks);

#endif
