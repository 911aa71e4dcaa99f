/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * threadmeter/totals.h: who owns how much.
 *
 * A thread owns the live blocks that it allocated, until they are freed or reallocated, on any thread. A thread that
 * frees another thread's block has a slot, too, even if it never allocates. Bytes are those that were asked for:
 * without headers, without rounding.
 *
 * All functions may be called by any thread at any time. None allocates, takes a lock, or stops or slows a thread that
 * allocates. While threads work, each counter is as it was at some moment of the call, and live bytes are never
 * negative, at worst too high by what was freed while they were read; at rest all are exact. A function that can fail
 * returns 0 or a negative errno value; errno itself is not changed.
 */
#ifndef THREADMETER_TOTALS_H
#define THREADMETER_TOTALS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/** Since the thread's first allocation, or free of another thread's block. All but the peak only grow. */
struct tm_totals {
    uint64_t allocated_bytes;
    uint64_t allocated_blocks;
    uint64_t freed_bytes; /* of what the thread allocated; freed by any thread */
    uint64_t freed_blocks;
    uint64_t remote_frees_received_bytes; /* of freed_bytes, what other threads freed */
    uint64_t remote_frees_received_blocks;
    uint64_t remote_frees_made_bytes; /* other threads' blocks that this thread freed; in none of the above */
    uint64_t peak_bytes;              /* most that was ever live at once */
};

/**
 * All counters of struct tm_totals, in its order, for code that sums, compares or prints them: X(name, unit, meaning),
 * where the unit is `bytes` or `blocks`. The peak is no counter, and not in the list.
 */
#define TM_COUNTERS(X)                                                                                                 \
    X(allocated_bytes, bytes, "Bytes that were allocated.")                                                            \
    X(allocated_blocks, blocks, "Blocks that were allocated.")                                                         \
    X(freed_bytes, bytes, "Bytes of these that were freed, by any thread.")                                            \
    X(freed_blocks, blocks, "Blocks of these that were freed, by any thread.")                                         \
    X(remote_frees_received_bytes, bytes, "Bytes of these that another thread than their owner freed.")                \
    X(remote_frees_received_blocks, blocks, "Blocks of these that another thread than their owner freed.")             \
    X(remote_frees_made_bytes, bytes, "Bytes that were freed of blocks that another thread had allocated.")

static inline uint64_t tm_live_bytes(const struct tm_totals *totals)
{
    return totals->allocated_bytes - totals->freed_bytes;
}

static inline uint64_t tm_live_blocks(const struct tm_totals *totals)
{
    return totals->allocated_blocks - totals->freed_blocks;
}

enum tm_slot_state {
    TM_LIVE,     /* its thread lives */
    TM_ORPHAN,   /* its thread is gone, and some of its blocks live */
    TM_LATE,     /* shared: for what exiting threads allocate after their last round of pthread-key destructors */
    TM_OVERFLOW, /* shared: for threads that found the table full */
};

/** The word for a state, in whatever is printed of it. */
static inline const char *tm_slot_state_name(enum tm_slot_state state)
{
    static const char *const names[] = {"live", "orphan", "late", "overflow"};
    return names[state];
}

/**
 * An account: what one thread allocated in one tag (threadmeter/tags.h); without tags, all that a thread allocated.
 * Slot numbers are used again; together with `generation` they name one account of this process.
 */
struct tm_slot {
    uint32_t slot;
    uint32_t generation;
    uint64_t thread; /* serial number of the thread, from 1: the same in all its slots; 0 if shared */
    int32_t tag;     /* 0: none */
    pid_t tid;       /* as gettid() returns; of an orphan, what it was; 0 if shared */
    enum tm_slot_state state;
    uint64_t thread_peak_bytes; /* most that was ever live at once in all its slots; of a shared slot, its peak */
    char name[16]; /* the thread's, as pthread_getname_np() returns; of an orphan, the last one; "(unnamed)" for "" */
    struct tm_totals totals;
};

/**
 * The calling thread's totals. All are 0 if it has not allocated. Makes no system call; async-signal-safe, also in the
 * middle of an allocation by the same thread. A thread that shares a slot (TM_LATE, TM_OVERFLOW) gets that slot's
 * totals.
 */
void tm_thread_totals(struct tm_totals *totals);

/**
 * The totals of the thread with this tid (0: the caller); if it has exited, of its orphans, while one of its blocks
 * lives. Returns 0; or -ESRCH, and all totals are 0, if there is no such thread here, it has never allocated, or
 * nothing is left of it.
 */
int tm_thread_totals_of(pid_t tid, struct tm_totals *totals);

/**
 * The totals of all slots that there are and ever were. peak_bytes is a bound: no more than that was ever live at once,
 * since no thread exceeded its own peak.
 */
void tm_process_totals(struct tm_totals *totals);

/**
 * The totals of what is gone: threads that exited, and whose blocks are all freed. Together with the totals of every
 * slot they are the process's: exactly, if nobody allocates or frees meanwhile, whichever is asked for first.
 * peak_bytes is a bound, as there. Makes some system calls for each thread; async-signal-safe.
 */
void tm_retired_totals(struct tm_totals *totals);

