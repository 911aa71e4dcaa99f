/* SPDX-License-Identifier: BSD-3-Clause */
/* tags.c, own_slots.c: memory by purpose and by thread: which blocks are charged to which tag. */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <unistd.h>

START_TEST(a_block_is_charged_to_the_tag_that_its_thread_is_in)
{
    tm_tag parser = tm_tag_open("parser"), net = tm_tag_open("net");
    ck_assert_int_gt(parser, 0);
    ck_assert_int_gt(net, 0);
    ck_assert_int_ne(parser, net);
    char *outside = tm_malloc(1);
    ck_assert_int_eq(tm_tag_enter(parser), 0);
    ck_assert_int_eq(tm_tag_current(), parser);
    char *parsed = tm_malloc(10);
    ck_assert_int_eq(tm_tag_enter(net), parser);
    char *sent = tm_malloc(100);
    tm_tag_leave(parser);
    char *again = tm_malloc(1000);
    tm_tag_leave(0);
    char *outside_again = tm_malloc(10000);

    expect_tag(parser, 1010, 2);
    expect_tag(net, 100, 1);
    struct tm_totals mine = thread_totals();
    expect_live(&mine, 11111, 5);
    ck_assert_uint_eq(mine.peak_bytes, 11111);
    tm_tag_enter(net); /* it does not matter in which tag a block is freed */
    tm_free(outside);
    tm_free(parsed);
    tm_free(sent);
    tm_free(again);
    tm_free(outside_again);
    tm_tag_leave(0);
    expect_tag(parser, 0, 0);
    expect_tag(net, 0, 0);
    mine = thread_totals();
    expect_live(&mine, 0, 0);
    ck_assert_uint_eq(mine.allocated_bytes, 11111);
    ck_assert_uint_eq(mine.remote_frees_received_blocks, 0);
    ck_assert_uint_eq(tag_totals(parser).allocated_bytes, 1010);
    ck_assert_uint_eq(tag_totals(parser).remote_frees_received_blocks, 0);
    expect_process_live(0, 0);
}
END_TEST

/* A thread's peak is the highest sum of its blocks in all tags at one time, not the sum of the peaks. */
START_TEST(the_threads_peak_is_exact)
{
    enum { TAGS = 5, STEPS = 20000, BLOCKS = 64 };
    tm_tag tags[TAGS] = {0};
    for (int i = 1; i < TAGS; i++)
        tags[i] = tm_tag_open((char[]){'t', (char)('0' + i), 0});
    static struct {
        void *block;
        size_t size, tag;
    } held[BLOCKS];
    uint64_t live = 0, peak = 0, in_tag[TAGS] = {0}, peak_in[TAGS] = {0}, random = (uint64_t)_i + 1;
    size_t now = 0;
    for (int i = 0; i < STEPS; i++) {
        uint64_t which = random_next(&random) % BLOCKS;
        if (random_next(&random) % 4 == 0)
            tm_tag_enter(tags[now = random_next(&random) % TAGS]);
        if (held[which].block) {
            tm_free(held[which].block);
            live -= held[which].size;
            in_tag[held[which].tag] -= held[which].size;
            held[which].block = NULL;
        } else {
            held[which].size = 1 + random_next(&random) % (random_next(&random) % 50 == 0 ? 100000 : 1000);
            held[which].tag = now;
            held[which].block = tm_malloc(held[which].size);
            live += held[which].size;
            in_tag[now] += held[which].size;
            peak = live > peak ? live : peak;
            peak_in[now] = in_tag[now] > peak_in[now] ? in_tag[now] : peak_in[now];
        }
        if (i % 500 == 0)
            ck_assert_uint_eq(thread_totals().peak_bytes, peak);
    }
    ck_assert_uint_eq(thread_totals().peak_bytes, peak);
    for (int i = 1; i < TAGS; i++) {
        ck_assert_uint_eq(tag_totals(tags[i]).peak_bytes, peak_in[i]); /* one thread, so it is exact */
        struct tm_totals totals = tag_totals(tags[i]);
        ck_assert_uint_eq(tm_live_bytes(&totals), in_tag[i]);
    }
    struct tm_totals by_tid;
    ck_assert_int_eq(tm_thread_totals_of(gettid(), &by_tid), 0);
    ck_assert_uint_eq(by_tid.peak_bytes, peak);
    ck_assert_uint_eq(tm_live_bytes(&by_tid), live);
    for (int i = 0; i < BLOCKS; i++)
        tm_free(held[i].block);
}
END_TEST

