/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fast path and nothing else: tm_malloc and tm_free, each on one screen, and below them what is rare: a zero or
 * huge size, a thread without a slot, a new peak, a block of another thread, a pointer that is not ours. Each rare case
 * is found by a compare that is made anyway, and has a function that is named after it.
 */
#include "threadmeter/malloc.h"
#include "api/allocate.h"
#include "base/backend.h"
#include "block/block.h"
#include "block/thread_cache.h"
#include "block/foreign.h"
#include "block/readable.h"
#include "meter/charge.h"
#include "meter/credit.h"
#include "meter/lease.h"
#include "meter/peak.h"
#include "state/slot.h"
#include "state/slots.h"

#define COLD __attribute__((noinline, cold))
#define HOT __attribute__((hot, aligned(64)))
#define ALWAYS_INLINE static inline __attribute__((always_inline)) /* clang would not, where there are two callers */

static void *malloc_with_empty_bin(size_t size, struct tm__bin *bin) __attribute__((noinline));
static void *malloc_without_bin(size_t size) __attribute__((noinline));
static void *malloc_zero_or_huge(size_t size);
static void *malloc_charge_slow(void *base, size_t size) __attribute__((noinline));
/* Not inlined, because the fast path would then need their stack frames. */
static void free_at_page_edge(void *user) __attribute__((noinline));
static void free_own_without_bin(void *user, uint64_t account, struct tm__owner *me) __attribute__((noinline));
static void free_remote(void *user) __attribute__((noinline));
static void free_remote_aligned(void *user, uint64_t account, uint32_t slot) __attribute__((noinline));
static void free_own_wide(void *user) __attribute__((noinline));
static void free_credit_slow(void *user) __attribute__((noinline));
static void free_orphan(void *object, uint32_t slot, size_t size) __attribute__((noinline));
static void free_unknown_pointer(void *user) __attribute__((noinline, cold));

static inline void *charge_and_seal(void *base, size_t size)
{
    struct tm__owner *me = tm__thread.me;
    if (__builtin_expect(!tm__charge_own(me, size), 0))
        return malloc_charge_slow(base, size);
    return tm__seal(base, size, me->account, me->key);
}

HOT void *tm_malloc(size_t size)
{
    struct tm__bin *bin = tm__bin_for(size);
    if (__builtin_expect(!bin, 0))
        return malloc_without_bin(size);
    void *base = tm__take_object(bin);
    return __builtin_expect(base != NULL, 1) ? charge_and_seal(base, size) : malloc_with_empty_bin(size, bin);
}

static void *malloc_with_empty_bin(size_t size, struct tm__bin *bin)
{
    void *base = tm__object_for_empty_bin(bin, size);
    return __builtin_expect(base != NULL, 1) ? charge_and_seal(base, size) : NULL;
}

/* For a large block, or in a thread without a cache. */
static void *malloc_without_bin(size_t size)
{
    if (__builtin_expect(size - 1 >= TM__PLAIN_MAX, 0))
        return malloc_zero_or_huge(size);
    tm__count_slow_call();
    void *base = backend_malloc(tm__object_request(TM__HEADER + size));
    return __builtin_expect(base != NULL, 1) ? charge_and_seal(base, size) : tm__out_of_memory();
}

/* For a pointer before which 16 bytes can be read, whether they are a header or not. */
TM__PEEKS ALWAYS_INLINE void free_with_header(void *user)
{
    struct tm__header *header = tm__header_of(user);
    uint64_t account = header->account;
    struct tm__owner *me = tm__thread.me;
    if (__builtin_expect((header->mark ^ account ^ (uintptr_t)user) != me->free_key, 0)) {
        free_remote(user);
        return;
    }
    size_t shape = tm__shape_in(account); /* the size; or, taken for a size, so large that there is no bin for it */
    struct tm__cache *cache = tm__thread.cache;
    struct tm__bin *bin = tm__bin_in(cache, shape);
    if (__builtin_expect(!bin, 0)) {
        free_own_without_bin(user, account, me);
        return;
    }
    header->account = tm__tombstone(account, user);
    tm__credit_own(me, shape);
    tm__give_back_to(cache, bin, header);
}

HOT TM__PEEKS void tm_free(void *user)
{
    if (__builtin_expect(tm__at_page_edge(user) || tm__has_redzones(), 0)) /* NULL, too */
        free_at_page_edge(user);
    else
        free_with_header(user);
}

