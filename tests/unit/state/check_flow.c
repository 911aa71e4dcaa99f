/* SPDX-License-Identifier: BSD-3-Clause */
/* flow.c: THREADMETER_FLOW, which thread freed whose blocks. Each test is a process of its own, and sets it first. */
#define _GNU_SOURCE
#include "support/support.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <threadmeter/tags.h>
#include <unistd.h>

static void record_flow(void)
{
    ck_assert_int_eq(setenv("THREADMETER_FLOW", "1", 1), 0);
}

struct wanted {
    const char *owner, *freer;
    struct tm_flow found;
    int pairs;
    uint64_t bytes, blocks; /* of all */
};

static int look_at(const struct tm_flow *flow, void *arg)
{
    struct wanted *wanted = arg;
    wanted->pairs++;
    wanted->bytes += flow->bytes;
    wanted->blocks += flow->blocks;
    if (wanted->owner && strcmp(flow->owner_name, wanted->owner) == 0 && strcmp(flow->freer_name, wanted->freer) == 0)
        wanted->found = *flow;
    return 0;
}

static struct wanted find(const char *owner, const char *freer)
{
    struct wanted wanted = {.owner = owner, .freer = freer};
    ck_assert_int_eq(tm_each_flow(look_at, &wanted), 0);
    return wanted;
}

static void expect_pair(const char *owner, const char *freer, uint64_t bytes, uint64_t blocks)
{
    struct wanted wanted = find(owner, freer);
    ck_assert_msg(wanted.found.bytes == bytes && wanted.found.blocks == blocks, "%s -> %s: %lu bytes in %lu blocks",
                  owner, freer, wanted.found.bytes, wanted.found.blocks);
}

/* All pairs together are what the process's totals say. */
static void expect_whole(int pairs)
{
    struct wanted all = find(NULL, NULL);
    struct tm_totals process = process_totals();
    ck_assert_uint_eq(all.bytes, process.remote_frees_received_bytes);
    ck_assert_uint_eq(all.bytes, process.remote_frees_made_bytes);
    ck_assert_uint_eq(all.blocks, process.remote_frees_received_blocks);
    ck_assert(pairs < 0 || all.pairs == pairs);
}

static void name_me(const char *name)
{
    ck_assert_int_eq(pthread_setname_np(pthread_self(), name), 0);
}

struct handed {
    const char *name;
    size_t size;
    void *block;
    pid_t tid;
};

static void *give(void *arg)
{
    struct handed *handed = arg;
    name_me(handed->name);
    handed->tid = gettid();
    handed->block = tm_malloc(handed->size);
    return NULL;
}

static void *take(void *arg)
{
    struct handed *handed = arg;
    handed->tid = gettid();
    tm_free(handed->block);
    name_me(handed->name); /* the last one counts */
    return NULL;
}

START_TEST(nothing_is_recorded_unless_asked_for)
{
    if (_i == 0)
        unsetenv("THREADMETER_FLOW");
    else
        setenv("THREADMETER_FLOW", _i == 1 ? "" : "0", 1);
    struct handed handed = {.name = "giver", .size = 100};
    in_thread(give, &handed);
    tm_free(handed.block);
    ck_assert_int_eq(find("giver", "main").pairs, 0);
    ck_assert_uint_eq(process_totals().remote_frees_received_bytes, 100);
}
END_TEST

/* Once a thread has claimed a block, its frees of that are no flow. */
START_TEST(each_way_to_take_a_block_counts_once)
{
    record_flow();
    name_me("main");
    char name[16];
    tm_tag tag = tm_tag_open("tag");
    for (int way = 0; way < 6; way++) {
        snprintf(name, sizeof name, "giver %d", way);
        struct handed handed = {.name = name, .size = 1000};
        in_thread(give, &handed);
        void *block = handed.block;
        tm_tag_enter(way % 2 == 0 ? 0 : tag);
        if (way == 0)
            block = tm_realloc(block, 5000);
        else if (way == 1)
            block = tm_realloc(block, 10);
        else if (way == 2)
            ck_assert_int_eq(tm_claim(block), 0);
        else if (way == 3)
            block = (tm_free(block), NULL);
        else if (way == 4)
            block = (tm_free_sized(block, 1000), NULL);
        else
            block = tm_reallocarray(block, 300, 300);
        expect_pair(name, "main", 1000, 1);
        tm_tag_enter(0); /* between two tags of one thread there is none */
        tm_free(block);
        expect_pair(name, "main", 1000, 1);
        struct wanted wanted = find(name, "main");
        ck_assert_int_eq(wanted.found.owner_tid, handed.tid);
        ck_assert_int_eq(wanted.found.freer_tid, gettid());
        expect_whole(way + 1);
    }
}
END_TEST

