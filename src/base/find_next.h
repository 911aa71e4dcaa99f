/* SPDX-License-Identifier: BSD-3-Clause */
/* What is behind a library that stands in front of others: the functions that a program would have without it. */
#ifndef TM_FIND_NEXT_H
#define TM_FIND_NEXT_H

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>

/*
 * The next definition of `name`, which `*known` then keeps; NULL if there is none. Keeps errno. dlsym() may allocate.
 * Relaxed: code, with no data behind it, and whoever looks again finds the same.
 */
static inline void *tm__find_next(void *_Atomic *known, const char *name)
{
    void *found = atomic_load_explicit(known, memory_order_relaxed);
    if (found)
        return found;
    int saved = errno;
    found = dlsym(RTLD_NEXT, name);
    errno = saved;
    atomic_store_explicit(known, found, memory_order_relaxed);
    return found;
}

#endif
