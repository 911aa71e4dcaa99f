/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fflush, open and the like are cancellation points: a thread that was cancelled ends in them. It must not end inside
 * the library: malloc is not a cancellation point, and if the thread ended while it reports a misuse, the report would
 * be lost and the program would go on.
 */
#ifndef TM_CANCEL_H
#define TM_CANCEL_H

#include <pthread.h>

/* The result is the argument for tm__resume_cancellation(). */
static inline int tm__suspend_cancellation(void)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static inline void tm__resume_cancellation(int before)
{
    int suspended;
    pthread_setcancelstate(before, &suspended);
}

#endif
