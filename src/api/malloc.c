/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fast path: tm_malloc and tm_free, each on one screen, and under them the cold halves. Whatever is rare (a zero
 * or huge size, a thread without a slot, a new peak, a block of another thread, a pointer that is not ours) is found
 * by a compare that is made anyway.
 */
#define _GNU_SOURCE
#include "block/process_malloc.h"
#include "block/readable.h"
#include "meter/charge.h"
#include "meter/credit.h"
#include "state/slots.h"
#include "threadmeter/malloc.h"
#include "api/allocate.h"
#include "base/backend.h"
#include "block/block.h"
#include "block/cache.h"
#include "block/foreign.h"
#include "block/misuse.h"
#include "base/options.h"
#include "meter/peak.h"
#include "state/slot.h"

#include <errno.h>
#include <string.h>

#define COLD __attribute__((noinline, cold))
#define HOT __attribute__((hot, aligned(64)))

static void *malloc_anew(size_t size, const struct tm__bin *empty) __attribute__((noinline));
static void *malloc_large(size_t size) __attribute__((noinline));
static void *malloc_unusual_size(size_t size);
static void *malloc_charge_slow(void *base, size_t size) __attribute__((noinline));
static void *out_of_memory(void);
/* Out of line, or the fast path would have their frames. */
static void free_at_page_edge(void *user) __attribute__((noinline));
static void free_remote(void *user) __attribute__((noinline));
static void free_wide(void *user) __attribute__((noinline));
static void free_plain(void *user) __attribute__((noinline));
static void free_of_orphan(struct tm__header *header, uint32_t slot, size_t size) __attribute__((noinline));
static void free_unknown_pointer(void *user) __attribute__((noinline, cold));
static size_t usable_size_of_unknown_pointer(void *user) __attribute__((noinline, cold));

static inline void *charged(void *base, size_t size)
{
    struct tm__owner *me = tm__thread.me;
    if (__builtin_expect(!tm__charge_own(me, size), 0))
        return malloc_charge_slow(base, size);
    return tm__seal(base, size, me->account, me->key);
}

static inline void *from_backend(size_t size)
{
    void *base = backend_malloc(backend_round_up(size + TM__HEADER));
    return __builtin_expect(base != NULL, 1) ? charged(base, size) : out_of_memory();
}

HOT void *tm_malloc(size_t size)
{
    if (__builtin_expect(size - 1 >= TM__CACHED_MAX, 0)) /* 0, too */
        return malloc_large(size);
    struct tm__bin *bin = tm__bin_for(size);
    void *base = tm__take_object(bin);
    return __builtin_expect(base != NULL, 1) ? charged(base, size) : malloc_anew(size, bin);
}

static void *malloc_anew(size_t size, const struct tm__bin *empty)
{
    tm__count_uncached(empty);
    return from_backend(size);
}

static void *malloc_large(size_t size)
{
    return __builtin_expect(size - 1 < TM__PLAIN_MAX, 1) ? from_backend(size) : malloc_unusual_size(size);
}

/* The header can be read. */
TM__PEEKS static inline void free_readable(void *user)
{
    struct tm__header *header = tm__header_of(user);
    uint64_t account = header->account;
    struct tm__owner *me = tm__thread.me;
    if (__builtin_expect((header->mark ^ account ^ (uintptr_t)user) != me->free_key, 0)) {
        free_remote(user);
        return;
    }
    header->account = tm__tombstone(account, user);
    tm__credit_own(me, tm__size_in(account));
    tm__give_back(header, tm__size_in(account));
}

HOT TM__PEEKS void tm_free(void *user)
{
    if (__builtin_expect(tm__at_page_edge(user) || tm__has_redzones(), 0)) /* NULL, too */
        free_at_page_edge(user);
    else
        free_readable(user);
}

/*
 * Nearly always a plain block of a living thread that the caller freed blocks of before; what is not is handed on, and
 * not called, so that this has no frame.
 */
TM__PEEKS static void free_remote(void *user)
{
    struct tm__header *header = tm__header_of(user);
    uint64_t account = header->account;
    uint32_t slot;
    if (header->mark != tm__plain_mark_for(account, user, &slot)) {
        free_wide(user);
        return;
    }
    struct tm__slot *owner = tm__slot_at(slot);
    if (slot < TM__SHARED_SLOTS || !tm__credit_remote(owner, tm__size_in(account))) {
        free_plain(user);
        return;
    }
    header->account = tm__tombstone(account, user);
    if (tm__is_owned(owner))
        tm__give_back(header, tm__size_in(account));
    else
        free_of_orphan(header, slot, tm__size_in(account));
}

/* Aligned or huge, and the caller's own; or else strange. */
TM__PEEKS static void free_wide(void *user)
{
    struct tm__header *header = tm__header_of(user);
    struct tm__prefix *prefix = tm__prefix_of(user);
    struct tm__owner *me = tm__thread.me;
    uint64_t difference = header->mark ^ tm__plain_mark(me->free_key, header->account, user);
    if (!tm__may_be_wide(difference) || !tm__prefix_by_header(user) || difference != tm__wide_difference(*prefix)) {
        free_unknown_pointer(user);
        return;
    }
    void *base = tm__base_of(user, *prefix);
    tm__credit_own(me, prefix->size);
    tm__mark_freed(user, true);
    tm__free_object(base);
}

