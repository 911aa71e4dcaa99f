/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For code that changes the tags, or must see no change of them. It never waits for its own thread: a signal handler
 * that interrupted such code is denied access; fork handlers that run between ours find the lock held, but the tags at
 * rest. From the moment that it is taken, the lock tells which thread holds it; `changes_tags` is set from then until
 * just before the lock is released. So whatever code a signal handler interrupts, the handler is denied tags that are
 * half changed, and leaves the lock to the code that took it.
 */
#ifndef TM_TAGS_LOCK_H
#define TM_TAGS_LOCK_H

#include <stdbool.h>

enum tm__access {
    TM__DENIED, /* tm__end_tags() has nothing to do then */
    TM__LOCKED,
    TM__NESTED,
};

enum tm__access tm__access_tags(void);
void tm__end_tags(enum tm__access access);

/*
 * Called around a fork, so that no other thread is in the middle of a change then. False if the calling thread holds
 * the lock already, and a signal handler forks: the interrupted code goes on in parent and child, and releases the lock
 * itself.
 */
bool tm__lock_tags(void);
void tm__unlock_tags(void);
void tm__tags_after_fork(void); /* called in the child, where no other thread holds it */

#endif
