/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "block/process_malloc.h"
#include "base/backend.h"
#include "base/header.h"
#include "base/next_malloc.h"
#include "block/readable.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

/*
 * The process's own malloc: by its plain names, as a rule. Preloaded, we have these names ourselves, and what is behind
 * us is found otherwise.
 */
extern const struct tm__next_malloc tm__next_malloc __attribute__((weak));

void *tm__process_malloc(size_t size)
{
    return &tm__next_malloc ? tm__next_malloc.malloc(size) : malloc(size);
}

void tm__process_free(void *memory)
{
    if (&tm__next_malloc)
        tm__next_malloc.free(memory);
    else
        free(memory);
}

void *tm__process_realloc(void *memory, size_t size)
{
    return &tm__next_malloc ? tm__next_malloc.realloc(memory, size) : realloc(memory, size);
}

TM__PEEKS size_t tm__chunk_size(const void *user)
{
    size_t size = 0;
    tm__begin_peek();
    if ((uintptr_t)user % TM__ALIGNMENT == 0 && user && (!tm__at_page_edge(user) || tm__header_readable(user)))
        size = *(const volatile size_t *)((uintptr_t)user - sizeof(size_t));
    tm__end_peek();
    return size & ~(size_t)7;
}

size_t tm__process_usable_size(void *user)
{
    return &tm__next_malloc ? tm__next_malloc.usable_size(user) : malloc_usable_size(user);
}

/*
 * Whether it looks like a block of glibc's for so many bytes. Its chunk is of no more than they need, or 16 bytes larger:
 * a remainder that is too small for a chunk of its own stays with it. Or it was mapped for itself, if mallopt says so.
 */
static bool is_glibcs(const void *user, size_t size)
{
    size_t chunk = tm__chunk_size(user), needed = (size + sizeof(size_t) + TM__ALIGNMENT - 1) & -(size_t)TM__ALIGNMENT;
    size_t least = needed < 32 ? 32 : needed;
    bool mapped = chunk != 0 && chunk % TM__SMALLEST_PAGE == 0 && (uintptr_t)user % TM__SMALLEST_PAGE == TM__ALIGNMENT;
    return chunk == least || chunk == least + TM__ALIGNMENT || mapped;
}

/*
 * By what it does, not by its name: under valgrind malloc is another, but still at glibc's address. What only some blocks
 * say is chance, so then it is looked at again.
 */
static enum tm__malloc_kind look_at_process_malloc(void)
{
    enum { TRIES = 4 };
    static const size_t sizes[TRIES] = {1, 40, 100, 1000};
    void *volatile blocks[TRIES]; /* volatile, or the compiler sees pairs without a purpose */
    int got = 0, ours_too = 0, glibcs = 0;
    for (int i = 0; i < TRIES; i++) {
        blocks[i] = tm__process_malloc(sizes[i]);
        got += blocks[i] != NULL;
        ours_too += backend_owns(blocks[i]);
        glibcs += is_glibcs(blocks[i], sizes[i]);
    }
    for (int i = 0; i < TRIES; i++)
        tm__process_free(blocks[i]);
    if (got < TRIES)
        return TM__MALLOC_UNDECIDED;
    return ours_too == TRIES        ? TM__MALLOC_OF_BACKEND
           : glibcs == TRIES        ? TM__MALLOC_OF_GLIBC
           : ours_too + glibcs == 0 ? TM__MALLOC_ANOTHER
                                    : TM__MALLOC_UNDECIDED;
}

enum tm__malloc_kind tm__malloc_kind(void)
{
    static _Atomic int decided = TM__MALLOC_UNDECIDED; /* relaxed: who sees it too late finds the same */
    static _Thread_local bool looks __attribute__((tls_model("initial-exec"))); /* the net's free may come here, too */
    int known = atomic_load_explicit(&decided, memory_order_relaxed);
    if (known == TM__MALLOC_UNDECIDED && !looks) {
        looks = true;
        atomic_store_explicit(&decided, known = look_at_process_malloc(), memory_order_relaxed);
        looks = false;
    }
    return (enum tm__malloc_kind)known;
}

/* While that is not known it may. */
bool tm__backend_serves_malloc(void)
{
    enum tm__malloc_kind known = tm__malloc_kind();
    return known == TM__MALLOC_OF_BACKEND || known == TM__MALLOC_UNDECIDED;
}
