/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Locks at a fork: handlers of other libraries that run while ours have the lock, a thread that forks in the midst of
 * counting who freed whose blocks, and locks of threads that the child does not have. A deadlock ends by the time limit.
 */
#define _GNU_SOURCE
#include "base/lock.h"
#include "limited_tag.h"
#include "state/flow.h"
#include "support/support.h"

#include <pthread.h>
#include <unistd.h>

/* ---- fork handlers of other libraries, registered before ours: they run while ours have the lock ---- */

static unsigned in_handlers; /* how many handlers did what they should */
static bool handlers_work;
static void *blocks[3];

/* Frees the last block of a dead thread's slot, and allocates what the limit has room for, but no more. */
static void work(unsigned which)
{
    if (!handlers_work)
        return;
    void *refused = tm_malloc(LIMIT - MINE + 1), *block = tm_malloc(LIMIT - MINE);
    tm_tag tag = tm_tag_open("handlers'");
    in_handlers += !refused && block && tag > 0 && tm_tag_enter(tag) == bounded && tm_tag_enter(bounded) == tag &&
                   tm_tag_close(tag) == 0;
    tm_free(block);
    tm_free(blocks[which]);
}

static void before(void)
{
    work(0);
}

static void in_parent(void)
{
    work(1);
}

static void in_forked(void)
{
    work(2);
}

static void register_first(void)
{
    pthread_atfork(before, in_parent, in_forked);
}
/* Before our constructor, and after that of the backend, which cannot be called between its own fork handlers. */
__attribute__((section(".init_array.00050"), used)) static void (*const first)(void) = register_first;

START_TEST(fork_handlers_that_were_there_before)
{
    set_up();
    for (int i = 0; i < 3; i++)
        in_thread(leave_block, &blocks[i]);
    handlers_work = true;
    fork_and_wait();
    handlers_work = false;
    ck_assert_uint_eq(in_handlers, 2);
    tm_free(blocks[child == 0 ? 1 : 2]); /* that handler did not run here */
    expect_all_well_in_both();
}
END_TEST

/* ---- counting who freed whose blocks ---- */

static struct tm_totals counted;

static int count_pair(const struct tm_flow *flow, void *unused)
{
    (void)unused;
    counted.freed_bytes += flow->bytes;
    counted.freed_blocks += flow->blocks;
    return 0;
}

static void lock_all(bool locks)
{
    struct tm__flows *flows = tm__flows_now();
    for (size_t i = 0; i < TM__FLOW_SETS; i++) {
        (locks ? tm__lock : tm__unlock)(&flows->pairs[i].lock);
        (locks ? tm__lock : tm__unlock)(&flows->parties[i].lock);
    }
}

static void *lock_one(void *unused)
{
    tm__lock(&tm__flows_now()->pairs[0].lock);
    return unused;
}

/* A handler's free may be counted in any set; whichever it is, the thread that it interrupts has that set's lock. */
START_TEST(a_handler_frees_while_pairs_are_counted)
{
    setenv("THREADMETER_FLOW", "1", 1);
    set_up();
    for (int i = 0; i < 2; i++)
        in_thread(leave_block, &blocks[i]);
    tm_free(blocks[0]);
    lock_all(true);
    tm_free(blocks[1]);
    fork_and_wait();
    ck_assert(
        tm__has_lock(&tm__flows_now()->pairs[0].lock)); /* in the child, too: there goes on what was interrupted */
    lock_all(false);
    tm_free(last_block);
    last_block = NULL;
    tm_each_flow(count_pair, NULL);
    ck_assert_uint_eq(counted.freed_bytes, 150);
    ck_assert_uint_eq(counted.freed_blocks, 3);
    expect_all_well_in_both();
}
END_TEST

static void expect_it_open(void)
{
    struct tm__lock *lock = &tm__flows_now()->pairs[0].lock;
    ck_assert(tm__take_lock(lock));
    tm__unlock(lock);
}

START_TEST(in_a_forks_child_the_locks_of_others_are_open)
{
    setenv("THREADMETER_FLOW", "1", 1);
    set_up();
    in_thread(lock_one, NULL);
    in_child(expect_it_open);
    tm__unlock(&tm__flows_now()->pairs[0].lock);
    expect_all_well();
    tm_free(mine);
    tm_free(last_block);
}
END_TEST
int main(void)
{
    Suite *suite = suite_create("fork_locks");
    TCase *tcase = add_case(suite, "fork_locks", 120);
    tcase_add_test(tcase, in_a_forks_child_the_locks_of_others_are_open);
    if (!SANITIZED) { /* which will have no threads in a fork's child */
        tcase_add_test(tcase, a_handler_frees_while_pairs_are_counted);
        tcase_add_test(tcase, fork_handlers_that_were_there_before);
    }
    return run_suite(suite);
}
