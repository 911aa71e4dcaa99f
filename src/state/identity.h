/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which thread has a slot, by the thread's tid and number; and whether that thread has died without leaving its slot.
 */
#ifndef TM_IDENTITY_H
#define TM_IDENTITY_H

#include "state/layout.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Takes a slot for this thread and fills in all but its state, which is still TM__FREE. TM__NO_SLOT if there is none.
 */
uint32_t tm__open_slot(uint64_t thread);

/*
 * Completes what no thread could do: it makes a slot an orphan if its thread has died without leaving it (since it
 * attached in its last round of destructors, or never ran any), and it frees an orphan that owns nothing (if its owner
 * exited at the same moment as another thread freed the last block).
 */
void tm__reap_slot(uint32_t slot);

/* The same for a reader: this also refreshes the thread's name, and finds a dead thread whose tid was reused. */
void tm__refresh_slot(uint32_t slot);

/*
 * Called in a fork's child, whose only thread has the tid `pid`: from now on this is the process. Returns the pid of
 * the process that it was before; 0 if no thread had attached. tm__identities_after_fork() must follow when the slots
 * of other threads are orphans.
 */
pid_t tm__become_process(pid_t pid);
void tm__identities_after_fork(pid_t pid);

#endif
