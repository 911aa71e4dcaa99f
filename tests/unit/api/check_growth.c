/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * realloc.c: blocks from 1 KiB on move when tcmalloc's own realloc, which the test calls beside it, would move them, and
 * no more often; also under limits, in sections and tags, and after them. Of blocks of 2 GiB only the ends are written.
 */
#define _GNU_SOURCE
#include "support/refusal.h"
#include "support/support.h"

#include <gperftools/tcmalloc.h>
#include <sys/mman.h>
#include <threadmeter/limits.h>

enum { HEADER = 16, KIB = 1 << 10, MIB = 1 << 20 };

/* ---- what stands in front ---- */

static size_t copied;                   /* by copies of 64 KiB and more */
static size_t refused_above = SIZE_MAX; /* requests to tcmalloc that fail */

void *__real_memcpy(void *to, const void *from, size_t size);
void *__wrap_memcpy(void *to, const void *from, size_t size);
void *__wrap_memcpy(void *to, const void *from, size_t size)
{
    if (size >= 64 * KIB)
        copied += size;
    if (size < 256 * (size_t)MIB)
        return __real_memcpy(to, from, size);
    __real_memcpy(to, from, KIB); /* the ends of it */
    __real_memcpy((char *)to + size - KIB, (const char *)from + size - KIB, KIB);
    return to;
}

void *__real_tc_malloc(size_t size);
void *__wrap_tc_malloc(size_t size);
void *__wrap_tc_malloc(size_t size)
{
    if (size <= refused_above)
        return __real_tc_malloc(size);
    errno = ENOMEM;
    return NULL;
}

/* ---- as tcmalloc's ---- */

static struct tm_section section;
static tm_tag tag;

static void nothing_more(void)
{
}

static void have_been_in_a_tag(void)
{
    tm_tag previous = tm_tag_enter(tag);
    tm_free(tm_malloc(100));
    tm_tag_leave(previous);
}

static void leave_something_in_a_tag(void)
{
    tm_tag previous = tm_tag_enter(tag);
    ck_assert_ptr_nonnull(filled(100)); /* for good */
    tm_tag_leave(previous);
}

static void be_in_a_tag(void)
{
    tm_tag_enter(tag);
}

static void begin_section(void)
{
    tm_section_begin(&section);
}

static void limit_thread(void)
{
    tm_thread_limit(64 * MIB);
}

static void limit_tag(void)
{
    tm_tag_limit(tag, 64 * MIB);
    tm_tag_enter(tag);
}

static void not_reached(uint64_t live, void *unused)
{
    ck_abort_msg("%lu live", (unsigned long)live);
    (void)unused;
}

static void limit_softly(void)
{
    tm_thread_soft_limit(64 * MIB, not_reached, NULL);
}

static void (*const bounds[])(void) = {nothing_more, have_been_in_a_tag, leave_something_in_a_tag,
                                       be_in_a_tag,  begin_section,      limit_thread,
                                       limit_tag,    limit_softly};
enum { BOUNDS = sizeof bounds / sizeof bounds[0] };

/* A block and an object of tcmalloc's that takes the same requests. */
static struct twins {
    char *block;
    void *object;
    size_t request;
    size_t moves, of_both; /* what was in it when it moved */
} twins;

static void resize_twins(size_t request)
{
    size_t size = request - HEADER, old = twins.request - HEADER;
    char *block = tm_realloc(twins.block, size);
    void *object = tc_realloc(twins.object, request);
    ck_assert(block && object);
    ck_assert_msg((block != twins.block) == (object != twins.object), "%zu from %zu: %s moved", size, old,
                  block != twins.block ? "only the block" : "only tcmalloc's object");
    if (twins.block && block != twins.block) {
        twins.moves++;
        twins.of_both += old < size ? old : size;
    }
    if (twins.block)
        ck_assert_int_eq(block[0], 'x');
    if (twins.block && size > old)
        ck_assert_int_eq(block[old - 1], 'x');
    block[0] = block[size - 1] = 'x';
    twins = (struct twins){block, object, request, twins.moves, twins.of_both};
}

static void begin_twins(int which, size_t request)
{
    tag = tm_tag_open("tag");
    bounds[which % BOUNDS]();
    resize_twins(request);
    copied = 0;
}

/* Of all sizes that may have room; of whole pages only; and mostly between the two. */
START_TEST(blocks_move_when_tcmallocs_would)
{
    static const size_t ranges[][2] = {{KIB, 32 * KIB}, {512 * KIB, 16 * MIB}, {100 * KIB, 700 * KIB}};
    size_t least = ranges[_i % 3][0], most = ranges[_i % 3][1];
    uint64_t random = (uint64_t)_i + 1;
    begin_twins(_i, least);
    for (int step = 0; step < 300; step++) {
        size_t other = least + random_next(&random) % ((most - least) / 2), request = twins.request;
        switch (random_next(&random) % 4) {
        case 0:
            request = other;
            break;
        case 1:
            request -= request / (1 + other % 32) / 8;
            break;
        default:
            request += other % (request / 8);
        }
        request = request / HEADER * HEADER;
        tm_flush_cache(); /* an object that a larger block once had would have more room */
        resize_twins(request < least ? least : request > most ? most : request);
    }
    ck_assert_uint_gt(twins.moves, 10);
    ck_assert_uint_le(copied, twins.of_both);
    struct tm_totals mine = thread_totals();
    ck_assert_uint_le(tm_live_bytes(&mine) - (twins.request - HEADER), 100);
}
END_TEST

