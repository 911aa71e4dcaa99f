/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of a process that reads itself share. */
#ifndef TESTS_READ_SELF_H
#define TESTS_READ_SELF_H

#include "support/reading.h"

#include <pthread.h>

/* Opens what this process publishes: it is, to the byte, what the process says of itself, while no thread allocates. */
void expect_same(void);

void *name_me(const char *name); /* the calling thread */

extern pthread_barrier_t barrier;
extern void *volatile kept[64]; /* blocks */

/* A thread called "waits", which owns 2007 bytes from the first time it is at the barrier to the second. */
void *wait_under_a_name(void *arg);

#endif
