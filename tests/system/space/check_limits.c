/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What happens when there is no more address space, in ever smaller rations, and when all slots of the real table are
 * taken. check_table.c has more tests, with a table of 64 slots.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

enum { THREADS = 3, MOST = 40000, MIB = 1 << 20 };

/* Threads count errors here, because Check's assertions allocate. */
static _Atomic int wrong;

struct eater {
    pthread_t thread;
    void *blocks[MOST];
    size_t sizes[MOST];
    int count;
    uint64_t bytes;
    bool shares_a_slot;
};

static struct eater eaters[THREADS];
static pthread_barrier_t step;

static bool take(struct eater *self, size_t size)
{
    errno = 0;
    void *block = size % 3 == 0 ? tm_memalign(64, size) : size % 3 == 1 ? tm_malloc(size) : tm_calloc(1, size);
    if (!block) {
        wrong += errno != ENOMEM;
        return false;
    }
    *(char *)block = 'x';
    self->blocks[self->count] = block;
    self->sizes[self->count++] = size;
    self->bytes += size;
    return true;
}

static void give(struct eater *self)
{
    tm_free(self->blocks[--self->count]);
    self->bytes -= self->sizes[self->count];
}

/* Grows the last block until that fails, too. Then the block must be unchanged. */
static void grow(struct eater *self)
{
    int last = self->count - 1;
    for (;;) {
        size_t size = self->sizes[last] * 2;
        errno = 0;
        void *grown = tm_realloc(self->blocks[last], size);
        if (!grown) {
            wrong += errno != ENOMEM || tm_malloc_usable_size(self->blocks[last]) != self->sizes[last];
            return;
        }
        self->bytes += size - self->sizes[last];
        self->blocks[last] = grown;
        self->sizes[last] = size;
    }
}

static void check_own(const struct eater *self)
{
    struct tm_totals mine = thread_totals();
    if (!self->shares_a_slot)
        wrong += tm_live_bytes(&mine) != self->bytes || tm_live_blocks(&mine) != (uint64_t)self->count;
}

static void wait_for_all(void)
{
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
}

static void *eat(void *arg)
{
    struct eater *self = arg;
    uint64_t random = (uint64_t)(self - eaters) + 5;
    if (!self->shares_a_slot)
        tm_free(tm_malloc(1));
    wait_for_all(); /* and for the limit */
    while (self->count < MOST && take(self, 30000 + random_next(&random) % 60000))
        ;
    wrong += self->count == MOST;
    check_own(self);
    wait_for_all(); /* and for the comparison of all totals */
    int half = self->count / 2;
    while (self->count > half)
        give(self);
    if (self->count > 0)
        grow(self);
    check_own(self);
    wait_for_all();
    while (self->count > 0)
        give(self);
    check_own(self);
    wait_for_all(); /* until there is no limit any more */
    wrong += !take(self, 8 * MIB);
    give(self);
    check_own(self);
    return NULL;
}

static size_t address_space(void)
{
    size_t pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    ck_assert_int_eq(fscanf(statm, "%zu", &pages), 1);
    fclose(statm);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void limit_to(rlim_t bytes)
{
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &(struct rlimit){bytes, RLIM_INFINITY}), 0);
}

/* Here, too, there may be no memory for an assertion. */
static void compare_all(void)
{
    uint64_t bytes = 0, blocks = 0;
    pthread_barrier_wait(&step);
    for (int i = 0; i < THREADS; i++) {
        bytes += eaters[i].bytes;
        blocks += (uint64_t)eaters[i].count;
    }
    struct tm_totals process = process_totals();
    wrong += tm_live_bytes(&process) != bytes || tm_live_blocks(&process) != blocks;
}

static void eat_within(size_t ration, bool without_slots)
{
    pthread_barrier_init(&step, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++) {
        eaters[i].shares_a_slot = without_slots;
        ck_assert_int_eq(pthread_create(&eaters[i].thread, NULL, eat, &eaters[i]), 0);
    }
    tm_free(tm_malloc(8 * MIB)); /* tcmalloc needs some memory for itself, and would abort if it got none */
    pthread_barrier_wait(&step);
    limit_to(address_space() + ration);
    pthread_barrier_wait(&step);
    compare_all(); /* when the threads have all memory */
    pthread_barrier_wait(&step);
    compare_all();
    pthread_barrier_wait(&step);
    compare_all(); /* when all is freed */
    limit_to(RLIM_INFINITY);
    pthread_barrier_wait(&step);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(eaters[i].thread, NULL), 0);
    ck_assert_int_eq(wrong, 0);
    expect_process_live(0, 0);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
}

static const size_t rations[] = {128 * MIB, 64 * MIB, 32 * MIB, 16 * MIB, 8 * MIB, 4 * MIB, 2 * MIB, MIB, MIB / 4, 0};
enum { RATIONS = sizeof rations / sizeof rations[0] };

START_TEST(ever_less_address_space)
{
    eat_within(rations[_i], false);
}
END_TEST

/* There is no memory even for the smallest table that is tried. tcmalloc got its own memory before. */
START_TEST(too_little_for_a_table)
{
    void *(*backend_malloc)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "tc_malloc");
    void (*backend_free)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "tc_free");
    if (backend_malloc && backend_free)
        backend_free(backend_malloc(8 * MIB));
    limit_to(address_space());
    tm_free(tm_malloc(1));
    limit_to(RLIM_INFINITY);
    eat_within(rations[_i], true);
    ck_assert_uint_eq(count_slots(TM_LIVE), 0);
}
END_TEST

/* ---- all slots taken ---- */

enum { SLOTS = 131070, MORE = 50 };

static void *leave_one(void *arg)
{
    *(void **)arg = tm_malloc(10);
    return NULL;
}

static void *left[SLOTS + MORE];

START_TEST(all_slots_are_taken)
{
    for (int i = 0; i < SLOTS + MORE; i++)
        in_thread(leave_one, &left[i]);
    struct tm_slot overflow;
    ck_assert(find_slot_in(TM_OVERFLOW, &overflow));
    expect_live(&overflow.totals, MORE * 10, MORE);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), SLOTS);
    ck_assert_uint_eq(tm_snapshot(NULL, 0), SLOTS + 2);
    expect_process_live((SLOTS + MORE) * 10, SLOTS + MORE);

    tm_free(left[SLOTS / 2]);
    struct tm_totals own;
    void *mine = tm_malloc(3); /* the thread gets the only free slot */
    ck_assert_int_eq(tm_thread_totals_of(gettid(), &own), 0);
    expect_live(&own, 3, 1);
    for (int i = 0; i < SLOTS + MORE; i++)
        if (i != SLOTS / 2)
            tm_free(left[i]);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
    expect_process_live(3, 1);
    tm_free(mine);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits");
    TCase *tcase = add_case(suite, "limits", 240);
    tcase_add_loop_test(tcase, ever_less_address_space, 0, RATIONS);
    tcase_add_loop_test(tcase, too_little_for_a_table, 0, RATIONS);
    tcase_add_test(tcase, all_slots_are_taken);
    return run_suite(suite);
}
