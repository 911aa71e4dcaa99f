/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A producer makes jobs, and a worker takes them from a queue. The thread that has a job also owns its memory: the
 * worker claims each job that it takes, in one call, and the producer need not help. So a limit on a thread is a limit
 * on what that thread has itself.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <threadmeter/limits.h>
#include <threadmeter/malloc.h>
#include <threadmeter/tags.h>
#include <threadmeter/totals.h>
#include <unistd.h>

enum { JOBS = 40, PARTS = 3, ROOM = 8, PART_SIZE = 4 << 10 };

struct job {
    void *blocks[1 + PARTS]; /* itself, and what belongs to it */
};

static struct job *queue[ROOM];
static size_t put, taken;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static struct job *make_job(void)
{
    struct job *job = tm_malloc(sizeof *job);
    job->blocks[0] = job;
    for (int i = 1; i <= PARTS; i++)
        job->blocks[i] = tm_malloc(PART_SIZE);
    return job;
}

static void *produce(void *unused)
{
    pthread_setname_np(pthread_self(), "producer");
    tm_tag_enter(tm_tag_open("waiting"));
    for (int i = 0; i < JOBS; i++) {
        struct job *job = make_job();
        pthread_mutex_lock(&mutex);
        while (put - taken == ROOM)
            pthread_cond_wait(&changed, &mutex);
        queue[put++ % ROOM] = job;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

/* Keeps every job that its limit allows. */
static void *work(void *refused)
{
    pthread_setname_np(pthread_self(), "worker");
    tm_thread_limit(256 << 10);
    tm_tag_enter(tm_tag_open("in work"));
    for (int i = 0; i < JOBS; i++) {
        pthread_mutex_lock(&mutex);
        while (put == taken)
            pthread_cond_wait(&changed, &mutex);
        struct job *job = queue[taken++ % ROOM];
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
        void *blocks[1 + PARTS];
        memcpy(blocks, job->blocks, sizeof blocks);
        if (tm_claim_all(blocks, 1 + PARTS) == 0)
            continue; /* it is the worker's now */
        ++*(int *)refused;
        for (int k = PARTS; k >= 0; k--)
            tm_free(blocks[k]);
    }
    return NULL;
}

int main(void)
{
    pthread_t producer, worker;
    int refused = 0;
    pthread_create(&producer, NULL, produce, NULL);
    pthread_create(&worker, NULL, work, &refused);
    pthread_join(producer, NULL);
    pthread_join(worker, NULL);
    printf("%d of %d jobs were more than the worker may have\n", refused, JOBS);
    fflush(stdout);
    return tm_report(STDOUT_FILENO) != 0;
}
