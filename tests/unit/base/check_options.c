/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.c, and what THREADMETER_ON_ERROR=report promises: the line is printed, the block stays where it is, no free is
 * counted, and the program goes on. Each test sets the environment before its first block, in a process of its own.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <sys/mman.h>
#include <threadmeter/limits.h>
#include <unistd.h>

static int said;

/* What goes to stderr from here on can be read by expect_said(). */
static void listen(void)
{
    said = memfd_create("said", 0);
    ck_assert_int_ne(said, -1);
    hear_stderr(said);
}

static void expect_said(const char *start, int lines)
{
    char text[8192] = "";
    ssize_t length = pread(said, text, sizeof text - 1, 0);
    ck_assert_int_ge(length, 0);
    ck_assert_msg(strncmp(text, start, strlen(start)) == 0, "said: %s", text);
    int count = 0;
    for (const char *c = text; *c; c++)
        count += *c == '\n';
    ck_assert_msg(count == lines, "%d lines: %s", count, text);
}

static void go_on_after_misuse(const char *guard)
{
    setenv("THREADMETER_ON_ERROR", "report", 1);
    setenv("THREADMETER_GUARD", guard, 1);
    listen();
}

static void expect_told(uint64_t misuses)
{
    ck_assert_uint_eq(cross_allocator_calls().errors_reported, misuses);
}

/* Allocates a block whose size the compiler does not know: a sanitizer would object to a write after its end. */
static char *allocate(size_t size)
{
    void *volatile block = tm_malloc(size);
    return block;
}

/* Objects of another size class do not take the block's place before the test is done. */
static void free_twice(void)
{
    if (!ON_TCMALLOC)
        return;
    char *twice = tm_malloc(96), *kept = tm_malloc(500);
    tm_free(twice);
    tm_free(twice);
    expect_said("threadmeter: double free of 0x", 1);
    expect_told(1);
    errno = 0;
    ck_assert_ptr_null(tm_realloc(twice, 200));
    ck_assert_int_eq(errno, EINVAL);
    expect_told(2);
    expect_process_live(500, 1);

    /* tcmalloc's list has the object once, so no two blocks share it. */
    char *first = tm_malloc(96), *second = tm_malloc(96);
    ck_assert_ptr_ne(first, second);
    tm_free(first);
    tm_free(second);
    tm_free(kept);
    expect_process_live(0, 0);
    expect_told(2);
}

START_TEST(a_second_free_does_nothing)
{
    go_on_after_misuse("0");
    free_twice();
}
END_TEST

START_TEST(a_second_free_does_nothing_with_guards)
{
    go_on_after_misuse("1");
    free_twice();
}
END_TEST