static void *left_in[3];

static int expect_peak(const struct tm_slot *slot, void *slots)
{
    if (slot->totals.allocated_blocks == 0)
        return 0; /* a thread that only frees */
    ck_assert_uint_eq(slot->thread_peak_bytes, 1111);
    ++*(int *)slots;
    return 0;
}

static void expect_peaks(int slots)
{
    int seen = 0;
    tm_each_slot(expect_peak, &seen);
    ck_assert_int_eq(seen, slots);
}

static void peaks_in_child(void)
{
    expect_peaks(3);
    tm_free(left_in[0]);
    tm_free(left_in[1]);
    int seen = 0;
    tm_each_slot(expect_peak, &seen);
    ck_assert_int_gt(seen, 0);
}

static void *fork_here(void *unused)
{
    in_child(peaks_in_child);
    return unused;
}

static void *leave_in_three(void *way)
{
    left_in[0] = tm_malloc(1);
    tm_tag_enter(tm_tag_open("ten"));
    left_in[1] = tm_malloc(10);
    tm_tag_enter(tm_tag_open("hundred"));
    left_in[2] = tm_malloc(100);
    tm_free(tm_malloc(1000));
    expect_peaks(3);
    if (*(int *)way == 1)
        fork_here(NULL);
    else if (*(int *)way == 2)
        in_thread(fork_here, NULL);
    return NULL;
}

/* While the thread lives, and after its exit, whichever of its slots is freed first. */
START_TEST(each_slot_has_its_threads_peak)
{
    in_thread(leave_in_three, &_i);
    for (int i = 0; i < 3; i++) {
        expect_peaks(3 - i);
        tm_free(left_in[i]);
    }
}
END_TEST

enum { CROWD = 4, CROWD_TAGS = 6, CROWD_BLOCKS = 200, ROUNDS = 300 };

static struct {
    pthread_mutex_t lock;
    void *block[CROWD_BLOCKS];
    size_t size[CROWD_BLOCKS], tag[CROWD_BLOCKS];
    uint64_t live[CROWD_TAGS], blocks[CROWD_TAGS], allocated[CROWD_TAGS];
} ledger = {.lock = PTHREAD_MUTEX_INITIALIZER};
static tm_tag crowd_tags[CROWD_TAGS];

/* Exchanges blocks with the ledger: most blocks that it takes out were allocated by another thread, in another tag. */
static void *crowd(void *arg)
{
    uint64_t random = (uintptr_t)arg + 1;
    for (int i = 0; i < ROUNDS; i++) {
        size_t tag = random_next(&random) % CROWD_TAGS;
        tm_tag_enter(crowd_tags[tag]);
        for (int j = 0; j < 10; j++) {
            size_t size = random_next(&random) % 300, place = random_next(&random) % CROWD_BLOCKS;
            void *block = j % 3 == 0 ? tm_memalign(64, size) : tm_malloc(size);
            pthread_mutex_lock(&ledger.lock);
            void *old = ledger.block[place];
            if (old) {
                ledger.live[ledger.tag[place]] -= ledger.size[place];
                ledger.blocks[ledger.tag[place]]--;
            }
            ledger.block[place] = block;
            ledger.size[place] = size;
            ledger.tag[place] = tag;
            ledger.live[tag] += size;
            ledger.allocated[tag] += size;
            ledger.blocks[tag]++;
            pthread_mutex_unlock(&ledger.lock);
            tm_free(old);
        }
    }
    return NULL;
}

