/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * table.c: full, missing, reused, raced. Built with the library's sources and a table of 64 slots, of which 62 are for
 * threads.
 */
#define _GNU_SOURCE
#include "state/open.h"
#include "state/slots.h"
#include "support/support.h"

#include <pthread.h>
#include <sys/resource.h>
#include <threadmeter/limits.h>
#include <unistd.h>

enum { FOR_THREADS = 62, THREADS = 100 };

static pthread_barrier_t all_allocated, all_seen;
static void *block_of[THREADS];

static void *allocate_and_wait(void *arg)
{
    size_t number = (uintptr_t)arg;
    block_of[number] = tm_malloc(1000 + number);
    pthread_barrier_wait(&all_allocated);
    pthread_barrier_wait(&all_seen);
    tm_free(block_of[(number + 1) % THREADS]); /* across the border between own and shared slots, too */
    void *again = tm_realloc(tm_malloc(10), 20);
    tm_free(again);
    return NULL;
}

START_TEST(when_it_is_full_threads_share_the_overflow_slot)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&all_allocated, NULL, THREADS + 1);
    pthread_barrier_init(&all_seen, NULL, THREADS + 1);
    uint64_t bytes = 0;
    for (size_t i = 0; i < THREADS; i++) {
        bytes += 1000 + i;
        pthread_create(&threads[i], NULL, allocate_and_wait, (void *)i);
    }
    pthread_barrier_wait(&all_allocated);
    ck_assert_uint_eq(count_slots(TM_LIVE), FOR_THREADS);
    struct tm_slot overflow;
    ck_assert(find_slot_in(TM_OVERFLOW, &overflow));
    ck_assert_uint_eq(tm_live_blocks(&overflow.totals), THREADS - FOR_THREADS);
    ck_assert_uint_eq(overflow.totals.peak_bytes, tm_live_bytes(&overflow.totals));
    expect_process_live(bytes, THREADS);
    expect_invariant();
    pthread_barrier_wait(&all_seen);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    expect_process_live(0, 0);
    ck_assert_uint_eq(count_slots(TM_LIVE) + count_slots(TM_ORPHAN), 0);
    void *block = tm_malloc(1); /* and there is room again */
    ck_assert_uint_eq(count_slots(TM_LIVE), 1);
    tm_free(block);
}
END_TEST

static void *leave_one(void *arg)
{
    *(void **)arg = tm_malloc(10);
    return NULL;
}

static void *free_all(void *blocks)
{
    for (int i = 0; i < THREADS; i++)
        tm_free(((void **)blocks)[i]);
    return NULL;
}

START_TEST(orphans_fill_it_and_leave_it)
{
    static void *blocks[THREADS];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < THREADS; i++)
            in_thread(leave_one, &blocks[i]);
        ck_assert_uint_eq(count_slots(TM_ORPHAN), FOR_THREADS);
        expect_process_live(THREADS * 10, THREADS);
        expect_invariant();
        in_thread(free_all, blocks); /* this thread needs a slot, too; it has one in the end, and leaves it */
        ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
        expect_process_live(0, 0);
    }
}
END_TEST

static pthread_key_t late_key;

static void allocate_at_last(void *arg)
{
    tm_free(tm_malloc(10));
    *(void **)arg = tm_malloc(20);
}

static void *first_allocates_in_a_destructor(void *arg)
{
    pthread_setspecific(late_key, arg);
    return NULL;
}

/* Of such a thread no more destructor is run in as many rounds as one that allocated before has. */
START_TEST(threads_that_attach_as_they_die_do_not_fill_it)
{
    static void *left[10 * FOR_THREADS];
    struct tm_slot overflow;
    pthread_key_create(&late_key, allocate_at_last);
    tm_free(tm_malloc(1));
    for (int i = 0; i < 10 * FOR_THREADS; i++) {
        in_thread(first_allocates_in_a_destructor, &left[i]);
        if (i % 2 == 0)
            tm_free(left[i]);
        if (i % 30 == 29)
            for (int k = i - 29; k <= i; k++)
                if (k % 2 == 1)
                    tm_free(left[k]);
    }
    expect_process_live((10 * FOR_THREADS % 30) / 2 * 20, (10 * FOR_THREADS % 30) / 2);
    find_slot_in(TM_OVERFLOW, &overflow);
    ck_assert_uint_eq(overflow.totals.allocated_blocks, 0);
    ck_assert_uint_eq(count_slots(TM_LIVE), 1);
    for (int k = 10 * FOR_THREADS / 30 * 30; k < 10 * FOR_THREADS; k++)
        if (k % 2 == 1)
            tm_free(left[k]);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
    expect_process_live(0, 0);
    expect_invariant();
    pthread_key_delete(late_key);
}
END_TEST

static _Atomic bool stop;
static void *_Atomic handed;

