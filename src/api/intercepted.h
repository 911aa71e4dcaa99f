/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the interposer (redirect/interposer.c) asks this library: is the block one of ours? If it is, the call is done
 * here, and counted. These functions are not for programs, and exported under a private version.
 */
#ifndef TM_INTERCEPTED_H
#define TM_INTERCEPTED_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(default)

/* Each returns false, and does nothing, if the pointer is foreign memory. */
bool tm__intercepted_free(void *user);
bool tm__intercepted_realloc(void *user, size_t size, void **result);
bool tm__intercepted_usable_size(const void *user, size_t *size);

#pragma GCC visibility pop

#endif
