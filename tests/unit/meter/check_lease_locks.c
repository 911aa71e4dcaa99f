/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How often threads that are far from their tag's limit need the tags' lock: the linker puts a function that counts in
 * front of the one that takes it.
 */
#define _GNU_SOURCE
#include "state/tags_lock.h"
#include "support/support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <threadmeter/limits.h>

enum { CROWD = 64, TIMES = 1000, SIZE = 64 };

static _Atomic unsigned locked;

enum tm__access __real_tm__access_tags(void);
enum tm__access __wrap_tm__access_tags(void);
enum tm__access __wrap_tm__access_tags(void)
{
    locked++;
    return __real_tm__access_tags();
}

static tm_tag limited;
static pthread_barrier_t step;

static void *allocate(void *keeps)
{
    static _Thread_local void *blocks[TIMES];
    tm_tag_enter(limited);
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    for (int i = 0; i < TIMES; i++) {
        blocks[i] = filled(SIZE);
        if (!keeps)
            tm_free(blocks[i]);
    }
    pthread_barrier_wait(&step);
    for (int i = 0; i < TIMES && keeps; i++)
        tm_free(blocks[i]);
    return NULL;
}

/*
 * They allocate and free, or all keep what they allocate, which is a quarter of the limit. Without leases they would need
 * the lock for each of the 64,000 blocks.
 */
START_TEST(a_crowd_needs_the_lock_a_few_times_each)
{
    pthread_t crowd[CROWD];
    limited = tm_tag_open("limited");
    ck_assert_int_eq(tm_tag_limit(limited, (uint64_t)CROWD * TIMES * SIZE * 4), 0);
    pthread_barrier_init(&step, NULL, CROWD + 1);
    for (int i = 0; i < CROWD; i++)
        ck_assert_int_eq(pthread_create(&crowd[i], NULL, allocate, _i == 0 ? NULL : &limited), 0);
    pthread_barrier_wait(&step);
    locked = 0;
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    ck_assert_uint_ge(locked, CROWD);
    ck_assert_uint_le(locked, CROWD * 3);
    for (int i = 0; i < CROWD; i++)
        pthread_join(crowd[i], NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lease_locks");
    TCase *tcase = add_case(suite, "lease_locks", 60);
    tcase_add_loop_test(tcase, a_crowd_needs_the_lock_a_few_times_each, 0, 2);
    return run_suite(suite);
}
