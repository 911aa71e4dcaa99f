/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * threadmeter/tags.h: memory by purpose, not only by thread.
 *
 * A thread that is in a tag charges what it allocates to (thread, tag): an account of its own, a row of tm_each_slot().
 * The block stays there until it is freed or reallocated, by any thread in any tag. A thread is in one tag at a time,
 * or in none (0). Totals by thread are of all its tags together; totals by tag, of all threads.
 *
 * A tag has a name and a number, which are the process's: any thread may enter it. Functions return 0 or a negative
 * errno value, if it is not said otherwise here; errno itself is not changed. All are thread-safe; only tm_tag_totals()
 * and tm_tag_name() are async-signal-safe. A function that changes a tag or its limits returns -EDEADLK in a signal
 * handler that interrupted such a change.
 */
#ifndef THREADMETER_TAGS_H
#define THREADMETER_TAGS_H

#include <stddef.h>
#include <stdint.h>

#include <threadmeter/totals.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/** A tag's number, above 0; 0 is no tag. Not used again for another tag before some 500,000 others. */
typedef int32_t tm_tag;

enum {
    TM_TAG_NAME_MAX = 31, /* bytes, without the terminating 0 */
    TM_TAGS_MAX = 4094,   /* at once, beside TM_TAG_OTHER */
};

/** The tag that tm_tag_open() returns when there are TM_TAGS_MAX. Its name is "other". It is always open. */
#define TM_TAG_OTHER ((tm_tag)1)

/**
 * The tag of this name: the one that is open, or a new one. Each call needs a tm_tag_close(), if the tag is to end
 * before the process. Returns a number above 0; or -EINVAL if the name is NULL, empty, longer than TM_TAG_NAME_MAX, or
 * has bytes below 32. Where there are too many tags: TM_TAG_OTHER.
 */
tm_tag tm_tag_open(const char *name);

/**
 * Undoes one tm_tag_open(). With the last of them the tag ends: it cannot be entered any more; threads that are in it
 * stay until they leave. Its blocks stay charged to it, and its totals can be asked for, until the last block is freed
 * and each thread that has been in it has entered or left some tag since, or exited. TM_TAG_OTHER never ends: the
 * result is 0. -EINVAL if there is no such open tag.
 */
int tm_tag_close(tm_tag tag);

/**
 * From now on the calling thread charges to this tag (0: to none). Returns the tag that it was in, for tm_tag_leave();
 * or -EINVAL, and nothing changes, if there is no such open tag.
 *
 * Where there is no memory or no slot for one more account, what the thread allocates is charged to the overflow slot.
 */
tm_tag tm_tag_enter(tm_tag tag);

/**
 * Goes back to the tag that tm_tag_enter() returned. If that was an error, this does nothing; if that tag has ended
 * since, the thread is in none. So `previous = tm_tag_enter(tag); …; tm_tag_leave(previous)` is right in every case.
 */
void tm_tag_leave(tm_tag previous);

/** The tag that the calling thread is in, or 0. */
tm_tag tm_tag_current(void);

/**
 * The tag's name, with a terminating 0. -EINVAL, and "" in name, if there is no such tag: none that is open or has
 * anything left. Async-signal-safe.
 */
int tm_tag_name(tm_tag tag, char name[TM_TAG_NAME_MAX + 1]);

/**
 * What all threads have charged to this tag since it was opened. peak_bytes is a bound: the sum of the threads' peaks
 * in it. Exact at rest; while threads work, a block that is reallocated or claimed during the call may be counted
 * twice, also above a hard limit. -EINVAL if there is no such tag. Async-signal-safe. Where a thread was stopped in the
 * midst of leaving the tag for good, it waits for that thread, some 20 ms at most.
 */
int tm_tag_totals(tm_tag tag, struct tm_totals *totals);

/**
 * Calls visit(tag, name, totals, arg) for every tag that is open or has anything left, in no particular order. A visit
 * that returns another value than 0 ends the walk, which returns that value; otherwise 0.
 */
int tm_each_tag(int (*visit)(tm_tag tag, const char *name, const struct tm_totals *totals, void *arg), void *arg);

/**
 * Makes the calling thread the owner of a block, in the tag that it is in, whoever owned it: as if the block had been
 * allocated here, but without moving it. The former owner need not help; the thread that frees the block credits the
 * caller. (tm_realloc makes its caller the owner, too.) As with tm_free(), nobody else may free or reallocate this
 * block meanwhile; other blocks they may. -EINVAL if it is no live block of ours, or NULL; -ENOMEM where a limit is in
 * the way. Then nothing has changed.
 */
int tm_claim(void *block);

/**
 * Claims all of them, in the order of the array. -EINVAL, and nothing has changed, if one is no live block of ours;
 * -ENOMEM where a limit is in the way: then the caller owns the blocks before that one.
 */
int tm_claim_all(void *const blocks[], size_t count);

#ifdef __GNUC__
static inline void tm__leave_scope(const tm_tag *previous)
{
    tm_tag_leave(*previous);
}

#define TM__PASTE(a, b) a##b
#define TM__UNIQUE(name, line) TM__PASTE(name, line)

/** A declaration: the thread is in this tag until the end of the enclosing block of code, however that is left. */
#define TM_TAG_SCOPE(tag)                                                                                              \
    __attribute__((cleanup(tm__leave_scope), unused)) const tm_tag TM__UNIQUE(tm__scope_, __LINE__) = tm_tag_enter(tag)
#endif

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
