/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reports a misuse: one line on stderr, without allocation, then abort(). With THREADMETER_ON_ERROR=report these
 * functions return after the line, and the caller does nothing with the pointer: nothing is freed, and nothing
 * credited.
 */
#ifndef TM_MISUSE_H
#define TM_MISUSE_H

#include "block/block.h"

/* `verb` is what the caller does: "freed", "reallocated". The block is TM__FREED, TM__DAMAGED or TM__OVERRUN. */
void tm__report_block_error(const void *user, const struct tm__block *block, const char *verb);

/* `where` completes "…, which is …". `around` is the live block into which the pointer points, or NULL. */
void tm__report_pointer_error(const void *user, const char *where, const struct tm__block *around, const char *verb);

/* An overrun that reached a free object in a thread's cache, in the bin for blocks of `least` to `most` bytes. */
void tm__report_cache_error(size_t least, size_t most);

/* A sized free with another size or alignment than the block's. */
void tm__report_size_error(const void *user, const struct tm__block *block, size_t size, size_t alignment);

#endif
