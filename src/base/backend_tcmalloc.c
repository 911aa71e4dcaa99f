/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/backend.h"
#include "base/lock.h"
#include "base/tcmalloc/ranges.h"

/*
 * The page size of tcmalloc, not of the kernel. A request just above the largest class is rounded up to a whole page.
 */
static size_t page_size(void)
{
    return backend_size_for(TM__BACKEND_LARGEST_CLASS + 1) - TM__BACKEND_LARGEST_CLASS;
}

/*
 * In a span, objects begin at multiples of their size from the span's first page on; so they usually begin at multiples
 * of it within their page, too. A base is 16 bytes before a user pointer; so if all sizes are multiples of more than
 * 16, the address alone decides.
 */
bool tm__tcmalloc_is_on_grid(const void *address)
{
    size_t span = backend_size_of(address), page = page_size(), step = span & -span, offset = (uintptr_t)address % page;
    if (step >= page)
        step = page;
    return span != 0 && offset % step == 0 && (step > TM__BACKEND_ALIGNMENT || offset % span == 0);
}

/* tcmalloc stores its answer in one static place, so two threads must not ask at the same time. */
static struct tm__lock ranges_lock;

bool tm__tcmalloc_may_begin_object(const void *address)
{
    if (!tm__lock_anew(
            &ranges_lock)) /* a signal handler interrupted this function: assume that an object may begin there */
        return true;
    struct tm__range range = tm__find_range(address);
    tm__unlock(&ranges_lock);
    if (!range.is_listed) /* memory of tcmalloc may have been left out while the list changed */
        return !range.has_list || backend_owns(address);
    size_t span = range.in_use ? backend_size_of((const void *)range.start) : 0;
    return range.in_use && (span == 0 || ((uintptr_t)address - range.start) % span == 0);
}

void tm__tcmalloc_after_fork(void)
{
    tm__reset_lock(&ranges_lock);
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
 * First the calling thread's tcmalloc cache is emptied. tcmalloc gives back only whole runs of free pages, so it cannot
 * be asked for a part.
 */
bool tm__tcmalloc_give_back(size_t spare)
{
    size_t before = backend_heap().given_back;
    MallocExtension_MarkThreadIdle();
    if (backend_heap().free_pages > spare)
        MallocExtension_ReleaseFreeMemory();
    return backend_heap().given_back > before;
}
