/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocks off the fast path: placing and sealing those that are aligned or huge, and telling what stands before any
 * pointer at all. The rules of tm__inspect() are argued in docs/development/decisions.md.
 */
#define _GNU_SOURCE
#include "block/block.h"
#include "base/backend.h"
#include "meter/early.h"
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

/* An object to be placed must exist even for no bytes, or the user pointer would be the next object's. */
static size_t wide_request(size_t alignment, size_t size)
{
    return tm__wide_request(alignment, size ? size : 1) + tm__tail;
}

static size_t plain_request(size_t size)
{
    return backend_round_up(TM__HEADER + (size ? size : 1)) + tm__tail;
}

static size_t request_for(size_t alignment, size_t size)
{
    return is_wide(alignment, size) ? wide_request(alignment, size) : plain_request(size);
}

void *tm__place(size_t alignment, size_t size, void **base)
{
    const size_t most = PTRDIFF_MAX - TM__HEADER - TM__PREFIX - TM__MOST_TAIL;
    tm__read_options();
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

/* That a wide block was placed with. */
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
    size_t request = block->wide ? wide_request(alignment_of(user), block->size) : plain_request(block->size);
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

/* No byte is 0, which is what most overruns write. */
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
    if (request >= TM__LEAST_ROOMY && request <= span && request >= span / 2)
        return true;
    return backend_size_for(request) == span;
}

bool tm__may_stay(const void *base, size_t old, size_t size)
{
    size_t request = plain_request(size);
    return plain_request(old) == request || tm__may_span(backend_size_of(base), request);
}

/*
 * For anything but an object of the backend, the kernel is asked; and in the midst of attaching, for the backend allocates
 * where it is first asked.
 */
static bool readable(uintptr_t address)
{
    return (!tm__is_early() && tm__in_backend((const void *)address)) || tm__sys_is_readable(address);
}

bool tm__header_readable(const void *user)
{
    return readable((uintptr_t)user - TM__HEADER);
}

TM__PEEKS static struct tm__header peek_header(const void *user)
{
    const volatile struct tm__header *header = tm__header_of(user);
    return (struct tm__header){header->mark, header->account};
}

bool tm__may_be_live(const void *user)
{
    tm__begin_peek();
    uint32_t seen = tm__signature(peek_header(user).mark, user);
    tm__end_peek();
    return seen == TM__PLAIN || seen == TM__WIDE;
}

TM__PEEKS static bool peek_prefix(const void *user, struct tm__prefix *copy)
{
    const volatile struct tm__prefix *prefix = tm__prefix_of(user);
    if (!tm__prefix_by_header(user) && !readable((uintptr_t)prefix))
        return false;
    *copy = (struct tm__prefix){prefix->size, prefix->offset_and_alignment};
    return true;
}

/*
 * What looks like a broken header of ours is none, if the pointer may be an honest one that is not ours. Where the backend
 * serves the whole process, an old tombstone may lie before an object that has since been cut from the same memory: so
 * that none begins there is to be proved. That of an object of the size that is there now may be either. Where the backend
 * does not, no honest pointer points into its memory.
 */
static bool is_proved(const void *user, const struct tm__block *block, bool sure)
{
    if (!backend_knows_objects() || !tm__backend_serves_malloc())
        return sure || tm__in_backend(user);
    size_t span = tm__span_at(user);
    bool as_it_was = span == 0 || span > BACKEND_MOST_IN_CLASS || block->wide || block->kind == TM__DAMAGED ||
                     tm__may_span(span, plain_request(block->size));
    return as_it_was ? !tm__may_begin_object(user) : !tm__may_begin_here(user);
}

static bool looks_freed_wide(const void *user, struct tm__header header, struct tm__block *block)
{
    uint64_t account = tm__wide_tombstone(header.account, user), mark = tm__wide_freed_mark(header.mark);
    struct tm__prefix prefix;
    block->wide = true;
    block->slot = tm__slot_in(account);
    if (!peek_prefix(user, &prefix))
        return false;
    if (mark != tm__wide_mark(tm__key_of(block->slot), account, user, prefix)) {
        /* Where the prefix begins the object, the backend has overwritten its first word. */
        prefix.size = tm__size_in(account);
        if ((uintptr_t)tm__base_of(user, prefix) != (uintptr_t)tm__prefix_of(user) ||
            mark != tm__wide_mark(tm__key_of(block->slot), account, user, prefix))
            return false;
    }
    block->size = prefix.size;
    return true;
}

