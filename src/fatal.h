/* SPDX-License-Identifier: BSD-3-Clause */
/* Last words: one line on stderr, without allocation, then abort(). */
#ifndef TM_FATAL_H
#define TM_FATAL_H

#include "block.h"

/* `verb` is what the caller does: "freed", "reallocated". The block is TM__FREED or TM__DAMAGED. */
_Noreturn void tm__die_of_block(const void *user, const struct tm__block *block, const char *verb);

/* `where` completes "…, which is …". `around` is the live block that the pointer points into, or NULL. */
_Noreturn void tm__die_of_pointer(const void *user, const char *where, const struct tm__block *around,
                                  const char *verb);

/* A sized free with another size or alignment than the block's. */
_Noreturn void tm__die_of_size(const void *user, const struct tm__block *block, size_t size, size_t alignment);

#endif
