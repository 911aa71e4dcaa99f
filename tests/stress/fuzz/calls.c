/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "calls.h"
#include "blocks.h"
#include "input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <threadmeter/malloc.h>

void call_malloc(void)
{
    struct block *block = take_empty_place();
    size_t size = take_size();
    keep(block, tm_malloc(size), size, 16);
}

void call_calloc(void)
{
    struct block *block = take_empty_place();
    size_t count = take_byte() % 8, size = take_size();
    uint8_t *at = tm_calloc(count, size);
    for (size_t i = 0; at && i < count * size; i++)
        EXPECT(at[i] == 0, "calloc(%zu, %zu): byte %zu is %u", count, size, i, at[i]);
    keep(block, at, count * size, 16);
}

static void resize(struct block *block, size_t size, void *to)
{
    if (!block->at) {
        keep(block, to, size, 16);
    } else if (size > 0) {
        EXPECT(to, "no realloc from %zu bytes to %zu", block->size, size);
        expect_contents(block, to, size < block->size ? size : block->size);
        resized(block, to, size);
    } else {
        EXPECT(!to, "realloc to 0 bytes gives %p", to);
        if (block->owner)
            ledger_credit(block->owner, block->size);
        else
            ledger_cross_allocator_calls.foreign_reallocs++;
        block->at = NULL;
    }
}

void call_realloc(void)
{
    struct block *block = take_place();
    size_t size = take_size();
    resize(block, size, tm_realloc(block->at, size));
}

void call_reallocarray(void)
{
    struct block *block = take_place();
    size_t count = take_byte() % 8, size = take_size();
    resize(block, count * size, tm_reallocarray(block->at, count, size));
}

static bool power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

void call_aligned_alloc(void)
{
    struct block *block = take_empty_place();
    size_t alignment = take_alignment(), size = take_size();
    set_errno();
    void *at = tm_aligned_alloc(alignment, size);
    if (power_of_two(alignment))
        keep(block, at, size, alignment);
    else
        EXPECT(!at && errno == EINVAL, "aligned_alloc(%zu) gives %p, errno %d", alignment, at, errno);
}

void call_posix_memalign(void)
{
    struct block *block = take_empty_place();
    size_t alignment = take_alignment(), size = take_size();
    void *at = &at, *before = at;
    set_errno();
    int error = tm_posix_memalign(&at, alignment, size);
    expect_errno_untouched("tm_posix_memalign");
    bool good = power_of_two(alignment) && alignment >= sizeof(void *);
    EXPECT(error == (good ? 0 : EINVAL), "posix_memalign(%zu) gives %d", alignment, error);
    if (good)
        keep(block, at, size, alignment);
    else
        EXPECT(at == before, "posix_memalign failed, and set its result");
}

void call_memalign(void)
{
    struct block *block = take_empty_place();
    size_t alignment = take_alignment(), size = take_size(), power = 1;
    while (power < alignment)
        power *= 2;
    keep(block, tm_memalign(alignment, size), size, power);
}

void call_valloc(void)
{
    struct block *block = take_empty_place();
    size_t size = take_size();
    keep(block, tm_valloc(size), size, (size_t)getpagesize());
}

void call_pvalloc(void)
{
    struct block *block = take_empty_place();
    size_t size = take_size(), page = (size_t)getpagesize();
    keep(block, tm_pvalloc(size), (size + page - 1) / page * page, page);
}

void call_free(void)
{
    free_block(take_place());
}

void call_free_sized(void)
{
    struct block *block = take_place(), was = *block;
    forget(block);
    set_errno();
    tm_free_sized(was.at, was.size);
    expect_errno_untouched("tm_free_sized");
}

void call_free_aligned_sized(void)
{
    struct block *block = take_place(), was = *block;
    forget(block);
    set_errno();
    tm_free_aligned_sized(was.at, was.alignment, was.size);
    expect_errno_untouched("tm_free_aligned_sized");
}

void call_cfree(void)
{
    struct block *block = take_place();
    void *at = block->at;
    forget(block);
    set_errno();
    tm_cfree(at);
    expect_errno_untouched("tm_cfree");
}

void call_usable_size(void)
{
    struct block *block = take_place();
    size_t usable = tm_malloc_usable_size(block->at), expected = block->at ? block->size : 0;
    bool exact = !block->at || block->owner;
    EXPECT(exact ? usable == expected : usable >= expected, "%zu bytes are usable of %zu", usable, expected);
}

/* A request that cannot succeed must change nothing: neither the block, nor its contents, nor the totals. */
void call_impossible(void)
{
    struct block *block = take_place();
    bool resizable = !block->at || block->owner; /* the errno of libc's own realloc is not tested here */
    unsigned kind = take_byte() % 10;
    size_t size = take_impossible();
    void *at = NULL;
    int error = ENOMEM;
    errno = 0;
    switch (kind) {
    case 0:
        at = tm_malloc(size);
        break;
    case 1:
        at = tm_calloc(size / 2, 5);
        break;
    case 2:
        at = tm_calloc(1, size);
        break;
    case 3:
        at = resizable ? tm_realloc(block->at, size) : (errno = ENOMEM, NULL);
        break;
    case 4:
        at = tm_reallocarray(block->at, size / 2, 5);
        break;
    case 5:
        at = tm_aligned_alloc((size_t)16 << take_byte() % 48, size);
        break;
    case 6:
        errno = tm_posix_memalign(&at, 64, size);
        break;
    case 7:
        at = tm_memalign(SIZE_MAX / 2 + 2, 1), error = EINVAL;
        break;
    case 8:
        at = tm_valloc(size);
        break;
    case 9:
        at = tm_pvalloc(size);
        break;
    }
    EXPECT(!at && errno == error, "impossible request %u gives %p, errno %d", kind, at, errno);
    if (block->at)
        expect_contents(block, block->at, block->size);
}

/* Blocks of 2 GiB and more, which are wide. Not under a sanitizer, which is slow with them. */
void call_huge(void)
{
    size_t size = (size_t)HUGE_SIZE + take_byte() % 4;
#ifdef TM_BACKEND_LIBC
    (void)size;
#else
    static bool refused;
    struct block *block = take_place();
    bool from_small = block->at && block->owner && take_byte() % 2;
    if (refused)
        return;
    if (!from_small)
        free_block(block);
    void *at = tm_realloc(block->at, size);
    refused = !at; /* with so little memory it would fail each time */
    if (!at)
        return;
    resize(block, size, at);
    size_t smaller = take_byte() % 2 ? take_size() : 0;
    resize(block, smaller, tm_realloc(block->at, smaller));
#endif
}

/* Memory of the process's own malloc, which later calls free and resize like any other block. */
void call_libc(void)
{
    struct block *block = take_place();
    unsigned kind = take_byte() % 3;
    size_t size = take_size();
    if (!block->at || block->owner) {
        free_block(block);
        keep_foreign(block, tm_libc_malloc(size), size);
    } else if (kind == 0) {
        expect_contents(block, block->at, block->size);
        tm_libc_free(block->at);
        block->at = NULL;
    } else {
        void *at = tm_libc_realloc(block->at, size + 1);
        EXPECT(at, "no realloc of libc's to %zu bytes", size + 1);
        expect_contents(block, at, size + 1 < block->size ? size + 1 : block->size);
        keep_foreign(block, at, size + 1);
    }
}
