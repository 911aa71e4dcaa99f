/* SPDX-License-Identifier: BSD-3-Clause */
/* Signals that end a command. */
#ifndef TM_STOP_H
#define TM_STOP_H

#include <signal.h>
#include <stdbool.h>

/* SIGINT, SIGTERM and SIGHUP, while they are blocked, end a search. */
void tool_block_stops(sigset_t *stops, sigset_t *before); /* which these are; `before` may be NULL */
bool tool_is_stopped(void);                               /* one of them has come, and waits */

/* What cannot be written is told: a limit of the file's size as a full disk is, and so a pipe's end. */
void tool_ignore_write_signals(void);

#endif
