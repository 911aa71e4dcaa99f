/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cases that users of other allocators and memory meters reported: in one of these each made totals drift, go negative
 * or leak.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* A bounded queue of pointers. NULL ends it. */
enum { ROOM = 256 };
struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    void *items[ROOM];
    unsigned head, tail;
};

static void put(struct queue *queue, void *item)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->tail - queue->head == ROOM)
        pthread_cond_wait(&queue->changed, &queue->mutex);
    queue->items[queue->tail++ % ROOM] = item;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->mutex);
}

static void *take(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->tail == queue->head)
        pthread_cond_wait(&queue->changed, &queue->mutex);
    void *item = queue->items[queue->head++ % ROOM];
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->mutex);
    return item;
}

#define QUEUE                                                                                                          \
    {                                                                                                                  \
        .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER                                        \
    }

/* A logger thread frees what all others allocate. Elsewhere their totals drifted up, and its own went below zero. */
enum { LOGGING = 3, LINES = 20000 };
static struct queue log_queue = QUEUE;
static pthread_barrier_t logged;
static pid_t logger_tid, logging_tids[LOGGING];
static size_t logged_bytes[LOGGING];

static void *logger(void *arg)
{
    logger_tid = gettid();
    tm_free(tm_malloc(1));
    for (int ended = 0; ended < LOGGING;) {
        char *line = take(&log_queue);
        ended += !line;
        tm_free(line);
    }
    pthread_barrier_wait(&logged);
    pthread_barrier_wait(&logged);
    return arg;
}

static void *logging(void *arg)
{
    int self = (int)(uintptr_t)arg;
    logging_tids[self] = gettid();
    for (int i = 0; i < LINES; i++) {
        char *line;
        int length = tm_asprintf(&line, "thread %d, line %d: %*s", self, i, i % 50, "");
        logged_bytes[self] += (size_t)length + 1;
        put(&log_queue, line);
    }
    put(&log_queue, NULL);
    pthread_barrier_wait(&logged);
    pthread_barrier_wait(&logged);
    return NULL;
}

