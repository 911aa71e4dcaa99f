/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A process that executes another program has not crashed, even if the new program publishes nothing: it may be static,
 * or not allowed to. So the published file is marked as ended before the exec, and the mark is removed if that fails.
 * Part of the preloaded library and of the interposer. libc searches PATH; its exec functions call each other inside
 * libc, where no other library sees it, so each of them is replaced here.
 */
#define _GNU_SOURCE
#include "state/publish.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef int exec_function(const char *, char *const *, char *const *);
typedef int fexec_function(int, char *const *, char *const *);

/*
 * libc's functions, or those of another library that come before them. Found when the program starts, because a child
 * of vfork, or of a fork with many threads, may not call the dynamic linker.
 */
static exec_function *next_execve, *next_execvpe;
static fexec_function *next_fexecve;

__attribute__((constructor)) static void find_next(void)
{
    if (next_execve)
        return;
    next_execvpe = (exec_function *)dlsym(RTLD_NEXT, "execvpe");
    next_fexecve = (fexec_function *)dlsym(RTLD_NEXT, "fexecve");
    next_execve = (exec_function *)dlsym(RTLD_NEXT, "execve");
}

/* After an exec that failed. */
static int undo_mark(bool marked, int result)
{
    if (marked)
        tm__unmark_ended();
    return result;
}

EXPORT int execve(const char *path, char *const argv[], char *const environment[])
{
    find_next();
    bool marked = tm__mark_own_end();
    return undo_mark(marked, next_execve(path, argv, environment));
}

EXPORT int execv(const char *path, char *const argv[])
{
    return execve(path, argv, environ);
}

EXPORT int fexecve(int fd, char *const argv[], char *const environment[])
{
    find_next();
    bool marked = tm__mark_own_end();
    return undo_mark(marked, next_fexecve(fd, argv, environment));
}

EXPORT int execvpe(const char *file, char *const argv[], char *const environment[])
{
    find_next();
    bool marked = tm__mark_own_end();
    return undo_mark(marked, next_execvpe(file, argv, environment));
}

EXPORT int execvp(const char *file, char *const argv[])
{
    return execvpe(file, argv, environ);
}

/*
 * Copies `first`, the arguments after it and the NULL to an array on the caller's stack, as libc does. `list` is then
 * at the argument after the NULL.
 */
#define TAKE_ARGUMENTS(argv, first, list)                                                                              \
    va_list list;                                                                                                      \
    size_t count = 1;                                                                                                  \
    va_start(list, first);                                                                                             \
    while (va_arg(list, const char *))                                                                                 \
        count++;                                                                                                       \
    va_end(list);                                                                                                      \
    char *argv[count + 1];                                                                                             \
    argv[0] = (char *)first;                                                                                           \
    va_start(list, first);                                                                                             \
    for (size_t i = 1; i <= count; i++)                                                                                \
    argv[i] = va_arg(list, char *)

EXPORT int execl(const char *path, const char *first, ...)
{
    TAKE_ARGUMENTS(argv, first, list);
    va_end(list);
    return execve(path, argv, environ);
}

EXPORT int execlp(const char *file, const char *first, ...)
{
    TAKE_ARGUMENTS(argv, first, list);
    va_end(list);
    return execvpe(file, argv, environ);
}

EXPORT int execle(const char *path, const char *first, ...)
{
    TAKE_ARGUMENTS(argv, first, list);
    char *const *environment = va_arg(list, char *const *);
    va_end(list);
    return execve(path, argv, environment);
}
