/* SPDX-License-Identifier: BSD-3-Clause */
/* account.c: peaks, and frees by others, against a plain count kept by the test. */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

/* A helper thread that frees what it is given, one at a time, and is at rest in between. */
struct freer {
    pthread_t thread;
    sem_t given, done;
    void *block; /* NULL: the end */
};

static void *freer_main(void *arg)
{
    struct freer *freer = arg;
    for (;;) {
        sem_wait(&freer->given);
        if (!freer->block)
            return NULL;
        tm_free(freer->block);
        sem_post(&freer->done);
    }
}

static void freer_start(struct freer *freer)
{
    sem_init(&freer->given, 0, 0);
    sem_init(&freer->done, 0, 0);
    pthread_create(&freer->thread, NULL, freer_main, freer);
}

static void freer_give(struct freer *freer, void *block)
{
    freer->block = block;
    sem_post(&freer->given);
    if (block)
        sem_wait(&freer->done);
    else
        pthread_join(freer->thread, NULL);
}

/* The peak after every step of a random walk in which another thread frees part of the blocks. */
START_TEST(the_peak_is_exact_remote_frees_included)
{
    enum { STEPS = 4000, HELD = 64 };
    uint64_t random = 1 + (uint64_t)_i, live = 0, peak = 0, by_others = 0;
    struct freer freer;
    freer_start(&freer);
    void *held[HELD] = {0};
    size_t sizes[HELD];
    for (int step = 0; step < STEPS; step++) {
        unsigned at = random_next(&random) % HELD;
        if (!held[at]) {
            sizes[at] = random_next(&random) % (step % 7 == 0 ? 5000 : 50);
            held[at] = tm_malloc(sizes[at]);
            live += sizes[at];
        } else if (random_next(&random) % 3 == 0) {
            sizes[at] = (live -= sizes[at], random_next(&random) % 300 + 1);
            held[at] = tm_realloc(held[at], sizes[at]);
            live += sizes[at];
        } else {
            live -= sizes[at];
            if (random_next(&random) % 2) {
                tm_free(held[at]);
            } else {
                by_others += sizes[at];
                freer_give(&freer, held[at]);
            }
            held[at] = NULL;
        }
        if (live > peak)
            peak = live;
        struct tm_totals totals = thread_totals();
        if (tm_live_bytes(&totals) != live || totals.peak_bytes != peak ||
            totals.remote_frees_received_bytes != by_others)
            ck_abort_msg("step %d: live %zu, not %zu; peak %zu, not %zu", step, (size_t)tm_live_bytes(&totals),
                         (size_t)live, (size_t)totals.peak_bytes, (size_t)peak);
    }
    for (int i = 0; i < HELD; i++)
        tm_free(held[i]);
    freer_give(&freer, NULL);
}
END_TEST

enum { CONSUMERS = 8, EACH = 20000 };
static void *shared_blocks[CONSUMERS][EACH];

static void *consume(void *arg)
{
    void **blocks = arg;
    for (int i = 0; i < EACH; i++)
        tm_free(blocks[i]);
    return NULL;
}

static void *free_two(void *blocks)
{
    tm_free(((void **)blocks)[0]);
    tm_free(((void **)blocks)[1]);
    struct tm_totals mine = thread_totals();
    ck_assert_uint_eq(mine.remote_frees_made_bytes, 300);
    ck_assert_uint_eq(mine.allocated_blocks, 0);
    ck_assert_uint_eq(mine.freed_blocks, 0);
    struct tm_slot slot;
    ck_assert(find_slot_of(gettid(), &slot) && slot.totals.remote_frees_made_bytes == 300);
    return NULL;
}

/* Also by a thread that never allocates. A thread's frees of its own blocks are not remote frees. */
START_TEST(who_frees_others_blocks_is_on_record)
{
    in_thread(free_two, (void *[]){tm_malloc(100), tm_malloc(200)});
    tm_free(tm_malloc(50));
    struct tm_totals mine = thread_totals(), retired;
    ck_assert_uint_eq(mine.remote_frees_received_bytes, 300);
    ck_assert_uint_eq(mine.remote_frees_made_bytes, 0);
    tm_retired_totals(&retired);
    ck_assert_uint_eq(retired.remote_frees_made_bytes, 300);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(many_consumers_lose_nothing)
{
    uint64_t bytes = 0;
    for (int c = 0; c < CONSUMERS; c++)
        for (int i = 0; i < EACH; i++) {
            bytes += (size_t)(i + c) % 100;
            shared_blocks[c][i] = tm_malloc((size_t)(i + c) % 100);
        }
    void *kept = tm_malloc(1);
    pthread_t threads[CONSUMERS];
    for (int c = 0; c < CONSUMERS; c++)
        pthread_create(&threads[c], NULL, consume, shared_blocks[c]);
    for (int c = 0; c < CONSUMERS; c++)
        pthread_join(threads[c], NULL);
    struct tm_totals totals = thread_totals();
    expect_live(&totals, 1, 1);
    ck_assert_uint_eq(totals.remote_frees_received_bytes, bytes);
    ck_assert_uint_eq(totals.remote_frees_received_blocks, CONSUMERS * EACH);
    tm_free(kept);
}
END_TEST

/* A thread reads the totals while producers and consumers run: none is negative, or has more freed than allocated. */
static _Atomic bool stop;
static void *_Atomic mailbox[64];

static void *produce(void *arg)
{
    uint64_t random = (uintptr_t)arg;
    while (!stop) {
        void *old = atomic_exchange(&mailbox[random_next(&random) % 64], tm_malloc(random_next(&random) % 1000));
        tm_free(old);
    }
    return NULL;
}

static int look(const struct tm_slot *slot, void *arg)
{
    const struct tm_totals *t = &slot->totals;
    bool right = t->freed_bytes <= t->allocated_bytes && t->freed_blocks <= t->allocated_blocks &&
                 t->remote_frees_received_bytes <= t->freed_bytes && t->remote_frees_received_blocks <= t->freed_blocks;
    *(bool *)arg &= right;
    return 0;
}

START_TEST(a_reader_in_the_storm_sees_nothing_negative)
{
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, produce, (void *)(i + 1));
    bool right = true;
    struct tm_totals last = {0};
    for (int i = 0; i < 20000 && right; i++) {
        struct tm_totals now = process_totals();
        right = now.freed_bytes <= now.allocated_bytes && now.allocated_bytes >= last.allocated_bytes &&
                now.freed_bytes >= last.freed_bytes && now.allocated_blocks >= last.allocated_blocks;
        last = now;
        if (i % 16 == 0)
            tm_each_slot(look, &right);
    }
    stop = true;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    ck_assert(right);
    for (int i = 0; i < 64; i++)
        tm_free(mailbox[i]);
    expect_process_live(0, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("account");
    TCase *tcase = add_case(suite, "account", 60);
    tcase_add_loop_test(tcase, the_peak_is_exact_remote_frees_included, 0, 5);
    tcase_add_test(tcase, who_frees_others_blocks_is_on_record);
    tcase_add_test(tcase, many_consumers_lose_nothing);
    tcase_add_test(tcase, a_reader_in_the_storm_sees_nothing_negative);
    return run_suite(suite);
}