static void *short_life(void *arg)
{
    (void)arg;
    tm_free(atomic_exchange(&handed, tm_malloc(100)));
    return NULL;
}

static void *spawn(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3000; i++)
        in_thread(short_life, NULL);
    return NULL;
}

static void *take_last(void *arg)
{
    tm_free(atomic_exchange(&handed, NULL));
    return arg;
}

static void *take_away(void *arg)
{
    (void)arg;
    while (!stop)
        tm_free(atomic_exchange(&handed, NULL));
    return NULL;
}

/* Threads end while others free their last blocks: each slot must be retired once, and only once. */
START_TEST(the_last_block_and_the_owner_go_at_the_same_time)
{
    pthread_t spawners[3], takers[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&takers[i], NULL, take_away, NULL);
    for (int i = 0; i < 3; i++)
        pthread_create(&spawners[i], NULL, spawn, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(spawners[i], NULL);
    stop = true;
    for (int i = 0; i < 2; i++)
        pthread_join(takers[i], NULL);
    in_thread(take_last, NULL);
    expect_process_live(0, 0);
    ck_assert_uint_eq(process_totals().allocated_blocks, 9000);
    ck_assert_uint_eq(count_slots(TM_LIVE) + count_slots(TM_ORPHAN), 0);

    /* Nothing leaked: as many slots as ever can be taken. */
    for (int i = 0; i < FOR_THREADS; i++)
        ck_assert_uint_ne(tm__take_slot(), TM__NO_SLOT);
    ck_assert_uint_eq(tm__take_slot(), TM__NO_SLOT);
    for (uint32_t i = TM__SHARED_SLOTS; i < TM__SHARED_SLOTS + FOR_THREADS; i++)
        tm__give_slot(i);
    ck_assert_uint_eq(tm__slots_used(), TM__SHARED_SLOTS + FOR_THREADS);
}
END_TEST

/* ---- a full table, and what goes on around it ---- */

static void *orphans[FOR_THREADS];

static void fill_with_orphans(void)
{
    for (int i = 0; i < FOR_THREADS; i++)
        in_thread(leave_one, &orphans[i]);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), FOR_THREADS);
}

static void empty_of_orphans(void)
{
    for (int i = 0; i < FOR_THREADS; i++)
        tm_free(orphans[i]);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
}

static void expect_overflow(uint64_t bytes, uint64_t blocks)
{
    struct tm_slot overflow;
    ck_assert(find_slot_in(TM_OVERFLOW, &overflow));
    expect_live(&overflow.totals, bytes, blocks);
}

static void *left_in_overflow;

/* One slot for its whole life, though others have become free meanwhile; and it leaves none. */
static void *live_in_overflow(void *arg)
{
    struct tm_totals totals;
    char *block = tm_malloc(100), *aligned = tm_memalign(256, 50), *copy = tm_strdup("seven");
    expect_overflow(156, 3);
    ck_assert_int_eq(tm_thread_totals_of(gettid(), &totals), -ESRCH);
    tm_thread_totals(&totals);
    expect_live(&totals, 156, 3);
    empty_of_orphans();
    block = tm_realloc(block, 100000);
    expect_overflow(100056, 3);
    ck_assert_uint_eq(count_slots(TM_LIVE), 0);
    tm_free(aligned);
    tm_free(copy);
    left_in_overflow = block;
    expect_overflow(100000, 1);
    return arg;
}

START_TEST(who_began_in_the_overflow_slot_stays_there)
{
    fill_with_orphans();
    in_thread(live_in_overflow, NULL);
    expect_overflow(100000, 1);
    char *mine = tm_malloc(5); /* there is room now */
    ck_assert_uint_eq(count_slots(TM_LIVE), 1);
    left_in_overflow = tm_realloc(left_in_overflow, 6);
    expect_overflow(0, 0);
    struct tm_totals totals = thread_totals();
    expect_live(&totals, 11, 2);
    tm_free(left_in_overflow);
    tm_free(mine);
    expect_invariant();
}
END_TEST

/* Of a thread without a slot the library keeps nothing that it could hold against a limit. */
static void *bound_what_has_no_slot(void *tag)
{
    struct tm_section section;
    ck_assert_int_eq(tm_thread_limit(1000), -ENOMEM);
    ck_assert_int_eq(tm_thread_soft_limit(1000, NULL, NULL), -ENOMEM);
    ck_assert_int_eq(tm_section_begin(&section), -ENOMEM);
    ck_assert_int_eq(tm_section_end(&section, NULL), -EINVAL);
    ck_assert_int_eq(tm_tag_enter(*(tm_tag *)tag), 0);
    ck_assert_int_eq(tm_tag_current(), *(tm_tag *)tag);
    void *block = tm_malloc(5000);
    expect_overflow(5000, 1);
    ck_assert_int_eq(tm_tag_enter(-5), -EINVAL);
    tm_tag_leave(0);
    tm_free(block);
    expect_overflow(0, 0);
    return NULL;
}

