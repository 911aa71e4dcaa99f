/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread in a tag with a limit, beside a tag that has slots of dead threads: what the tests of interrupted threads and
 * of locks at a fork begin with, and what must be true in parent and child at their end.
 */
#ifndef TESTS_LIMITED_TAG_H
#define TESTS_LIMITED_TAG_H

#include <stdint.h>
#include <sys/types.h>

#include <threadmeter/tags.h>

enum { LIMIT = 10000, MINE = 100 };

extern tm_tag bounded;     /* has the limit, and this thread is in it */
extern tm_tag of_the_dead; /* has the slots of dead threads */
extern void *mine;         /* this thread's block of MINE bytes */
extern void *last_block;   /* the last block of a dead thread's slot; NULL once it is freed */

void set_up(void);

/* For in_thread(): allocates a block of 50 bytes in of_the_dead, which outlives the thread. */
void *leave_block(void *block);

/* The limit is exact, the totals add up, and no orphan is left. */
void expect_all_well(void);

/* Each of more threads than there were before, so that all slots are taken, has a slot to itself. */
void expect_a_slot_each(void);

/*
 * Forks. The parent waits for the child: while the region is published, the child has only a bound for what its parent
 * does meanwhile.
 */
void fork_and_wait(void);
extern pid_t child; /* fork()'s result */
extern int status;  /* the child's, in the parent */

/* In both processes, of which the child ends here. */
void expect_all_well_in_both(void);

#endif
