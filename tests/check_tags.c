/* SPDX-License-Identifier: BSD-3-Clause */
/* tags.c, siblings.c: memory by purpose, beside by thread. */
#define _GNU_SOURCE
#include "support.h"

#include <pthread.h>
#include <threadmeter/limits.h>
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
    tm_tag_enter(net); /* in which tag a block is freed is all the same */
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
    ck_assert_uint_eq(mine.freed_by_others_blocks, 0);
    ck_assert_uint_eq(tag_totals(parser).allocated_bytes, 1010);
    ck_assert_uint_eq(tag_totals(parser).freed_by_others_blocks, 0);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(names_are_interned)
{
    tm_tag first = tm_tag_open("cache");
    ck_assert_int_eq(tm_tag_open("cache"), first);
    ck_assert_int_ne(tm_tag_open("Cache"), first);
    char name[TM_TAG_NAME_MAX + 1];
    ck_assert_int_eq(tm_tag_name(first, name), 0);
    ck_assert_str_eq(name, "cache");
    ck_assert_int_eq(tm_tag_close(first), 0); /* it was opened twice */
    ck_assert_int_eq(tm_tag_enter(first), 0);
    tm_tag_leave(0);
    ck_assert_int_eq(tm_tag_close(first), 0);
    ck_assert_int_eq(tm_tag_close(first), -EINVAL);
}
END_TEST

START_TEST(names_that_are_none)
{
    static const char *const names[] = {NULL, "", "12345678901234567890123456789012", "two\nlines", "\t"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_int_eq(tm_tag_open(names[i]), -EINVAL);
    ck_assert_int_gt(tm_tag_open("1234567890123456789012345678901"), 0);
    ck_assert_int_gt(tm_tag_open("größer als"), 0);
}
END_TEST

START_TEST(what_is_no_tag_changes_nothing)
{
    tm_tag open = tm_tag_open("open"), closed = tm_tag_open("closed");
    ck_assert_int_eq(tm_tag_close(closed), 0);
    const tm_tag wrong[] = {-1, -EINVAL, INT32_MIN, INT32_MAX, closed, open + 4096, 7};
    tm_tag_enter(open);
    errno = 99;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct tm_totals totals;
        char name[TM_TAG_NAME_MAX + 1];
        ck_assert_int_eq(tm_tag_enter(wrong[i]), -EINVAL);
        ck_assert_int_eq(tm_tag_current(), open);
        tm_tag_leave(-EINVAL);
        ck_assert_int_eq(tm_tag_current(), open);
        ck_assert_int_eq(tm_tag_close(wrong[i]), -EINVAL);
        ck_assert_int_eq(tm_tag_totals(wrong[i], &totals), -EINVAL);
        ck_assert_int_eq(tm_tag_name(wrong[i], name), -EINVAL);
        ck_assert_str_eq(name, "");
    }
    ck_assert_int_eq(errno, 99);
    char *block = tm_malloc(5);
    expect_tag(open, 5, 1);
    tm_free(block);
}
END_TEST

START_TEST(unbalanced_leaves_end_in_no_tag)
{
    tm_tag outer = tm_tag_open("outer"), inner = tm_tag_open("inner");
    tm_tag_leave(0);
    ck_assert_int_eq(tm_tag_current(), 0);
    tm_tag before_outer = tm_tag_enter(outer), before_inner = tm_tag_enter(inner);
    tm_tag_leave(before_outer); /* the inner one forgotten */
    ck_assert_int_eq(tm_tag_current(), 0);
    tm_tag_leave(before_inner);
    ck_assert_int_eq(tm_tag_current(), outer);
    ck_assert_int_eq(tm_tag_close(inner), 0);
    tm_tag_leave(inner); /* ended since */
    ck_assert_int_eq(tm_tag_current(), 0);
}
END_TEST

