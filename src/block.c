/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocks off the fast path: placing and sealing those that are aligned or huge, and telling what stands before any
 * pointer at all. The rules of tm__inspect() are argued in docs/design.md.
 */
#define _GNU_SOURCE
#include "block.h"
#include "backend.h"
#include "foreign.h"
#include "slot.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the upper half of mark ^ address ^ secret says of a header: the signature. */
enum {
    PLAIN = 0,
    WIDE = UINT32_MAX,
    WIDE_FREED = UINT32_C(0x5bd1e995),
};

static uint32_t signature(uint64_t mark, const void *user)
{
    return (uint32_t)((mark ^ (uintptr_t)user ^ tm__secret) >> 32);
}

static uint64_t plain_mark(uint32_t slot, uint64_t account, const void *user)
{
    return tm__key_of(slot) ^ account ^ (uintptr_t)user;
}

static uint64_t wide_mark(uint32_t slot, uint64_t account, const void *user, struct tm__prefix prefix)
{
    uint64_t mixed = (prefix.offset_and_span ^ prefix.size * 31) * UINT64_C(0x9e3779b97f4a7c15);
    return ~plain_mark(slot, account, user) ^ mixed >> 32;
}

static uint64_t wide_freed_mark(uint64_t wide)
{
    return wide ^ (uint64_t)(WIDE ^ WIDE_FREED) << 32;
}

/* An object to be placed must exist even for no bytes, or the user pointer would be the next object's. */
static size_t request_for(size_t alignment, size_t size)
{
    size_t lead = size > TM__PLAIN_MAX ? TM__HEADER + TM__PREFIX : TM__HEADER;
    size_t bytes = size ? size : 1;
    /* base is 16-aligned, so base + lead rounds up to at most base + lead - 16 + alignment */
    return alignment <= TM__ALIGNMENT ? lead + bytes : lead - TM__HEADER + alignment + bytes;
}

void *tm__place(size_t alignment, size_t size, void **base)
{
    const size_t most = PTRDIFF_MAX - TM__HEADER - TM__PREFIX;
    if (size > most || alignment > most - size || !(*base = backend_malloc(request_for(alignment, size)))) {
        errno = ENOMEM;
        return NULL;
    }
    uintptr_t user = (uintptr_t)*base + TM__HEADER + (size > TM__PLAIN_MAX ? TM__PREFIX : 0);
    if (alignment > TM__ALIGNMENT)
        user = (user + alignment - 1) & ~(alignment - 1);
    return (void *)user;
}

void tm__seal_at(void *user, void *base, size_t alignment, size_t size, uint32_t slot)
{
    size_t offset = (uintptr_t)user - (uintptr_t)base;
    if (offset == TM__HEADER) {
        tm__seal(base, size, tm__account_of(slot), tm__key_of(slot));
        return;
    }
    uint64_t span = backend_size_for(request_for(alignment, size)) / TM__ALIGNMENT;
    struct tm__prefix prefix = {offset | span << 40, size};
    struct tm__header *header = tm__header_of(user);
    header->account = tm__account_of(slot) | (uint32_t)size;
    header->mark = wide_mark(slot, header->account, user, prefix);
    *tm__prefix_of(user) = prefix;
}

void tm__bury(void *user, const struct tm__block *block)
{
    struct tm__header *header = tm__header_of(user);
    header->account = tm__tombstone(header->account, user);
    /* The backend never writes here when it frees the object, so this half would pass for a live header's. */
    if (block->wide)
        header->mark = wide_freed_mark(header->mark);
}

void tm__unbury(void *user, const struct tm__block *block)
{
    tm__bury(user, block); /* each step is its own inverse */
}

/*
 * For anything but an object of the backend, the kernel is asked: sigprocmask reads the set before it looks at the
 * impossible `how`. Unlike mincore, that also tells of pages that exist but may not be read.
 */
static bool readable(uintptr_t address)
{
    if (backend_owns((const void *)address))
        return true;
    int saved = errno;
    bool fault = syscall(SYS_rt_sigprocmask, -1, address, NULL, sizeof(uint64_t)) == -1 && errno == EFAULT;
    errno = saved;
    return !fault;
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
    uint32_t seen = signature(peek_header(user).mark, user);
    return seen == PLAIN || seen == WIDE;
}

