/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Questions in signal handlers, at a high rate, while several threads allocate and free: a thread's own totals never go
 * back, are never negative, and agree with the thread's own count, up to the one operation that was interrupted.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>

enum { THREADS = 4, HELD = 30, MAILBOXES = 8, ENOUGH = SANITIZED ? 100 : 5000 };

/* In each block: which thread allocated it, and how large it is. */
struct label {
    uint64_t owner, size;
};

/* A thread's own count. Its handler reads it between any two instructions; others only see `handed` and `asked`. */
static struct worker {
    _Alignas(64) pthread_t thread;
    volatile int64_t held;    /* bytes of blocks that only this thread may free */
    volatile int64_t in, out; /* of the operation that has begun and not ended */
    _Atomic int64_t handed;   /* bytes of this thread's blocks that others may free, or have just freed */
    _Atomic int asked;        /* how often */
    struct tm_totals last;    /* as told */
    struct label *blocks[HELD];
} workers[THREADS];

static _Thread_local struct worker *volatile me __attribute__((tls_model("initial-exec")));
static _Atomic int wrong;
static struct label *_Atomic mailboxes[MAILBOXES];
static _Atomic bool stop;
static pthread_barrier_t ready;

static void look_at_everyone(void)
{
    struct tm_slot slots[THREADS + 6];
    size_t count = tm_snapshot(slots, THREADS + 6);
    for (size_t i = 0; i < count && i < THREADS + 6; i++) {
        const struct tm_totals *t = &slots[i].totals;
        wrong += t->freed_bytes > t->allocated_bytes || t->freed_blocks > t->allocated_blocks;
    }
}

static void ask(int signal)
{
    (void)signal;
    struct worker *worker = me;
    if (!worker)
        return;
    int64_t most = worker->held + worker->in + worker->handed; /* before, since others take from it after they free */
    int64_t least = worker->held - worker->out;
    struct tm_totals now, last = worker->last;
    tm_thread_totals(&now);
    worker->last = now;
    int64_t live = (int64_t)tm_live_bytes(&now);
    wrong += now.freed_bytes > now.allocated_bytes || now.freed_blocks > now.allocated_blocks;
    wrong += now.allocated_bytes < last.allocated_bytes || now.allocated_blocks < last.allocated_blocks ||
             now.freed_bytes < last.freed_bytes || now.freed_blocks < last.freed_blocks ||
             now.remote_frees_received_bytes < last.remote_frees_received_bytes || now.peak_bytes < last.peak_bytes;
    wrong += live < least || live > most;
    if (++worker->asked % 16 == 0)
        look_at_everyone();
}

static struct label *allocate(struct worker *self, uint64_t *random)
{
    size_t size = sizeof(struct label) + random_next(random) % 2000;
    self->in = (int64_t)size;
    struct label *block = random_next(random) % 4 == 0 ? tm_memalign(128, size) : tm_malloc(size);
    self->held += (int64_t)size;
    self->in = 0;
    *block = (struct label){(uint64_t)(self - workers), size};
    return block;
}

static struct label *resize(struct worker *self, uint64_t *random, struct label *block)
{
    size_t before = block->size, size = sizeof(struct label) + random_next(random) % 4000;
    self->in = (int64_t)size;
    self->out = (int64_t)before;
    block = tm_realloc(block, size);
    self->held += (int64_t)size - (int64_t)before;
    self->in = self->out = 0;
    block->size = size;
    return block;
}

static void dispose(struct worker *self, struct label *block)
{
    int64_t size = (int64_t)block->size;
    self->out = size;
    tm_free(block);
    self->held -= size;
    self->out = 0;
}

/* Leaves a block for another thread to free; the block that was there is freed, or resized, which makes it ours. */
static struct label *hand_on(struct worker *self, uint64_t *random, struct label *block)
{
    self->handed += (int64_t)block->size;
    self->held -= (int64_t)block->size;
    struct label *other = atomic_exchange(&mailboxes[random_next(random) % MAILBOXES], block);
    if (!other)
        return NULL;
    struct worker *owner = &workers[other->owner];
    size_t before = other->size, size = before + 100;
    if (random_next(random) % 2 == 0) {
        tm_free(other);
        owner->handed -= (int64_t)before;
        return NULL;
    }
    self->in = (int64_t)size;
    other = tm_realloc(other, size);
    self->held += (int64_t)size;
    self->in = 0;
    owner->handed -= (int64_t)before;
    *other = (struct label){(uint64_t)(self - workers), size};
    return other;
}

static void *work(void *arg)
{
    struct worker *self = arg;
    uint64_t random = (uint64_t)(self - workers) + 77;
    me = self;
    pthread_barrier_wait(&ready);
    while (!stop) {
        struct label **block = &self->blocks[random_next(&random) % HELD];
        if (!*block) {
            *block = allocate(self, &random);
            continue;
        }
        switch (random_next(&random) % 4) {
        case 0:
            *block = hand_on(self, &random, *block);
            break;
        case 1:
            *block = resize(self, &random, *block);
            break;
        default:
            dispose(self, *block);
            *block = NULL;
        }
    }
    for (int i = 0; i < HELD; i++)
        if (self->blocks[i])
            dispose(self, self->blocks[i]);
    me = NULL;
    return NULL;
}

static bool all_asked(void)
{
    for (int i = 0; i < THREADS; i++)
        if (workers[i].asked < ENOUGH)
            return false;
    return true;
}

START_TEST(whatever_they_interrupt)
{
    struct itimerval often = {{0, 50}, {0, 50}}, never = {0};
    struct sigaction asking = {.sa_handler = ask, .sa_flags = SA_RESTART};
    sigfillset(&asking.sa_mask);
    sigaction(SIGUSR1, &asking, NULL);
    sigaction(SIGALRM, &asking, NULL);
    sigaction(SIGPROF, &asking, NULL);
    pthread_barrier_init(&ready, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    pthread_barrier_wait(&ready);
    setitimer(ITIMER_PROF, &often, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    /* A thread sanitizer delays signals until the thread's next intercepted call, and in one of fifty runs for ever. */
    time_t began = time(NULL);
    while (!all_asked() && !(SANITIZED && time(NULL) - began > 5)) {
        for (int i = 0; i < THREADS; i++)
            pthread_kill(workers[i].thread, SIGUSR1);
        sched_yield();
    }
    setitimer(ITIMER_REAL, &never, NULL);
    setitimer(ITIMER_PROF, &never, NULL);
    stop = true;
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
    ck_assert_int_eq(wrong, 0);
    for (int i = 0; i < MAILBOXES; i++)
        tm_free(mailboxes[i]);
    expect_process_live(0, 0);
    ck_assert_uint_eq(count_slots(TM_LIVE), 1); /* this thread, which freed what was left */
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("signals");
    TCase *tcase = add_case(suite, "signals", 240);
    tcase_add_test(tcase, whatever_they_interrupt);
    return run_suite(suite);
}
