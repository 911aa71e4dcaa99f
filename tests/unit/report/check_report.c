/* SPDX-License-Identifier: BSD-3-Clause */
/* report.c: a row for each thread, the largest first; cross-allocator calls; and files that cannot be written. */
#define _GNU_SOURCE
#include "parsed_report.h"
#include "support/support.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>
#ifdef __x86_64__
#include <xmmintrin.h>
#endif

enum { MANY = 100 };
static pthread_barrier_t barrier;
static sem_t allocated;

struct worker {
    pthread_t thread;
    pid_t tid;
    int number;
    void *blocks[MANY];
};
static struct worker workers[MANY];

/* Allocates as many blocks of 1 KiB as its number says, and lives until the second wait at the barrier. */
static void *work(void *arg)
{
    struct worker *worker = arg;
    char name[16];
    sprintf(name, "worker %d", worker->number);
    pthread_setname_np(pthread_self(), name);
    worker->tid = gettid();
    for (int i = 0; i < worker->number; i++)
        worker->blocks[i] = tm_malloc(KIB);
    sem_post(&allocated);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

/* One after another, each larger than the one before, but the smallest last: so their slots are in no order of size. */
static void start_workers(int count)
{
    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, (unsigned)count + 1), 0);
    ck_assert_int_eq(sem_init(&allocated, 0, 0), 0);
    for (int i = 0; i < count; i++) {
        struct worker *worker = &workers[(i + 1) % count];
        worker->number = (int)(worker - workers) + 1;
        ck_assert_int_eq(pthread_create(&worker->thread, NULL, work, worker), 0);
        sem_wait(&allocated);
    }
    pthread_barrier_wait(&barrier);
}

static void end_workers(int count)
{
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
}

static void free_blocks(int count)
{
    for (int i = 0; i < count; i++)
        for (int j = 0; j < workers[i].number; j++)
            tm_free(workers[i].blocks[j]);
}

/* The rows are of worker `most` and of those with smaller numbers, the largest first, all in this state. */
static void expect_workers(const struct row *rows, int count, int most, const char *state)
{
    for (int i = 0; i < count; i++) {
        const struct worker *worker = &workers[most - 1 - i];
        char name[16];
        sprintf(name, "worker %d", worker->number);
        ck_assert_str_eq(rows[i].name, name);
        ck_assert_int_eq(rows[i].tid, worker->tid);
        ck_assert_str_eq(rows[i].state, state);
        uint64_t bytes = (uint64_t)worker->number * KIB;
        ck_assert_uint_eq(rows[i].live, bytes);
        ck_assert_uint_eq(rows[i].blocks, (unsigned)worker->number);
        ck_assert_uint_eq(rows[i].peak, bytes);
        ck_assert_uint_eq(rows[i].allocated, bytes);
        ck_assert_uint_eq(rows[i].remote_frees_received, 0);
    }
}

START_TEST(a_report_of_nothing)
{
    take_report();
    ck_assert_int_eq(report.count, 0);
    ck_assert_str_eq(report.total.name, "total");
    ck_assert_uint_eq(report.total.allocated, 0);
    ck_assert_str_eq(report.retired.name, "");
}
END_TEST

