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
 * The process's own malloc usually has the plain names. In the preloaded library these names are ours, and it tells us
 * the next definitions in this struct.
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
 * Whether this looks like a block of `size` bytes from glibc. Its chunk has only as many bytes as needed, or 16 more,
 * since a remainder that is too small for a chunk of its own stays with the block. Or the block has a mapping of its
 * own, if mallopt() was told so.
 */
static bool is_glibc_block(const void *user, size_t size)
{
    size_t chunk = tm__chunk_size(user), needed = (size + sizeof(size_t) + TM__ALIGNMENT - 1) & -(size_t)TM__ALIGNMENT;
    size_t least = needed < 32 ? 32 : needed;
    bool mapped = chunk != 0 && chunk % TM__SMALLEST_PAGE == 0 && (uintptr_t)user % TM__SMALLEST_PAGE == TM__ALIGNMENT;
    return chunk == least || chunk == least + TM__ALIGNMENT || mapped;
}

/*
 * Finds out which malloc it is by what it does, not by its name: under valgrind malloc is another one at the same
 * address as glibc's. If only some blocks look like those of glibc, or the backend, that is chance, and it is asked
 * again later.
 */
static enum tm__malloc_kind classify_process_malloc(void)
{
    enum { TRIES = 4 };
    static const size_t sizes[TRIES] = {1, 40, 100, 1000};
    void *volatile blocks[TRIES]; /* volatile, since otherwise the compiler removes these calls */
    int got = 0, of_backend = 0, of_glibc = 0;
    for (int i = 0; i < TRIES; i++) {
        blocks[i] = tm__process_malloc(sizes[i]);
        got += blocks[i] != NULL;
        of_backend += backend_owns(blocks[i]);
        of_glibc += is_glibc_block(blocks[i], sizes[i]);
    }
    for (int i = 0; i < TRIES; i++)
        tm__process_free(blocks[i]);
    if (got < TRIES)
        return TM__MALLOC_UNDECIDED;
    return of_backend == TRIES          ? TM__MALLOC_OF_BACKEND
           : of_glibc == TRIES          ? TM__MALLOC_OF_GLIBC
           : of_backend + of_glibc == 0 ? TM__MALLOC_ANOTHER
                                        : TM__MALLOC_UNDECIDED;
}

enum tm__malloc_kind tm__malloc_kind(void)
{
    static _Atomic int decided = TM__MALLOC_UNDECIDED; /* relaxed: a thread that sees it too late finds out the same */
    /* The interposer's free may come here, too. */
    static _Thread_local bool is_classifying __attribute__((tls_model("initial-exec")));
    int known = atomic_load_explicit(&decided, memory_order_relaxed);
    if (known == TM__MALLOC_UNDECIDED && !is_classifying) {
        is_classifying = true;
        atomic_store_explicit(&decided, known = classify_process_malloc(), memory_order_relaxed);
        is_classifying = false;
    }
    return (enum tm__malloc_kind)known;
}

/* As long as that is not known, it may be. */
bool tm__backend_serves_malloc(void)
{
    enum tm__malloc_kind known = tm__malloc_kind();
    return known == TM__MALLOC_OF_BACKEND || known == TM__MALLOC_UNDECIDED;
}
