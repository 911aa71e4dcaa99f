/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What lets tm_free end in a jump to tc_free. POSIX: free() leaves errno alone. tc_free does, but where it gives pages
 * back to the system and the system refuses, for which locked memory is enough; and it comes there from a free that
 * nobody can foresee. To save errno and restore it after each one costs an eighth of malloc and free together. So we
 * stand in front of the one function of tcmalloc's that asks the system, and keep errno there.
 *
 * Whether it does stand in front is tried, not believed: tcmalloc may have been loaded before, or be another version.
 * Then the fast path is never taken, and the other one saves errno.
 *
 * Linked statically with tcmalloc, which then has the only definition, the linker puts us in front: --wrap, which
 * `pkg-config --static` says.
 */
#define _GNU_SOURCE
#include "backend.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>

#define SYSTEM_RELEASE "_Z22TCMalloc_SystemReleasePvm" /* bool TCMalloc_SystemRelease(void *, size_t) */

typedef bool release_function(void *start, size_t length);

static release_function *_Atomic next; /* relaxed: code, with no data behind it */

/* Initial-exec, both: another model may allocate as it finds them, and tcmalloc's locks are held. */
static _Thread_local bool trying __attribute__((tls_model("initial-exec")));
static _Thread_local bool seen __attribute__((tls_model("initial-exec")));

/*
 * tcmalloc holds locks here, so no dlsym. Pages that were not given back stay its own: before there is a next, false
 * will do.
 */
static __attribute__((used)) bool release_keeping_errno(void *start, size_t length)
{
    release_function *release = atomic_load_explicit(&next, memory_order_relaxed);
    int saved = errno;
    if (trying)
        seen = true;
    bool released = release && release(start, length);
    errno = saved;
    return released;
}

/* The names under which tcmalloc finds it. The first gives way to tcmalloc's own definition, if that is linked in. */
extern release_function tm__in_front __asm__(SYSTEM_RELEASE)
    __attribute__((weak, alias("release_keeping_errno"), visibility("default")));
extern release_function tm__wrapped __asm__("__wrap_" SYSTEM_RELEASE) __attribute__((alias("release_keeping_errno")));
extern release_function tm__real __asm__("__real_" SYSTEM_RELEASE) __attribute__((weak));

/* NULL if tcmalloc has no such function. */
static release_function *find_next(void)
{
    /* If we are wrapped although tcmalloc is not linked in, the real one is the first of our own names. */
    release_function *volatile real = tm__real; /* volatile: names differ, so the compiler is sure that addresses do */
    release_function *found = real;
    return found && found != release_keeping_errno ? found : (release_function *)dlsym(RTLD_NEXT, SYSTEM_RELEASE);
}

/* tcmalloc deducts what it released in advance, for others who asked for less: so more is asked for each time. */
static bool sees_a_release(int attempt)
{
    trying = true;
    seen = false;
    tc_free(tc_malloc(BACKEND_MOST_IN_CLASS + 1));
    if (!seen) /* it does not do so each time, but must if it is told to */
        MallocExtension_ReleaseToSystem((size_t)1 << 2 * attempt);
    trying = false;
    return seen;
}

_Atomic bool tm__errno_watched; /* read relaxed: who sees it too late goes the slower way */

/*
 * Threads that attach at the same moment try at the same moment, and one may give back the pages that the other is
 * about to: so what is seen counts for all, and what is not seen is tried again.
 */
void tm__watch_errno(void)
{
    enum { TRIES = 16 };
    static _Atomic bool tried; /* of whatever order: who tries once more does no harm */
    if (atomic_load(&tried))
        return;
    release_function *found = find_next();
    if (found)
        atomic_store_explicit(&next, found, memory_order_relaxed);
    for (int i = 0; found && i < TRIES && !backend_keeps_errno(); i++)
        if (sees_a_release(i))
            atomic_store(&tm__errno_watched, true);
    atomic_store(&tried, true);
}
