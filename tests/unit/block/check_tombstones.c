/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * header.h, inspect.c: what is left of a freed block, its tombstone, tells whose it was and how large; and none that is
 * old makes an honest object of others, where ours have been, look like one freed twice.
 */
#define _GNU_SOURCE
#include "block/inspect.h"
#include "state/slot.h"
#include "support/support.h"

#include <malloc.h>

static void expect_freed(const void *user, size_t size)
{
    struct tm__block block = tm__inspect(user);
    if (block.kind != TM__FREED)
        ck_abort_msg("a freed block of %zu bytes: kind %d", size, (int)block.kind);
    ck_assert_uint_eq(block.size, size);
    ck_assert_uint_eq(block.slot, TM__SHARED_SLOTS);
}

static const size_t freed_sizes[] = {0,    1,    31,    32,     100,    110,    600,    1000,   1040,
                                     5000, 8176, 30000, 262000, 262144, 300000, 400000, 3000000};
enum { FREED_SIZES = sizeof freed_sizes / sizeof freed_sizes[0] };

START_TEST(a_freed_block_keeps_its_size_and_owner)
{
    size_t size = freed_sizes[_i];
    char *user = tm_malloc(size);
    tm_free(user);
    expect_freed(user, size);
    for (size_t alignment = 32; alignment <= 65536; alignment *= 2) {
        user = tm_memalign(alignment, size);
        tm_free(user);
        expect_freed(user, size);
    }
}
END_TEST

START_TEST(a_freed_block_that_was_resized_keeps_its_size_and_owner)
{
    for (int to = 1; to < FREED_SIZES; to++) {
        char *old = tm_malloc(freed_sizes[_i]), *user = tm_realloc(old, freed_sizes[to]);
        if (user != old)
            expect_freed(old, freed_sizes[_i]);
        tm_free(user);
        expect_freed(user, freed_sizes[to]);
    }
}
END_TEST

/*
 * Where tcmalloc serves the whole process, old tombstones lie before new objects that are not ours. They must not make
 * an honest object look like one freed twice.
 */
static void expect_honest(void *block, size_t size)
{
    int kind = tm__inspect(block).kind;
    if (kind != TM__FOREIGN)
        ck_abort_msg("an honest object of %zu bytes: kind %d", size, kind);
}

static void expect_honest_objects(void **blocks, int count, size_t size)
{
    for (int i = 0; i < count; i++)
        expect_honest(blocks[i] = malloc(size), size);
    for (int i = 0; i < count; i++)
        free(blocks[i]);
}

START_TEST(old_tombstones_accuse_nobody)
{
    enum { COUNT = 20000 };
    static void *blocks[COUNT];
    uint64_t random = 3;
    for (int round = 0; round < 40; round++) {
        size_t ours = random_next(&random) % 1000, then = random_next(&random) % 1000 + 1,
               theirs = random_next(&random) % 1000, alignment = 32 << random_next(&random) % 6;
        for (int i = 0; i < COUNT; i++)
            blocks[i] = i % 50 == 0 ? tm_memalign(alignment, ours) : tm_malloc(ours);
        for (int i = 0; i < COUNT; i++)
            tm_free(i % 3 ? blocks[i] : tm_realloc(blocks[i], then));
        for (int i = 0; i < COUNT; i++)
            blocks[i] = malloc(theirs); /* and not written to */
        for (int i = 0; i < COUNT; i++) {
            expect_honest(blocks[i], theirs);
            tm_free(blocks[i]);
        }
    }
    ck_assert_uint_eq(cross_allocator_calls().foreign_frees, 40 * COUNT);
}
END_TEST

/* With the last word of the object before it as a tombstone would be that says this object's size. */
static void expect_honest_behind(char *before, char *block, size_t span)
{
    uint64_t *last = (uint64_t *)block - 1, was = *last;
    if (block != before + span)
        return;
    *last = tm__tombstone(tm__account_of(TM__SHARED_SLOTS) | (span - 16), block);
    expect_honest(block, span);
    *last = was;
}