/* Whether the bytes before a pointer were the header of a block that has been freed: told by its tombstone. */
static bool looks_freed(const void *user, struct tm__header header, struct tm__block *block, bool *sure)
{
    block->kind = TM__FREED;
    if (!backend_knows_objects() && !tm__has_redzones())
        return false;
    *sure = tm__signature(header.mark, user) == TM__WIDE_FREED;
    if (*sure)
        return looks_freed_wide(user, header, block);

    uint64_t account = tm__tombstone(header.account, user);
    block->size = tm__size_in(account);
    /* Of an object of whole pages the backend leaves all as it was, the mark too. */
    *sure = header.mark == tm__plain_mark_for(account, user, &block->slot);
    return block->slot < tm__slots_used();
}

/* Whether the prefix tells of an object that is there, and of this pointer in it. */
static bool prefix_fits(const void *user, struct tm__prefix prefix)
{
    size_t alignment = (size_t)1 << (prefix.offset_and_alignment & 63);
    const void *base = tm__base_of(user, prefix);
    return alignment >= TM__ALIGNMENT && tm__in_backend(base) && tm__aligned_in(base, alignment) == user;
}

/*
 * Whether part of a live header is left: half a mark; or else an account, which is of a slot in use by a chance of 2^-32
 * for each slot.
 */
static bool looks_damaged(const void *user, struct tm__header header, struct tm__block *block, bool *sure)
{
    block->kind = TM__DAMAGED;
    block->slot = tm__slot_in(header.account);
    block->size = tm__size_in(header.account);
    block->wide = tm__signature(header.mark, user) == TM__WIDE;
    *sure = block->wide || tm__signature(header.mark, user) == TM__PLAIN;
    if (*sure)
        return true;
    if (block->slot >= tm__slots_used())
        return false;
    struct tm__prefix prefix;
    *sure = (uint32_t)header.mark == (uint32_t)tm__plain_mark_for(header.account, user, &block->slot);
    if (!*sure && peek_prefix(user, &prefix))
        *sure =
            (uint32_t)header.mark == (uint32_t)tm__wide_mark(tm__key_of(block->slot), header.account, user, prefix) ||
            ((uint32_t)prefix.size == block->size && prefix_fits(user, prefix));
    return true;
}

static bool inspect_plain(const void *user, struct tm__header header, struct tm__block *block)
{
    if (header.mark != tm__plain_mark_for(header.account, user, &block->slot))
        return false;
    block->size = tm__size_in(header.account);
    block->base = tm__header_of(user);
    return true;
}

static bool inspect_wide(const void *user, struct tm__header header, struct tm__block *block)
{
    struct tm__prefix prefix;
    if (tm__signature(header.mark, user) != TM__WIDE || (uintptr_t)user % TM__ALIGNMENT != 0 ||
        !peek_prefix(user, &prefix) ||
        header.mark != tm__wide_mark(tm__key_of(block->slot), header.account, user, prefix))
        return false;
    block->wide = true;
    block->size = prefix.size;
    block->base = tm__base_of(user, prefix);
    return true;
}

static void inspect(struct tm__block *block, const void *user)
{
    block->kind = TM__FOREIGN;
    block->wide = false;
    block->size = 0;
    if (!user || (uintptr_t)user % TM__ALIGNMENT != 0 || !tm__has_secret())
        return;
    if (tm__at_page_edge(user) && !tm__header_readable(user))
        return;

    struct tm__header header = peek_header(user);
    if (inspect_plain(user, header, block) || inspect_wide(user, header, block)) {
        block->kind = tm__tail && !tm__tail_intact(user, block->size) ? TM__OVERRUN : TM__LIVE;
        return;
    }

    struct tm__block broken = {0};
    bool sure;
    if ((looks_freed(user, header, &broken, &sure) || looks_damaged(user, header, &broken, &sure)) &&
        is_proved(user, &broken, sure))
        *block = broken;
}

void tm__inspect_into(struct tm__block *block, const void *user)
{
    tm__begin_peek();
    inspect(block, user);
    tm__end_peek();
}
