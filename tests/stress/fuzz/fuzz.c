/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Turns bytes into calls of the whole malloc family, by threads that take turns, and compares the library's totals with
 * the ledger's after each call, to the byte. At the end of an input all is freed and closed; then nothing must be live.
 */
#define _GNU_SOURCE
#include "blocks.h"
#include "calls.h"
#include "input.h"
#include "seats.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <threadmeter/malloc.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

/* The thread sanitizer ends a thread before its last round of destructors, and a fork may leave its locks held. */
#ifdef __SANITIZE_THREAD__
enum { LAST_ROUND = 3, MAY_FORK = false };
#else
enum { LAST_ROUND = PTHREAD_DESTRUCTOR_ITERATIONS, MAY_FORK = true };
#endif

static int dev_null;
static bool forked; /* in this input: at most once, because it is slow */

static void call_report(void)
{
    EXPECT(tm_report(dev_null) == 0, "no report");
    ledger_compare_slots();
}

static void in_child(void)
{
    ledger_after_fork();
    ledger_compare();
    call_report();
    call_malloc();
    close_all_streams();
    free_all_blocks();
    ledger_compare();
    call_report();
    _exit(0);
}

static void call_fork(void)
{
    if (take_byte() % 16 != 0 || forked || !MAY_FORK)
        return;
    forked = true;
    pid_t child = fork();
    if (child == 0)
        in_child();
    int status = 0;
    EXPECT(child > 0 && waitpid(child, &status, 0) == child && status == 0, "the child ended with status %#x", status);
}

/* ---- the exit of a thread ---- */

static pthread_key_t exit_key; /* made after the library's key: in each round its destructor runs after the library's */
static _Thread_local int round_of_exit;
static _Thread_local int busy_round;

/* At its exit a thread allocates and frees in one round of destructors; in the last round what it allocates is late. */
static void exiting(void *arg)
{
    if (++round_of_exit == LAST_ROUND)
        ledger_leave();
    else
        pthread_setspecific(exit_key, arg);
    /* Not if this were its first call: then the library would learn of the exit only when slots are listed. */
    if (round_of_exit != busy_round || !ledger_is_attached())
        return;
    for (int calls = take_byte() % 4; calls > 0; calls--) {
        if (take_byte() % 2)
            call_malloc();
        else
            call_free();
        ledger_compare();
    }
}

typedef void call(void);
static call *const calls[] = {
    call_malloc,
    call_malloc,
    call_malloc,
    call_calloc,
    call_realloc,
    call_realloc,
    call_realloc,
    call_free,
    call_free,
    call_free,
    call_reallocarray,
    call_aligned_alloc,
    call_memalign,
    call_valloc,
    call_pvalloc,
    call_free_sized,
    call_free_aligned_sized,
    call_posix_memalign,
    call_cfree,
    call_usable_size,
    call_impossible,
    call_huge,
    call_libc,
    call_strdup,
    call_strndup,
    call_wcsdup,
    call_asprintf,
    call_path,
    call_getline,
    call_stream,
    call_stream,
    call_misuse,
    call_misuse,
    call_report,
    call_fork,
    call_tag_open,
    call_tag_enter,
    call_tag_enter,
    call_tag_enter,
    call_tag_leave,
    call_tag_close,
    call_claim,
    call_thread_limit,
    call_tag_limit,
    call_soft_limit,
    call_section,
};

/* From these values on, a byte of the input passes the turn to another thread, or ends this one. */
enum { PASS = 192, LEAVE = 248 };

static void play(void)
{
    pthread_setspecific(exit_key, &exit_key);
    while (!input_ended()) {
        uint8_t byte = take_byte();
        if (byte >= LEAVE) {
            seats_leave_to(byte % SEATS);
            busy_round = 1 + take_byte() % LAST_ROUND;
            return;
        }
        if (byte >= PASS) {
            if (!seats_pass(byte % SEATS))
                return;
        } else {
            calls[byte % (sizeof calls / sizeof calls[0])]();
        }
        ledger_compare();
    }
    close_all_streams();
    free_all_blocks();
    ledger_close_all_tags();
    ledger_compare();
    seats_end();
}

/* Allocates before it makes exit_key, because the library makes its own key at the first allocation. */
static void play_first(void)
{
    struct block block = {0};
    keep(&block, tm_malloc(1), 1, 16);
    free_block(&block);
    pthread_key_create(&exit_key, exiting);
    pthread_setspecific(exit_key, &exit_key);
    seats_end();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    dev_null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    misuse_begin();
    seats_run(play_first);
    ledger_expect_nothing();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    forked = false;
    input_begin(bytes, size);
    seats_run(play);
    ledger_expect_nothing();
    return 0;
}
