/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "state/pages.h"
#include "base/kernel.h"
#include "base/populate.h"
#include "state/area.h"

#include <sys/mman.h>

enum { STEP = 128 << 10, WRITABLE = PROT_READ | PROT_WRITE };
static_assert(STEP % sizeof(struct tm__slot) == 0 &&
                  offsetof(struct tm__region, slots) % sizeof(struct tm__slot) == 0 &&
                  STEP % sizeof(struct tm__tag) == 0 &&
                  offsetof(struct tm__region, tags) % sizeof(struct tm__tag) == 0 &&
                  STEP % sizeof(struct tm__retired) == 0 &&
                  offsetof(struct tm__region, retired) % sizeof(struct tm__retired) == 0,
              "no row of a table is in two steps");

static size_t step_before(size_t offset)
{
    return offset / STEP * STEP;
}

/* No further than `all`, the end of everything. */
static size_t step_after(size_t offset, size_t all)
{
    size_t end = (offset + STEP - 1) / STEP * STEP;
    return end < all ? end : all;
}

static size_t offset_of(const void *part)
{
    return (size_t)((const char *)part - (const char *)tm__region_now());
}

static bool open_to(size_t start, size_t end)
{
    return tm__sys_mprotect((char *)tm__region_now() + start, end - start, WRITABLE) == 0;
}

/*
 * If this part does not begin at the step's start, the part before it has opened the step. It does no harm if two
 * threads open a step at once.
 */
static bool open_steps(size_t offset, size_t size, size_t end)
{
    size_t start = step_before(offset);
    if (offset != start && step_after(offset + size, SIZE_MAX) == start + STEP)
        return true;
    return open_to(start, step_after(offset + size, end));
}

static bool is_populated(const void *part, size_t size)
{
    char *first = tm__page_of(tm__region_now(), part);
    size_t needed = (size_t)((const char *)part - first) + size;
    /* If this part does not begin at the page's start, the page was populated for the part before it. */
    if (first != part && needed <= tm__region_memory.page)
        return true;
    return tm__sys_madvise(first, needed, MADV_POPULATE_WRITE) == 0;
}

bool tm__make_writable(const void *part, size_t size)
{
    size_t offset = offset_of(part);
    if (tm__region_now()->head.size == 0) /* one of the static regions */
        return true;
    enum tm__area area = tm__area_at(offset);
    size_t end = tm__start_of(area) + tm__size_of(area);
    if (offset + size > end)
        return false;
    if (!tm__region_is_file())
        return open_steps(offset, size, end);
    if (tm__region_memory.reserved != 0)
        return offset + size <= tm__region_memory.reserved || (area == TM__FLOWS_AREA && tm__flows_have_room());
    return is_populated(part, size);
}

/* No other thread has stored anything there, so mapping these pages anew, which makes them 0, loses nothing. */
bool tm__open_first(struct tm__region *region, size_t mapped)
{
    const size_t parts[] = {0, offsetof(struct tm__region, retired), offsetof(struct tm__region, slots)};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t start = step_before(parts[i]), end = step_after(parts[i] + 1, mapped);
        void *opened = tm__sys_mmap((char *)region + start, end - start, WRITABLE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1);
        if (tm__sys_failed(opened))
            return false;
    }
    return true;
}

bool tm__open_rest(size_t area_start, size_t used, size_t mapped)
{
    size_t start = (area_start + used) / tm__region_memory.page * tm__region_memory.page;
    size_t end = step_after(area_start + used, area_start + mapped);
    return start >= end || open_to(start, end);
}

void tm__avoid_huge_pages(void *memory, size_t size)
{
    tm__sys_madvise(memory, size, MADV_NOHUGEPAGE);
}

void tm__avoid_excess_pages(void *memory, size_t size)
{
    tm__avoid_huge_pages(memory, size);
    tm__sys_madvise(memory, size, MADV_RANDOM);
}
