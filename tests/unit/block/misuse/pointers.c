/* SPDX-License-Identifier: BSD-3-Clause */
/* Pointers that no malloc gave, or not this one. */
#define _GNU_SOURCE
#include "misuse.h"

#include <sys/mman.h>

static void inside_small(void)
{
    tm_free(block + 48);
}

static void inside_unaligned(void)
{
    tm_free(block + 13);
}

static void inside_large(void)
{
    char *large = tm_malloc(3 << 20);
    tm_free(large + 4096);
}

static void inside_large_far(void)
{
    char *large = tm_calloc(3, 1 << 20);
    tm_free(large + (2 << 20));
}

/* What glibc has before the smallest of its blocks. */
static char *like_a_chunk(char *address)
{
    const size_t size = 32 | 1;
    memcpy(address - sizeof size, &size, sizeof size);
    return address;
}

static void inside_large_like_a_chunk(void)
{
    char *large = tm_calloc(3, 1 << 20);
    tm_free(like_a_chunk(large + (2 << 20)));
}

static void inside_realloc(void)
{
    block = tm_realloc(block + 16, 100);
}

static void on_stack(void)
{
    char buffer[100] = {0};
    tm_free((char *)(((uintptr_t)buffer + 31) & ~(uintptr_t)15));
}

static void *free_stack(void *arg)
{
    on_stack();
    return arg;
}

static void static_memory(void)
{
    static char buffer[64];
    tm_free(buffer + 32);
}

/*
 * glibc may answer with 16 bytes more than need be, where those left would be no chunk. Then a chunk of 128 bytes is what
 * it has for a malloc(100), and larger ones for others.
 */
static void static_memory_beside_a_remainder(void)
{
    enum { CUT = 2000, CHUNK = 128, HEAD = 8 };
    void *volatile whole, *volatile kept, *volatile small = malloc(1); /* volatile, or they have no purpose */
    for (int i = 0; i < 4; i++) {
        whole = malloc(CUT + CHUNK - HEAD);
        kept = malloc(CUT); /* or what is freed would be one with the top of the heap */
        free(whole);
        kept = malloc(CUT - HEAD); /* leaves a chunk of CHUNK bytes */
    }
    free(small);
    static_memory();
    free(kept);
}

static void string_constant(void)
{
    tm_free((char *)(uintptr_t) "a string that nobody allocated" + 1);
}

static void on_threads_stack(void)
{
    in_second(free_stack, NULL);
}

static void realloc_of_stack(void)
{
    char buffer[100] = {0};
    block = tm_realloc((char *)(((uintptr_t)buffer + 31) & ~(uintptr_t)15), 200);
}

static void realloc_of_static(void)
{
    static char buffer[64];
    block = tm_realloc(buffer + 32, 200);
}

