/* SPDX-License-Identifier: BSD-3-Clause */
/* report_tags.c: what tm_report() says of tags, line by line. */
#define _GNU_SOURCE
#include "support/support.h"

#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <threadmeter/tags.h>
#include <unistd.h>

enum { KIB = 1024, ROWS = 32 };

static char report[1 << 16];

static void take_report(void)
{
    int fd = memfd_create("report", 0);
    ck_assert_int_eq(tm_report(fd), 0);
    ssize_t length = pread(fd, report, sizeof report - 1, 0);
    ck_assert_int_gt(length, 0);
    report[length] = '\0';
    close(fd);
}

/* Returns where this line, or part of a line, is in the report. Fails if it is not there. */
__attribute__((format(printf, 1, 2))) static const char *expect_line(const char *format, ...)
{
    char expected[200];
    va_list args;
    va_start(args, format);
    vsnprintf(expected, sizeof expected, format, args);
    va_end(args);
    const char *at = strstr(report, expected);
    ck_assert_msg(at != NULL, "not there: %s\n%.3000s", expected, report);
    return at;
}

static tm_tag open_tag(int number)
{
    char name[16];
    snprintf(name, sizeof name, "tag%d", number);
    return tm_tag_open(name);
}

static pthread_barrier_t barrier;

static struct worker {
    pthread_t thread;
    pid_t tid;
    int number;
    void *blocks[9];
} workers[2];

static void *work_in_tags(void *arg)
{
    struct worker *worker = arg;
    pthread_setname_np(pthread_self(), worker->number == 0 ? "first" : "second");
    worker->tid = gettid();
    for (int i = 0; i < 8; i++) {
        tm_tag before = tm_tag_enter(open_tag(i));
        worker->blocks[i] = tm_malloc((size_t)(8 - i) * (worker->number == 0 ? 10 : 1) * KIB);
        tm_tag_leave(before);
    }
    worker->blocks[8] = tm_malloc(7);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

START_TEST(tags_have_rows_and_the_largest_a_matrix)
{
    pthread_barrier_init(&barrier, NULL, 3);
    for (int i = 0; i < 2; i++) {
        workers[i].number = i;
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work_in_tags, &workers[i]), 0);
    }
    pthread_barrier_wait(&barrier);
    take_report();
    /* A row for a thread, though it has nine slots. */
    expect_line("\nfirst           %9d  live        360 KiB        9      360 KiB     360 KiB ", (int)workers[0].tid);
    expect_line("\nsecond          %9d  live       36.0 KiB        9     36.0 KiB    36.0 KiB ", (int)workers[1].tid);
    expect_line("\ntag0                                  88.0 KiB        2  <= 88.0 KiB    88.0 KiB              0 B");
    expect_line("\ntag7                                  11.0 KiB        2  <= 11.0 KiB");
    expect_line("tag0          tag1          tag2          tag3          tag4        (none)      (others)\n");
    expect_line(
        "\nfirst           %9d      80.0 KiB      70.0 KiB      60.0 KiB      50.0 KiB      40.0 KiB           7 B"
        "      60.0 KiB\n",
        (int)workers[0].tid);
    expect_line(
        "\nsecond          %9d      8.00 KiB      7.00 KiB      6.00 KiB      5.00 KiB      4.00 KiB           7 B"
        "      6.00 KiB\n",
        (int)workers[1].tid);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 2; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 9; k++)
            tm_free(workers[i].blocks[k]);
    take_report();
    expect_line("\ntag0                                       0 B        0  <= 88.0 KiB    88.0 KiB         88.0 KiB");
    expect_process_live(0, 0);
}
END_TEST

/* With sizes in any order: the largest tags have rows, the largest first, and one row has the sum of the others. */
START_TEST(beyond_32_tags_the_smallest_are_one_row)
{
    enum { TAGS = 41 };
    void *blocks[TAGS];
    uint64_t rest = 0;
    for (int i = 0; i < TAGS; i++) {
        int size = i * (_i + 1) % TAGS + 100; /* each once: TAGS is a prime */
        tm_tag_enter(open_tag(size));
        blocks[i] = tm_malloc((size_t)size);
        rest += size < 100 + TAGS - ROWS ? (uint64_t)size : 0;
    }
    tm_tag_enter(tm_tag_open("touched by nobody"));
    tm_tag_enter(0);
    take_report();
    const char *above = expect_line("\nTAG   ");
    for (int size = 100 + TAGS - 1; size >= 100 + TAGS - ROWS; size--) {
        const char *row = expect_line("\ntag%-32d%9d B        1     <= %d B%10d B ", size, size, size, size);
        ck_assert(row > above);
        above = row;
    }
    ck_assert(expect_line("\n(%d more)  ", TAGS - ROWS) > above);
    expect_line(" %lu B        9     <= %lu B ", (unsigned long)rest, (unsigned long)rest);
    ck_assert_ptr_null(strstr(report, "\ntag108 "));
    ck_assert_ptr_null(strstr(report, "touched by nobody"));
    for (int i = 0; i < TAGS; i++)
        tm_free(blocks[i]);
}
END_TEST

static pthread_key_t last_key;
static void *late_block;

/* Called in each round of destructors after the meter's own, whose key is older. */
static void allocate_late(void *round)
{
    if ((uintptr_t)round == PTHREAD_DESTRUCTOR_ITERATIONS)
        late_block = tm_malloc(5 * KIB);
    else
        pthread_setspecific(last_key, (char *)round + 1);
}

static void *end_late(void *tag)
{
    tm_tag_enter(*(tm_tag *)tag);
    tm_free(tm_malloc(1));
    pthread_setspecific(last_key, (void *)1);
    return NULL;
}

/* Blocks of no one thread have a row above, and none in the matrix. */
START_TEST(who_is_no_thread_is_not_in_the_matrix)
{
    tm_free(tm_malloc(1));
    ck_assert_int_eq(pthread_key_create(&last_key, allocate_late), 0);
    tm_tag tag = tm_tag_open("last");
    in_thread(end_late, &tag);
    tm_tag_enter(tag);
    void *block = tm_malloc(3);
    take_report();
    const char *late = expect_line("  late       5.00 KiB "), *matrix = expect_line("\nLIVE, BY TAG ");
    ck_assert(late < matrix);
    ck_assert_ptr_null(strstr(matrix, "5.00 KiB"));
    expect_line("\nlast                                       3 B        1       <= 4 B         4 B ");
    tm_free(block);
    tm_free(late_block);
}
END_TEST

START_TEST(without_tags_there_is_nothing_of_them)
{
    tm_tag_open("only opened");
    void *block = tm_malloc(1);
    take_report();
    ck_assert_ptr_null(strstr(report, "TAG"));
    tm_free(block);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report tags");
    TCase *tcase = add_case(suite, "report tags", 30);
    tcase_add_test(tcase, tags_have_rows_and_the_largest_a_matrix);
    tcase_add_loop_test(tcase, beyond_32_tags_the_smallest_are_one_row, 0, 40);
    if (!SANITIZED)
        tcase_add_test(tcase, who_is_no_thread_is_not_in_the_matrix);
    tcase_add_test(tcase, without_tags_there_is_nothing_of_them);
    return run_suite(suite);
}
