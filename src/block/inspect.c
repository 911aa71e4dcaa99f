/* SPDX-License-Identifier: BSD-3-Clause */
/* What is before a pointer. docs/development/decisions.md gives the reasons for the rules. */
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
    uint32_t signature = tm__signature(peek_header(user).mark, user);
    tm__end_peek();
    return signature == TM__PLAIN || signature == TM__WIDE;
}

TM__PEEKS static bool peek_prefix(const void *user, struct tm__prefix *copy)
{
    const volatile struct tm__prefix *prefix = tm__prefix_of(user);
    if (!tm__prefix_by_header(user) && !tm__is_readable((uintptr_t)prefix))
        return false;
    *copy = (struct tm__prefix){prefix->size, prefix->offset_and_alignment};
    return true;
}

static size_t alignment_in(struct tm__prefix prefix)
{
    return (size_t)1 << (prefix.offset_and_alignment & 63);
}

/*
 * Whether it is proved that the pointer is not a valid one of other memory; only then is what looks like a broken
 * header of ours reported. If the backend serves the whole process, an old tombstone may be before an object that was
 * cut from the same memory later: so it must be proved that no object begins here. If the present object has the size
 * that the freed block's had, then it may be either one. If the backend does not serve the process, no valid foreign
 * pointer points into its memory.
 */
static bool is_proved(const void *user, const struct tm__block *block, bool certain)
{
    if (!backend_knows_objects() || !tm__backend_serves_malloc())
        return certain || tm__in_backend(user);
    size_t span = tm__span_at(user);
    bool same_size = span == 0 || span > TM__BACKEND_LARGEST_CLASS || block->wide || block->kind == TM__DAMAGED ||
                     tm__may_span(span, tm__request_of(block));
    return same_size ? !tm__may_begin_object(user) : !tm__may_begin_here(user);
}

static bool looks_freed_wide(const void *user, struct tm__header header, struct tm__block *block)
{
    uint64_t account = tm__wide_tombstone(header.account, user), mark = tm__freed_mark(header.mark);
    struct tm__prefix prefix;
    block->wide = true;
    block->slot = tm__slot_in(account);
    if (!peek_prefix(user, &prefix))
        return false;
    if (mark != tm__wide_mark(tm__key_of(block->slot), account, user, prefix)) {
        /*
         * If the prefix is at the beginning of the object, the backend may have overwritten its first word, the size.
         */
        prefix.size = tm__shape_in(account);
        if ((uintptr_t)tm__base_of(user, prefix) != (uintptr_t)tm__prefix_of(user) ||
            mark != tm__wide_mark(tm__key_of(block->slot), account, user, prefix))
            return false;
    }
    block->size = prefix.size;
    block->alignment = alignment_in(prefix);
    return true;
}

/* A checker leaves freed memory as it is. A backend that knows its objects overwrites no more than it promised. */
static bool tombstones_last(void)
{
    return tm__has_redzones() ||
           (TM__BACKEND_OVERWRITES <= offsetof(struct tm__header, account) && backend_knows_objects());
}

/* Whether the bytes before a pointer were the header of a block that was freed, as its tombstone tells. */
static bool looks_freed(const void *user, struct tm__header header, struct tm__block *block, bool *certain)
{
    block->kind = TM__FREED;
    if (!tombstones_last())
        return false;
    uint32_t signature = tm__signature(header.mark, user);
    *certain = signature == TM__WIDE_FREED;
    if (*certain)
        return looks_freed_wide(user, header, block);

    uint64_t account = tm__tombstone(header.account, user),
             mark = signature == TM__ALIGNED_FREED ? tm__freed_mark(header.mark) : header.mark;
    block->size = tm__size_in(account);
    block->alignment = tm__alignment_in(account);
    /* In an object of whole pages the backend changes nothing, so the mark is still there, too. */
    *certain = mark == tm__plain_mark_for(account, user, &block->slot);
    return block->slot < tm__slots_used();
}

/* Whether there is an object at base, and in it this pointer is that of a block that is so aligned. */
static bool is_aligned_in(const void *base, size_t prefix, size_t alignment, const void *user)
{
    return alignment >= TM__ALIGNMENT && tm__in_backend(base) && tm__aligned_in(base, prefix, alignment) == user;
}

/*
 * Whether part of a live header is left: half of the mark; or else an account that names a slot in use. Other memory
 * does so by chance, with a probability of 2^-32 for each slot.
 */
static bool looks_damaged(const void *user, struct tm__header header, struct tm__block *block, bool *certain)
{
    block->kind = TM__DAMAGED;
    block->slot = tm__slot_in(header.account);
    block->wide = tm__signature(header.mark, user) == TM__WIDE;
    block->size = block->wide ? tm__shape_in(header.account) : tm__size_in(header.account);
    block->alignment = tm__alignment_in(header.account);
    *certain = block->wide || tm__signature(header.mark, user) == TM__PLAIN;
    if (*certain)
        return true;
    if (block->slot >= tm__slots_used())
        return false;
    struct tm__prefix prefix;
    *certain = (uint32_t)header.mark == (uint32_t)tm__plain_mark_for(header.account, user, &block->slot);
    if (!*certain && peek_prefix(user, &prefix))
        *certain =
            (uint32_t)header.mark == (uint32_t)tm__wide_mark(tm__key_of(block->slot), header.account, user, prefix) ||
            ((uint32_t)prefix.size == tm__shape_in(header.account) &&
             is_aligned_in(tm__base_of(user, prefix), TM__PREFIX, alignment_in(prefix), user));
    return true;
}

static bool inspect_plain(const void *user, struct tm__header header, struct tm__block *block)
{
    if (header.mark != tm__plain_mark_for(header.account, user, &block->slot))
        return false;
    block->size = tm__size_in(header.account);
    block->alignment = tm__alignment_in(header.account);
    block->base = tm__base_in(header.account, user);
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
    block->alignment = alignment_in(prefix);
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
    bool certain;
    if ((looks_freed(user, header, &broken, &certain) || looks_damaged(user, header, &broken, &certain)) &&
        is_proved(user, &broken, certain))
        *block = broken;
}

void tm__inspect_into(struct tm__block *block, const void *user)
{
    tm__begin_peek();
    inspect(block, user);
    tm__end_peek();
}
