/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threadmeter/reader.h: what is read from outside is what the process says of itself, to the byte: threads, who freed
 * whose blocks, forks; for names and tags see check_reader_names.c and check_reader_tags.c. Each test is a process of its
 * own, which publishes and reads itself. With a table of 64 slots (SMALL_TABLE), a full one, too.
 */
#define _GNU_SOURCE
#include "read_self.h"

#include <limits.h>
#include <unistd.h>

/* ---- threads in each state ---- */

static void *live_until_told(void *arg)
{
    kept[1] = tm_malloc(2000);
    name_me("is-renamed");
    tm_free(kept[0]);
    kept[2] = tm_malloc(7);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return arg;
}

static void *leave_behind(void *arg)
{
    name_me("orphan");
    tm_free(tm_malloc(400));
    kept[3] = tm_malloc(300);
    kept[4] = tm_calloc(3, 10);
    return arg;
}

static void *leave_nothing(void *arg)
{
    tm_free(tm_realloc(tm_malloc(5000), 10000));
    return arg;
}

static pthread_key_t last_key;

/* In the last round of destructors, which a thread sanitizer does not live to see. */
#ifdef __SANITIZE_THREAD__
enum { LAST_ROUND = 3 };
#else
enum { LAST_ROUND = PTHREAD_DESTRUCTOR_ITERATIONS };
#endif

static void allocate_late(void *round)
{
    if ((uintptr_t)round < LAST_ROUND)
        pthread_setspecific(last_key, (char *)round + 1);
    else
        kept[5] = tm_malloc(55);
}

static void *end_late(void *arg)
{
    kept[7] = tm_malloc(1);
    tm_free(kept[7]);
    pthread_setspecific(last_key, (void *)1);
    return arg;
}

START_TEST(threads_in_each_state)
{
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    kept[0] = tm_malloc(1000);
    kept[8] = tm_malloc(10);
    expect_same();
    pthread_create(&thread, NULL, live_until_told, NULL);
    pthread_barrier_wait(&barrier);
    expect_same();
    in_thread(leave_behind, NULL);
    expect_same();
    in_thread(leave_nothing, NULL);
    in_thread(leave_nothing, NULL);
    expect_same();
    pthread_key_create(&last_key, allocate_late);
    in_thread(end_late, NULL);
    tm_free(malloc(3)); /* foreign */
    expect_same();

    struct tm_reader *reader = open_pid(getpid());
    const struct tm_reading *reading = read_from(reader);
    const struct tm_thread_reading *live = thread_named(reading, "is-renamed"),
                                   *orphan = thread_named(reading, "orphan");
    ck_assert_ptr_nonnull(live);
    ck_assert_ptr_nonnull(orphan);
    ck_assert_int_eq(live->state, TM_LIVE);
    ck_assert_uint_eq(tm_live_bytes(&live->totals), 2007);
    ck_assert_uint_eq(live->totals.remote_frees_made_bytes, 1000);
    ck_assert_int_eq(orphan->state, TM_ORPHAN);
    expect_live(&orphan->totals, 330, 2);
    ck_assert_uint_eq(orphan->totals.peak_bytes, 400);
    ck_assert_uint_gt(reading->retired.allocated_bytes, 0);
    ck_assert_uint_gt(reading->slots[0].totals.allocated_bytes, 0);
    ck_assert(strncmp(reading->program, "check_reader", 12) == 0);

    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    for (int i = 1; i < 7; i++)
        tm_free(kept[i]);
    tm_free(kept[8]);
    expect_same_as_here(read_from(reader));
    tm_reader_close(reader);
}
END_TEST

START_TEST(the_order_of_threads_is_by_what_they_own)
{
    kept[0] = tm_malloc(310);
    in_thread(leave_behind, NULL);
    struct tm_reader *reader = open_pid(getpid());
    ck_assert_str_eq(read_from(reader)->threads[0].name, "orphan");
    kept[1] = tm_malloc(50);
    ck_assert_int_eq(read_from(reader)->threads[0].tid, getpid());
    tm_reader_close(reader);
}
END_TEST

