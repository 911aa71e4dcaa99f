/* SPDX-License-Identifier: BSD-3-Clause */
/* What the environment asks for, read once: before the first block is placed. */
#ifndef TM_OPTIONS_H
#define TM_OPTIONS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * These are stored before tm__read_options() says that all is known (release, acquire), and read by who has called it,
 * or has a block from who did. So their own order is of no matter.
 */

/* Bytes behind each block that are looked at when it is freed, a multiple of 16; 0 without THREADMETER_GUARD. */
extern _Atomic size_t tm__tail __attribute__((visibility("hidden")));

/*
 * The bits of a pointer by which tm__at_page_edge() knows that the 16 bytes before it need not be readable: those of an
 * offset in a page, or none at all with THREADMETER_GUARD. Not atomic, so that it is the operand of a compare that the
 * fast path makes anyway: that finds the one or the other, and both are right.
 */
extern uint32_t tm__edge_bits __attribute__((visibility("hidden")));

/*
 * Small blocks that a thread allocates before it has a cache, see cache.h: many do no more than a few. UINT_MAX: it has
 * none.
 */
extern _Atomic unsigned tm__cache_after __attribute__((visibility("hidden")));

/* THREADMETER_ON_ERROR=report */
extern _Atomic bool tm__continue_after_misuse __attribute__((visibility("hidden")));

/* THREADMETER_PUBLISH, absolute; empty: nothing is published. */
extern char tm__publish_directory[] __attribute__((visibility("hidden")));

/* THREADMETER_FLOW=1 */
extern _Atomic bool tm__flow_requested __attribute__((visibility("hidden")));

/* What THREADMETER_LIMIT says for a tag of this name, in bytes; 0 for nothing. */
uint64_t tm__limit_from_environment(const char *name);

/*
 * Done again it does nothing. Async-signal-safe. `reads` is the calling thread's own, and true while it is in here: libc's
 * functions may be somebody else's, and allocate, which comes back here.
 */
void tm__read_options(bool *reads);

/*
 * Priority of constructors and destructors. Linked statically, ours are among the program's own: the first and the last of
 * them, as they are in a library of its own.
 */
enum { TM__OUTERMOST = 101 };

#endif
