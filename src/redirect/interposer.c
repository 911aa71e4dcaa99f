/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The net: free, cfree, realloc, reallocarray and malloc_usable_size in front of the process's own, for blocks of ours
 * that code not built with threadmeter frees. A library of its own, linked by threadmeter-redirect, so that a program
 * that calls tm_malloc by name keeps its process's malloc family untouched.
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
 * The next in line: tcmalloc's or glibc's. dlsym may itself call free or realloc, with memory of its own; then
 * `looking` is set and there is no next yet. Relaxed: code, with no data behind it, and who looks again finds the same.
 */
static void *_Atomic next_free, *_Atomic next_realloc, *_Atomic next_usable_size;
static _Thread_local bool looking __attribute__((tls_model("initial-exec")));

static void *find_next(void *_Atomic *next, const char *name)
{
    void *found = atomic_load_explicit(next, memory_order_relaxed);
    if (found || looking)
        return found;
    looking = true;
    found = tm__find_next(next, name);
    looking = false;
    return found;
}

/* What the constructor frees, to see whether it comes here. No order: that is the same thread, others only compare. */
static void *_Atomic awaited;

static void free_as(void *_Atomic *its_next, const char *name, void *memory)
{
    if (!memory || tm__intercepted_free(memory))
        return;
    free_function *next = (free_function *)find_next(its_next, name);
    if (next) /* else dlsym's own few bytes, once */
        next(memory);
}

static void *realloc_as(void *_Atomic *its_next, const char *name, void *memory, size_t size)
{
    void *result;
    if (memory && tm__intercepted_realloc(memory, size, &result))
        return result;
    realloc_function *next = (realloc_function *)find_next(its_next, name);
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
 * The same under glibc's own names, which no header declares: each to its own next, for what is next of the plain names
 * may be a malloc that itself calls these.
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

/* Of old, for programs that were built with a glibc before 2.26. */
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
 * The file that defines what is at an address. NULL if that is none, or a stub: where a program that is not
 * position-independent takes a library function's address, it is a stub of its own, under the function's name.
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
 * Something comes before our free. NULL if it has ours by name, and yet not the call: a tool like valgrind takes the
 * place of functions at their own address, and has its own words for what then happens.
 */
static const char *file_in_front(void)
{
    const char *file, *other;
    const void *first = file_of(dlsym(RTLD_DEFAULT, "free"), &file);
    if (!first) /* a stub; as a rule the family comes from one file */
        return file_of(dlsym(RTLD_DEFAULT, "realloc"), &file) ? file : "another library";
    if (first != file_of((const void *)warn, &other))
        return file;
    /* libc_malloc_debug has it only under the version of glibc's, which is the first of the architecture. */
    static const char *const versions[] = {"GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.27", "GLIBC_2.2"};
    void *found = NULL;
    for (size_t i = 0; !found && i < sizeof versions / sizeof versions[0]; i++)
        found = dlvsym(RTLD_DEFAULT, "free", versions[i]);
    return found && found != atomic_load(&next_free) && file_of(found, &file) ? file : NULL;
}

/*
 * By what happens, not by the order of names: libc frees a block, as all libraries would, and it should come here. A
 * free in front of ours that passes on to us does no harm.
 */
static void warn_if_free_is_not_ours(void)
{
    if (&tm__next_malloc) /* libthreadmeter_preload.so is in front, and knows blocks of ours */
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

/* Redirection renames a program's own malloc and free as well. They come before ours then, but strdup stays ours. */
static void warn_if_malloc_is_the_programs(void)
{
    static const char *const names[] = {"tm_malloc", "tm_calloc", "tm_realloc", "tm_free"};
    const char *file;
    const void *ours = file_of((const void *)tm__intercepted_free, &file);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const void *its = file_of(dlsym(RTLD_DEFAULT, names[i]), &file);
        if (!its || !ours || its == ours)
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
