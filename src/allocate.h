/* SPDX-License-Identifier: BSD-3-Clause */
/* What the entry points share: blocks of any size and alignment, charged; and their end. */
#ifndef TM_ALLOCATE_H
#define TM_ALLOCATE_H

#include "backend.h"
#include "block.h"

#include <errno.h>
#include <stddef.h>

/* A block charged to the caller, at a multiple of `alignment` (a power of two); NULL with ENOMEM. */
void *tm__allocate(size_t alignment, size_t size);

/* As tm__inspect(), but a block freed already or damaged ends the process. `verb`: "freed", "reallocated". */
struct tm__block tm__inspect_or_die(void *user, const char *verb);

/* Frees a live block, whoever owns it. */
void tm__release(void *user, const struct tm__block *block);

/*
 * Where errno lies behind the thread's control block: the same in all threads, since libc is loaded at start. Asking
 * __errno_location() each time costs a quarter of tm_free. 0 before the library's constructor has run: then what is
 * saved and restored is a word that never changes.
 */
extern ptrdiff_t tm__errno_offset __attribute__((visibility("hidden")));

/* POSIX: free() leaves errno alone. The backend's may not, where giving pages back to the system fails. */
static inline void tm__backend_free(void *base)
{
    volatile int *errno_here = (int *)((uintptr_t)__builtin_thread_pointer() + (uintptr_t)tm__errno_offset);
    int saved = *errno_here;
    backend_free(base);
    *errno_here = saved;
}

#endif
