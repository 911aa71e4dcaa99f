/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A signal handler that interrupts a thread in the midst of changing the tags, or as the thread comes or goes, and there
 * asks, forks, allocates, frees. By construction: the linker puts functions in front of those that are called there, and
 * these raise the signal. A deadlock ends by the time limit.
 */
#define _GNU_SOURCE
#include "limited_tag.h"
#include "state/slot.h"
#include "support/support.h"
#include "state/tag_table.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <threadmeter/limits.h>
#include <unistd.h>

/* ---- where it is interrupted ---- */

enum place {
    OPENING = 1,   /* a tag */
    LOSING = 2,    /* a slot of a tag, whose last block is gone */
    ADMITTING = 3, /* an allocation in a tag with a limit */
    COMING = 4,    /* a thread, which has taken a slot */
    ENTERING = 5,  /* the same, for a tag */
    LEAVING = 6    /* a thread, which has given up all but its slot */
};

static _Atomic enum place place; /* 0: nowhere */
static void (*handler)(void);

static void handle(int signal)
{
    (void)signal;
    handler();
}

/* What the handler does, wherever it is called. */
static void handle_by(void (*action)(void))
{
    handler = action;
    signal(SIGUSR1, handle);
}

static void pass(enum place here)
{
    if (here != place)
        return;
    place = 0;
    raise(SIGUSR1);
}

uint64_t __real_tm__limit_from_environment(const char *name);
uint64_t __wrap_tm__limit_from_environment(const char *name);
uint64_t __wrap_tm__limit_from_environment(const char *name)
{
    pass(OPENING);
    return __real_tm__limit_from_environment(name);
}

bool __real_tm__soft_limit_crossed(struct tm__soft *soft, uint64_t before, uint64_t live);
bool __wrap_tm__soft_limit_crossed(struct tm__soft *soft, uint64_t before, uint64_t live);
bool __wrap_tm__soft_limit_crossed(struct tm__soft *soft, uint64_t before, uint64_t live)
{
    pass(ADMITTING);
    return __real_tm__soft_limit_crossed(soft, before, live);
}

typedef void settler(struct tm__slot *slot, struct tm_totals *gone);
static _Thread_local settler *settle;

static void pass_and_settle(struct tm__slot *slot, struct tm_totals *gone)
{
    pass(LOSING);
    settle(slot, gone);
}

bool __real_tm__tag_remove_slot(tm_tag number, struct tm__slot *slot, uint64_t life, settler *its);
bool __wrap_tm__tag_remove_slot(tm_tag number, struct tm__slot *slot, uint64_t life, settler *its);
bool __wrap_tm__tag_remove_slot(tm_tag number, struct tm__slot *slot, uint64_t life, settler *its)
{
    settle = its;
    return __real_tm__tag_remove_slot(number, slot, life, pass_and_settle);
}

static _Atomic unsigned waits;

void __real_tm__sys_nanosleep(long nanoseconds);
void __wrap_tm__sys_nanosleep(long nanoseconds);
void __wrap_tm__sys_nanosleep(long nanoseconds)
{
    waits++;
    __real_tm__sys_nanosleep(nanoseconds);
}

static void *die_in_tag(void *block)
{
    tm_tag_enter(of_the_dead);
    *(void **)block = tm_malloc(50);
    tm_free(tm_malloc(60));
    syscall(SYS_exit, 0);
    return NULL;
}

/* Leaves a dead thread's slot that nobody has found yet, and that has no block: whoever lists the slots will free it. */
static void leave_an_empty_slot(void)
{
    void *block;
    in_thread(die_in_tag, &block);
    tm_free(block);
}

/* Does what the signal is to interrupt. */
static void do_it(enum place where)
{
    void *block;
    place = where;
    switch (where) {
    case OPENING:
        ck_assert_int_gt(tm_tag_open("another"), 0);
        break;
    case LOSING:
        tm_free(last_block);
        last_block = NULL;
        break;
    case ADMITTING:
        ck_assert_int_eq(tm_tag_limit(bounded, LIMIT), 0); /* calls leases back, so that the next block is looked at */
        block = tm_malloc(200);
        tm_free(block);
        break;
    default:
        break;
    }
    ck_assert_int_eq(place, 0); /* it was interrupted */
}

/* ---- asking ---- */

static bool sums_hold, tag_answers;

