/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The names of threads that have exited, which the library knows without a system call: those that a library gave to a
 * thread, and those that threads inherit as long as the library knows them. The right name is the one that the kernel
 * returned while the thread was alive.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include <threadmeter/malloc.h>
#include <threadmeter/totals.h>

int name_me(const char *name);

struct worker {
    const char *given; /* NULL: none */
    pid_t tid;
    char name_by_kernel[16];
    void *block;
};

static void *work(void *arg)
{
    struct worker *worker = arg;
    if (worker->given && name_me(worker->given) != 0)
        exit(2);
    worker->tid = gettid();
    worker->block = tm_malloc(100);
    prctl(PR_GET_NAME, worker->name_by_kernel);
    return NULL;
}

static bool is_known_as(pid_t tid, const char *name)
{
    struct tm_slot slots[64];
    size_t count = tm_snapshot(slots, 64);
    for (size_t i = 0; i < count && i < 64; i++)
        if (slots[i].tid == tid && slots[i].state == TM_ORPHAN) {
            if (strcmp(slots[i].name, name) == 0)
                return true;
            fprintf(stderr, "\"%s\" in place of \"%s\"\n", slots[i].name, name);
            return false;
        }
    fprintf(stderr, "no thread %d\n", (int)tid);
    return false;
}

static bool leaves(const char *given, const char *known)
{
    struct worker worker = {.given = given};
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, &worker) != 0 || pthread_join(thread, NULL) != 0)
        return false;
    bool right = is_known_as(worker.tid, known ? known : worker.name_by_kernel);
    tm_free(worker.block);
    return right;
}

int main(void)
{
    void *block = tm_malloc(10);
    bool right = leaves(NULL, NULL);
    name_me("renamed");
    right = leaves(NULL, NULL) && right;
    prctl(PR_SET_NAME, "renamed again");
    right = leaves(NULL, NULL) && right;
    prctl(PR_SET_NAME, "");
    right = leaves(NULL, "(unnamed)") && right;
    right = leaves("", "(unnamed)") && right;
    right = leaves("of a library", NULL) && right;
    /* From now on the library does not know which name a new thread inherits. */
    right = leaves(NULL, "(unknown)") && right;
    tm_free(block);
    return right ? 0 : 1;
}
