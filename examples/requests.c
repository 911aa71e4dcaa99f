/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread pool. Each thread serves every kind of request, so what a thread owns says little; therefore each kind has a
 * tag. Uploads leak a block now and then, thumbnails have a limit, and at the end main claims the cached answers, which
 * threads of the pool allocated.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <threadmeter/limits.h>
#include <threadmeter/malloc.h>
#include <threadmeter/tags.h>
#include <threadmeter/totals.h>
#include <unistd.h>

enum { THREADS = 4, REQUESTS = 8000, CACHED = 400 };

static tm_tag search, upload, thumbnail, cache;
static _Atomic int next_request, refused, warned;
static void *cached[CACHED];

static void serve_search(int number)
{
    TM_TAG_SCOPE(search);
    char *words = tm_malloc(500), *answer = tm_malloc(2000);
    if (number % 20 == 0 && number / 20 < CACHED)
        cached[number / 20] = answer; /* kept for the next request of the same kind */
    else
        tm_free(answer);
    tm_free(words);
}

static void serve_upload(int number)
{
    TM_TAG_SCOPE(upload);
    char *header = tm_malloc(300), *body = tm_malloc(6000);
    tm_free(body);
    if (number % 25 != 1) /* a leak: the others are forgotten */
        tm_free(header);
}

/* Allocates a large block, which the tag's limit may refuse. */
static void serve_thumbnail(void)
{
    TM_TAG_SCOPE(thumbnail);
    char *picture = tm_malloc(600 << 10);
    if (picture)
        memset(picture, 0, 1000);
    else
        refused++;
    usleep(50);
    tm_free(picture);
}

static void *serve(void *name)
{
    pthread_setname_np(pthread_self(), name);
    for (int number; (number = next_request++) < REQUESTS;) {
        if (number % 4 == 0)
            serve_search(number);
        else if (number % 4 != 3)
            serve_upload(number);
        else
            serve_thumbnail();
    }
    return NULL;
}

static void warn(uint64_t live_bytes, void *arg)
{
    (void)live_bytes, (void)arg;
    warned++;
}

int main(void)
{
    search = tm_tag_open("search");
    upload = tm_tag_open("upload");
    thumbnail = tm_tag_open("thumbnail");
    cache = tm_tag_open("cache");
    tm_tag_limit(thumbnail, 1 << 20); /* room for one picture at a time */
    tm_tag_soft_limit(upload, 32 << 10, warn, NULL);

    static char names[THREADS][16] = {"pool-0", "pool-1", "pool-2", "pool-3"};
    pthread_t threads[THREADS];
    struct tm_section section;
    tm_section_begin(&section);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, serve, names[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);

    tm_tag_enter(cache);
    for (int i = 0; i < CACHED; i++)
        if (cached[i])
            tm_claim(cached[i]); /* from now on charged to main, in the tag "cache" */
    tm_tag_enter(0);

    struct tm_totals kept;
    tm_section_end(&section, &kept);
    printf("main keeps %zu KiB of answers; uploads passed 32 KiB: %s; thumbnails refused: %s\n",
           (size_t)tm_live_bytes(&kept) >> 10, warned ? "yes" : "no", refused ? "some" : "none");
    fflush(stdout);
    return tm_report(STDOUT_FILENO) != 0;
}
