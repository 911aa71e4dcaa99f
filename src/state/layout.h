/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The books: all that is on record of a process, as it lies in memory, and so in the file that a process publishes
 * (docs/formats/published-file.md). Fixed sizes, and offsets instead of pointers. Nothing is done here; whoever
 * changes anything of it that is not private there changes TM__LAYOUT, too.
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
    TM__APART = 128, /* processors fetch lines in pairs, so what different threads write is two lines apart */
    TM__LANES = 4,   /* shared lanes: consumers of one producer seldom meet on a line */
};

/* Written by the owner alone, but for `shared` slots; the counters are read by anyone: slot.h says in what order. */
struct tm__owner {
    alignas(TM__CACHE_LINE) _Atomic uint64_t allocated_bytes;
    _Atomic uint64_t allocated_blocks;
    _Atomic uint64_t freed_bytes; /* by the owner */
    _Atomic uint64_t freed_blocks;
    uint64_t watermark; /* allocated - freed above this may be a new peak; 0 sends every allocation to the cold path */
    uint64_t account;   /* constants of the slot, see block.h */
    uint64_t key;
    uint64_t free_key; /* key, or one that never matches, which sends every free to the cold path */
};
static_assert(sizeof(struct tm__owner) == TM__CACHE_LINE, "the fast path touches one line of its slot");

/*
 * Frees by others. The first thread to use a lane has it until it ends: it adds without a lock, as the owner does in
 * its own lane. A locked addition would wait until all stores before it are done, and those are to blocks that another
 * processor has. The counters at the end are for those who find all lanes taken.
 */
struct tm__lane {
    alignas(TM__CACHE_LINE) _Atomic uint64_t freed_bytes;
    _Atomic uint64_t freed_blocks;
    _Atomic uint64_t writer; /* who has it: lower half of tm__identity.thread << 32 | its home slot; 0: nobody yet */
    _Atomic uint64_t shared_bytes;
    _Atomic uint64_t shared_blocks;
};

/* Counters that the owner writes beside the four on its line, named as in struct tm_totals. */
#define TM__OWN_COUNTERS(X) X(remote_frees_made_bytes)

struct tm__own_counters {
#define TM__FIELD(name) _Atomic uint64_t name;
    TM__OWN_COUNTERS(TM__FIELD)
};

/*
 * Counters as they are when all blocks are freed: what was freed is what was allocated, so there is no other number for
 * that. settled.h makes struct tm_totals of it, and it of them.
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

enum tm__slot_state {
    TM__FREE,   /* in the free list, or on its way in or out */
    TM__OWNED,  /* its thread lives */
    TM__ORPHAN, /* its thread is gone, a block of it lives */
};

/*
 * Written when a slot changes hands; each change moves `life` on, which is how a reader notices. `life` and the free
 * list are of the default order: what one who had the slot did, in its counters, too, is seen by who has it next.
 *
 * The rest is stored while the slot is free, behind a fence (tm__reset_slot(), tm__open_slot()), and read relaxed between
 * two loads of `life` (read_slot()). Who reads it by itself, to choose slots, may get what is old, or somebody else's,
 * and looks again in that way; but what it knows of by other means, it finds. Peaks and names have orders of their own.
 */
struct tm__identity {
    alignas(TM__CACHE_LINE) _Atomic uint64_t generation_state; /* generation << 8 | enum tm__slot_state */
    _Atomic uint64_t thread; /* the how-manieth of all that attached; of each slot that it has */
    _Atomic pid_t tid;
    _Atomic pid_t forked_from; /* where the thread lived, if this process is a fork that it did not survive */
    _Atomic uint64_t name[2];  /* as last learned, TM__UNNAMED if that is empty; all 0: none was */
    struct tm__settled before; /* by earlier generations */

    _Atomic uint64_t peak_bytes;
    _Atomic uint64_t before_peak_bytes; /* highest of earlier generations */
    _Atomic uint64_t live_bytes;        /* shared slots only: many writers need one place to see the peak */
    _Atomic uint64_t thread_peak_bytes; /* of all the thread's slots together: see tm__thread_peak() */
    _Atomic uint32_t tag;               /* see tags.h; 0 for what is in none */
    _Atomic uint32_t next_free;
    /*
     * When the thread got the slot, as tm__boot_time(); that a dead thread's tid is another's by now shows by it. 0: a
     * child of vfork got it in the thread's place, and so nobody says that the thread is dead.
     */
    _Atomic uint64_t attached;
};
static_assert(offsetof(struct tm__identity, peak_bytes) >= TM__CACHE_LINE,
              "what frees look at is on another line than what the owner writes");

struct tm__slot {
    alignas(TM__APART) struct tm__owner owner;
    struct tm__own_counters own; /* written as `owner` is */
    /*
     * Where its thread's use of the slot began: it may have had the slot for several tags, one after another. Stored and
     * read as tm__identity is, and so is `home`.
     */
    struct tm__settled since;
    uint64_t watermark;    /* the slot's own, where the owner's may be lower for its thread's sake */
    _Atomic uint32_t home; /* its thread's first slot, which has the thread's peak while that lives */
    uint32_t next_of_tag;  /* 0: the last; under the tags' lock */
    alignas(TM__APART) struct tm__lane lanes[TM__LANES];
    struct tm__identity identity;
};
static_assert(sizeof(struct tm__slot) == 512, "its number is turned into its address by a shift");

