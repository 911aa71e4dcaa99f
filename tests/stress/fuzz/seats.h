/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads that take turns: one works, all others wait, so that an input means the same each time. A seat is a number; a
 * thread sits down when its turn first comes, and may leave; the next turn of that seat is another thread's.
 */
#ifndef FUZZ_SEATS_H
#define FUZZ_SEATS_H

#include <stdbool.h>

enum { SEATS = 8 };

/*
 * Calls play() in a thread on seat 0, and in each other thread that gets a turn. Who returns from it leaves; its thread
 * is gone before anything else happens. Ends when all have left after seats_end().
 */
void seats_run(void (*play)(void));

/* Passes the turn, and waits for its own. False: it is time to leave. */
bool seats_pass(unsigned seat);

/* Whose turn comes when the caller has left. */
void seats_leave_to(unsigned seat);

/* All others are to leave, too. */
void seats_end(void);

#endif
