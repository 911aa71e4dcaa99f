/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "inject.h"
#include "support/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/types.h>

static struct {
    unsigned kinds;
    enum fault_mode mode;
    uint64_t n, seed;
    _Atomic uint64_t calls, failed;
} faults = {.kinds = 1U << FAULT_ATFORK, /* lets the constructor's call fail, so that a later one is made */
            .mode = FAULT_FROM_THEN_ON,
            .n = 1};

void faults_begin(unsigned kinds, enum fault_mode mode, uint64_t n, uint64_t seed)
{
    faults.mode = mode;
    faults.n = n;
    faults.seed = seed;
    faults.calls = faults.failed = 0;
    __atomic_store_n(&faults.kinds, kinds, __ATOMIC_RELEASE);
}

uint64_t faults_end(void)
{
    __atomic_store_n(&faults.kinds, 0, __ATOMIC_RELEASE);
    return faults.failed;
}

static bool fails(enum fault kind)
{
    if ((__atomic_load_n(&faults.kinds, __ATOMIC_ACQUIRE) >> kind & 1) == 0)
        return false;
    uint64_t call = ++faults.calls, random = faults.seed + call * 31;
    bool now = faults.mode == FAULT_ONCE           ? call == faults.n
               : faults.mode == FAULT_FROM_THEN_ON ? call >= faults.n
                                                   : random_next(&random) % faults.n == 0;
    faults.failed += now;
    return now;
}

/* The result of a wrapper: `failure`, with errno set, or what the wrapped function returns. */
#define OR_FAIL(kind, failure, call) (fails(kind) ? (errno = ENOMEM, (failure)) : (call))

/* Defines a wrapper with the type of the wrapped function. */
#define IN_FRONT(result, name, parameters, arguments, kind, failure)                                                   \
    result __real_##name parameters;                                                                                   \
    result __wrap_##name parameters;                                                                                   \
    result __wrap_##name parameters                                                                                    \
    {                                                                                                                  \
        return OR_FAIL(kind, failure, __real_##name arguments);                                                        \
    }

static _Atomic uint64_t in_use;

uint64_t objects_in_use(void)
{
    return in_use;
}

#ifndef TM_BACKEND_LIBC
void *__real_tc_malloc(size_t size);
void *__wrap_tc_malloc(size_t size);
void *__wrap_tc_malloc(size_t size)
{
    void *object = OR_FAIL(FAULT_MALLOC, NULL, __real_tc_malloc(size));
    in_use += object != NULL;
    return object;
}

void __real_tc_free(void *object);
void __wrap_tc_free(void *object);
void __wrap_tc_free(void *object)
{
    in_use -= object != NULL;
    __real_tc_free(object);
}
#endif

IN_FRONT(void *, malloc, (size_t size), (size), FAULT_MALLOC, NULL)
IN_FRONT(void *, realloc, (void *object, size_t size), (object, size), FAULT_MALLOC, NULL)

/* These functions return a negative error number, and do not set errno. */
void *__real_tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd);
void *__wrap_tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd);
void *__wrap_tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd)
{
    /* Not for the backend: it may be the process's malloc, and then libc's own functions, such as fmemopen(), fail. */
    bool is_ours = (flags & MAP_NORESERVE) != 0;
    return is_ours && fails(FAULT_MMAP) ? (void *)-ENOMEM : __real_tm__sys_mmap(address, size, protection, flags, fd);
}

IN_FRONT(int, pthread_key_create, (pthread_key_t * key, void (*destructor)(void *)), (key, destructor), FAULT_KEY,
         EAGAIN)
IN_FRONT(int, pthread_setspecific, (pthread_key_t key, const void *value), (key, value), FAULT_KEY, ENOMEM)
IN_FRONT(int, pthread_atfork, (void (*before)(void), void (*parent)(void), void (*child)(void)),
         (before, parent, child), FAULT_ATFORK, ENOMEM)

IN_FRONT(ssize_t, tm__sys_getrandom, (void *buffer, size_t size, unsigned flags), (buffer, size, flags), FAULT_QUESTION,
         -EAGAIN)
IN_FRONT(int, tm__sys_get_name, (char name[16]), (name), FAULT_QUESTION, -EPERM)
IN_FRONT(int, tm__sys_openat, (int directory, const char *path, int flags, mode_t mode), (directory, path, flags, mode),
         FAULT_QUESTION, -EMFILE)
IN_FRONT(ssize_t, tm__sys_read, (int fd, void *buffer, size_t size), (fd, buffer, size), FAULT_QUESTION, -EIO)
IN_FRONT(int, tm__sys_tgkill, (pid_t process, pid_t thread, int signal), (process, thread, signal), FAULT_QUESTION,
         -ENOSYS)

IN_FRONT(int, scandirat64,
         (int base, const char *path, struct dirent64 ***list, int (*filter)(const struct dirent64 *),
          int (*compare)(const struct dirent64 **, const struct dirent64 **)),
         (base, path, list, filter, compare), FAULT_LIBC, -1)
IN_FRONT(ssize_t, getdelim, (char **line, size_t *size, int delimiter, FILE *stream), (line, size, delimiter, stream),
         FAULT_LIBC, -1)
IN_FRONT(FILE *, fopencookie, (void *cookie, const char *mode, cookie_io_functions_t functions),
         (cookie, mode, functions), FAULT_LIBC, NULL)
IN_FRONT(char *, realpath, (const char *path, char *resolved), (path, resolved), FAULT_LIBC, NULL)
IN_FRONT(char *, canonicalize_file_name, (const char *path), (path), FAULT_LIBC, NULL)
IN_FRONT(char *, getcwd, (char *buffer, size_t size), (buffer, size), FAULT_LIBC, NULL)
IN_FRONT(char *, get_current_dir_name, (void), (), FAULT_LIBC, NULL)
IN_FRONT(char *, tempnam, (const char *directory, const char *prefix), (directory, prefix), FAULT_LIBC, NULL)
IN_FRONT(char **, backtrace_symbols, (void *const *addresses, int count), (addresses, count), FAULT_LIBC, NULL)
IN_FRONT(int, __vsnprintf_chk,
         (char *buffer, size_t size, int flag, size_t buffer_size, const char *format, va_list arguments),
         (buffer, size, flag, buffer_size, format, arguments), FAULT_LIBC, -1)
