/* SPDX-License-Identifier: BSD-3-Clause */
/* threads.c: first allocation, exit, orphans, reuse, late allocations, signals. */
#define _GNU_SOURCE
#include "support/support.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void *keep_one(void *arg)
{
    pthread_setname_np(pthread_self(), "keeper");
    void **kept = arg;
    tm_free(tm_malloc(500));
    *kept = tm_malloc(100);
    return NULL;
}

START_TEST(a_thread_is_attached_by_its_first_allocation)
{
    ck_assert_uint_eq(count_slots(TM_LIVE), 0);
    tm_free(NULL);
    struct tm_totals nothing = thread_totals();
    ck_assert_uint_eq(nothing.allocated_blocks, 0);
    ck_assert_uint_eq(count_slots(TM_LIVE), 0);
    void *block = tm_malloc(10);
    struct tm_slot slot;
    ck_assert(find_slot_in(TM_LIVE, &slot));
    ck_assert_int_eq(slot.tid, gettid());
    ck_assert_uint_eq(slot.generation, 1);
    expect_live(&slot.totals, 10, 1);
    tm_free(block);
}
END_TEST

/* Of this process, in bytes: how much address space, how much of it in memory. */
static void measure(size_t *reserved, size_t *resident)
{
    FILE *statm = fopen("/proc/self/statm", "r");
    ck_assert_int_eq(fscanf(statm, "%zu %zu", reserved, resident), 2);
    fclose(statm);
    *reserved *= (size_t)sysconf(_SC_PAGESIZE);
    *resident *= (size_t)sysconf(_SC_PAGESIZE);
}

/* Not in check_table.c, whose table is a small one. A huge page, or a few, may be what is touched. */
START_TEST(the_table_is_reserved_whole_and_touched_where_used)
{
    enum { TABLE = 40 << 20, TOUCHED = 8 << 20 }; /* at least, at most */
    size_t reserved, resident, reserved_after, resident_after;
    measure(&reserved, &resident);
    tm_free(tm_malloc(1));
    measure(&reserved_after, &resident_after);
    ck_assert_uint_gt(reserved_after, reserved + TABLE);
    ck_assert_uint_lt(resident_after, resident + TOUCHED);
}
END_TEST

START_TEST(an_exited_thread_is_an_orphan_until_its_last_block_goes)
{
    void *kept;
    in_thread(keep_one, &kept);
    struct tm_slot orphan;
    ck_assert(find_slot_in(TM_ORPHAN, &orphan));
    ck_assert_str_eq(orphan.name, "keeper");
    expect_live(&orphan.totals, 100, 1);
    ck_assert_uint_eq(orphan.totals.peak_bytes, 500);
    ck_assert_uint_eq(count_slots(TM_LIVE), 0);
    expect_invariant();

    struct tm_totals process = process_totals(), of_tid, retired;
    ck_assert_int_eq(tm_thread_totals_of(orphan.tid, &of_tid), 0);
    ck_assert_mem_eq(&of_tid, &orphan.totals, sizeof of_tid);
    tm_free(kept);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
    ck_assert_int_eq(tm_thread_totals_of(orphan.tid, &of_tid), -ESRCH);
    tm_retired_totals(&retired);
    ck_assert_uint_eq(retired.allocated_bytes, 600);
    ck_assert_uint_eq(retired.remote_frees_received_bytes, 100);
    ck_assert_uint_eq(retired.peak_bytes, 500);
    ck_assert_uint_eq(process_totals().allocated_bytes, process.allocated_bytes);
}
END_TEST

START_TEST(a_slot_is_used_again_with_a_new_generation)
{
    void *kept;
    tm_free(tm_malloc(1)); /* a thread that frees another's block attaches first */
    in_thread(keep_one, &kept);
    struct tm_slot first, second;
    ck_assert(find_slot_in(TM_ORPHAN, &first));
    tm_free(kept);
    in_thread(keep_one, &kept);
    ck_assert(find_slot_in(TM_ORPHAN, &second));
    ck_assert_uint_eq(second.slot, first.slot);
    ck_assert_uint_eq(second.generation, first.generation + 1);
    /* It starts from nothing, though the counters under it go on. */
    ck_assert_mem_eq(&second.totals, &first.totals, sizeof second.totals);
    expect_invariant();
    tm_free(kept);
}
END_TEST

static void *short_life(void *arg)
{
    (void)arg;
    tm_free(tm_malloc(64));
    return NULL;
}

