/* SPDX-License-Identifier: BSD-3-Clause */
/* threadmeter/limits.h: limits of the calling thread, and sections. Limits of tags are in tags.c. */
#define _GNU_SOURCE
#include "threadmeter/limits.h"
#include "base/sums.h"
#include "meter/attach.h"
#include "meter/bounds.h"
#include "state/own_slots.h"

#include <errno.h>

/* Attaches the thread if needed. False if it has no slot of its own, or if there is no memory for its bounds. */
static bool can_be_bounded(void)
{
    int saved = errno;
    if (tm__thread.me == &tm__unattached)
        tm__attach();
    errno = saved;
    return tm__thread.home && tm__open_bounds();
}

int tm_thread_limit(uint64_t bytes)
{
    if (!can_be_bounded())
        return -ENOMEM;
    tm__thread.bounds->limit = bytes;
    tm__recheck_limits();
    return 0;
}

int tm_thread_soft_limit(uint64_t bytes, tm_limit_callback *callback, void *arg)
{
    if (!can_be_bounded())
        return -ENOMEM;
    tm__thread.bounds->soft = (struct tm__soft){.bytes = callback ? bytes : 0, .call = callback, .arg = arg};
    tm__recheck_limits();
    return 0;
}

int tm_section_begin(struct tm_section *section)
{
    if (!can_be_bounded())
        return -ENOMEM;
    tm_thread_totals(&section->before);
    section->outer = tm__thread.bounds->section;
    section->high = tm_live_bytes(&section->before);
    tm__thread.bounds->section = section;
    tm__recheck_limits();
    return 0;
}

int tm_section_end(struct tm_section *section, struct tm_totals *totals)
{
    struct tm__bounds *bounds = tm__thread.bounds;
    struct tm_section *inner = bounds ? bounds->section : NULL;
    uint64_t high = 0;
    for (; inner && inner != section; inner = inner->outer)
        high = inner->high > high ? inner->high : high;
    if (!inner)
        return -EINVAL;
    high = section->high > high ? section->high : high;
    bounds->section = section->outer;
    if (section->outer && high > section->outer->high)
        section->outer->high = high;
    tm__recheck_limits(); /* the outer section has another bound */
    if (!totals)
        return 0;

    tm_thread_totals(totals);
    tm__subtract_totals(totals, &section->before);
    totals->peak_bytes = high - tm_live_bytes(&section->before);
    return 0;
}
