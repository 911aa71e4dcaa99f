/* SPDX-License-Identifier: BSD-3-Clause */
/* What the environment asks for, read once: before the first block is placed. */
#ifndef TM_OPTIONS_H
#define TM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes behind each block that are looked at when it is freed; 0 without THREADMETER_GUARD=1. */
extern size_t tm__tail __attribute__((visibility("hidden")));

/* THREADMETER_ON_ERROR=report */
extern bool tm__goes_on_after_misuse __attribute__((visibility("hidden")));

/* Done again it does nothing. Async-signal-safe. */
void tm__read_options(void);

#endif
