/* SPDX-License-Identifier: BSD-3-Clause */
/* Signals that end a command. */
#ifndef TM_STOP_H
#define TM_STOP_H

#include <signal.h>
#include <stdbool.h>

/*
 * Blocks SIGINT, SIGTERM and, if it is not ignored, SIGHUP; `stops` gets the set, `old_mask`, which may be NULL, the
 * mask before. While they are blocked, a search ends early when one of them is pending.
 */
void tool_block_stops(sigset_t *stops, sigset_t *old_mask);
bool tool_is_stopped(void); /* one of them is pending */

/*
 * A write beyond the limit of the file's size, or to a closed pipe, then fails with an errno value, as on a full disk.
 */
void tool_ignore_write_signals(void);

#endif
