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

/*
 * `ticks_known` is the value + 1; 0 in either: not asked for yet. Memory order does not matter here: no other data
 * depends on these numbers.
 */
static _Atomic uint64_t ticks_known, namespace_known;

/* Decided once: names of files are made of it, and a second reading may fail. */
static uint64_t start_ticks(void)
{
    uint64_t undecided = 0, known = atomic_load(&ticks_known);
    if (known != 0)
        return known - 1;
    pid_t own = tm__own_pid();
    struct tm__task task;
    uint64_t own_value = tm__read_task(own == tm__sys_getpid() ? 0 : own, 0, &task) ? task.start_ticks + 1 : 1;
    return atomic_compare_exchange_strong(&ticks_known, &undecided, own_value) ? own_value - 1 : undecided - 1;
}

/* A namespace's number is the inode of this file. Without /proc we assume the machine's initial one. */
static uint64_t pid_namespace(void)
{
    uint64_t known = atomic_load(&namespace_known);
    if (known != 0)
        return known;
    struct stat status;
    uint64_t own_value = tm__sys_stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : TM__FIRST_PID_NAMESPACE;
    atomic_store(&namespace_known, own_value);
    return own_value;
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
