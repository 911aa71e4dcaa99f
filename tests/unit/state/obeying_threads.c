/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "obeying_threads.h"
#include "support/support.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *live(void *arg)
{
    struct person *self = arg;
    self->tid = gettid();
    sem_post(&self->done);
    for (;;) {
        sem_wait(&self->told);
        if (!self->task)
            return NULL;
        self->task(self);
        sem_post(&self->done);
    }
}

void begin(struct person *person)
{
    sem_init(&person->told, 0, 0);
    sem_init(&person->done, 0, 0);
    ck_assert_int_eq(pthread_create(&person->thread, NULL, live, person), 0);
    sem_wait(&person->done);
}

void tell(struct person *person, void (*task)(struct person *self))
{
    person->task = task;
    sem_post(&person->told);
    sem_wait(&person->done);
}

void end(struct person *person)
{
    person->task = NULL;
    sem_post(&person->told);
    pthread_join(person->thread, NULL);
}

void allocate(struct person *self)
{
    self->block = tm_malloc(self->size);
}

void release(struct person *self)
{
    tm_free(self->block);
}

static void expect_totals_of(pid_t tid, uint64_t bytes, uint64_t allocated, uint64_t blocks)
{
    struct tm_totals totals;
    ck_assert_int_eq(tm_thread_totals_of(tid, &totals), 0);
    expect_live(&totals, bytes, 1);
    ck_assert_uint_eq(totals.allocated_bytes, allocated);
    ck_assert_uint_eq(totals.allocated_blocks, blocks);
}

void expect_a_slot_each(struct person *first, struct person *second, uint64_t allocated_before)
{
    second->size = 300;
    first->size = 500;
    tell(second, allocate);
    tell(first, allocate);
    struct tm_slot firsts, seconds;
    ck_assert(find_slot_of(first->tid, &firsts) && firsts.state == TM_LIVE);
    ck_assert(find_slot_of(second->tid, &seconds) && seconds.state == TM_LIVE);
    ck_assert_uint_ne(firsts.slot, seconds.slot);
    expect_totals_of(first->tid, 500, allocated_before + 500, 2);
    expect_totals_of(second->tid, 300, 300, 1);
    expect_process_live(800, 2);
    sums_balance();
    tell(first, release);
    tell(second, release);
    expect_process_live(0, 0);
}

void *come_and_go(void *unused)
{
    tm_free(tm_malloc(64));
    return unused;
}

void *die_unseen(void *block)
{
    *(void **)block = tm_malloc(40);
    syscall(SYS_exit, 0);
    return NULL;
}

bool begin_namespace(int more)
{
    return unshare(CLONE_NEWPID | more) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWPID | more) == 0;
}

void leave_out(const char *why)
{
    printf("# left out: %s\n", why);
    fflush(stdout);
}
