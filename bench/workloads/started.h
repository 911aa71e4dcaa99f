/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads of the benchmark, which cannot do without one. */
#ifndef TM_BENCH_STARTED_H
#define TM_BENCH_STARTED_H

#include <pthread.h>
#include <stdlib.h>

static inline pthread_t started(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, argument) != 0)
        abort();
    return thread;
}

#endif
