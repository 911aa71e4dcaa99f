/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program with each kind of row that a table has. All figures are so small that tables show them to the byte. It
 * writes tm_report() to stdout, and ends with the end of stdin. With an argument, the child of a fork does this.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <threadmeter/limits.h>
#include <threadmeter/malloc.h>
#include <threadmeter/tags.h>
#include <threadmeter/totals.h>

enum { GIVERS = 20, TAGS = 7 };

static pthread_barrier_t barrier;
static pthread_key_t key;
static void *freed_late;

static void in_thread(void *(*body)(void *), void *arg, void **result)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, arg) != 0 || pthread_join(thread, result) != 0)
        abort();
}

static void *only_free(void *block)
{
    pthread_setname_np(pthread_self(), "freer");
    tm_free(block);
    return NULL;
}

static void *give(void *number)
{
    char name[16];
    snprintf(name, sizeof name, "giver %d", (int)(intptr_t)number);
    pthread_setname_np(pthread_self(), name);
    return tm_malloc((size_t)(intptr_t)number);
}

static void *lose(void *arg)
{
    pthread_setname_np(pthread_self(), "lost");
    *(void **)arg = tm_malloc(33);
    return NULL;
}

/* Runs after the library's destructor in each round, because the library's key is older. */
static void free_late(void *round)
{
    if ((uintptr_t)round == PTHREAD_DESTRUCTOR_ITERATIONS)
        tm_free(freed_late);
    else
        pthread_setspecific(key, (char *)round + 1);
}

static void *end_by_freeing(void *arg)
{
    pthread_setspecific(key, (void *)1);
    tm_free(tm_malloc(1));
    return arg;
}

static void *work(void *arg)
{
    pthread_setname_np(pthread_self(), "worker");
    for (int i = 1; i <= TAGS; i++) {
        char name[16];
        snprintf(name, sizeof name, "tag %d", i);
        tm_tag_enter(tm_tag_open(name));
        arg = tm_malloc((size_t)i * 2);
    }
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return arg;
}

int main(int argc, char **argv)
{
    pthread_t worker;
    void *mine = tm_malloc(5), *lost;
    (void)argv;
    in_thread(only_free, tm_malloc(96), NULL);
    for (intptr_t i = 1; i <= GIVERS; i++) {
        void *given;
        in_thread(give, (void *)i, &given);
        tm_free(given);
    }
    in_thread(lose, &lost, NULL);
    freed_late = tm_malloc(40);
    if (pthread_key_create(&key, free_late) != 0)
        abort();
    in_thread(end_by_freeing, NULL, NULL);
    tm_tag_open("untouched");
    tm_tag_limit(tm_tag_open("limited"), 500);
    tm_tag_limit(tm_tag_open("tag 5"), 600);
    pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&worker, NULL, work, NULL) != 0)
        abort();
    pthread_barrier_wait(&barrier);
    tm_free(tm_libc_malloc(10));
    void *nowhere = (void *)4096;
    __asm__("" : "+r"(nowhere));
    tm_free(nowhere); /* a misuse, which is reported */
    if (argc > 1) {
        pid_t child = fork();
        if (child > 0) {
            int status;
            fclose(stdout); /* so that the pipe ends with the child */
            return waitpid(child, &status, 0) == child ? status != 0 : 1;
        }
        tm_free(lost);
        lost = tm_malloc(7);
    }
    tm_report(STDOUT_FILENO);
    fclose(stdout);
    while (getchar() != EOF)
        ;
    tm_free(mine);
    tm_free(lost);
    _exit(0);
}