START_TEST(short_threads_leak_no_slots)
{
    for (int i = 0; i < 10000; i++)
        in_thread(short_life, NULL);
    struct tm_slot slot;
    ck_assert(!find_slot_in(TM_LIVE, &slot) && !find_slot_in(TM_ORPHAN, &slot));
    void *block = tm_malloc(1);
    ck_assert(find_slot_in(TM_LIVE, &slot));
    ck_assert_uint_eq(slot.slot, 2); /* the first that there is: no other was ever needed */
    ck_assert_uint_eq(slot.generation, 10001);
    ck_assert_uint_eq(process_totals().allocated_bytes, 10000 * 64 + 1);
    tm_free(block);
}
END_TEST

static pthread_key_t last_words;

static void allocate_at_last(void *arg)
{
    (void)arg;
    tm_free(tm_malloc(64));
}

static void *allocates_at_last(void *arg)
{
    pthread_setspecific(last_words, &last_words);
    return arg;
}

/* A thread that ended unseen is retired by the next listing, and counted once, whichever is asked for first. */
START_TEST(threads_that_attach_as_they_die_are_retired_when_asked_for)
{
    tm_free(tm_malloc(1)); /* so that our destructor comes first, and is a round short */
    pthread_key_create(&last_words, allocate_at_last);
    for (int i = 0; i < 10; i++) {
        in_thread(allocates_at_last, NULL);
        struct tm_totals retired;
        tm_retired_totals(&retired);
        ck_assert_uint_eq(retired.allocated_bytes, 64 * ((uint64_t)i + 1));
        expect_invariant();
    }
    pthread_key_delete(last_words);
}
END_TEST

START_TEST(threads_that_attach_as_they_die_leak_no_slots)
{
    pthread_key_create(&last_words, allocate_at_last);
    for (int i = 0; i < 3000; i++)
        in_thread(allocates_at_last, NULL);
    void *kept;
    in_thread(keep_one, &kept);
    struct tm_slot slot;
    ck_assert(find_slot_in(TM_ORPHAN, &slot));
    ck_assert_uint_lt(slot.slot, 100);
    ck_assert(!find_slot_in(TM_LIVE, &slot));
    expect_process_live(tm_malloc_usable_size(kept), 1);
    tm_free(kept);
    expect_invariant();
    pthread_key_delete(last_words);
}
END_TEST

/* Destructors that allocate, in every round, before and after ours. */
static pthread_key_t early, late;
static void *in_round[2][PTHREAD_DESTRUCTOR_ITERATIONS];
static int rounds[2];

static void allocate_in_round(int which, pthread_key_t key)
{
    in_round[which][rounds[which]] = tm_malloc(1000);
    if (++rounds[which] < PTHREAD_DESTRUCTOR_ITERATIONS)
        pthread_setspecific(key, &in_round);
}

static void early_destructor(void *arg)
{
    (void)arg;
    allocate_in_round(0, early);
}

static void late_destructor(void *arg)
{
    (void)arg;
    allocate_in_round(1, late);
}

static void *exit_with_destructors(void *arg)
{
    (void)arg;
    tm_free(tm_malloc(1));
    pthread_setspecific(early, &in_round);
    pthread_setspecific(late, &in_round);
    return NULL;
}

START_TEST(destructors_of_the_last_round_are_late)
{
    pthread_key_create(&early, early_destructor); /* lower than ours: runs before it in each round */
    tm_free(tm_malloc(1));                        /* ours */
    pthread_key_create(&late, late_destructor);
    in_thread(exit_with_destructors, NULL);
    ck_assert_int_eq(rounds[0], PTHREAD_DESTRUCTOR_ITERATIONS);
    ck_assert_int_eq(rounds[1], PTHREAD_DESTRUCTOR_ITERATIONS);

    struct tm_slot orphan, shared;
    ck_assert(find_slot_in(TM_ORPHAN, &orphan));
    expect_live(&orphan.totals, 7 * 1000, 7);
    ck_assert(find_slot_in(TM_LATE, &shared));
    expect_live(&shared.totals, 1000, 1);
    ck_assert_uint_eq(shared.totals.peak_bytes, 1000);
    expect_invariant();
    for (int which = 0; which < 2; which++)
        for (int i = 0; i < PTHREAD_DESTRUCTOR_ITERATIONS; i++)
            tm_free(in_round[which][i]);
    ck_assert(find_slot_in(TM_LATE, &shared));
    expect_live(&shared.totals, 0, 0);
    ck_assert_uint_eq(shared.totals.remote_frees_received_blocks, 1);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
}
END_TEST

static void late_only_destructor(void *arg)
{
    /* In the last round, after ours: all of these blocks are late, and none is left. */
    if (++rounds[1] < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(late, arg);
        return;
    }
    char *block = tm_malloc(10);
    block = tm_realloc(block, 200);
    struct tm_totals totals = thread_totals();
    ck_assert_uint_eq(tm_live_bytes(&totals), 200);
    tm_free(block);
}