START_TEST(a_damaged_block_leaks_and_stays_on_the_books)
{
    go_on_after_misuse("0");
    char *damaged = tm_malloc(96);
    damaged[-8] ^= 1;
    tm_free(damaged);
    tm_free(damaged);
    ck_assert_ptr_null(tm_realloc(damaged, 1000));
    expect_said("threadmeter: damaged header of 0x", 3);
    expect_told(3);
    expect_process_live(96, 1);
    damaged[-8] ^= 1;
    tm_free(damaged);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(an_overrun_block_leaks_and_stays_on_the_books)
{
    go_on_after_misuse("1");
    char *overrun = allocate(96), saved = overrun[96];
    overrun[96] = 0;
    tm_free(overrun);
    tm_free_sized(overrun, 96);
    ck_assert_ptr_null(tm_realloc(overrun, 1000));
    expect_said("threadmeter: overrun of 0x", 3);
    expect_told(3);
    expect_process_live(96, 1);
    ck_assert_uint_eq(tm_malloc_usable_size(overrun), 96);
    overrun[96] = saved;
    tm_free(overrun);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(a_wrong_size_frees_nothing)
{
    go_on_after_misuse("0");
    char *block = tm_malloc(96);
    tm_free_sized(block, 95);
    tm_free_aligned_sized(block, 1 << 20, (uintptr_t)block % (1 << 20) ? 96 : 95);
    expect_said("threadmeter: sized free of 0x", 2);
    expect_process_live(96, 1);
    tm_free_aligned_sized(block, 16, 96);
    expect_process_live(0, 0);
    expect_told(2);
}
END_TEST

START_TEST(a_pointer_to_nothing_is_left_alone)
{
    if (!ON_TCMALLOC)
        return;
    go_on_after_misuse("0");
    static char buffer[64];
    char *block = tm_malloc(100);
    tm_free(block + 16);
    tm_free(buffer + 16);
    ck_assert_ptr_null(tm_realloc(buffer + 16, 10));
    expect_said("threadmeter: free of 0x", 3);
    expect_told(3);
    ck_assert_uint_eq(cross_allocator_calls().foreign_frees, 0);
    ck_assert_uint_eq(cross_allocator_calls().foreign_reallocs, 0);
    expect_process_live(100, 1);
    tm_free(block);
}
END_TEST

START_TEST(a_misuse_before_the_first_block_is_told_by_the_same_rule)
{
    if (!ON_TCMALLOC)
        return;
    go_on_after_misuse("0");
    static char buffer[64];
    tm_free(buffer + 16);
    expect_told(1);
}
END_TEST

static void *free_it_often(void *arg)
{
    for (int i = 0; i < 100; i++)
        tm_free(arg);
    return NULL;
}

START_TEST(threads_that_misuse_are_all_counted)
{
    enum { THREADS = 4 };
    go_on_after_misuse("0");
    char *damaged = tm_malloc(96);
    damaged[-8] ^= 1;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, free_it_often, damaged), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    expect_told(100 * THREADS);
    expect_process_live(96, 1);
    damaged[-8] ^= 1;
    tm_free(damaged);
}
END_TEST

START_TEST(the_report_tells_of_misuses)
{
    go_on_after_misuse("0");
    char *damaged = tm_malloc(96), report[4096] = "";
    damaged[-8] ^= 1;
    tm_free(damaged);
    int fd = memfd_create("report", 0);
    ck_assert_int_eq(tm_report(fd), 0);
    ck_assert_int_gt(pread(fd, report, sizeof report - 1, 0), 0);
    ck_assert_ptr_nonnull(strstr(report, " intercepted reallocs, 1 errors reported\n"));
    damaged[-8] ^= 1;
    tm_free(damaged);
}
END_TEST

START_TEST(an_unknown_word_is_told_and_ignored)
{
    setenv("THREADMETER_ON_ERROR", "shrug", 1);
    setenv("THREADMETER_GUARD", "perhaps", 1);
    setenv("THREADMETER_CACHE", "often", 1);
    listen();
    char *block = tm_malloc(90); /* in an object of 96 and 16 */
    expect_said("threadmeter: THREADMETER_GUARD is no number of bytes up to 4096, and ignored\n"
                "threadmeter: THREADMETER_ON_ERROR is neither report nor abort, and ignored\n"
                "threadmeter: THREADMETER_CACHE is neither 0 nor 1, and ignored\n",
                3);
    if (ON_TCMALLOC)
        block[90] = 0; /* nothing of ours comes after it */
    tm_free(block);
    expect_said("threadmeter: THREADMETER_GUARD", 3);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(a_guard_that_is_no_number_of_bytes_is_told)
{
    static const char *const words[] = {
        "4097", "-16", "16K", "0x10", " 16", "99999999999999999999", "18446744073709551617"};
    setenv("THREADMETER_GUARD", words[_i], 1);
    listen();
    tm_free(tm_malloc(96));
    expect_said("threadmeter: THREADMETER_GUARD is no number of bytes up to 4096, and ignored\n", 1);
}
END_TEST

/* THREADMETER_GUARD's number of bytes, rounded up to 16, is looked at, and no more, where the object has so many. */
START_TEST(a_guard_is_as_wide_as_it_is_said)
{
    static const struct {
        const char *said;
        size_t bytes;
    } guards[] = {{"1", 16}, {"16", 16}, {"17", 32}, {"00052", 64}, {"4096", 4096}};
    const size_t size = 90, width = guards[_i].bytes;
    go_on_after_misuse(guards[_i].said);
    char *first = allocate(size), *last = allocate(size), *next = allocate(size);
    size_t needed = 16 + size + width, there = ON_TCMALLOC ? heap_bytes_of(next - 16) : needed;
    ck_assert_uint_ge(there, needed);
    first[size] ^= 1;
    last[size + width - 1] ^= 1;
    if (there > needed)
        next[size + width] ^= 1;
    tm_free(next);
    expect_said("", 0);
    tm_free(first);
    tm_free(last);
    expect_said("threadmeter: overrun", 2);
    first[size] ^= 1;
    last[size + width - 1] ^= 1;
    tm_free(first);
    tm_free(last);
    expect_said("threadmeter: overrun", 2);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(the_usual_words_are_known)
{
    static const char *const words[][2] = {{"abort", "0"}, {"", ""}, {"report", "1"}, {"report", "64"}};
    setenv("THREADMETER_ON_ERROR", words[_i][0], 1);
    setenv("THREADMETER_GUARD", words[_i][1], 1);
    listen();
    tm_free(tm_malloc(96));
    expect_said("", 0);
}
END_TEST

/* The environment is read once: a program that changes its own later changes nothing. */
START_TEST(options_are_read_before_the_first_block)
{
    unsetenv("THREADMETER_GUARD");
    listen();
    char *before = tm_malloc(90);
    setenv("THREADMETER_GUARD", "1", 1);
    char *after = tm_malloc(90);
    if (ON_TCMALLOC)
        before[90] = after[90] = 0;
    tm_free(before);
    tm_free(after);
    expect_said("", 0);
}
END_TEST

/* The entries before the wrong one are valid, and those after it are not. */
START_TEST(a_list_of_limits_that_is_none_is_told)
{
    static const char *const wrong[] = {"b",
                                        "b=",
                                        "=5",
                                        "b=x",
                                        "b=-1",
                                        "b=1T",
                                        "b=1KB",
                                        "b=1 K",
                                        "b= 1K",
                                        "=",
                                        ",b=1K",
                                        "b=18446744073709551616",
                                        "b,c=1",
                                        "b=1;c",
                                        "b=1.5",
                                        "b=0x",
                                        "b=K",
                                        "b=17179869184G",
                                        "b=9999999999999999999G",
                                        "no-tag-has-a-name-as-long-as-this=1"};
    char list[100], line[300];
    snprintf(list, sizeof list, "a=1K,%s", wrong[_i]);
    snprintf(line, sizeof line,
             "threadmeter: THREADMETER_LIMIT is no list of tag=bytes[K|M|G], and ignored from here on: %s\n",
             wrong[_i]);
    setenv("THREADMETER_LIMIT", list, 1);
    listen();
    tm_tag_enter(tm_tag_open("a"));
    ck_assert_ptr_null(tm_malloc(1025));
    tm_tag_enter(tm_tag_open("b"));
    tm_free(tm_malloc(100000));
    tm_tag_enter(tm_tag_open("c"));
    tm_free(tm_malloc(100000));
    expect_said(line, 1);
    ck_assert_uint_eq(process_totals().allocated_bytes, 200000);
}
END_TEST

START_TEST(a_list_of_limits_that_is_one_says_nothing)
{
    static const char *const right[] = {"", "a=1K", "a=1024", "b=17179869183G,a=1K,", "a=1K,a=5"};
    setenv("THREADMETER_LIMIT", right[_i], 1);
    listen();
    tm_tag_enter(tm_tag_open("a"));
    tm_free(tm_malloc(1024));
    ck_assert(_i == 0 || !tm_malloc(1025));
    expect_said("", 0);
}
END_TEST

static pthread_barrier_t start;

static void *allocate_at_once(void *arg)
{
    pthread_barrier_wait(&start);
    tm_free(tm_malloc(10));
    return arg;
}

/* All threads read the same options; a thread sanitizer would report one that reads what another still writes. */
static void begin_together(void)
{
    enum { THREADS = 6 };
    pthread_t threads[THREADS];
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, allocate_at_once, NULL) != 0)
            _exit(1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    expect_process_live(0, 0);
    exit(0); /* where a sanitizer counts its reports */
}

START_TEST(threads_that_begin_together_read_the_same)
{
    setenv("THREADMETER_GUARD", _i == 0 ? "0" : "1", 1);
    for (int i = 0; i < 30; i++)
        in_child(begin_together);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *tcase = add_case(suite, "options", 30);
    tcase_add_test(tcase, a_second_free_does_nothing);
    tcase_add_test(tcase, a_second_free_does_nothing_with_guards);
    tcase_add_test(tcase, a_damaged_block_leaks_and_stays_on_the_books);
    tcase_add_test(tcase, an_overrun_block_leaks_and_stays_on_the_books);
    tcase_add_test(tcase, a_wrong_size_frees_nothing);
    tcase_add_test(tcase, a_pointer_to_nothing_is_left_alone);
    tcase_add_test(tcase, a_misuse_before_the_first_block_is_told_by_the_same_rule);
    tcase_add_test(tcase, threads_that_misuse_are_all_counted);
    tcase_add_test(tcase, the_report_tells_of_misuses);
    tcase_add_test(tcase, an_unknown_word_is_told_and_ignored);
    tcase_add_loop_test(tcase, the_usual_words_are_known, 0, 4);
    tcase_add_loop_test(tcase, a_guard_that_is_no_number_of_bytes_is_told, 0, 7);
    tcase_add_loop_test(tcase, a_guard_is_as_wide_as_it_is_said, 0, 5);
    tcase_add_loop_test(tcase, a_list_of_limits_that_is_none_is_told, 0, 20);
    tcase_add_loop_test(tcase, a_list_of_limits_that_is_one_says_nothing, 0, 5);
    tcase_add_test(tcase, options_are_read_before_the_first_block);
    tcase_add_loop_test(tcase, threads_that_begin_together_read_the_same, 0, 2);
    return run_suite(suite);
}
