/* SPDX-License-Identifier: BSD-3-Clause */
/* threadmeter/reader.h: names of threads are those that they have now, asked for once a second, whatever the clock says. */
#define _GNU_SOURCE
#include "read_self.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* In front of libc's, also for linked libraries: a clock that is set, and one that goes on, when a test says so. */
static int64_t set_to, passed_seconds;

int clock_gettime(clockid_t clock, struct timespec *time)
{
    long result = syscall(SYS_clock_gettime, clock, time);
    if (set_to != 0 && (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC))
        *time = (struct timespec){.tv_sec = (time_t)(clock == CLOCK_REALTIME ? set_to : 1000)};
    if (clock == CLOCK_MONOTONIC)
        time->tv_sec += (time_t)passed_seconds;
    return (int)result;
}

START_TEST(names_are_as_they_are_now)
{
    kept[0] = tm_malloc(1);
    name_me("first name");
    struct tm_reader *reader = open_pid(getpid());
    ck_assert_ptr_nonnull(thread_named(read_from(reader), "first name"));
    tm_reader_close(reader);
    name_me("second name");
    reader = open_pid(getpid());
    ck_assert_ptr_nonnull(thread_named(read_from(reader), "second name"));
    ck_assert_ptr_null(thread_named(read_from(reader), "first name"));
    passed_seconds++; /* they are asked for once a second */
    name_me("fifteen letters");
    ck_assert_ptr_nonnull(thread_named(read_from(reader), "fifteen letters"));
    tm_reader_close(reader);
    name_me("");
    reader = open_pid(getpid());
    ck_assert_ptr_nonnull(thread_named(read_from(reader), "(unnamed)"));
    tm_reader_close(reader);
}
END_TEST

/* The clock is set back, by hand or by NTP: times that are shown go back, and updates do not wait for the old time. */
START_TEST(names_come_once_a_second_however_the_clock_is_set)
{
    static const int64_t steps[] = {0, -1, -3600, 3600};
    char name[16];
    kept[0] = tm_malloc(1);
    set_to = 1000000000;
    struct tm_reader *reader = open_pid(getpid());
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "name %d", i);
        name_me(name);
        const struct tm_reading *reading = read_from(reader);
        ck_assert_ptr_nonnull(thread_named(reading, name));
        ck_assert_uint_eq(reading->time_ns, (uint64_t)set_to * 1000000000);
        name_me("not yet");
        ck_assert_ptr_nonnull(thread_named(read_from(reader), name));
        set_to += steps[i];
        passed_seconds++;
    }
    set_to = passed_seconds = 0; /* Check measures how long it took */
    tm_reader_close(reader);
}
END_TEST

START_TEST(one_that_is_new_has_its_name_at_once)
{
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    kept[0] = tm_malloc(1);
    struct tm_reader *reader = open_pid(getpid());
    read_from(reader);
    pthread_create(&thread, NULL, wait_under_a_name, NULL);
    pthread_barrier_wait(&barrier);
    ck_assert_ptr_nonnull(thread_named(read_from(reader), "waits"));
    tm_reader_close(reader);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader_names");
    TCase *tcase = add_publishing_case(suite, "reader_names", 60);
    tcase_add_test(tcase, names_are_as_they_are_now);
    tcase_add_test(tcase, names_come_once_a_second_however_the_clock_is_set);
    tcase_add_test(tcase, one_that_is_new_has_its_name_at_once);
    return run_suite(suite);
}
