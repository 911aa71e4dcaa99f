/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A process that becomes another program has not crashed, whatever that program publishes: it may be a static one, or be
 * forbidden to. So its file says before that it ends, and takes it back if it does not. Part of the preloaded library and
 * of the net. The searching of PATH is libc's; its functions call each other within libc, so each is here.
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
 * libc's, or those of another library that stands in front of it. Found as the program starts: a child of vfork, or of a
 * process with many threads, may not ask the loader.
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

static int come_back(bool said, int result)
{
    if (said)
        tm__unmark_ended();
    return result;
}

EXPORT int execve(const char *path, char *const argv[], char *const environment[])
{
    find_next();
    bool said = tm__mark_own_end();
    return come_back(said, next_execve(path, argv, environment));
}

EXPORT int execv(const char *path, char *const argv[])
{
    return execve(path, argv, environ);
}

EXPORT int fexecve(int fd, char *const argv[], char *const environment[])
{
    find_next();
    bool said = tm__mark_own_end();
    return come_back(said, next_fexecve(fd, argv, environment));
}

EXPORT int execvpe(const char *file, char *const argv[], char *const environment[])
{
    find_next();
    bool said = tm__mark_own_end();
    return come_back(said, next_execvpe(file, argv, environment));
}

EXPORT int execvp(const char *file, char *const argv[])
{
    return execvpe(file, argv, environ);
}

/* The arguments with the NULL, `first` among them, in an array on the caller's stack, as libc makes it; `list` goes on behind. */
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
