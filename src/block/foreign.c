/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What reaches us and is not ours. Most of it is honest: memory that a library got from the process's malloc. It goes
 * to the process's own functions, by their plain names. What no malloc can have given ends here, with a line that
 * says why, before it can corrupt anyone's free list.
 */
#define _GNU_SOURCE
#include "block/foreign.h"
#include "base/backend.h"
#include "block/next_malloc.h"
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

/* What was counted before there are books would be lost. */
static struct tm__head *open_head(void)
{
    tm__open_region();
    return &tm__region_now()->head;
}

/* Relaxed: each is a count, and nothing is known by it. */
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

void tm_process_cross_allocator_calls(struct tm_cross_allocator_calls *result)
{
    const struct tm__head *head = &tm__region_now()->head;
    result->foreign_frees = tm__load(&head->foreign_frees);
    result->foreign_reallocs = tm__load(&head->foreign_reallocs);
    result->intercepted_frees = tm__load(&head->intercepted_frees);
    result->intercepted_reallocs = tm__load(&head->intercepted_reallocs);
    result->errors_reported = tm__load(&head->errors_reported);
}

/*
 * The process's own malloc: by its plain names, as a rule. Preloaded, we have these names ourselves, and what is behind
 * us is found otherwise.
 */
extern const struct tm__next_malloc tm__next_malloc __attribute__((weak));

static void *process_malloc(size_t size)
{
    return &tm__next_malloc ? tm__next_malloc.malloc(size) : malloc(size);
}

static void process_free(void *memory)
{
    if (&tm__next_malloc)
        tm__next_malloc.free(memory);
    else
        free(memory);
}

static void *process_realloc(void *memory, size_t size)
{
    return &tm__next_malloc ? tm__next_malloc.realloc(memory, size) : realloc(memory, size);
}

/* glibc 2.35 and later: which loaded object an address lies in, without a lock. */
extern int _dl_find_object(void *address, struct dl_find_object *result) __attribute__((weak));

/* What glibc has before each block: the size of its chunk, three low bits for flags. 0 if there is nothing to read. */
TM__PEEKS static size_t chunk_size(const void *user)
{
    size_t size = 0;
    tm__begin_peek();
    if ((uintptr_t)user % TM__ALIGNMENT == 0 && user && (!tm__at_page_edge(user) || tm__header_readable(user)))
        size = *(const volatile size_t *)((uintptr_t)user - sizeof(size_t));
    tm__end_peek();
    return size & ~(size_t)7;
}

enum whose { UNDECIDED, OURS_TOO, GLIBC, ANOTHER };

/*
 * Whether it looks like a block of glibc's for so many bytes. Its chunk is of no more than they need, or 16 bytes larger:
 * a remainder that is too small for a chunk of its own stays with it. Or it was mapped for itself, if mallopt says so.
 */
static bool is_glibcs(const void *user, size_t size)
{
    size_t chunk = chunk_size(user), needed = (size + sizeof(size_t) + TM__ALIGNMENT - 1) & -(size_t)TM__ALIGNMENT;
    size_t least = needed < 32 ? 32 : needed;
    bool mapped = chunk != 0 && chunk % TM__SMALLEST_PAGE == 0 && (uintptr_t)user % TM__SMALLEST_PAGE == TM__ALIGNMENT;
    return chunk == least || chunk == least + TM__ALIGNMENT || mapped;
}

/*
 * By what it does, not by its name: under valgrind malloc is another, but still at glibc's address. What only some blocks
 * say is chance, so then it is looked at again.
 */
static enum whose look_at_process_malloc(void)
{
    enum { TRIES = 4 };
    static const size_t sizes[TRIES] = {1, 40, 100, 1000};
    void *volatile blocks[TRIES]; /* volatile, or the compiler sees pairs without a purpose */
    int got = 0, ours_too = 0, glibcs = 0;
    for (int i = 0; i < TRIES; i++) {
        blocks[i] = process_malloc(sizes[i]);
        got += blocks[i] != NULL;
        ours_too += backend_owns(blocks[i]);
        glibcs += is_glibcs(blocks[i], sizes[i]);
    }
    for (int i = 0; i < TRIES; i++)
        process_free(blocks[i]);
    if (got < TRIES)
        return UNDECIDED;
    return ours_too == TRIES ? OURS_TOO : glibcs == TRIES ? GLIBC : ours_too + glibcs == 0 ? ANOTHER : UNDECIDED;
}

