/* SPDX-License-Identifier: BSD-3-Clause */
/* The region's areas: where each begins in its memory, and how much of it is there. */
#ifndef TM_AREA_H
#define TM_AREA_H

#include "base/options.h"
#include "state/region.h"

#include <stdbool.h>
#include <stddef.h>

/* The books' three areas, one behind the other; each is used from its beginning on. */
enum tm__area { TM__TAGS_AREA, TM__SLOTS_AREA, TM__FLOWS_AREA, TM__AREAS }; /* the head is in the first */

/* What memory the region is in. */
struct tm__region_memory {
    _Atomic size_t page;     /* what can be mapped by itself: the machine's, which may be several of ours */
    _Atomic size_t reserved; /* bytes of it that can be written to, where that is known from the start; 0: it is not */
    _Atomic bool flows_have_no_room; /* of such a file, or of another that was begun at the same time: only ever set */
    _Atomic int seccomp;             /* the mode of the kernel's sandbox as the books were opened; < 0: not known */
    size_t let_go[TM__AREAS];        /* bytes at the end of each that are not ours any more, see publish_fork.c */
};
extern struct tm__region_memory tm__region_memory __attribute__((visibility("hidden")));

/* The books are a file's memory. They say so from the start: a fork may come at any moment of another thread's. */
static inline bool tm__region_is_file(void)
{
    return tm__region_now()->head.pid != 0;
}

static inline size_t tm__start_of(enum tm__area area)
{
    const struct tm__head *head = &tm__region_now()->head;
    return area == TM__TAGS_AREA    ? 0
           : area == TM__SLOTS_AREA ? head->slots_offset
           : area == TM__FLOWS_AREA ? head->flows_offset
           : tm__flow_requested     ? head->size
                                    : head->flows_offset; /* what is mapped ends there */
}

static inline enum tm__area tm__area_at(size_t offset)
{
    return offset < tm__start_of(TM__SLOTS_AREA)   ? TM__TAGS_AREA
           : offset < tm__start_of(TM__FLOWS_AREA) ? TM__SLOTS_AREA
                                                   : TM__FLOWS_AREA;
}

/* Of it that is there. */
static inline size_t tm__size_of(enum tm__area area)
{
    return tm__start_of(area + 1) - tm__start_of(area) - tm__region_memory.let_go[area];
}

static inline bool tm__flows_have_room(void)
{
    return tm__flow_requested && !tm__region_memory.flows_have_no_room;
}

/* That a part of the books begins in. They begin with one themselves. */
static inline char *tm__page_of(const struct tm__region *region, const void *part)
{
    size_t offset = (size_t)((const char *)part - (const char *)region);
    return (char *)region + offset / tm__region_memory.page * tm__region_memory.page;
}

#endif
