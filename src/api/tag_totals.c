/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Totals by tag: the sum of the slots that the tag has now, and of what it was charged in slots that it no longer has.
 */
#define _GNU_SOURCE
#include "api/totals.h"
#include "base/kernel.h"
#include "state/open.h"
#include "state/settled.h"
#include "state/tag_table.h"

#include <errno.h>

/* TM_TAG_OTHER exists from the start, so a caller may name it before the region is open; any other tag was opened. */
static const struct tm__tag *find_tag(tm_tag number)
{
    if (number == TM_TAG_OTHER)
        tm__open_region();
    return tm__find_tag(number);
}

/*
 * Relaxed: it is read between two loads of `changes`. If tm__start_tag() sets it to 0 for the next tag meanwhile, the
 * second load shows that, too.
 */
static void read_gone(const struct tm__tag *tag, struct tm_totals *sum)
{
    *sum = tm__settled_totals(&tag->gone);
    sum->peak_bytes = tm__load(&tag->gone_peak_bytes);
}

/*
 * Lets a thread continue that was stopped in the midst of a change. Waiting is useless if that is this very thread,
 * which a signal handler interrupted.
 */
static void wait_for_change(void)
{
    tm__sys_nanosleep(50000);
}

int tm_tag_totals(tm_tag number, struct tm_totals *totals)
{
    enum { AT_ONCE = 16, CHANCES = AT_ONCE + 200 };
    const struct tm__tag *tag = find_tag(number);
    *totals = (struct tm_totals){0};
    if (!tag)
        return -EINVAL;
    /* If the tag loses a slot meanwhile, the slot must be counted once: in the sum of the slots, or of those it had. */
    for (int i = 0; i < CHANCES; i++) {
        /* Acquired: the sums that earlier changes made are seen. */
        uint64_t changes = atomic_load_explicit(&tag->changes, memory_order_acquire);
        read_gone(tag, totals);
        tm__add_slots_of(number, totals);
        atomic_thread_fence(memory_order_acquire); /* counterpart of tm__reset_slot()'s */
        if (changes % 2 == 0 && tm__load(&tag->changes) == changes)
            break;
        if (i >= AT_ONCE && tm__thread.changes_tags)
            break;
        if (i >= AT_ONCE)
            wait_for_change();
    }
    return find_tag(number) ? 0 : -EINVAL;
}

int tm_each_tag(int (*visit)(tm_tag tag, const char *name, const struct tm_totals *totals, void *arg), void *arg)
{
    tm__open_region();
    uint32_t used = atomic_load_explicit(&tm__region_now()->head.tags_used, memory_order_acquire);
    for (uint32_t place = TM_TAG_OTHER; place < used; place++) {
        tm_tag number = atomic_load_explicit(&tm__tag_at(place)->number, memory_order_acquire);
        char name[TM_TAG_NAME_MAX + 1];
        struct tm_totals totals;
        if (tm_tag_name(number, name) != 0 || tm_tag_totals(number, &totals) != 0)
            continue;
        int result = visit(number, name, &totals, arg);
        if (result != 0)
            return result;
    }
    return 0;
}
