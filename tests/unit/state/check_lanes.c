/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lanes for remote frees: each belongs to one thread until that ends, and then to the next that finds it free.
 * Where a free is counted is read in the slot itself; how much is counted, from totals.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include "state/slot.h"

#include <limits.h>
#include <pthread.h>
#include <semaphore.h>

enum {
    SIZE = 24,
    BLOCKS = 200,
    WHILE = 64, /* so many blocks a thread without a lane frees before it looks for one again */
};

static struct tm__slot *mine;

static void allocate(void **blocks, int count)
{
    for (int i = 0; i < count; i++)
        ck_assert_ptr_nonnull(blocks[i] = tm_malloc(SIZE));
    mine = tm__slot_of(tm__thread.me);
}

static void release(void **blocks, int count)
{
    for (int i = 0; i < count; i++)
        tm_free(blocks[i]);
}

/* Blocks that were counted by locked additions. */
static uint64_t shared_blocks(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < TM__LANES; i++)
        sum += atomic_load(&mine->lanes[i].shared_blocks);
    return sum;
}

static void expect_remote_frees_received(uint64_t blocks)
{
    struct tm_totals totals = thread_totals();
    ck_assert_uint_eq(totals.remote_frees_received_blocks, blocks);
    ck_assert_uint_eq(totals.remote_frees_received_bytes, blocks * SIZE);
}

static void *free_some(void *blocks)
{
    release(blocks, BLOCKS);
    return NULL;
}

/* Each thread has ended when the next begins. It frees its first block before it has attached, so without a lane. */
START_TEST(short_lived_threads_have_a_lane_each)
{
    enum { THREADS = 50 };
    void *blocks[BLOCKS];
    for (int i = 0; i < THREADS; i++) {
        allocate(blocks, BLOCKS);
        in_thread(free_some, blocks);
        expect_remote_frees_received((uint64_t)(i + 1) * BLOCKS);
        ck_assert_uint_le(shared_blocks(), (uint64_t)i + 1);
    }
    expect_process_live(0, 0);
}
END_TEST

static void *attach(void *unused)
{
    tm_free(tm_malloc(1));
    return unused;
}

/* Frees one block, and the rest when it is told to. */
struct consumer {
    pthread_t thread;
    sem_t has_lane, go_on, has_done;
    int count;
    void *blocks[BLOCKS];
};

static void *consume(void *arg)
{
    struct consumer *consumer = arg;
    attach(NULL);
    tm_free(consumer->blocks[0]);
    sem_post(&consumer->has_lane);
    sem_wait(&consumer->go_on);
    release(consumer->blocks + 1, consumer->count - 1);
    sem_post(&consumer->has_done);
    sem_wait(&consumer->go_on);
    return NULL;
}

static void begin_with_its_blocks(struct consumer *consumer)
{
    sem_init(&consumer->has_lane, 0, 0);
    sem_init(&consumer->go_on, 0, 0);
    sem_init(&consumer->has_done, 0, 0);
    ck_assert_int_eq(pthread_create(&consumer->thread, NULL, consume, consumer), 0);
    sem_wait(&consumer->has_lane);
}

static void begin(struct consumer *consumer)
{
    consumer->count = BLOCKS;
    allocate(consumer->blocks, BLOCKS);
    begin_with_its_blocks(consumer);
}

static void free_the_rest(struct consumer *consumer)
{
    sem_post(&consumer->go_on);
    sem_wait(&consumer->has_done);
}

static void end(struct consumer *consumer)
{
    sem_post(&consumer->go_on);
    ck_assert_int_eq(pthread_join(consumer->thread, NULL), 0);
}

START_TEST(nobody_takes_a_lane_from_the_living)
{
    static struct consumer consumers[TM__LANES], more;
    for (int i = 0; i < TM__LANES; i++)
        begin(&consumers[i]);
    ck_assert_uint_eq(shared_blocks(), 0);
    begin(&more);
    free_the_rest(&more);
    ck_assert_uint_eq(shared_blocks(), BLOCKS);
    for (int i = 0; i < TM__LANES; i++)
        free_the_rest(&consumers[i]);
    ck_assert_uint_eq(shared_blocks(), BLOCKS);
    expect_remote_frees_received((TM__LANES + 1) * BLOCKS);
    for (int i = 0; i < TM__LANES; i++)
        end(&consumers[i]);
    end(&more);
    expect_process_live(0, 0);
}
END_TEST

/* Each of the threads may be the one that ends. */
START_TEST(a_thread_without_a_lane_takes_one_that_is_left)
{
    static struct consumer consumers[TM__LANES], more;
    for (int i = 0; i < TM__LANES; i++)
        begin(&consumers[i]);
    begin(&more);
    free_the_rest(&consumers[_i]);
    end(&consumers[_i]);
    free_the_rest(&more);
    ck_assert_uint_le(shared_blocks(), WHILE);
    for (int i = 0; i < TM__LANES; i++)
        if (i != _i) {
            free_the_rest(&consumers[i]);
            end(&consumers[i]);
        }
    end(&more);
    expect_remote_frees_received((TM__LANES + 1) * BLOCKS);
    expect_process_live(0, 0);
}
END_TEST

