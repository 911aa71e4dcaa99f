/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "state/names.h"
#include "base/kernel.h"
#include "base/options.h"
#include "state/own_slots.h"
#include "base/task.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Relaxed, like the loads: if a thread is renamed while its name is read, the reader may get words of both names. */
static void store_name(struct tm__identity *identity, const char name[TM__NAME])
{
    uint64_t words[2] = {0};
    static_assert(sizeof words == TM__NAME, "a name is two words");
    if (name[0])
        memcpy(words, name, sizeof words);
    else
        memcpy(words, TM__UNNAMED, sizeof TM__UNNAMED);
    tm__store(&identity->name[0], words[0]);
    tm__store(&identity->name[1], words[1]);
}

void tm__learn_own_name(struct tm__identity *identity)
{
    char name[TM__NAME] = {0};
    if (tm__sys_get_name(name) == 0)
        store_name(identity, name);
}

/* The name that the thread was given last; "": it was not given one. */
static _Thread_local char own_name[TM__NAME] __attribute__((tls_model("initial-exec")));

/*
 * A thread inherits the name of the thread that started it, which could be any. But while only the first thread was
 * given a name, all threads have that one. NULL if that is not so any more, or not known. Relaxed, like the words of
 * names.
 */
static const char *_Atomic first_name;
static struct tm__identity inherited;

/*
 * Names that others gave to threads which may not have attached yet. The newest ones: a program names a thread when it
 * has created it. An entry's name is stored while its tid is 0. The default order: whoever names a thread stores the
 * entry, and then searches the slots; the thread stores its tid in its slot, and then searches the entries. So one finds
 * the other, and if both do, both store the same.
 */
enum { GIVEN = 64 };
static struct {
    _Atomic pid_t tid; /* 0: none */
    _Atomic uint64_t name[2];
} given[GIVEN];
static _Atomic unsigned given_last;

static void keep_given_name(pid_t tid, const struct tm__identity *named)
{
    unsigned last = atomic_fetch_add(&given_last, 1) % GIVEN;
    atomic_store(&given[last].tid, 0);
    for (int i = 0; i < 2; i++)
        atomic_store(&given[last].name[i], tm__load(&named->name[i]));
    atomic_store(&given[last].tid, tid);
}

static bool take_given_name(struct tm__identity *identity)
{
    pid_t tid = atomic_load(&identity->tid);
    bool found = false;
    if (atomic_load(&given_last) == 0)
        return false;
    for (int i = 0; i < GIVEN; i++)
        if (atomic_load(&given[i].tid) == tid) {
            uint64_t words[2] = {atomic_load(&given[i].name[0]), atomic_load(&given[i].name[1])};
            /* If it is another thread's by now, so may the words be. */
            if (!atomic_compare_exchange_strong(&given[i].tid, &(pid_t){tid}, 0))
                continue;
            tm__store(&identity->name[0], words[0]);
            tm__store(&identity->name[1], words[1]);
            found = true;
        }
    return found;
}

void tm__note_name_of(pid_t tid, const char *name)
{
    struct tm__identity named = {.tid = 0};
    char truncated[TM__NAME] = {0};
    memcpy(truncated, name, strnlen(name, TM__NAME - 1));
    store_name(&named, truncated);
    keep_given_name(tid, &named);
    for (uint32_t number = TM__SHARED_SLOTS; number < tm__slots_used(); number++) {
        struct tm__identity *identity = &tm__slot_at(number)->identity;
        if (atomic_load(&identity->tid) == tid && tm__state_in(atomic_load(&identity->generation_state)) != TM__ORPHAN)
            store_name(identity, truncated);
    }
}

void tm__init_name(struct tm__identity *identity, bool is_first)
{
    bool inherits = atomic_load_explicit(&first_name, memory_order_relaxed);
    if (take_given_name(identity))
        return;
    if (is_first)
        tm__learn_own_name(identity);
    else if (own_name[0])
        store_name(identity, own_name);
    else
        for (int i = 0; i < 2; i++)
            tm__store(&identity->name[i], inherits ? tm__load(&inherited.name[i]) : 0);
}

void tm__expect_names(void)
{
    tm__learn_own_name(&inherited);
    atomic_store_explicit(&first_name, own_name, memory_order_relaxed);
}

void tm__note_own_name(const char *name)
{
    char truncated[TM__NAME] = {0};
    name = *name ? name : TM__UNNAMED; /* since "" in own_name means that the thread was not given a name */
    memcpy(truncated, name, strnlen(name, TM__NAME - 1));
    memcpy(own_name, truncated, sizeof own_name);
    if (atomic_load_explicit(&first_name, memory_order_relaxed) == own_name)
        store_name(&inherited, truncated);
    else
        atomic_store_explicit(&first_name, NULL, memory_order_relaxed);
    for (uint32_t i = 0; i < tm__count_own_slots(); i++)
        store_name(&tm__own_slot(i)->identity, truncated);
}

enum tm__found tm__refresh_name(struct tm__identity *identity)
{
    struct tm__task task;
    uint64_t generation_state = atomic_load(&identity->generation_state), attached = tm__load(&identity->attached);
    pid_t tid = atomic_load(&identity->tid), parent = atomic_load(&identity->forked_from);
    bool found = false;
    if (tid == 0)
        return TM__NOBODY;
    if (tm__state_in(generation_state) == TM__OWNED)
        found = tm__read_task(0, tid, &task);
    else if (tm__state_in(generation_state) == TM__ORPHAN && parent != 0 && parent == tm__sys_getppid())
        found = tm__read_task(parent, tid, &task);
    if (!found)
        return TM__NOBODY;
    if (attached != 0 && tm__began_after(&task, attached))
        return TM__ANOTHER;
    /*
     * The thread may have exited in the meantime, and stored its last name itself. generation_state has the default
     * order, as everywhere: its second load comes after the first, and after that of tid.
     */
    if (atomic_load(&identity->generation_state) == generation_state)
        store_name(identity, task.name);
    return TM__ITSELF;
}

/*
 * The program's name when it started. A program that sets its title overwrites the string that libc's own variable
 * points to.
 */
static char program[256];

__attribute__((constructor(TM__OUTERMOST))) static void keep_program_name(void)
{
    memcpy(program, program_invocation_short_name, strnlen(program_invocation_short_name, sizeof program - 1));
}

void tm__read_program_name(char *name, size_t size)
{
    /*
     * A constructor of another library may call this before ours has run; then the title is not set yet. It may even
     * come before libc's own.
     */
    const char *known = program[0] ? program : program_invocation_short_name;
    char comm[TM__NAME] = {0};
    if (!known || !*known) {
        tm__sys_get_name(comm);
        known = comm;
    }
    memset(name, 0, size);
    memcpy(name, known, strnlen(known, size - 1));
}

void tm__copy_name(const struct tm__identity *identity, char name[TM__NAME])
{
    uint64_t words[2] = {tm__load(&identity->name[0]), tm__load(&identity->name[1])};
    memcpy(name, words[0] != 0 ? (const char *)words : "(unknown)\0\0\0\0\0\0", TM__NAME);
    name[TM__NAME - 1] = '\0';
}
