/* SPDX-License-Identifier: BSD-3-Clause */
/* Who has a slot: a thread of this process, by its numbers; and whether that is dead, which nobody may have told us. */
#ifndef TM_IDENTITY_H
#define TM_IDENTITY_H

#include "state/layout.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A slot for this thread, with all but its state, which is still TM__FREE; or TM__NO_SLOT. */
uint32_t tm__open_slot(uint64_t thread);

/*
 * Sees to what nobody saw to: makes an orphan of a slot whose thread is gone and did not leave it (one that attached in
 * its last rounds of destructors, or that never ran any), and frees an orphan that owns nothing (the owner and the one
 * who freed the last block went at the same time).
 */
void tm__reap_slot(uint32_t slot);

/* The same for who lists it, with the thread's name as it is now; and where a dead thread's tid is another's. */
void tm__refresh_slot(uint32_t slot);

/*
 * In a fork's child, whose only thread has the number `here`: the process that this is from now on. The result is the one
 * that it was; 0 if no thread had attached. tm__identities_after_fork() is to follow once the slots of others are orphans.
 */
pid_t tm__become_process(pid_t here);
void tm__identities_after_fork(pid_t here);

#endif
