/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a process that publishes does before a fork, and its child after it, with a ledger of what is live: what the tests
 * of scarce memory and of failing steps share.
 */
#ifndef TESTS_FORKED_WORK_H
#define TESTS_FORKED_WORK_H

#include <stdbool.h>
#include <stddef.h>

/* Blocks that are in the ledger. */
void keep(size_t size);
void free_one(void);         /* the last */
void *keep_one(void *size);  /* for a thread; the pointer is the size */
void use_slots(int threads); /* each leaves a block, and so a slot */
void expect_mine(void);      /* the totals are the ledger's */

/* For the child. */
void work(void);
void work_in_a_fork(void); /* and ends the process */
void work_and_fork(void);

/* Forks; the child runs the body. Limits of memory are lifted before the parent looks at what both have published. */
void expect_work_in_child(void (*body)(void), bool published);

#endif
