/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_SOFT_LIMIT_H
#define TM_SOFT_LIMIT_H

#include "state/thread.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether live bytes, which grow from `before` to `live`, cross the soft limit. After it was crossed, it can be crossed
 * again only once live bytes have been an eighth below it: else each block near the limit would call back.
 */
bool tm__soft_limit_crossed(struct tm__soft *soft, uint64_t before, uint64_t live);

#endif
