/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether the tool was told to end, for what takes its time: a look at a thousand processes, say. */
#include "common/stop.h"

#include <signal.h>
#include <time.h>

/* Who waits for signals has them blocked meanwhile: then they are pending, and stay so, for who waits. */
bool tool_is_stopped(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
                                         sigismember(&pending, SIGHUP) == 1);
}

/* A blocked signal comes even if it is ignored: under nohup(1) a hangup is to do nothing. */
void tool_block_stops(sigset_t *stops, sigset_t *before)
{
    struct sigaction hangup;
    sigemptyset(stops);
    sigaddset(stops, SIGINT);
    sigaddset(stops, SIGTERM);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaddset(stops, SIGHUP);
    sigprocmask(SIG_BLOCK, stops, before);
}

void tool_ignore_write_signals(void)
{
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}