static int add_slot(const struct tm_slot *slot, void *sum)
{
    ((struct tm_totals *)sum)->allocated_bytes += slot->totals.allocated_bytes;
    ((struct tm_totals *)sum)->freed_blocks += slot->totals.freed_blocks;
    return 0;
}

static void ask(void)
{
    static struct tm_slot slots[100];
    struct tm_totals retired, process, listed = {0}, totals;
    tm_retired_totals(&retired);
    size_t count = tm_snapshot(slots, 100);
    struct tm_totals seen = {0};
    for (size_t i = 0; i < count; i++)
        add_slot(&slots[i], &seen);
    tm_each_slot(add_slot, &listed);
    tm_process_totals(&process);
    sums_hold = retired.allocated_bytes + seen.allocated_bytes == process.allocated_bytes &&
                retired.freed_blocks + seen.freed_blocks == process.freed_blocks &&
                retired.allocated_bytes + listed.allocated_bytes == process.allocated_bytes &&
                retired.freed_blocks + listed.freed_blocks == process.freed_blocks;
    waits = 0;
    tag_answers = tm_tag_totals(of_the_dead, &totals) == 0 && waits == 0;
}

START_TEST(a_handler_asks)
{
    set_up();
    leave_an_empty_slot();
    handle_by(ask);
    do_it((enum place)_i);
    ck_assert(sums_hold);
    ck_assert(tag_answers);
    expect_all_well();
}
END_TEST

/* ---- changing ---- */

static int answers[5];
static void *too_much, *some;

static void change(void)
{
    answers[0] = tm_tag_open("not now");
    answers[1] = tm_tag_close(bounded);
    answers[2] = tm_tag_limit(bounded, 1);
    answers[3] = tm_tag_soft_limit(bounded, 1, NULL, NULL);
    answers[4] = tm_tag_enter(tm_tag_open("nor now"));
    if (tm_tag_current() != bounded)
        abort();
    too_much = tm_malloc(LIMIT - MINE + 1);
    some = tm_malloc(LIMIT - MINE);
}

/* The tags cannot be changed there; what is allocated is admitted to the byte. */
START_TEST(a_handler_changes_tags_and_allocates)
{
    set_up();
    handle_by(change);
    do_it((enum place)_i);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(answers[i], -EDEADLK);
    ck_assert_int_eq(answers[4], -EINVAL);
    ck_assert_ptr_null(too_much);
    ck_assert_ptr_nonnull(some);
    expect_tag(bounded, LIMIT, 2);
    tm_free(some);
    expect_all_well();
}
END_TEST

/* ---- forking ---- */

START_TEST(a_handler_forks)
{
    set_up();
    handle_by(fork_and_wait);
    do_it((enum place)_i);
    expect_all_well_in_both();
}
END_TEST

static char publish_directory[64];

