/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocks off the fast path: placing and sealing those that are aligned or huge, and telling what stands before any
 * pointer at all. The rules of tm__inspect() are argued in docs/design.md.
 */
#define _GNU_SOURCE
#include "block.h"
#include "backend.h"
#include "foreign.h"
#include "kernel.h"
#include "options.h"
#include "slot.h"

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

/* For anything but an object of the backend, the kernel is asked. */
static bool readable(uintptr_t address)
{
    return backend_owns((const void *)address) || tm__sys_is_readable(address);
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

/* What the object at this address spans; 0 if it is none of the backend's. */
static size_t span_at(uintptr_t address)
{
    return backend_size_of((const void *)address);
}

/* The backend's, not the kernel's. */
static size_t backend_page(void)
{
    return backend_size_for(BACKEND_MOST_IN_CLASS + 1) - BACKEND_MOST_IN_CLASS;
}

static bool at_page(uintptr_t address)
{
    return address % TM__SMALLEST_PAGE == 0;
}

/*
 * Where the backend serves the whole process, an old tombstone may lie before an honest object that has since been cut
 * from the same memory. So it is believed only if the object that it tells of could be there now, but none that begins
 * at the user pointer. Objects of one size begin at multiples of it from a page on, those of whole pages at a page. (If
 * there is room in it, it may be of another size now than it was: TM__LEAST_ROOMY says why none can begin there.)
 */
static bool plain_could_be_here(uintptr_t user, size_t size)
{
    size_t span = span_at(user);
    if (span == 0 || span > BACKEND_MOST_IN_CLASS)
        return at_page(user - TM__HEADER);
    /* Not by the size alone: of a tombstone that was overwritten in part, that may be any. */
    return tm__may_span(span, plain_request(size)) && span_at(user - TM__HEADER) == span &&
           tm__may_begin_here((const void *)(user - TM__HEADER));
}

/* Objects of one size that are cut from one page on or from another begin a multiple of this from each other. */
static size_t step_between(size_t span)
{
    size_t common = span & -span, page = backend_page();
    return common < page ? common : page;
}

static bool wide_could_be_here(uintptr_t user, struct tm__prefix prefix)
{
    uintptr_t base = (uintptr_t)tm__base_of((const void *)user, prefix);
    size_t span = span_at(user), alignment = (size_t)1 << (prefix.offset_and_alignment & 63);
    if (span == 0 || span > BACKEND_MOST_IN_CLASS)
        return !at_page(user);
    if (span != backend_size_for(wide_request(alignment, prefix.size)) || span_at(base) != span)
        return false;
    /*
     * Eight small objects or more are cut from one page, so their multiples stay. Larger ones may be cut from another
     * page on than they were, and then an object may begin where ours had its user pointer.
     */
    return span <= backend_page() / 8 || (user - base) % step_between(span) != 0;
}

bool tm__may_begin_here(const void *user)
{
    size_t span = span_at((uintptr_t)user), page = backend_page();
    if (span == 0 || span > BACKEND_MOST_IN_CLASS)
        return at_page((uintptr_t)user);
    if (span <= page / 8)
        return (uintptr_t)user % page % span == 0;
    return (uintptr_t)user % step_between(span) == 0;
}

static bool inspect_freed_wide(const void *user, struct tm__header header, struct tm__block *block)
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
    return !tm__backend_serves_malloc() || wide_could_be_here((uintptr_t)user, prefix);
}

/* Whether the bytes before a pointer were the header of a block that has been freed: told by its tombstone. */
static bool inspect_freed(const void *user, struct tm__header header, struct tm__block *block)
{
    if (!backend_knows_objects() && !tm__has_redzones())
        return false;
    if (tm__signature(header.mark, user) == TM__WIDE_FREED)
        return inspect_freed_wide(user, header, block);

    uint64_t account = tm__tombstone(header.account, user);
    block->slot = tm__slot_in(account);
    block->size = tm__size_in(account);
    if (block->slot >= tm__slots_used())
        return false;
    /* Of an object of whole pages the backend leaves all as it was, the mark too. */
    return header.mark == tm__plain_mark(tm__key_of(block->slot), account, user) ||
           (tm__backend_serves_malloc() ? plain_could_be_here((uintptr_t)user, block->size)
                                        : backend_owns((const void *)((uintptr_t)user - TM__HEADER)));
}

/* Whether the prefix tells of an object that is there, and of this pointer in it. */
static bool prefix_fits(const void *user, struct tm__prefix prefix)
{
    size_t alignment = (size_t)1 << (prefix.offset_and_alignment & 63);
    const void *base = tm__base_of(user, prefix);
    size_t span = alignment >= TM__ALIGNMENT ? span_at((uintptr_t)base) : 0;
    return span != 0 && tm__aligned_in(base, alignment) == user &&
           tm__may_span(span, wide_request(alignment, prefix.size));
}

/* Whether part of a live header is left. */
static bool inspect_damaged(const void *user, struct tm__header header, struct tm__block *block)
{
    block->slot = tm__slot_in(header.account);
    block->size = tm__size_in(header.account);
    block->wide = tm__signature(header.mark, user) == TM__WIDE;
    if (block->wide || tm__signature(header.mark, user) == TM__PLAIN)
        return true;
    if (block->slot >= tm__slots_used())
        return false;
    if ((uint32_t)header.mark == (uint32_t)tm__plain_mark(tm__key_of(block->slot), header.account, user))
        return true;
    struct tm__prefix prefix;
    if (peek_prefix(user, &prefix) &&
        ((uint32_t)header.mark == (uint32_t)tm__wide_mark(tm__key_of(block->slot), header.account, user, prefix) ||
         ((uint32_t)prefix.size == tm__size_in(header.account) && prefix_fits(user, prefix))))
        return true;
    size_t span = span_at((uintptr_t)user - TM__HEADER);
    return span != 0 && tm__may_span(span, plain_request(block->size));
}

static bool inspect_plain(const void *user, struct tm__header header, struct tm__block *block)
{
    if (header.mark != tm__plain_mark(tm__key_of(block->slot), header.account, user))
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
    block->slot = tm__slot_in(header.account);
    if (inspect_plain(user, header, block) || inspect_wide(user, header, block)) {
        block->kind = tm__tail && !tm__tail_intact(user, block->size) ? TM__OVERRUN : TM__LIVE;
        return;
    }

    /* Not a live block. Before it is called a broken one: no block of ours ever was in so small an object. */
    struct tm__block broken = {0};
    if (inspect_freed(user, header, &broken))
        broken.kind = TM__FREED;
    else if (inspect_damaged(user, header, &broken))
        broken.kind = TM__DAMAGED;
    else
        return;
    if (!backend_owns(user) || backend_size_of(user) > TM__HEADER)
        *block = broken;
}

void tm__inspect_into(struct tm__block *block, const void *user)
{
    tm__begin_peek();
    inspect(block, user);
    tm__end_peek();
}
