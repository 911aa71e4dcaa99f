/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * identity.c: a slot is its thread's as long as that lives. A child of vfork uses its thread's slot, by numbers of its own,
 * perhaps in a pid namespace of its own.
 */
#define _GNU_SOURCE
#include "obeying_threads.h"
#include "support/support.h"

#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = SANITIZED ? 100 : 2000 };

/* ---- a child in its parent's place ---- */

static int allocate_and_free(void *unused)
{
    (void)unused;
    tm_free(tm_malloc(1000));
    return 0;
}

static int list(void *unused)
{
    (void)unused;
    count_slots(TM_LIVE);
    struct tm_totals retired;
    tm_retired_totals(&retired);
    return 0;
}

/*
 * Runs the body in a child that has the caller's memory and thread pointer, while the caller waits. False if the kernel
 * does not permit it.
 */
static bool in_its_place(int (*body)(void *), int flags)
{
    static char stack[1 << 17] __attribute__((aligned(16)));
    int status;
    pid_t child = clone(body, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD | flags, NULL);
    if (child < 0 && errno == EPERM)
        return false;
    return waitpid(child, &status, 0) == child && status == 0;
}

static void let_another_allocate(struct person *self)
{
    self->result = in_its_place(allocate_and_free, self->flags);
}

static void let_another_list(struct person *self)
{
    self->result = in_its_place(list, self->flags);
}

/* No living thread is taken for dead; but a thread that is dead must be found. */
static void expect_the_dead_to_be_found(void)
{
    void *block;
    struct tm_slot slot;
    in_thread(die_unseen, &block);
    ck_assert(find_slot_in(TM_ORPHAN, &slot));
    expect_live(&slot.totals, 40, 1);
    tm_free(block);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
}

enum { OTHERS_BEFORE = 1, APART = 2, WAYS = 4 };

START_TEST(a_thread_whose_first_block_is_its_vfork_childs)
{
    struct person first = {.flags = _i & APART ? CLONE_NEWPID : 0}, second = {.result = 0};
    if (_i & OTHERS_BEFORE)
        tm_free(tm_malloc(1));
    begin(&first);
    tell(&first, let_another_allocate);
    if (first.result) {
        begin(&second);
        for (int i = 0; i < THREADS; i++) {
            in_thread(come_and_go, NULL);
            if (i % 100 == 0)
                sums_balance(); /* which lists all slots */
        }
        expect_a_slot_each(&first, &second, 1000);
        if (!is_left_out("the dead", LETS_GO_LATE) && !SANITIZED)
            expect_the_dead_to_be_found();
        end(&second);
    } else {
        leave_out("a pid namespace of a child's own");
    }
    end(&first);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
}
END_TEST

START_TEST(a_first_thread_whose_first_block_is_its_vfork_childs)
{
    ck_assert(in_its_place(allocate_and_free, 0));
    struct tm_totals mine;
    ck_assert_int_eq(tm_thread_totals_of(gettid(), &mine), 0);
    ck_assert_uint_eq(mine.allocated_bytes, 1000);
    in_thread(come_and_go, NULL);
    sums_balance();
    ck_assert_uint_eq(count_slots(TM_LIVE), 1);
}
END_TEST

extern char **environ;

START_TEST(other_programs_take_no_slot)
{
    struct person first = {.flags = 0}, second = {.flags = 0};
    char *const argv[] = {(char *)"true", NULL};
    begin(&first);
    begin(&second);
    for (int i = 0; i < 20; i++) {
        pid_t child;
        ck_assert_int_eq(posix_spawn(&child, "/bin/true", NULL, NULL, argv, environ), 0);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        child = vfork();
        if (child == 0) {
            execl("/bin/true", "true", (char *)NULL);
            _exit(1);
        }
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        in_thread(come_and_go, NULL);
        sums_balance();
    }
    tell(&first, let_another_allocate);
    expect_a_slot_each(&first, &second, 1000);
    end(&first);
    end(&second);
}
END_TEST

/* ---- a process that is the first of its namespace, as its child is of another ---- */

static void list_by_the_others_numbers(void)
{
    struct person first = {.flags = 0}, second = {.flags = CLONE_NEWPID};
    ck_assert_int_eq(getpid(), 1);
    begin(&first);
    begin(&second);
    first.size = 1000;
    tell(&first, allocate);
    tell(&first, release);
    tm_free(tm_malloc(1));
    tell(&second, let_another_list); /* where there is a process 1, and no other */
    if (second.result) {
        in_thread(come_and_go, NULL);
        expect_a_slot_each(&first, &second, 1000);
    } else {
        leave_out("a pid namespace within another");
    }
    end(&first);
    end(&second);
}

START_TEST(another_namespaces_process_of_the_same_number)
{
    if (begin_namespace(0))
        in_child(list_by_the_others_numbers);
    else
        leave_out("a pid namespace");
}
END_TEST

/* ---- a process of which nothing is known yet ---- */

static int allocate_in_vfork_first(void)
{
    void *block;
    pthread_t thread;
    if (!in_its_place(allocate_and_free, 0) || pthread_create(&thread, NULL, die_unseen, &block) != 0 ||
        pthread_join(thread, NULL) != 0)
        return 1;
    struct tm_slot slot;
    while (count_slots(TM_ORPHAN) == 0) /* the kernel is about to say so */
        sched_yield();
    return !find_slot_in(TM_ORPHAN, &slot) || tm_live_bytes(&slot.totals) != 40 || count_slots(TM_LIVE) != 1;
}

/* Nothing has told the library yet which process it is in. */
START_TEST(a_process_whose_first_block_is_its_vfork_childs)
{
    char output[256];
    const char *const program[] = {"/proc/self/exe", "first", NULL};
    ck_assert_int_eq(run_program(program, output, sizeof output), 0);
}
END_TEST
int main(int count, char **arguments)
{
    (void)arguments;
    if (count > 1)
        return allocate_in_vfork_first();
    Suite *suite = suite_create("owner_vfork");
    TCase *tcase = add_case(suite, "owner_vfork", 120);
    if (!SANITIZED && !is_left_out("children of vfork", VFORK_IS_FORK)) {
        tcase_add_loop_test(tcase, a_thread_whose_first_block_is_its_vfork_childs, 0, WAYS);
        tcase_add_test(tcase, a_first_thread_whose_first_block_is_its_vfork_childs);
        tcase_add_test(tcase, a_process_whose_first_block_is_its_vfork_childs);
        tcase_add_test(tcase, other_programs_take_no_slot);
        tcase_add_test(tcase, another_namespaces_process_of_the_same_number);
    }
    return run_suite(suite);
}
