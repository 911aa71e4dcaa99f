/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes written where they do not belong: before a block, or after it. */
#include "misuse.h"

/* What was there may be the very byte that is written: then nothing is damaged. */
static void overwrite(char *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        from[i] = from[i] == 0x7f ? 0x7e : 0x7f;
}

static void underflow(void)
{
    overwrite(block - amount, amount);
    tm_free(block);
}

static void overflow_from_below(void)
{
    overwrite(block - 16, amount);
    tm_free(block);
}

static void size_changed(void)
{
    block[-8] ^= 1;
    tm_free(block);
}

static void slot_changed(void)
{
    block[-4] ^= 1;
    tm_free(block);
}

static void mark_changed(void)
{
    block[-12] ^= 1;
    tm_free(block);
}

static void damaged_realloc(void)
{
    block[-16] ^= 1;
    block = tm_realloc(block, 200);
}

static void damaged_aligned(void)
{
    char *aligned = tm_memalign(4096, 100);
    aligned[-10] ^= 1;
    tm_free(aligned);
}

static void alignment_changed(void)
{
    char *aligned = tm_memalign(256, 100);
    aligned[-5] ^= 0x10;
    tm_free(aligned);
}

static void aligned_underflow(void)
{
    char *aligned = tm_memalign(4096, 100);
    overwrite(aligned - amount, amount);
    tm_free(aligned);
}

static void aligned_overflow_from_below(void)
{
    char *aligned = tm_memalign(4096, 100);
    overwrite(aligned - 16, amount);
    tm_free(aligned);
}

static void damaged_prefix(void)
{
    char *aligned = tm_memalign(8192, 100);
    aligned[-32] ^= 0x10;
    tm_free(aligned);
}

/* Seen only with THREADMETER_GUARD=1. */
static void overrun(void)
{
    overwrite(block + 96, amount);
    tm_free(block);
}

static void overrun_of_last(void)
{
    overwrite(block + 96 + amount - 1, 1);
    tm_free(block);
}

static void string_end_lost(void)
{
    block[96] = 0;
    tm_free(block);
}

static void overrun_of_empty(void)
{
    char *empty = tm_malloc(0);
    overwrite(empty, amount);
    tm_free(empty);
}

static void overrun_of_large(void)
{
    char *large = tm_malloc(3 << 20);
    overwrite(large + (3 << 20), amount);
    tm_free(large);
}

static void overrun_of_aligned(void)
{
    char *aligned = tm_memalign(4096, 100);
    overwrite(aligned + 100, amount);
    tm_free(aligned);
}

static void overrun_of_resized(void)
{
    block = tm_realloc(block, 300);
    block = tm_realloc(block, 50);
    overwrite(block + 50, amount);
    tm_free(block);
}

enum { COUNT = 200 };
static char *all[COUNT];

/* Blocks of 20 bytes, one right after the other, the second freed: its object goes into some list of free ones. */
static char *before_a_free_one(void)
{
    size_t first = 0, second = 1;
    for (size_t i = 0; i < COUNT; i++)
        all[i] = tm_malloc(20);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < COUNT; j++)
            if ((uintptr_t)all[j] - (uintptr_t)all[i] - 1 < (uintptr_t)all[second] - (uintptr_t)all[first] - 1) {
                first = i;
                second = j;
            }
    tm_free(all[second]);
    char *before = all[first];
    all[first] = all[second] = NULL;
    return before;
}

/* The same; on top of that object come many others, so that it is in a full list, which is the spare one. */
static char *before_one_in_a_full_list(void)
{
    char *before = before_a_free_one();
    for (size_t i = 0; i < 100; i++)
        tm_free(all[i]);
    return before;
}

/* The list leads anywhere then. */
static void overrun_into_a_free_one(void)
{
    char *overrun = before_a_free_one();
    overwrite(overrun + 20, amount);
    for (int i = 0; i < 200; i++)
        if (!tm_malloc(20))
            return;
    tm_free(overrun);
}

/* The next that is freed is to go into the same list, which says that it has more than it may. */
static void overrun_into_a_free_one_and_free(void)
{
    char *other = tm_malloc(20), *overrun = before_a_free_one();
    overwrite(overrun + 28, 4 + amount); /* the object has room for 32 */
    char *last = tm_malloc(20);          /* that one; the list leads anywhere now */
    tm_free(other);
    tm_free(last);
}

