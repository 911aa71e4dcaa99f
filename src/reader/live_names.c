/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of threads as the kernel has them now. The file has each name as the process last learned it. */
#include "reader/live_names.h"
#include "reader/arrays.h"
#include "reader/process.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct tm__known_name {
    pid_t tid;
    uint64_t thread; /* the number of the thread that had this tid when the kernel was asked; 0: none on record */
    char name[16];
};

static int by_tid(const void *a, const void *b)
{
    const struct tm__known_name *left = a, *right = b;
    return (left->tid > right->tid) - (left->tid < right->tid);
}

static struct tm__known_name *find_name(const struct tm__names *names, pid_t tid)
{
    const struct tm__known_name wanted = {.tid = tid};
    return names->count > 0 ? bsearch(&wanted, names->all, names->count, sizeof wanted, by_tid) : NULL;
}

static bool note_name(pid_t tid, const char name[16], void *arg)
{
    struct tm__names *names = arg;
    if (!tm__grow(&names->all, &names->capacity, names->count, sizeof *names->all))
        return false;
    struct tm__known_name *known = &names->all[names->count++];
    *known = (struct tm__known_name){.tid = tid};
    memcpy(known->name, *name ? name : TM__UNNAMED "\0\0\0\0\0\0", sizeof known->name);
    return true;
}

/* Asks for all names again. If there is no memory, or if /proc does not show the process, names stay as in the file. */
static void ask_for_names(struct tm__names *names, pid_t pid, const struct tm__rows *rows)
{
    names->count = 0;
    tm__each_thread(pid, note_name, names);
    if (names->count > 0)
        qsort(names->all, names->count, sizeof *names->all, by_tid);
    for (size_t i = 0; i < rows->slot_count; i++) {
        const struct tm_slot *slot = &rows->slots[i];
        struct tm__known_name *known = slot->state == TM_LIVE ? find_name(names, slot->tid) : NULL;
        if (known)
            known->thread = slot->thread;
    }
}

/*
 * Only if the thread is the one that had this tid when the kernel was asked: not if another has got the tid since. A
 * thread that has exited keeps the name that is in the file.
 */
static void give_name(const struct tm__names *names, pid_t tid, uint64_t thread, char name[16])
{
    const struct tm__known_name *known = thread != 0 ? find_name(names, tid) : NULL;
    if (known && known->thread == thread)
        memcpy(name, known->name, sizeof known->name);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* CLOCK_REALTIME may be set back */
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void tm__give_names(struct tm__names *names, pid_t pid, struct tm__rows *rows)
{
    uint64_t now = now_ns();
    if (now >= names->due_ns) {
        ask_for_names(names, pid, rows);
        names->due_ns = now + UINT64_C(1000000000);
    }
    for (size_t i = 0; i < rows->slot_count; i++)
        if (rows->slots[i].state == TM_LIVE)
            give_name(names, rows->slots[i].tid, rows->slots[i].thread, rows->slots[i].name);
    for (size_t i = 0; i < rows->flow_count; i++) {
        struct tm_flow *flow = &rows->flows[i];
        give_name(names, flow->owner_tid, flow->owner, flow->owner_name);
        give_name(names, flow->freer_tid, flow->freer, flow->freer_name);
    }
}

void tm__free_names(struct tm__names *names)
{
    free(names->all);
}
