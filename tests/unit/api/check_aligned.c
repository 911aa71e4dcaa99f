/* SPDX-License-Identifier: BSD-3-Clause */
/* aligned.c: the aligned family; and with it block.c's aligned and wide blocks. */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <unistd.h>

static const size_t sizes[] = {0, 1, 15, 16, 17, 100, 4095, 4096, 4097, 70000, 300000};
enum { SIZES = sizeof sizes / sizeof sizes[0], LARGEST = 27 /* 2^27 = 128 MiB */ };

static void use(void *block, size_t alignment, size_t size)
{
    ck_assert_ptr_nonnull(block);
    ck_assert_uint_eq((uintptr_t)block % alignment, 0);
    ck_assert_uint_eq((uintptr_t)block % 16, 0);
    ck_assert_uint_eq(tm_malloc_usable_size(block), size);
    memset(block, 0x5a, size);
    expect_process_live(size, 1);
    tm_free(block);
    expect_process_live(0, 0);
}

/* Several at a time, so that bases come to lie everywhere. */
START_TEST(each_power_of_two_at_each_size)
{
    size_t alignment = (size_t)1 << _i;
    enum { MOST = 8 };
    int count = alignment < 1 << 20 ? MOST : 2;
    for (int s = 0; s < SIZES; s++) {
        void *blocks[MOST];
        for (int i = 0; i < count; i++) {
            blocks[i] = tm_aligned_alloc(alignment, sizes[s]);
            ck_assert_ptr_nonnull(blocks[i]);
            ck_assert_uint_eq((uintptr_t)blocks[i] % alignment, 0);
            for (int j = 0; j < i; j++)
                ck_assert_ptr_ne(blocks[i], blocks[j]);
            memset(blocks[i], i, sizes[s]);
        }
        expect_process_live((size_t)count * sizes[s], (size_t)count);
        for (int i = 0; i < count; i++) {
            for (size_t k = 0; k < sizes[s]; k++)
                if (((unsigned char *)blocks[i])[k] != i)
                    ck_abort_msg("block %d of %zu bytes aligned to %zu was overwritten", i, sizes[s], alignment);
            tm_free(blocks[i]);
        }
        expect_process_live(0, 0);
    }
}
END_TEST

START_TEST(every_function_of_the_family)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *block;
    use(tm_aligned_alloc(64, 100), 64, 100);
    use(tm_memalign(256, 100), 256, 100);
    use(tm_valloc(100), page, 100);
    use(tm_pvalloc(100), page, page);
    use(tm_pvalloc(0), page, 0);
    use(tm_pvalloc(page + 1), page, 2 * page);
    ck_assert_int_eq(tm_posix_memalign(&block, 64, 100), 0);
    use(block, 64, 100);
    ck_assert_int_eq(tm_posix_memalign(&block, sizeof(void *), 0), 0);
    use(block, 16, 0);
}
END_TEST

START_TEST(posix_memalign_says_EINVAL_and_touches_nothing)
{
    static const size_t bad[] = {0, 1, 2, 4, 3, 12, 24, 100, SIZE_MAX};
    void *block = &block;
    errno = 4321;
    ck_assert_int_eq(tm_posix_memalign(&block, bad[_i], 100), EINVAL);
    ck_assert_ptr_eq(block, &block);
    ck_assert_int_eq(errno, 4321);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
}
END_TEST

START_TEST(posix_memalign_says_ENOMEM_and_leaves_the_pointer)
{
    static const size_t bad[][2] = {{64, SIZE_MAX},
                                    {64, SIZE_MAX - 64},
                                    {64, PTRDIFF_MAX},
                                    {(size_t)1 << 62, SIZE_MAX / 2},
                                    {(size_t)1 << 63, 1},
                                    {(size_t)1 << 63, PTRDIFF_MAX},
                                    {(size_t)1 << 63, PTRDIFF_MAX - 40}};
    void *block = &block;
    errno = 4321;
    ck_assert_int_eq(tm_posix_memalign(&block, bad[_i][0], bad[_i][1]), ENOMEM);
    ck_assert_ptr_eq(block, &block);
    ck_assert_int_eq(errno, ENOMEM); /* as glibc has it */
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
}
END_TEST

START_TEST(aligned_alloc_wants_a_power_of_two)
{
    static const size_t bad[] = {0, 3, 12, 100, SIZE_MAX};
    errno = 0;
    ck_assert_ptr_null(tm_aligned_alloc(bad[_i], 100));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
}
END_TEST

