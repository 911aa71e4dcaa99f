/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For who changes something of the tags, or must see nothing change. It never waits for its own thread: a signal handler
 * may have interrupted just that, and is denied it; a fork's handlers that run between ours find the tags at rest, if
 * locked. The lock says whose it is from the moment it is taken, `changes_tags` from then until it is about to be given:
 * so, whatever a handler interrupts, it is denied what is half changed, and leaves the lock to who has it.
 */
#ifndef TM_TAGS_LOCK_H
#define TM_TAGS_LOCK_H

#include <stdbool.h>

enum tm__access {
    TM__DENIED, /* there is nothing to end */
    TM__LOCKED,
    TM__NESTED,
};

enum tm__access tm__access_tags(void);
void tm__end_tags(enum tm__access access);

/*
 * Around a fork, so that the child does not find the table half changed by another thread. False if the caller's has the
 * lock already, and a signal handler forks: what it interrupted goes on in parent and child, and gives the lock itself.
 */
bool tm__lock_tags(void);
void tm__unlock_tags(void);
void tm__tags_after_fork(void); /* in the child, in which no other thread has the lock */

#endif
