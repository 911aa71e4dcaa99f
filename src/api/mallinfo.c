/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * glibc's functions about the heap. What they say is live is threadmeter's total, exact to the byte; how much memory is
 * held for it, the backend says. Where glibc's malloc stays the process's own, libraries still have a heap there: a
 * function that changes the heap is then called for both, one that asks is answered for ours only.
 */
#define _GNU_SOURCE
#include "api/mallinfo.h"
#include "base/backend.h"
#include "base/next_malloc.h"
#include "base/text.h"
#include "threadmeter/malloc.h"
#include "threadmeter/totals.h"

#include <errno.h>

extern const struct tm__next_malloc tm__next_malloc __attribute__((weak));

/* a - b, but not below 0: the two are read one after the other, while other threads continue. */
static size_t less(size_t a, size_t b)
{
    return a > b ? a - b : 0;
}

static size_t live_bytes(void)
{
    struct tm_totals totals;
    tm_process_totals(&totals);
    return (size_t)tm_live_bytes(&totals);
}

struct mallinfo2 tm_mallinfo2(void)
{
    struct backend_heap heap = backend_heap();
    size_t live = live_bytes(), held = less(heap.mapped, heap.given_back);
    if (held < live) /* a sanitizer's malloc does not say how much it holds */
        held = live;
    return (struct mallinfo2){
        .arena = held,
        .uordblks = live,
        .fordblks = less(held, live),
        .fsmblks = heap.cached,
        .keepcost = heap.free_pages,
    };
}

struct mallinfo tm_mallinfo(void)
{
    struct mallinfo2 wide = tm_mallinfo2();
    return tm__narrow_mallinfo(&wide);
}

void tm_malloc_stats(void)
{
    backend_print_statistics();
}

static void put_element(struct tm__text *text, const char *element, size_t size)
{
    tm__put(text, element);
    tm__put(text, " size=\"");
    tm__put_number(text, size);
    tm__put(text, "\"/>\n");
}

/* What is free, and what was mapped from the system. Into how many pieces it is divided is unknown, so counts are 0. */
static void put_sizes(struct tm__text *text, const struct mallinfo2 *info, size_t mapped, bool of_all_heaps)
{
    put_element(text, "<total type=\"fast\" count=\"0\"", info->fsmblks);
    put_element(text, "<total type=\"rest\" count=\"0\"", less(info->fordblks, info->fsmblks));
    if (of_all_heaps)
        put_element(text, "<total type=\"mmap\" count=\"0\"", 0);
    put_element(text, "<system type=\"current\"", info->arena);
    put_element(text, "<system type=\"max\"", mapped);
    put_element(text, "<aspace type=\"total\"", mapped);
    put_element(text, "<aspace type=\"mprotect\"", mapped);
}

/* In glibc's format; and as glibc, returns EINVAL for unknown options. */
int tm_malloc_info(int options, FILE *stream)
{
    if (options != 0)
        return EINVAL;
    struct mallinfo2 info = tm_mallinfo2();
    size_t mapped = backend_heap().mapped;
    char document[1536];
    struct tm__text text = TM__TEXT(document, -1);
    tm__put(&text, "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n</sizes>\n");
    put_sizes(&text, &info, mapped, false);
    tm__put(&text, "</heap>\n");
    put_sizes(&text, &info, mapped, true);
    tm__put(&text, "</malloc>\n");
    fputs(tm__string(&text), stream);
    return 0;
}

int tm_malloc_trim(size_t pad)
{
    int saved = errno;
    tm_flush_cache();
    bool gave_back = backend_give_back(pad);
    if (!&tm__next_malloc)
        malloc_trim(pad);
    errno = saved;
    return gave_back;
}

int tm_mallopt(int parameter, int value)
{
    if (!&tm__next_malloc)
        mallopt(parameter, value);
    return backend_mallopt(parameter, value);
}
