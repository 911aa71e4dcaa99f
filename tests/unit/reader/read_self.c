/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "read_self.h"

#include <unistd.h>

pthread_barrier_t barrier;
void *volatile kept[64];

void expect_same(void)
{
    struct tm_reader *reader = open_pid(getpid());
    const struct tm_reading *reading = read_from(reader);
    expect_same_as_here(reading);
    ck_assert(reading->live);
    ck_assert_int_eq(reading->pid, getpid());
    tm_reader_close(reader);
}

void *name_me(const char *name)
{
    pthread_setname_np(pthread_self(), name);
    return NULL;
}

void *wait_under_a_name(void *arg)
{
    name_me("waits");
    kept[1] = tm_malloc(2007);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return arg;
}
