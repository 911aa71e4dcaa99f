/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * threadmeter/limits.h: bounds on what a thread or a tag may own, and what a section of code used.
 *
 * A hard limit refuses: the allocation that would pass it returns NULL with ENOMEM, and changes nothing. A soft limit
 * calls back: once as it is passed, in the thread that passes it, after the allocation; and again only after the live
 * bytes have been at or below seven eighths of it. What is freed, by any thread, makes room at once.
 *
 * Functions return 0 or a negative errno value; errno itself is not changed. -ENOMEM: the calling thread has no account
 * of its own (TM_OVERFLOW, TM_LATE), or there is no memory for what a thread with limits, sections or tags needs.
 */
#ifndef THREADMETER_LIMITS_H
#define THREADMETER_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include <threadmeter/tags.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/**
 * A hard limit for the live bytes of the calling thread, in all tags. 0 lifts the limit. It may be below what is live
 * already: then a realloc that makes a block smaller still succeeds.
 */
int tm_thread_limit(uint64_t bytes);

/**
 * A hard limit for the live bytes of a tag, of all threads together. 0 lifts the limit. -EINVAL if there is no such
 * open tag. While it is set, each allocation in that tag takes a lock and reads all threads' accounts of the tag;
 * nothing else is slower.
 *
 * THREADMETER_LIMIT=parser=64M,net=1G in the environment sets it for tags of these names, as they are opened; for
 * "other", from the start.
 */
int tm_tag_limit(tm_tag tag, uint64_t bytes);

/**
 * What a soft limit calls. live_bytes is what was live as the limit was passed. The callback may allocate and free,
 * also so that it passes the limit again (it is not called for that), and may enter tags if it leaves them.
 *
 * A block that is being reallocated or claimed is where it was, but its owner has been credited with its bytes already.
 * Its contents may be read and written; but the callback may not free, reallocate or claim it, nor another one of the
 * array that tm_claim_all() was given: it would be credited twice. The callback must return, or the account is wrong by
 * the block: no longjmp(), no pthread_exit().
 */
typedef void tm_limit_callback(uint64_t live_bytes, void *arg);

/** Soft limits: 0 bytes, or a NULL callback, lift them. While live bytes are above one, each allocation checks it. */
int tm_thread_soft_limit(uint64_t bytes, tm_limit_callback *callback, void *arg);
int tm_tag_soft_limit(tm_tag tag, uint64_t bytes, tm_limit_callback *callback, void *arg);

/** What begins at tm_section_begin() and ends at tm_section_end(), on one thread. Its members are private. */
struct tm_section {
    struct tm_section *outer;
    struct tm_totals before;
    uint64_t high;
};

/** Sections may be nested. The struct must stay where it is, and the thread alive, until the section ends. */
int tm_section_begin(struct tm_section *section);

/**
 * Ends the section, and says by how much the calling thread's totals (tm_thread_totals) have grown since it began.
 * peak_bytes: by how much live bytes at most exceeded what they were then. If more was freed than allocated, (int64_t)
 * tm_live_bytes() is negative. `totals` may be NULL. Sections inside this one that are still open end, too. -EINVAL,
 * and nothing happens, if this section is not open.
 */
int tm_section_end(struct tm_section *section, struct tm_totals *totals);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
