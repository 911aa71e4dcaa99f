/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fflush, open and the like are where a thread that was cancelled ends. It must not end in the middle of us:
 * malloc is no such place, and what is to be said of a misuse would go unsaid, and the program on.
 */
#ifndef TM_CANCEL_H
#define TM_CANCEL_H

#include <pthread.h>

/* To be given to tm__resume_cancellation(). */
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
