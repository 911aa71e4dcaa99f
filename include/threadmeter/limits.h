/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * threadmeter/limits.h: bounds on what a thread or a tag may own, and what a section of code used.
 *
 * A hard limit refuses: the allocation that would pass it gives NULL with ENOMEM, and changes nothing. A soft limit
 * calls back: once as it is passed, in the thread that passes it, behind the allocation; and again only after the live
 * bytes have been at or below seven eighths of it. What is freed, by any thread, makes room at once.
 *
 * Functions return 0 or a negative errno value; errno itself is not touched. -ENOMEM: the calling thread has no account
 * of its own (TM_OVERFLOW, TM_LATE), or there is no memory for what a thread needs that has limits, sections or tags.
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
 * Live bytes of the calling thread, in all tags. 0 lifts the limit. May be below what is live already: then a realloc
 * that makes a block smaller is given still.
 */
int tm_thread_limit(uint64_t bytes);

/**
 * Live bytes of a tag, of all threads. 0 lifts the limit. -EINVAL if there is no such open tag. Where it is set, each
 * allocation in that tag takes a lock and asks all threads' accounts of it; nothing else is slower.
 *
 * THREADMETER_LIMIT=parser=64M,net=1G in the environment sets it for tags of these names, as they are opened; for
 * "other", from the start.
 */
int tm_tag_limit(tm_tag tag, uint64_t bytes);

/**
 * May allocate and free, also so that it passes the limit again (it is not called for that), and may enter tags if it
 * leaves them. live_bytes is what was live as the limit was passed.
 *
 * A block that is being reallocated or claimed is where it was, but its bytes are off its owner's account already. What
 * is in it may be read and written; but the callback may not free, reallocate or claim it, nor another one of the array
 * that tm_claim_all() has: it would be credited twice. It must return, or the account is off by the block: no
 * longjmp(), no pthread_exit().
 */
typedef void tm_limit_callback(uint64_t live_bytes, void *arg);

/** Soft limits: 0 bytes, or a NULL callback, lift them. While one is passed, each allocation looks at it. */
int tm_thread_soft_limit(uint64_t bytes, tm_limit_callback *callback, void *arg);
int tm_tag_soft_limit(tm_tag tag, uint64_t bytes, tm_limit_callback *callback, void *arg);

/** What begins at tm_section_begin() and ends at tm_section_end(), on one thread. What is in it is not yours. */
struct tm_section {
    struct tm_section *outer;
    struct tm_totals before;
    uint64_t high;
};

/** Sections may be nested. The struct must stay where it is, and the thread alive, until the section ends. */
int tm_section_begin(struct tm_section *section);

/**
 * What the calling thread's totals (tm_thread_totals) have grown by since the section began. peak_bytes: by how much
 * live bytes exceeded at most what they were then. More may have been freed than allocated; then (int64_t)
 * tm_live_bytes() is negative. `totals` may be NULL. Ends the sections inside, too, that are still open; -EINVAL, and
 * nothing else, if this one is not.
 */
int tm_section_end(struct tm_section *section, struct tm_totals *totals);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
