/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "state/fork.h"
#include "base/backend.h"
#include "base/kernel.h"
#include "base/options.h"
#include "state/flow.h"
#include "state/fork_copy.h"
#include "state/identity.h"
#include "state/publish_fork.h"
#include "state/slots.h"
#include "state/tags_lock.h"

#include <pthread.h>

/*
 * The thread whose fork handlers have begun last, by its number, which is the process's in a child: of a living thread of
 * the parent's, whichever forked, no child has it. Of
 * whatever order: a child has one thread.
 */
static _Atomic pid_t forks_in;

/* Of the default order: who sees it has the handlers, whoever registered them. */
static _Atomic bool have_fork_handlers;

/*
 * Handlers may be registered twice, see decide_exit_key(). And a signal handler may fork in the midst of them: its child
 * is set up like any other, then goes on where its parent was interrupted, and is the one that forks.
 */
static void before_fork(void)
{
    bool outermost = tm__thread.forking == 0;
    const struct tm__owner *home = tm__thread.home;
    if (outermost)
        atomic_store(&forks_in, home ? atomic_load(&tm__slot_of(home)->identity.tid) : tm__sys_gettid());
    tm__thread.forking++;
    atomic_signal_fence(memory_order_seq_cst);
    if (outermost)
        tm__thread.locked_tags = tm__lock_tags();
    tm__copy_before_fork();
}

static void after_fork_in_parent(void)
{
    if (--tm__thread.forking > 0)
        return;
    tm__drop_copy();
    if (tm__thread.locked_tags)
        tm__unlock_tags();
}

/* Of whatever order: there is one thread, and it has its parent's memory as the fork found it. */
static void set_up_child(pid_t here)
{
    pid_t parent = tm__become_process(here);
    if (parent == 0) /* nobody had attached */
        parent = tm__sys_getppid();
    tm__publish_in_child(parent);
    tm__tags_after_fork();
    tm__table_after_fork(parent);
    tm__flow_after_fork();
    backend_after_fork();
    tm__identities_after_fork(here);
}

static void after_fork_in_child(void)
{
    pid_t here = tm__sys_gettid(); /* of its only thread, so the process's */
    if (here != atomic_load(&forks_in))
        set_up_child(here);
    atomic_store(&forks_in, here);
    if (--tm__thread.forking == 0 && tm__thread.locked_tags)
        tm__unlock_tags();
}

bool tm__register_fork_handlers(void)
{
    if (!atomic_load(&have_fork_handlers) &&
        pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0)
        atomic_store(&have_fork_handlers, true);
    return atomic_load(&have_fork_handlers);
}

/*
 * Before there is a second thread: one that registered them while another forks would be too late for that fork, whose
 * child might find the lock held. They allocate nothing, so their order among the backend's is of no matter.
 */
__attribute__((constructor(TM__OUTERMOST))) static void register_before_threads(void)
{
    tm__register_fork_handlers();
}
