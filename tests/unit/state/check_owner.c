/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threads.c, task.c: a slot is its thread's as long as that lives, whatever numbers there are. A child of vfork uses its
 * thread's slot by numbers of its own, in a pid namespace of its own perhaps; and the kernel uses tids again.
 */
#define _GNU_SOURCE
#include "state/slot.h"
#include "support/support.h"
#include "base/task.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = SANITIZED ? 100 : 2000 };

/* ---- threads that do what they are told, one thing after another ---- */

struct person {
    pthread_t thread;
    sem_t told, done;
    void (*task)(struct person *self); /* NULL: end */
    pid_t tid;
    size_t size;
    void *block;
    int flags, result;
};

static void *live(void *arg)
{
    struct person *self = arg;
    self->tid = gettid();
    sem_post(&self->done);
    for (;;) {
        sem_wait(&self->told);
        if (!self->task)
            return NULL;
        self->task(self);
        sem_post(&self->done);
    }
}

static void begin(struct person *person)
{
    sem_init(&person->told, 0, 0);
    sem_init(&person->done, 0, 0);
    ck_assert_int_eq(pthread_create(&person->thread, NULL, live, person), 0);
    sem_wait(&person->done);
}

static void tell(struct person *person, void (*task)(struct person *self))
{
    person->task = task;
    sem_post(&person->told);
    sem_wait(&person->done);
}

static void end(struct person *person)
{
    person->task = NULL;
    sem_post(&person->told);
    pthread_join(person->thread, NULL);
}

static void allocate(struct person *self)
{
    self->block = tm_malloc(self->size);
}

static void release(struct person *self)
{
    tm_free(self->block);
}

/* ---- in its place ---- */

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

/* Runs it by the caller's thread pointer, in the caller's memory, while that waits. False if the kernel does not let us. */
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

static void leave_out(const char *why)
{
    printf("# left out: %s\n", why);
    fflush(stdout);
}

static void *come_and_go(void *unused)
{
    tm_free(tm_malloc(64));
    return unused;
}

static void expect_totals_of(pid_t tid, uint64_t bytes, uint64_t allocated, uint64_t blocks)
{
    struct tm_totals totals;
    ck_assert_int_eq(tm_thread_totals_of(tid, &totals), 0);
    expect_live(&totals, bytes, 1);
    ck_assert_uint_eq(totals.allocated_bytes, allocated);
    ck_assert_uint_eq(totals.allocated_blocks, blocks);
}

/* The first's slot is empty, and would be the next one's if the first were taken for dead. */
static void expect_a_slot_each(struct person *first, struct person *second, uint64_t allocated_before)
{
    second->size = 300;
    first->size = 500;
    tell(second, allocate);
    tell(first, allocate);
    struct tm_slot firsts, seconds;
    ck_assert(find_slot_of(first->tid, &firsts) && firsts.state == TM_LIVE);
    ck_assert(find_slot_of(second->tid, &seconds) && seconds.state == TM_LIVE);
    ck_assert_uint_ne(firsts.slot, seconds.slot);
    expect_totals_of(first->tid, 500, allocated_before + 500, 2);
    expect_totals_of(second->tid, 300, 300, 1);
    expect_process_live(800, 2);
    sums_balance();
    tell(first, release);
    tell(second, release);
    expect_process_live(0, 0);
}

static void *die_unseen(void *block)
{
    *(void **)block = tm_malloc(40);
    syscall(SYS_exit, 0);
    return NULL;
}

/* That nobody is taken for dead wrongly is not all: who is, is found. */
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
                sums_balance(); /* lists all */
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

/* Whether the next child will be the first of a pid namespace. */
static bool begin_namespace(int more)
{
    return unshare(CLONE_NEWPID | more) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWPID | more) == 0;
}

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

/* ---- tids that are used again ---- */

/* So that who begins now began later, as the kernel tells it, in ticks. */
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

/* As if: the dead one's number on record is made the other's, who has not allocated. */
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

/* The same, with nothing left: whichever is asked for first, what is retired and the slots are the process. */
START_TEST(a_dead_threads_tid_is_another_threads_and_it_has_nothing)
{
    struct person namesake = {.flags = 0};
    struct tm_slot slots[4];
    tm_free(tm_malloc(1)); /* who attaches later would look for the dead */
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

/* The other way round: who has been there longer than the slot has been its own is no other. */
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
 * As if the process had been stopped, kept in a file and started anew: on record is a moment before all of its threads, the
 * first one, too, began.
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
    in_child(expect_to_live_on); /* and so on */
}

/* Its thread began with the fork, later than the slot was its parent's. */
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
 * Where /proc has other numbers, what it says is of another thread, and no proof. As if the first had the number that
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
    Suite *suite = suite_create("owner");
    TCase *tcase = add_case(suite, "owner", 120);
    if (!SANITIZED && !is_left_out("children of vfork", VFORK_IS_FORK)) {
        tcase_add_loop_test(tcase, a_thread_whose_first_block_is_its_vfork_childs, 0, WAYS);
        tcase_add_test(tcase, a_first_thread_whose_first_block_is_its_vfork_childs);
        tcase_add_test(tcase, a_process_whose_first_block_is_its_vfork_childs);
        tcase_add_test(tcase, other_programs_take_no_slot);
        tcase_add_test(tcase, another_namespaces_process_of_the_same_number);
    }
    tcase_add_test(tcase, a_thread_that_allocates_late_is_itself);
    tcase_add_loop_test(tcase, a_clock_that_is_another_proves_nothing, 0, 2);
    if (!SANITIZED && !is_left_out("a dead thread's tid", LETS_GO_LATE)) {
        tcase_add_test(tcase, a_dead_threads_tid_is_another_threads);
        tcase_add_loop_test(tcase, a_dead_threads_tid_is_another_threads_and_it_has_nothing, 0, 2);
        tcase_add_test(tcase, a_tid_is_used_again);
        tcase_add_test(tcase, a_forks_child_is_no_other);
        tcase_add_test(tcase, a_proc_of_other_numbers_proves_nothing);
    }
    return run_suite(suite);
}
