/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The header before each block: how it is written, and what it proves.
 *
 *     base                        user pointer, 16-aligned
 *     | mark (8) | account (8) | what the user asked for ...
 *
 * account  slot of the owner (scrambled by the secret) and size, 32 bits each
 * mark     key of the slot ^ address ^ account. The key is secret ^ slot, so with one compare a thread knows that a
 *          header is intact and names its own slot; and the slot of any intact header can be computed. The halves
 *          prove different things: the upper one depends on secret and address alone (a header of ours was here), the
 *          lower one binds slot, size and address (they have not changed since).
 *
 * A freed block keeps size and slot in a tombstone, in place of the account, if the backend overwrites no more of a
 * freed object than the mark.
 *
 * A block is "wide" if it is aligned to more than 16, if its size does not fit in 31 bits, or if it was allocated with
 * room to grow to such a size. A wide block has a prefix before its header, and its mark is inverted, so that it never
 * matches on the fast path. All others are "plain": the user pointer is 16 bytes after the base, and the object is just
 * as large as the backend makes it for that size, unless realloc left room (TM__BACKEND_ROOMY_FROM).
 *
 * This file knows nothing of counters.
 */
#ifndef TM_HEADER_H
#define TM_HEADER_H

#include "base/backend.h"
#include "base/options.h"
#include "base/redzone.h"
#include "base/secret.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TM__ALIGNMENT = 16,
    TM__HEADER = 16,
    TM__PREFIX = 16,
    TM__MOST_TAIL = 4096,      /* the upper limit of THREADMETER_GUARD */
    TM__PLAIN_MAX = INT32_MAX, /* fits the immediate operand of one instruction */
    TM__SMALLEST_PAGE = 4096,
};

struct tm__header {
    uint64_t mark;
    uint64_t account;
};

struct tm__prefix {
    uint64_t size;
    uint64_t offset_and_alignment; /* user pointer - base, 58 bits; below them the logarithm of the alignment */
};

static_assert(TM__BACKEND_ALIGNMENT % TM__ALIGNMENT == 0, "a header may be at the beginning of an object");
static_assert(sizeof(struct tm__header) == TM__HEADER, "the header keeps 16-byte alignment");
static_assert(sizeof(struct tm__prefix) == TM__PREFIX, "the prefix fits between base and header");

static inline struct tm__header *tm__header_of(const void *user)
{
    return (struct tm__header *)((uintptr_t)user - TM__HEADER);
}

static inline struct tm__prefix *tm__prefix_of(const void *user)
{
    return (struct tm__prefix *)((uintptr_t)user - TM__HEADER - TM__PREFIX);
}

static inline uint64_t tm__account_of(uint32_t slot)
{
    return (uint64_t)(slot ^ (uint32_t)tm__known_secret()) << 32;
}

static inline uint64_t tm__key_of(uint32_t slot)
{
    return tm__known_secret() ^ tm__account_of(slot) ^ slot;
}

static inline uint32_t tm__slot_in(uint64_t account)
{
    return (uint32_t)(account >> 32) ^ (uint32_t)tm__known_secret();
}

static inline uint32_t tm__size_in(uint64_t account)
{
    return (uint32_t)account;
}

/*
 * The upper half of mark ^ address ^ secret, the signature, tells what kind of header it is. In a wide header the lower
 * half of the mark also binds the prefix.
 */
enum {
    TM__PLAIN = 0,
    TM__WIDE = UINT32_MAX,
};

static inline uint32_t tm__signature(uint64_t mark, const void *user)
{
    return (uint32_t)((mark ^ (uintptr_t)user ^ tm__known_secret()) >> 32);
}

static inline uint64_t tm__plain_mark(uint64_t key, uint64_t account, const void *user)
{
    return key ^ account ^ (uintptr_t)user;
}

/*
 * The same for the slot that the account names, which is stored in *slot. This reads the secret once, and needs fewer
 * steps.
 */
static inline uint64_t tm__plain_mark_for(uint64_t account, const void *user, uint32_t *slot)
{
    uint64_t secret = tm__known_secret();
    *slot = (uint32_t)(account >> 32) ^ (uint32_t)secret;
    return secret ^ *slot ^ (uint32_t)account ^
           (uintptr_t)user; /* the term that scrambles the slot in the account cancels out: the key has it, too */
}

/*
 * The difference (XOR) between the mark of a wide block and that of a plain block of the same slot, size and address.
 */
static inline uint64_t tm__wide_difference(struct tm__prefix prefix)
{
    /* inverted, since otherwise an all-zero prefix would match a plain block whose mark was inverted */
    uint64_t mixed = (prefix.offset_and_alignment ^ ~(prefix.size * 31)) * UINT64_C(0x9e3779b97f4a7c15);
    return ~(mixed >> 32);
}

