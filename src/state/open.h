/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening the region: decided once, by whoever needs it first. */
#ifndef TM_OPEN_H
#define TM_OPEN_H

#include <stdbool.h>

/*
 * To be called before anything is written to the books; reads the options. Async-signal-safe, changes no errno. False
 * if there is only room for the shared slots.
 */
bool tm__open_region(void);

#endif
