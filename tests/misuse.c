/* SPDX-License-Identifier: BSD-3-Clause */
/* One misuse a case, named on the command line; check_fatal.c says what each must print. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <threadmeter/malloc.h>
#include <threadmeter/totals.h>

static char *block;

static void double_free(void)
{
    tm_free(block);
    tm_free(block);
}

static void double_free_small(void)
{
    char *small = tm_malloc(0);
    tm_free(small);
    tm_free(small);
}

static void double_free_large(void)
{
    char *large = tm_malloc(3 << 20);
    tm_free(large);
    tm_free(large);
}

static void double_free_aligned(void)
{
    char *aligned = tm_memalign(256, 100); /* wide: an object so large begins at a multiple of 32, not 16 before this */
    tm_free(aligned);
    tm_free(aligned);
}

static void *free_block(void *arg)
{
    pthread_setname_np(pthread_self(), "second");
    tm_free(block);
    return arg;
}

static void free_twice_after_realloc(size_t from, size_t to)
{
    char *block = tm_realloc(tm_malloc(from), to);
    tm_free(block);
    tm_free(block);
}

static void double_free_of_shrunk(void)
{
    free_twice_after_realloc(1000, 600);
}

static void double_free_of_grown(void)
{
    free_twice_after_realloc(1000, 1040);
}

static void double_free_of_trimmed(void)
{
    free_twice_after_realloc(3 << 20, (3 << 20) - 100000);
}

static void double_free_on_another_thread(void)
{
    pthread_t thread;
    tm_free(block);
    pthread_create(&thread, NULL, free_block, NULL);
    pthread_join(thread, NULL);
}

static void *make_block(void *arg)
{
    pthread_setname_np(pthread_self(), "worker-3");
    block = tm_malloc(96);
    return arg;
}

static void double_free_of_anothers(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, make_block, NULL);
    pthread_join(thread, NULL);
    char *kept = block;
    make_block(NULL); /* this thread is called worker-3, too */
    tm_free(kept);
    tm_free(kept);
}

static void freed_and_used_again(void)
{
    char *again = NULL;
    tm_free(block);
    for (int i = 0; i < 1000 && again != block; i++)
        again = tm_malloc(96);
    tm_free(block);
}

static void realloc_after_free(void)
{
    tm_free(block);
    block = tm_realloc(block, 200);
}

static void free_after_realloc_moved_it(void)
{
    char *old = block;
    block = tm_realloc(block, 100000);
    tm_free(old);
}

static void underflow_of_one(void)
{
    memset(block - 1, 0x7f, 1);
    tm_free(block);
}

static void underflow_of_eight(void)
{
    memset(block - 8, 0x7f, 8);
    tm_free(block);
}

static void overflow_from_below_of_one(void)
{
    memset(block - 16, 0x7f, 1);
    tm_free(block);
}

static void overflow_from_below_of_eight(void)
{
    memset(block - 16, 0x7f, 8);
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

static void header_overwritten(void)
{
    memset(block - 16, 0x7f, 16);
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

static void damaged_prefix(void)
{
    char *aligned = tm_memalign(4096, 100);
    aligned[-32] ^= 0x10;
    tm_free(aligned);
}

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

static void on_threads_stack(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, free_stack, NULL);
    pthread_join(thread, NULL);
}

static void static_memory(void)
{
    static char buffer[64];
    tm_free(buffer + 32);
}

static void string_constant(void)
{
    tm_free((char *)(uintptr_t) "a string that nobody allocated" + 1);
}

static void mapped(void)
{
    char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages, 4096);
    tm_free(pages + 4096); /* nothing before it can be read */
}

static void mapped_behind_a_guard(void)
{
    char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(pages, 4096, PROT_NONE);
    tm_free(pages + 4096);
}

static void mapped_middle(void)
{
    char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tm_free(pages + 4096 + 64);
}

static void mapped_like_a_chunk(void)
{
    char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tm_free(like_a_chunk(pages + 4096 + 64));
}

static void unmapped(void)
{
    tm_free((void *)(uintptr_t)4096);
}

static void not_canonical(void)
{
    tm_free((void *)(uintptr_t)0x8000000000001000);
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

#define CASE(name)                                                                                                     \
    {                                                                                                                  \
#name, name                                                                                                    \
    }
static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    CASE(double_free),
    CASE(double_free_small),
    CASE(double_free_large),
    CASE(double_free_aligned),
    CASE(double_free_of_shrunk),
    CASE(double_free_of_grown),
    CASE(double_free_of_trimmed),
    CASE(double_free_on_another_thread),
    CASE(double_free_of_anothers),
    CASE(freed_and_used_again),
    CASE(realloc_after_free),
    CASE(free_after_realloc_moved_it),
    CASE(underflow_of_one),
    CASE(underflow_of_eight),
    CASE(overflow_from_below_of_one),
    CASE(overflow_from_below_of_eight),
    CASE(size_changed),
    CASE(slot_changed),
    CASE(header_overwritten),
    CASE(damaged_realloc),
    CASE(damaged_aligned),
    CASE(damaged_prefix),
    CASE(inside_small),
    CASE(inside_unaligned),
    CASE(inside_large),
    CASE(inside_large_far),
    CASE(inside_large_like_a_chunk),
    CASE(inside_realloc),
    CASE(on_stack),
    CASE(on_threads_stack),
    CASE(static_memory),
    CASE(string_constant),
    CASE(mapped),
    CASE(mapped_behind_a_guard),
    CASE(mapped_middle),
    CASE(mapped_like_a_chunk),
    CASE(unmapped),
    CASE(not_canonical),
    CASE(wrong_size),
    CASE(wrong_alignment),
};

int main(int argc, char **argv)
{
    pthread_setname_np(pthread_self(), "first");
    block = tm_malloc(96);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (argc == 2 && strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            fprintf(stderr, "not told\n");
            return 1;
        }
    fprintf(stderr, "usage: misuse CASE\n");
    return 2;
}
