/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel, asked directly. libc's functions of these names may be somebody else's: a library that was preloaded has
 * its own getrandom, or open, which allocates, takes a lock, or calls us. So what attaches a thread, opens the books,
 * forks or exits does not call them.
 *
 * Each returns what the kernel does: -errno on failure. errno itself is left alone, and none is a cancellation point.
 */
#ifndef TM_KERNEL_H
#define TM_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- memory ---- */

/* An address that tm__sys_failed() knows, on failure. */
void *tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd);
/* What is in the file from `offset` on, shared, in place of what is at this address. */
void *tm__sys_map_file(void *address, size_t size, int fd, off_t offset);
int tm__sys_munmap(void *address, size_t size);
void *tm__sys_move(void *address, size_t size, void *to); /* in place of what is there */
int tm__sys_madvise(void *address, size_t size, int advice);
int tm__sys_mprotect(void *address, size_t size, int protection);

/* 0, or the error in place of an address. */
static inline int tm__sys_failed(const void *mapped)
{
    return (uintptr_t)mapped > (uintptr_t)-4096 ? -(int)(intptr_t)mapped : 0;
}

/* Whether these 8 bytes can be read; never faults. */
bool tm__sys_is_readable(uintptr_t address);

/* ---- files ---- */

int tm__sys_openat(int directory, const char *path, int flags, mode_t mode);
int tm__sys_close(int fd);
ssize_t tm__sys_read(int fd, void *bytes, size_t size);
ssize_t tm__sys_pread(int fd, void *bytes, size_t size, off_t offset);
ssize_t tm__sys_getdents(int directory, void *entries, size_t size);
/* Without side effects: no SIGPIPE, no SIGXFSZ of a file that is full by RLIMIT_FSIZE, no stop by SIGTTOU. */
ssize_t tm__sys_write(int fd, const void *bytes, size_t size);
/* SIGXFSZ beyond RLIMIT_FSIZE, as of the next two: files of ours are no larger, see tm__create_temporary(). */
ssize_t tm__sys_pwrite(int fd, const void *bytes, size_t size, off_t offset);
int tm__sys_ftruncate(int fd, off_t size);
int tm__sys_fallocate(int fd, off_t offset, off_t size);
int tm__sys_fstat(int fd, struct stat *file);
int tm__sys_fstatfs(int fd, struct statfs *file_system);
int tm__sys_stat(const char *path, struct stat *file);
int tm__sys_lstatat(int directory, const char *path, struct stat *file);
int tm__sys_unlinkat(int directory, const char *path);
int tm__sys_renameat(int directory, const char *from, const char *to);
int tm__sys_renameat_new(int directory, const char *from, const char *to); /* -EEXIST, where there is one */
/* All of it, for whoever has this opening of it, by a descriptor or a mapping. */
int tm__sys_lock_file(int fd);
bool tm__sys_is_locked(int fd); /* by another opening */
int tm__sys_getcwd(char *path, size_t size);

/* ---- processes and threads ---- */

pid_t tm__sys_getpid(void);
pid_t tm__sys_getppid(void);
pid_t tm__sys_gettid(void);
uid_t tm__sys_getuid(void);
uid_t tm__sys_geteuid(void);
gid_t tm__sys_getgid(void);
gid_t tm__sys_getegid(void);
int tm__sys_tgkill(pid_t process, pid_t thread, int signal);
int tm__sys_get_name(char name[16]); /* the calling thread's */
int tm__sys_seccomp_mode(void);
int tm__sys_prctl(int option, const unsigned long arguments[4]);
int tm__sys_get_robust_list(void **list);                /* the same */
int tm__sys_compare_memory(pid_t a, pid_t b);            /* 0: two processes have the same; above 0: each has its own */
void tm__sys_exit(int status) __attribute__((noreturn)); /* the process */
int tm__sys_getrlimit(int resource, struct rlimit *limit);

/* ---- the rest ---- */

ssize_t tm__sys_getrandom(void *bytes, size_t size, unsigned flags);
int tm__sys_clock_gettime(clockid_t clock, struct timespec *now);
void tm__sys_nanosleep(long nanoseconds);
void tm__sys_sched_yield(void);

#ifdef __cplusplus
}
#endif

#endif
