/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)

static long call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#elif defined(__aarch64__)

static long call(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}

#else

/* For other machines: then syscall() is the only function of libc that might be interposed. */
static long call(long number, long a, long b, long c, long d, long e, long f)
{
    int saved = errno;
    long result = syscall(number, a, b, c, d, e, f);
    if (result == -1)
        result = -errno;
    errno = saved;
    return result;
}

#endif

#define CALL0(number) call(number, 0, 0, 0, 0, 0, 0)
#define CALL1(number, a) call(number, (long)(a), 0, 0, 0, 0, 0)
#define CALL2(number, a, b) call(number, (long)(a), (long)(b), 0, 0, 0, 0)
#define CALL3(number, a, b, c) call(number, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL4(number, a, b, c, d) call(number, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

/* The thread sanitizer must see each mapping, else it confuses new memory with what was at the same address before. */
#ifdef __has_feature
#define FEATURE(name) __has_feature(name)
#else
#define FEATURE(name) 0
#endif
#if defined(__SANITIZE_THREAD__) || FEATURE(thread_sanitizer)

static void *map(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    int saved = errno;
    void *mapped = mmap(address, size, protection, flags, fd, offset);
    if (mapped == MAP_FAILED)
        mapped = (void *)(intptr_t)-errno;
    errno = saved;
    return mapped;
}

int tm__sys_munmap(void *address, size_t size)
{
    return munmap(address, size);
}

#else

static void *map(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    return (void *)call(SYS_mmap, (long)address, (long)size, protection, flags, fd, offset);
}

int tm__sys_munmap(void *address, size_t size)
{
    return (int)CALL2(SYS_munmap, address, size);
}

#endif

void *tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd)
{
    return map(address, size, protection, flags, fd, 0);
}

void *tm__sys_map_file(void *address, size_t size, int fd, off_t offset)
{
    return map(address, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, offset);
}

void *tm__sys_move(void *address, size_t size, void *to)
{
    return (void *)call(SYS_mremap, (long)address, (long)size, (long)size, MREMAP_MAYMOVE | MREMAP_FIXED, (long)to, 0);
}

int tm__sys_madvise(void *address, size_t size, int advice)
{
    return (int)CALL3(SYS_madvise, address, size, advice);
}

int tm__sys_mprotect(void *address, size_t size, int protection)
{
    return (int)CALL3(SYS_mprotect, address, size, protection);
}

/*
 * rt_sigprocmask reads the set before it rejects the invalid `how`. mincore would not tell whether a mapped page may be
 * read.
 */
bool tm__sys_is_readable(uintptr_t address)
{
    return CALL4(SYS_rt_sigprocmask, -1, address, 0, sizeof(uint64_t)) != -EFAULT;
}

int tm__sys_openat(int directory, const char *path, int flags, mode_t mode)
{
    return (int)CALL4(SYS_openat, directory, path, flags, mode);
}

int tm__sys_close(int fd)
{
    return (int)CALL1(SYS_close, fd);
}

ssize_t tm__sys_read(int fd, void *bytes, size_t size)
{
    return CALL3(SYS_read, fd, bytes, size);
}

ssize_t tm__sys_pread(int fd, void *bytes, size_t size, off_t offset)
{
    return CALL4(SYS_pread64, fd, bytes, size, offset);
}

ssize_t tm__sys_getdents(int directory, void *entries, size_t size)
{
    return CALL3(SYS_getdents64, directory, entries, size);
}

static uint64_t set_of(int signal)
{
    return UINT64_C(1) << (signal - 1);
}

/*
 * The signals are blocked, so one that the write raises becomes pending for this thread. It is then removed, unless one
 * was pending before. SIGTTOU is not raised at all while it is blocked.
 */
ssize_t tm__sys_write(int fd, const void *bytes, size_t size)
{
    if (fd < 0)
        return -EBADF;
    uint64_t raised = set_of(SIGPIPE) | set_of(SIGXFSZ), blocked = raised | set_of(SIGTTOU), before, pending = 0;
    long error = CALL4(SYS_rt_sigprocmask, SIG_BLOCK, &blocked, &before, sizeof blocked);
    if (error != 0)
        return error;
    if ((before & raised) != 0) /* a signal that was not blocked before cannot have been pending */
        CALL2(SYS_rt_sigpending, &pending, sizeof pending);
    long written = CALL3(SYS_write, fd, bytes, size);
    uint64_t now = written == -EPIPE ? set_of(SIGPIPE) : written == -EFBIG ? set_of(SIGXFSZ) : 0;
    if ((now & ~pending) != 0)
        CALL4(SYS_rt_sigtimedwait, &now, 0, &(struct timespec){0}, sizeof now);
    CALL4(SYS_rt_sigprocmask, SIG_SETMASK, &before, 0, sizeof before);
    return written;
}

ssize_t tm__sys_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    return CALL4(SYS_pwrite64, fd, bytes, size, offset);
}

