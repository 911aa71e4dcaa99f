/* SPDX-License-Identifier: BSD-3-Clause */
/* For a library that stands in front of others: finds the functions that the program would call without it. */
#ifndef TM_FIND_NEXT_H
#define TM_FIND_NEXT_H

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>

/*
 * The next definition of `name` after the caller's library, which is then kept in `*known`; NULL if there is none.
 * Keeps errno. dlsym() may allocate. Relaxed: this is an address of code, it publishes no data, and a thread that looks
 * again finds the same.
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
