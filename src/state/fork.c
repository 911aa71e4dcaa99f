/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "state/fork.h"
#include "base/backend.h"
#include "base/kernel.h"
#include "base/options.h"
#include "cache/cache.h"
#include "state/flow.h"
#include "state/fork_copy.h"
#include "state/identity.h"
#include "state/publish_fork.h"
#include "state/slots.h"
#include "state/tags_lock.h"
#include "state/thread.h"

#include <pthread.h>

/*
 * The tid of the thread whose fork handlers began last. It is a thread of the parent that lives, so no child has the
 * same tid, and a child that finds its own tid here has been set up already. Memory order does not matter here: a child
 * has one thread.
 */
static _Atomic pid_t forking_tid;

/* The default order: a thread that sees this set knows that the handlers are registered, whichever thread did it. */
static _Atomic bool have_fork_handlers;

/*
 * The handlers may be registered twice, see decide_exit_key(). And a signal handler may fork while they run: its child
 * is set up like any other, and then goes on where its parent was interrupted, as the process that forks.
 */
static void before_fork(void)
{
    bool outermost = tm__thread.forking == 0;
    const struct tm__owner *home = tm__thread.home;
    if (outermost)
        atomic_store(&forking_tid, home ? atomic_load(&tm__slot_of(home)->identity.tid) : tm__sys_gettid());
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

/* Memory order does not matter here: there is one thread, and it has its parent's memory as it was at the fork. */
static void set_up_child(pid_t pid)
{
    pid_t parent = tm__become_process(pid);
    if (parent == 0) /* no thread had attached */
        parent = tm__sys_getppid();
    tm__publish_in_child(parent);
    tm__tags_after_fork();
    tm__table_after_fork(parent);
    tm__flow_after_fork();
    tm__caches_after_fork(tm__thread.cache);
    backend_after_fork();
    tm__identities_after_fork(pid);
}

static void after_fork_in_child(void)
{
    pid_t pid = tm__sys_gettid(); /* of its only thread, so it is also the pid */
    if (pid != atomic_load(&forking_tid))
        set_up_child(pid);
    atomic_store(&forking_tid, pid);
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
 * Before there is a second thread. If a thread registered them while another one forks, they would come too late for
 * that fork, whose child might find the lock held. They allocate nothing, so it does not matter whether they run before
 * or after the backend's.
 */
__attribute__((constructor(TM__OUTERMOST))) static void register_before_threads(void)
{
    tm__register_fork_handlers();
}
