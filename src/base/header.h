/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The header before each block: how it is written, and what it proves.
 *
 *     base                        user pointer, 16-aligned
 *     | mark (8) | account (8) | what the user asked for ...
 *
 * account  slot of the owner (scrambled by the secret) and size, 32 bits each
 * mark     key of the slot ^ address ^ account. The key is secret ^ slot, so a thread finds with one compare that a
 *          header is intact and its own, and anyone can tell the slot from an intact one. The halves prove different
 *          things: the upper one depends on secret and address alone (a header of ours was here), the lower one binds
 *          slot, size and address (it has not changed since).
 *
 * A freed block keeps size and slot in a tombstone where the account stood, if the backend overwrites no more of a freed
 * object than the mark.
 *
 * A block that is aligned to more than 16, or is larger than 31 bits can say, or was to grow so large, is "wide": a
 * prefix stands before its header, and its mark is inverted, so that it never matches on the fast path. All others are
 * "plain": 16 bytes after their base, and in an object of just the size that the backend has for them, unless realloc
 * left room (TM__BACKEND_ROOMY_FROM).
 *
 * Nothing here knows of counters.
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
    TM__MOST_TAIL = 4096,      /* of THREADMETER_GUARD */
    TM__PLAIN_MAX = INT32_MAX, /* an immediate of one instruction */
    TM__SMALLEST_PAGE = 4096,
};

struct tm__header {
    uint64_t mark;
    uint64_t account;
};

struct tm__prefix {
    uint64_t size;
    uint64_t offset_and_alignment; /* user pointer - base, 58 bits; the logarithm of the alignment */
};

static_assert(TM__BACKEND_ALIGNMENT % TM__ALIGNMENT == 0, "what an object begins with is a header");
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
 * What the upper half of mark ^ address ^ secret says of a header: the signature. A wide header's mark binds the
 * prefix, too, in the lower half.
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

/* The same for the slot that the account says, and which that is: by one look at the secret, and in fewer steps. */
static inline uint64_t tm__plain_mark_for(uint64_t account, const void *user, uint32_t *slot)
{
    uint64_t secret = tm__known_secret();
    *slot = (uint32_t)(account >> 32) ^ (uint32_t)secret;
    return secret ^ *slot ^ (uint32_t)account ^ (uintptr_t)user; /* what scrambles the slot is in the key, too */
}

/* Between the marks of a wide block and of a plain one of the same slot, size and address. */
static inline uint64_t tm__wide_difference(struct tm__prefix prefix)
{
    /* ~, or zeros would be the prefix of a plain block whose mark was inverted */
    uint64_t mixed = (prefix.offset_and_alignment ^ ~(prefix.size * 31)) * UINT64_C(0x9e3779b97f4a7c15);
    return ~(mixed >> 32);
}

/* Of marks of plain blocks of two slots the upper half of the difference is a small number. */
static inline bool tm__may_be_wide(uint64_t difference)
{
    return difference >> 32 == TM__WIDE;
}

static inline uint64_t tm__wide_mark(uint64_t key, uint64_t account, const void *user, struct tm__prefix prefix)
{
    return tm__plain_mark(key, account, user) ^ tm__wide_difference(prefix);
}

/* The user pointer of a plain block at base. `account` and `key` are those of its slot. */
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

/* The first address at a multiple of `alignment` that leaves room for header and prefix in an object at base. */
static inline void *tm__aligned_in(const void *base, size_t alignment)
{
    return (void *)(((uintptr_t)base + TM__HEADER + TM__PREFIX + alignment - 1) & -alignment);
}

/* base is 16-aligned, see backend_round_up(), so user pointer - base is at most PREFIX + alignment */
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
 * What takes the account's place when a block is freed; its own inverse. The product spreads the address over all bits,
 * so that a tombstone that was copied elsewhere tells of no slot and no size.
 */
static inline uint64_t tm__tombstone(uint64_t account, const void *user)
{
    return account ^ (uintptr_t)user * -UINT64_C(0x61c88647);
}

/* Of a wide block that was freed. */
#define TM__WIDE_FREED UINT32_C(0x5bd1e995)

static inline uint64_t tm__wide_freed_mark(uint64_t wide)
{
    return wide ^ (uint64_t)(TM__WIDE ^ TM__WIDE_FREED) << 32;
}

/*
 * A wide block's tombstone is inverted like its mark, so that it says no size of a plain one when that is overwritten.
 */
static inline uint64_t tm__wide_tombstone(uint64_t account, const void *user)
{
    return ~tm__tombstone(account, user);
}

/*
 * Readers of memory that may not be ours, or may not be a header: an address sanitizer would object to the first, a
 * thread sanitizer to the second.
 */
#define TM__PEEKS __attribute__((no_sanitize("address"), no_sanitize("thread")))

/*
 * Whether the header may lie on a page before the user pointer's own, which need not be there if the pointer is not
 * ours. NULL is such a pointer, so the fast path has one test for both. With THREADMETER_GUARD it is so of each pointer:
 * none is read before it is known that it can be. See tm__edge_bits of why those are read as they are.
 */
TM__PEEKS static inline bool tm__at_page_edge(const void *user)
{
    return ((uint32_t)(uintptr_t)user & tm__edge_bits) == 0; /* of 32 bits, or gcc makes two instructions of it */
}

/*
 * Marks a live block as freed, so that a second free is told; done again it takes that back. The backend never writes
 * to a wide block's mark when it frees the object, so it would pass for a live header's.
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

/* Whether the prefix that a wide block would have is on the same page as its header, and so as readable. */
static inline bool tm__prefix_by_header(const void *user)
{
    return ((uintptr_t)tm__header_of(user) & (TM__SMALLEST_PAGE - 1)) >= TM__PREFIX;
}

#endif
