/* SPDX-License-Identifier: BSD-3-Clause */
/* Signals that end a command. Long operations, such as a search through a thousand processes, ask for them. */
#include "common/stop.h"

#include <signal.h>
#include <time.h>

/* The signals are blocked, so they stay pending for the function that waits for them. */
bool tool_is_stopped(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
                                         sigismember(&pending, SIGHUP) == 1);
}

/* SIGHUP stays out if it is ignored, as under nohup(1): a blocked signal becomes pending even if it is ignored. */
void tool_block_stops(sigset_t *stops, sigset_t *old_mask)
{
    struct sigaction hangup;
    sigemptyset(stops);
    sigaddset(stops, SIGINT);
    sigaddset(stops, SIGTERM);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaddset(stops, SIGHUP);
    sigprocmask(SIG_BLOCK, stops, old_mask);
}

void tool_ignore_write_signals(void)
{
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}
