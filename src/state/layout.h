/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The region: all that is on record of a process, as it is in memory, and so in the file that a process publishes
 * (docs/formats/published-file.md). Sizes are fixed, and offsets take the place of pointers. This header has no code. A
 * change of anything that is not marked private there must change TM__LAYOUT, too.
 */
#ifndef TM_LAYOUT_H
#define TM_LAYOUT_H

#include "base/lock.h"
#include "base/name.h"
#include "threadmeter/totals.h"

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    TM__CACHE_LINE = 64,
    /* Processors fetch cache lines in pairs, so data that different threads write is two lines apart. */
    TM__APART = 128,
    TM__LANES = 4, /* shared by several threads: consumers of one producer seldom meet on a line */
    TM__SINCE_IN_LANE = 2,
};

/*
 * Written only by the owner, except in shared slots. Any thread may read the counters: slot.h has their memory order.
 */
struct tm__owner {
    alignas(TM__CACHE_LINE) _Atomic uint64_t allocated_bytes;
    _Atomic uint64_t allocated_blocks;
    _Atomic uint64_t freed_bytes; /* by the owner */
    _Atomic uint64_t freed_blocks;
    uint64_t watermark; /* allocated - freed above this may be a new peak; 0 sends every allocation to the cold path */
    uint64_t account;   /* account and key are constants of the slot, see base/header.h */
    uint64_t key;
    uint64_t free_key; /* the key, or a value that matches no header and so sends every free to the cold path */
};
static_assert(sizeof(struct tm__owner) == TM__CACHE_LINE, "the fast path touches one line of its slot");

/*
 * Remote frees. The first thread that uses a lane keeps it until it exits, and adds to it with plain additions, as the
 * owner does to its own counters. An atomic addition would wait until all earlier stores are done, and those go to
 * blocks which are in another processor's cache. The two `shared` counters are for threads that find all lanes taken.
 *
 * The home slot's lanes also add up what is freed in all slots of its thread: see tm__thread_remote_freed_bytes(). The
 * thread that has a lane in a tag slot has the same lane in the home slot.
 */
struct tm__lane {
    alignas(TM__CACHE_LINE) _Atomic uint64_t freed_bytes;
    _Atomic uint64_t freed_blocks;
    /* The thread that has the lane: lower half of tm__identity.thread << 32 | its home slot; 0: none. */
    _Atomic uint64_t writer;
    _Atomic uint64_t shared_bytes;
    _Atomic uint64_t shared_blocks;
    /* Not of the lane: a part of the slot's `since`, in the rest of the line. It is seldom written or read. */
    _Atomic uint64_t since[TM__SINCE_IN_LANE];
    _Atomic uint64_t thread_freed_bytes; /* in home slots: freed in all slots of the thread */
};
static_assert(sizeof(struct tm__lane) == TM__CACHE_LINE, "each lane has a line of its own");

/* Counters that the owner writes, in addition to the four on its line; named as in struct tm_totals. */
#define TM__OWN_COUNTERS(X) X(remote_frees_made_bytes)

struct tm__own_counters {
#define TM__FIELD(name) _Atomic uint64_t name;
    TM__OWN_COUNTERS(TM__FIELD)
};

/*
 * Counters at a moment when all blocks are freed. Then as much was freed as was allocated, so there is only one number
 * for both. settled.h converts this from and to struct tm_totals.
 */
#define TM__SETTLED_COUNTERS(X)                                                                                        \
    X(allocated_bytes)                                                                                                 \
    X(allocated_blocks)                                                                                                \
    X(remote_frees_received_bytes)                                                                                     \
    X(remote_frees_received_blocks)                                                                                    \
    TM__OWN_COUNTERS(X)

struct tm__settled {
    TM__SETTLED_COUNTERS(TM__FIELD)
#undef TM__FIELD
};
static_assert(sizeof(struct tm__settled) <= TM__LANES * TM__SINCE_IN_LANE * sizeof(uint64_t), "see tm__store_since()");

enum { TM__SPARE = UINT32_MAX }; /* no slot has this number, and none so many holders */

enum tm__slot_state {
    TM__FREE,   /* in the free list, or about to enter or leave it; or a living thread's spare */
    TM__OWNED,  /* its thread lives */
    TM__ORPHAN, /* its thread has exited, while some of its blocks live */
};

/*
 * Written when a slot changes hands. Then `generation_state` changes, too, by which a reader notices it.
 * `generation_state` and the free list have the default memory order, so the next owner of a slot sees all that earlier
 * owners did, also in the counters.
 *
 * The rest is stored while the slot is free, after a fence (tm__reset_slot(), tm__open_slot()), and loaded relaxed
 * between two loads of `generation_state` (read_slot()). Code that only chooses among slots may load a field alone: it
 * may find an old value, or that of another owner, and then reads the slot in the way above. But it never misses a slot
 * that it knows of by other means. Peaks and names have memory orders of their own.
 */
