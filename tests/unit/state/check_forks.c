/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Forks from a thread while others allocate, resize, free and hand on blocks; forks whose handlers do not run; and
 * other ways to start a process.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STORMS = 3, BLOCKS = 40, MAILBOXES = 4, FORKS = SANITIZED ? 20 : 1000, SPAWNS = SANITIZED ? 10 : 100 };

/* What is live by the test's count, and how far that may be off: by each thread's operation that has not ended. */
static _Atomic int64_t ledger;
static struct {
    _Alignas(64) _Atomic int64_t bytes;
} in_flight[STORMS];

static _Atomic bool stop;
static uint64_t *_Atomic mailboxes[MAILBOXES]; /* of blocks that begin with their size */

static uint64_t *keep_size(uint64_t *block, size_t size)
{
    if (!block)
        abort();
    *block = size;
    return block;
}

static uint64_t *allocate(int self, uint64_t *random)
{
    size_t size = 8 + random_next(random) % 3000;
    in_flight[self].bytes = (int64_t)size;
    uint64_t *block = keep_size(random_next(random) % 4 == 0 ? tm_memalign(64, size) : tm_malloc(size), size);
    ledger += (int64_t)size;
    in_flight[self].bytes = 0;
    return block;
}

static uint64_t *resize(int self, uint64_t *random, uint64_t *block)
{
    size_t before = *block, size = 8 + random_next(random) % 6000;
    in_flight[self].bytes = (int64_t)(before + size);
    block = keep_size(tm_realloc(block, size), size);
    ledger += (int64_t)size - (int64_t)before;
    in_flight[self].bytes = 0;
    return block;
}

static void dispose(int self, uint64_t *block)
{
    if (!block)
        return;
    int64_t size = (int64_t)*block;
    in_flight[self].bytes = size;
    tm_free(block);
    ledger -= size;
    in_flight[self].bytes = 0;
}

static void *short_life(void *arg)
{
    tm_free(tm_malloc(64));
    return arg;
}

static void *storm(void *arg)
{
    int self = (int)(intptr_t)arg;
    uint64_t random = (uint64_t)self + 1, *blocks[BLOCKS] = {0};
    for (unsigned step = 1; !stop; step++) {
        if (step % 256 == 0)
            usleep(50); /* so that the thread that forks has a turn, too */
        unsigned at = random_next(&random) % BLOCKS;
        switch (random_next(&random) % 4) {
        case 0:
            blocks[at] = atomic_exchange(&mailboxes[random_next(&random) % MAILBOXES], blocks[at]);
            break;
        case 1:
            if (blocks[at])
                blocks[at] = resize(self, &random, blocks[at]);
            break;
        default:
            dispose(self, blocks[at]);
            blocks[at] = allocate(self, &random);
        }
    }
    for (int i = 0; i < BLOCKS; i++)
        dispose(self, blocks[i]);
    return NULL;
}

static pthread_t storms[STORMS];

static void begin_storm(void)
{
    for (intptr_t i = 0; i < STORMS; i++)
        ck_assert_int_eq(pthread_create(&storms[i], NULL, storm, (void *)i), 0);
}

static void end_storm(void)
{
    stop = true;
    for (int i = 0; i < STORMS; i++)
        ck_assert_int_eq(pthread_join(storms[i], NULL), 0);
    for (int i = 0; i < MAILBOXES; i++)
        dispose(0, mailboxes[i]);
    ck_assert_int_eq(ledger, 0);
    expect_process_live(0, 0);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
}

/* Each thread did this, or the fork found it while it did. */
static void expect_ledger(int64_t mine)
{
    struct tm_totals process = process_totals();
    int64_t off = (int64_t)tm_live_bytes(&process) - mine - ledger;
    int64_t most = 0;
    for (int i = 0; i < STORMS; i++)
        most += in_flight[i].bytes;
    /* A region in shared memory is not copied at the moment of the fork: then it is a bound, see state/publish.h. */
    ck_assert_msg(-most <= off && (off <= most || getenv("THREADMETER_PUBLISH")), "off by %ld, may be %ld", (long)off,
                  (long)most);
}

static void live_on(void)
{
    enum { MINE = 100 };
    struct tm_totals before = thread_totals();
    expect_live(&before, MINE, 1);
    expect_ledger(MINE);
    sums_balance();
    ck_assert_uint_eq(count_slots(TM_LIVE), 1);
    void *blocks[50];
    for (int i = 0; i < 50; i++)
        blocks[i] = tm_malloc((size_t)i * 400);
    if (!SANITIZED) { /* a thread sanitizer would not have it */
        in_thread(short_life, NULL);
        in_thread(short_life, NULL);
    }
    for (int i = 0; i < 50; i++)
        tm_free(blocks[i]);
    struct tm_totals after = thread_totals();
    expect_live(&after, MINE, 1);
    ck_assert_uint_eq(after.allocated_blocks, before.allocated_blocks + 50);
    ck_assert_uint_eq(after.allocated_bytes, before.allocated_bytes + 400 * 49 * 25);
    ck_assert_uint_eq(count_slots(TM_LIVE), 1);
    sums_balance();
}