static void crowd_rests(void)
{
    for (int i = 1; i < CROWD_TAGS; i++) {
        expect_tag(crowd_tags[i], ledger.live[i], ledger.blocks[i]);
        ck_assert_uint_eq(tag_totals(crowd_tags[i]).allocated_bytes, ledger.allocated[i]);
    }
}

START_TEST(every_tag_to_the_byte_whoever_frees)
{
    for (int i = 1; i < CROWD_TAGS; i++)
        crowd_tags[i] = tm_tag_open((char[]){'c', (char)('0' + i), 0});
    for (int generation = 0; generation < 5; generation++) {
        pthread_t threads[CROWD];
        for (uintptr_t i = 0; i < CROWD; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, crowd, (void *)(i + CROWD * (size_t)generation)), 0);
        for (int i = 0; i < CROWD; i++)
            pthread_join(threads[i], NULL);
        crowd_rests();
        expect_invariant();
    }
    for (int i = 0; i < CROWD_BLOCKS; i++)
        tm_free(ledger.block[i]);
    expect_process_live(0, 0);
    for (int i = 1; i < CROWD_TAGS; i++) {
        expect_tag(crowd_tags[i], 0, 0);
        ck_assert_uint_eq(tag_totals(crowd_tags[i]).allocated_bytes, ledger.allocated[i]);
    }
    ck_assert_uint_eq(count_slots(TM_LIVE), 1); /* this thread, which freed what was left: no other slot remains */
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
}
END_TEST

START_TEST(a_thread_in_all_tags)
{
    char name[16];
    uint64_t bytes = 0;
    static void *blocks[TM_TAGS_MAX];
    for (int i = 0; i < TM_TAGS_MAX; i++) {
        snprintf(name, sizeof name, "tag %d", i);
        tm_tag_enter(tm_tag_open(name));
        blocks[i] = tm_malloc((size_t)i);
        bytes += (uint64_t)i;
    }
    struct tm_totals mine = thread_totals();
    expect_live(&mine, bytes, TM_TAGS_MAX);
    for (int i = 0; i < TM_TAGS_MAX; i++)
        tm_free(blocks[i]);
    mine = thread_totals();
    expect_live(&mine, 0, 0);
    ck_assert_uint_eq(mine.peak_bytes, bytes);
}
END_TEST

static int count_tags(tm_tag tag, const char *name, const struct tm_totals *totals, void *arg)
{
    ck_assert_int_gt(tag, 0);
    ck_assert_str_ne(name, "");
    *(uint64_t *)arg += tm_live_bytes(totals) + 1000000;
    return 0;
}

static int stop_at_once(tm_tag tag, const char *name, const struct tm_totals *totals, void *arg)
{
    ck_assert_int_eq(tag, TM_TAG_OTHER);
    ck_assert_str_eq(name, "other");
    ck_assert(totals && !arg);
    return 17;
}

START_TEST(each_tag_is_seen)
{
    uint64_t sum = 0;
    tm_tag_enter(tm_tag_open("a"));
    void *first = tm_malloc(10);
    tm_tag_enter(tm_tag_open("b"));
    void *second = tm_malloc(20);
    ck_assert_int_eq(tm_each_tag(count_tags, &sum), 0);
    ck_assert_uint_eq(sum, 3000030); /* and "other" */
    ck_assert_int_eq(tm_each_tag(stop_at_once, NULL), 17);
    tm_free(first);
    tm_free(second);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tags");
    TCase *tcase = add_case(suite, "tags", 60);
    tcase_add_test(tcase, a_block_is_charged_to_the_tag_that_its_thread_is_in);
    tcase_add_loop_test(tcase, the_threads_peak_is_exact, 0, 10);
    tcase_add_loop_test(tcase, each_slot_has_its_threads_peak, 0, 3);
    tcase_add_test(tcase, every_tag_to_the_byte_whoever_frees);
    tcase_add_test(tcase, a_thread_in_all_tags);
    tcase_add_test(tcase, each_tag_is_seen);
    return run_suite(suite);
}
