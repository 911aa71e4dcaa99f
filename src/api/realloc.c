/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * realloc. It is counted as a free and an allocation by the caller, once it is sure to succeed. Until then nothing
 * changes: neither the block, nor its contents, nor a total.
 */
#define _GNU_SOURCE
#include "meter/charge.h"
#include "api/allocate.h"
#include "base/backend.h"
#include "block/thread_cache.h"
#include "block/foreign.h"
#include "base/options.h"
#include "state/slot.h"
#include "threadmeter/malloc.h"

#include <errno.h>
#include <string.h>

/*
 * The backend's realloc is not used: a limit may refuse the new size, and then the block must be where it was. But the
 * rules are the same: a block of 1 KiB or more stays while its object is at most twice as large as needed, and a block
 * that grows a little gets an object that is larger by a quarter, so that growing by small steps does not copy each
 * time.
 */

/* Whether the block may have this size where it is. */
static bool fits(const void *user, const struct tm__block *block, size_t size)
{
    if (!backend_knows_objects() || tm__has_redzones())
        return false;
    if (!block->wide)
        return size <= TM__PLAIN_MAX && tm__may_stay(block->base, block->size, size);
    size_t span = backend_size_of(block->base), before = (size_t)((const char *)user - (const char *)block->base);
    return span > TM__BACKEND_LARGEST_CLASS && size <= span && tm__may_span(span, before + size + tm__tail);
}

/*
 * The size for which a new object is made, so that a block that has outgrown its object may grow further in the new
 * one.
 */
static size_t with_room(const void *base, size_t size)
{
    size_t span = backend_size_of(base), most = span + span / 4, needed = TM__HEADER + size + tm__tail;
    bool has_room = needed > span && needed >= TM__BACKEND_ROOMY_FROM && needed < most;
    return has_room ? most - TM__HEADER - tm__tail : size;
}

/* As tm__place(), with room to grow if there is memory for it. */
static void *place(const struct tm__block *block, size_t size, void **base)
{
    int saved = errno;
    size_t room = with_room(block->base, size);
    void *user = tm__place(TM__ALIGNMENT, room, base);
    if (user || room == size)
        return user;
    errno = saved;
    return tm__place(TM__ALIGNMENT, size, base);
}

/* The block stays where it is. */
static void *resize_in_place(void *user, const struct tm__block *block, size_t size)
{
    uint32_t slot = tm__exchange(size, block);
    if (slot == TM__NO_SLOT)
        return NULL;
    tm__resize_at(user, block, size, slot);
    return user;
}

/* The block moves to a new object. As in glibc, the alignment that was once asked for is not kept. */
static void *move(void *user, const struct tm__block *block, size_t size)
{
    void *base;
    void *moved = place(block, size, &base);
    if (!moved)
        return NULL;
    uint32_t slot = tm__exchange(size, block);
    if (slot == TM__NO_SLOT) {
        backend_free(base);
        return tm__out_of_memory();
    }
    tm__seal_at(moved, base, TM__ALIGNMENT, size, slot);
    memcpy(moved, user, size < block->size ? size : block->size);
    tm__discard(user, block);
    return moved;
}

static void *resize(void *user, size_t size)
{
    if (!user)
        return tm_malloc(size);
    struct tm__block block = tm__inspect_or_report(user, "reallocated");
    if (block.kind == TM__FOREIGN)
        return tm__foreign_realloc(user, size);
    if (block.kind != TM__LIVE) {
        errno = EINVAL;
        return NULL;
    }
    if (size == 0) {
        tm__release(user, &block);
        return NULL;
    }
    return fits(user, &block, size) ? resize_in_place(user, &block, size) : move(user, &block, size);
}

/* Whether the backend has a size class for the object of a plain block of this size, at least 1, without a tail. */
static bool is_small(size_t size)
{
    return size - 1 < TM__BACKEND_LARGEST_CLASS - TM__HEADER;
}

/* Whether the caller owns the block, the fast path may be used, and no limit can refuse the new size. */
TM__PEEKS static bool is_simple(const void *user)
{
    if (tm__has_redzones() || tm__at_page_edge(user)) /* NULL, too */
        return false;
    const struct tm__header *header = tm__header_of(user);
    uint64_t account = header->account;
    return header->mark == tm__plain_mark(tm__thread.me->free_key, account, user) && is_small(tm__size_in(account)) &&
           !tm__thread.bounded;
}

/* As place(), for sizes that is_small() accepts. */
static struct tm__header *object_for(const struct tm__header *old, size_t size)
{
    int saved = errno;
    size_t room = with_room(old, size);
    struct tm__header *object = room != size ? backend_malloc(tm__object_request(TM__HEADER + room)) : NULL;
    if (object)
        return object;
    errno = saved;
    return tm__object_for(size);
}

static void *resize_simple(void *user, size_t size)
{
    struct tm__header *header = tm__header_of(user), *base = header;
    struct tm__owner *me = tm__thread.me;
    size_t old_size = tm__size_in(header->account);
    bool moves = !tm__may_stay(header, old_size, size);
    if (moves && !(base = object_for(header, size)))
        return NULL;
    tm__credit_own(me, old_size);
    if (!tm__charge_own(me, size))
        tm__charge(size);
    tm__seal(base, size, me->account, me->key);
    if (moves) {
        memcpy(base + 1, user, size < old_size ? size : old_size);
        tm__mark_freed(user, false);
        tm__give_back(header, old_size);
    }
    return base + 1;
}

void *tm_realloc(void *user, size_t size)
{
    return is_simple(user) && is_small(size) ? resize_simple(user, size) : resize(user, size);
}

void *tm_reallocarray(void *user, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return tm__out_of_memory();
    return tm_realloc(user, bytes);
}
