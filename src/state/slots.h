/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of slots: which are used, which are free, and how a thread takes one and gives it back. It is lock-free.
 * All that it knows of threads is which slot the calling one has in transit, for a fork.
 */
#ifndef TM_SLOTS_H
#define TM_SLOTS_H

#include "state/slot.h"
#include "threadmeter/totals.h"

#include <stdbool.h>
#include <stdint.h>

/* Takes a slot for a new thread: it is in no list, and still TM__FREE. TM__NO_SLOT if there is none. */
uint32_t tm__take_slot(void);

/*
 * Gives a slot back. Remote frees of a tag slot's blocks are also counted in its home slot, so no thread gets the home
 * slot before its tag slots are given back: the last of them gives it.
 */
void tm__give_slot(uint32_t slot);

/*
 * To be called when the slot has no blocks, and before its next one: from now on no thread has a lane in it, so that
 * the first remote free by each must be announced.
 */
void tm__begin_lanes(struct tm__slot *slot);

/*
 * Sets the sum that tm__thread_remote_freed_bytes() returns, for a home slot, while no other thread can free a block of
 * its thread.
 */
void tm__begin_thread_lanes(struct tm__slot *home, uint64_t sum);

/* Whether all its blocks are freed. Of an orphan this stays true. */
bool tm__is_empty(const struct tm__slot *slot);

/*
 * Frees an orphan that owns nothing. Any thread may call this at any time; a signal handler that interrupted a change of
 * the tags leaves the orphan to tm__reap_slot().
 */
void tm__retire_if_empty(uint32_t slot);

/*
 * Ends a generation, all of whose blocks are freed, and returns what it counted. The slot must be TM__FREE, and the
 * caller's alone.
 */
void tm__reset_slot(struct tm__slot *slot, struct tm_totals *counted);

/*
 * The most that was ever live in all slots of the slot's thread together. While the thread lives this is the larger of
 * the home slot's peak and of what was seen over all slots while the thread was bounded; a thread that is not bounded
 * has only its home slot. After the thread has exited, each slot keeps the value itself, if tm__keep_thread_peak() was
 * called; otherwise it is in the home slot, as long as no other thread has that.
 */
uint64_t tm__thread_peak(const struct tm__slot *slot);
void tm__keep_thread_peak(struct tm__slot *slot);

/*
 * Called in a fork's child before anything else: from now on each slot, except the caller's own and its slot in
 * transit, belongs to a dead thread.
 */
void tm__table_after_fork(pid_t parent);

/*
 * The thread leaves the slot. The blocks that it still owns stay charged to it; if there are none, the slot is freed.
 */
void tm__leave_slot(uint32_t slot);

#endif
