/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads that take turns: one works, and all others wait, so that an input does the same each time. A seat is a
 * number. A thread starts when its seat's turn first comes, and may leave; the next turn of the seat starts another.
 */
#ifndef FUZZ_SEATS_H
#define FUZZ_SEATS_H

#include <stdbool.h>

enum { SEATS = 8 };

/*
 * Calls play() in a thread on seat 0, and in each other thread that gets a turn. When play() returns, its thread exits,
 * and is joined before another one has its turn. Returns when all threads have exited after seats_end().
 */
void seats_run(void (*play)(void));

/* Passes the turn to another seat, and waits for the next turn of its own. Returns false if play() must return. */
bool seats_pass(unsigned seat);

/* The seat that has its turn after the caller's thread has exited. */
void seats_leave_to(unsigned seat);

/* Lets all other threads leave, too. */
void seats_end(void);

#endif
