/* SPDX-License-Identifier: BSD-3-Clause */
#include "state/tags_lock.h"
#include "base/lock.h"
#include "state/thread.h"

/*
 * Held only for moments, and never across a call that could wait or allocate; our fork handlers hold it around a fork.
 */
static struct tm__lock lock;

enum tm__access tm__access_tags(void)
{
    if (tm__thread.changes_tags)
        return TM__DENIED;
    enum tm__access access = tm__lock_anew(&lock) ? TM__LOCKED : TM__NESTED;
    tm__thread.changes_tags = true;
    atomic_signal_fence(memory_order_seq_cst);
    return access;
}

void tm__end_tags(enum tm__access access)
{
    if (access == TM__DENIED)
        return;
    atomic_signal_fence(memory_order_seq_cst);
    tm__thread.changes_tags = false;
    atomic_signal_fence(memory_order_seq_cst);
    if (access == TM__LOCKED)
        tm__unlock(&lock);
}

bool tm__lock_tags(void)
{
    return tm__lock_anew(&lock);
}

void tm__unlock_tags(void)
{
    tm__unlock(&lock);
}

void tm__tags_after_fork(void)
{
    tm__reset_lock(&lock);
}