START_TEST(bounds_want_a_slot)
{
    fill_with_orphans();
    tm_tag tag = tm_tag_open("crowded");
    in_thread(bound_what_has_no_slot, &tag);
    empty_of_orphans();
    expect_invariant();
}
END_TEST

/* In and out of tags for which there is no slot: the thread's limit and peak are of what it has in its own slots. */
START_TEST(a_tag_without_a_slot_is_in_the_overflow_slot)
{
    tm_tag tag = tm_tag_open("no slot"), other = tm_tag_open("a slot");
    void *mine = tm_malloc(1000);
    tm_tag_enter(other);
    void *others = tm_malloc(500);
    for (int i = 0; i < FOR_THREADS - 2; i++)
        in_thread(leave_one, &orphans[i]);
    ck_assert_int_eq(tm_thread_limit(2000), 0);
    for (int round = 0; round < 3; round++) {
        tm_tag_enter(tag);
        void *outside = tm_malloc(10000); /* no limit of ours there */
        expect_overflow(10000, 1);
        expect_tag(tag, 0, 0);
        struct tm_totals totals = thread_totals();
        expect_live(&totals, 1500, 2);
        tm_free(mine); /* makes room where the thread goes next */
        tm_tag_enter(round % 2 ? 0 : other);
        ck_assert_ptr_null(tm_malloc(1501));
        void *room = tm_malloc(1500);
        ck_assert_ptr_nonnull(room);
        ck_assert_ptr_null(tm_malloc(1));
        tm_tag_enter(tag);
        tm_free(room);
        tm_tag_enter(0);
        mine = tm_malloc(1000);
        ck_assert_ptr_null(tm_malloc(501));
        ck_assert_uint_eq(thread_totals().peak_bytes, 2000);
        tm_free(outside);
        expect_overflow(0, 0);
    }
    for (int i = 0; i < FOR_THREADS - 2; i++)
        tm_free(orphans[i]);
    tm_tag_enter(tag); /* there is one now */
    void *inside = tm_malloc(100);
    expect_tag(tag, 100, 1);
    tm_free(inside);
    tm_free(mine);
    tm_free(others);
    expect_invariant();
}
END_TEST

static void *take_a_slot(void *arg)
{
    void *block = tm_malloc(1);
    ck_assert_uint_eq(count_slots(TM_LIVE), 1);
    tm_free(block);
    return arg;
}

static void live_on_full(void)
{
    expect_process_live(FOR_THREADS * 10 + 8, FOR_THREADS + 1);
    expect_overflow(8, 1);
    expect_invariant();
    empty_of_orphans();
    tm_free(tm_malloc(100));
    expect_overflow(8, 1); /* ours, as before the fork */
    if (!SANITIZED)        /* a thread sanitizer would not have it */
        in_thread(take_a_slot, NULL);
    expect_invariant();
}

START_TEST(a_fork_with_a_full_table)
{
    fill_with_orphans();
    void *mine = tm_malloc(8);
    in_child(live_on_full);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), FOR_THREADS);
    empty_of_orphans();
    tm_free(mine);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(without_memory_for_a_table_the_overflow_slot_serves)
{
    struct rlimit all, none = {0, 0};
    getrlimit(RLIMIT_AS, &all);
    none.rlim_max = all.rlim_max;
    free(malloc(100)); /* what the C library needs for itself */
    setrlimit(RLIMIT_AS, &none);
    bool is_open = tm__open_region();
    setrlimit(RLIMIT_AS, &all);
    ck_assert(!is_open);

    void *block = tm_malloc(10), *kept;
    in_thread(leave_one, &kept);
    struct tm_slot overflow;
    ck_assert(find_slot_in(TM_OVERFLOW, &overflow));
    expect_live(&overflow.totals, 20, 2);
    tm_free(block);
    tm_free(kept);
    expect_process_live(0, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *tcase = add_case(suite, "table", 120);
    tcase_add_test(tcase, when_it_is_full_threads_share_the_overflow_slot);
    tcase_add_test(tcase, orphans_fill_it_and_leave_it);
    tcase_add_test(tcase, threads_that_attach_as_they_die_do_not_fill_it);
    add_unless_emulated(tcase, the_last_block_and_the_owner_go_at_the_same_time, KEEPS_THREADS);
    tcase_add_test(tcase, who_began_in_the_overflow_slot_stays_there);
    tcase_add_test(tcase, bounds_want_a_slot);
    tcase_add_test(tcase, a_tag_without_a_slot_is_in_the_overflow_slot);
    tcase_add_test(tcase, a_fork_with_a_full_table);
    if (!SANITIZED)
        add_unless_emulated(tcase, without_memory_for_a_table_the_overflow_slot_serves, NO_LIMIT_OF_MEMORY);
    return run_suite(suite);
}
