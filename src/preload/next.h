/* SPDX-License-Identifier: BSD-3-Clause */
/* What is behind the preloaded library: the functions that a program would have without it. */
#ifndef TM_NEXT_H
#define TM_NEXT_H

#include <stdbool.h>

/* The next definition of `name`, which `*known` then keeps; NULL if there is none. Keeps errno. */
void *tm__find_next(void *_Atomic *known, const char *name);

/*
 * Set while this thread calls the malloc that is behind. That may be one that stands on libc's own names, as many a
 * library's or program's does that only wants to see each call; then these mean libc's, or it would be called for ever.
 */
extern _Thread_local bool tm__is_behind __attribute__((tls_model("initial-exec")));

#endif
