/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * identity.c, task.c: a slot is its thread's as long as that lives, and no longer, although the kernel uses tids again, a
 * fork's child has its parent's slot, and a clock or /proc may be another one's.
 */
#define _GNU_SOURCE
#include "base/task.h"
#include "obeying_threads.h"
#include "state/slot.h"
#include "support/support.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- tids that are used again ---- */

/* A thread that begins after this began later also by the kernel's word, which is in ticks. */
static void let_a_tick_pass(void)
{
    uint64_t from = tm__boot_time();
    long ticks = sysconf(_SC_CLK_TCK);
    while ((tm__boot_time() - from) / 1000000 <= (uint64_t)(2000 / ticks))
        sched_yield();
}

static pid_t dead_tid;
static void *dead_block;

static void *die_with_block(void *unused)
{
    (void)unused;
    dead_tid = gettid();
    return die_unseen(&dead_block);
}

static void expect_the_namesake_alone(struct person *namesake)
{
    struct tm_totals totals;
    struct tm_slot slot;
    void *block = dead_block;
    ck_assert(find_slot_in(TM_ORPHAN, &slot));
    ck_assert_int_eq(slot.tid, namesake->tid);
    expect_live(&slot.totals, 40, 1);
    ck_assert_uint_eq(count_slots(TM_LIVE), 0);
    ck_assert_int_eq(tm_thread_totals_of(namesake->tid, &totals), 0); /* there is no other yet */
    expect_live(&totals, 40, 1);
    namesake->size = 70;
    tell(namesake, allocate);
    ck_assert_int_eq(tm_thread_totals_of(namesake->tid, &totals), 0);
    expect_live(&totals, 70, 1);
    ck_assert_uint_eq(count_slots(TM_LIVE), 1);
    expect_process_live(110, 2);
    sums_balance();
    tm_free(block);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
    tell(namesake, release);
    expect_process_live(0, 0);
}

/* As if the tid had been used again: the tid in the dead thread's identity becomes that of a thread that has not allocated. */
START_TEST(a_dead_threads_tid_is_another_threads)
{
    struct person namesake = {.flags = 0};
    struct tm_slot slot;
    in_thread(die_with_block, NULL);
    let_a_tick_pass();
    begin(&namesake);
    struct tm_slot slots[3];
    ck_assert_uint_eq(tm_snapshot(slots, 3), 3);
    slot = slots[2];
    ck_assert_int_eq(slot.tid, dead_tid);
    tm__slot_at(slot.slot)->identity.tid = namesake.tid;
    expect_the_namesake_alone(&namesake);
    end(&namesake);
}
END_TEST

/* The same of a dead thread that has no block left: whichever is asked for first, slots and retired make the process. */
START_TEST(a_dead_threads_tid_is_another_threads_and_it_has_nothing)
{
    struct person namesake = {.flags = 0};
    struct tm_slot slots[4];
    tm_free(tm_malloc(1)); /* a thread that attaches later would look for dead ones */
    in_thread(die_with_block, NULL);
    tm_free(dead_block);
    let_a_tick_pass();
    begin(&namesake);
    ck_assert_uint_eq(tm_snapshot(slots, 4), 4);
    ck_assert_int_eq(slots[3].tid, dead_tid);
    tm__slot_at(slots[3].slot)->identity.tid = namesake.tid;
    if (_i == 1)
        ck_assert_uint_eq(count_slots(TM_LIVE), 1);
    sums_balance();
    ck_assert_uint_eq(count_slots(TM_LIVE), 1);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
    end(&namesake);
}
END_TEST

/* The other way round: a thread that began before it got its slot is not another one. */
START_TEST(a_thread_that_allocates_late_is_itself)
{
    struct person late = {.size = 10};
    struct tm_slot slot;
    begin(&late);
    let_a_tick_pass();
    tell(&late, allocate);
    let_a_tick_pass();
    sums_balance();
    ck_assert(find_slot_of(late.tid, &slot) && slot.state == TM_LIVE);
    tell(&late, release);
    end(&late);
}
END_TEST

/*
 * As if the process had been stopped, kept in a file and started anew: the slot was attached at a time before any of the
 * threads, even the first one, began.
 */
START_TEST(a_clock_that_is_another_proves_nothing)
{
    struct person alive = {.size = 10};
    struct tm_slot slot;
    begin(&alive);
    tell(&alive, allocate);
    if (_i == 1)
        tell(&alive, release);
    ck_assert(find_slot_of(alive.tid, &slot));
    tm__slot_at(slot.slot)->identity.attached = 1;
    sums_balance();
    in_thread(come_and_go, NULL);
    ck_assert(find_slot_of(alive.tid, &slot) && slot.state == TM_LIVE);
    if (_i == 0)
        tell(&alive, release);
    end(&alive);
}
END_TEST

static void expect_to_live_on(void)
{
    struct tm_slot slot;
    let_a_tick_pass();
    in_thread(come_and_go, NULL);
    ck_assert(find_slot_of(gettid(), &slot) && slot.state == TM_LIVE);
    expect_process_live(20, 1);
    sums_balance();
}

static void *list_in_thread(void *unused)
{
    sums_balance();
    ck_assert_uint_eq(count_slots(TM_LIVE), 1);
    return unused;
}

static void expect_to_live_on_for_others(void)
{
    expect_to_live_on();
    in_thread(list_in_thread, NULL);
    in_child(expect_to_live_on); /* the child's child */
}

