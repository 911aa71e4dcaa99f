/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cache/: where a thread has many blocks, the objects of those that it frees wait before they go to their bins. tcmalloc's
 * own count of bytes in use is the oracle. Each test is a process of its own, and says in the environment what it wants
 * before its first block.
 */
#define _GNU_SOURCE
#include "cached_blocks.h"
#include "support/support.h"

#include <pthread.h>
#include <sys/wait.h>

enum {
    WAITING = 4,
    MUCH = 128 << 10, /* more than a thread may have whose objects do not wait */
};

/* Whether a thread has much is looked at every 16th time that tcmalloc is called. */
static void look(void)
{
    for (int i = 0; i < 16; i++)
        tm_free(tm_malloc(LARGEST + 1));
}

static void *own_much(void)
{
    void *much = tm_malloc(MUCH);
    look();
    return much;
}

START_TEST(it_waits_until_four_more_are_freed)
{
    have_a_cache();
    void *much = own_much(), *blocks[WAITING + 2];
    allocate(blocks, WAITING + 2, 100);
    tm_free(blocks[0]);
    for (int i = 1; i <= WAITING; i++) {
        void *another = tm_malloc(100); /* not the first one, which waits still */
        for (int j = 0; j < i; j++)
            ck_assert_ptr_ne(another, blocks[j]);
        tm_free(blocks[i]);
        blocks[i] = another;
    }
    ck_assert_ptr_eq(tm_malloc(100), blocks[0]);
    free_all(blocks, WAITING + 2);
    tm_free(much);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(it_waits_whatever_its_size_is)
{
    have_a_cache();
    void *much = own_much();
    for (size_t size = 1; size <= LARGEST; size += 53) {
        void *block = tm_malloc(size);
        tm_free(block);
        void *another = tm_malloc(size);
        ck_assert_ptr_ne(another, block);
        tm_free(another);
    }
    tm_free(much);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(without_a_budget_nothing_waits)
{
    have_a_cache_of("0");
    void *much = own_much(), *block = tm_malloc(100);
    tm_free(block);
    ck_assert_ptr_eq(tm_malloc(100), block);
    tm_free(block);
    tm_free(much);
}
END_TEST

START_TEST(with_little_it_is_used_at_once)
{
    have_a_cache();
    void *much = own_much(), *block;
    tm_free(much);
    look();
    for (int i = 0; i < 10; i++) {
        block = tm_malloc(100);
        tm_free(block);
        ck_assert_ptr_eq(tm_malloc(100), block);
        tm_free(block);
    }
    expect_process_live(0, 0);
}
END_TEST

/* Sizes of several classes, so that each has to go to its own bin; each block is filled, so that two would be seen. */
static void replace_many(unsigned seed_number)
{
    enum { ROUNDS = 20000 };
    static _Thread_local unsigned char *blocks[SOME];
    static _Thread_local size_t sizes[SOME];
    uint64_t seed = seed_number;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t at = random_next(&seed) % SOME;
        for (size_t k = 0; k < sizes[at]; k++)
            ck_assert_uint_eq(blocks[at][k], (unsigned char)at);
        tm_free(blocks[at]);
        sizes[at] = random_next(&seed) % 600;
        blocks[at] = random_next(&seed) % 4 ? tm_malloc(sizes[at]) : tm_memalign(64, sizes[at]);
        ck_assert_ptr_nonnull(blocks[at]);
        memset(blocks[at], (int)at, sizes[at]);
    }
    for (int at = 0; at < SOME; at++)
        tm_free(blocks[at]);
}

static void *own_much_and_replace(void *unused)
{
    void *much = own_much();
    replace_many(2);
    tm_free(much);
    return unused;
}

START_TEST(nothing_is_lost_or_given_twice)
{
    setenv("THREADMETER_CACHE", "1", 1);
    size_t before, after;
    ck_assert(heap_bytes(&before));
    own_much_and_replace(NULL);
    in_thread(own_much_and_replace, NULL);
    ck_assert(heap_bytes(&after));
    ck_assert_uint_eq(after, before);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(what_waits_is_flushed)
{
    have_a_cache();
    void *much = own_much(), *blocks[WAITING];
    size_t before = heap_now();
    allocate(blocks, WAITING, 1500);
    free_all(blocks, WAITING);
    ck_assert_uint_eq(heap_now(), before + WAITING * heap_bytes_for(class_bytes(1500)));
    tm_flush_cache();
    ck_assert_uint_lt(heap_now(), before); /* the cache is gone, too */
    tm_free(much);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(a_forks_child_has_what_waited)
{
    setenv("THREADMETER_CACHE", "1", 1);
    size_t before, after;
    ck_assert(heap_bytes(&before));
    void *much = own_much();
    tm_free(tm_malloc(100));
    pid_t child = fork();
    if (child == 0) {
        replace_many(3);
        tm_free(much);
        _exit(heap_bytes(&after) && after == before ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    tm_free(much);
    ck_assert(heap_bytes(&after));
    ck_assert_uint_eq(after, before);
}
END_TEST

static void *free_others(void *blocks)
{
    void *much = own_much();
    free_all(blocks, SOME);
    struct tm_totals mine = thread_totals();
    expect_live(&mine, MUCH, 1);
    tm_free(much);
    return NULL;
}

/* The credit does not wait: the block is gone at once, whoever freed it. */
START_TEST(what_others_own_is_credited_at_once)
{
    have_a_cache();
    static void *blocks[SOME];
    size_t before, after;
    ck_assert(heap_bytes(&before));
    allocate(blocks, SOME, 200);
    in_thread(free_others, blocks);
    expect_process_live(0, 0);
    ck_assert(heap_bytes(&after));
    ck_assert_uint_eq(after, before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("waiting");
    TCase *tcase = add_case(suite, "waiting", 60);
    tcase_add_test(tcase, it_waits_until_four_more_are_freed);
    tcase_add_test(tcase, it_waits_whatever_its_size_is);
    tcase_add_test(tcase, without_a_budget_nothing_waits);
    tcase_add_test(tcase, with_little_it_is_used_at_once);
    tcase_add_test(tcase, nothing_is_lost_or_given_twice);
    tcase_add_test(tcase, what_waits_is_flushed);
    tcase_add_test(tcase, a_forks_child_has_what_waited);
    tcase_add_test(tcase, what_others_own_is_credited_at_once);
    return run_suite(suite);
}
