/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads start, allocate by many functions, pass blocks to each other, free them, and exit. The test counts in a
 * ledger what each thread owns. When all threads have exited, ledger and library agree to the byte, and so does
 * tcmalloc's own count.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { THREADS = 6, ROUNDS = 8, STEPS = 6000, HELD = 200, MAILBOXES = 64, LARGE = 100000 };

struct ledger {
    _Atomic uint64_t allocated_bytes, allocated_blocks, freed_bytes, freed_blocks, remote_bytes, remote_blocks;
};

/* One for each thread that ever runs, because a block names its owner also after the owner's exit. */
static struct ledger ledgers[THREADS * ROUNDS];
static uint64_t threads[THREADS * ROUNDS];
static _Atomic int failures;

struct item {
    unsigned char *block;
    size_t size, alignment;
    int owner; /* index of a ledger */
    unsigned char fill;
};

static struct item *_Atomic mailboxes[MAILBOXES];

static void charge(int owner, size_t size)
{
    ledgers[owner].allocated_bytes += size;
    ledgers[owner].allocated_blocks++;
}

static void credit(int owner, size_t size, int caller)
{
    ledgers[owner].freed_bytes += size;
    ledgers[owner].freed_blocks++;
    if (owner != caller) {
        ledgers[owner].remote_bytes += size;
        ledgers[owner].remote_blocks++;
    }
}

static size_t random_size(uint64_t *random)
{
    uint64_t r = random_next(random);
    return r % 100 == 0 ? r / 100 % LARGE : r % 10 == 0 ? r / 100 % 5000 : r / 100 % 200;
}

static struct item *make(int self, uint64_t *random)
{
    struct item *item = malloc(sizeof *item);
    *item = (struct item){.size = random_size(random), .alignment = 16, .owner = self};
    item->fill = (unsigned char)random_next(random);
    char text[300];
    switch (random_next(random) % 8) {
    case 0:
        item->block = tm_calloc(item->size ? 1 : 0, item->size);
        for (size_t i = 0; i < item->size; i++)
            failures += item->block[i] != 0;
        break;
    case 1:
        item->alignment = (size_t)16 << random_next(random) % 9;
        item->block = tm_memalign(item->alignment, item->size);
        break;
    case 2:
        item->size = item->size % 250 + 1;
        memset(text, 'x', item->size - 1);
        text[item->size - 1] = '\0';
        item->block = (unsigned char *)tm_strdup(text);
        break;
    case 3:
        item->block = tm_realloc(NULL, item->size);
        break;
    default:
        item->block = tm_malloc(item->size);
    }
    failures += !item->block || (uintptr_t)item->block % item->alignment != 0;
    memset(item->block, item->fill, item->size);
    charge(self, item->size);
    return item;
}

static void check_contents(const struct item *item, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (item->block[i] != item->fill) {
            failures++;
            return;
        }
}

static void resize(struct item *item, int self, uint64_t *random)
{
    size_t size = random_size(random) + 1, kept = size < item->size ? size : item->size;
    item->block = tm_realloc(item->block, size);
    check_contents(item, kept);
    credit(item->owner, item->size, self);
    charge(self, size);
    item->owner = self;
    item->size = size;
    item->alignment = 16;
    memset(item->block, item->fill, size);
}

static void dispose(struct item *item, int self)
{
    if (!item)
        return;
    check_contents(item, item->size);
    tm_free(item->block);
    credit(item->owner, item->size, self);
    free(item);
}

static void *work(void *arg)
{
    int self = (int)(uintptr_t)arg;
    uint64_t random = (uint64_t)self * 7919 + 1;
    struct item *held[HELD] = {0};
    for (int step = 0; step < STEPS; step++) {
        unsigned at = random_next(&random) % HELD;
        switch (random_next(&random) % 8) {
        case 0:
            if (held[at])
                resize(held[at], self, &random);
            break;
        case 1: /* exchanges the item with that of a mailbox */
            held[at] = atomic_exchange(&mailboxes[random_next(&random) % MAILBOXES], held[at]);
            break;
        default:
            if (held[at]) {
                dispose(held[at], self);
                held[at] = NULL;
            } else {
                held[at] = make(self, &random);
            }
        }
    }
    for (int i = 0; i < HELD; i++) /* some blocks stay live after this thread */
        if (held[i] && i % 4 == 0)
            held[i] = atomic_exchange(&mailboxes[random_next(&random) % MAILBOXES], held[i]);
    for (int i = 0; i < HELD; i++)
        dispose(held[i], self);
    threads[self] = this_thread();
    return NULL;
}

static size_t heap_bytes_of_item(const struct item *item)
{
    size_t bytes = (item->size ? item->size : 1) + item->alignment, least_roomy = 1024;
    /* A realloc leaves room to grow, and once the block is freed, its object serves others. */
    if (bytes > least_roomy - 16)
        return heap_bytes_of(item->block - 16);
    return heap_bytes_for(bytes);
}

static size_t heap_before; /* tcmalloc counts a few bytes before the first block */

static void compare_with_ledgers(int count)
{
    uint64_t bytes = 0, blocks = 0;
    for (int i = 0; i < count; i++) {
        struct ledger *ledger = &ledgers[i];
        uint64_t live = ledger->allocated_blocks - ledger->freed_blocks;
        bytes += ledger->allocated_bytes - ledger->freed_bytes;
        blocks += live;
        struct tm_slot slot;
        if (live == 0) {
            ck_assert(!find_slot_of_thread(threads[i], &slot));
            continue;
        }
        ck_assert(find_slot_of_thread(threads[i], &slot));
        ck_assert_int_eq(slot.state, TM_ORPHAN);
        ck_assert_uint_eq(slot.totals.allocated_bytes, ledger->allocated_bytes);
        ck_assert_uint_eq(slot.totals.allocated_blocks, ledger->allocated_blocks);
        ck_assert_uint_eq(slot.totals.freed_bytes, ledger->freed_bytes);
        ck_assert_uint_eq(slot.totals.freed_blocks, ledger->freed_blocks);
        ck_assert_uint_eq(slot.totals.remote_frees_received_bytes, ledger->remote_bytes);
        ck_assert_uint_eq(slot.totals.remote_frees_received_blocks, ledger->remote_blocks);
    }
    expect_process_live(bytes, blocks);
    expect_invariant();

    size_t heap, expected = 0;
    if (!heap_bytes(&heap))
        return;
    for (int i = 0; i < MAILBOXES; i++)
        if (mailboxes[i])
            expected += heap_bytes_of_item(mailboxes[i]);
    ck_assert_uint_eq(heap - heap_before, expected);
}

START_TEST(every_owner_to_the_byte)
{
    tm_free(tm_malloc(1));
    heap_bytes(&heap_before);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t started[THREADS];
        for (int i = 0; i < THREADS; i++)
            pthread_create(&started[i], NULL, work, (void *)(uintptr_t)(round * THREADS + i));
        for (int i = 0; i < THREADS; i++)
            pthread_join(started[i], NULL);
        ck_assert_int_eq(failures, 0);
        compare_with_ledgers((round + 1) * THREADS);
    }
    for (int i = 0; i < MAILBOXES; i++)
        dispose(mailboxes[i], -1), mailboxes[i] = NULL;
    ck_assert_int_eq(failures, 0);
    compare_with_ledgers(ROUNDS * THREADS);
    expect_process_live(0, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stress");
    TCase *tcase = add_case(suite, "stress", 240);
    tcase_add_test(tcase, every_owner_to_the_byte);
    return run_suite(suite);
}