START_TEST(memalign_rounds_up_as_glibc_does)
{
    use(tm_memalign(0, 10), 16, 10);
    use(tm_memalign(1, 10), 16, 10);
    use(tm_memalign(24, 10), 32, 10);
    use(tm_memalign(100, 10), 128, 10);
    use(tm_memalign(4097, 10), 8192, 10);
    errno = 0;
    ck_assert_ptr_null(tm_memalign(SIZE_MAX / 2 + 2, 10));
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(sums_that_overflow_are_ENOMEM)
{
    errno = 0;
    ck_assert_ptr_null(tm_aligned_alloc(4096, SIZE_MAX - 4096));
    ck_assert_int_eq(errno, ENOMEM);
    errno = 0;
    ck_assert_ptr_null(tm_memalign((size_t)1 << 62, PTRDIFF_MAX));
    ck_assert_int_eq(errno, ENOMEM);
    errno = 0;
    ck_assert_ptr_null(tm_valloc(SIZE_MAX));
    ck_assert_int_eq(errno, ENOMEM);
    errno = 0;
    ck_assert_ptr_null(tm_pvalloc(SIZE_MAX));
    ck_assert_int_eq(errno, ENOMEM);
    errno = 0;
    ck_assert_ptr_null(tm_pvalloc(SIZE_MAX - 4096));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
}
END_TEST

START_TEST(aligned_and_of_4_GiB)
{
    char *block = tm_memalign(1 << 16, UINT32_MAX + 5ul);
    if (!block)
        return; /* no room on a small machine */
    ck_assert_uint_eq((uintptr_t)block % (1 << 16), 0);
    block[0] = block[UINT32_MAX + 4ul] = 1;
    expect_process_live(UINT32_MAX + 5ul, 1);
    tm_free(block);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(freed_by_another_thread)
{
    in_thread(free_it, tm_memalign(4096, 100));
    struct tm_totals totals = thread_totals();
    expect_live(&totals, 0, 0);
    ck_assert_uint_eq(totals.remote_frees_received_bytes, 100);
}
END_TEST

START_TEST(the_heap_moves_with_the_books)
{
    size_t before, after;
    tm_free(tm_malloc(1));
    if (!heap_bytes(&before))
        return;
    for (int shift = 5; shift < 20; shift++) {
        void *block = tm_memalign((size_t)1 << shift, 100);
        heap_bytes(&after);
        size_t prefix = shift > 12 ? 16 : 0;
        ck_assert_uint_eq(after - before, heap_bytes_for(((size_t)1 << shift) + prefix + 100));
        tm_free(block);
        heap_bytes(&after);
        ck_assert_uint_eq(after, before);
    }
}
END_TEST

/* ---- aligned blocks, in whose headers size, alignment and base have few bits ---- */

static size_t edges[64];

/* Around what matters: 0, the alignment, a page, the largest size that a header of an aligned block can say. */
static int choose_edges(size_t alignment)
{
    const size_t middles[] = {8, 16, 32, alignment, 4096, 262144 - alignment, (size_t)1 << 20};
    int count = 0;
    for (int m = 0; m < 7; m++)
        for (size_t size = middles[m] - 2; size <= middles[m] + 2; size++)
            edges[count++] = size;
    edges[count++] = 0;
    edges[count++] = 1;
    return count;
}

static char *filled_at(size_t alignment, size_t size)
{
    char *block = tm_memalign(alignment, size);
    ck_assert_ptr_nonnull(block);
    ck_assert_uint_eq((uintptr_t)block % alignment, 0);
    ck_assert_uint_eq(tm_malloc_usable_size(block), size);
    for (size_t i = 0; i < size; i++)
        block[i] = (char)(i * 7 + size);
    return block;
}

static void expect_filled(const char *block, size_t size, size_t filled_to)
{
    for (size_t i = 0; i < filled_to; i++)
        if (block[i] != (char)(i * 7 + size))
            ck_abort_msg("byte %zu of a block of %zu bytes has changed", i, size);
}

static struct {
    char *block;
    size_t alignment, size;
} errand;

static void *allocate_it(void *unused)
{
    errand.block = filled_at(errand.alignment, errand.size);
    return unused;
}

static void *claim_and_free_it(void *unused)
{
    ck_assert_int_eq(tm_claim(errand.block), 0);
    struct tm_totals mine = thread_totals();
    expect_live(&mine, errand.size, 1);
    expect_filled(errand.block, errand.size, errand.size);
    tm_free_aligned_sized(errand.block, errand.alignment, errand.size);
    return unused;
}

static void *realloc_it(void *unused)
{
    errand.block = tm_realloc(errand.block, errand.size + 1);
    return unused;
}

START_TEST(whoever_allocates_and_frees_it)
{
    size_t alignment = (size_t)1 << _i;
    int count = choose_edges(alignment);
    uint64_t allocated = 0, freed = 0, received = 0; /* what the first thread's totals must be */
    for (int e = 0; e < count; e++) {
        size_t size = errand.size = edges[e];
        errand.alignment = alignment;
        char *own = filled_at(alignment, size), *others = filled_at(alignment, size);
        char *grown = filled_at(alignment, size);
        errand.block = filled_at(alignment, size);
        expect_filled(own, size, size);
        tm_free(own);
        in_thread(free_it, others);
        in_thread(claim_and_free_it, NULL);
        allocated += 4 * size, freed += size, received += 2 * size;

        errand.block = grown; /* what another thread reallocates is then that thread's, and an orphan's */
        in_thread(realloc_it, NULL);
        received += size;
        ck_assert_uint_eq(tm_malloc_usable_size(errand.block), size + 1);
        expect_filled(errand.block, size, size);
        ck_assert_uint_eq(count_slots(TM_ORPHAN), 1);
        expect_process_live(size + 1, 1);
        tm_free(errand.block);

        in_thread(allocate_it, NULL);
        ck_assert_uint_eq(count_slots(TM_ORPHAN), 1);
        expect_process_live(size, 1);
        expect_filled(errand.block, size, size);
        tm_free(errand.block);
        ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);

        struct tm_totals mine = thread_totals();
        ck_assert_uint_eq(mine.allocated_bytes, allocated);
        ck_assert_uint_eq(mine.freed_bytes, freed + received);
        ck_assert_uint_eq(mine.remote_frees_received_bytes, received);
        expect_process_live(0, 0);
    }
}
END_TEST

/* Whether a block stays or moves, it has its contents, and the totals know its size. */
START_TEST(reallocated_from_each_size_to_each)
{
    size_t alignment = (size_t)1 << _i;
    int count = choose_edges(alignment);
    for (int from = 0; from < count; from++)
        for (int to = from % 3; to < count; to += 3) {
            size_t old = edges[from], size = edges[to] + (edges[to] == 0);
            char *block = tm_realloc(filled_at(alignment, old), size);
            ck_assert_ptr_nonnull(block);
            ck_assert_uint_eq(tm_malloc_usable_size(block), size);
            expect_filled(block, old, old < size ? old : size);
            expect_process_live(size, 1);
            block = tm_realloc(block, size / 2 + 1);
            expect_filled(block, old, old < size / 2 + 1 ? old : size / 2 + 1);
            expect_process_live(size / 2 + 1, 1);
            ck_assert_ptr_null(tm_realloc(block, 0));
            expect_process_live(0, 0);
        }
}
END_TEST

static char *inherited[14];

static void free_inherited(void)
{
    for (int i = 4; i < 14; i++) {
        expect_filled(inherited[i], 100, 100);
        tm_free(inherited[i]);
    }
    expect_process_live(0, 0);
}

START_TEST(freed_by_a_forks_child)
{
    for (int i = 4; i < 14; i++)
        inherited[i] = filled_at((size_t)1 << i, 100);
    in_child(free_inherited);
    expect_process_live(1000, 10);
    free_inherited();
}
END_TEST

/* By tcmalloc's own count. Its classes have these sizes; a guard takes more. */
START_TEST(an_object_has_no_more_than_alignment_and_size)
{
    static const size_t expected[][3] = {{32, 32, 64},    {64, 64, 128},    {64, 1, 80},
                                         {128, 128, 256}, {512, 512, 1024}, {4096, 4096, 8192}};
    enum { COUNT = 100 };
    void *blocks[COUNT];
    size_t before, after;
    tm_free(tm_malloc(1));
    if (getenv("THREADMETER_GUARD") || !heap_bytes(&before))
        return;
    for (size_t e = 0; e < sizeof expected / sizeof expected[0]; e++) {
        for (int i = 0; i < COUNT; i++)
            blocks[i] = tm_memalign(expected[e][0], expected[e][1]);
        heap_bytes(&after);
        ck_assert_uint_eq(after - before, COUNT * expected[e][2]);
        for (int i = 0; i < COUNT; i++)
            tm_free(blocks[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aligned");
    TCase *tcase = add_case(suite, "aligned", 60);
    tcase_add_loop_test(tcase, each_power_of_two_at_each_size, 0, LARGEST + 1);
    tcase_add_test(tcase, every_function_of_the_family);
    tcase_add_loop_test(tcase, posix_memalign_says_EINVAL_and_touches_nothing, 0, 9);
    tcase_add_loop_test(tcase, posix_memalign_says_ENOMEM_and_leaves_the_pointer, 0, 7);
    tcase_add_loop_test(tcase, aligned_alloc_wants_a_power_of_two, 0, 5);
    tcase_add_test(tcase, memalign_rounds_up_as_glibc_does);
    tcase_add_test(tcase, sums_that_overflow_are_ENOMEM);
    tcase_add_test(tcase, aligned_and_of_4_GiB);
    tcase_add_test(tcase, freed_by_another_thread);
    tcase_add_test(tcase, the_heap_moves_with_the_books);
    tcase_add_loop_test(tcase, whoever_allocates_and_frees_it, 4, 14);
    tcase_add_loop_test(tcase, reallocated_from_each_size_to_each, 4, 14);
    tcase_add_test(tcase, freed_by_a_forks_child);
    tcase_add_test(tcase, an_object_has_no_more_than_alignment_and_size);
    return run_suite(suite);
}
