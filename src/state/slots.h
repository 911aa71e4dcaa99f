/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of slots: which are used, which are free, and how one comes and goes. Lock-free. Of threads it knows which slot
 * the calling one has in its hand, for a fork.
 */
#ifndef TM_SLOTS_H
#define TM_SLOTS_H

#include "state/slot.h"
#include "threadmeter/totals.h"

#include <stdbool.h>
#include <stdint.h>

/* A slot for a new thread, in no list and still TM__FREE; TM__NO_SLOT if there is none. */
uint32_t tm__take_slot(void);
void tm__give_slot(uint32_t slot);

/* Whether all blocks are freed: for good, if it is an orphan's. */
bool tm__is_empty(const struct tm__slot *slot);

/* Frees an orphan that owns nothing. Any thread may try, at any time. */
void tm__retire_if_empty(uint32_t slot);

/*
 * Closes the books of a generation, all of whose blocks are freed: what it had in all. For a slot that is TM__FREE and
 * ours.
 */
void tm__reset_slot(struct tm__slot *slot, struct tm_totals *gone);

/*
 * Most that was ever live of all the slots of its thread together. While the thread lives: the largest of what its home
 * slot had at most and of what was seen of all slots while the thread was bounded; when it is not, home has all. Once the
 * thread is gone, it is in each slot's own record, if tm__keep_thread_peak() was called; else home's, as long as that is
 * nobody else's.
 */
uint64_t tm__thread_peak(const struct tm__slot *slot);
void tm__keep_thread_peak(struct tm__slot *slot);

/* In a fork's child, before anything else: every slot but the caller's, and one in its hand, is now a dead thread's. */
void tm__table_after_fork(pid_t parent);

/* What the slot still owns stays charged to it; if that is nothing, it is free. */
void tm__leave_slot(uint32_t slot);

#endif