/* An object that has since been before it was written to the end, so it says another size: any that there is. */
START_TEST(a_tombstone_overwritten_in_part_accuses_nobody)
{
    enum { COUNT = 400 };
    static char *blocks[COUNT];
    tm_free(tm_malloc(1));
    for (size_t eighths = 8; eighths < 16; eighths++) {
        for (int i = 0; i < COUNT; i++)
            blocks[i] = malloc(((size_t)4 << _i) * eighths);
        for (int i = 1; i < COUNT; i++) {
            expect_honest_behind(blocks[i - 1], blocks[i], malloc_usable_size(blocks[i]));
            expect_honest_behind(blocks[i], blocks[i - 1], malloc_usable_size(blocks[i]));
        }
        for (int i = 0; i < COUNT; i++)
            free(blocks[i]);
    }
}
END_TEST

/* All sizes of object after all; those that hold old blocks of ours when they are cut anew. */
START_TEST(old_tombstones_of_resized_blocks_accuse_nobody)
{
    enum { COUNT = 3000, CLASSES = 48 };
    static void *blocks[COUNT];
    size_t from = 16 + 16 * (size_t)_i;
    for (size_t to = 16; to <= 16 * CLASSES; to += 16) {
        for (int i = 0; i < COUNT; i++)
            blocks[i] = tm_realloc(tm_malloc(from), to);
        for (int i = 0; i < COUNT; i++)
            tm_free(blocks[i]);
        size_t theirs = (to * 7 + from) % (16 * CLASSES) + 1;
        expect_honest_objects(blocks, COUNT, theirs);
    }
}
END_TEST

/* A little larger, so that realloc gives it room; and where it has room, half as large again. */
static char *block_with_room(size_t size)
{
    char *block = tm_realloc(tm_malloc(size), size + size / 6);
    return tm_realloc(block, size + size / 5);
}

START_TEST(a_block_with_room_tells_all)
{
    size_t with_room = 0;
    for (size_t size = 1008; size < 600000; size += size / 13 + 1) {
        char *block = block_with_room(size), saved[16];
        size_t now = size + size / 5;
        with_room += heap_bytes_of(block - 16) != heap_bytes_for((now + 31) / 16 * 16);
        ck_assert_int_eq(tm__inspect(block).kind, TM__LIVE);
        memcpy(saved, block - 16, 16);
        for (int half = 0; half < 2; half++) {
            memset(block - 16 + half * 8, 0x11, 8);
            ck_assert_int_eq(tm__inspect(block).kind, TM__DAMAGED);
            memcpy(block - 16, saved, 16);
        }
        tm_free(block);
        struct tm__block freed = tm__inspect(block);
        ck_assert_int_eq(freed.kind, TM__FREED);
        ck_assert_uint_eq(freed.size, now);
    }
    ck_assert_uint_gt(with_room, 20);
}
END_TEST

START_TEST(old_tombstones_of_blocks_with_room_accuse_nobody)
{
    enum { COUNT = 1000 };
    static void *blocks[COUNT];
    uint64_t random = (uint64_t)_i + 1;
    for (int round = 0; round < 40; round++) {
        size_t ours = 1008 + random_next(&random) % (round % 4 ? 4000 : 40000),
               theirs = ours / 2 + random_next(&random) % ours;
        for (int i = 0; i < COUNT; i++)
            blocks[i] = block_with_room(ours);
        for (int i = 0; i < COUNT; i++)
            tm_free(blocks[i]);
        if (round % 2)
            malloc_trim(0);
        expect_honest_objects(blocks, COUNT, theirs);
    }
}
END_TEST

/* Phases of a program: aligned blocks of ours; then objects of the same size, but cut from another page on. */
START_TEST(old_tombstones_of_aligned_blocks_accuse_nobody)
{
    enum { COUNT = 2000 };
    static void *blocks[COUNT];
    size_t alignment = (size_t)32 << _i % 8, size = 500 + 731 * (size_t)_i, theirs = alignment + size;
    for (int shift = 0; shift < 8; shift++) {
        for (int i = 0; i < COUNT; i++)
            blocks[i] = tm_memalign(alignment, size);
        for (int i = 0; i < COUNT; i++)
            tm_free(blocks[i]);
        void *page = malloc(8192 * (size_t)shift + 1); /* moves what comes next by some pages */
        expect_honest_objects(blocks, COUNT, theirs);
        free(page);
    }
}
END_TEST

