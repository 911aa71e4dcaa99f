/* SPDX-License-Identifier: BSD-3-Clause */
/* lock.c: a thread that has waited long gets the lock, though others take it again and again, and though it is cancelled. */
#define _GNU_SOURCE
#include "base/lock.h"
#include "support/support.h"

#include <pthread.h>
#include <sched.h>

static struct tm__lock lock;
static _Atomic bool stop, had;

static void *take_once(void *arg)
{
    tm__lock(&lock);
    had = true;
    tm__unlock(&lock);
    return arg;
}

static void *take_all_the_time(void *arg)
{
    while (!stop) {
        tm__lock(&lock);
        tm__unlock(&lock);
    }
    return arg;
}

static void *take_once_though_cancelled(void *arg)
{
    pthread_cancel(pthread_self());
    take_once(arg);
    pthread_testcancel();
    return arg;
}

static void wait_until_someone_is_impatient(void)
{
    while (lock.long_waiters == 0)
        sched_yield();
}

static void expect_open(void)
{
    ck_assert(had);
    ck_assert(!lock.held);
    ck_assert_uint_eq(lock.long_waiters, 0);
}

START_TEST(who_waits_for_long_has_it_in_the_end)
{
    pthread_t greedy, patient;
    tm__lock(&lock);
    ck_assert_int_eq(pthread_create(&greedy, NULL, take_all_the_time, NULL), 0);
    ck_assert_int_eq(pthread_create(&patient, NULL, take_once, NULL), 0);
    wait_until_someone_is_impatient();
    tm__unlock(&lock);
    pthread_join(patient, NULL);
    stop = true;
    pthread_join(greedy, NULL);
    expect_open();
}
END_TEST

START_TEST(who_is_cancelled_waits_to_the_end)
{
    pthread_t thread;
    void *result;
    tm__lock(&lock);
    ck_assert_int_eq(pthread_create(&thread, NULL, take_once_though_cancelled, NULL), 0);
    wait_until_someone_is_impatient();
    tm__unlock(&lock);
    pthread_join(thread, &result);
    ck_assert_ptr_eq(result, PTHREAD_CANCELED);
    expect_open();
}
END_TEST

static void *keep(void *arg)
{
    tm__lock(&lock);
    return arg;
}

START_TEST(a_forks_child_finds_it_open)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, keep, NULL), 0);
    pthread_join(thread, NULL);
    lock.long_waiters = 3;
    tm__reset_lock(&lock);
    take_once(NULL);
    expect_open();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lock");
    TCase *tcase = add_case(suite, "lock", 30);
    tcase_add_test(tcase, who_waits_for_long_has_it_in_the_end);
    tcase_add_test(tcase, who_is_cancelled_waits_to_the_end);
    tcase_add_test(tcase, a_forks_child_finds_it_open);
    return run_suite(suite);
}