/* A quarter more each time: four times as much is so many more moves, and copies of no more than five times the block. */
static size_t grow_to(size_t end)
{
    for (size_t request = twins.request; request <= end; request += 4 * KIB)
        resize_twins(request);
    return twins.moves;
}

START_TEST(growth_by_small_steps_is_not_quadratic)
{
    enum { MOST_MOVES = 7 }; /* 1.25 to the 7th is more than 4 */
    begin_twins(_i, MIB);
    size_t moves = grow_to(4 * MIB);
    ck_assert_uint_le(moves, MOST_MOVES);
    ck_assert_uint_le(copied, 5 * 4 * MIB);
    ck_assert_uint_le(grow_to(16 * MIB) - moves, MOST_MOVES);
    ck_assert_uint_le(copied, 5 * 16 * MIB);
    struct tm_totals mine = thread_totals();
    ck_assert_uint_le(mine.peak_bytes - (16 * MIB - HEADER), 200); /* never both the old block and the new one */
}
END_TEST

/* ---- what is in the way ---- */

START_TEST(a_limit_refuses_what_there_is_room_for)
{
    static const size_t most = 1300 * KIB;
    tag = tm_tag_open("tag");
    tm_tag_enter(tag);
    ck_assert_int_eq(_i == 0 ? tm_thread_limit(most) : tm_tag_limit(tag, most), 0);
    char *block = filled(MIB), *grown = tm_realloc(block, 1100 * KIB); /* with room up to 1285 KiB */
    memset(grown, 'x', 1100 * KIB);
    block = tm_realloc(grown, 1200 * KIB);
    ck_assert_ptr_eq(block, grown);
    memset(block, 'x', 1200 * KIB);
    expect_refused(block, 100 * KIB + 1); /* to be moved */
    ck_assert_int_eq(_i == 0 ? tm_thread_limit(1250 * KIB) : tm_tag_limit(tag, 1250 * KIB), 0);
    expect_refused(block, 50 * KIB + 1);   /* to stay */
    grown = tm_realloc(block, 1250 * KIB); /* to the byte */
    ck_assert_ptr_eq(grown, block);
    ck_assert_uint_eq(thread_totals().peak_bytes, 1250 * KIB);
    tm_free(grown);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(no_room_is_no_error_and_no_memory_changes_nothing)
{
    tag = tm_tag_open("tag");
    bounds[_i]();
    char *block = filled(MIB);
    struct tm_totals before = thread_totals();
    size_t more = 1100 * KIB;
    refused_above = MIB;
    errno = 0;
    ck_assert_ptr_null(tm_realloc(block, more));
    ck_assert_int_eq(errno, ENOMEM);
    struct tm_totals after = thread_totals();
    ck_assert_mem_eq(&before, &after, sizeof after);
    ck_assert_uint_eq(tm_malloc_usable_size(block), MIB);
    refused_above = more + HEADER;
    errno = 4321;
    char *grown = tm_realloc(block, more);
    ck_assert_ptr_nonnull(grown);
    ck_assert_int_eq(errno, 4321);
    refused_above = SIZE_MAX;
    for (size_t i = 0; i < MIB; i += 1000)
        ck_assert_int_eq(grown[i], 'x');
    ck_assert_uint_eq(thread_totals().allocated_bytes - before.allocated_bytes, more);
    tm_free(grown);
}
END_TEST

/* ---- 2 GiB and more ---- */

/* The first and the last KiB are written, and nothing else. */
static char *mark_ends(char *block, size_t mib)
{
    memset(block, 'b', KIB);
    memset(block + mib * MIB - KIB, 'e', KIB);
    return block;
}

static void expect_huge(const char *block, size_t mib)
{
    ck_assert_ptr_nonnull(block);
    ck_assert_uint_eq((uintptr_t)block % 16, 0);
    ck_assert_uint_eq(tm_malloc_usable_size((void *)(uintptr_t)block), mib * MIB);
    ck_assert_int_eq(block[0], 'b');
    ck_assert_int_eq(block[KIB - 1], 'b');
    struct tm_totals mine = thread_totals();
    expect_live(&mine, mib * MIB, 1);
    expect_process_live(mib * MIB, 1);
}

/* NULL: so much address space is not to be had here, and there is nothing to test. */
static char *huge(size_t alignment, size_t mib)
{
    setenv("THREADMETER_ON_ERROR", "report", 1);
    char *block = tm_memalign(alignment, mib * MIB);
    copied = 0;
    return block ? mark_ends(block, mib) : NULL;
}

static void expect_stays(char *block, size_t mib)
{
    ck_assert_ptr_eq(tm_realloc(block, mib * MIB), block);
    expect_huge(block, mib);
    mark_ends(block, mib);
    ck_assert_uint_eq(copied, 0);
}

static void *claim_and_give(void *block)
{
    ck_assert_int_eq(tm_claim(block), 0);
    struct tm_totals mine = thread_totals();
    expect_live(&mine, tm_malloc_usable_size(block), 1);
    return NULL;
}

/* Freed, then freed and resized again: that is reported and changes nothing. (Not where an object may begin.) */
static void expect_gone(char *block)
{
    tm_free(block);
    expect_process_live(0, 0);
    if ((uintptr_t)block % 4096 == 0)
        return;
    uint64_t told = cross_allocator_calls().errors_reported;
    tm_free(block);
    errno = 0;
    ck_assert_ptr_null(tm_realloc(block, 100));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_uint_eq(cross_allocator_calls().errors_reported, told + 2);
    expect_process_live(0, 0);
}

static const size_t alignments[] = {16, 64, 4096};

START_TEST(huge_blocks_stay_while_there_is_room)
{
    char *block = huge(alignments[_i], 2200);
    if (!block)
        return;
    expect_stays(block, 2195);
    expect_stays(block, 2047); /* what a plain header could say */
    expect_stays(block, 1200);
    in_thread(claim_and_give, block);
    ck_assert_int_eq(tm_claim(block), 0);
    expect_stays(block, 2048);
    expect_stays(block, 2199);
    expect_gone(block);
}
END_TEST

START_TEST(a_small_rest_of_a_huge_block_moves)
{
    char *block = huge(16, 2200);
    if (!block)
        return;
    ck_assert_ptr_ne(tm_realloc(block, 100 * MIB), block);
    ck_assert_uint_eq(copied, 100 * MIB);
}
END_TEST

START_TEST(growth_across_2_GiB_copies_once)
{
    char *block = huge(16, 1900);
    if (!block)
        return;
    block = tm_realloc(block, 1901ul * MIB);
    if (!block)
        return;
    ck_assert_uint_le(copied, 1901ul * MIB);
    mark_ends(block, 1901);
    copied = 0;
    for (size_t mib = 1920; mib < 2370; mib += 16)
        expect_stays(block, mib);
    expect_stays(block, 1950);
    expect_gone(block);
}
END_TEST

/* A header of which half is lost, of either kind of block of such an object, is told, and nothing is freed. */
START_TEST(damaged_headers_of_huge_blocks)
{
    char *block = huge(16, 2200), saved[16];
    if (!block)
        return;
    if (_i >= 2)
        expect_stays(block, 1500);
    size_t size = tm_malloc_usable_size(block);
    memcpy(saved, block - 16, 16);
    memset(block - 16 + (_i % 2) * 8, 0x77, 8);
    tm_free(block);
    ck_assert_ptr_null(tm_realloc(block, 2300ul * MIB));
    ck_assert_uint_eq(cross_allocator_calls().errors_reported, 2);
    memcpy(block - 16, saved, 16);
    expect_huge(block, size / MIB);
    expect_gone(block);
}
END_TEST

START_TEST(limits_of_huge_blocks)
{
    char *block = huge(16, 2200);
    if (!block)
        return;
    tm_thread_limit(2100ul * MIB);
    expect_stays(block, 2000);
    ck_assert_ptr_null(tm_realloc(block, 2100ul * MIB + 1));
    expect_huge(block, 2000);
    expect_stays(block, 2100);
    ck_assert_uint_eq(thread_totals().peak_bytes, 2200ul * MIB);
    tm_thread_limit(0);
    expect_gone(block);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("growth");
    TCase *tcase = add_case(suite, "growth", 60);
    tcase_add_loop_test(tcase, blocks_move_when_tcmallocs_would, 0, 3 * BOUNDS);
    tcase_add_loop_test(tcase, growth_by_small_steps_is_not_quadratic, 0, BOUNDS);
    tcase_add_loop_test(tcase, a_limit_refuses_what_there_is_room_for, 0, 2);
    tcase_add_loop_test(tcase, no_room_is_no_error_and_no_memory_changes_nothing, 0, BOUNDS);
    tcase_add_loop_test(tcase, huge_blocks_stay_while_there_is_room, 0, 3);
    tcase_add_test(tcase, a_small_rest_of_a_huge_block_moves);
    tcase_add_test(tcase, growth_across_2_GiB_copies_once);
    tcase_add_loop_test(tcase, damaged_headers_of_huge_blocks, 0, 4);
    tcase_add_test(tcase, limits_of_huge_blocks);
    return run_suite(suite);
}
