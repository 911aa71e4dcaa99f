/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the net library (redirect/net.c) asks of this one: is it ours? If so it is done here, and counted. Not for
 * programs; exported under a private version.
 */
#ifndef TM_CAUGHT_H
#define TM_CAUGHT_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(default)

bool tm__intercepted_free(void *user);
bool tm__intercepted_realloc(void *user, size_t size, void **result);
bool tm__intercepted_usable_size(const void *user, size_t *size);

#pragma GCC visibility pop

#endif