/* The marks of plain blocks of two slots differ by a number with a small upper half, so this is not true of them. */
static inline bool tm__may_be_wide(uint64_t difference)
{
    return difference >> 32 == TM__WIDE;
}

static inline uint64_t tm__wide_mark(uint64_t key, uint64_t account, const void *user, struct tm__prefix prefix)
{
    return tm__plain_mark(key, account, user) ^ tm__wide_difference(prefix);
}

/*
 * Writes the header of a plain block at base and returns the user pointer. `account` and `key` are those of its slot.
 */
static inline void *tm__seal(void *base, size_t size, uint64_t account, uint64_t key)
{
    struct tm__header *header = base;
    account |= size;
    header->account = account;
    header->mark = tm__plain_mark(key, account, header + 1);
    if (tm__has_redzones())
        tm__make_redzones(header, header + 1, size, (char *)(header + 1) + (size ? size : 1) + tm__tail);
    return header + 1;
}

/* The first multiple of `alignment` that leaves room for header and prefix in an object at base. */
static inline void *tm__aligned_in(const void *base, size_t alignment)
{
    return (void *)(((uintptr_t)base + TM__HEADER + TM__PREFIX + alignment - 1) & -alignment);
}

/* base is aligned to 16, see backend_round_up(), so user pointer - base is at most PREFIX + alignment. */
static inline size_t tm__wide_request(size_t alignment, size_t size)
{
    return backend_round_up(TM__PREFIX + alignment + size);
}

static inline void tm__seal_wide(void *user, void *base, size_t alignment, size_t size, uint64_t account, uint64_t key)
{
    uint64_t offset = (uintptr_t)user - (uintptr_t)base;
    struct tm__prefix prefix = {size, offset << 6 | (unsigned)__builtin_ctzll(alignment)};
    struct tm__header *header = tm__header_of(user);
    account |= (uint32_t)size;
    header->account = account;
    header->mark = tm__wide_mark(key, account, user, prefix);
    *tm__prefix_of(user) = prefix;
    if (tm__has_redzones())
        tm__make_redzones(base, user, size, (char *)base + tm__wide_request(alignment, size ? size : 1) + tm__tail);
}

static inline void *tm__base_of(const void *user, struct tm__prefix prefix)
{
    return (void *)((uintptr_t)user - (prefix.offset_and_alignment >> 6));
}

/*
 * The value that replaces the account when a block is freed; the function is its own inverse. The product spreads the
 * address over all bits, so that a tombstone that was copied to another address yields no plausible slot and size.
 */
static inline uint64_t tm__tombstone(uint64_t account, const void *user)
{
    return account ^ (uintptr_t)user * -UINT64_C(0x61c88647);
}

/* The signature of a wide block that was freed. */
#define TM__WIDE_FREED UINT32_C(0x5bd1e995)

static inline uint64_t tm__wide_freed_mark(uint64_t wide)
{
    return wide ^ (uint64_t)(TM__WIDE ^ TM__WIDE_FREED) << 32;
}

/*
 * A wide block's tombstone is inverted, like its mark. So if the mark is overwritten, the tombstone does not yield a
 * size, as that of a plain block would.
 */
static inline uint64_t tm__wide_tombstone(uint64_t account, const void *user)
{
    return ~tm__tombstone(account, user);
}

/*
 * For functions that read memory which may not belong to the library, or may not be a header: the address sanitizer
 * would report the first, the thread sanitizer the second.
 */
#define TM__PEEKS __attribute__((no_sanitize("address"), no_sanitize("thread")))

/*
 * Whether the header may lie on the page before the user pointer's own; that page need not be readable if the pointer
 * is not ours. This is also true of NULL, so the fast path needs only one test for both. With THREADMETER_GUARD it is
 * true of every pointer: then no header is read before it is known to be readable. tm__edge_bits says why it is read
 * without an atomic load.
 */
TM__PEEKS static inline bool tm__at_page_edge(const void *user)
{
    return ((uint32_t)(uintptr_t)user & tm__edge_bits) ==
           0; /* 32 bits are enough, and of 64 gcc makes two instructions */
}

/*
 * Marks a live block as freed, so that a second free is reported; a second call undoes it. The backend never writes to
 * a wide block's mark when it frees the object, so the mark is changed here: else it would pass for that of a live
 * block.
 */
static inline void tm__mark_freed(void *user, bool wide)
{
    struct tm__header *header = tm__header_of(user);
    if (wide) {
        header->account = tm__wide_tombstone(header->account, user);
        header->mark = tm__wide_freed_mark(header->mark);
    } else {
        header->account = tm__tombstone(header->account, user);
    }
}

/*
 * Whether the prefix that a wide block would have is on the same page as its header, and so is readable if the header
 * is.
 */
static inline bool tm__prefix_by_header(const void *user)
{
    return ((uintptr_t)tm__header_of(user) & (TM__SMALLEST_PAGE - 1)) >= TM__PREFIX;
}

#endif
