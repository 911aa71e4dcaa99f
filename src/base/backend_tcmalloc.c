/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/backend.h"
#include "base/lock.h"
#include "base/tcmalloc/ranges.h"

/* tcmalloc's, not the kernel's: what is larger than the largest class is rounded up to it. */
static size_t page_size(void)
{
    return backend_size_for(TM__BACKEND_LARGEST_CLASS + 1) - TM__BACKEND_LARGEST_CLASS;
}

/*
 * Objects begin at multiples of their size from a page on, as a rule at multiples of it in their page. Ours begin 16 bytes
 * before a user pointer; so if all sizes are multiples of more than 16, one look at the address is enough.
 */
bool tm__tcmalloc_is_on_grid(const void *address)
{
    size_t span = backend_size_of(address), page = page_size(), step = span & -span, offset = (uintptr_t)address % page;
    if (step >= page)
        step = page;
    return span != 0 && offset % step == 0 && (step > TM__BACKEND_ALIGNMENT || offset % span == 0);
}

/* tcmalloc keeps its answers in one place, where two threads that ask at the same time would spoil each other's. */
static struct tm__lock asking;

bool tm__tcmalloc_may_begin_object(const void *address)
{
    if (!tm__lock_anew(&asking)) /* a signal handler in the midst of it: anything may begin anywhere */
        return true;
    struct tm__range range = tm__find_range(address);
    tm__unlock(&asking);
    if (!range.is_listed) /* what is tcmalloc's may have been left out while the list changed */
        return !range.has_list || backend_owns(address);
    size_t span = range.in_use ? backend_size_of((const void *)range.start) : 0;
    return range.in_use && (span == 0 || ((uintptr_t)address - range.start) % span == 0);
}

void tm__tcmalloc_after_fork(void)
{
    tm__reset_lock(&asking);
}

static size_t property(const char *name)
{
    size_t value = 0;
    return MallocExtension_GetNumericProperty(name, &value) ? value : 0;
}

struct backend_heap tm__tcmalloc_heap(void)
{
    return (struct backend_heap){
        .mapped = property("generic.heap_size"),
        .given_back = property("tcmalloc.pageheap_unmapped_bytes"),
        .free_pages = property("tcmalloc.pageheap_free_bytes"),
        .cached = property("tcmalloc.thread_cache_free_bytes") + property("tcmalloc.central_cache_free_bytes") +
                  property("tcmalloc.transfer_cache_free_bytes"),
    };
}

/*
 * What the calling thread's cache holds goes back first. tcmalloc gives no less than a whole run of free pages, so it
 * cannot be asked for a part.
 */
bool tm__tcmalloc_give_back(size_t spare)
{
    size_t before = backend_heap().given_back;
    MallocExtension_MarkThreadIdle();
    if (backend_heap().free_pages > spare)
        MallocExtension_ReleaseFreeMemory();
    return backend_heap().given_back > before;
}
