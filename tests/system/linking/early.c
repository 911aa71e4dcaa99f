/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program for check_linking.c that does most of its work before and after main(): constructors and destructors
 * allocate, and a thread runs from one to the other.
 */
#define _GNU_SOURCE
#include <threadmeter/malloc.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

static void *volatile kept[8];
static pthread_t early;
static sem_t ready, finish;

static void *run_from_before_main(void *arg)
{
    pthread_setname_np(pthread_self(), "early");
    kept[0] = tm_malloc(100);
    sem_post(&ready);
    sem_wait(&finish);
    tm_free(kept[2]);
    kept[3] = tm_malloc(30);
    return arg;
}

__attribute__((constructor)) static void before_main(void)
{
    kept[1] = tm_strdup("12345678901234567890");
    sem_init(&ready, 0, 0);
    sem_init(&finish, 0, 0);
    if (pthread_create(&early, NULL, run_from_before_main, NULL) != 0)
        abort();
    sem_wait(&ready);
}

static void at_exit(void)
{
    tm_free(kept[1]);
    kept[4] = tm_calloc(5, 10);
}

__attribute__((destructor)) static void behind_main(void)
{
    sem_post(&finish);
    pthread_join(early, NULL);
    tm_free(kept[0]);
    kept[5] = tm_malloc(7);
}

int main(void)
{
    atexit(at_exit);
    kept[2] = tm_malloc(200);
    return 0;
}
