/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether the tool was told to end, for what takes its time: a look at a thousand processes, say. */
#include "tool.h"

#include <signal.h>
#include <stdatomic.h>
#include <time.h>

static atomic_bool stopped;

void tool_stop(void)
{
    atomic_store(&stopped, true);
}

/* Who waits for signals has them blocked meanwhile: then they are pending, and stay so, for who waits. */
bool tool_is_stopped(void)
{
    sigset_t pending;
    return atomic_load(&stopped) ||
           (sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
                                          sigismember(&pending, SIGHUP) == 1));
}

uint64_t tool_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}
