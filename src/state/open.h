/* SPDX-License-Identifier: BSD-3-Clause */
/* Opens the region, which is decided on once, by the first thread that needs it. */
#ifndef TM_OPEN_H
#define TM_OPEN_H

#include <stdbool.h>

/*
 * Must be called before anything is written to the region; reads the options. Async-signal-safe, keeps errno. False if
 * there are only the shared slots.
 */
bool tm__open_region(void);

#endif
