/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A signal handler that forks in the midst of a fork: its child goes on as the thread that forks, with its own region.
 * By construction: the linker puts functions in front of those that a fork's handlers call, and these raise the signal.
 */
#define _GNU_SOURCE
#include "support/published.h"
#include "state/slot.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum place {
    BEFORE_THE_COPY = 1, /* the tags' lock is held */
    IN_ANOTHERS_HANDLER, /* which runs after ours */
    IN_THE_COPY,         /* if there is one */
    PLACES
};

static enum place place;

static void pass(enum place here)
{
    if (place != here)
        return;
    place = 0;
    raise(SIGUSR1);
}

void __real_tm__copy_before_fork(void);
void __wrap_tm__copy_before_fork(void);
void __wrap_tm__copy_before_fork(void)
{
    pass(BEFORE_THE_COPY);
    __real_tm__copy_before_fork();
}

uint32_t __real_tm__slots_used(void);
uint32_t __wrap_tm__slots_used(void);
uint32_t __wrap_tm__slots_used(void)
{
    pass(IN_THE_COPY);
    return __real_tm__slots_used();
}

static void prepare(void)
{
    pass(IN_ANOTHERS_HANDLER);
}

static void register_first(void)
{
    pthread_atfork(prepare, NULL, NULL);
}
/* Before our constructor, and after that of the backend, which cannot be called between its own fork handlers. */
__attribute__((section(".init_array.00050"), used)) static void (*const first)(void) = register_first;

enum { OWN = 1000, LEFT = 500, MORE = 5000 };

static pid_t by_handler;

static void fork_here(int signal)
{
    (void)signal;
    by_handler = fork();
}

static void *leave(void *block)
{
    *(void **)block = tm_malloc(LEFT);
    return NULL;
}

static void *come_and_go(void *unused)
{
    tm_free(tm_malloc(1));
    return unused;
}

static void expect_success(pid_t child)
{
    int status = end_of(child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
}

/* Its thread has a number of its own, and no thread here has a number of the parent's. */
static void expect_to_be_set_up(uint64_t live, bool published)
{
    struct tm_slot slot;
    expect_process_live(live, live / OWN + 1);
    ck_assert(find_slot_of(gettid(), &slot) && slot.state == TM_LIVE);
    in_thread(come_and_go, NULL);
    ck_assert_uint_eq(count_slots(TM_LIVE), 1);
    expect_invariant();
    if (published)
        ck_assert_uint_eq(live_in(map_file_of(getpid())), live);
}

static void go_on_in_handlers_child(bool published)
{
    expect_to_be_set_up(OWN + LEFT, published);
    for (int i = 0; i < MORE / OWN; i++)
        ck_assert_ptr_nonnull(tm_malloc(OWN));
    expect_to_be_set_up(OWN + LEFT + MORE, published);
    pid_t child = fork(); /* it has children as any other */
    if (child == 0) {
        expect_to_be_set_up(OWN + LEFT + MORE, published);
        _exit(0);
    }
    expect_success(child);
    _exit(0);
}

static void fork_in_fork(enum place where, bool published)
{
    pid_t top = getpid();
    void *left;
    signal(SIGUSR1, fork_here);
    ck_assert_ptr_nonnull(tm_malloc(OWN));
    in_thread(leave, &left);
    place = where;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        expect_to_be_set_up(OWN + LEFT, published);
        _exit(0);
    }
    expect_success(child);
    if (getpid() != top)
        go_on_in_handlers_child(published);
    ck_assert_int_gt(by_handler, 0); /* it was there */
    expect_success(by_handler);
    expect_to_be_set_up(OWN + LEFT, published);
}

START_TEST(of_a_process_that_publishes)
{
    fork_in_fork((enum place)_i, true);
}
END_TEST

START_TEST(of_one_that_does_not)
{
    unsetenv("THREADMETER_PUBLISH");
    fork_in_fork((enum place)_i, false);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fork_in_fork");
    TCase *publishes = add_case(suite, "publishes", 60), *does_not = add_case(suite, "does not", 60);
    tcase_add_checked_fixture(publishes, make_directory, remove_directory);
    if (!SANITIZED) { /* which will have no malloc in a handler's child */
        tcase_add_loop_test(publishes, of_a_process_that_publishes, BEFORE_THE_COPY, PLACES);
        tcase_add_loop_test(does_not, of_one_that_does_not, BEFORE_THE_COPY, IN_THE_COPY);
    }
    return run_suite(suite);
}