/* The child's thread began with the fork, after its parent had got the slot. */
START_TEST(a_forks_child_is_no_other)
{
    void *block = tm_malloc(20);
    let_a_tick_pass();
    in_child(expect_to_live_on_for_others);
    tm_free(block);
}
END_TEST

static bool write_last_pid(pid_t last)
{
    char digits[16];
    int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC), length;
    length = snprintf(digits, sizeof digits, "%d", (int)last);
    bool done = fd >= 0 && write(fd, digits, (size_t)length) == length;
    close(fd);
    return done;
}

static void use_a_tid_again(void)
{
    struct person namesake = {.flags = 0};
    in_thread(die_with_block, NULL);
    let_a_tick_pass();
    bool again = write_last_pid(dead_tid - 1);
    begin(&namesake);
    if (again) {
        ck_assert_int_eq(namesake.tid, dead_tid); /* nobody else is in this namespace */
        expect_the_namesake_alone(&namesake);
    } else {
        leave_out("a tid that is used again");
    }
    end(&namesake);
    tm_free(again ? NULL : dead_block);
}

static void use_a_tid_again_by_own_numbers(void)
{
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount("proc", "/proc", "proc", 0, NULL) == 0)
        use_a_tid_again();
    else
        leave_out("a tid that is used again: no /proc for it");
}

START_TEST(a_tid_is_used_again)
{
    if (begin_namespace(CLONE_NEWNS))
        in_child(use_a_tid_again_by_own_numbers);
    else
        leave_out("a pid namespace");
}
END_TEST

static void find_outer_tid(struct person *self)
{
    char link[64] = "";
    ck_assert_int_gt(readlink("/proc/thread-self", link, sizeof link - 1), 0);
    self->result = atoi(strrchr(link, '/') + 1);
}

/*
 * Where /proc has other numbers, what it says is of another thread, and proves nothing. As if the first had the number that
 * the second has there.
 */
static void live_by_other_numbers(void)
{
    struct person first = {.size = 1000}, second = {.size = 0};
    struct tm_slot slot;
    begin(&first);
    tell(&first, allocate);
    tell(&first, release);
    let_a_tick_pass();
    begin(&second);
    tell(&second, find_outer_tid);
    ck_assert(find_slot_of(first.tid, &slot));
    _Atomic pid_t *tid = &tm__slot_at(slot.slot)->identity.tid;
    *tid = second.result;
    ck_assert(!tm__is_numbered_here(second.result));
    ck_assert_uint_eq(count_slots(TM_LIVE), 1);
    *tid = first.tid;
    expect_a_slot_each(&first, &second, 1000);
    end(&first);
    end(&second);
}

START_TEST(a_proc_of_other_numbers_proves_nothing)
{
    ck_assert(tm__is_numbered_here(gettid()));
    if (begin_namespace(0))
        in_child(live_by_other_numbers);
    else
        leave_out("a pid namespace");
}
END_TEST

/* ---- what a dead thread kept ---- */

/* In two tags, and then in a third one, so that the slot of one of the first two is left as a spare. */
static void *die_with_a_spare(void *block)
{
    tm_tag tags[3] = {tm_tag_open("first"), tm_tag_open("second"), 0};
    for (int i = 0; i < 2; i++) {
        tm_tag_enter(tags[i]);
        tm_free(tm_malloc(10));
    }
    tm_tag_enter(0);
    for (int i = 0; i < 2; i++)
        tm_tag_close(tags[i]);
    tm_tag_enter(tags[2] = tm_tag_open("third"));
    void *left = tm_malloc(40);
    tm_tag_close(tags[2]);
    if (block)
        *(void **)block = left;
    else
        tm_free(left);
    syscall(SYS_exit, 0);
    return NULL;
}

/* A thread has three slots. Thirty have no more, one after the other, if each gives back all of them. */
START_TEST(the_slots_of_the_dead_are_used_again)
{
    tm_free(tm_malloc(1));
    const uint32_t before = tm__region_now()->head.slots_used;
    for (int i = 0; i < 30; i++) {
        void *block;
        in_thread(die_with_a_spare, _i == 0 ? NULL : &block);
        ck_assert_uint_eq(count_slots(TM_LIVE), 1);
        ck_assert_uint_eq(count_slots(TM_ORPHAN), _i);
        if (_i == 1)
            tm_free(block);
        ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
        sums_balance();
        ck_assert_uint_eq(tm__region_now()->head.slots_used, before + 3);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("owner_tids");
    TCase *tcase = add_case(suite, "owner_tids", 120);
    tcase_add_test(tcase, a_thread_that_allocates_late_is_itself);
    tcase_add_loop_test(tcase, a_clock_that_is_another_proves_nothing, 0, 2);
    if (!SANITIZED && !is_left_out("a dead thread's tid", LETS_GO_LATE)) {
        tcase_add_test(tcase, a_dead_threads_tid_is_another_threads);
        tcase_add_loop_test(tcase, a_dead_threads_tid_is_another_threads_and_it_has_nothing, 0, 2);
        tcase_add_test(tcase, a_tid_is_used_again);
        tcase_add_test(tcase, a_forks_child_is_no_other);
        tcase_add_test(tcase, a_proc_of_other_numbers_proves_nothing);
        tcase_add_loop_test(tcase, the_slots_of_the_dead_are_used_again, 0, 2);
    }
    return run_suite(suite);
}