static void *leave_blocks(void *blocks)
{
    allocate(blocks, TM__LANES);
    return NULL;
}

/* A thread first tries the lane of its number, and then the one that it had last, in any owner's slot. */
START_TEST(a_thread_has_one_lane_of_an_owner)
{
    static struct consumer of_both, others[TM__LANES - 1];
    void *left[TM__LANES];
    in_thread(leave_blocks, left);
    of_both.count = 3;
    allocate(of_both.blocks, of_both.count);
    tm_free(of_both.blocks[1]);
    of_both.blocks[1] = left[TM__LANES - 1];
    begin_with_its_blocks(&of_both);
    in_thread(attach, NULL); /* the lane that its number says is not taken */
    for (int i = 0; i < TM__LANES - 1; i++) {
        others[i].count = 1;
        others[i].blocks[0] = left[i];
        begin_with_its_blocks(&others[i]);
    }
    free_the_rest(&of_both);
    int lanes = 0;
    for (int i = 0; i < TM__LANES; i++)
        lanes += atomic_load(&mine->lanes[i].writer) != 0;
    ck_assert_int_eq(lanes, 1);
    for (int i = 0; i < TM__LANES - 1; i++) {
        free_the_rest(&others[i]);
        end(&others[i]);
    }
    end(&of_both);
    expect_remote_frees_received(2);
    expect_process_live(0, 0);
}
END_TEST

static struct consumer of_the_parent[TM__LANES];
static void *of_the_child[BLOCKS];

static void free_in_child(void)
{
    uint64_t freed = 0;
    release(of_the_child, BLOCKS);
    ck_assert_uint_eq(shared_blocks(), 0);
    for (int i = 0; i < TM__LANES; i++)
        freed += tm__lane_blocks(&mine->lanes[i]);
    ck_assert_uint_eq(freed, TM__LANES + BLOCKS);
}

static void *fork_here(void *unused)
{
    attach(NULL);
    in_child(free_in_child);
    return unused;
}

/* The threads that had them do not live there. */
START_TEST(in_a_fork_all_lanes_are_left)
{
    for (int i = 0; i < TM__LANES; i++)
        begin(&of_the_parent[i]);
    allocate(of_the_child, BLOCKS);
    in_thread(fork_here, NULL);
    release(of_the_child, BLOCKS);
    for (int i = 0; i < TM__LANES; i++) {
        free_the_rest(&of_the_parent[i]);
        end(&of_the_parent[i]);
    }
    expect_remote_frees_received(TM__LANES * BLOCKS);
    expect_process_live(0, 0);
}
END_TEST

static pthread_key_t late_key;

static void free_in_last_round(void *block)
{
    static int rounds;
    if (++rounds < PTHREAD_DESTRUCTOR_ITERATIONS)
        pthread_setspecific(late_key, block);
    else
        tm_free(block);
}

static void *free_one_late(void *blocks)
{
    attach(NULL);
    tm_free(((void **)blocks)[0]);
    pthread_setspecific(late_key, ((void **)blocks)[1]);
    return NULL;
}

/* What a thread frees after it has left is not added to its lane, which may be another thread's by then. */
START_TEST(a_thread_that_has_left_has_no_lane)
{
    void *blocks[2];
    allocate(blocks, 2);
    ck_assert_int_eq(pthread_key_create(&late_key, free_in_last_round), 0); /* after ours */
    in_thread(free_one_late, blocks);
    ck_assert_uint_eq(shared_blocks(), 1);
    expect_remote_frees_received(2);
    expect_process_live(0, 0);
}
END_TEST

/* Threads that free blocks come and go: what they added stays counted when the lane has another owner. */
static void *free_a_few(void *blocks)
{
    attach(NULL);
    release(blocks, BLOCKS);
    return NULL;
}

START_TEST(nothing_is_lost_as_lanes_change_hands)
{
    enum { ROUNDS = 200, AT_ONCE = 2 * TM__LANES };
    for (int round = 0; round < ROUNDS; round++) {
        static void *blocks[AT_ONCE][BLOCKS];
        pthread_t threads[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++)
            allocate(blocks[i], BLOCKS);
        for (int i = 0; i < AT_ONCE; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, free_a_few, blocks[i]), 0);
        for (int i = 0; i < AT_ONCE; i++)
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    expect_remote_frees_received((uint64_t)ROUNDS * AT_ONCE * BLOCKS);
    expect_process_live(0, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lanes");
    TCase *tcase = add_case(suite, "lanes", 60);
    tcase_add_test(tcase, short_lived_threads_have_a_lane_each);
    tcase_add_test(tcase, nobody_takes_a_lane_from_the_living);
    tcase_add_loop_test(tcase, a_thread_without_a_lane_takes_one_that_is_left, 0, TM__LANES);
    tcase_add_test(tcase, a_thread_has_one_lane_of_an_owner);
    tcase_add_test(tcase, in_a_fork_all_lanes_are_left);
    if (!SANITIZED)
        tcase_add_test(tcase, a_thread_that_has_left_has_no_lane);
    tcase_add_test(tcase, nothing_is_lost_as_lanes_change_hands);
    return run_suite(suite);
}