START_TEST(a_handler_forks_where_the_books_are_published)
{
    strcpy(publish_directory, "/dev/shm/check_interrupted.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(publish_directory));
    setenv("THREADMETER_PUBLISH", publish_directory, 1);
    set_up();
    handle_by(fork_and_wait);
    do_it((enum place)_i);
    expect_all_well_in_both();
    char path[200], command[300];
    snprintf(path, sizeof path, "%s", publish_directory);
    snprintf(command, sizeof command, "rm -r %s", path);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

/* ---- forking while a thread comes, or goes ---- */

pid_t __real_tm__sys_gettid(void);
pid_t __wrap_tm__sys_gettid(void);
pid_t __wrap_tm__sys_gettid(void)
{
    pid_t tid = __real_tm__sys_gettid();
    if (!tm__thread.home)
        pass(COMING); /* with the parent's number already read */
    return tid;
}

uint32_t __real_tm__take_slot(void);
uint32_t __wrap_tm__take_slot(void);
uint32_t __wrap_tm__take_slot(void)
{
    uint32_t slot = __real_tm__take_slot();
    if (tm__thread.home)
        pass(ENTERING);
    return slot;
}

void __real_tm__choose_writer(void);
void __wrap_tm__choose_writer(void);
void __wrap_tm__choose_writer(void)
{
    if (tm__thread.exit_rounds > 0 && tm__thread.id == 0)
        pass(LEAVING);
    __real_tm__choose_writer();
}

static void expect_its_own(uint64_t bytes)
{
    struct tm_totals totals;
    ck_assert_int_eq(tm_thread_totals_of(gettid(), &totals), 0);
    expect_live(&totals, bytes, 1);
    expect_a_slot_each();
    ck_assert_int_eq(tm_thread_totals_of(gettid(), &totals), 0);
    expect_live(&totals, bytes, 1);
    sums_balance();
    struct tm_slot slot;
    ck_assert(find_slot_of(gettid(), &slot) && slot.state == TM_LIVE);
}

static pthread_key_t after_ours;

/* In the child, this thread is the only one, and ends the process. */
static void *come_enter_and_leave(void *arg)
{
    enum place where = *(enum place *)arg;
    place = where == COMING ? COMING : 0;
    void *block = tm_malloc(70);
    expect_its_own(70);
    place = where == ENTERING ? ENTERING : 0;
    tm_tag_enter(of_the_dead);
    tm_free(block);
    block = tm_malloc(80);
    expect_its_own(80);
    expect_tag(of_the_dead, 80, 1);
    tm_free(block);
    tm_tag_leave(0);
    if (child == 0)
        _exit(0);
    place = where == LEAVING ? LEAVING : 0;
    pthread_setspecific(after_ours, (void *)1);
    return NULL;
}

static void look_from_outside(void)
{
    expect_a_slot_each();
    sums_balance();
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
}

static void look_and_end(void)
{
    look_from_outside();
    _exit(0);
}

/* Called in the last round of destructors, after ours: the thread has left. */
static void look_afterwards(void *rounds)
{
    if ((uintptr_t)rounds < PTHREAD_DESTRUCTOR_ITERATIONS)
        pthread_setspecific(after_ours, (char *)rounds + 1);
    else if (child == 0)
        look_and_end();
}

START_TEST(a_handler_forks_as_a_thread_comes_or_goes)
{
    enum place where = (enum place)_i;
    child = -1;
    of_the_dead = tm_tag_open("of the dead");
    handle_by(fork_and_wait);
    tm_free(tm_malloc(1));
    ck_assert_int_eq(pthread_key_create(&after_ours, look_afterwards), 0);
    in_thread(come_enter_and_leave, &where);
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(status, 0);
    look_from_outside();
}
END_TEST

/* ---- entering while a thread enters ---- */

static tm_tag by_handler;
static void *in_handler;

static void enter_another(void)
{
    tm_tag previous = tm_tag_enter(by_handler);
    in_handler = tm_malloc(90);
    tm_tag_leave(previous);
}

static void *enter_and_be_interrupted(void *unused)
{
    void *before = tm_malloc(70);
    place = ENTERING;
    tm_tag_enter(of_the_dead);
    place = 0;
    void *block = tm_malloc(80);
    expect_tag(of_the_dead, 80, 1);
    expect_tag(by_handler, 90, 1);
    struct tm_totals mine = thread_totals();
    expect_live(&mine, 70 + 80 + 90, 3);
    tm_free(in_handler);
    tm_free(block);
    tm_free(before);
    return unused;
}

/* Each of both tags has a slot to itself. */
START_TEST(a_handler_enters_a_tag_as_the_thread_enters_one)
{
    of_the_dead = tm_tag_open("of the dead");
    by_handler = tm_tag_open("by handler");
    handle_by(enter_another);
    in_thread(enter_and_be_interrupted, NULL);
    ck_assert_ptr_nonnull(in_handler);
    expect_tag(of_the_dead, 0, 0);
    expect_tag(by_handler, 0, 0);
    look_from_outside();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interrupted");
    TCase *tcase = add_case(suite, "interrupted", 120);
    if (!SANITIZED) { /* which will have no malloc in a handler, no threads in a fork's child, none that end unseen */
        tcase_add_loop_test(tcase, a_handler_changes_tags_and_allocates, OPENING, LOSING + 1);
        tcase_add_loop_test(tcase, a_handler_asks, OPENING, ADMITTING + 1);
        tcase_add_loop_test(tcase, a_handler_forks, OPENING, ADMITTING + 1);
        tcase_add_loop_test(tcase, a_handler_forks_where_the_books_are_published, OPENING, ADMITTING + 1);
        tcase_add_test(tcase, a_handler_enters_a_tag_as_the_thread_enters_one);
        tcase_add_loop_test(tcase, a_handler_forks_as_a_thread_comes_or_goes, COMING, LEAVING + 1);
    }
    return run_suite(suite);
}
