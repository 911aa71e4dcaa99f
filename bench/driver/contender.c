/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "contender.h"
#include "../workloads/workloads.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void start(struct contender *contender, const char *trace_file)
{
    int to[2], from[2];
    posix_spawn_file_actions_t actions;
    char *arguments[] = {(char *)contender->file, (char *)trace_file, NULL};
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
        fail("no pipe for", contender->name);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
    if (posix_spawn(&contender->pid, contender->file, &actions, NULL, arguments, environ) != 0)
        fail("cannot start", contender->file);
    posix_spawn_file_actions_destroy(&actions);
    close(to[0]);
    close(from[1]);
    contender->to = to[1];
    contender->from = from[0];
}

void stop(const struct contender *contender)
{
    close(contender->to);
    close(contender->from);
    waitpid(contender->pid, NULL, 0);
}

double run(const struct contender *contender, const struct row *row)
{
    struct request request = {row->workload, row->parameter};
    double answer = 0;
    if (write(contender->to, &request, sizeof request) != sizeof request ||
        read(contender->from, &answer, sizeof answer) != sizeof answer || !(answer > 0)) {
        fprintf(stderr, "%s: ", row->name);
        fail("no answer from", contender->name);
    }
    return answer;
}

void read_resident(const struct contender *contender, double *peak, double *now)
{
    char name[64], line[256];
    unsigned long kib;
    snprintf(name, sizeof name, "/proc/%d/status", (int)contender->pid);
    FILE *file = fopen(name, "r");
    if (!file)
        fail("cannot read", name);
    *peak = *now = 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %lu", &kib) == 1)
            *peak = (double)kib / 1024;
        else if (sscanf(line, "VmRSS: %lu", &kib) == 1)
            *now = (double)kib / 1024;
    fclose(file);
}
