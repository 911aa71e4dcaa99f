/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether memory that may not be ours can be read without a fault. */
#ifndef TM_READABLE_H
#define TM_READABLE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the 16 bytes at this address, a multiple of 16, can be read. */
bool tm__is_readable(uintptr_t address);

/* Whether the 16 bytes before this pointer can be read. */
bool tm__header_readable(const void *user);

#endif
