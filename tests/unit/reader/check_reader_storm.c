/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threadmeter/reader.h: a process that works is read over and over. Nothing is ever negative, no reading fails, sums
 * hold, and what counts up goes up. It is the hardest case: threads hand blocks to each other, come and go, enter tags
 * that begin and end, and fork.
 */
#define _GNU_SOURCE
#include "support/children.h"
#include "support/reading.h"
#include "support/counters.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <threadmeter/tags.h>
#include <time.h>
#include <unistd.h>

enum { MAILBOXES = 16, SHORT_LIVED = 3, READINGS = 400, SECONDS = 3, FORKS = 200 };

static void *_Atomic mailboxes[MAILBOXES];

/* Half of all blocks are freed by another thread than the one that allocated them. */
static void work(uint64_t *random, int steps)
{
    for (int i = 0; i < steps; i++) {
        uint64_t r = random_next(random);
        void *block = tm_malloc(1 + r % 2000);
        if (r % 7 == 0)
            block = tm_realloc(block, 1 + r / 7 % 3000);
        tm_free(atomic_exchange(&mailboxes[r / 64 % MAILBOXES], block));
        if (r % 5 == 0)
            tm_free(tm_malloc(100));
    }
}

static void *come_and_go(void *arg)
{
    uint64_t random = (uintptr_t)arg;
    pthread_setname_np(pthread_self(), "short");
    work(&random, 50);
    tm_tag tag = tm_tag_open(random_next(&random) % 2 ? "odd" : "even");
    tm_tag previous = tm_tag_enter(tag);
    work(&random, 50);
    tm_tag_leave(previous);
    tm_tag_close(tag);
    work(&random, 10);
    return NULL;
}

static void *start_short_ones(void *arg)
{
    for (uintptr_t i = (uintptr_t)arg;; i += 8) {
        pthread_t threads[SHORT_LIVED];
        int count = 0;
        for (; count < SHORT_LIVED; count++)
            if (pthread_create(&threads[count], NULL, come_and_go, (void *)(i * SHORT_LIVED + (unsigned)count)) != 0)
                break;
        for (int k = 0; k < count; k++)
            pthread_join(threads[k], NULL);
    }
    return NULL;
}

static void *work_for_ever(void *arg)
{
    uint64_t random = (uintptr_t)arg;
    pthread_setname_np(pthread_self(), "long");
    for (tm_tag tag = tm_tag_open("long");;) {
        work(&random, 100);
        tm_tag previous = tm_tag_enter(tag);
        work(&random, 100);
        tm_tag_leave(previous);
    }
    return NULL;
}

enum { PLAIN, FLOW, FORKING };
static int kind;

static void begin_a_storm(void)
{
    pthread_t thread;
    if (kind == FLOW)
        setenv("THREADMETER_FLOW", "1", 1);
    work(&(uint64_t){1}, 1);
    for (uintptr_t i = 0; i < 4; i++)
        if (pthread_create(&thread, NULL, i < 2 ? work_for_ever : start_short_ones, (void *)(i + 1)) != 0)
            _exit(1);
    tell_parent();
    for (int i = 0; kind == FORKING && i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0) {
            work(&(uint64_t){2}, 10);
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
    tell_parent(); /* no child is left that could publish when all is over */
    for (;;)
        pause();
}

/* ---- from one reading to the next ---- */

enum { MOST_SLOTS = 131072 };

static struct {
    struct tm_slot slot;
    bool known;
} last[MOST_SLOTS];

static void expect_growth(const struct tm_totals *from, const struct tm_totals *to, const char *what)
{
    unsigned long long values[2];
    const char *counter = shrunk_counter(to, from, values);
    ck_assert_msg(!counter, "%s: %s is %llu, but was %llu", what, counter, values[0], values[1]);
    ck_assert_msg(to->peak_bytes >= from->peak_bytes, "%s: peak_bytes is %lu, but was %lu", what, (long)to->peak_bytes,
                  (long)from->peak_bytes);
}

static void follow_slot(const struct tm_slot *slot)
{
    struct tm_slot *before = &last[slot->slot].slot;
    if (last[slot->slot].known) {
        ck_assert_uint_ge(slot->generation, before->generation);
        if (slot->generation == before->generation) {
            ck_assert_uint_eq(slot->thread, before->thread);
            ck_assert_int_eq(slot->tid, before->tid);
            ck_assert_int_eq(slot->tag, before->tag);
            ck_assert(slot->state == before->state || before->state == TM_LIVE);
            ck_assert_uint_ge(slot->thread_peak_bytes, before->thread_peak_bytes);
            expect_growth(&before->totals, &slot->totals, "a slot");
        }
    }
    last[slot->slot].known = true;
    *before = *slot;
}

static bool is_known_name(const char *name)
{
    static const char *const names[] = {"short", "long", "check_reader_st", "lt-check_reader", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void read_for_long(struct tm_reader *reader)
{
    struct timespec begun, now;
    struct tm_totals process = {0}, retired = {0};
    clock_gettime(CLOCK_MONOTONIC, &begun);
    for (int i = 0; i < READINGS; i++) {
        const struct tm_reading *reading = read_from(reader);
        ck_assert(reading->live);
        expect_growth(&process, &reading->process, "the process");
        expect_growth(&retired, &reading->retired, "what is retired");
        ck_assert_uint_eq(tm_live_bytes(&reading->retired), 0);
        ck_assert_uint_eq(tm_live_blocks(&reading->retired), 0);
        for (size_t k = 0; k < reading->slot_count; k++) {
            follow_slot(&reading->slots[k]);
            ck_assert_msg(is_known_name(reading->slots[k].name), "named \"%s\"", reading->slots[k].name);
        }
        for (size_t k = 0; k < reading->tag_count; k++)
            ck_assert(tag_named(reading, reading->tags[k].name) != NULL);
        process = reading->process;
        retired = reading->retired;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - begun.tv_sec >= SECONDS)
            break;
    }
}

static int read_file(const char *path, void *count)
{
    struct tm_reader *reader = open_file(path);
    const struct tm_reading *reading = read_from(reader);
    ck_assert(!reading->live);
    tm_reader_close(reader);
    ++*(int *)count;
    return 0;
}

START_TEST(all_that_is_read_in_a_storm_is_possible)
{
    make_channels();
    kind = _i;
    pid_t child = start_child(begin_a_storm);
    wait_for_child();
    struct tm_reader *reader = open_pid(child);
    read_for_long(reader);
    wait_for_child();
    kill_child(child);
    const struct tm_reading *reading = read_from(reader);
    ck_assert(!reading->live);
    tm_reader_close(reader);
    int files = 0; /* of forks, too, which end by _exit */
    ck_assert_int_eq(tm_reader_each(publish_directory, read_file, &files), 0);
    ck_assert_int_ge(files, _i == FORKING ? 2 : 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader_storm");
    TCase *tcase = add_publishing_case(suite, "storm", 120);
    if (!is_left_out("all_that_is_read_in_a_storm_is_possible", NAMES_THREADS))
        tcase_add_loop_test(tcase, all_that_is_read_in_a_storm_is_possible, 0, SANITIZED ? FORKING : FORKING + 1);
    return run_suite(suite);
}
