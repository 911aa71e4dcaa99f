/* SPDX-License-Identifier: BSD-3-Clause */
/* The options in the environment. They are read once, before the first block is allocated. */
#ifndef TM_OPTIONS_H
#define TM_OPTIONS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * These variables are stored before tm__read_options() marks the options as known (release). A thread that reads
 * them has called it (acquire), or has a block from a thread that did. So their own memory order does not matter.
 */

/*
 * Bytes of the guard after each block, which is checked when the block is freed: a multiple of 16; 0 without
 * THREADMETER_GUARD.
 */
extern _Atomic size_t tm__tail __attribute__((visibility("hidden")));

/*
 * The bits of a pointer by which tm__at_page_edge() knows that the 16 bytes before it need not be readable: those of
 * the offset in a page, or none at all with THREADMETER_GUARD. Not atomic, so that it can be the operand of a compare
 * that the fast path makes anyway: this reads either the old or the new value, and both are right.
 */
extern uint32_t tm__edge_bits __attribute__((visibility("hidden")));

/*
 * How many small blocks a thread allocates or frees before it gets a cache (block/thread_cache.h): many threads have
 * only a few. UINT_MAX: it gets none.
 */
extern _Atomic unsigned tm__cache_after __attribute__((visibility("hidden")));

/*
 * Bytes that the caches of all threads together may have: half of it in their lists, beyond what each thread begins
 * with, and a quarter in the depot.
 */
extern _Atomic uint64_t tm__cache_bytes __attribute__((visibility("hidden")));

/* THREADMETER_ON_ERROR=report */
extern _Atomic bool tm__continue_after_misuse __attribute__((visibility("hidden")));

/* THREADMETER_PUBLISH, as an absolute path; empty: nothing is published. */
extern char tm__publish_directory[] __attribute__((visibility("hidden")));

/* THREADMETER_FLOW=1 */
extern _Atomic bool tm__flow_requested __attribute__((visibility("hidden")));

/* The limit in THREADMETER_LIMIT for a tag of this name, in bytes; 0 if there is none. */
uint64_t tm__limit_from_environment(const char *name);

/*
 * Reads the options, if they have not been read. Async-signal-safe. `is_reading` is the calling thread's
 * own, and is true while it is in this function: libc's functions may be interposed, and allocate, which comes back
 * here.
 */
void tm__read_options(bool *is_reading);

/*
 * Priority of constructors and destructors. In a statically linked program, ours are among the program's own, and must
 * run first and last, as they do in a shared library.
 */
enum { TM__OUTERMOST = 101 };

#endif