/**
 * Accounts that are gone, by the name that the thread had last and by tag: what they counted together. A thread in no
 * tag has one account, so there `accounts` is how many such threads are gone.
 */
struct tm_retired {
    char name[16]; /* as tm_slot.name; "(others)": see tm_each_retired() */
    char tag[32];  /* the tag's name; "": none */
    uint64_t accounts;
    uint64_t thread_peak_bytes; /* the highest peak of one thread in all its slots together */
    struct tm_totals totals;    /* peak_bytes: the highest peak of one account */
};

/**
 * Calls visit(retired, arg) for each pair of thread name and tag of which an account is gone, in the order in which the
 * first of them went. Their counters add up to tm_retired_totals(): exactly, if nobody allocates or frees meanwhile.
 * There is room for 1,023 pairs; what is gone under further ones is added up in one, whose name is "(others)", and which
 * comes first. Of a thread that never learned a name, that is "(unknown)". A visit that returns another value than 0 ends
 * the walk, which returns that value; otherwise 0. visit may allocate and may call any function here. Makes some system
 * calls for each thread; async-signal-safe if visit is.
 */
int tm_each_retired(int (*visit)(const struct tm_retired *retired, void *arg), void *arg);

/**
 * Calls visit(slot, arg) for every slot, in order of slot numbers: threads, orphans, the late and the overflow slot.
 * A visit that returns another value than 0 ends the walk, which returns that value; otherwise 0. The names of living
 * threads are read from /proc, as they are now. visit may allocate and may call any function here.
 */
int tm_each_slot(int (*visit)(const struct tm_slot *slot, void *arg), void *arg);

/**
 * Fills slots[0 … capacity - 1] with as many slots as fit; returns how many there are, which may be more. Asks the
 * kernel nothing, so names are as last learned: the first thread's when it first allocated, others' as they were
 * given one, and all whenever somebody called tm_each_slot() or tm_report(). A name that was never learned is
 * "(unknown)". Async-signal-safe. `slots` may be NULL if capacity is 0.
 */
size_t tm_snapshot(struct tm_slot *slots, size_t capacity);

/** Blocks of one thread that another thread freed, reallocated or claimed, since the program began. */
struct tm_flow {
    uint64_t owner, freer;      /* as tm_slot.thread; 0 for the shared slots */
    pid_t owner_tid, freer_tid; /* 0: no longer known */
    char owner_name[16], freer_name[16];
    uint64_t bytes;
    uint64_t blocks;
};

/**
 * Calls visit(flow, arg) for each pair of owner and freer, in no order. A visit that returns another value than 0 ends
 * the walk, which returns that value; otherwise 0. Pairs are recorded only with THREADMETER_FLOW=1 in the environment
 * when the program begins. There is room for some 30,000; where there are more, the least busy are added up in one,
 * whose names are "(others)", and which comes last. So at rest the sum of all is the process's
 * remote_frees_received_bytes. visit may allocate and may call any function here.
 */
int tm_each_flow(int (*visit)(const struct tm_flow *flow, void *arg), void *arg);

/**
 * Writes a table for people to a file descriptor: threads by live bytes, what is shared or gone, and a total that adds
 * up; then tags, with their hard limits if any has one, and with THREADMETER_FLOW=1 who freed whose blocks. Returns 0;
 * or the negative errno of a write that failed, which raises no signal (-EPIPE, -EFBIG).
 *
 * With THREADMETER_REPORT=stderr (or stdout) in the environment, any program that is linked with threadmeter writes it
 * when it exits; with another value, it appends it to the file of that name.
 */
int tm_report(int fd);

/**
 * Calls that reached the wrong allocator, and errors. `foreign`: memory of the process's own malloc that reached
 * tm_free or tm_realloc, and was passed on. `intercepted`: blocks of ours that code which was not built with
 * threadmeter gave to plain free or realloc, and that were taken back (by the library that threadmeter-redirect links;
 * without it nobody sees them).
 */
struct tm_cross_allocator_calls {
    uint64_t foreign_frees;
    uint64_t foreign_reallocs;
    uint64_t intercepted_frees;
    uint64_t intercepted_reallocs;
    uint64_t errors_reported; /* misused pointers that were left alone, with THREADMETER_ON_ERROR=report */
};

/** All counters of that, in its order: X(name, words, meaning). The words follow the number where it is printed. */
#define TM_CROSS_ALLOCATOR_CALLS(X)                                                                                    \
    X(foreign_frees, "foreign frees", "Blocks of the process's own malloc that reached free, and were passed on.")     \
    X(foreign_reallocs, "foreign reallocs",                                                                            \
      "Blocks of the process's own malloc that reached realloc, and were passed on.")                                  \
    X(intercepted_frees, "intercepted frees",                                                                          \
      "Metered blocks that code which was not rebuilt gave to plain free, and that were taken back.")                  \
    X(intercepted_reallocs, "intercepted reallocs",                                                                    \
      "Metered blocks that code which was not rebuilt gave to plain realloc, and that were taken back.")               \
    X(errors_reported, "errors reported",                                                                              \
      "Pointers that were misused and left alone, with THREADMETER_ON_ERROR=report.")

/** What the process has counted so far. */
void tm_process_cross_allocator_calls(struct tm_cross_allocator_calls *cross_allocator_calls);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