START_TEST(a_scope_leaves_by_itself)
{
    tm_tag outer = tm_tag_open("outer"), inner = tm_tag_open("inner");
    for (int i = 0; i < 3; i++) {
        TM_TAG_SCOPE(outer);
        ck_assert_int_eq(tm_tag_current(), outer);
        {
            TM_TAG_SCOPE(inner);
            ck_assert_int_eq(tm_tag_current(), inner);
            if (i == 1)
                continue;
        }
        ck_assert_int_eq(tm_tag_current(), outer);
    }
    ck_assert_int_eq(tm_tag_current(), 0);
}
END_TEST

/* Of its blocks in any tag, the thread's peak is the highest sum at one time; not the sum of peaks. */
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
        return 0; /* who only frees */
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

/* While it lives, and when it is gone, whichever of its slots goes first. */
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

/* Exchanges blocks with the ledger: what it takes out was mostly allocated by another thread, in another tag. */
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
        books_balance();
    }
    for (int i = 0; i < CROWD_BLOCKS; i++)
        tm_free(ledger.block[i]);
    expect_process_live(0, 0);
    for (int i = 1; i < CROWD_TAGS; i++) {
        expect_tag(crowd_tags[i], 0, 0);
        ck_assert_uint_eq(tag_totals(crowd_tags[i]).allocated_bytes, ledger.allocated[i]);
    }
    ck_assert_uint_eq(count_slots(TM_LIVE), 1); /* this one, who freed what was left: no slot is left behind */
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
}
END_TEST

static void *leave_a_block_in(void *arg)
{
    tm_tag_enter(*(tm_tag *)arg);
    return tm_malloc(77);
}

START_TEST(a_tag_outlives_its_threads_and_its_end)
{
    tm_tag request = tm_tag_open("request");
    pthread_t thread;
    void *block;
    pthread_create(&thread, NULL, leave_a_block_in, &request);
    pthread_join(thread, &block);
    expect_tag(request, 77, 1);
    ck_assert_int_eq(tm_tag_close(request), 0);
    expect_tag(request, 77, 1);
    ck_assert_int_ne(tm_tag_open("request"), request); /* another one */
    tm_free(block);
    struct tm_totals totals;
    ck_assert_int_eq(tm_tag_totals(request, &totals), -EINVAL);
}
END_TEST

/* As a server that has a tag for each request: neither tags nor slots run out. */
START_TEST(tags_come_and_go)
{
    void *kept[8] = {0};
    tm_tag tag_of[8] = {0};
    uint64_t allocated = 0;
    for (unsigned i = 0; i < 20000; i++) {
        tm_tag tag = tm_tag_open("request");
        ck_assert_int_gt(tag, TM_TAG_OTHER);
        tm_tag previous = tm_tag_enter(tag);
        ck_assert_int_eq(tm_tag_close(tag), 0);
        tm_free(kept[i % 8]); /* of an earlier request, which ends by that */
        kept[i % 8] = tm_malloc(i % 100 + 1);
        allocated += i % 100 + 1;
        tag_of[i % 8] = tag;
        expect_tag(tag, i % 100 + 1, 1);
        tm_tag_leave(previous);
    }
    for (int i = 0; i < 8; i++) {
        struct tm_totals totals;
        ck_assert_int_eq(tm_tag_totals(tag_of[i], &totals), 0);
        tm_free(kept[i]);
    }
    ck_assert_uint_eq(thread_totals().allocated_bytes, allocated);
    struct tm_totals mine = thread_totals();
    expect_live(&mine, 0, 0);
    ck_assert_uint_le(count_slots(TM_LIVE), 10);
}
END_TEST

static void expect_new(tm_tag tag)
{
    static const struct tm_totals nothing;
    struct tm_totals totals = tag_totals(tag);
    ck_assert_int_eq(memcmp(&totals, &nothing, sizeof totals), 0);
}

