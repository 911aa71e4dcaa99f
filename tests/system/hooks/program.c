/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For tests/system/hooks/run: calls all of the library that calls libc, while hook.c's functions come before libc's.
 * The totals must be those of what this program itself did, to the byte, because hooks free all that they allocate.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <threadmeter/limits.h>
#include <threadmeter/malloc.h>
#include <threadmeter/tags.h>
#include <threadmeter/totals.h>
#include <unistd.h>

#define EXPECT(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))

static void fail(const char *condition, int line)
{
    fprintf(stderr, "program.c:%d: %s\n", line, condition);
    _exit(1);
}

static uint64_t live(void)
{
    struct tm_totals totals;
    tm_process_totals(&totals);
    return tm_live_bytes(&totals);
}

static uint64_t own_live(void)
{
    struct tm_totals totals;
    tm_thread_totals(&totals);
    return tm_live_bytes(&totals);
}

static int add(const struct tm_slot *slot, void *sum)
{
    EXPECT(slot->totals.freed_bytes <= slot->totals.allocated_bytes);
    ((struct tm_totals *)sum)->allocated_bytes += slot->totals.allocated_bytes;
    ((struct tm_totals *)sum)->freed_bytes += slot->totals.freed_bytes;
    return 0;
}

/* Compares only live bytes, because hooks allocate and free between the two calls. */
static void expect_balance(void)
{
    struct tm_totals sum = {0};
    EXPECT(tm_each_slot(add, &sum) == 0);
    EXPECT(tm_live_bytes(&sum) == live());
}

static int expect_nothing_shared(const struct tm_slot *slot, void *found)
{
    if (slot->state == TM_OVERFLOW) {
        EXPECT(slot->totals.allocated_bytes == slot->totals.freed_bytes);
        EXPECT(slot->totals.allocated_blocks == slot->totals.freed_blocks);
        *(bool *)found = slot->totals.allocated_blocks > 0;
    }
    return 0;
}

static tm_tag tag;
static char *left_by_threads[8];

static void *work(void *arg)
{
    uint64_t before = own_live();
    char **left = arg;
    void *blocks[] = {tm_malloc(1000), tm_calloc(10, 10), tm_aligned_alloc(64, 300)};
    EXPECT(own_live() - before == 1400);
    blocks[0] = tm_realloc(blocks[0], 5000);
    EXPECT(own_live() - before == 5400);
    TM_TAG_SCOPE(tag);
    *left = tm_strdup("left by a thread");
    void *tagged = tm_malloc(2000);
    EXPECT(own_live() - before == 7417);
    EXPECT(!tm_malloc(1 << 20)); /* the tag's limit */
    for (int i = 0; i < 3; i++)
        tm_free(blocks[i]);
    tm_free(tagged);
    EXPECT(own_live() - before == 17);
    return NULL;
}

static void run_threads(void)
{
    enum { THREADS = sizeof left_by_threads / sizeof left_by_threads[0] };
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&threads[i], NULL, work, &left_by_threads[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        EXPECT(pthread_join(threads[i], NULL) == 0);
    for (int i = 0; i < THREADS; i++) {
        EXPECT(strcmp(left_by_threads[i], "left by a thread") == 0);
        tm_free(left_by_threads[i]);
    }
}

static void use_streams(void)
{
    char *bytes, *line = NULL;
    size_t size, capacity = 0;
    FILE *stream = tm_open_memstream(&bytes, &size);
    EXPECT(stream && fprintf(stream, "one\ntwo\n") == 8 && fclose(stream) == 0 && size == 8);
    stream = fmemopen(bytes, size, "r");
    EXPECT(stream && tm_getline(&line, &capacity, stream) == 4 && strcmp(line, "one\n") == 0);
    fclose(stream);
    tm_free(line);
    tm_free(bytes);
    char *path = tm_realpath("/", NULL), *directory = tm_getcwd(NULL, 0);
    EXPECT(path && directory);
    tm_free(path);
    tm_free(directory);
}

static void all(void)
{
    void *own = tm_malloc(100);
    uint64_t before = own_live();
    work(&left_by_threads[0]);
    tm_free(left_by_threads[0]);
    EXPECT(own_live() == before);
    run_threads();
    use_streams();
    EXPECT(tm_claim(own) == 0);
    tm_free(own);
    expect_balance();
}

static void in_child(void (*end)(int))
{
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        expect_balance();
        all();
        end(0);
    }
    int status;
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT(status == 0);
}

static void spawn_another(void)
{
    char *const arguments[] = {"true", NULL};
    pid_t child;
    int status;
    EXPECT(posix_spawnp(&child, "true", NULL, NULL, arguments, environ) == 0);
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

/* With THREADMETER_ON_ERROR=report the library reports it, and the program goes on. */
static void misuse(void)
{
    struct tm_cross_allocator_calls cross_allocator_calls;
    char *volatile block = tm_malloc(100);
    tm_free(block);
    tm_free(block);
    tm_process_cross_allocator_calls(&cross_allocator_calls);
    EXPECT(cross_allocator_calls.errors_reported == 1);
}

int main(int argc, char **argv)
{
    bool hooked = argc > 1 && strcmp(argv[1], "hooked") == 0;
    tag = tm_tag_open("limited");
    EXPECT(tag > 0 && tm_tag_limit(tag, 1 << 20) == 0);
    all();
    /* Hooks must have allocated while the first thread was attaching, or else this tests nothing. */
    bool found = false;
    EXPECT(tm_each_slot(expect_nothing_shared, &found) == 0);
    EXPECT(found == hooked);
    uint64_t before = live();
    all();
    EXPECT(live() == before);
    in_child(exit);
    in_child(_exit);
    spawn_another();
    if (getenv("THREADMETER_ON_ERROR"))
        misuse();
    expect_balance();
    return 0;
}
