/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Publishing on kernels before 5.14, which cannot be told that memory is to be there: the linker puts madvise in front.
 * Where flow is recorded, it is in the file as in the process, pair by pair, in that of a fork's child, too.
 */
#define _GNU_SOURCE
#include "state/area.h"
#include "support/published.h"

#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

static bool old; /* the kernel is one */

static size_t page_size; /* as on machines where it is larger; 0: it is as it is */
static char *lowest;     /* of the region's addresses */

unsigned long __real_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type)
{
    return type == AT_PAGESZ && page_size ? page_size : __real_getauxval(type);
}

/* With larger pages, an address in the midst of one is invalid. The region begins with one, and is asked for first. */
static bool is_of_pages(char *address)
{
    if (page_size == 0)
        return true;
    if (!lowest)
        lowest = address;
    return (size_t)(address - lowest) % page_size == 0;
}

int __real_tm__sys_madvise(void *address, size_t size, int advice);
int __wrap_tm__sys_madvise(void *address, size_t size, int advice);
int __wrap_tm__sys_madvise(void *address, size_t size, int advice)
{
    enum { POPULATE_WRITE = 23 };
    bool wrong = advice == POPULATE_WRITE && (old || !is_of_pages(address));
    return wrong ? -EINVAL : __real_tm__sys_madvise(address, size, advice);
}

/* ---- the oracle: what each of some threads freed of each other's blocks, counted here ---- */

enum { THREADS = 6, ROUNDS = 40 };

static struct pair {
    uint64_t owner, freer, bytes, blocks;
} pairs[THREADS * THREADS + THREADS + 1];
static size_t pair_count;

static void note(uint64_t owner, uint64_t freer, size_t size)
{
    size_t i = 0;
    while (i < pair_count && (pairs[i].owner != owner || pairs[i].freer != freer))
        i++;
    pair_count += i == pair_count;
    pairs[i] = (struct pair){owner, freer, pairs[i].bytes + size, pairs[i].blocks + 1};
}

struct found {
    size_t pairs;
    int wrong;
};

static int look_for(const struct tm_flow *flow, void *arg)
{
    struct found *found = arg;
    size_t i = 0;
    while (i < pair_count && (pairs[i].owner != flow->owner || pairs[i].freer != flow->freer))
        i++;
    found->pairs++;
    found->wrong += i == pair_count || pairs[i].bytes != flow->bytes || pairs[i].blocks != flow->blocks;
    return 0;
}

static void expect_pairs_in(const struct tm__region *region)
{
    const struct tm__flows *flows = (const void *)((const char *)region + region->head.flows_offset);
    struct found found = {0};
    for (int set = 0; set < TM__FLOW_SETS; set++)
        for (int way = 0; way < TM__FLOW_WAYS; way++) {
            const struct tm__flow_pair *pair = &flows->pairs[set].pairs[way];
            struct tm_flow flow = {.owner = (pair->key >> 32) - 1, .freer = (uint32_t)pair->key - 1};
            flow.bytes = pair->bytes;
            flow.blocks = pair->blocks;
            if (pair->key != 0)
                look_for(&flow, &found);
        }
    ck_assert_uint_eq(found.pairs, pair_count);
    ck_assert_int_eq(found.wrong, 0);
    ck_assert(region->head.flow_is_on);
}

static void expect_pairs(void)
{
    struct found found = {0};
    ck_assert_int_eq(tm_each_flow(look_for, &found), 0);
    ck_assert_uint_eq(found.pairs, pair_count);
    ck_assert_int_eq(found.wrong, 0);
    expect_pairs_in(map_file_of(getpid()));
}

/* ---- what they do ---- */

static void *blocks[THREADS][THREADS * ROUNDS]; /* of each */
static uint64_t ids[THREADS];
static pthread_barrier_t gate;

static size_t size_of(int owner, int block)
{
    return (size_t)(1 + owner * 100 + block);
}

