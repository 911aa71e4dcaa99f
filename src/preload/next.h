/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions that come after the preloaded library's in the search order. */
#ifndef TM_NEXT_H
#define TM_NEXT_H

#include "base/find_next.h"

#include <stdbool.h>

/*
 * Set while this thread calls the next malloc. That may call libc's own names (__libc_malloc and so on), as one does
 * that only observes each call. Then these names must mean libc's functions: ours would call the next malloc again,
 * without end.
 */
extern _Thread_local bool tm__in_next_malloc __attribute__((tls_model("initial-exec")));

#endif