START_TEST(a_logger_that_frees_for_all)
{
    pthread_t threads[LOGGING + 1];
    pthread_barrier_init(&logged, NULL, LOGGING + 2);
    pthread_create(&threads[LOGGING], NULL, logger, NULL);
    for (uintptr_t i = 0; i < LOGGING; i++)
        pthread_create(&threads[i], NULL, logging, (void *)i);
    pthread_barrier_wait(&logged);
    struct tm_slot slot;
    for (int i = 0; i < LOGGING; i++) {
        ck_assert(find_slot_of(logging_tids[i], &slot));
        expect_live(&slot.totals, 0, 0);
        ck_assert_uint_eq(slot.totals.allocated_bytes, logged_bytes[i]);
        ck_assert_uint_eq(slot.totals.remote_frees_received_bytes, logged_bytes[i]);
        ck_assert_uint_eq(slot.totals.remote_frees_received_blocks, LINES);
    }
    ck_assert(find_slot_of(logger_tid, &slot));
    ck_assert_uint_eq(slot.totals.allocated_bytes, 1);
    ck_assert_uint_eq(slot.totals.freed_bytes, 1);
    expect_invariant();
    pthread_barrier_wait(&logged);
    for (int i = 0; i <= LOGGING; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

/* In a pipeline each stage grows the block that it got and passes it on. Elsewhere all frees were counted twice. */
enum { STAGES = 4, BATCHES = 5000 };
static struct queue stages[STAGES + 1] = {QUEUE, QUEUE, QUEUE, QUEUE, QUEUE};
static pid_t stage_tids[STAGES];
static pthread_barrier_t passed;

static void *stage(void *arg)
{
    uintptr_t self = (uintptr_t)arg;
    stage_tids[self] = gettid();
    for (char *batch; (batch = take(&stages[self]));) {
        batch = tm_realloc(batch, 100 * (self + 2));
        put(&stages[self + 1], batch);
    }
    put(&stages[self + 1], NULL);
    pthread_barrier_wait(&passed);
    pthread_barrier_wait(&passed);
    return NULL;
}

static void *feed(void *arg)
{
    for (int i = 0; i < BATCHES; i++)
        put(&stages[0], tm_malloc(100));
    put(&stages[0], NULL);
    return arg;
}

START_TEST(a_pipeline_that_passes_its_batches_on)
{
    pthread_t threads[STAGES], feeder;
    pthread_barrier_init(&passed, NULL, STAGES + 1);
    for (uintptr_t i = 0; i < STAGES; i++)
        pthread_create(&threads[i], NULL, stage, (void *)i);
    pthread_create(&feeder, NULL, feed, NULL);
    static void *kept[BATCHES];
    for (int i = 0; i < BATCHES; i++)
        kept[i] = take(&stages[STAGES]);
    ck_assert_ptr_null(take(&stages[STAGES]));
    pthread_join(feeder, NULL);
    pthread_barrier_wait(&passed);
    for (uint64_t i = 0; i < STAGES; i++) {
        struct tm_slot slot;
        ck_assert(find_slot_of(stage_tids[i], &slot));
        ck_assert_uint_eq(slot.totals.allocated_bytes, BATCHES * 100 * (i + 2));
        ck_assert_uint_eq(slot.totals.allocated_blocks, BATCHES);
        ck_assert_uint_eq(slot.totals.remote_frees_received_blocks, i + 1 < STAGES ? BATCHES : 0);
        ck_assert_uint_eq(slot.totals.freed_blocks, slot.totals.remote_frees_received_blocks);
    }
    expect_process_live(BATCHES * 100 * (STAGES + 1), BATCHES);
    expect_invariant();
    pthread_barrier_wait(&passed);
    for (int i = 0; i < STAGES; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < BATCHES; i++)
        tm_free(kept[i]);
    expect_process_live(0, 0);
}
END_TEST

static void *short_life(void *arg)
{
    void *blocks[10];
    for (size_t i = 0; i < 10; i++)
        blocks[i] = tm_malloc(i * 100);
    for (size_t i = 0; i < 10; i++)
        tm_free(blocks[i]);
    return arg;
}

static size_t resident_pages(void)
{
    size_t size, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%zu %zu", &size, &resident) != 2)
        ck_abort_msg("no /proc/self/statm");
    fclose(file);
    return resident;
}

/* Ten thousand threads, one after another. Elsewhere the record of each stayed in memory. */
START_TEST(ten_thousand_short_threads)
{
    for (int i = 0; i < 100; i++)
        in_thread(short_life, NULL);
    size_t before = resident_pages();
    for (int i = 0; i < 10000; i++)
        in_thread(short_life, NULL);
    if (!SANITIZED)
        ck_assert_uint_lt(resident_pages(), before + 1000); /* 10,000 slots would be as many pages */
    ck_assert_uint_eq(process_totals().allocated_blocks, 101000);
    expect_process_live(0, 0);
    ck_assert_uint_eq(count_slots(TM_LIVE) + count_slots(TM_ORPHAN), 0);
}
END_TEST

static void *leave_one(void *arg)
{
    void **place = arg;
    *place = tm_malloc(24);
    return NULL;
}

/* A hundred thousand threads, one after another, leave one live block each; then the first thread frees them all. */
START_TEST(a_hundred_thousand_orphans)
{
    enum { COUNT = 100000 };
    void **blocks = calloc(COUNT, sizeof *blocks);
    for (int i = 0; i < COUNT; i++)
        in_thread(leave_one, &blocks[i]);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), COUNT);
    expect_process_live(COUNT * 24, COUNT);
    expect_invariant();
    for (int i = 0; i < COUNT; i++)
        tm_free(blocks[i]);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
    expect_process_live(0, 0);
    free(blocks);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("field");
    TCase *tcase = add_case(suite, "field", 240);
    tcase_add_test(tcase, a_logger_that_frees_for_all);
    tcase_add_test(tcase, a_pipeline_that_passes_its_batches_on);
    add_unless_emulated(tcase, ten_thousand_short_threads, KEEPS_THREADS);
    add_unless_emulated(tcase, a_hundred_thousand_orphans, KEEPS_THREADS);
    return run_suite(suite);
}