/* A slot's earlier owners had more than the present one has: those are retired, with their peak. */
START_TEST(a_slot_of_several_generations)
{
    kept[0] = tm_malloc(1);
    for (int i = 0; i < 5; i++) {
        in_thread(leave_nothing, NULL);
        expect_same();
        in_thread(leave_behind, NULL);
        expect_same();
        tm_free(kept[3]);
        tm_free(kept[4]);
    }
    expect_same();
}
END_TEST

/* ---- flow ---- */

static void *free_both(void *arg)
{
    name_me("frees");
    tm_free(kept[20]);
    tm_free(kept[21]);
    kept[22] = tm_malloc(90);
    return arg;
}

START_TEST(who_freed_whose_blocks)
{
    setenv("THREADMETER_FLOW", "1", 1);
    kept[20] = tm_malloc(100);
    kept[21] = tm_malloc(200);
    in_thread(free_both, NULL);
    tm_free(kept[22]);
    expect_same();
    name_me("owns");
    expect_same();
    struct tm_reader *reader = open_pid(getpid());
    const struct tm_reading *reading = read_from(reader);
    ck_assert(reading->flow_on);
    ck_assert_uint_eq(reading->flow_count, 2);
    ck_assert_str_eq(reading->flows[0].owner_name, "owns");
    ck_assert_str_eq(reading->flows[0].freer_name, "frees");
    ck_assert_uint_eq(reading->flows[0].bytes, 300);
    ck_assert_uint_eq(reading->flows[0].blocks, 2);
    ck_assert_uint_eq(reading->flows[1].bytes, 90);
    tm_reader_close(reader);
}
END_TEST

/* ---- a table that is full ---- */

#ifdef SMALL_TABLE
enum { THREADS = 80 };

static void *own_and_wait(void *arg)
{
    void *block = tm_malloc((uintptr_t)arg + 1);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    tm_free(block);
    return NULL;
}

START_TEST(threads_in_the_overflow_slot)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, own_and_wait, (void *)i);
    pthread_barrier_wait(&barrier);
    struct tm_reader *reader = open_pid(getpid());
    const struct tm_reading *reading = read_from(reader);
    expect_same_as_here(reading);
    ck_assert_uint_gt(tm_live_blocks(&reading->slots[1].totals), 0);
    expect_live(&reading->process, THREADS * (THREADS + 1) / 2, THREADS);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    expect_same_as_here(read_from(reader));
    tm_reader_close(reader);
}
END_TEST
#endif

/* ---- forks ---- */

static pid_t parent;

static void be_a_child(void)
{
    struct tm_reader *reader = open_pid(getpid());
    const struct tm_reading *reading = read_from(reader);
    if (reading->parent != parent || reading->pid != getpid())
        _exit(1);
    expect_same_as_here(reading);
    kept[1] = tm_malloc(77);
    tm_free(kept[0]);
    expect_same_as_here(read_from(reader));
    ck_assert_uint_eq(tm_live_bytes(&thread_named(reading, "waits")->totals), 2007);
    ck_assert_int_eq(thread_named(reading, "waits")->state, TM_ORPHAN);
    tm_reader_close(reader);
}

START_TEST(a_fork_has_its_own)
{
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    kept[0] = tm_malloc(500);
    pthread_create(&thread, NULL, wait_under_a_name, NULL);
    pthread_barrier_wait(&barrier);
    parent = getpid();
    struct tm_reader *reader = open_pid(getpid());
    in_child(be_a_child);
    const struct tm_reading *reading = read_from(reader);
    ck_assert_int_eq(reading->parent, 0);
    expect_same_as_here(reading);
    expect_live(&reading->process, 2507, 2);
    tm_reader_close(reader);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader");
    TCase *tcase = add_publishing_case(suite, "reader", 60);
    tcase_add_test(tcase, threads_in_each_state);
    tcase_add_test(tcase, the_order_of_threads_is_by_what_they_own);
    tcase_add_test(tcase, a_slot_of_several_generations);
    tcase_add_test(tcase, who_freed_whose_blocks);
#ifdef SMALL_TABLE
    tcase_add_test(tcase, threads_in_the_overflow_slot);
#endif
    tcase_add_test(tcase, a_fork_has_its_own);
    return run_suite(suite);
}
