/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * System calls without libc. libc's functions of these names may be interposed: a preloaded library may have its own
 * getrandom, or open, which allocates, takes a lock, or calls us. So the code that attaches a thread, opens the region,
 * forks or exits does not call them.
 *
 * Each function returns what the kernel returns: -errno on failure. errno itself does not change, and none is a
 * cancellation point.
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

/* On failure this returns an address that tm__sys_failed() recognizes. */
void *tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd);
/* Maps the file from `offset` on, shared, at this address, in place of what is mapped there. */
void *tm__sys_map_file(void *address, size_t size, int fd, off_t offset);
int tm__sys_munmap(void *address, size_t size);
void *tm__sys_move(void *address, size_t size, void *to); /* replaces what is mapped at `to` */
int tm__sys_madvise(void *address, size_t size, int advice);
int tm__sys_mprotect(void *address, size_t size, int protection);

/* 0 if this is an address, else the error number, positive. */
static inline int tm__sys_failed(const void *mapped)
{
    return (uintptr_t)mapped > (uintptr_t)-4096 ? -(int)(intptr_t)mapped : 0;
}

/* Whether the 8 bytes at this address can be read; never faults. */
bool tm__sys_is_readable(uintptr_t address);

/* ---- files ---- */

int tm__sys_openat(int directory, const char *path, int flags, mode_t mode);
int tm__sys_close(int fd);
ssize_t tm__sys_read(int fd, void *bytes, size_t size);
ssize_t tm__sys_pread(int fd, void *bytes, size_t size, off_t offset);
ssize_t tm__sys_getdents(int directory, void *entries, size_t size);
/* Without side effects: no SIGPIPE, no SIGXFSZ if the file would exceed RLIMIT_FSIZE, no stop by SIGTTOU. */
ssize_t tm__sys_write(int fd, const void *bytes, size_t size);
/*
 * This and the next two raise SIGXFSZ beyond RLIMIT_FSIZE. Our files are never larger than that: see
 * tm__create_temporary().
 */
ssize_t tm__sys_pwrite(int fd, const void *bytes, size_t size, off_t offset);
int tm__sys_ftruncate(int fd, off_t size);
int tm__sys_fallocate(int fd, off_t offset, off_t size);
int tm__sys_fstat(int fd, struct stat *file);
int tm__sys_fstatfs(int fd, struct statfs *file_system);
int tm__sys_stat(const char *path, struct stat *file);
int tm__sys_lstatat(int directory, const char *path, struct stat *file);
int tm__sys_unlinkat(int directory, const char *path);
int tm__sys_renameat(int directory, const char *from, const char *to);
int tm__sys_renameat_new(int directory, const char *from, const char *to); /* -EEXIST if `to` exists already */
/*
 * Locks the whole file, for this open file description: all descriptors and mappings that were made of it share the
 * lock.
 */
int tm__sys_lock_file(int fd);
bool tm__sys_is_locked(int fd); /* by another open file description */
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
int tm__sys_get_name(char name[16]); /* of the calling thread */
int tm__sys_seccomp_mode(void);
int tm__sys_prctl(int option, const unsigned long arguments[4]);
int tm__sys_get_robust_list(void **list);     /* of the calling thread */
int tm__sys_compare_memory(pid_t a, pid_t b); /* 0: the two processes share their memory; above 0: each has its own */
void tm__sys_exit(int status) __attribute__((noreturn)); /* ends the process */
int tm__sys_getrlimit(int resource, struct rlimit *limit);

/* ---- randomness, time, scheduling ---- */

ssize_t tm__sys_getrandom(void *bytes, size_t size, unsigned flags);
int tm__sys_clock_gettime(clockid_t clock, struct timespec *now);
void tm__sys_nanosleep(long nanoseconds);
void tm__sys_sched_yield(void);

#ifdef __cplusplus
}
#endif

#endif