static enum whose malloc_kind(void)
{
    static _Atomic int decided = UNDECIDED; /* relaxed: who sees it too late finds the same */
    static _Thread_local bool looks __attribute__((tls_model("initial-exec"))); /* the net's free may come here, too */
    int known = atomic_load_explicit(&decided, memory_order_relaxed);
    if (known == UNDECIDED && !looks) {
        looks = true;
        atomic_store_explicit(&decided, known = look_at_process_malloc(), memory_order_relaxed);
        looks = false;
    }
    return (enum whose)known;
}

/* While that is not known it may. */
bool tm__backend_serves_malloc(void)
{
    enum whose known = malloc_kind();
    return known == OURS_TOO || known == UNDECIDED;
}

/*
 * On the first thread's stack, whoever asks, or on the calling thread's. Nothing else is mapped so close below the
 * first stack's end. A coroutine's stack may lie anywhere, so an address between here and the thread's control block,
 * which stands at the end of its stack, is only a suspect.
 */
static bool on_stack(uintptr_t address)
{
    extern void *__libc_stack_end __attribute__((weak));
    uintptr_t first_end = &__libc_stack_end ? (uintptr_t)__libc_stack_end : 0;
    if (address <= first_end && first_end - address < (8 << 20))
        return true;
    if (address < (uintptr_t)__builtin_frame_address(0) || address >= (uintptr_t)__builtin_thread_pointer())
        return false;

    /* Costly for the first thread, of which libc reads in a file. Its stack was looked at already. */
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
 * The live block that an address points into: its header is not further back than the object that both lie in is
 * long. An honest foreign pointer pays for the search, so it ends after FAR bytes.
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

/* What is wrong with a pointer, which its malloc cannot have given; NULL if nothing is. */
static const char *fault_of(void *user, struct tm__block *around)
{
    if (on_stack((uintptr_t)user))
        return "on the stack";
    /* A malloc of which nothing is known may well hand out static memory. */
    enum whose known = malloc_kind();
    if (known != ANOTHER && known != UNDECIDED && in_loaded_object(user))
        return "static memory";
    if (find_around(user, around))
        return "inside a block";
    bool in_backend = tm__in_backend(user);
    switch (known) {
    case UNDECIDED:
        return NULL;
    case OURS_TOO:
        if (!backend_knows_objects()) /* the debug library has a word for them itself */
            return NULL;
        return !in_backend ? "no heap memory" : tm__may_begin_here(user) ? NULL : "no block";
    case GLIBC:
        return in_backend ? "no block" : chunk_size(user) < 32 ? "no heap memory" : NULL;
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

/* errno is kept whatever the process's free does: it may be older than POSIX's word on that. */
void tm__foreign_free(void *user)
{
    if (!is_legal(user, "freed"))
        return;
    count(&open_head()->foreign_frees);
    int saved = errno;
    process_free(user);
    errno = saved;
}

void *tm__foreign_realloc(void *user, size_t size)
{
    if (!is_legal(user, "reallocated")) {
        errno = EINVAL;
        return NULL;
    }
    count(&open_head()->foreign_reallocs);
    return process_realloc(user, size);
}

size_t tm__foreign_usable_size(void *user)
{
    return &tm__next_malloc ? tm__next_malloc.usable_size(user) : malloc_usable_size(user);
}

void *tm_libc_malloc(size_t size)
{
    return process_malloc(size);
}

void tm_libc_free(void *memory)
{
    process_free(memory);
}

void *tm_libc_realloc(void *memory, size_t size)
{
    return process_realloc(memory, size);
}