START_TEST(threads_stand_by_live_bytes)
{
    void *own = tm_malloc(2 * KIB + KIB / 2);
    start_workers(4);
    take_report();
    ck_assert_int_eq(report.count, 5);
    expect_workers(&report.rows[0], 2, 4, "live");
    ck_assert_int_eq(report.rows[2].tid, gettid());
    ck_assert_uint_eq(report.rows[2].live, 2 * KIB + KIB / 2);
    expect_workers(&report.rows[3], 2, 2, "live");
    ck_assert_uint_eq(report.total.live, 12 * KIB + KIB / 2);
    ck_assert_uint_eq(report.total.blocks, 11);
    ck_assert_uint_eq(report.total.peak, 12 * KIB + KIB / 2);
    ck_assert_str_eq(report.others.name, "");
    ck_assert_str_eq(report.retired.name, "");

    end_workers(4);
    take_report();
    ck_assert_int_eq(report.count, 5);
    expect_workers(&report.rows[0], 2, 4, "orphan");
    ck_assert_str_eq(report.rows[2].state, "live");
    expect_workers(&report.rows[3], 2, 2, "orphan");

    free_blocks(4);
    take_report();
    ck_assert_int_eq(report.count, 1);
    ck_assert_str_eq(report.retired.name, "(exited)");
    ck_assert_uint_eq(report.retired.live, 0);
    ck_assert_uint_eq(report.retired.blocks, 0);
    ck_assert_uint_eq(report.retired.peak, 10 * KIB);
    ck_assert_uint_eq(report.retired.allocated, 10 * KIB);
    ck_assert_uint_eq(report.retired.remote_frees_received, 10 * KIB);
    tm_free(own);
    take_report();
    ck_assert_uint_eq(report.total.live, 0);
    ck_assert_uint_eq(report.total.blocks, 0);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(each_figure_stands_in_its_column)
{
    start_workers(4);
    tm_free(workers[3].blocks[0]);
    workers[3].blocks[0] = tm_malloc(0);
    take_report();
    ck_assert_int_eq(report.count, 5);
    const struct row *row = &report.rows[strcmp(report.rows[0].name, "worker 4") != 0]; /* two are equal */
    ck_assert_str_eq(row->name, "worker 4");
    ck_assert_uint_eq(row->live, 3 * KIB);
    ck_assert_uint_eq(row->blocks, 3);
    ck_assert_uint_eq(row->peak, 4 * KIB);
    ck_assert_uint_eq(row->allocated, 4 * KIB);
    ck_assert_uint_eq(row->remote_frees_received, KIB);
    ck_assert_uint_eq(report.total.remote_frees_received, KIB);
    ck_assert_uint_eq(report.rows[4].live, 0); /* our block of 0 bytes */
    ck_assert_uint_eq(report.rows[4].blocks, 1);
    end_workers(4);
    free_blocks(4);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(beyond_64_threads_the_smallest_are_one_row)
{
    start_workers(MANY);
    for (int round = 0; round < 2; round++) {
        const char *state = round == 0 ? "live" : "orphan";
        take_report();
        ck_assert_int_eq(report.count, 64);
        expect_workers(report.rows, 64, MANY, state);
        ck_assert_str_eq(report.others.name, "(36 more)");
        ck_assert_uint_eq(report.others.live, 36 * 37 / 2 * KIB);
        ck_assert_uint_eq(report.others.blocks, 36 * 37 / 2);
        ck_assert_uint_eq(report.others.peak, 36 * 37 / 2 * KIB);
        ck_assert_uint_eq(report.total.blocks, MANY * (MANY + 1) / 2);
        if (round == 0)
            end_workers(MANY);
    }
    free_blocks(MANY);
    take_report();
    ck_assert_int_eq(report.count, 1);
    ck_assert_int_eq(report.rows[0].tid, gettid()); /* the thread that freed them all */
    ck_assert_str_eq(report.others.name, "");
    expect_process_live(0, 0);
}
END_TEST

START_TEST(crossings_are_reported)
{
    for (int i = 0; i < 3; i++)
        tm_free(tm_libc_malloc(10));
    tm_free(tm_realloc(tm_libc_malloc(10), 20));
    take_report();
    ck_assert_uint_eq(report.cross_allocator_calls.foreign_frees, 4);
    ck_assert_uint_eq(report.cross_allocator_calls.foreign_reallocs, 1);
    ck_assert_uint_eq(report.cross_allocator_calls.intercepted_frees, 0);
    ck_assert_uint_eq(report.cross_allocator_calls.intercepted_reallocs, 0);
}
END_TEST
static atomic_bool enough;

static void *allocate_and_free(void *arg)
{
    while (!atomic_load(&enough)) {
        void *blocks[10];
        for (int i = 0; i < 10; i++)
            blocks[i] = tm_malloc((size_t)i * 100);
        for (int i = 0; i < 10; i++)
            tm_free(blocks[i]);
    }
    return arg;
}

START_TEST(a_report_while_threads_work_has_nothing_negative)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, allocate_and_free, NULL);
    for (int round = 0; round < 200; round++) {
        read_report();
        for (int i = 0; i < report.count; i++)
            ck_assert_uint_le(report.rows[i].live, report.rows[i].allocated); /* what is negative is huge */
    }
    atomic_store(&enough, true);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    expect_process_live(0, 0);
}
END_TEST
static void expect_result(int fd, int expected)
{
    errno = 4321;
    ck_assert_int_eq(tm_report(fd), expected);
    ck_assert_int_eq(errno, 4321);
    close(fd);
}

START_TEST(a_failed_write_is_returned)
{
    expect_result(-1, -EBADF);
    expect_result(open("/dev/null", O_RDONLY), -EBADF);
    expect_result(open("/dev/full", O_WRONLY), -ENOSPC);
    expect_result(open("/dev/null", O_WRONLY), 0);
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
    while (write(ends[1], "x", 1) == 1)
        ;
    expect_result(ends[1], -EAGAIN);
    close(ends[0]);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
}
END_TEST

/* A signal handler may print a report in the midst of the program's calculations, which may trap what is inexact. */
START_TEST(a_report_calculates_with_integers)
{
#ifdef __x86_64__
    enum { EXCEPTIONS = 0x3f };
    start_workers(3);
    tm_free(tm_malloc(2 * KIB));
    tm_free(workers[2].blocks[0]); /* in all, a third is freed by another thread than its owner */
    int null = open("/dev/null", O_WRONLY);
    _mm_setcsr(_mm_getcsr() & ~(unsigned)EXCEPTIONS);
    int result = tm_report(null);
    unsigned raised = _mm_getcsr() & EXCEPTIONS;
    ck_assert_int_eq(result, 0);
    ck_assert_uint_eq(raised, 0);
    close(null);
    workers[2].blocks[0] = NULL;
    end_workers(3);
    free_blocks(3);
#endif
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *tcase = add_case(suite, "report", 60);
    tcase_add_test(tcase, a_report_of_nothing);
    tcase_add_test(tcase, threads_stand_by_live_bytes);
    tcase_add_test(tcase, each_figure_stands_in_its_column);
    tcase_add_test(tcase, beyond_64_threads_the_smallest_are_one_row);
    tcase_add_test(tcase, crossings_are_reported);
    tcase_add_test(tcase, a_report_while_threads_work_has_nothing_negative);
    tcase_add_test(tcase, a_failed_write_is_returned);
    tcase_add_test(tcase, a_report_calculates_with_integers);
    return run_suite(suite);
}