/* Where an ended tag was there is another one: it has nothing of that, and who has the old number has no tag. */
START_TEST(an_ended_tags_number_is_no_tag)
{
    tm_tag old = tm_tag_open("old");
    tm_tag_enter(old);
    tm_tag_limit(old, 100);
    void *given = tm_malloc(100);
    in_thread(free_it, given);
    ck_assert_int_eq(tm_tag_close(old), 0);
    tm_tag_enter(0);
    tm_tag_leave(tm_tag_enter(TM_TAG_OTHER)); /* the thread has left it */
    tm_tag new = tm_tag_open("new");
    struct tm_totals totals;
    char name[TM_TAG_NAME_MAX + 1];
    expect_new(new);
    ck_assert_int_ne(new, old);
    ck_assert_int_eq(tm_tag_enter(old), -EINVAL);
    ck_assert_int_eq(tm_tag_close(old), -EINVAL);
    ck_assert_int_eq(tm_tag_limit(old, 1), -EINVAL);
    ck_assert_int_eq(tm_tag_totals(old, &totals), -EINVAL);
    ck_assert_int_eq(tm_tag_name(old, name), -EINVAL);
    ck_assert_int_eq(tm_tag_name(new, name), 0);
    ck_assert_str_eq(name, "new");
    tm_tag_enter(new);
    void *block = tm_malloc(1000); /* the old one's limit is gone, too */
    expect_tag(new, 1000, 1);
    tm_free(block);
}
END_TEST

/* As the header says, though it is always the same place in the table. */
START_TEST(a_number_comes_again_after_500000_others)
{
    tm_tag first = tm_tag_open("first"), next = 0;
    ck_assert_int_eq(tm_tag_close(first), 0);
    int others = 0;
    for (; next != first && others < 600000; others++) {
        next = tm_tag_open("next");
        if (next <= TM_TAG_OTHER || tm_tag_close(next) != 0)
            break;
    }
    ck_assert_int_gt(next, TM_TAG_OTHER);
    ck_assert_int_ge(others, 500000);
}
END_TEST

START_TEST(too_many_are_other)
{
    char name[16];
    static tm_tag tags[TM_TAGS_MAX];
    for (int i = 0; i < TM_TAGS_MAX; i++) {
        snprintf(name, sizeof name, "tag %d", i);
        tags[i] = tm_tag_open(name);
        ck_assert_int_gt(tags[i], TM_TAG_OTHER);
    }
    ck_assert_int_eq(tm_tag_open("one more"), TM_TAG_OTHER);
    ck_assert_int_eq(tm_tag_open("tag 17"), tags[17]);
    tm_tag_enter(TM_TAG_OTHER);
    void *block = tm_malloc(3);
    tm_tag_leave(0);
    expect_tag(TM_TAG_OTHER, 3, 1);
    ck_assert_int_eq(tm_tag_close(TM_TAG_OTHER), 0);
    expect_tag(TM_TAG_OTHER, 3, 1);
    tm_free(block);
    ck_assert_int_eq(tm_tag_close(tags[5]), 0);
    ck_assert_int_gt(tm_tag_open("one more"), TM_TAG_OTHER);
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
    tcase_add_test(tcase, names_are_interned);
    tcase_add_test(tcase, names_that_are_none);
    tcase_add_test(tcase, what_is_no_tag_changes_nothing);
    tcase_add_test(tcase, unbalanced_leaves_end_in_no_tag);
    tcase_add_test(tcase, a_scope_leaves_by_itself);
    tcase_add_loop_test(tcase, the_threads_peak_is_exact, 0, 10);
    tcase_add_loop_test(tcase, each_slot_has_its_threads_peak, 0, 3);
    tcase_add_test(tcase, every_tag_to_the_byte_whoever_frees);
    tcase_add_test(tcase, a_tag_outlives_its_threads_and_its_end);
    tcase_add_test(tcase, tags_come_and_go);
    tcase_add_test(tcase, an_ended_tags_number_is_no_tag);
    tcase_add_test(tcase, a_number_comes_again_after_500000_others);
    tcase_add_test(tcase, too_many_are_other);
    tcase_add_test(tcase, a_thread_in_all_tags);
    tcase_add_test(tcase, each_tag_is_seen);
    return run_suite(suite);
}