/* The same of objects of several pages, which may begin at each. */
START_TEST(old_tombstones_of_aligned_blocks_of_pages_accuse_nobody)
{
    enum { COUNT = 1500, PAGE = 8192 };
    static void *blocks[COUNT];
    size_t alignment = (size_t)PAGE << _i % 3, theirs = (size_t)PAGE * 2 * (1 + (size_t)_i / 3);
    if (theirs <= alignment)
        return;
    for (size_t shift = 0; shift < 8; shift++) {
        for (int i = 0; i < COUNT; i++)
            blocks[i] = tm_memalign(alignment, theirs - alignment - 16);
        for (int i = 0; i < COUNT; i++)
            tm_free(blocks[i]);
        malloc_trim(0);                        /* what was cut is one piece again, */
        void *page = malloc(PAGE * shift + 1); /* from which what comes next begins some pages later */
        expect_honest_objects(blocks, COUNT, theirs);
        free(page);
    }
}
END_TEST

/* An aligned block's object and then, from a page further on, an honest one of the same pages. */
START_TEST(old_tombstones_of_aligned_pages_accuse_nobody)
{
    free(malloc(64 << 20)); /* what follows is cut from one piece */
    char *before = malloc(0x60000);
    char *ours = tm_aligned_alloc(16384, 300000);
    const struct tm__prefix *prefix = (const struct tm__prefix *)ours - 2;
    size_t span = heap_bytes_for(16 + 16384 + 300000);
    char *base = ours - (prefix->offset_and_alignment >> 6), *after = malloc(0x60000);
    ck_assert_uint_eq((uintptr_t)base % 4096, 0);
    tm_free(ours);
    free(before);
    free(after);
    size_t lead = (size_t)(ours - span - before);
    char *filler = malloc(lead), *same_span = malloc(span), *honest = malloc(280000);
    expect_honest(filler, lead);
    expect_honest(same_span, span);
    expect_honest(honest, 280000);
    free(filler);
    free(same_span);
    free(honest);
}
END_TEST

/* Where what a small block was cut from is part of something large now: no object begins in the midst of that. */
START_TEST(an_old_tombstone_within_pages_is_believed)
{
    tm_free(tm_malloc(1));
    char *pages = malloc(1 << 20);
    for (size_t offset = 65536; offset < 65536 + 8192; offset += 16) {
        struct tm__header *header = (struct tm__header *)(pages + offset);
        header->account = tm__tombstone(tm__thread.me->account | 100, header + 1);
        header->mark = 0;
        ck_assert_int_eq(tm__inspect(header + 1).kind, TM__FREED);
    }
    free(pages);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tombstones");
    TCase *tcase = add_case(suite, "tombstones", 60);
    tcase_add_loop_test(tcase, a_freed_block_keeps_its_size_and_owner, 0, FREED_SIZES);
    tcase_add_loop_test(tcase, a_freed_block_that_was_resized_keeps_its_size_and_owner, 0, FREED_SIZES);
    tcase_add_test(tcase, old_tombstones_accuse_nobody);
    tcase_add_loop_test(tcase, a_tombstone_overwritten_in_part_accuses_nobody, 0, 11);
    tcase_add_loop_test(tcase, old_tombstones_of_resized_blocks_accuse_nobody, 0, 48);
    tcase_add_test(tcase, a_block_with_room_tells_all);
    tcase_add_loop_test(tcase, old_tombstones_of_blocks_with_room_accuse_nobody, 0, 6);
    tcase_add_loop_test(tcase, old_tombstones_of_aligned_blocks_accuse_nobody, 0, 24);
    tcase_add_loop_test(tcase, old_tombstones_of_aligned_blocks_of_pages_accuse_nobody, 0, 24);
    tcase_add_test(tcase, old_tombstones_of_aligned_pages_accuse_nobody);
    tcase_add_test(tcase, an_old_tombstone_within_pages_is_believed);
    return run_suite(suite);
}
