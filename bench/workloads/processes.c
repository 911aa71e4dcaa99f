/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Processes that start and end: processor time instead of time. What is preloaded into this process is so into those
 * that it starts; other contenders start theirs as any program does.
 */
#define _GNU_SOURCE
#include "workloads.h"

#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of this process and of all that have ended. */
static double processor_ms(void)
{
    double ms = 0;
    static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    for (unsigned i = 0; i < 2; i++) {
        struct rusage usage;
        getrusage(whose[i], &usage);
        ms += (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
              (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
    }
    return ms;
}

static void await(pid_t pid)
{
    int status;
    if (waitpid(pid, &status, 0) != pid || status != 0)
        abort();
}

double start_processes(unsigned count)
{
    char *arguments[] = {"true", NULL};
    double start = processor_ms();
    for (unsigned i = 0; i < count; i++) {
        pid_t pid;
        if (posix_spawnp(&pid, arguments[0], NULL, NULL, arguments, environ) != 0)
            abort();
        await(pid);
    }
    return (processor_ms() - start) / count;
}

double fork_processes(unsigned count)
{
    enum { LIVE = 1000 };
    static void *live[LIVE];
    for (unsigned i = 0; i < LIVE; i++)
        live[i] = used(malloc(100));
    double start = processor_ms();
    for (unsigned i = 0; i < count; i++) {
        pid_t pid = fork();
        if (pid < 0)
            abort();
        if (pid == 0) {
            free(used(malloc(100)));
            _exit(0);
        }
        await(pid);
    }
    double ms = (processor_ms() - start) / count;
    for (unsigned i = 0; i < LIVE; i++)
        free(live[i]);
    return ms;
}
