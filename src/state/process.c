/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "state/process.h"
#include "base/kernel.h"
#include "base/liveness_lock.h"
#include "base/task.h"
#include "base/text.h"
#include "state/names.h"

#include <stdatomic.h>
#include <sys/stat.h>

/* The first + 1; 0: not yet asked for. Memory order does not matter here: a number, and no data after it. */
static _Atomic uint64_t ticks_known, namespace_known;

/* Decided once: names are made of it, and a second reading may fail. */
static uint64_t start_ticks(void)
{
    uint64_t undecided = 0, known = atomic_load(&ticks_known);
    if (known != 0)
        return known - 1;
    pid_t own = tm__own_pid();
    struct tm__task task;
    uint64_t mine = tm__read_task(own == tm__sys_getpid() ? 0 : own, 0, &task) ? task.start_ticks + 1 : 1;
    return atomic_compare_exchange_strong(&ticks_known, &undecided, mine) ? mine - 1 : undecided - 1;
}

/* The number of its inode; without /proc it is taken for the machine's first one. */
static uint64_t pid_namespace(void)
{
    uint64_t known = atomic_load(&namespace_known);
    if (known != 0)
        return known;
    struct stat its;
    uint64_t mine = tm__sys_stat("/proc/self/ns/pid", &its) == 0 ? its.st_ino : TM__FIRST_PID_NAMESPACE;
    atomic_store(&namespace_known, mine);
    return mine;
}

const char *tm__name_file(char name[TM__FILE_NAME], uint64_t temporary)
{
    struct tm__text text = {.bytes = name, .capacity = TM__FILE_NAME, .fd = -1};
    tm__put_number(&text, (uint64_t)tm__own_pid());
    tm__put(&text, "-");
    tm__put_number(&text, start_ticks());
    if (pid_namespace() != TM__FIRST_PID_NAMESPACE) {
        tm__put(&text, "-");
        tm__put_number(&text, pid_namespace());
    }
    if (temporary != 0) {
        tm__put(&text, ".new");
        tm__put_number(&text, temporary);
    } else {
        tm__put(&text, ".tm");
    }
    return tm__string(&text);
}

bool tm__is_of_own_pid_namespace(const char *name)
{
    return tm__pid_namespace_in(name) == pid_namespace();
}

void tm__describe_process(struct tm__head *head, pid_t parent)
{
    struct timespec now;
    tm__sys_clock_gettime(CLOCK_REALTIME, &now);
    head->pid = tm__own_pid();
    head->parent = parent;
    head->start_ticks = start_ticks();
    head->started_ns = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
    if (!head->program[0])
        tm__read_program_name(head->program, sizeof head->program);
}

void tm__forget_process(void)
{
    atomic_store(&ticks_known, 0);
    atomic_store(&namespace_known, 0);
}
