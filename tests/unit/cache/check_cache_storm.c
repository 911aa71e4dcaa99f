/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cache/, used by many threads at once: some only allocate, some only free, all exit and begin again; meanwhile the depot
 * is emptied, and the process forks. Each block has a pattern of its own: an object that two
 * had would not.
 */
#define _GNU_SOURCE
#include "cached_blocks.h"
#include "support/support.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAIRS = 2, PLACES = 512, BATCH = 150, ROUNDS = SANITIZED ? 200 : 300, FORKS = SANITIZED ? 20 : 300 };

static void *_Atomic places[PAIRS][PLACES]; /* from who allocates to who frees */
static _Atomic bool stop;

/* Some sizes only, so that there are whole lists of them. */
static size_t random_size(uint64_t *seed)
{
    static const size_t sizes[] = {1, 16, 40, 100, 250, 600, 2000, 9200};
    uint64_t random = random_next(seed);
    return sizes[random % 16 < 8 ? random % 16 : random % 4];
}

static void *stamped(size_t size, uint64_t *seed)
{
    char *block = tm_malloc(size);
    memset(block, (int)random_next(seed) | 1, size);
    return block;
}

static void expect_stamp_and_free(void *block)
{
    const char *bytes = block;
    size_t size = tm_malloc_usable_size(block);
    for (size_t i = 1; i < size; i++)
        if (bytes[i] != bytes[0])
            abort();
    tm_free(block);
}

static void *only_allocate(void *pair)
{
    void *_Atomic *mine = pair;
    uint64_t seed = (uintptr_t)&seed;
    for (int i = 0; i < PLACES * 4 && !stop; i++) {
        void *none = NULL, *block = stamped(random_size(&seed), &seed);
        if (!atomic_compare_exchange_strong(&mine[random_next(&seed) % PLACES], &none, block))
            expect_stamp_and_free(block);
    }
    return NULL;
}

static void *only_free(void *pair)
{
    void *_Atomic *others = pair;
    for (int round = 0; round < 4 && !stop; round++)
        for (int i = 0; i < PLACES; i++) {
            void *block = atomic_exchange(&others[i], NULL);
            if (block)
                expect_stamp_and_free(block);
        }
    return NULL;
}

/* One after another, so that threads exit all the time. */
static void *allocate_again_and_again(void *pair)
{
    while (!stop)
        in_thread(only_allocate, pair);
    return NULL;
}

static void *free_again_and_again(void *pair)
{
    while (!stop)
        in_thread(only_free, pair);
    return NULL;
}

static pthread_t threads[2 * PAIRS];

static void start_threads(void)
{
    setenv("THREADMETER_CACHE", "1", 1);
    tm_free(tm_malloc(1));
    for (int i = 0; i < PAIRS; i++) {
        ck_assert_int_eq(pthread_create(&threads[2 * i], NULL, allocate_again_and_again, places[i]), 0);
        ck_assert_int_eq(pthread_create(&threads[2 * i + 1], NULL, free_again_and_again, places[i]), 0);
    }
}

static void stop_threads(void)
{
    stop = true;
    for (int i = 0; i < 2 * PAIRS; i++)
        pthread_join(threads[i], NULL);
    stop = false;
    for (int i = 0; i < PAIRS; i++)
        only_free(places[i]);
    expect_process_live(0, 0);
}

static void come_and_go(uint64_t seed)
{
    void *mine[BATCH];
    for (int i = 0; i < BATCH; i++)
        mine[i] = stamped(random_size(&seed), &seed);
    for (int i = 0; i < BATCH; i++)
        expect_stamp_and_free(mine[i]);
}

START_TEST(no_object_has_two_owners)
{
    start_threads();
    for (int i = 0; i < ROUNDS; i++) {
        come_and_go((uint64_t)i + 1);
        if (i % 4 == 0)
            tm_flush_cache();
    }
    stop_threads();
}
END_TEST

/* Whichever thread is in the depot at that moment, the child can use it. */
START_TEST(a_fork_may_come_at_any_moment)
{
    start_threads();
    for (int i = 0; i < FORKS; i++) {
        come_and_go((uint64_t)i + 1);
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            for (int round = 0; round < 5; round++)
                come_and_go((uint64_t)i + 2);
            tm_flush_cache();
            come_and_go((uint64_t)i + 3);
            _exit(0);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "fork %d: status %#x", i, status);
    }
    stop_threads();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cache_storm");
    TCase *tcase = add_case(suite, "cache_storm", 100);
    tcase_add_test(tcase, no_object_has_two_owners);
    if (!SANITIZED)
        tcase_add_test(tcase, a_fork_may_come_at_any_moment);
    return run_suite(suite);
}
