/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program that publishes known figures: named threads with so much each, some of it in tags, and an exited thread
 * whose memory is still live. It prints the process's totals; for each line that it reads it allocates more, and prints
 * them again. "end" ends it.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <threadmeter/limits.h>
#include <threadmeter/malloc.h>
#include <threadmeter/tags.h>
#include <threadmeter/totals.h>

enum { SMALL_NAMES = 12 };

static tm_tag parse, cache;
static void *given; /* one thread allocates it, another one frees it */
static pthread_barrier_t settled, end;

struct work {
    const char *name;
    tm_tag tag;
    size_t bytes;
    bool stays;
};

static void fail_unless(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    exit(1);
}

static void *live(void *arg)
{
    const struct work *work = arg;
    pthread_setname_np(pthread_self(), work->name);
    tm_tag before = tm_tag_enter(work->tag);
    void *block = tm_malloc(work->bytes);
    fail_unless(block, "tm_malloc");
    tm_tag_leave(before);
    if (work->stays) {
        pthread_barrier_wait(&settled);
        pthread_barrier_wait(&end);
        tm_free(block);
    }
    return NULL;
}

static void *give(void *arg)
{
    pthread_setname_np(pthread_self(), "giver");
    given = tm_malloc(*(size_t *)arg);
    return NULL;
}

static void *come_and_go(void *arg)
{
    pthread_setname_np(pthread_self(), "brief");
    tm_tag before = tm_tag_enter(parse);
    tm_free(tm_malloc(*(size_t *)arg));
    tm_tag_leave(before);
    return NULL;
}

static pthread_t start(void *(*body)(void *), void *arg)
{
    pthread_t thread;
    fail_unless(pthread_create(&thread, NULL, body, arg) == 0, "pthread_create");
    return thread;
}

static void say(void)
{
    struct tm_totals totals;
    tm_process_totals(&totals);
    printf("live=%lu blocks=%lu allocated=%lu freed=%lu by_others=%lu\n", (unsigned long)tm_live_bytes(&totals),
           (unsigned long)tm_live_blocks(&totals), (unsigned long)totals.allocated_bytes,
           (unsigned long)totals.freed_bytes, (unsigned long)totals.remote_frees_received_bytes);
    fflush(stdout);
}

int main(void)
{
    parse = tm_tag_open("parse");
    cache = tm_tag_open("cache");
    fail_unless(tm_tag_limit(cache, 1000000) == 0, "tm_tag_limit");
    struct work works[4 + SMALL_NAMES] = {{"alpha", parse, 10000, true},
                                          {"alpha", parse, 5000, true},
                                          {"beta", 0, 5000000, true},
                                          {"beta", cache, 500000, true}};
    char names[SMALL_NAMES][16];
    for (int i = 0; i < SMALL_NAMES; i++) {
        snprintf(names[i], sizeof names[i], "small-%d", i);
        works[4 + i] = (struct work){names[i], 0, 100, true};
    }
    pthread_t threads[4 + SMALL_NAMES];
    pthread_barrier_init(&settled, NULL, 5 + SMALL_NAMES);
    pthread_barrier_init(&end, NULL, 5 + SMALL_NAMES);
    void *mine = tm_malloc(777);
    for (int i = 0; i < 4 + SMALL_NAMES; i++)
        threads[i] = start(live, &works[i]);
    struct work lost = {"lost", 0, 4321, false};
    pthread_join(start(live, &lost), NULL);
    pthread_barrier_wait(&settled);
    say();

    size_t bytes = 1000;
    for (char line[64]; fgets(line, sizeof line, stdin) && strcmp(line, "end\n") != 0;) {
        for (int i = 0; i < 5; i++, bytes += 1000) {
            pthread_join(start(come_and_go, &bytes), NULL);
            pthread_join(start(give, &bytes), NULL);
            tm_free(given);
        }
        say();
    }
    pthread_barrier_wait(&end);
    for (int i = 0; i < 4 + SMALL_NAMES; i++)
        pthread_join(threads[i], NULL);
    tm_free(mine);
    return 0;
}
