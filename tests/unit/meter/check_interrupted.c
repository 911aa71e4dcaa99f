/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A signal handler that interrupts a thread in the midst of changing the tags, or with a lock, and there asks, forks,
 * allocates, frees; and fork handlers of others' that do so while ours have the lock. By construction: the linker puts
 * functions in front of those that are called there, and these raise the signal. A deadlock ends by the time limit.
 */
#define _GNU_SOURCE
#include "state/flow.h"
#include "base/lock.h"
#include "state/publish.h"
#include "state/slot.h"
#include "support/support.h"
#include "state/tag_table.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

/* ---- what is there: a tag with a limit, that this thread is in; and one with slots of the dead ---- */

enum { LIMIT = 10000, MINE = 100 };

static tm_tag bounded, of_the_dead;
static void *mine, *last_block;

static void *die_in_tag(void *block)
{
    tm_tag_enter(of_the_dead);
    *(void **)block = tm_malloc(50);
    tm_free(tm_malloc(60));
    syscall(SYS_exit, 0);
    return NULL;
}

static void *leave_block(void *block)
{
    tm_tag_enter(of_the_dead);
    *(void **)block = tm_malloc(50);
    return NULL;
}

static void set_up(void)
{
    signal(SIGUSR1, handle);
    of_the_dead = tm_tag_open("of the dead");
    bounded = tm_tag_open("bounded");
    ck_assert_int_eq(tm_tag_limit(bounded, LIMIT), 0);
    tm_tag_enter(bounded);
    mine = tm_malloc(MINE);
    in_thread(leave_block, &last_block);
}

/* A dead thread's slot that nobody knows of yet, and that has no block: who lists it will free it. */
static void leave_an_empty_slot(void)
{
    void *block;
    in_thread(die_in_tag, &block);
    tm_free(block);
}

/* Does what is to be interrupted. */
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
        block = tm_malloc(200);
        tm_free(block);
        break;
    default:
        break;
    }
    ck_assert_int_eq(place, 0); /* it was */
}