START_TEST(names_are_the_last_ones)
{
    record_flow();
    name_me("old");
    struct handed handed = {.name = "giver", .size = 10};
    in_thread(give, &handed);
    handed.name = "taker at last";
    in_thread(take, &handed); /* the giver is gone by that, and another will have its slot */
    struct handed next = {.name = "next", .size = 10};
    in_thread(give, &next);
    tm_free(next.block);
    name_me("new");
    expect_pair("giver", "taker at last", 10, 1);
    expect_pair("next", "new", 10, 1);
    struct wanted wanted = find("giver", "taker at last");
    ck_assert_int_eq(wanted.found.freer_tid, handed.tid);
    ck_assert_uint_ne(wanted.found.freer, wanted.found.owner);
    expect_whole(2);
}
END_TEST

static int stop_at_once(const struct tm_flow *flow, void *arg)
{
    ck_assert(flow->blocks == 1 && !arg);
    return 23;
}

START_TEST(a_visitor_ends_the_walk)
{
    record_flow();
    struct handed handed = {.name = "giver", .size = 10};
    for (int i = 0; i < 3; i++) {
        in_thread(give, &handed);
        tm_free(handed.block);
    }
    ck_assert_int_eq(tm_each_flow(stop_at_once, NULL), 23);
    expect_whole(3);
}
END_TEST

enum { CROWD = 5, PLACES = 100, STEPS = SANITIZED ? 500 : 5000 };

static struct {
    pthread_mutex_t lock;
    struct {
        void *block;
        size_t size;
        int owner;
    } at[PLACES];
    uint64_t bytes[CROWD][CROWD], blocks[CROWD][CROWD];
} ledger = {.lock = PTHREAD_MUTEX_INITIALIZER};

static pthread_barrier_t all;

/* Each thread exchanges blocks with each other one, and counts for itself. */
static void *exchange(void *arg)
{
    int self = (int)(uintptr_t)arg;
    uint64_t random = (uintptr_t)arg + 1;
    name_me((char[]){'t', (char)('0' + self), '\0'});
    for (int i = 0; i < STEPS; i++) {
        if (i % 50 == 0)
            pthread_barrier_wait(&all); /* or the first might be done before the last begins */
        size_t size = random_next(&random) % 2000, place = random_next(&random) % PLACES;
        void *block = i % 5 == 0 ? tm_memalign(256, size) : tm_malloc(size);
        pthread_mutex_lock(&ledger.lock);
        void *old = ledger.at[place].block;
        int owner = ledger.at[place].owner;
        if (old && owner != self) {
            ledger.bytes[owner][self] += ledger.at[place].size;
            ledger.blocks[owner][self]++;
        }
        ledger.at[place].block = block;
        ledger.at[place].size = size;
        ledger.at[place].owner = self;
        pthread_mutex_unlock(&ledger.lock);
        tm_free(old);
    }
    return NULL;
}

START_TEST(the_matrix_is_exact)
{
    record_flow();
    pthread_t threads[CROWD];
    pthread_barrier_init(&all, NULL, CROWD);
    for (uintptr_t i = 0; i < CROWD; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, exchange, (void *)i), 0);
    for (int i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    int pairs = 0;
    for (int i = 0; i < CROWD; i++)
        for (int k = 0; k < CROWD; k++) {
            expect_pair((char[]){'t', (char)('0' + i), '\0'}, (char[]){'t', (char)('0' + k), '\0'}, ledger.bytes[i][k],
                        ledger.blocks[i][k]);
            pairs += ledger.blocks[i][k] > 0;
        }
    ck_assert_int_eq(pairs, CROWD * (CROWD - 1));
    expect_whole(pairs);
    for (int i = 0; i < PLACES; i++)
        tm_free(ledger.at[i].block);
    expect_whole(-1);
}
END_TEST

static void *_Atomic given;

static void *take_and_end(void *arg)
{
    tm_free(atomic_exchange(&given, NULL));
    return arg;
}

/* More pairs than there is room for: a busy one stays, with its whole count, and the others' frees are not lost. */
START_TEST(beyond_the_table_the_least_busy_are_one)
{
    enum { THREADS = 45000 };
    record_flow();
    name_me("main");
    struct handed handed = {.name = "busy", .size = 1000};
    in_thread(give, &handed); /* before all others */
    tm_free(handed.block);
    for (int i = 0; i < THREADS; i++) {
        given = tm_malloc(16);
        in_thread(take_and_end, NULL);
    }
    struct wanted others = find("(others)", "(others)");
    ck_assert_uint_ge(others.found.blocks, THREADS - 8 * 4096);
    ck_assert_uint_eq(others.found.bytes, others.found.blocks * 16);
    ck_assert_int_gt(others.pairs, 30000);
    expect_pair("busy", "main", 1000, 1);
    expect_whole(-1);
}
END_TEST

