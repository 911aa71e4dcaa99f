/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: soak SECONDS THREADS SEED
 *
 * Threads start and exit for as many seconds as the user wants. They allocate by every function whose charge a caller
 * can know, pass blocks to each other, free them, and fork. The program also counts all of it in a ledger of its own.
 *   - A reader checks all the time: nothing is negative, nothing shrinks, slots and process agree as far as promised.
 *   - Every few seconds all workers rest. Then all totals of each owner, dead or alive, must be those of the ledger.
 *     A child that is forked at a rest must find the same; then it frees all, and must find nothing live.
 *   - A child that a worker forks, while all others work, checks the totals of its thread, and works on for a while.
 *   - Resident memory must not grow, see check_growth().
 * The first error ends the program with one line and exit status 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "soak_blocks.h"
#include "soak_growth.h"
#include "soak_ledger.h"

enum { MOST_SEATS = 64, HELD = 256, MAILBOXES = 256, LIFE = 60000, STEPS_PER_FORK = 100000 };

/* The state of a series of threads, one after the other. The blocks of a thread that exits are freed by later ones. */
struct seat {
    pthread_t thread; /* the one that works now */
    struct item *held[HELD];
    struct ledger *ledger; /* of that thread */
    uint64_t random;
};

/* Each place always has an item, which may have a block. Threads exchange items, and never create or destroy one. */
static struct seat seats[MOST_SEATS];
static struct item items[MOST_SEATS * HELD + MAILBOXES];
static struct item *_Atomic mailboxes[MAILBOXES];
static int seat_count;
static _Atomic uint64_t steps, threads, forks;

/* ---- the rest: a point at which all workers stop ---- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_rest = PTHREAD_COND_INITIALIZER, go_on = PTHREAD_COND_INITIALIZER;
static int resting;
static _Atomic bool pausing, stopping;

static void rest_if_asked(void)
{
    if (!pausing)
        return;
    pthread_mutex_lock(&gate);
    if (++resting == seat_count)
        pthread_cond_signal(&all_rest);
    while (pausing)
        pthread_cond_wait(&go_on, &gate);
    resting--;
    pthread_mutex_unlock(&gate);
}

static void let_all_rest(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += HANGS;
    pthread_mutex_lock(&gate);
    pausing = true;
    while (resting < seat_count)
        if (pthread_cond_timedwait(&all_rest, &gate, &until) == ETIMEDOUT)
            fail("%d of %d workers rest, the others hang", resting, seat_count);
    pthread_mutex_unlock(&gate);
}

static void let_all_go_on(void)
{
    pthread_mutex_lock(&gate);
    pausing = false;
    pthread_cond_broadcast(&go_on);
    pthread_mutex_unlock(&gate);
}

/* ---- what is left ---- */

static void *free_what_is_left(void *unused)
{
    uint64_t random = steps;
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++)
        if (items[i].block)
            dispose(&items[i], ledger_of_nobody(), &random);
    return unused;
}

/* In a thread of its own, whose slot is free again after that. */
static void free_all(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, free_what_is_left, NULL) != 0)
        fail("no thread");
    pthread_join(thread, NULL);
}

/* ---- forks ---- */

static void expect_child_succeeds(pid_t child)
{
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        fail("a child failed: %d, status %#x", (int)child, child < 0 ? errno : status);
}

/* All other threads stopped at any point, so for each the ledger may miss one block; but not for the calling thread. */
static void check_during_work(struct seat *seat)
{
    alarm(HANGS);
    check_slots_make_process();
    check_survivor(seat->ledger, seat_count);
    struct tm_totals before, after;
    uint64_t bytes = 0, blocks = 0;
    for (int i = 0; i < HELD; i++) {
        bool counts = seat->held[i]->block && !seat->held[i]->foreign;
        bytes += counts ? seat->held[i]->size : 0;
        blocks += counts;
    }
    tm_process_totals(&before);
    for (int i = 0; i < HELD; i++)
        if (seat->held[i]->block)
            dispose(seat->held[i], seat->ledger, &seat->random);
    tm_process_totals(&after);
    if (tm_live_bytes(&before) - tm_live_bytes(&after) != bytes ||
        tm_live_blocks(&before) - tm_live_blocks(&after) != blocks)
        fail("a child freed %llu bytes, and the totals say %llu", (unsigned long long)bytes,
             (unsigned long long)(tm_live_bytes(&before) - tm_live_bytes(&after)));
    for (int i = 0; i < HELD; i++)
        make(seat->held[i], seat->ledger, &seat->random);
    check_survivor(seat->ledger, seat_count);
    check_slots_make_process();
}

static void fork_during_work(struct seat *seat)
{
    pid_t child = fork();
    if (child == 0) {
        check_during_work(seat);
        _exit(0);
    }
    expect_child_succeeds(child);
    forks++;
}

static void fork_at_rest(void)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(HANGS);
        check_at_rest(true, foreign_frees, foreign_reallocs);
        free_all();
        check_at_rest(true, foreign_frees, foreign_reallocs);
        check_nothing_lives();
        _exit(0);
    }
    expect_child_succeeds(child);
    forks++;
}

