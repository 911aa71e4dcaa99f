/* SPDX-License-Identifier: BSD-3-Clause */
/* totals.c: what can be asked of threads, slots, tags and the process. */
#define _GNU_SOURCE
#include "support/support.h"

#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_barrier_t barrier;

struct worker {
    size_t bytes;
    pid_t tid;
    void *block;
    pthread_t thread;
};

static void *work(void *arg)
{
    struct worker *worker = arg;
    worker->tid = gettid();
    worker->block = tm_malloc(worker->bytes);
    pthread_barrier_wait(&barrier);
    char name[16];
    snprintf(name, sizeof name, "worker-%zu", worker->bytes);
    pthread_setname_np(pthread_self(), name); /* long after the first allocation */
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

enum { WORKERS = 5 };
static struct worker workers[WORKERS];

static void start_workers(void)
{
    pthread_barrier_init(&barrier, NULL, WORKERS + 1);
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i].bytes = 100 * (i + 1);
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
}

static void end_workers(void)
{
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i].thread, NULL);
}

START_TEST(of_a_thread_by_its_tid)
{
    start_workers();
    struct tm_totals totals;
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(tm_thread_totals_of(workers[i].tid, &totals), 0);
        expect_live(&totals, workers[i].bytes, 1);
    }
    end_workers();
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(tm_thread_totals_of(workers[i].tid, &totals), 0);
        expect_live(&totals, workers[i].bytes, 1);
        tm_free(workers[i].block);
        ck_assert_int_eq(tm_thread_totals_of(workers[i].tid, &totals), -ESRCH);
    }
}
END_TEST

START_TEST(of_nobody_is_ESRCH)
{
    struct tm_totals totals;
    errno = 4321;
    ck_assert_int_eq(tm_thread_totals_of(gettid(), &totals), -ESRCH); /* has not allocated */
    ck_assert_int_eq(tm_thread_totals_of(-1, &totals), -ESRCH);
    ck_assert_int_eq(tm_thread_totals_of(1, &totals), -ESRCH);
    ck_assert_int_eq(tm_thread_totals_of(0, &totals), 0);
    ck_assert_int_eq(errno, 4321);
}
END_TEST

static int note_name(const struct tm_slot *slot, void *arg)
{
    for (int i = 0; i < WORKERS; i++) {
        char name[16];
        snprintf(name, sizeof name, "worker-%zu", workers[i].bytes);
        if (slot->tid == workers[i].tid && slot->state == TM_LIVE && strcmp(slot->name, name) == 0)
            ++*(int *)arg;
    }
    return 0;
}

START_TEST(every_slot_is_visited_with_its_present_name)
{
    start_workers();
    int named = 0;
    ck_assert_int_eq(tm_each_slot(note_name, &named), 0);
    ck_assert_int_eq(named, WORKERS);
    end_workers();
    for (int i = 0; i < WORKERS; i++)
        tm_free(workers[i].block);
}
END_TEST

static int stop_at_third(const struct tm_slot *slot, void *arg)
{
    (void)slot;
    return ++*(int *)arg == 3 ? 42 : 0;
}

START_TEST(a_visit_can_end_the_walk)
{
    start_workers();
    int visits = 0;
    ck_assert_int_eq(tm_each_slot(stop_at_third, &visits), 42);
    ck_assert_int_eq(visits, 3);
    end_workers();
    for (int i = 0; i < WORKERS; i++)
        tm_free(workers[i].block);
}
END_TEST

static int allocate_in_visit(const struct tm_slot *slot, void *arg)
{
    (void)slot, (void)arg;
    tm_free(tm_malloc(10));
    return 0;
}

START_TEST(a_visit_may_allocate)
{
    start_workers();
    ck_assert_int_eq(tm_each_slot(allocate_in_visit, NULL), 0);
    end_workers();
    for (int i = 0; i < WORKERS; i++)
        tm_free(workers[i].block);
}
END_TEST

START_TEST(a_snapshot_says_how_many_there_are)
{
    start_workers();
    struct tm_slot slots[WORKERS + 2];
    memset(slots, 0x55, sizeof slots);
    ck_assert_uint_eq(tm_snapshot(NULL, 0), WORKERS + 2); /* and late, and overflow */
    ck_assert_uint_eq(tm_snapshot(slots, 3), WORKERS + 2);
    ck_assert_uint_eq(slots[3].slot, 0x55555555);
    ck_assert_uint_eq(tm_snapshot(slots, WORKERS + 2), WORKERS + 2);
    ck_assert_int_eq(slots[0].state, TM_LATE);
    ck_assert_int_eq(slots[1].state, TM_OVERFLOW);
    uint64_t bytes = 0;
    for (int i = 2; i < WORKERS + 2; i++) {
        ck_assert_int_eq(slots[i].state, TM_LIVE);
        ck_assert_uint_lt(slots[i - 1].slot, slots[i].slot);
        bytes += tm_live_bytes(&slots[i].totals);
    }
    ck_assert_uint_eq(bytes, 1500);
    end_workers();
    for (int i = 0; i < WORKERS; i++)
        tm_free(workers[i].block);
}
END_TEST

/* The process's peak is a bound: no lower than the true peak, and no higher than the sum of the threads' peaks. */
START_TEST(the_process_peak_is_a_bound)
{
    void *first = tm_malloc(1000);
    tm_free(first);
    start_workers();
    end_workers();
    ck_assert_uint_eq(process_totals().peak_bytes, 1000 + 1500);
    for (int i = 0; i < WORKERS; i++)
        tm_free(workers[i].block);
    ck_assert_uint_eq(process_totals().peak_bytes, 1000 + 1500); /* retired, not forgotten */
}
END_TEST

#ifndef TM_BACKEND_LIBC /* under which sanitizers and valgrind run, and make system calls of their own */
enum { NOT_ALLOWED = 77 };

/* Any system call but read, write and exit ends the process by SIGKILL; so these functions make none. */
static void ask_without_system_calls(void)
{
    struct tm_totals totals;
    struct tm_slot slots[4];
    void *block = tm_malloc(1000);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
        _exit(NOT_ALLOWED);
    tm_thread_totals(&totals);
    size_t count = tm_snapshot(slots, 4);
    /* What ends a process, exit_group, is not allowed either. */
    syscall(SYS_exit, block && tm_live_bytes(&totals) == 1000 && tm_live_blocks(&totals) == 1 && count == 3 ? 0 : 1);
}

START_TEST(a_thread_asks_without_system_calls)
{
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        ask_without_system_calls();
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_ALLOWED)
        return;
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with status %#x", status);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("totals");
    TCase *tcase = add_case(suite, "totals", 60);
    tcase_add_test(tcase, of_a_thread_by_its_tid);
    tcase_add_test(tcase, of_nobody_is_ESRCH);
    tcase_add_test(tcase, every_slot_is_visited_with_its_present_name);
    tcase_add_test(tcase, a_visit_can_end_the_walk);
    tcase_add_test(tcase, a_visit_may_allocate);
    tcase_add_test(tcase, a_snapshot_says_how_many_there_are);
    tcase_add_test(tcase, the_process_peak_is_a_bound);
#ifndef TM_BACKEND_LIBC
    tcase_add_test(tcase, a_thread_asks_without_system_calls);
#endif
    return run_suite(suite);
}
