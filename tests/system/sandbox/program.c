/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For tests/system/sandbox/run: the kernel kills this program at any system call except those that it makes itself, and
 * those that libc and bare tcmalloc make for it. It allocates, also on threads that start and exit, and ends.
 * usage: program WAY-TO-END
 */
#define _GNU_SOURCE
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef BY_NAME
#include <threadmeter/malloc.h>
#define malloc tm_malloc
#define free tm_free
#endif

static const unsigned allowed[] = {
    /* glibc's threads */
    SYS_clone,
    SYS_clone3,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_rt_sigprocmask,
    SYS_rt_sigaction,
    SYS_futex,
    SYS_mprotect,
    SYS_exit,
    SYS_sched_yield,
    /* for tcmalloc, and for the stacks of threads */
    SYS_brk,
    SYS_mmap,
    SYS_madvise,
    /* for exit, and for signal handlers */
    SYS_exit_group,
    SYS_rt_sigreturn,
    /* for threadmeter */
    SYS_gettid,
    /* FOR_FORKS: for a process that forks and publishes. It asks whether it is in a sandbox, and unmaps memory */
    SYS_wait4,
    SYS_prctl,
    SYS_munmap,
    SYS_mremap,
};
enum { ALL = sizeof allowed / sizeof allowed[0], FOR_FORKS = 4 };

static void enter_sandbox(size_t count_allowed)
{
    struct sock_filter filter[2 * ALL + 2];
    size_t count = 0;
    filter[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < count_allowed; i++) {
        filter[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
        filter[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    filter[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    const struct sock_fprog program = {.len = (unsigned short)count, .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
        _exit(77);
}

enum { THREADS = 40, BLOCKS = 300 };

static void allocate(void *blocks[BLOCKS])
{
    for (size_t i = 0; i < BLOCKS; i++)
        if (!(blocks[i] = malloc(i * 100 + 1)))
            _exit(1);
}

/* Leaves one block live, which another thread frees. */
static void *work(void *unused)
{
    void *blocks[BLOCKS];
    allocate(blocks);
    for (size_t i = 1; i < BLOCKS; i++)
        free(blocks[i]);
    return unused ? unused : blocks[0];
}

int main(int argc, char **argv)
{
    const char *end = argc > 1 ? argv[1] : "";
    void *left[THREADS], *large[4];
    pthread_t threads[4];
    free(malloc(1));
    enter_sandbox(strcmp(end, "fork") == 0 ? ALL : ALL - FOR_FORKS);
    for (size_t i = 0; i < THREADS; i += 4) {
        for (size_t k = 0; k < 4; k++)
            if (pthread_create(&threads[k], NULL, work, NULL) != 0)
                _exit(2);
        for (size_t k = 0; k < 4; k++)
            pthread_join(threads[k], &left[i + k]);
    }
    for (size_t i = 0; i < THREADS; i++)
        free(left[i]);
    for (size_t i = 0; i < 4; i++)
        if (!(large[i] = malloc((size_t)16 << 20)))
            _exit(3);
    for (size_t i = 0; i < 4; i++)
        free(large[i]);
    if (strcmp(end, "quick_exit") == 0)
        quick_exit(0);
    if (strcmp(end, "_exit") == 0)
        _exit(0);
    if (strcmp(end, "fork") == 0) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            free(malloc(1000));
            exit(0);
        }
        _exit(waitpid(child, &status, 0) == child && status == 0 ? 0 : 4);
    }
    if (strcmp(end, "forbidden") == 0)
        syscall(SYS_getppid);
    exit(0);
}