static void *exit_late(void *arg)
{
    (void)arg;
    tm_free(tm_malloc(1));
    pthread_setspecific(late, &in_round);
    return NULL;
}

START_TEST(a_late_thread_frees_its_own)
{
    tm_free(tm_malloc(1));
    pthread_key_create(&late, late_only_destructor);
    in_thread(exit_late, NULL);
    struct tm_slot shared;
    ck_assert(find_slot_in(TM_LATE, &shared));
    expect_live(&shared.totals, 0, 0);
    ck_assert_uint_eq(shared.totals.allocated_bytes, 210);
    ck_assert_uint_eq(shared.totals.peak_bytes, 200);
    ck_assert_uint_eq(shared.totals.remote_frees_received_blocks, 0);
}
END_TEST

START_TEST(without_a_key_the_overflow_slot_serves)
{
    pthread_key_t key;
    while (pthread_key_create(&key, NULL) == 0)
        ;
    void *block = tm_malloc(100), *kept;
    in_thread(keep_one, &kept);
    struct tm_slot shared;
    ck_assert(find_slot_in(TM_OVERFLOW, &shared));
    expect_live(&shared.totals, 200, 2);
    ck_assert_uint_eq(shared.totals.peak_bytes, 600);
    struct tm_totals mine = thread_totals();
    ck_assert_mem_eq(&mine, &shared.totals, sizeof mine);
    tm_free(block);
    tm_free(kept);
    expect_invariant();
    expect_process_live(0, 0);
}
END_TEST

/* ---- signals ---- */

static volatile sig_atomic_t asked;

static void ask(int signal)
{
    (void)signal;
    struct tm_totals totals;
    struct tm_slot slots[4];
    tm_thread_totals(&totals);
    asked += totals.freed_bytes <= totals.allocated_bytes && totals.freed_blocks <= totals.allocated_blocks &&
             tm_snapshot(slots, 4) >= 2;
}

START_TEST(questions_in_a_signal_handler)
{
    struct itimerval often = {{0, 50}, {0, 50}}, never = {0};
    signal(SIGALRM, ask);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; asked < 200; i++) {
        char *block = tm_malloc((size_t)i % 300);
        block = tm_realloc(block, (size_t)i % 3000 + 1);
        tm_free(block);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    expect_process_live(0, 0);
}
END_TEST

/* A handler that allocates just before, or in, its thread's first allocation. check_attach.c has each step of it. */
static volatile sig_atomic_t handled;
static __thread void *by_handler;

static void allocate_in_handler(int signal)
{
    (void)signal;
    if (!by_handler) {
        by_handler = tm_malloc(11);
        handled++;
    }
}

static void *interrupted_start(void *arg)
{
    /* A pending signal is delivered as soon as it is unblocked: just before the first allocation or in it. */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_kill(pthread_self(), SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    void *block = tm_malloc(22);
    struct tm_totals totals = thread_totals();
    *(bool *)arg &= tm_live_bytes(&totals) == 33 && tm_live_blocks(&totals) == 2;
    tm_free(block);
    tm_free(by_handler);
    return NULL;
}

START_TEST(a_signal_handler_attaches_first)
{
    bool right = true;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR1, allocate_in_handler);
    for (int i = 0; i < 500; i++)
        in_thread(interrupted_start, &right);
    ck_assert(right);
    ck_assert_int_eq(handled, 500);
    ck_assert_uint_eq(count_slots(TM_LIVE) + count_slots(TM_ORPHAN), 0);
    expect_process_live(0, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *tcase = add_case(suite, "threads", 120);
    tcase_add_test(tcase, a_thread_is_attached_by_its_first_allocation);
    tcase_add_test(tcase, an_exited_thread_is_an_orphan_until_its_last_block_goes);
    tcase_add_test(tcase, a_slot_is_used_again_with_a_new_generation);
    tcase_add_test(tcase, short_threads_leak_no_slots);
    tcase_add_test(tcase, threads_that_attach_as_they_die_leak_no_slots);
    tcase_add_test(tcase, without_a_key_the_overflow_slot_serves);
    if (!SANITIZED) {
        tcase_add_test(tcase, threads_that_attach_as_they_die_are_retired_when_asked_for);
        tcase_add_test(tcase, the_table_is_reserved_whole_and_touched_where_used);
        tcase_add_test(tcase, destructors_of_the_last_round_are_late);
        tcase_add_test(tcase, a_late_thread_frees_its_own);
        tcase_add_test(tcase, a_signal_handler_attaches_first);
    }
    tcase_add_test(tcase, questions_in_a_signal_handler);
    return run_suite(suite);
}
