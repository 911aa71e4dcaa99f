/* SPDX-License-Identifier: BSD-3-Clause */
/* foreign.c: valid blocks of other allocators. Invalid pointers are in check_misuse.c. */
#define _GNU_SOURCE
#include "support/support.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

static uint64_t free_all_kinds(void)
{
    uint64_t count = 0;
    for (size_t size = 0; size < 3 << 20; size = size * 5 / 4 + 1) {
        for (size_t alignment = 16; alignment <= 16384; alignment *= 4) {
            tm_free(memalign(alignment, size));
            count++;
        }
        tm_free(realloc(malloc(size), size + 20));
        tm_free(calloc(size, 1));
        count += 2;
    }
    tm_free(strdup("text"));
    return count + 1;
}

START_TEST(memory_of_the_process_goes_back_to_it)
{
    uint64_t count = free_all_kinds(); /* the first time glibc takes what tcmalloc got by sbrk for its own */
    size_t before = mallinfo2().uordblks;
    count += free_all_kinds();
    ck_assert_uint_eq(cross_allocator_calls().foreign_frees, count);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
    ck_assert_uint_le(mallinfo2().uordblks, before + 65536);
}
END_TEST

/* Many at once, of every size, so that they lie at every offset of a page and at the edges of what is mapped. */
START_TEST(at_every_offset_and_edge)
{
    enum { COUNT = 20000 };
    static void *blocks[COUNT];
    uint64_t random = 7;
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = malloc(random_next(&random) % 300);
        if (i % 100 == 0)
            blocks[i] = realloc(blocks[i], 40000 + random_next(&random) % 300000);
    }
    errno = 4321;
    for (int i = 0; i < COUNT; i++)
        tm_free(blocks[i]);
    ck_assert_int_eq(errno, 4321);
    ck_assert_uint_eq(cross_allocator_calls().foreign_frees, COUNT);
}
END_TEST

/* Whatever page of its span an object begins on, it is one that may begin there. */
START_TEST(objects_of_every_class)
{
    enum { COUNT = 100 };
    static void *blocks[COUNT];
    uint64_t frees = 0;
    for (size_t size = 1; size < 400000; size = size * 9 / 8 + 8) {
        for (size_t i = 0; i < COUNT; i++)
            blocks[i] = i % 4 == 3 ? memalign((size_t)8 << i % 10, size) : malloc(size);
        for (size_t i = 0; i < COUNT; i++, frees++)
            tm_free(blocks[i]);
    }
    ck_assert_uint_eq(cross_allocator_calls().foreign_frees, frees);
}
END_TEST

static void *given_to_coroutine;

static void coroutine(void)
{
    tm_free(given_to_coroutine);
}

/* What it frees may lie between its stack and the thread's control block, where other threads have their stacks. */
START_TEST(a_coroutine_of_the_first_thread)
{
    enum { STACK = 1 << 18 };
    static ucontext_t here, there;
    given_to_coroutine = malloc(1 << 20); /* mapped before the stack, glibc's lies above it */
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_int_eq(getcontext(&there), 0);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = STACK;
    there.uc_link = &here;
    makecontext(&there, coroutine, 0);
    ck_assert_int_eq(swapcontext(&here, &there), 0);
    ck_assert_uint_eq(cross_allocator_calls().foreign_frees, 1);
    munmap(stack, STACK);
}
END_TEST

START_TEST(before_anyone_has_allocated)
{
    tm_free(malloc(100));
    ck_assert_uint_ge(tm_malloc_usable_size(NULL), 0);
    ck_assert_uint_eq(cross_allocator_calls().foreign_frees, 1);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
}
END_TEST

START_TEST(realloc_goes_back_and_forth)
{
    char *block = malloc(10);
    for (size_t size = 10; size < 1000000; size = size * 3 / 2 + 1) {
        block = tm_realloc(block, size);
        memset(block, 1, size);
    }
    errno = 0;
    ck_assert_ptr_null(tm_realloc(block, SIZE_MAX / 2));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_int_eq(block[0], 1);
    ck_assert_ptr_null(tm_reallocarray(block, SIZE_MAX, 2));
    free(block);
    ck_assert_uint_eq(cross_allocator_calls().foreign_frees, 0);
    ck_assert_uint_gt(cross_allocator_calls().foreign_reallocs, 20);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
}
END_TEST

START_TEST(realloc_to_nothing_frees_it)
{
    ck_assert_ptr_null(tm_realloc(malloc(10), 0));
    ck_assert_uint_eq(cross_allocator_calls().foreign_reallocs, 1);
}
END_TEST

START_TEST(libc_functions_charge_nobody)
{
    char *memory = tm_libc_malloc(100);
    memset(memory, 1, 100);
    memory = tm_libc_realloc(memory, 1000);
    ck_assert_int_eq(memory[99], 1);
    free(memory);
    tm_libc_free(malloc(5));
    tm_libc_free(NULL);
    struct tm_cross_allocator_calls none = {0}, now = cross_allocator_calls();
    ck_assert_mem_eq(&now, &none, sizeof now);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
}
END_TEST

START_TEST(sized_frees_pass_it_on_unchecked)
{
    tm_free_sized(malloc(100), 7);
    tm_free_aligned_sized(memalign(64, 100), 64, 100);
    ck_assert_uint_eq(cross_allocator_calls().foreign_frees, 2);
}
END_TEST

/* On a stack of the program's own, in the heap, with foreign memory on both sides of it. */
static void *below, *above;

static void *free_around(void *arg)
{
    tm_free(below);
    tm_free(above);
    return arg;
}

START_TEST(a_stack_of_ones_own_makes_nothing_a_stack)
{
    enum { SIZE = 1 << 20 };
    below = malloc(200000);
    void *stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    above = malloc(200000);
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, SIZE);
    ck_assert_int_eq(pthread_create(&thread, &attributes, free_around, NULL), 0);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(cross_allocator_calls().foreign_frees, 2);
    pthread_attr_destroy(&attributes);
    munmap(stack, SIZE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("foreign");
    TCase *tcase = add_case(suite, "foreign", 60);
    if (!SANITIZED) /* which keeps what is freed */
        tcase_add_test(tcase, memory_of_the_process_goes_back_to_it);
    tcase_add_test(tcase, at_every_offset_and_edge);
    tcase_add_test(tcase, objects_of_every_class);
    tcase_add_test(tcase, before_anyone_has_allocated);
    tcase_add_test(tcase, realloc_goes_back_and_forth);
    tcase_add_test(tcase, realloc_to_nothing_frees_it);
    tcase_add_test(tcase, libc_functions_charge_nobody);
    tcase_add_test(tcase, sized_frees_pass_it_on_unchecked);
    tcase_add_test(tcase, a_stack_of_ones_own_makes_nothing_a_stack);
    if (!SANITIZED) /* which must be informed of stacks */
        tcase_add_test(tcase, a_coroutine_of_the_first_thread);
    return run_suite(suite);
}
