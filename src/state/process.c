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

/*
 * To find it out takes several system calls, and it is needed several times. Beside it stands what getpid() was: that
 * is another number in another process, which may have inherited this, or be a child of vfork, which shares it.
 */
static pid_t own_pid(void)
{
    static _Atomic uint64_t known; /* both numbers; memory order as above */
    uint64_t asked = (uint32_t)tm__sys_getpid(), found = atomic_load(&known);
    if (found >> 32 == asked)
        return (pid_t)(uint32_t)found;
    pid_t pid = tm__own_pid();
    atomic_store(&known, asked << 32 | (uint32_t)pid);
    return pid;
}

/* Decided once: names of files are made of it, and a second reading may fail. */
static uint64_t start_ticks(void)
{
    uint64_t undecided = 0, known = atomic_load(&ticks_known);
    if (known != 0)
        return known - 1;
    pid_t own = own_pid();
    struct tm__task task;
    uint64_t own_value = tm__read_task(own == tm__sys_getpid() ? 0 : own, 0, &task) ? task.start_ticks + 1 : 1;
    return atomic_compare_exchange_strong(&ticks_known, &undecided, own_value) ? own_value - 1 : undecided - 1;
}

/* In a fork's child: the parent, from whom it has namespace_known, unless it began another namespace. Else 0. */
static _Atomic pid_t forked_from;

/*
 * A namespace's number is the inode of this file. Without /proc we assume the machine's initial one. getppid() is 0 for
 * a parent in another namespace, and another process if the parent has ended.
 */
static uint64_t pid_namespace(void)
{
    pid_t parent = atomic_load(&forked_from);
    uint64_t known = parent == 0 || parent == tm__sys_getppid() ? atomic_load(&namespace_known) : 0;
    if (parent != 0)
        atomic_store(&forked_from, 0);
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
    tm__put_number(&text, (uint64_t)own_pid());
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
    head->pid = own_pid();
    head->parent = parent;
    head->start_ticks = start_ticks();
    head->started_ns = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
    if (!head->program[0])
        tm__read_program_name(head->program, sizeof head->program);
}

void tm__forget_process(pid_t parent)
{
    atomic_store(&ticks_known, 0);
    if (parent == 0)
        atomic_store(&namespace_known, 0);
    atomic_store(&forked_from, parent);
}
