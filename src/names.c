/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "names.h"
#include "kernel.h"
#include "text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Relaxed, as where it is read: words of two names may meet, if a thread is renamed as it is read. */
static void store_name(struct tm__record *record, const char name[TM__NAME])
{
    uint64_t words[2];
    static_assert(sizeof words == TM__NAME, "a name is two words");
    memcpy(words, name, sizeof words);
    tm__set(&record->name[0], words[0]);
    tm__set(&record->name[1], words[1]);
}

void tm__learn_own_name(struct tm__record *record)
{
    char name[TM__NAME] = {0};
    tm__sys_get_name(name);
    store_name(record, name);
}

static bool read_comm(pid_t process, pid_t thread, char name[TM__NAME])
{
    char path[64];
    struct tm__text text = TM__TEXT(path, -1);
    tm__put(&text, "/proc/");
    if (process == 0)
        tm__put(&text, "self");
    else
        tm__put_number(&text, (uint64_t)process);
    tm__put(&text, "/task/");
    tm__put_number(&text, (uint64_t)thread);
    tm__put(&text, "/comm");

    int fd = tm__sys_openat(AT_FDCWD, tm__string(&text), O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    ssize_t got = tm__sys_read(fd, name, TM__NAME);
    tm__sys_close(fd);
    if (got <= 0)
        return false;
    name[got - 1] = '\0'; /* the kernel ends it with a newline */
    return true;
}

bool tm__refresh_name(struct tm__record *record)
{
    char name[TM__NAME] = {0};
    uint64_t life = atomic_load(&record->life);
    pid_t tid = atomic_load(&record->tid), parent = atomic_load(&record->forked_from);
    bool found = false;
    if (tm__life_in(life) == TM__OWNED)
        found = read_comm(0, tid, name);
    else if (tm__life_in(life) == TM__ORPHAN && parent != 0 && parent == tm__sys_getppid())
        found = read_comm(parent, tid, name);
    /*
     * It may have exited meanwhile, and left its last name itself. `life` is of the default order, as everywhere: its
     * second reading comes after the first and after tid.
     */
    if (found && atomic_load(&record->life) == life)
        store_name(record, name);
    return found;
}

void tm__read_program_name(char name[TM__NAME])
{
    const char *known = program_invocation_short_name; /* not yet, for what allocates before libc begins */
    memset(name, 0, TM__NAME);
    if (known && *known)
        memcpy(name, known, strnlen(known, TM__NAME - 1));
    else
        tm__sys_get_name(name);
}

void tm__copy_name(const struct tm__record *record, char name[TM__NAME])
{
    uint64_t words[2] = {tm__get(&record->name[0]), tm__get(&record->name[1])};
    memcpy(name, words, TM__NAME);
    name[TM__NAME - 1] = '\0';
}