int tm__sys_ftruncate(int fd, off_t size)
{
    return (int)CALL2(SYS_ftruncate, fd, size);
}

int tm__sys_fallocate(int fd, off_t offset, off_t size)
{
    return (int)CALL4(SYS_fallocate, fd, 0, offset, size);
}

/* By newfstatat, the system call that libc has used for the longest time. */
int tm__sys_fstat(int fd, struct stat *file)
{
    return (int)CALL4(SYS_newfstatat, fd, "", file, AT_EMPTY_PATH);
}

int tm__sys_fstatfs(int fd, struct statfs *file_system)
{
    return (int)CALL2(SYS_fstatfs, fd, file_system);
}

int tm__sys_stat(const char *path, struct stat *file)
{
    return (int)CALL4(SYS_newfstatat, AT_FDCWD, path, file, 0);
}

int tm__sys_lstatat(int directory, const char *path, struct stat *file)
{
    return (int)CALL4(SYS_newfstatat, directory, path, file, AT_SYMLINK_NOFOLLOW);
}

int tm__sys_unlinkat(int directory, const char *path)
{
    return (int)CALL3(SYS_unlinkat, directory, path, 0);
}

int tm__sys_renameat(int directory, const char *from, const char *to)
{
    return (int)call(SYS_renameat2, directory, (long)from, directory, (long)to, 0, 0);
}

int tm__sys_renameat_new(int directory, const char *from, const char *to)
{
    enum { NOREPLACE = 1 };
    return (int)call(SYS_renameat2, directory, (long)from, directory, (long)to, NOREPLACE, 0);
}

/* Locks of open file descriptions take 64-bit offsets on all machines. */
#ifdef SYS_fcntl64
#define FCNTL SYS_fcntl64
#else
#define FCNTL SYS_fcntl
#endif

int tm__sys_lock_file(int fd)
{
    struct flock64 whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return (int)CALL3(FCNTL, fd, F_OFD_SETLK, &whole);
}

bool tm__sys_is_locked(int fd)
{
    struct flock64 found = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return CALL3(FCNTL, fd, F_OFD_GETLK, &found) == 0 && found.l_type != F_UNLCK;
}

int tm__sys_getcwd(char *path, size_t size)
{
    return (int)CALL2(SYS_getcwd, path, size);
}

pid_t tm__sys_getpid(void)
{
    return (pid_t)CALL0(SYS_getpid);
}

pid_t tm__sys_getppid(void)
{
    return (pid_t)CALL0(SYS_getppid);
}

pid_t tm__sys_gettid(void)
{
    return (pid_t)CALL0(SYS_gettid);
}

uid_t tm__sys_getuid(void)
{
    return (uid_t)CALL0(SYS_getuid);
}

uid_t tm__sys_geteuid(void)
{
    return (uid_t)CALL0(SYS_geteuid);
}

gid_t tm__sys_getgid(void)
{
    return (gid_t)CALL0(SYS_getgid);
}

gid_t tm__sys_getegid(void)
{
    return (gid_t)CALL0(SYS_getegid);
}

int tm__sys_tgkill(pid_t process, pid_t thread, int signal)
{
    return (int)CALL3(SYS_tgkill, process, thread, signal);
}

int tm__sys_get_name(char name[16])
{
    return (int)CALL2(SYS_prctl, PR_GET_NAME, name);
}

int tm__sys_seccomp_mode(void)
{
    return (int)CALL2(SYS_prctl, PR_GET_SECCOMP, 0);
}

int tm__sys_prctl(int option, const unsigned long arguments[4])
{
    return (int)call(SYS_prctl, option, (long)arguments[0], (long)arguments[1], (long)arguments[2], (long)arguments[3],
                     0);
}

void tm__sys_exit(int status)
{
    for (;;)
        CALL1(SYS_exit_group, status);
}

int tm__sys_get_robust_list(void **list)
{
    size_t size;
    return (int)CALL3(SYS_get_robust_list, 0, list, &size);
}

int tm__sys_compare_memory(pid_t a, pid_t b)
{
    enum { KCMP_VM = 1 };
    return (int)CALL3(SYS_kcmp, a, b, KCMP_VM);
}

int tm__sys_getrlimit(int resource, struct rlimit *limit)
{
    return (int)CALL4(SYS_prlimit64, 0, resource, 0, limit);
}

ssize_t tm__sys_getrandom(void *bytes, size_t size, unsigned flags)
{
    return CALL3(SYS_getrandom, bytes, size, flags);
}

int tm__sys_clock_gettime(clockid_t clock, struct timespec *now)
{
    return (int)CALL2(SYS_clock_gettime, clock, now);
}

void tm__sys_nanosleep(long nanoseconds)
{
    struct timespec time = {.tv_nsec = nanoseconds};
    CALL2(SYS_nanosleep, &time, 0);
}

void tm__sys_sched_yield(void)
{
    CALL0(SYS_sched_yield);
}
