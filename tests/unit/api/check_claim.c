/* SPDX-License-Identifier: BSD-3-Clause */
/* claim.c: blocks that change their owner. */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <threadmeter/limits.h>

static void *claim_it(void *arg)
{
    ck_assert_int_eq(tm_claim(arg), 0);
    ck_assert_int_eq(tm_claim(arg), 0);
    struct tm_totals mine = thread_totals();
    expect_live(&mine, tm_malloc_usable_size(arg), 1);
    tm_free(arg);
    mine = thread_totals();
    expect_live(&mine, 0, 0);
    ck_assert_uint_eq(mine.remote_frees_received_blocks, 0);
    return NULL;
}

START_TEST(a_claimed_block_is_the_claimers)
{
    static const size_t sizes[] = {0, 1, 100, 100000, 3 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t alignment = 16; alignment <= 4096; alignment *= 16) {
            char *block = tm_memalign(alignment, sizes[i]);
            memset(block, 'x', sizes[i]);
            in_thread(claim_it, block);
            struct tm_totals mine = thread_totals();
            expect_live(&mine, 0, 0);
        }
    expect_process_live(0, 0);
}
END_TEST

static void *claim_from(void *arg)
{
    void **blocks = arg;
    ck_assert_int_eq(tm_claim_all(blocks, 10), 0);
    struct tm_totals mine = thread_totals();
    expect_live(&mine, 450, 10);
    return NULL;
}

START_TEST(claims_of_many_between_threads_and_tags)
{
    void *blocks[11] = {0};
    for (size_t i = 0; i < 10; i++)
        blocks[i] = tm_malloc(i * 10);
    in_thread(claim_from, blocks); /* the thread is gone, and owns them */
    struct tm_totals mine = thread_totals();
    expect_live(&mine, 0, 0);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 1);

    tm_tag tag = tm_tag_open("claimed");
    tm_tag_enter(tag);
    blocks[10] = &mine;
    ck_assert_int_eq(tm_claim_all(blocks, 11), -EINVAL); /* none of them */
    struct tm_totals totals = tag_totals(tag);
    expect_live(&totals, 0, 0);
    ck_assert_int_eq(tm_claim_all(blocks, 10), 0);
    totals = tag_totals(tag);
    expect_live(&totals, 450, 10);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
    tm_tag_enter(0);
    ck_assert_int_eq(tm_claim(blocks[9]), 0); /* from one's own tag */
    totals = tag_totals(tag);
    expect_live(&totals, 360, 9);
    ck_assert_uint_eq(thread_totals().peak_bytes, 450);
    for (int i = 0; i < 10; i++)
        tm_free(blocks[i]);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(what_cannot_be_claimed)
{
    char buffer[64] = {0}, *block = filled(100);
    void *foreign = malloc(50);
    errno = 4321;
    ck_assert_int_eq(tm_claim(NULL), -EINVAL);
    ck_assert_int_eq(tm_claim(buffer + 32), -EINVAL);
    ck_assert_int_eq(tm_claim(block + 16), -EINVAL);
    ck_assert_int_eq(tm_claim(foreign), -EINVAL);
    tm_thread_limit(100);
    ck_assert_int_eq(tm_claim(block), 0); /* it is the caller's already */
    void *other;
    in_thread(free_it, NULL);
    tm_thread_limit(0);
    ck_assert_int_eq(errno, 4321);
    tm_tag tag = tm_tag_open("small");
    tm_tag_limit(tag, 99);
    tm_tag_enter(tag);
    ck_assert_int_eq(tm_claim(block), -ENOMEM);
    struct tm_totals totals = tag_totals(tag);
    expect_live(&totals, 0, 0);
    other = block;
    tm_free(other);
    free(foreign);
}
END_TEST

enum { CLAIMERS = 4, CLAIM_TAGS = 3, PLACES = 48, BATCH = 5, STEPS = SANITIZED ? 1000 : 10000 };

/* What is in each block: which thread or tag owns it, as the ledger says. */
struct owned {
    size_t size, owner, tag;
};

static struct owned *_Atomic places[PLACES];
static tm_tag claim_tags[CLAIM_TAGS];
static pthread_barrier_t all_at_rest;
static _Atomic uint64_t live_of[CLAIMERS], lost_by[CLAIMERS], taken_by[CLAIMERS], live_in[CLAIM_TAGS];