/* ---- workers ---- */

static void step(struct seat *seat)
{
    uint64_t *random = &seat->random;
    struct item **at = &seat->held[next_random(random) % HELD];
    switch (next_random(random) % 8) {
    case 0:
        if ((*at)->block)
            resize(*at, seat->ledger, random);
        break;
    case 1: /* exchanges the item with that of a mailbox */
        *at = atomic_exchange(&mailboxes[next_random(random) % MAILBOXES], *at);
        break;
    default:
        if ((*at)->block)
            dispose(*at, seat->ledger, random);
        else
            make(*at, seat->ledger, random);
    }
    if (next_random(random) % STEPS_PER_FORK == 0)
        fork_during_work(seat);
}

static void start_worker(struct seat *seat);

static void *work(void *arg)
{
    struct seat *seat = arg;
    if (seat->ledger) { /* of the thread before this one, which must have exited when this one rests */
        pthread_join(seat->thread, NULL);
        seat->ledger->joined = true;
    }
    seat->thread = pthread_self();
    tm_free(tm_malloc(1)); /* so that ledger_of_caller() finds a slot */
    seat->ledger = ledger_of_caller();
    ledger_charge(seat->ledger, 1);
    ledger_credit(seat->ledger, 1, seat->ledger);
    threads++;

    uint64_t life = next_random(&seat->random) % (next_random(&seat->random) % 4 == 0 ? 200 : LIFE), done = 0;
    while (done < life && !stopping) {
        step(seat);
        done++;
        rest_if_asked();
    }
    steps += done;
    if (!stopping)
        start_worker(seat);
    return NULL;
}

static void start_worker(struct seat *seat)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, work, seat);
    if (error != 0)
        fail("no thread: %s", strerror(error));
}

/* ---- the run ---- */

static void *read_all_the_time(void *unused)
{
    while (!stopping) {
        check_while_working();
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    return unused;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void report(double elapsed)
{
    struct rest rest = last_rest();
    printf("%5.0f s: %llu million operations, %llu threads, %llu forks; %llu blocks of %.1f MiB live, %llu orphans, "
           "%.1f MiB resident\n",
           elapsed, (unsigned long long)steps / 1000000, (unsigned long long)threads, (unsigned long long)forks,
           (unsigned long long)rest.live_blocks, (double)rest.live_bytes / (1 << 20), (unsigned long long)rest.orphans,
           resident_mib());
    fflush(stdout);
}

static void work_and_rest(double seconds)
{
    double start = now(), elapsed = 0, between = seconds / 40 < 3 ? seconds / 40 : 3;
    double each = seconds < 120 ? 10 : 60, last_report = 0;
    while (elapsed < seconds) {
        nanosleep(&(struct timespec){(time_t)between, (long)((between - (double)(time_t)between) * 1e9)}, NULL);
        let_all_rest();
        check_at_rest(false, foreign_frees, foreign_reallocs);
        fork_at_rest();
        elapsed = now() - start;
        note_growth(elapsed / seconds);
        stopping = elapsed >= seconds;
        if (stopping || elapsed - last_report >= each) {
            report(elapsed);
            last_report = elapsed;
        }
        let_all_go_on();
    }
}

int main(int argc, char *argv[])
{
    double seconds = argc > 1 ? atof(argv[1]) : 0;
    seat_count = argc > 2 ? atoi(argv[2]) : 0;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
    if (argc != 4 || !(seconds > 0) || seat_count < 1 || seat_count > MOST_SEATS) {
        fprintf(stderr, "usage: soak SECONDS THREADS SEED, of 1 to %d threads at a time\n", MOST_SEATS);
        return 2;
    }

    struct item *next = items;
    for (int i = 0; i < MAILBOXES; i++)
        mailboxes[i] = next++;
    for (int i = 0; i < seat_count; i++) {
        seats[i].random = seed + (uint64_t)i * 7919;
        for (int j = 0; j < HELD; j++)
            seats[i].held[j] = next++;
    }
    pthread_t reader;
    if (pthread_create(&reader, NULL, read_all_the_time, NULL) != 0)
        fail("no thread");
    for (int i = 0; i < seat_count; i++)
        start_worker(&seats[i]);
    work_and_rest(seconds);

    pthread_join(reader, NULL);
    for (int i = 0; i < seat_count; i++) {
        pthread_join(seats[i].thread, NULL);
        seats[i].ledger->joined = true;
    }
    free_all();
    check_at_rest(false, foreign_frees, foreign_reallocs);
    check_nothing_lives();
    check_growth(seconds);

    struct rest rest = last_rest();
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf(
        "%llu operations, %llu threads, %llu forks; %llu rests, %llu readings, %llu slots; resident %.1f MiB at most "
        "in the second quarter, %.1f in the last, %.1f ever; drift 0\n",
        (unsigned long long)steps, (unsigned long long)threads, (unsigned long long)forks,
        (unsigned long long)rest.rests, (unsigned long long)rest.readings, (unsigned long long)rest.highest_slot + 1,
        most_resident(1), most_resident(3), (double)usage.ru_maxrss / 1024);
    return 0;
}
