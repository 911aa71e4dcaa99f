/* SPDX-License-Identifier: BSD-3-Clause */
/* What all tests share. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include "base/sanitizers.h"
#include "support/suite.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <threadmeter/malloc.h>
#include <threadmeter/tags.h>
#include <threadmeter/totals.h>

/*
 * The invariant: all slots and what is retired make the process's totals, no figure is negative, no peak is below what is
 * live. add_case() runs it after every test, in the test's process; call it wherever else no thread allocates or frees.
 */
void expect_invariant(void);

/* The same without tcmalloc's count: for a fork, which may find the parent's threads anywhere, also within tcmalloc. */
void sums_balance(void);

/* Each of these ends the process with a message unless the totals have exactly these values. */
void expect_live(const struct tm_totals *totals, uint64_t bytes, uint64_t blocks);
void expect_process_live(uint64_t bytes, uint64_t blocks);
void expect_tag(tm_tag tag, uint64_t bytes, uint64_t blocks);

struct tm_totals thread_totals(void);
struct tm_totals process_totals(void);
struct tm_totals tag_totals(tm_tag tag);
struct tm_cross_allocator_calls cross_allocator_calls(void);

void expect_no_crossings(void); /* between allocators, in either direction */

/* A call fails with this errno. */
#define EXPECT_ERROR(wanted, has_failed) (errno = 0, ck_assert((has_failed) && errno == (wanted)))

char *filled(size_t size); /* a block of 'x' */

/* Finds a slot by thread id or by state; false if there is none. */
bool find_slot_of(pid_t tid, struct tm_slot *found);
/* By the thread's number, which is unique; a busy machine may use a tid again as soon as its thread is gone. */
bool find_slot_of_thread(uint64_t thread, struct tm_slot *found);
uint64_t this_thread(void); /* tm_slot.thread of the caller, which has allocated */

bool find_slot_in(enum tm_slot_state state, struct tm_slot *found);
size_t count_slots(enum tm_slot_state state);

/*
 * tcmalloc's own count of bytes in use, the second oracle. False if there is none: with the libc backend, and where others
 * use tcmalloc, too, because it is the process's malloc.
 */
bool heap_bytes(size_t *bytes);        /* without the caller's cache, which is flushed */
bool raw_heap_bytes(size_t *bytes);    /* with the cache */
size_t heap_bytes_for(size_t request); /* bytes that an object for it has in use */
size_t heap_bytes_of(const void *object);

/* Runs body in a new thread and waits until it has ended, also as the kernel sees it. */
void in_thread(void *(*body)(void *), void *arg);
void *free_it(void *block); /* for in_thread() */

/* Runs body in a forked child; fails unless that exits with 0. For tests that need a process of their own. */
void in_child(void (*body)(void));

/* Becomes another program, run by the same emulator as this one, if there is one; returns only if that fails. */
void become(const char *const argv[]);

/* The name of the first thread of such a program: its own, or the emulator's, cut as the kernel does. */
const char *first_thread_name(const char *program, char name[16]);

/* Makes this file fd 2, as if the process had been started with it, so that a test can read what is printed there. */
void hear_stderr(int fd);

/* Runs a program by become(); fills in its stderr, and returns its wait status. */
int run_program(const char *const argv[], char *output, size_t capacity);

/*
 * A sanitizer takes address space for itself, keeps what is freed, ends before a thread's last destructors, and its locks
 * do not survive a fork while other threads allocate: some tests cannot be run with one.
 */
#if defined(TM__ASAN) || defined(TM__TSAN)
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* The libc backend knows nothing of what has been freed, nor of what is not heap memory. */
#ifdef TM_BACKEND_LIBC
#define ON_TCMALLOC false
#else
#define ON_TCMALLOC true
#endif

/* Threads keep freed objects for their next blocks: not with -Ddepot=disabled. */
#ifdef TM_CACHES
#define HAS_CACHES true
#else
#define HAS_CACHES false
#endif

/*
 * Reasons to leave a test out under a user-mode emulator, which does not do as a machine would; the output has a line with
 * the reason. (Without threadmeter qemu-user does no better.)
 */
#define NO_LIMIT_OF_MEMORY "an emulator ignores RLIMIT_AS"
#define KEEPS_THREADS "an emulator keeps a quarter of a megabyte of each thread that was"
#define NO_FORK_IN_MID_STORM "an emulator's own locks do not survive a fork while other threads come and go"
#define ASKS_FOR_MEMORY "an emulator answers yes to whatever is asked of memory"
#define STARTS_PROGRAMS "an emulator does not start programs of its machine"
#define VFORK_IS_FORK "an emulator's vfork is a fork"
#define NO_STATIC_TLS "tcmalloc for 64-bit ARM cannot be loaded by a program that runs (static TLS)"
#define NAMES_THREADS "an emulator's first thread has its own name"
#define LETS_GO_LATE "an emulator is late to say that a thread is dead"
void add_unless_emulated(TCase *tcase, const TTest *test, const char *why);
bool is_left_out(const char *test, const char *why); /* for tests that are not added by that: says so, too */

/* Repeatable pseudo-random numbers; the seed is the state. */
uint64_t random_next(uint64_t *state);

/* A test case whose tests are each followed by the invariant, expect_invariant(). */
TCase *add_case(Suite *suite, const char *name, double seconds);

#endif
