/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interposer: free, cfree, realloc, reallocarray and malloc_usable_size, which come before the process's own. They
 * are for our blocks that are freed by code which was not built with threadmeter. This is a library of its own, which
 * threadmeter-redirect links, so that in a program which calls tm_malloc by name the malloc family stays untouched.
 */
#define _GNU_SOURCE
#include "base/next_malloc.h"
#include "api/intercepted.h"
#include "base/find_next.h"
#include "base/messages.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

extern const struct tm__next_malloc tm__next_malloc __attribute__((weak));

typedef void free_function(void *);
typedef void *realloc_function(void *, size_t);
typedef size_t usable_size_function(void *);

/*
 * The functions that come next in the search order: tcmalloc's or glibc's. dlsym may itself call free or realloc, for
 * memory of its own; then `searching` is set, and the next function is not yet known. Relaxed: the address of a
 * function publishes no data, and a thread that searches again finds the same.
 */
static void *_Atomic next_free, *_Atomic next_realloc, *_Atomic next_usable_size;
static _Thread_local bool searching __attribute__((tls_model("initial-exec")));

static void *find_next(void *_Atomic *next, const char *name)
{
    void *found = atomic_load_explicit(next, memory_order_relaxed);
    if (found || searching)
        return found;
    searching = true;
    found = tm__find_next(next, name);
    searching = false;
    return found;
}

/*
 * The block that the constructor has libc free, to learn whether that free comes here. Memory order does not matter
 * here: the free is by the same thread, and others only compare.
 */
static void *_Atomic awaited;

static void free_as(void *_Atomic *known, const char *name, void *memory)
{
    if (!memory || tm__intercepted_free(memory))
        return;
    free_function *next = (free_function *)find_next(known, name);
    if (next) /* if not, a few bytes of dlsym's leak, once */
        next(memory);
}

static void *realloc_as(void *_Atomic *known, const char *name, void *memory, size_t size)
{
    void *result;
    if (memory && tm__intercepted_realloc(memory, size, &result))
        return result;
    realloc_function *next = (realloc_function *)find_next(known, name);
    if (next)
        return next(memory, size);
    errno = ENOMEM;
    return NULL;
}

EXPORT void free(void *memory)
{
    if (memory && memory == atomic_load_explicit(&awaited, memory_order_relaxed))
        atomic_store_explicit(&awaited, NULL, memory_order_relaxed);
    free_as(&next_free, "free", memory);
}

EXPORT void *realloc(void *memory, size_t size)
{
    return realloc_as(&next_realloc, "realloc", memory, size);
}

/*
 * The same under glibc's own names, which no header declares. Each has its own next function, since the next free by
 * its plain name may be that of a malloc which itself calls these.
 */
EXPORT void __libc_free(void *memory);
EXPORT void __libc_free(void *memory)
{
    static void *_Atomic next;
    free_as(&next, "__libc_free", memory);
}

EXPORT void *__libc_realloc(void *memory, size_t size);
EXPORT void *__libc_realloc(void *memory, size_t size)
{
    static void *_Atomic next;
    return realloc_as(&next, "__libc_realloc", memory, size);
}

/* For programs that were built with a glibc before 2.26, which had it. */
EXPORT void cfree(void *memory);
EXPORT void cfree(void *memory)
{
    free(memory);
}

EXPORT void *reallocarray(void *memory, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(memory, bytes);
}

EXPORT size_t malloc_usable_size(void *memory)
{
    size_t size = 0;
    if (!memory || tm__intercepted_usable_size(memory, &size))
        return size;
    usable_size_function *next = (usable_size_function *)find_next(&next_usable_size, "malloc_usable_size");
    return next ? next(memory) : 0;
}

/*
 * The file that defines what is at this address. NULL if there is none, or if it is a stub: where a program that is not
 * position-independent takes the address of a library's function, it gets a stub of its own, under the function's name.
 */
static const void *file_of(const void *address, const char **name)
{
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    if (!address || !dladdr1(address, &info, (void **)&symbol, RTLD_DL_SYMENT))
        return NULL;
    if (symbol && symbol->st_shndx == SHN_UNDEF)
        return NULL;
    *name = info.dli_fname;
    return info.dli_fbase;
}

static void warn(const char *before, const char *file, const char *after)
{
    char line[1024];
    struct tm__text text = TM__TEXT(line, tm__fd_for_notice());
    tm__put(&text, "threadmeter: ");
    tm__put(&text, before);
    tm__put(&text, file);
    tm__put(&text, after);
    tm__flush(&text);
}

/*
 * The file whose free comes before ours. NULL if the search by name finds ours although the call did not reach it: a
 * tool like valgrind replaces functions at their own address, and reports errors itself.
 */
static const char *file_in_front(void)
{
    const char *file, *other;
    const void *first = file_of(dlsym(RTLD_DEFAULT, "free"), &file);
    if (!first) /* a stub: realloc is usually of the same file */
        return file_of(dlsym(RTLD_DEFAULT, "realloc"), &file) ? file : "another library";
    if (first != file_of((const void *)warn, &other))
        return file;
    /* libc_malloc_debug has it only under glibc's symbol version, which is the first one of the architecture. */
    static const char *const versions[] = {"GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.27", "GLIBC_2.2"};
    void *found = NULL;
    for (size_t i = 0; !found && i < sizeof versions / sizeof versions[0]; i++)
        found = dlvsym(RTLD_DEFAULT, "free", versions[i]);
    return found && found != atomic_load(&next_free) && file_of(found, &file) ? file : NULL;
}

/*
 * Tested by a call, not by the search order of names: libc frees a block, as any library would, and the call must come
 * here. Another free that comes before ours, and calls it, does no harm.
 */
static void warn_if_free_is_not_ours(void)
{
    if (&tm__next_malloc) /* libthreadmeter_malloc is there, and it knows our blocks */
        return;
    struct addrinfo *block = calloc(1, sizeof *block);
    if (!block)
        return;
    atomic_store(&awaited, block);
    freeaddrinfo(block);
    if (!atomic_exchange(&awaited, NULL))
        return;
    const char *file = file_in_front();
    if (file)
        warn("free comes from ", file,
             ", in front of ours: it will crash on blocks of threadmeter that other code frees; see threadmeter(7)\n");
}

/*
 * Redirection also renames a malloc and free that the program defines itself. They then come before ours, but strdup
 * stays ours, and so blocks of two mallocs are mixed.
 */
static void warn_if_malloc_is_the_programs(void)
{
    static const char *const names[] = {"tm_malloc", "tm_calloc", "tm_realloc", "tm_free"};
    const char *file;
    const void *ours = file_of((const void *)tm__intercepted_free, &file);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const void *found = file_of(dlsym(RTLD_DEFAULT, names[i]), &file);
        if (!found || !ours || found == ours)
            continue;
        warn("", file, " has a malloc of its own, which redirection breaks: build it without; see threadmeter(7)\n");
        return;
    }
}

__attribute__((constructor)) static void start(void)
{
    int saved = errno;
    find_next(&next_free, "free");
    find_next(&next_realloc, "realloc");
    find_next(&next_usable_size, "malloc_usable_size");
    warn_if_malloc_is_the_programs();
    warn_if_free_is_not_ours();
    errno = saved;
}
