/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "support/children.h"
#include "support/reading.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t start_child(void (*body)(void))
{
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* so that no child outlives a test that fails */
        body();
        _exit(0);
    }
    return child;
}

void kill_child(pid_t child)
{
    int status;
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
}

static int to_parent[2] = {-1, -1}, to_child[2] = {-1, -1};

void make_channels(void)
{
    ck_assert_int_eq(pipe(to_parent), 0);
    ck_assert_int_eq(pipe(to_child), 0);
}

static void tell(int fd)
{
    if (write(fd, "", 1) != 1)
        abort();
}

/* The child has the writing end, too. So a parent that goes must write before, or PR_SET_PDEATHSIG ends the child. */
static bool hear(int fd)
{
    char byte;
    ssize_t got;
    while ((got = read(fd, &byte, 1)) < 0 && errno == EINTR)
        ;
    return got == 1;
}

void tell_parent(void)
{
    tell(to_parent[1]);
}

void tell_child(void)
{
    tell(to_child[1]);
}

void wait_for_parent(void)
{
    if (!hear(to_child[0]))
        _exit(98);
}

void wait_for_child(void)
{
    ck_assert(hear(to_parent[0]));
}

static void *volatile kept[3];

static void *own_and_wait(void *arg)
{
    pthread_setname_np(pthread_self(), "worker");
    kept[1] = tm_malloc(2000);
    tm_free(kept[0]);
    tell_parent();
    for (;;)
        pause();
    return arg;
}

static void start_worker(void)
{
    pthread_t thread;
    kept[0] = tm_malloc(100);
    kept[2] = tm_malloc(300);
    if (pthread_create(&thread, NULL, own_and_wait, NULL) != 0)
        _exit(1);
}

void own_with_a_worker(void)
{
    start_worker();
    for (;;)
        pause();
}

void own_and_leave_a_worker(void)
{
    start_worker();
    pthread_exit(NULL);
}

void expect_worker(const struct tm_reading *reading)
{
    const struct tm_thread_reading *worker = thread_named(reading, "worker");
    ck_assert_ptr_nonnull(worker);
    ck_assert_int_eq(worker->state, TM_LIVE);
    expect_live(&worker->totals, 2000, 1);
    ck_assert_uint_eq(worker->totals.remote_frees_made_bytes, 100);
    expect_live(&reading->process, 2300, 2);
    ck_assert_uint_eq(reading->process.allocated_bytes, 2400);
}
