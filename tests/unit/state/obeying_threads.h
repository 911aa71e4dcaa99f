/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads that do what they are told, one thing after another, and what the tests of a slot's owner expect of them: that
 * each has a slot to itself.
 */
#ifndef TESTS_OBEYING_THREADS_H
#define TESTS_OBEYING_THREADS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct person {
    pthread_t thread;
    sem_t told, done;
    void (*task)(struct person *self); /* NULL: the thread ends */
    pid_t tid;
    size_t size;
    void *block;
    int flags, result;
};

void begin(struct person *person);
void tell(struct person *person, void (*task)(struct person *self)); /* returns after the task */
void end(struct person *person);

/* Tasks: a block of self->size bytes. */
void allocate(struct person *self);
void release(struct person *self);

/*
 * Both allocate and are found with exactly that, in slots of their own. The first's slot is empty before, and would be
 * given to the second if the first were taken for dead.
 */
void expect_a_slot_each(struct person *first, struct person *second, uint64_t allocated_before);

/* For in_thread(): allocates and frees a block. */
void *come_and_go(void *unused);
/* For in_thread(): ends without its destructors, and leaves a block of 40 bytes. */
void *die_unseen(void *block);

/* Whether the next child will be the first process of a new pid namespace; `more` are further flags of unshare(). */
bool begin_namespace(int more);

/* Says in the output that the kernel does not permit something, so that its test is left out. */
void leave_out(const char *why);

#endif