static void *work(void *arg)
{
    int me = (int)(intptr_t)arg;
    for (int i = 0; i < THREADS * ROUNDS; i++)
        blocks[me][i] = tm_malloc(size_of(me, i));
    ids[me] = this_thread();
    pthread_barrier_wait(&gate);
    for (int other = 0; other < THREADS; other++)
        for (int i = me; i < THREADS * ROUNDS / 2; i += THREADS)
            tm_free(blocks[other][i]);
    return NULL;
}

static void free_each_others(void)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&gate, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int owner = 0; owner < THREADS; owner++)
        for (int i = 0; i < THREADS * ROUNDS / 2; i++)
            if (owner != i % THREADS)
                note(ids[owner], ids[i % THREADS], size_of(owner, i));
}

static void free_the_rest(void)
{
    for (int owner = 0; owner < THREADS; owner++)
        for (int i = THREADS * ROUNDS / 2; i < THREADS * ROUNDS; i++) {
            tm_free(blocks[owner][i]);
            note(ids[owner], this_thread(), size_of(owner, i));
        }
}

static void child_frees_the_rest(void)
{
    expect_pairs();
    free_the_rest();
    expect_pairs();
    in_child(expect_pairs); /* a fork of a fork */
    expect_invariant();
    exit(0);
}

START_TEST(flow_is_recorded_and_published)
{
    old = _i;
    setenv("THREADMETER_FLOW", "1", 1);
    void *mine = tm_malloc(1);
    free_each_others();
    expect_pairs();
    in_child(child_frees_the_rest);
    expect_pairs();
    free_the_rest();
    expect_pairs();
    tm_free(mine);
}
END_TEST

/* A file system of its own, that no other process sees; false where that is not allowed. */
static bool mount_small(const char *size)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", directory, "tmpfs", 0, size) == 0;
}

/* Old kernels' 4,096 slots take 2.6 MB, so do the flows; newer ones take some pages. */
START_TEST(where_flow_has_no_room_that_is_said)
{
    static const char line[] =
        "threadmeter: no room to record who freed whose blocks, so THREADMETER_FLOW is ignored\n";
    if (!mount_small(_i ? "size=4m" : "size=64k"))
        return;
    old = _i;
    setenv("THREADMETER_FLOW", "1", 1);
    int said = stderr_now();
    allocate();
    void *block = tm_malloc(20);
    in_thread(free_it, block);
    char text[1000] = "";
    ck_assert_int_ge(pread(said, text, sizeof text - 1, 0), 0);
    ck_assert_str_eq(text, line);
    struct found found = {0};
    ck_assert_int_eq(tm_each_flow(look_for, &found), 0);
    ck_assert_uint_eq(found.pairs, 0);
    const struct tm__region *region = map_file_of(getpid());
    ck_assert_uint_eq(live_in(region), 1000);
    ck_assert(!region->head.flow_is_on);
    expect_process_live(1000, 1);
    in_child(expect_invariant);
    ck_assert_int_eq(umount2(directory, MNT_DETACH), 0); /* the region are there */
}
END_TEST

/* Where pages are larger the kernel is no older: all slots may be used, not only those that an old one has room for. */
START_TEST(large_pages_are_not_an_old_kernel)
{
    page_size = 16384UL << 2 * _i;
    allocate();
    ck_assert_uint_eq(tm__region_memory.reserved, 0);
    expect_process_live(1000, 1);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("publish_old");
    TCase *tcase = add_case(suite, "publish_old", 60);
    tcase_add_checked_fixture(tcase, make_directory, remove_directory);
    tcase_add_loop_test(tcase, flow_is_recorded_and_published, 0, 2);
    tcase_add_loop_test(tcase, large_pages_are_not_an_old_kernel, 0, 2);
    if (!is_left_out("where_flow_has_no_room_that_is_said", ASKS_FOR_MEMORY))
        tcase_add_loop_test(tcase, where_flow_has_no_room_that_is_said, 0, 2);
    return run_suite(suite);
}
