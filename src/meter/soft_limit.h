/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_SOFT_LIMIT_H
#define TM_SOFT_LIMIT_H

#include "state/thread.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether live bytes pass a soft limit now, from `before` on. */
bool tm__soft_limit_crossed(struct tm__soft *soft, uint64_t before, uint64_t live);

#endif