TM__PEEKS static bool peek_prefix(const void *user, struct tm__prefix *copy)
{
    const volatile struct tm__prefix *prefix = tm__prefix_of(user);
    if (((uintptr_t)prefix & (TM__SMALLEST_PAGE - 1)) >= TM__SMALLEST_PAGE - 2 * TM__PREFIX &&
        !readable((uintptr_t)prefix))
        return false;
    *copy = (struct tm__prefix){prefix->offset_and_span, prefix->size};
    return true;
}

static bool is_object(uintptr_t base, size_t span)
{
    return backend_owns((const void *)base) && backend_size_of((const void *)base) == span;
}

/* Whether the bytes before a pointer were the header of a block that has been freed: told by its tombstone. */
static bool inspect_freed(const void *user, struct tm__header header, struct tm__block *block)
{
    uint64_t account = tm__tombstone(header.account, user);
    block->slot = tm__slot_in(account);
    if (block->slot >= tm__slots_used() || !backend_knows_objects())
        return false;

    struct tm__prefix prefix;
    if (signature(header.mark, user) == WIDE_FREED) {
        if (!peek_prefix(user, &prefix) ||
            wide_freed_mark(header.mark) != wide_mark(block->slot, account, user, prefix))
            return false;
        block->wide = true;
        block->size = prefix.size;
        uintptr_t base = (uintptr_t)user - (prefix.offset_and_span & ((UINT64_C(1) << 40) - 1));
        /* An old tombstone may lie before an object that has since been cut from the same memory. */
        return !tm__backend_serves_malloc() ||
               (backend_owns((void *)base) &&
                (backend_size_of((void *)base) / TM__ALIGNMENT & 0xffffff) == prefix.offset_and_span >> 40);
    }

    uintptr_t base = (uintptr_t)user - TM__HEADER;
    block->size = tm__size_in(account);
    if (is_object(base, backend_size_for(request_for(TM__ALIGNMENT, block->size))))
        return true;
    return header.mark == plain_mark(block->slot, account, user);
}

/* Whether part of a live header is left. */
static bool inspect_damaged(const void *user, struct tm__header header, struct tm__block *block)
{
    block->slot = tm__slot_in(header.account);
    block->size = tm__size_in(header.account);
    block->wide = signature(header.mark, user) == WIDE;
    if (block->wide || signature(header.mark, user) == PLAIN)
        return true;
    if (block->slot >= tm__slots_used())
        return false;
    if ((uint32_t)header.mark == (uint32_t)plain_mark(block->slot, header.account, user))
        return true;
    struct tm__prefix prefix;
    if (peek_prefix(user, &prefix) &&
        (uint32_t)header.mark == (uint32_t)wide_mark(block->slot, header.account, user, prefix))
        return true;
    return is_object((uintptr_t)user - TM__HEADER, backend_size_for(request_for(TM__ALIGNMENT, block->size)));
}

struct tm__block tm__inspect(const void *user)
{
    struct tm__block block = {.kind = TM__FOREIGN};
    if (!user || (uintptr_t)user % TM__ALIGNMENT != 0 || tm__secret == 0)
        return block;
    if (tm__at_page_edge(user) && !tm__header_readable(user))
        return block;

    struct tm__header header = peek_header(user);
    block.slot = tm__slot_in(header.account);
    bool known_slot = block.slot < tm__slots_used();
    if (known_slot && header.mark == plain_mark(block.slot, header.account, user)) {
        block.kind = TM__LIVE;
        block.size = tm__size_in(header.account);
        block.base = tm__header_of(user);
        return block;
    }
    struct tm__prefix prefix;
    if (known_slot && signature(header.mark, user) == WIDE && peek_prefix(user, &prefix) &&
        header.mark == wide_mark(block.slot, header.account, user, prefix)) {
        block.kind = TM__LIVE;
        block.wide = true;
        block.size = prefix.size;
        block.base = (void *)((uintptr_t)user - (prefix.offset_and_span & ((UINT64_C(1) << 40) - 1)));
        return block;
    }

    /* Not a live block. Before it is called a broken one: no block of ours ever was in so small an object. */
    struct tm__block broken = {0};
    if (inspect_freed(user, header, &broken))
        broken.kind = TM__FREED;
    else if (inspect_damaged(user, header, &broken))
        broken.kind = TM__DAMAGED;
    else
        return block;
    if (backend_owns(user) && backend_size_of(user) <= TM__HEADER)
        return block;
    return broken;
}