/* ---- the cold halves ---- */

COLD static void *out_of_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

COLD static void *malloc_unusual_size(size_t size)
{
    return tm__allocate(TM__ALIGNMENT, size);
}

static void *malloc_charge_slow(void *base, size_t size)
{
    struct tm__owner *me = tm__thread.me;
    if (tm__charge_peak(me, size))
        return tm__seal(base, size, me->account, me->key);
    return tm__allocate_in(base, TM__ALIGNMENT, size);
}

static void free_at_page_edge(void *user)
{
    if (!user)
        return;
    if (!tm__has_redzones() && tm__header_readable(user))
        free_readable(user);
    else
        free_unknown_pointer(user);
}

/* Whoever owns it, the caller included, where the fast path is closed. */
TM__PEEKS static void free_plain(void *user)
{
    if (tm__tail) {
        free_unknown_pointer(user);
        return;
    }
    struct tm__header *header = tm__header_of(user);
    uint64_t account = header->account;
    header->account = tm__tombstone(account, user);
    tm__credit(tm__slot_in(account), tm__size_in(account));
    tm__give_back(header, tm__size_in(account));
}

static void free_of_orphan(struct tm__header *header, uint32_t slot, size_t size)
{
    tm__retire_if_empty(slot);
    tm__give_back(header, size);
}

static void free_unknown_pointer(void *user)
{
    struct tm__block block = tm__inspect_or_report(user, "freed");
    if (block.kind == TM__LIVE)
        tm__release(user, &block);
    else if (block.kind == TM__FOREIGN)
        tm__foreign_free(user);
}

/* ---- what the other entry points share ---- */

COLD void *tm__allocate_in(void *base, size_t alignment, size_t size)
{
    tm__read_thread_options(); /* this may be the first block */
    if (tm__tail) {
        backend_free(base); /* there is no room behind */
        return tm__allocate(alignment, size);
    }
    uint32_t slot = tm__try_charge(size);
    if (slot == TM__NO_SLOT) {
        backend_free(base);
        return out_of_memory();
    }
    uint64_t account = tm__account_of(slot), key = tm__key_of(slot);
    if (alignment <= TM__ALIGNMENT)
        return tm__seal(base, size, account, key);
    void *user = tm__aligned_in(base, alignment);
    tm__seal_wide(user, base, alignment, size, account, key);
    return user;
}

void *tm__allocate(size_t alignment, size_t size)
{
    void *base;
    void *user = tm__place(alignment, size, &base);
    if (!user)
        return NULL;
    struct tm__owner *me = tm__thread.me;
    bool is_charged = size > 0 && tm__charge_own(me, size);
    uint32_t slot = is_charged ? tm__slot_in(me->account) : tm__try_charge(size);
    if (slot == TM__NO_SLOT) {
        backend_free(base);
        return out_of_memory();
    }
    tm__seal_at(user, base, alignment, size, slot);
    return user;
}

void tm__discard(void *user, const struct tm__block *block)
{
    tm__uncover(user, block);
    tm__mark_freed(user, block->wide);
    tm__free_object(block->base);
}

void tm__release(void *user, const struct tm__block *block)
{
    tm__credit(block->slot, block->size);
    tm__discard(user, block);
}

void *tm_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return out_of_memory();
    /* Clearing here, not in the backend: it would clear the header as well, and leaves no errno for an overflow. */
    void *user = tm_malloc(bytes);
    __asm__("" : "+r"(bytes)); /* or gcc, where it sees that they are few, clears them by a slow string instruction */
    return user ? memset(user, 0, bytes) : NULL;
}

/* C23 calls a wrong size undefined. We know the right one. */
static void free_checked(void *user, size_t alignment, size_t size)
{
    struct tm__block block = tm__inspect(user);
    bool misaligned = alignment != 0 && (uintptr_t)user % alignment != 0;
    if (block.kind == TM__LIVE && (block.size != size || misaligned))
        tm__report_size_error(user, &block, size, alignment);
    else
        tm_free(user);
}

void tm_free_sized(void *user, size_t size)
{
    free_checked(user, 0, size);
}

void tm_free_aligned_sized(void *user, size_t alignment, size_t size)
{
    free_checked(user, alignment, size);
}

void tm_cfree(void *user)
{
    tm_free(user);
}

static size_t usable_size_of_unknown_pointer(void *user)
{
    if (!user)
        return 0;
    struct tm__block block = tm__inspect(user);
    return block.kind == TM__FOREIGN ? tm__process_usable_size(user) : block.size;
}

/* There are programs that ask at each malloc and each free. */
TM__PEEKS size_t tm_malloc_usable_size(void *user)
{
    if (tm__at_page_edge(user) || tm__has_redzones()) /* NULL, too */
        return usable_size_of_unknown_pointer(user);
    const struct tm__header *header = tm__header_of(user);
    uint64_t account = header->account;
    uint32_t slot;
    return header->mark == tm__plain_mark_for(account, user, &slot) ? tm__size_in(account)
                                                                    : usable_size_of_unknown_pointer(user);
}
