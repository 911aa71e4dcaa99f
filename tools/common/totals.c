/* SPDX-License-Identifier: BSD-3-Clause */
/* Arithmetic on the counters of struct tm_totals. The peak is no counter, and is not changed. */
#include "common/totals.h"

static const size_t counters[] = {
#define OFFSET(name, unit, meaning) offsetof(struct tm_totals, name),
    TM_COUNTERS(OFFSET)
#undef OFFSET
};
enum { COUNTERS = sizeof counters / sizeof counters[0] };

static uint64_t *counter(struct tm_totals *totals, size_t i)
{
    return (uint64_t *)(void *)((char *)totals + counters[i]);
}

void tool_totals_add(struct tm_totals *sum, struct tm_totals more)
{
    for (size_t i = 0; i < COUNTERS; i++)
        tool_add_saturating(counter(sum, i), *counter(&more, i));
}

struct tm_totals tool_totals_beyond(struct tm_totals all, struct tm_totals part)
{
    struct tm_totals rest = {0};
    for (size_t i = 0; i < COUNTERS; i++)
        if (*counter(&all, i) > *counter(&part, i))
            *counter(&rest, i) = *counter(&all, i) - *counter(&part, i);
    return rest;
}

struct tm_totals tool_totals_at_most(struct tm_totals totals, struct tm_totals limit)
{
    return tool_totals_beyond(totals, tool_totals_beyond(totals, limit));
}

bool tool_totals_are_nothing(struct tm_totals totals)
{
    for (size_t i = 0; i < COUNTERS; i++)
        if (*counter(&totals, i) > 0)
            return false;
    return true;
}
