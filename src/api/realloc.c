/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * realloc. It is counted as a free and an allocation by the caller, once it is sure to succeed. Until then nothing
 * changes: neither the block, nor its contents, nor a total.
 */
#define _GNU_SOURCE
#include "api/realloc.h"
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
static bool fits(const struct tm__block *block, size_t size)
{
    return backend_knows_objects() && !tm__has_redzones() && tm__may_stay(block, size);
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
static bool place(const struct tm__block *old, size_t alignment, size_t size, struct tm__block *block)
{
    int saved = errno;
    size_t room = alignment == TM__ALIGNMENT ? with_room(old->base, size) : size;
    bool placed = tm__place(alignment, room, block);
    if (placed || room == size)
        return placed;
    errno = saved;
    return tm__place(alignment, size, block);
}

/* The block stays where it is. */
static void *resize_in_place(const struct tm__block *block, size_t size)
{
    uint32_t slot = tm__exchange(size, block);
    return slot == TM__NO_SLOT ? NULL : tm__seal_in(block, size, slot);
}

/* The block moves to a new object. The alignment that was once asked for is not kept. */
static void *move(void *user, const struct tm__block *block, size_t alignment, size_t size)
{
    struct tm__block other;
    if (!place(block, alignment, size, &other))
        return NULL;
    uint32_t slot = tm__exchange(size, block);
    if (slot == TM__NO_SLOT) {
        backend_free(other.base);
        return tm__out_of_memory();
    }
    void *moved = tm__seal_in(&other, size, slot);
    memcpy(moved, user, size < block->size ? size : block->size);
    tm__discard(user, block);
    return moved;
}

/* As in glibc, a block that stays may be aligned to more. */
static void *resize(void *user, size_t alignment, size_t size)
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
    bool stays = ((uintptr_t)user & (alignment - 1)) == 0 && fits(&block, size);
    return stays ? resize_in_place(&block, size) : move(user, &block, alignment, size);
}

/*
 * Whether the backend has a size class for the object of a plain block of this size, at least 1, without a tail. As a
 * size, the shape of an aligned block is too large.
 */
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
    return header->mark == tm__plain_mark(tm__thread.me->free_key, account, user) && is_small(tm__shape_in(account)) &&
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
    size_t old_size = tm__shape_in(header->account);
    bool moves = !tm__unaligned_may_stay(header, old_size, size);
    if (moves && !(base = object_for(header, size)))
        return NULL;
    tm__credit_own(me, old_size);
    if (!tm__charge_own(me, size))
        tm__charge(size);
    tm__seal(base, size, me->account, me->key);
    if (moves) {
        memcpy(base + 1, user, size < old_size ? size : old_size);
        header->account = tm__tombstone(header->account, user);
        tm__give_back(header, old_size);
    }
    return base + 1;
}

void *tm_realloc(void *user, size_t size)
{
    return is_simple(user) && is_small(size) ? resize_simple(user, size) : resize(user, TM__ALIGNMENT, size);
}

void *tm__realloc_aligned(void *user, size_t alignment, size_t size)
{
    return resize(user, alignment, size);
}

size_t tm__realloc_in_place(void *user, size_t least, size_t most)
{
    struct tm__block block = tm__inspect_or_report(user, "reallocated");
    if (block.kind == TM__FOREIGN)
        return tm_malloc_usable_size(user);
    if (block.kind != TM__LIVE)
        return 0;
    const size_t sizes[] = {most, least};
    for (size_t i = 0; i < 2; i++)
        if (fits(&block, sizes[i]) && resize_in_place(&block, sizes[i]))
            return sizes[i];
    return block.size;
}

void *tm_reallocarray(void *user, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return tm__out_of_memory();
    return tm_realloc(user, bytes);
}
