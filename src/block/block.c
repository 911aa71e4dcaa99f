/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks off the fast path: allocates objects for aligned and for huge blocks, and writes their headers. */
#define _GNU_SOURCE
#include "block/block.h"
#include "base/backend.h"
#include "cache/cache.h"
#include "state/thread.h"
#include "block/foreign.h"
#include "base/kernel.h"
#include "base/objects.h"
#include "base/options.h"
#include "state/slot.h"

#include <errno.h>
#include <string.h>

/* More than this is not asked for, alignment and size together. */
static const size_t most = PTRDIFF_MAX - TM__HEADER - TM__PREFIX - TM__MOST_TAIL;

static bool is_wide(size_t alignment, size_t size)
{
    return alignment > TM__MOST_ALIGNED || size > (alignment > TM__ALIGNMENT ? TM__ALIGNED_MAX : TM__PLAIN_MAX);
}

static size_t prefix_of(const struct tm__block *block)
{
    return block->wide ? TM__PREFIX : 0;
}

/* The size of the plain block without an alignment that has the same object. */
static size_t unaligned_size(const struct tm__block *block, size_t size)
{
    return prefix_of(block) + tm__unaligned_size(block->alignment, size);
}

static size_t unaligned_request(size_t size)
{
    return tm__object_request(TM__HEADER + size + tm__tail);
}

size_t tm__request_of(const struct tm__block *block)
{
    return unaligned_request(unaligned_size(block, block->size));
}

bool tm__place(size_t alignment, size_t size, struct tm__block *block)
{
    block->alignment = alignment > TM__ALIGNMENT ? alignment : TM__ALIGNMENT;
    block->size = size;
    block->wide = is_wide(block->alignment, size);
    tm__read_thread_options();
    if (size > most || alignment > most - size || !(block->base = backend_malloc(tm__request_of(block)))) {
        errno = ENOMEM;
        return false;
    }
    return true;
}

void *tm__seal_in(const struct tm__block *block, size_t size, uint32_t slot)
{
    uint64_t account = tm__account_of(slot), key = tm__key_of(slot);
    void *base = block->base, *user = tm__aligned_in(base, prefix_of(block), block->alignment);
    if (tm__tail)
        tm__write_tail(user, size);
    if (block->wide)
        tm__seal_wide(user, base, block->alignment, size, account, key);
    else if (block->alignment > TM__ALIGNMENT)
        tm__seal_aligned(user, base, block->alignment, size, account, key);
    else
        tm__seal(base, size, account, key);
    return user;
}

void tm__uncover(void *user, const struct tm__block *block)
{
    if (tm__has_redzones())
        tm__remove_redzones(block->base, user, block->size, (char *)block->base + tm__request_of(block));
}

TM__PEEKS void tm__reseal(void *user, const struct tm__block *block, uint32_t slot)
{
    struct tm__header *header = tm__header_of(user);
    tm__begin_peek();
    uint64_t account = tm__account_of(slot) | tm__shape_in(header->account), key = tm__key_of(slot);
    header->account = account;
    header->mark =
        block->wide ? tm__wide_mark(key, account, user, *tm__prefix_of(user)) : tm__plain_mark(key, account, user);
    tm__end_peek();
}

/* No byte of it is 0, since most overruns write zeros. */
static uint64_t tail_word(const void *user, size_t i)
{
    return (tm__known_secret() + (uintptr_t)user + i) * UINT64_C(0x9e3779b97f4a7c15) | UINT64_C(0x0101010101010101);
}

void tm__write_tail(void *user, size_t size)
{
    unsigned char *tail = (unsigned char *)user + size;
    for (size_t i = 0; i < tm__tail / sizeof(uint64_t); i++) {
        uint64_t word = tail_word(user, i);
        memcpy(tail + i * sizeof word, &word, sizeof word);
    }
}

TM__PEEKS bool tm__tail_intact(const void *user, size_t size)
{
    typedef uint64_t anywhere __attribute__((aligned(1), may_alias));
    const volatile anywhere *tail = (const volatile anywhere *)((const char *)user + size);
    for (size_t i = 0; i < tm__tail / sizeof(uint64_t); i++)
        if (tail[i] != tail_word(user, i))
            return false;
    return true;
}

bool tm__may_span(size_t span, size_t request)
{
    if (request >= TM__BACKEND_ROOMY_FROM && request <= span && request >= span / 2)
        return true;
    return backend_size_for(request) == span;
}

bool tm__unaligned_may_stay(const void *base, size_t old, size_t size)
{
    size_t request = unaligned_request(size), needed = TM__HEADER + size + tm__tail;
    if (request < TM__BACKEND_ROOMY_FROM && request == unaligned_request(old))
        return true;
    /* The class may be larger than what is needed, but not than the object, which will serve others of that class. */
    size_t span = backend_size_of(base);
    return request <= span && tm__may_span(span, backend_round_up(needed));
}

/* Unless it is large, a block that was aligned moves to an object that has no room for an alignment. */
bool tm__may_stay(const struct tm__block *block, size_t size)
{
    if (block->alignment > TM__ALIGNMENT && backend_size_of(block->base) <= TM__BACKEND_LARGEST_CLASS)
        return false;
    bool is_possible = block->wide ? size <= most - block->alignment : !is_wide(block->alignment, size);
    return is_possible &&
           tm__unaligned_may_stay(block->base, unaligned_size(block, block->size), unaligned_size(block, size));
}