/* The ledger says that it has no owner. */
static void leave_owner(const struct owned *block, size_t self)
{
    live_of[block->owner] -= block->size;
    live_in[block->tag] -= block->size;
    if (block->owner != self) {
        lost_by[block->owner] += block->size;
        taken_by[self] += block->size;
    }
}

static void own(struct owned *block, size_t size, size_t self, size_t tag)
{
    *block = (struct owned){.size = size, .owner = self, .tag = tag};
    live_of[self] += size;
    live_in[tag] += size;
}

static void put_away(struct owned *block, size_t place, size_t self)
{
    struct owned *there = atomic_exchange(&places[place], block);
    if (!there)
        return;
    leave_owner(there, self);
    tm_free(there);
}

/* A thread that takes a block out of its place may do anything with it; meanwhile others take other blocks. */
static void *claim_and_free(void *arg)
{
    size_t self = (uintptr_t)arg, claimed = 0;
    uint64_t random = self + 1;
    pthread_barrier_wait(&all_at_rest); /* or the first might be done before the last begins */
    for (int i = 0; i < STEPS; i++) {
        size_t tag = random_next(&random) % CLAIM_TAGS, count = 0;
        struct owned *batch[BATCH];
        tm_tag_enter(claim_tags[tag]);
        for (int k = 0; k < BATCH; k++)
            if ((batch[count] = atomic_exchange(&places[random_next(&random) % PLACES], NULL)))
                count++;
        if (count == 1)
            ck_assert_int_eq(tm_claim(batch[0]), 0);
        else if (count > 1)
            ck_assert_int_eq(tm_claim_all((void *const *)batch, count), 0);
        for (size_t k = 0; k < count; k++) {
            leave_owner(batch[k], self);
            own(batch[k], batch[k]->size, self, tag);
            put_away(batch[k], random_next(&random) % PLACES, self);
        }
        claimed += count;
        size_t size = sizeof(struct owned) + random_next(&random) % (i % 100 == 0 ? 100000 : 500);
        struct owned *fresh = i % 7 == 0 ? tm_memalign(128, size) : tm_malloc(size);
        own(fresh, size, self, tag);
        put_away(fresh, random_next(&random) % PLACES, self);
    }
    pthread_barrier_wait(&all_at_rest);
    struct tm_totals mine = thread_totals();
    ck_assert_uint_gt(claimed, 0);
    ck_assert_uint_eq(tm_live_bytes(&mine), live_of[self]);
    ck_assert_uint_eq(mine.remote_frees_received_bytes, lost_by[self]);
    ck_assert_uint_eq(mine.remote_frees_made_bytes, taken_by[self]);
    pthread_barrier_wait(&all_at_rest);
    return NULL;
}

/* Each block is charged to its last claimer, to the byte, while all threads free each other's blocks. */
START_TEST(claims_and_frees_by_others_at_once)
{
    static const char *const names[CLAIM_TAGS] = {"a", "b", "c"};
    for (int i = 0; i < CLAIM_TAGS; i++)
        claim_tags[i] = tm_tag_open(names[i]);
    pthread_t threads[CLAIMERS];
    pthread_barrier_init(&all_at_rest, NULL, CLAIMERS);
    for (uintptr_t i = 0; i < CLAIMERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, claim_and_free, (void *)i), 0);
    for (int i = 0; i < CLAIMERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < CLAIM_TAGS; i++) {
        struct tm_totals totals = tag_totals(claim_tags[i]);
        ck_assert_uint_eq(tm_live_bytes(&totals), live_in[i]);
    }
    void *left[PLACES];
    size_t count = 0;
    for (int i = 0; i < PLACES; i++)
        if (places[i])
            left[count++] = places[i];
    ck_assert_uint_gt(count_slots(TM_ORPHAN), 0);
    ck_assert_int_eq(tm_claim_all(left, count), 0); /* of threads that are gone */
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
    for (size_t i = 0; i < count; i++)
        tm_free(left[i]);
    expect_process_live(0, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("claim");
    TCase *tcase = add_case(suite, "claim", 60);
    tcase_add_test(tcase, a_claimed_block_is_the_claimers);
    tcase_add_test(tcase, claims_of_many_between_threads_and_tags);
    tcase_add_test(tcase, what_cannot_be_claimed);
    tcase_add_test(tcase, claims_and_frees_by_others_at_once);
    return run_suite(suite);
}