/* Frees a block of another thread, whose object is that of a block of `room` bytes that is not aligned. */
TM__PEEKS ALWAYS_INLINE void free_remote_sized(void *user, uint32_t slot, size_t size, bool is_aligned, void *object,
                                               size_t room, struct tm__bin *bin)
{
    struct tm__slot *owner = tm__slot_at(slot);
    if (slot < TM__SHARED_SLOTS || !tm__credit_remote(owner, size)) {
        free_credit_slow(user);
        return;
    }
    tm__mark_freed(user, tm__header_of(user)->account, is_aligned);
    if (tm__is_owned(owner))
        tm__give_back_to(tm__thread.cache, bin, object);
    else
        free_orphan(object, slot, room);
}

/*
 * Nearly always the block is plain, its owner lives, and the caller has freed blocks of that owner before. All other
 * cases end in a tail call, so that this function needs no stack frame.
 */
TM__PEEKS static void free_remote(void *user)
{
    struct tm__header *header = tm__header_of(user);
    uint64_t account = header->account;
    uint32_t slot;
    if (header->mark != tm__plain_mark_for(account, user, &slot)) {
        free_own_wide(user);
        return;
    }
    size_t shape = tm__shape_in(account);
    struct tm__bin *bin = tm__bin_for(shape);
    if (__builtin_expect(bin != NULL, 1)) {
        __asm__("" : "+r"(bin)); /* else gcc keeps it as a sum of two, and needs a stack frame */
        if (!bin)
            __builtin_unreachable();
        free_remote_sized(user, slot, shape, false, header, shape, bin);
    } else if (tm__is_aligned(shape))
        free_remote_aligned(user, account, slot);
    else
        free_remote_sized(user, slot, shape, false, header, shape, NULL);
}

/* As free_with_header(), for a block of the caller's that is aligned to more than 16. */
TM__PEEKS static inline void free_own_aligned(void *user, uint64_t account, struct tm__owner *me)
{
    if (!tm__is_aligned(tm__shape_in(account)))
        __builtin_unreachable();
    tm__mark_freed(user, account, true);
    tm__credit_own(me, tm__size_in(account));
    tm__give_back(tm__base_in(account, user), tm__unaligned_size_in(account));
}

/* The same, for one that is aligned, or large, or where the caller has no cache. */
TM__PEEKS static void free_own_without_bin(void *user, uint64_t account, struct tm__owner *me)
{
    if (tm__is_aligned(tm__shape_in(account))) {
        free_own_aligned(user, account, me);
        return;
    }
    struct tm__header *header = tm__header_of(user);
    header->account = tm__tombstone(account, user);
    tm__credit_own(me, tm__shape_in(account));
    tm__free_without_bin(header);
}

/* As free_own_aligned(), for a block of another thread. */
TM__PEEKS static void free_remote_aligned(void *user, uint64_t account, uint32_t slot)
{
    if (!tm__is_aligned(tm__shape_in(account)))
        __builtin_unreachable();
    size_t room = tm__unaligned_size_in(account);
    free_remote_sized(user, slot, tm__size_in(account), true, tm__base_in(account, user), room, tm__bin_for(room));
}

/* For a wide block that the caller owns. Any other pointer is unknown here. */
TM__PEEKS static void free_own_wide(void *user)
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
    tm__mark_wide_freed(user);
    tm__free_object(base);
}

/* ---- what is rare ---- */

COLD static void *malloc_zero_or_huge(size_t size)
{
    return tm__allocate(TM__ALIGNMENT, size);
}

static void *malloc_charge_slow(void *base, size_t size)
{
    struct tm__owner *me = tm__thread.me;
    if (tm__charge_peak(me, size) || tm__charge_leased(me, size))
        return tm__seal(base, size, me->account, me->key);
    return tm__allocate_in(base, TM__ALIGNMENT, size);
}

TM__PEEKS static void free_at_page_edge(void *user)
{
    if (!user)
        return;
    if (!tm__has_redzones() && tm__header_readable(user))
        free_with_header(user);
    else
        free_unknown_pointer(user);
}

/*
 * For a plain block of any owner, the caller included, whose credit takes more than an addition to the caller's
 * counters.
 */
TM__PEEKS static void free_credit_slow(void *user)
{
    if (tm__tail) {
        free_unknown_pointer(user);
        return;
    }
    uint64_t account = tm__header_of(user)->account;
    tm__mark_freed(user, account, tm__is_aligned(tm__shape_in(account)));
    tm__credit(tm__slot_in(account), tm__size_in(account));
    tm__give_back(tm__base_in(account, user), tm__unaligned_size_in(account));
}

static void free_orphan(void *object, uint32_t slot, size_t size)
{
    tm__retire_if_empty(slot);
    tm__give_back(object, size);
}

static void free_unknown_pointer(void *user)
{
    struct tm__block block = tm__inspect_or_report(user, "freed");
    if (block.kind == TM__LIVE)
        tm__release(user, &block);
    else if (block.kind == TM__FOREIGN)
        tm__foreign_free(user);
}
