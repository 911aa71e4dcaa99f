/* SPDX-License-Identifier: BSD-3-Clause */
/* The slots that no thread owns: their counters have many writers. */
#ifndef TM_SHARED_H
#define TM_SHARED_H

#include <stdint.h>

/* Charges blocks to a shared slot, and credits them as its own. */
void tm__charge_sum_shared(uint32_t slot, uint64_t bytes, uint64_t blocks);
void tm__credit_sum_shared(uint32_t slot, uint64_t bytes, uint64_t blocks);

#endif
