/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * THREADMETER_FLOW: who freed whose blocks, pair by pair. Without it nothing here is called. With it no thread has the
 * fast path of frees of others' blocks, see tm__choose_writer().
 */
#ifndef TM_FLOW_H
#define TM_FLOW_H

#include "state/slot.h"

/* The books are open. Done again it does nothing. Where there is no room for it, it stays off, and stderr says so. */
void tm__turn_flow_on(void);

/*
 * The thread that has the slot of a block of this size, for tm__count_flow(): to be asked before the block is credited,
 * since then the slot may change hands. Nothing if that is the caller.
 */
uint64_t tm__flow_owner(const struct tm__slot *slot, size_t size);

/* The calling thread freed the block of that one's. */
void tm__count_flow(uint64_t owner, size_t size);

/* The calling thread ends: its last name is kept, if it is in a pair. */
void tm__leave_flow(void);

/* In a fork's child nobody has the locks. */
void tm__flow_after_fork(void);

#endif
