/* SPDX-License-Identifier: BSD-3-Clause */
/* What stands before a pointer: the rules are argued in docs/development/decisions.md. */
#include "block/inspect.h"
#include "base/backend.h"
#include "base/objects.h"
#include "block/process_malloc.h"
#include "block/readable.h"
#include "state/region.h"
#include "state/thread.h"

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
    if (!tm__prefix_by_header(user) && !tm__is_readable((uintptr_t)prefix))
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
    bool as_it_was = span == 0 || span > TM__BACKEND_LARGEST_CLASS || block->wide || block->kind == TM__DAMAGED ||
                     tm__may_span(span, tm__plain_request(block->size));
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
        /* Where the prefix begins the object, the backend may have overwritten its size. */
        prefix.size = tm__size_in(account);
        if ((uintptr_t)tm__base_of(user, prefix) != (uintptr_t)tm__prefix_of(user) ||
            mark != tm__wide_mark(tm__key_of(block->slot), account, user, prefix))
            return false;
    }
    block->size = prefix.size;
    return true;
}

/* A checker keeps what is freed as it is. The backend overwrites no more than it said where it knows its objects. */
static bool tombstones_last(void)
{
    return tm__has_redzones() ||
           (TM__BACKEND_OVERWRITES <= offsetof(struct tm__header, account) && backend_knows_objects());
}

/* Whether the bytes before a pointer were the header of a block that has been freed: told by its tombstone. */
static bool looks_freed(const void *user, struct tm__header header, struct tm__block *block, bool *sure)
{
    block->kind = TM__FREED;
    if (!tombstones_last())
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
