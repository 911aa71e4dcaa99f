/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pointers that reach us and are not ours. Most of them are valid: a library got the memory from the process's malloc.
 * They go to the process's own functions, by their plain names. A pointer that no malloc can have returned is reported
 * with the reason, before it can corrupt a free list.
 */
#define _GNU_SOURCE
#include "block/foreign.h"
#include "block/inspect.h"
#include "block/process_malloc.h"
#include "state/open.h"
#include "base/backend.h"
#include "base/next_malloc.h"
#include "block/block.h"
#include "state/region.h"
#include "base/counter.h"
#include "base/kernel.h"
#include "block/misuse.h"
#include "base/objects.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "threadmeter/malloc.h"
#include "threadmeter/totals.h"

/* The region is opened first: what is counted before that would be lost. */
static struct tm__head *open_head(void)
{
    tm__open_region();
    return &tm__region_now()->head;
}

/* Relaxed: this is only a count, and no other data depends on it. */
static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void tm__count_intercepted_free(void)
{
    count(&open_head()->intercepted_frees);
}

void tm__count_intercepted_realloc(void)
{
    count(&open_head()->intercepted_reallocs);
}

/* Since glibc 2.35: finds the loaded object in which an address is, without a lock. */
extern int _dl_find_object(void *address, struct dl_find_object *result) __attribute__((weak));

/*
 * Whether the address is on the first thread's stack, whichever thread asks, or on the calling thread's. Nothing else
 * is mapped so close below the end of the first stack. The stack of a coroutine may be anywhere: so if an address is
 * between this frame and the thread's control block, which is at the end of its stack, this does not prove anything
 * yet.
 */
static bool on_stack(uintptr_t address)
{
    extern void *__libc_stack_end __attribute__((weak));
    uintptr_t first_end = &__libc_stack_end ? (uintptr_t)__libc_stack_end : 0;
    if (address <= first_end && first_end - address < (8 << 20))
        return true;
    if (address < (uintptr_t)__builtin_frame_address(0) || address >= (uintptr_t)__builtin_thread_pointer())
        return false;

    /* This is slow for the first thread, since libc reads a file for it. Its stack was checked above. */
    if (tm__sys_getpid() == tm__sys_gettid())
        return false;
    pthread_attr_t attributes;
    void *start = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return false;
    pthread_attr_getstack(&attributes, &start, &size);
    pthread_attr_destroy(&attributes);
    return address - (uintptr_t)start < size;
}

static bool in_loaded_object(void *address)
{
    struct dl_find_object where;
    return _dl_find_object && _dl_find_object(address, &where) == 0;
}

/*
 * Finds the live block into which an address points. Its header is in the same object, so it is no further back than
 * the object is long. A valid foreign pointer pays for this search, too, so it ends after FAR bytes.
 */
static bool find_around(const void *user, struct tm__block *block)
{
    enum { FAR = 65536 };
    if (!tm__in_backend(user))
        return false;
    size_t span = tm__span_at(user);
    uintptr_t start = (uintptr_t)user & ~(uintptr_t)(TM__ALIGNMENT - 1);
    for (size_t back = 0; back < span && back < FAR; back += TM__ALIGNMENT, start -= TM__ALIGNMENT) {
        if (tm__at_page_edge((const void *)start) && !tm__in_backend((const void *)(start - TM__HEADER)))
            return false;
        if (!tm__may_be_live((const void *)start))
            continue;
        struct tm__block found = tm__inspect((const void *)start);
        if (found.kind != TM__LIVE && found.kind != TM__OVERRUN)
            continue;
        bool inside = (uintptr_t)user - start < found.size;
        if (inside)
            *block = found;
        return inside;
    }
    return false;
}

/* Why no malloc can have returned the pointer; NULL if it can be valid. */
static const char *fault_of(void *user, struct tm__block *around)
{
    if (on_stack((uintptr_t)user))
        return "on the stack";
    /* A malloc that we do not know may return static memory. */
    enum tm__malloc_kind known = tm__malloc_kind();
    if (known != TM__MALLOC_ANOTHER && known != TM__MALLOC_UNDECIDED && in_loaded_object(user))
        return "static memory";
    if (find_around(user, around))
        return "inside a block";
    bool in_backend = tm__in_backend(user);
    switch (known) {
    case TM__MALLOC_UNDECIDED:
        return NULL;
    case TM__MALLOC_OF_BACKEND:
        if (!backend_knows_objects()) /* tcmalloc's debug library reports these itself */
            return NULL;
        return !in_backend ? "no heap memory" : tm__may_begin_here(user) ? NULL : "no block";
    case TM__MALLOC_OF_GLIBC:
        return in_backend ? "no block" : tm__chunk_size(user) < 32 ? "no heap memory" : NULL;
    default:
        return in_backend ? "no block" : NULL;
    }
}

static bool is_legal(void *user, const char *verb)
{
    int saved = errno;
    struct tm__block around = {.kind = TM__FOREIGN};
    const char *fault = fault_of(user, &around);
    if (fault)
        tm__report_pointer_error(user, fault, around.kind == TM__FOREIGN ? NULL : &around, verb);
    errno = saved;
    return !fault;
}

/* errno is kept whatever the process's free does: it may be older than that rule of POSIX. */
void tm__foreign_free(void *user)
{
    if (!is_legal(user, "freed"))
        return;
    count(&open_head()->foreign_frees);
    int saved = errno;
    tm__process_free(user);
    errno = saved;
}

void *tm__foreign_realloc(void *user, size_t size)
{
    if (!is_legal(user, "reallocated")) {
        errno = EINVAL;
        return NULL;
    }
    count(&open_head()->foreign_reallocs);
    return tm__process_realloc(user, size);
}