struct tm__identity {
    alignas(TM__CACHE_LINE) _Atomic uint64_t generation_state; /* generation << 8 | enum tm__slot_state */
    _Atomic uint64_t thread; /* serial number of the thread, from 1; the same in all its slots */
    _Atomic pid_t tid;
    /* In a fork's child: the process in which the thread lived, if it is not the thread that forked. */
    _Atomic pid_t forked_from;
    _Atomic uint64_t name[2]; /* as last learned; TM__UNNAMED if the name is empty; all 0 if none was learned */
    int64_t to_home;      /* bytes from here to the same place in the home slot; 0 in a home slot. Stored like `home` */
    _Atomic uint32_t tag; /* see tag_table.h; 0: none */
    union {
        _Atomic uint32_t next_free; /* in the free list */
        _Atomic uint32_t holders;   /* of a home slot: itself, and the thread's tag slots, see tm__give_slot() */
        _Atomic uint32_t spare;     /* TM__SPARE: the thread keeps it for its next tag, and it is in no list */
    };
    /*
     * When the thread got the slot, as tm__boot_time(). It shows whether a dead thread's tid was reused. 0: a child of
     * vfork got the slot in place of the thread, and then the thread is never declared dead.
     */
    _Atomic uint64_t attached;

    _Atomic uint64_t peak_bytes;
    _Atomic uint64_t thread_peak_bytes; /* over all slots of the thread together: see tm__thread_peak() */
    struct tm__settled before;          /* what earlier generations counted; last, as it grows with each counter */
};
static_assert(offsetof(struct tm__identity, peak_bytes) >= TM__CACHE_LINE,
              "what frees read is on another line than what the owner writes");

struct tm__slot {
    alignas(TM__APART) struct tm__owner owner;
    union {
        _Atomic uint64_t live_bytes; /* of shared slots: many writers need one counter to find the peak */
        /* Of other slots: what the lanes held when the slot was taken; TM__UNKNOWN once they may hold more. */
        _Atomic uint64_t lanes_at_start;
    };
    /* Its thread's first slot, which has the thread's peak while the thread lives. Stored like tm__identity. */
    _Atomic uint32_t home;
    uint32_t next_of_tag;   /* 0: the last; protected by the tags' lock */
    _Atomic uint64_t lease; /* what its thread may still charge while its tag is far from a limit: see meter/lease.h */
    _Atomic uint64_t thread_shared_bytes; /* in home slots: as lanes' thread_freed_bytes, of threads without a lane */
    _Atomic uint64_t before_peak_bytes;   /* the highest of all earlier generations; stored like tm__identity */
    struct tm__own_counters own;          /* written like `owner`; last on its line, as it grows with each counter */
    alignas(TM__APART) struct tm__lane lanes[TM__LANES];
    struct tm__identity identity;
};
/*
 * A new counter of the owner's takes 8 bytes of the line of `own`, which has 16 to spare, and 8 in identity.before,
 * where 8 are left.
 */
static_assert(sizeof(struct tm__slot) == 512, "a shift makes the address of its number");

/* Slots that belong to no thread: many threads write their counters. */
enum {
    TM__LATE_SLOT,     /* for what threads allocate after their last round of destructors */
    TM__OVERFLOW_SLOT, /* for threads that found no slot */
    TM__SHARED_SLOTS,
    TM__NO_SLOT = UINT32_MAX,
};

/* ---- tags ---- */

enum tm__tag_state {
    TM__TAG_UNUSED,
    TM__TAG_OPEN,
    TM__TAG_ENDED, /* ended, but slots are still charged to it */
};

enum {
    TM__TAG_PLACES = 4096, /* 0 is never used, 1 is TM_TAG_OTHER */
    TM__TAG_NAME = 32,
};

union tm__tag_name {
    char text[TM__TAG_NAME];
    _Atomic uint64_t words[TM__TAG_NAME / sizeof(uint64_t)]; /* for those that read it without the lock */
};

/* Written with the tags' lock held, read without it: tag_table.c has the memory order. */
struct tm__tag {
    alignas(TM__CACHE_LINE) _Atomic int32_t number; /* of the tag that is here now, or that was here last */
    _Atomic int32_t state;                          /* enum tm__tag_state */
    _Atomic uint64_t limit;                         /* bytes; 0: none */
    _Atomic uint64_t changes;                       /* of `gone`: odd while that changes; see tm__tag_remove_slot() */
    union tm__tag_name name;
    _Atomic uint64_t gone_peak_bytes; /* of slots that are no longer charged to this tag, the sum of their peaks */
    struct tm__settled gone;          /* what they counted; last, as it grows with each counter */
};
static_assert(sizeof(struct tm__tag) == 128, "as docs/formats/published-file.md says");

/* ---- what is gone, by name ---- */

