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

static bool is_wide(size_t alignment, size_t size)
{
    return alignment > TM__ALIGNMENT || size > TM__PLAIN_MAX;
}

/* A wide block of 0 bytes gets 1 byte, since otherwise its user pointer would be the beginning of the next object. */
static size_t wide_request(size_t alignment, size_t size)
{
    return tm__wide_request(alignment, size ? size : 1) + tm__tail;
}

size_t tm__plain_request(size_t size)
{
    return tm__object_request(TM__HEADER + (size ? size : 1)) + tm__tail;
}

static size_t request_for(size_t alignment, size_t size)
{
    return is_wide(alignment, size) ? wide_request(alignment, size) : tm__plain_request(size);
}

void *tm__place(size_t alignment, size_t size, void **base)
{
    const size_t most = PTRDIFF_MAX - TM__HEADER - TM__PREFIX - TM__MOST_TAIL;
    tm__read_thread_options();
    if (size > most || alignment > most - size || !(*base = backend_malloc(request_for(alignment, size)))) {
        errno = ENOMEM;
        return NULL;
    }
    return is_wide(alignment, size) ? tm__aligned_in(*base, alignment) : (struct tm__header *)*base + 1;
}

void tm__seal_at(void *user, void *base, size_t alignment, size_t size, uint32_t slot)
{
    uint64_t account = tm__account_of(slot), key = tm__key_of(slot);
    if (tm__tail)
        tm__write_tail(user, size);
    if ((char *)user - (char *)base > TM__HEADER)
        tm__seal_wide(user, base, alignment, size, account, key);
    else
        tm__seal(base, size, account, key);
}

/* The alignment with which the wide block was allocated. */
TM__PEEKS static size_t alignment_of(const void *user)
{
    tm__begin_peek();
    size_t alignment = (size_t)1 << (tm__prefix_of(user)->offset_and_alignment & 63);
    tm__end_peek();
    return alignment;
}

void tm__uncover(void *user, const struct tm__block *block)
{
    if (!tm__has_redzones())
        return;
    size_t request = block->wide ? wide_request(alignment_of(user), block->size) : tm__plain_request(block->size);
    tm__remove_redzones(block->base, user, block->size, (char *)block->base + request);
}

void tm__resize_at(void *user, const struct tm__block *block, size_t size, uint32_t slot)
{
    tm__seal_at(user, block->base, block->wide ? alignment_of(user) : TM__ALIGNMENT, size, slot);
}

TM__PEEKS void tm__reseal(void *user, const struct tm__block *block, uint32_t slot)
{
    uint64_t account = tm__account_of(slot) | (uint32_t)block->size, key = tm__key_of(slot);
    struct tm__header *header = tm__header_of(user);
    tm__begin_peek();
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

bool tm__may_stay(const void *base, size_t old, size_t size)
{
    size_t request = tm__plain_request(size), needed = TM__HEADER + size + tm__tail;
    if (request < TM__BACKEND_ROOMY_FROM && request == tm__plain_request(old))
        return true;
    return tm__may_span(backend_size_of(base), backend_round_up(needed)); /* a class may be larger than is needed */
}
