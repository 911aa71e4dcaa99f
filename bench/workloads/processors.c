/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "processors.h"

#include <sched.h>

static cpu_set_t all;

/* The n-th processor from the last; -1 if there are not so many. */
static int nth_from_last(int n)
{
    for (int i = CPU_SETSIZE - 1; i >= 0; i--)
        if (CPU_ISSET(i, &all) && n-- == 0)
            return i;
    return -1;
}

void stay_on_processor(int from_last)
{
    int chosen = nth_from_last(from_last);
    if (chosen < 0)
        return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(chosen, &set);
    sched_setaffinity(0, sizeof set, &set);
}

void use_processors(int count)
{
    static int using;
    if (!using)
        sched_getaffinity(0, sizeof all, &all);
    if (using == count)
        return;
    using = count;
    if (count == 1)
        stay_on_processor(0);
    else
        sched_setaffinity(0, sizeof all, &all);
}
