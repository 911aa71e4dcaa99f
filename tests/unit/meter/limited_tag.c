/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "limited_tag.h"
#include "state/slot.h"
#include "support/support.h"

#include <pthread.h>
#include <sys/wait.h>
#include <threadmeter/limits.h>
#include <unistd.h>

tm_tag bounded, of_the_dead;
void *mine, *last_block;

void *leave_block(void *block)
{
    tm_tag_enter(of_the_dead);
    *(void **)block = tm_malloc(50);
    return NULL;
}

void set_up(void)
{
    of_the_dead = tm_tag_open("of the dead");
    bounded = tm_tag_open("bounded");
    ck_assert_int_eq(tm_tag_limit(bounded, LIMIT), 0);
    tm_tag_enter(bounded);
    mine = tm_malloc(MINE);
    in_thread(leave_block, &last_block);
}

void expect_all_well(void)
{
    void *too_much = tm_malloc(LIMIT - MINE + 1), *most = tm_malloc(LIMIT - MINE);
    ck_assert_ptr_null(too_much);
    ck_assert_ptr_nonnull(most);
    expect_tag(bounded, LIMIT, 2);
    tm_free(most);
    if (last_block)
        tm_free(last_block);
    last_block = NULL;
    sums_balance();
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
    expect_tag(bounded, MINE, 1);
    expect_tag(of_the_dead, 0, 0);
    expect_process_live(MINE, 1);
}

static pthread_barrier_t all_there;

struct person {
    pthread_t thread;
    pid_t tid;
    size_t size;
};

static void *hold_in_tag(void *arg)
{
    struct person *self = arg;
    self->tid = gettid();
    tm_tag_enter(of_the_dead);
    void *block = tm_malloc(self->size);
    pthread_barrier_wait(&all_there);
    pthread_barrier_wait(&all_there);
    tm_free(block);
    return NULL;
}

/* A slot that was given to two threads would have the blocks of both. */
void expect_a_slot_each(void)
{
    enum { MOST = 100 };
    struct person persons[MOST];
    unsigned count = tm__slots_used() / 2 + 1; /* of two slots each */
    ck_assert_uint_le(count, MOST);
    pthread_barrier_init(&all_there, NULL, count + 1);
    for (size_t i = 0; i < count; i++) {
        persons[i].size = 1000 + i;
        ck_assert_int_eq(pthread_create(&persons[i].thread, NULL, hold_in_tag, &persons[i]), 0);
    }
    pthread_barrier_wait(&all_there);
    for (size_t i = 0; i < count; i++) {
        struct tm_totals totals;
        ck_assert_int_eq(tm_thread_totals_of(persons[i].tid, &totals), 0);
        expect_live(&totals, persons[i].size, 1);
        ck_assert_uint_eq(totals.allocated_bytes, persons[i].size);
    }
    pthread_barrier_wait(&all_there);
    for (size_t i = 0; i < count; i++)
        pthread_join(persons[i].thread, NULL);
    pthread_barrier_destroy(&all_there);
}

pid_t child;
int status;

void fork_and_wait(void)
{
    child = fork();
    if (child > 0 && waitpid(child, &status, 0) != child)
        abort();
}

void expect_all_well_in_both(void)
{
    ck_assert_int_ge(child, 0);
    expect_all_well();
    expect_a_slot_each();
    ck_assert_int_gt(tm_tag_open("new"), 0);
    expect_all_well();
    if (child == 0)
        _exit(0);
    ck_assert_int_eq(status, 0);
}
