/* SPDX-License-Identifier: BSD-3-Clause */
#include "meter/soft_limit.h"

bool tm__soft_limit_crossed(struct tm__soft *soft, uint64_t before, uint64_t live)
{
    if (soft->bytes == 0)
        return false;
    if (before <= soft->bytes - soft->bytes / 8)
        soft->passed = false;
    if (soft->passed || live <= soft->bytes)
        return false;
    soft->live = live;
    return soft->passed = true;
}
