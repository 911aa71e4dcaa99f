/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "forked_work.h"
#include "support/published.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t bytes, blocks; /* bytes that are live in this process, by the test's count */

struct kept {
    struct kept *next;
    size_t size;
};
static struct kept *kept; /* no sanitizer's leaks */

void keep(size_t size)
{
    struct kept *one = tm_malloc(size);
    *one = (struct kept){kept, size};
    kept = one;
    bytes += size;
    blocks++;
}

void free_one(void)
{
    struct kept *one = kept;
    kept = one->next;
    bytes -= one->size;
    blocks--;
    tm_free(one);
}

void *keep_one(void *size)
{
    keep((size_t)(uintptr_t)size);
    return NULL;
}

void use_slots(int threads)
{
    keep(1000);
    keep(500);
    keep(900);
    free_one();
    tm_tag_enter(tm_tag_open("mine"));
    keep(333);
    tm_tag_leave(0);
    for (int i = 0; i < threads; i++) {
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, keep_one, (void *)(uintptr_t)(100 + i)), 0);
        pthread_join(thread, NULL);
    }
}

void expect_mine(void)
{
    expect_process_live(bytes, blocks);
    ck_assert_uint_eq(tag_totals(tm_tag_open("mine")).allocated_bytes, 333);
}

static void *entered(void *unused)
{
    tm_tag_enter(tm_tag_open("a tag that is new"));
    keep(77);
    return unused;
}

/*
 * In the child. Of 3,000 blocks it frees 1,500, all of which are other threads'; then it has a thread of its own, and
 * forks, too.
 */
void work(void)
{
    expect_mine();
    for (uint64_t half = blocks / 2; blocks > half;)
        free_one();
    expect_mine();
    keep(900);
    in_thread(keep_one, (void *)(uintptr_t)200);
    in_thread(entered, NULL);
    expect_mine();
    expect_invariant();
}

void work_in_a_fork(void)
{
    work();
    exit(0);
}

void work_and_fork(void)
{
    work();
    in_child(work_in_a_fork);
    expect_mine();
    free_one();
    expect_mine();
}

/* In the end, the child's file has the child's totals, and the parent's file the parent's. */
void expect_work_in_child(void (*body)(void), bool published)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        body();
        _exit(write(ends[1], &bytes, sizeof bytes) == sizeof bytes ? 99 : 1); /* without removing its file */
    }
    uint64_t its = 0;
    int status = end_of(child);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}), 0);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 99, "status %#x", (unsigned)status);
    ck_assert_int_eq(read(ends[0], &its, sizeof its), sizeof its);
    if (published)
        ck_assert_uint_eq(live_in(map_file_of(child)), its);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), bytes);
    expect_mine();
    expect_invariant();
}