static void expect_all_well(void)
{
    void *too_much = tm_malloc(LIMIT - MINE + 1), *most = tm_malloc(LIMIT - MINE);
    ck_assert_ptr_null(too_much);
    ck_assert_ptr_nonnull(most);
    expect_tag(bounded, LIMIT, 2);
    tm_free(most);
    if (last_block)
        tm_free(last_block);
    last_block = NULL;
    sums_balance();
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
    expect_tag(bounded, MINE, 1);
    expect_tag(of_the_dead, 0, 0);
    expect_process_live(MINE, 1);
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
    handler = ask;
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
    handler = change;
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

static pid_t child;

static int status;

/* The child comes first: of what its parent does meanwhile it has a bound, where the books are published. */
static void fork_in_handler(void)
{
    child = fork();
    if (child > 0 && waitpid(child, &status, 0) != child)
        abort();
}

static pthread_barrier_t all_there;

struct person {
    pthread_t thread;
    pid_t tid;
    size_t size;
};

static void *hold_in_tag(void *arg)
{
    struct person *self = arg;
    self->tid = gettid();
    tm_tag_enter(of_the_dead);
    void *block = tm_malloc(self->size);
    pthread_barrier_wait(&all_there);
    pthread_barrier_wait(&all_there);
    tm_free(block);
    return NULL;
}

/* A slot that was given twice would have two of them; more than there were before, so that all slots are taken. */
static void expect_a_slot_each(void)
{
    enum { MOST = 100 };
    struct person persons[MOST];
    unsigned count = tm__slots_used() / 2 + 1; /* of two slots each */
    ck_assert_uint_le(count, MOST);
    pthread_barrier_init(&all_there, NULL, count + 1);
    for (size_t i = 0; i < count; i++) {
        persons[i].size = 1000 + i;
        ck_assert_int_eq(pthread_create(&persons[i].thread, NULL, hold_in_tag, &persons[i]), 0);
    }
    pthread_barrier_wait(&all_there);
    for (size_t i = 0; i < count; i++) {
        struct tm_totals totals;
        ck_assert_int_eq(tm_thread_totals_of(persons[i].tid, &totals), 0);
        expect_live(&totals, persons[i].size, 1);
        ck_assert_uint_eq(totals.allocated_bytes, persons[i].size);
    }
    pthread_barrier_wait(&all_there);
    for (size_t i = 0; i < count; i++)
        pthread_join(persons[i].thread, NULL);
    pthread_barrier_destroy(&all_there);
}

/* In both, of which the child ends here. */
static void expect_all_well_in_both(void)
{
    ck_assert_int_ge(child, 0);
    expect_all_well();
    expect_a_slot_each();
    ck_assert_int_gt(tm_tag_open("new"), 0);
    expect_all_well();
    if (child == 0)
        _exit(0);
    ck_assert_int_eq(status, 0);
}

START_TEST(a_handler_forks)
{
    set_up();
    handler = fork_in_handler;
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
    handler = fork_in_handler;
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
        pass(COMING); /* so that it has the parent's number in its hand */
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

static pthread_key_t behind_ours;

/* In the child the thread is the only one, and ends it. */
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
    pthread_setspecific(behind_ours, (void *)1);
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

/* In the last round of destructors, behind ours: the thread has left. */
static void look_behind(void *rounds)
{
    if ((uintptr_t)rounds < PTHREAD_DESTRUCTOR_ITERATIONS)
        pthread_setspecific(behind_ours, (char *)rounds + 1);
    else if (child == 0)
        look_and_end();
}

START_TEST(a_handler_forks_as_a_thread_comes_or_goes)
{
    enum place where = (enum place)_i;
    child = -1;
    signal(SIGUSR1, handle);
    of_the_dead = tm_tag_open("of the dead");
    handler = fork_in_handler;
    tm_free(tm_malloc(1));
    ck_assert_int_eq(pthread_key_create(&behind_ours, look_behind), 0);
    in_thread(come_enter_and_leave, &where);
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(status, 0);
    look_from_outside();
}
END_TEST

/* ---- other libraries' fork handlers, which were there before ours: they run while ours have the lock ---- */

static unsigned in_handlers; /* that did what they should */
static bool handlers_work;
static void *blocks[3];

/* The last block of a dead thread's slot, and what there is room for, but no more. */
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
/* Before our constructor, and behind that of the backend, which cannot be called between its own fork handlers. */
__attribute__((section(".init_array.00050"), used)) static void (*const first)(void) = register_first;

START_TEST(fork_handlers_that_were_there_before)
{
    set_up();
    for (int i = 0; i < 3; i++)
        in_thread(leave_block, &blocks[i]);
    handlers_work = true;
    fork_in_handler();
    handlers_work = false;
    ck_assert_uint_eq(in_handlers, 2);
    tm_free(blocks[child == 0 ? 1 : 2]); /* that handler did not run here */
    expect_all_well_in_both();
}
END_TEST

/* ---- who freed whose ---- */

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

/* Whatever set a handler's free would be counted in, it interrupts who has that. */
START_TEST(a_handler_frees_while_pairs_are_counted)
{
    setenv("THREADMETER_FLOW", "1", 1);
    set_up();
    for (int i = 0; i < 2; i++)
        in_thread(leave_block, &blocks[i]);
    tm_free(blocks[0]);
    lock_all(true);
    tm_free(blocks[1]);
    fork_in_handler();
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
    Suite *suite = suite_create("interrupted");
    TCase *tcase = add_case(suite, "interrupted", 120);
    tcase_add_test(tcase, in_a_forks_child_the_locks_of_others_are_open);
    if (!SANITIZED) { /* which will have no malloc in a handler, no threads in a fork's child, none that end unseen */
        tcase_add_loop_test(tcase, a_handler_changes_tags_and_allocates, OPENING, LOSING + 1);
        tcase_add_loop_test(tcase, a_handler_asks, OPENING, ADMITTING + 1);
        tcase_add_loop_test(tcase, a_handler_forks, OPENING, ADMITTING + 1);
        tcase_add_loop_test(tcase, a_handler_forks_where_the_books_are_published, OPENING, ADMITTING + 1);
        tcase_add_test(tcase, a_handler_frees_while_pairs_are_counted);
        tcase_add_test(tcase, fork_handlers_that_were_there_before);
        tcase_add_loop_test(tcase, a_handler_forks_as_a_thread_comes_or_goes, COMING, LEAVING + 1);
    }
    return run_suite(suite);
}