/* The lists have room for more than it leaves, so it gives them up one by one. */
static void *overrun_and_exit(void *arg)
{
    void *few[3];
    for (int i = 0; i < 70; i++)
        tm_free(tm_malloc(20)); /* by which it has a cache */
    for (int i = 0; i < 3; i++)
        few[i] = tm_malloc(20);
    for (int i = 0; i < 3; i++)
        tm_free(few[i]);
    char *overrun = before_a_free_one();
    overwrite(overrun + 28, 4 + amount);
    return arg;
}

#ifndef WITHOUT_THREADMETER
static void *overrun_into_a_full_list(void *arg)
{
    char *overrun = before_one_in_a_full_list();
    overwrite(overrun + 28, 4 + amount);
    return arg;
}

static void overrun_into_a_spare_list(void)
{
    overrun_into_a_full_list(NULL);
    tm_flush_cache();
}

/* The thread leaves its lists to others. */
static void overrun_into_the_depot(void)
{
    in_second(overrun_into_a_full_list, NULL);
    tm_flush_cache();
}
#endif

static void overrun_into_a_free_one_and_exit(void)
{
    in_second(overrun_and_exit, NULL);
}

static void overrun_and_realloc(void)
{
    overwrite(block + 96, amount);
    block = tm_realloc(block, 200);
}

static void *free_block(void *arg)
{
    tm_free(block);
    return arg;
}

static void overrun_and_free_on_another_thread(void)
{
    overwrite(block + 96, amount);
    in_second(free_block, NULL);
}

const struct misuse damages[] = {
    TOLD(underflow, "damaged header of " ADDRESS " \\(says [0-9]+ bytes, owner " ANYONE ", freed by " FIRST "\\)", 8),
    TOLD(overflow_from_below,
         "damaged header of " ADDRESS " \\(says [0-9]+ bytes, owner " ANYONE ", freed by " FIRST "\\)", 8),
    TOLD(size_changed, "damaged header of " ADDRESS " \\(says 97 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(slot_changed, "damaged header of " ADDRESS " \\(says 96 bytes, owner " ANYONE ", freed by " FIRST "\\)", 0),
    TOLD(mark_changed, "damaged header of " ADDRESS " \\(says 96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(damaged_realloc,
         "damaged header of " ADDRESS " \\(says 96 bytes, owner " FIRST ", reallocated by " FIRST "\\)", 0),
    TOLD(damaged_aligned, "damaged header of " ADDRESS " \\(says 100 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(alignment_changed, "damaged header of " ADDRESS " \\(says 100 bytes, owner " FIRST ", freed by " FIRST "\\)",
         0),
    TOLD(aligned_underflow,
         "damaged header of " ADDRESS " \\(says [0-9]+ bytes, owner " ANYONE ", freed by " FIRST "\\)", 8),
    TOLD(aligned_overflow_from_below,
         "damaged header of " ADDRESS " \\(says 100 bytes, owner " FIRST ", freed by " FIRST "\\)", 8),
    TOLD(damaged_prefix, "damaged header of " ADDRESS " \\(says 100 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD_WITH_GUARD(overrun, "overrun of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 16),
    TOLD_WITH_GUARD(overrun_of_last, "overrun of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 16),
    TOLD_WITH_GUARD(string_end_lost, "overrun of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD_WITH_GUARD(overrun_of_empty, "overrun of " ADDRESS " \\(0 bytes, owner " FIRST ", freed by " FIRST "\\)", 16),
    TOLD_WITH_GUARD(overrun_of_large, "overrun of " ADDRESS " \\(3145728 bytes, owner " FIRST ", freed by " FIRST "\\)",
                    16),
    TOLD_WITH_GUARD(overrun_of_aligned, "overrun of " ADDRESS " \\(100 bytes, owner " FIRST ", freed by " FIRST "\\)",
                    16),
    TOLD_WITH_GUARD(overrun_of_resized, "overrun of " ADDRESS " \\(50 bytes, owner " FIRST ", freed by " FIRST "\\)",
                    16),
    CASE(overrun_into_a_free_one),
    CASE(overrun_into_a_free_one_and_free),
    CASE(overrun_into_a_free_one_and_exit),
#ifndef WITHOUT_THREADMETER
    CASE(overrun_into_a_spare_list),
    CASE(overrun_into_the_depot),
#endif
    TOLD_WITH_GUARD(overrun_and_realloc,
                    "overrun of " ADDRESS " \\(96 bytes, owner " FIRST ", reallocated by " FIRST "\\)", 16),
    TOLD_WITH_GUARD(overrun_and_free_on_another_thread,
                    "overrun of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " SECOND "\\)", 16),
    {0},
};
