/* SPDX-License-Identifier: BSD-3-Clause */
/* The region's areas: where each begins, and how much of it can be used. */
#ifndef TM_AREA_H
#define TM_AREA_H

#include "base/options.h"
#include "state/region.h"

#include <stdbool.h>
#include <stddef.h>

/* The region's areas, one after the other. Each is used from its beginning on. */
enum tm__area {
    TM__TAGS_AREA,
    TM__RETIRED_AREA,
    TM__SLOTS_AREA,
    TM__FLOWS_AREA,
    TM__AREAS
}; /* the head is in the tags' area */

/* The memory that the region is in. */
struct tm__region_memory {
    _Atomic size_t page; /* bytes of the smallest mapping: the machine's page, which may be several of ours */
    /* Bytes of a file that have space, where that is known from the start; 0: it is not known. */
    _Atomic size_t reserved;
    _Atomic bool flows_have_no_room; /* in this file, or in another one made at the same time; only ever set */
    _Atomic int seccomp;             /* the kernel's seccomp mode when the region was opened; < 0: not known */
    size_t unmapped[TM__AREAS];      /* bytes at the end of each that were unmapped, see publish_fork.c */
};
extern struct tm__region_memory tm__region_memory __attribute__((visibility("hidden")));

/*
 * Whether the region is the memory of a file. The region itself tells this from its first moment on, since another
 * thread may fork at any time.
 */
static inline bool tm__region_is_file(void)
{
    return tm__region_now()->head.pid != 0;
}

static inline size_t tm__start_of(enum tm__area area)
{
    const struct tm__head *head = &tm__region_now()->head;
    return area == TM__TAGS_AREA      ? 0
           : area == TM__RETIRED_AREA ? head->retired_offset
           : area == TM__SLOTS_AREA   ? head->slots_offset
           : area == TM__FLOWS_AREA   ? head->flows_offset
           : tm__flow_requested       ? head->size
                                      : head->flows_offset; /* the mapping ends there */
}

static inline enum tm__area tm__area_at(size_t offset)
{
    return offset < tm__start_of(TM__RETIRED_AREA) ? TM__TAGS_AREA
           : offset < tm__start_of(TM__SLOTS_AREA) ? TM__RETIRED_AREA
           : offset < tm__start_of(TM__FLOWS_AREA) ? TM__SLOTS_AREA
                                                   : TM__FLOWS_AREA;
}

/* Bytes of the area that can be used. */
static inline size_t tm__size_of(enum tm__area area)
{
    return tm__start_of(area + 1) - tm__start_of(area) - tm__region_memory.unmapped[area];
}

static inline bool tm__flows_have_room(void)
{
    return tm__flow_requested && !tm__region_memory.flows_have_no_room;
}

/* The page in which this part of the region begins. The region itself begins at a page. */
static inline char *tm__page_of(const struct tm__region *region, const void *part)
{
    size_t offset = (size_t)((const char *)part - (const char *)region);
    return (char *)region + offset / tm__region_memory.page * tm__region_memory.page;
}

#endif