enum { TM__RETIRED_PLACES = 1024 }; /* 0 is for all names that found no place */

/*
 * What accounts of this thread name, in a tag of this name, had counted when they were retired. Written with the tags'
 * lock held, and read without it: all counters only grow, and a place keeps its names. Together all rows are the retired
 * total, except while a slot is being retired: retired.c has the order.
 */
struct tm__retired {
    alignas(TM__CACHE_LINE) _Atomic uint64_t name[TM__NAME / sizeof(uint64_t)];
    union tm__tag_name tag;             /* all 0: none */
    _Atomic uint64_t peak_bytes;        /* the highest of an account */
    _Atomic uint64_t thread_peak_bytes; /* the highest of a thread, over all its slots */
    _Atomic uint64_t accounts;          /* how many */
    struct tm__settled counted;         /* last, as it grows with each counter */
};
static_assert(sizeof(struct tm__retired) == 128, "as docs/formats/published-file.md says");

/* ---- who freed whose blocks ---- */

enum {
    TM__FLOW_SETS = 4096, /* a power of 2 */
    TM__FLOW_WAYS = 8,
};

struct tm__flow_pair {
    /* (owner + 1) << 32 | (freer + 1), the lower halves of tm__identity.thread; 0 is a thread without a slot. */
    _Atomic uint64_t key;
    _Atomic uint64_t bytes, blocks;
};

struct tm__flow_party {
    _Atomic uint64_t thread;
    _Atomic uint64_t bytes; /* of all its pairs */
    _Atomic uint64_t name[TM__NAME / sizeof(uint64_t)];
    _Atomic pid_t tid;
};

struct tm__flow_pair_set {
    alignas(TM__CACHE_LINE) struct tm__lock lock;
    struct tm__flow_pair pairs[TM__FLOW_WAYS];
};

struct tm__flow_party_set {
    alignas(TM__CACHE_LINE) struct tm__lock lock;
    struct tm__flow_party parties[TM__FLOW_WAYS];
};

struct tm__flows {
    _Atomic uint64_t displaced_bytes, displaced_blocks; /* of displaced pairs */
    struct tm__flow_pair_set pairs[TM__FLOW_SETS];
    struct tm__flow_party_set parties[TM__FLOW_SETS];
};

/* ---- the whole region ---- */

#define TM__MAGIC "tmbooks"
enum { TM__LAYOUT = 2, TM__HEAD = 4096, TM__BYTE_ORDER = 0x01020304 };

struct tm__head {
    alignas(TM__HEAD) char magic[8];
    uint32_t layout;      /* TM__LAYOUT */
    uint32_t byte_order;  /* TM__BYTE_ORDER, in the machine's byte order */
    uint64_t size;        /* of the whole region, in bytes */
    uint64_t tags_offset; /* this and the next two, and retired_offset: bytes from the beginning */
    uint64_t slots_offset;
    uint64_t flows_offset;
    uint32_t tag_size, tag_places;
    uint32_t slot_size, slot_places;
    pid_t pid;
    pid_t parent;         /* the process that forked this one; 0: this one is no fork's child */
    uint64_t start_ticks; /* of the process, as in /proc/PID/stat; 0: not known */
    uint64_t started_ns;  /* CLOCK_REALTIME of the first allocation, or of the fork */
    char program[TM__NAME];
    uint64_t retired_offset;
    uint32_t retired_size, retired_places;
    alignas(TM__CACHE_LINE) _Atomic uint32_t slots_used; /* how many slots, from slot 0 on; see tm__slots_used() */
    /* How many places, from place 0 on; stored with release after the last tag, loaded with acquire by readers. */
    _Atomic uint32_t tags_used;
    _Atomic uint32_t flow_is_on;   /* for readers of the file, or of a copy; inside the process see flow.c */
    _Atomic uint32_t retired_used; /* as tags_used */
#define TM__FIELD(name, words, meaning) _Atomic uint64_t name;
    TM_CROSS_ALLOCATOR_CALLS(TM__FIELD)
#undef TM__FIELD
    _Atomic uint32_t ended; /* not 0: the process ended without a crash, or is about to end */
    /* Not 0: the file stays locked while the process has it mapped, see base/liveness_lock.h. */
    _Atomic uint32_t locked;
};
static_assert(sizeof(struct tm__head) == TM__HEAD, "the head is a page");

struct tm__region {
    struct tm__head head;
    struct tm__tag tags[TM__TAG_PLACES];
    struct tm__retired retired[TM__RETIRED_PLACES];
    struct tm__slot slots[]; /* head.slot_places of them; struct tm__flows follows, at the beginning of a page */
};

/* The size of a region, which has as many slots as there is address space for. */
struct tm__extent {
    uint32_t slot_places;
    size_t flows_offset;
    size_t size;   /* of its file */
    size_t mapped; /* how much of it is mapped: the flows, at its end, only if they are wanted */
};

#endif
