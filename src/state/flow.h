/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * THREADMETER_FLOW: who freed whose blocks, pair by pair. Nothing here is called without that option. With it no thread
 * has the fast path of remote frees, see tm__choose_writer().
 */
#ifndef TM_FLOW_H
#define TM_FLOW_H

#include "state/slot.h"

/*
 * Turns flow on in the region, which is open; a second call does nothing. Where there is no memory for it, flow stays
 * off, and a notice says so.
 */
void tm__turn_flow_on(void);

/*
 * The serial number of the thread that has the slot of a block of this size, for tm__count_flow(). It must be asked
 * before the block is credited, since then the slot may go to another thread. If the caller has the slot, nothing is
 * noted.
 */
uint64_t tm__flow_owner(const struct tm__slot *slot, size_t size);

/* Counts that the calling thread freed a block of that thread. */
void tm__count_flow(uint64_t owner, size_t size);

/* The calling thread exits: its last name is kept if it is in a pair. */
void tm__leave_flow(void);

/* Resets the locks in a fork's child, where no other thread can hold them. */
void tm__flow_after_fork(void);

#endif