static char *map(size_t pages)
{
    return mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static char *map_with_nothing_before(void)
{
    char *pages = map(3);
    munmap(pages, 4096);
    return pages + 4096;
}

static void mapped(void)
{
    tm_free(map_with_nothing_before());
}

static void mapped_behind_a_guard(void)
{
    char *pages = map(3);
    mprotect(pages, 4096, PROT_NONE);
    tm_free(pages + 4096);
}

static void mapped_middle(void)
{
    tm_free(map(3) + 4096 + 64);
}

static void mapped_like_a_chunk(void)
{
    tm_free(like_a_chunk(map(3) + 4096 + 64));
}

static void realloc_of_mapped(void)
{
    block = tm_realloc(map(3) + 4096 + 64, 200);
}

static void realloc_of_mapped_with_nothing_before(void)
{
    block = tm_realloc(map_with_nothing_before(), 200);
}

static void unmapped(void)
{
    tm_free((void *)(uintptr_t)4096);
}

static void not_canonical(void)
{
    tm_free((void *)(uintptr_t)0x8000000000001000);
}

/* The first address where nothing is mapped, 2 to the power of `amount` after the block; not at the edge of a page. */
static char *nothing_behind(void)
{
    uintptr_t page = ((uintptr_t)block + ((uintptr_t)1 << amount)) & -(uintptr_t)4096;
    while (msync((void *)page, 4096, MS_ASYNC) == 0)
        page += 4096;
    return (char *)page + 64;
}

static void unmapped_inside_a_page(void)
{
    tm_free(nothing_behind());
}

static void realloc_of_unmapped_inside_a_page(void)
{
    block = tm_realloc(nothing_behind(), 200);
}

static void not_accessible_inside_a_page(void)
{
    char *page = map(1);
    mprotect(page, 4096, PROT_NONE);
    tm_free(page + 64);
}

static void not_canonical_inside_a_page(void)
{
    tm_free((void *)(uintptr_t)0x8000000000001040);
}

static void the_kernels_inside_a_page(void)
{
    tm_free((void *)(uintptr_t)0xffffffff81000040);
}

static void wrong_size(void)
{
    tm_free_sized(block, 95);
}

static void wrong_alignment(void)
{
    while ((uintptr_t)block % 4096 == 0)
        block = tm_malloc(96);
    tm_free_aligned_sized(block, 4096, 96);
}

/* Past the interposer: libc's own free. Nothing of ours runs, so only libc can report it. */
static void given_to_libc(void)
{
    tm_libc_free(block);
}

static void reallocated_by_libc(void)
{
    block = tm_libc_realloc(block, 200);
}

const struct misuse pointers[] = {
    TOLD(inside_small,
         "free of " ADDRESS ", which is inside a block \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(inside_unaligned,
         "free of " ADDRESS ", which is inside a block \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(inside_large,
         "free of " ADDRESS ", which is inside a block \\(3145728 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(inside_large_far, "free of " ADDRESS ", which is no heap memory \\(freed by " FIRST "\\)", 0),
    CASE(inside_large_like_a_chunk),
    TOLD(inside_realloc,
         "realloc of " ADDRESS ", which is inside a block \\(96 bytes, owner " FIRST ", reallocated by " FIRST "\\)",
         0),
    TOLD(on_stack, "free of " ADDRESS ", which is on the stack \\(freed by " FIRST "\\)", 0),
    TOLD(static_memory, "free of " ADDRESS ", which is static memory \\(freed by " FIRST "\\)", 0),
    TOLD(static_memory_beside_a_remainder, "free of " ADDRESS ", which is static memory \\(freed by " FIRST "\\)", 0),
    TOLD(string_constant, "free of " ADDRESS ", which is static memory \\(freed by " FIRST "\\)", 0),
    TOLD(on_threads_stack, "free of " ADDRESS ", which is on the stack \\(freed by " SECOND "\\)", 0),
    TOLD(realloc_of_stack, "realloc of " ADDRESS ", which is on the stack \\(reallocated by " FIRST "\\)", 0),
    TOLD(realloc_of_static, "realloc of " ADDRESS ", which is static memory \\(reallocated by " FIRST "\\)", 0),
    TOLD(mapped, "free of " ADDRESS ", which is no heap memory \\(freed by " FIRST "\\)", 0),
    TOLD(mapped_behind_a_guard, "free of " ADDRESS ", which is no heap memory \\(freed by " FIRST "\\)", 0),
    TOLD(mapped_middle, "free of " ADDRESS ", which is no heap memory \\(freed by " FIRST "\\)", 0),
    CASE(mapped_like_a_chunk),
    TOLD(realloc_of_mapped, "realloc of " ADDRESS ", which is no heap memory \\(reallocated by " FIRST "\\)", 0),
    TOLD(realloc_of_mapped_with_nothing_before,
         "realloc of " ADDRESS ", which is no heap memory \\(reallocated by " FIRST "\\)", 0),
    TOLD(unmapped, "free of 0x1000, which is no heap memory \\(freed by " FIRST "\\)", 0),
    TOLD(not_canonical, "free of 0x8000000000001000, which is no heap memory \\(freed by " FIRST "\\)", 0),
    CASE(unmapped_inside_a_page),
    CASE(realloc_of_unmapped_inside_a_page),
    CASE(not_accessible_inside_a_page),
    CASE(not_canonical_inside_a_page),
    CASE(the_kernels_inside_a_page),
    TOLD(wrong_size, "sized free of " ADDRESS " as 95 bytes \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(wrong_alignment,
         "sized free of " ADDRESS " as 96 bytes aligned to 4096 \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)",
         0),
    CASE(given_to_libc),
    CASE(reallocated_by_libc),
    {0},
};