static void *fork_many_times(void *arg)
{
    void *mine = tm_malloc(100);
    for (int i = 0; i < FORKS; i++)
        in_child(live_on);
    tm_free(mine);
    return arg;
}

START_TEST(a_thousand_forks_in_a_storm)
{
    begin_storm();
    in_thread(fork_many_times, NULL);
    end_storm();
}
END_TEST

extern char **environ;

static void vfork_and_exec(void)
{
    int status;
    pid_t child = vfork();
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

static void spawn(void)
{
    int status;
    pid_t child;
    char *const argv[] = {(char *)"true", NULL};
    ck_assert_int_eq(posix_spawn(&child, "/bin/true", NULL, NULL, argv, environ), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

static void open_pipe(void)
{
    char word[10] = "";
    FILE *stream = popen("echo word", "r");
    ck_assert(stream && fgets(word, sizeof word, stream));
    ck_assert_str_eq(word, "word\n");
    ck_assert_int_eq(pclose(stream), 0);
}

START_TEST(other_processes_started_in_a_storm)
{
    begin_storm();
    void *mine = tm_malloc(100);
    for (int i = 0; i < SPAWNS; i++) {
        struct tm_totals before = thread_totals(), after;
        vfork_and_exec();
        spawn();
        ck_assert_int_eq(system("exit 0"), 0);
        open_pipe();
        after = thread_totals();
        ck_assert_mem_eq(&after, &before, sizeof after);
    }
    tm_free(mine);
    end_storm();
}
END_TEST

static int keep_and_free(void *kept)
{
    tm_free(tm_malloc(70));
    *(void **)kept = tm_malloc(30);
    return 0;
}

/* The child runs in our memory, with our thread pointer, while we wait: what it does is charged to our slot. */
START_TEST(a_task_that_borrows_the_thread)
{
    static char stack[65536] __attribute__((aligned(16)));
    void *mine = tm_malloc(100), *kept = NULL;
    pid_t child = clone(keep_and_free, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &kept);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    struct tm_totals totals = thread_totals();
    expect_live(&totals, 130, 2);
    ck_assert_uint_eq(totals.allocated_bytes, 200);
    ck_assert_uint_eq(count_slots(TM_LIVE), 1);
    tm_free(kept);
    tm_free(mine);
}
END_TEST

/* ---- a fork whose child runs no handlers, and so has its parent's numbers, also when that has ended ---- */

static int answer;

static void *look(void *arg)
{
    (void)arg;
    void *mine = tm_malloc(20);
    struct tm_totals totals = thread_totals();
    count_slots(TM_LIVE); /* a listing looks for the dead */
    void *more = tm_malloc(30);
    answer += tm_live_bytes(&totals) == 20;
    totals = thread_totals();
    answer += tm_live_bytes(&totals) == 50 && count_slots(TM_LIVE) == 2;
    tm_free(more);
    tm_free(mine);
    return NULL;
}

static void *list(void *arg)
{
    count_slots(TM_LIVE);
    return arg;
}

static void outlive(pid_t parent, int end)
{
    while (kill(parent, 0) == 0)
        sched_yield();
    in_thread(list, NULL); /* our slot is empty now: were we taken for dead, it would be the next thread's */
    in_thread(look, NULL);
    void *mine = tm_malloc(5);
    struct tm_totals totals = thread_totals(), process = process_totals();
    answer += tm_live_bytes(&totals) == 5 && tm_live_bytes(&process) == 5;
    tm_free(mine);
    _exit(write(end, &answer, sizeof answer) != sizeof answer);
}

START_TEST(the_child_of_a_silent_fork_outlives_its_parent)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t middle = fork();
    ck_assert_int_ge(middle, 0);
    if (middle == 0) {
        tm_free(tm_malloc(10));
        pid_t parent = getpid();
        if (_Fork() == 0)
            outlive(parent, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    int got = 0;
    ck_assert_int_eq(waitpid(middle, NULL, 0), middle); /* or the kernel would still know its number */
    ck_assert_int_eq(read(ends[0], &got, sizeof got), sizeof got);
    ck_assert_int_eq(got, 3);
    close(ends[0]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forks");
    TCase *tcase = add_case(suite, "forks", 240);
    tcase_add_test(tcase, other_processes_started_in_a_storm);
    if (!SANITIZED) {
        add_unless_emulated(tcase, a_thousand_forks_in_a_storm, NO_FORK_IN_MID_STORM);
        add_unless_emulated(tcase, a_task_that_borrows_the_thread, VFORK_IS_FORK);
        tcase_add_test(tcase, the_child_of_a_silent_fork_outlives_its_parent);
    }
    return run_suite(suite);
}