/* Slots that no thread owns: their counters have many writers. */
enum {
    TM__LATE_SLOT,     /* what threads allocate after their last destructor round */
    TM__OVERFLOW_SLOT, /* threads that found no slot */
    TM__SHARED_SLOTS,
    TM__NO_SLOT = UINT32_MAX,
};

/* ---- tags ---- */

enum tm__tag_state {
    TM__TAG_UNUSED,
    TM__TAG_OPEN,
    TM__TAG_ENDED, /* slots are charged to it still */
};

enum {
    TM__TAG_PLACES = 4096, /* 0 is nobody's, 1 is TM_TAG_OTHER */
    TM__TAG_NAME = 32,
};

union tm__tag_name {
    char text[TM__TAG_NAME];
    _Atomic uint64_t words[TM__TAG_NAME / sizeof(uint64_t)]; /* so who reads without the lock reads it */
};

/* Written under the tags' lock, read without: tags.c says in what order. */
struct tm__tag {
    alignas(TM__CACHE_LINE) _Atomic int32_t number; /* of the present one, or the last one that was here */
    _Atomic int32_t state;                          /* enum tm__tag_state */
    _Atomic uint64_t limit;                         /* bytes; 0: none */
    _Atomic uint64_t changes;                       /* of `gone`: odd while it changes; see tm__tag_remove_slot() */
    union tm__tag_name name;
    struct tm__settled gone;          /* by slots that are charged to it no more */
    _Atomic uint64_t gone_peak_bytes; /* the sum of their peaks */
};
static_assert(sizeof(struct tm__tag) == 128, "as docs/formats/published-file.md says");

/* ---- who freed whose blocks ---- */

enum {
    TM__FLOW_SETS = 4096, /* a power of 2 */
    TM__FLOW_WAYS = 8,
};

struct tm__flow_pair {
    _Atomic uint64_t key; /* owner << 32 | freer, + 1 each: the lower halves of tm__identity.thread, 0 if in no slot */
    _Atomic uint64_t bytes, blocks;
};

struct tm__flow_party {
    _Atomic uint64_t thread;
    _Atomic uint64_t bytes; /* in all its pairs */
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
    _Atomic uint64_t displaced_bytes, displaced_blocks; /* of pairs that gave way */
    struct tm__flow_pair_set pairs[TM__FLOW_SETS];
    struct tm__flow_party_set parties[TM__FLOW_SETS];
};

/* ---- the whole ---- */

#define TM__MAGIC "tmbooks"
enum { TM__LAYOUT = 1, TM__HEAD = 4096, TM__BYTE_ORDER = 0x01020304 };

struct tm__head {
    alignas(TM__HEAD) char magic[8];
    uint32_t layout;      /* TM__LAYOUT */
    uint32_t byte_order;  /* TM__BYTE_ORDER, as the machine has it */
    uint64_t size;        /* of the whole, bytes */
    uint64_t tags_offset; /* from the beginning, bytes; so the next two */
    uint64_t slots_offset;
    uint64_t flows_offset;
    uint32_t tag_size, tag_places;
    uint32_t slot_size, slot_places;
    pid_t pid;
    pid_t parent;         /* of which it is a fork; 0: of none */
    uint64_t start_ticks; /* of the process, as in /proc/PID/stat; 0: not known */
    uint64_t started_ns;  /* CLOCK_REALTIME of the first allocation, or of the fork */
    char program[TM__NAME];
    alignas(TM__CACHE_LINE) _Atomic uint32_t slots_used; /* from slot 0 on; see tm__slots_used() */
    _Atomic uint32_t tags_used;  /* from place 0 on; released behind the last of them, acquired by who lists them */
    _Atomic uint32_t flow_is_on; /* for who has only the file, or a copy; for others, see flow.c */
#define TM__FIELD(name, words, meaning) _Atomic uint64_t name;
    TM_CROSS_ALLOCATOR_CALLS(TM__FIELD)
#undef TM__FIELD
    _Atomic uint32_t ended;  /* not 0: the process's end was no crash. It is about to end, or has */
    _Atomic uint32_t locked; /* not 0: the file is locked for as long as the process has it mapped, see life_lock.h */
};
static_assert(sizeof(struct tm__head) == TM__HEAD, "a page");

struct tm__region {
    struct tm__head head;
    struct tm__tag tags[TM__TAG_PLACES];
    struct tm__slot slots[]; /* head.slot_places; behind them struct tm__flows, at a page's beginning */
};

/* How large they are: as many slots as there is address space for. */
struct tm__extent {
    uint32_t slot_places;
    size_t flows_offset;
    size_t size;   /* of a file of them */
    size_t mapped; /* of it: the flows, at its end, only where they are wanted */
};

#endif
