/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "blocks.h"
#include "input.h"

#include <errno.h>

#include <threadmeter/malloc.h>

static struct block blocks[PLACES];

struct block *take_place(void)
{
    return &blocks[take_byte() % PLACES];
}

struct block *take_empty_place(void)
{
    struct block *block = take_place();
    free_block(block);
    return block;
}

void set_errno(void)
{
    errno = EXFULL;
}

void expect_errno_untouched(const char *function)
{
    EXPECT(errno == EXFULL, "%s changed errno to %d", function, errno);
}

/* The next byte that is filled and checked: all of the first KiB, then some; in blocks over 1 MiB none after that. */
static size_t after(size_t at, size_t size)
{
    return at < 1024 ? at + 1 : size <= (1 << 20) ? at + 509 : size;
}

static uint8_t byte_at(const struct block *block, size_t at)
{
    return (uint8_t)(block->seed + at * 7 + (at >> 8));
}

void refill(struct block *block)
{
    static uint8_t seed;
    block->seed = seed++;
    for (size_t i = 0; i < block->size; i = after(i, block->size))
        block->at[i] = byte_at(block, i);
    if (block->size > 0)
        block->at[block->size - 1] = byte_at(block, block->size - 1);
}

void expect_contents(const struct block *block, const uint8_t *at, size_t length)
{
    for (size_t i = 0; i < length; i = after(i, block->size))
        EXPECT(at[i] == byte_at(block, i), "byte %zu of %zu is %u, not %u", i, block->size, at[i], byte_at(block, i));
}

static void expect_block(const void *at, size_t size, size_t alignment)
{
    EXPECT(at, "no block of %zu bytes", size);
    EXPECT((uintptr_t)at % alignment == 0, "%p is not aligned to %zu", at, alignment);
    size_t usable = tm_malloc_usable_size((void *)at);
    EXPECT(usable == size, "%zu bytes are usable, not %zu", usable, size);
}

void keep_charged(struct block *block, void *at, size_t size, size_t alignment, struct account *owner)
{
    *block = (struct block){.at = at, .size = size, .alignment = alignment < 16 ? 16 : alignment, .owner = owner};
    expect_block(at, size, block->alignment);
    refill(block);
}

void keep(struct block *block, void *at, size_t size, size_t alignment)
{
    keep_charged(block, at, size, alignment, ledger_charge(size));
}

void keep_foreign(struct block *block, void *at, size_t size)
{
    EXPECT(at, "no foreign block of %zu bytes", size);
    EXPECT(tm_malloc_usable_size(at) >= size, "fewer than %zu foreign bytes are usable", size);
    *block = (struct block){.at = at, .size = size, .alignment = 16};
    refill(block);
}

void forget(struct block *block)
{
    if (!block->at)
        return;
    expect_contents(block, block->at, block->size);
    if (block->owner)
        ledger_credit(block->owner, block->size);
    else
        ledger_cross_allocator_calls.foreign_frees++;
    block->at = NULL;
}

void free_block(struct block *block)
{
    void *at = block->at;
    forget(block);
    set_errno();
    tm_free(at);
    expect_errno_untouched("tm_free");
}

void free_all_blocks(void)
{
    for (int i = 0; i < PLACES; i++)
        free_block(&blocks[i]);
}

void resized(struct block *block, void *to, size_t size)
{
    if (block->owner) {
        struct resized resized = {block->owner, block->at, to, block->size, size};
        keep_charged(block, to, size, 16, ledger_realloc(&resized));
    } else {
        ledger_cross_allocator_calls.foreign_reallocs++;
        keep_foreign(block, to, size);
    }
}
