/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The header before each block: how it is written, and what it proves.
 *
 *     base                        user pointer, 16-aligned
 *     | mark (8) | account (8) | what the user asked for ...
 *
 * account  slot of the owner (scrambled by the secret) and shape, 32 bits each
 * shape    the size, in 31 bits. Or, if the highest bit is set, of a block that is aligned to more than 16:
 *
 *          31 30       28 27             20 19         0
 *          1  | alignment | lead            | size     |    alignment: its logarithm, less 5
 *                                                           lead: header - base, in units of 16
 *
 * mark     key of the slot ^ address ^ account. The key is secret ^ slot, so with one compare a thread knows that a
 *          header is intact and names its own slot; and the slot of any intact header can be computed. The halves
 *          prove different things: the upper one depends on secret and address alone (a header of ours was here), the
 *          lower one binds slot, shape and address (they have not changed since).
 *
 * A freed block keeps shape and slot in a tombstone, in place of the account, if the backend overwrites no more of a
 * freed object than the mark.
 *
 * The user pointer is the first multiple of the alignment that leaves room for the header: 16 bytes after the base, or
 * more if the block is aligned to more than 16. Objects begin at multiples of 16, so it is never further from the base
 * than the alignment. The object is as large as the backend makes it for the size class of alignment + size, or
 * larger, where realloc has left room in it for this block or an earlier one (TM__BACKEND_ROOMY_FROM). So each object is one that a block without an alignment could have, too.
 *
 * A block is "wide" if its size or alignment does not fit into the shape, or if it was allocated with room to grow to
 * such a size. A wide block has a prefix before its header, and its mark is inverted, so that it never matches on the
 * fast path. All others are "plain".
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
    TM__LEAST_ALIGNED = 32,    /* the alignments and sizes of plain blocks that are aligned to more than 16 */
    TM__MOST_ALIGNED = 4096,
    TM__ALIGNED_MAX = (1 << 20) - 1,
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

static inline uint32_t tm__shape_in(uint64_t account)
{
    return (uint32_t)account;
}

enum {
    TM__SHAPE_IS_ALIGNED = INT32_MIN,
    TM__SHAPE_ALIGNMENT = 28, /* the lowest bit of the field */
    TM__SHAPE_LEAD = 16,      /* the same, if the lead, a multiple of 16, is in bytes */
};

static_assert(TM__MOST_ALIGNED == TM__LEAST_ALIGNED << 7 && TM__MOST_ALIGNED == 256 * TM__ALIGNMENT,
              "the logarithm takes 3 bits, the lead 8");

static inline bool tm__is_aligned(uint32_t shape)
{
    return (int32_t)shape < 0;
}

static inline uint32_t tm__aligned_shape(size_t alignment, size_t lead, size_t size)
{
    uint32_t logarithm = (uint32_t)__builtin_ctzll(alignment / TM__LEAST_ALIGNED);
    return (uint32_t)TM__SHAPE_IS_ALIGNED | logarithm << TM__SHAPE_ALIGNMENT | (uint32_t)lead << TM__SHAPE_LEAD |
           (uint32_t)size;
}

/* These three are of plain blocks. The lower 32 bits of a wide block's size are all of its shape. */
static inline uint32_t tm__size_in(uint64_t account)
{
    uint32_t shape = tm__shape_in(account);
    return tm__is_aligned(shape) ? shape & TM__ALIGNED_MAX : shape;
}

static inline size_t tm__alignment_in(uint64_t account)
{
    uint32_t shape = tm__shape_in(account);
    return tm__is_aligned(shape) ? (size_t)TM__LEAST_ALIGNED << (shape >> TM__SHAPE_ALIGNMENT & 7) : TM__ALIGNMENT;
}

static inline size_t tm__lead_in(uint64_t account)
{
    uint32_t shape = tm__shape_in(account);
    return tm__is_aligned(shape) ? shape >> TM__SHAPE_LEAD & (TM__MOST_ALIGNED - TM__ALIGNMENT) : 0;
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

/*
 * The size of the block without an alignment that has the same object as a plain block of this alignment and size. A
 * block of 0 bytes has 1, since otherwise its user pointer could be the beginning of the next object.
 */
static inline size_t tm__unaligned_size(size_t alignment, size_t size)
{
    return alignment - TM__HEADER + size + (size == 0);
}

/* The same of the plain block that has this account, and its base. */
static inline size_t tm__unaligned_size_in(uint64_t account)
{
    return tm__is_aligned(tm__shape_in(account)) ? tm__unaligned_size(tm__alignment_in(account), tm__size_in(account))
                                                 : tm__shape_in(account);
}

static inline void *tm__base_in(uint64_t account, const void *user)
{
    return (void *)((uintptr_t)tm__header_of(user) - tm__lead_in(account));
}

/* The first multiple of `alignment` that leaves room for a header, and a prefix of this size, in an object at base. */
static inline void *tm__aligned_in(const void *base, size_t prefix, size_t alignment)
{
    return (void *)(((uintptr_t)base + prefix + TM__HEADER + alignment - 1) & -alignment);
}

/* As tm__seal(), for a plain block that is aligned to more than 16. */
static inline void tm__seal_aligned(void *user, void *base, size_t alignment, size_t size, uint64_t account,
                                    uint64_t key)
{
    struct tm__header *header = tm__header_of(user);
    account |= tm__aligned_shape(alignment, (uintptr_t)header - (uintptr_t)base, size);
    header->account = account;
    header->mark = tm__plain_mark(key, account, user);
    if (tm__has_redzones())
        tm__make_redzones(base, user, size, (char *)base + TM__HEADER + tm__unaligned_size(alignment, size) + tm__tail);
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
        tm__make_redzones(base, user, size,
                          (char *)base + TM__HEADER + TM__PREFIX + tm__unaligned_size(alignment, size) + tm__tail);
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

/* The signatures of wide and of aligned blocks that were freed. */
#define TM__WIDE_FREED UINT32_C(0x5bd1e995)
#define TM__ALIGNED_FREED (~TM__WIDE_FREED)

/* The mark of the same block freed, or, of a freed one, live. */
static inline uint64_t tm__freed_mark(uint64_t mark)
{
    return mark ^ (uint64_t)(TM__PLAIN ^ TM__ALIGNED_FREED) << 32;
}
static_assert((TM__PLAIN ^ TM__ALIGNED_FREED) == (TM__WIDE ^ TM__WIDE_FREED), "one function is enough");

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
 * Marks a live plain block as freed, so that a second free is reported. The mark of an aligned one is rarely at the
 * beginning of the object, where the backend overwrites it. So it is changed here, else it would pass for that of a live
 * block.
 */
TM__PEEKS static inline void tm__mark_freed(void *user, uint64_t account, bool is_aligned)
{
    struct tm__header *header = tm__header_of(user);
    header->account = tm__tombstone(account, user);
    if (is_aligned)
        header->mark = tm__freed_mark(header->mark);
}

/* The same for a wide block. */
static inline void tm__mark_wide_freed(void *user)
{
    struct tm__header *header = tm__header_of(user);
    header->account = tm__wide_tombstone(header->account, user);
    header->mark = tm__freed_mark(header->mark);
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