static pthread_key_t last_key;
static void *late_block;

static void allocate_late(void *round)
{
    if ((uintptr_t)round == PTHREAD_DESTRUCTOR_ITERATIONS)
        late_block = tm_malloc(77);
    else
        pthread_setspecific(last_key, (char *)round + 1);
}

static void *end_late(void *arg)
{
    tm_free(tm_malloc(1));
    pthread_setspecific(last_key, (void *)1);
    return arg;
}

START_TEST(what_nobody_owns_is_shared)
{
    record_flow();
    name_me("main");
    tm_free(tm_malloc(1));
    ck_assert_int_eq(pthread_key_create(&last_key, allocate_late), 0);
    in_thread(end_late, NULL);
    tm_free(late_block);
    expect_pair("(shared)", "main", 77, 1);
    expect_whole(1);
}
END_TEST

static _Atomic bool stop;

static void *flow_on(void *arg)
{
    while (!stop) {
        tm_free(atomic_exchange(&given, tm_malloc(100)));
        if (arg)
            in_thread(take_and_end, NULL);
    }
    return NULL;
}

static void child_frees(void)
{
    struct wanted before = find(NULL, NULL);
    for (int i = 0; i < 20; i++) {
        tm_free(atomic_exchange(&given, tm_malloc(100)));
        in_thread(take_and_end, NULL);
    }
    struct wanted after = find(NULL, NULL);
    ck_assert_uint_gt(after.blocks, before.blocks);
}

START_TEST(forks_in_mid_flow)
{
    record_flow();
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, flow_on, (void *)(i % 2)), 0);
    for (int i = 0; i < 100; i++)
        in_child(child_frees);
    stop = true;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    tm_free(atomic_exchange(&given, NULL));
    expect_whole(-1);
}
END_TEST

START_TEST(the_report_has_the_busiest_pairs)
{
    enum { PAIRS = 20 };
    record_flow();
    name_me("main");
    static struct handed handed[PAIRS];
    char name[PAIRS][16], text[20000] = "", expected[200];
    for (int i = 0; i < PAIRS; i++) {
        int size = 100 + i * 7 % PAIRS;
        snprintf(name[i], sizeof name[i], "giver %d", size);
        handed[i] = (struct handed){.name = name[i], .size = (size_t)size};
        in_thread(give, &handed[i]);
        tm_free(handed[i].block);
    }
    int fd = memfd_create("report", 0);
    ck_assert_int_eq(tm_report(fd), 0);
    ck_assert_int_gt(pread(fd, text, sizeof text - 1, 0), 0);
    close(fd);
    const char *above =
        strstr(text, "\n\nOWNER                 TID  FREED BY              TID        BYTES   BLOCKS  SHARE\n");
    for (int size = 100 + PAIRS - 1; size >= 104; size--) {
        int i = 0;
        while (handed[i].size != (size_t)size)
            i++;
        snprintf(expected, sizeof expected, "\n%-16.15s%9d  main            %9d  %9d B        1    %d %%\n", name[i],
                 (int)handed[i].tid, (int)gettid(), size, (size * 200 + 2190) / 4380); /* rounded */
        const char *row = strstr(text, expected);
        ck_assert_msg(above && row && row >= above, "not there, or not in order: %s\n%.3000s", expected, text);
        above = row;
    }
    snprintf(expected, sizeof expected, "\n%-54s%11s        4   19 %%\n\n0 foreign frees", "(others)", "406 B");
    ck_assert_msg(strstr(text, expected) != NULL, "not there: %s\n%.3000s", expected, text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow");
    TCase *tcase = add_case(suite, "flow", 120);
    tcase_add_loop_test(tcase, nothing_is_recorded_unless_asked_for, 0, 3);
    tcase_add_test(tcase, each_way_to_take_a_block_counts_once);
    tcase_add_test(tcase, names_are_the_last_ones);
    tcase_add_test(tcase, a_visitor_ends_the_walk);
    tcase_add_test(tcase, the_matrix_is_exact);
    tcase_add_test(tcase, the_report_has_the_busiest_pairs);
    if (!SANITIZED) {
        add_unless_emulated(tcase, beyond_the_table_the_least_busy_are_one, KEEPS_THREADS);
        tcase_add_test(tcase, what_nobody_owns_is_shared);
        add_unless_emulated(tcase, forks_in_mid_flow, NO_FORK_IN_MID_STORM);
    }
    return run_suite(suite);
}
