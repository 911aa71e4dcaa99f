/* SPDX-License-Identifier: BSD-3-Clause */
/* What is behind the preloaded library. */
#ifndef TM_NEXT_H
#define TM_NEXT_H

#include "base/find_next.h"

#include <stdbool.h>

/*
 * Set while this thread calls the malloc that is behind. That may be one that stands on libc's own names, as many a
 * library's or program's does that only wants to see each call; then these mean libc's, or it would be called for ever.
 */
extern _Thread_local bool tm__is_behind __attribute__((tls_model("initial-exec")));

#endif
