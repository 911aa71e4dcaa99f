/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "misuse.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static void free_twice(char *twice)
{
    tm_free(twice);
    tm_free(twice);
}

static void *free_it(void *arg)
{
    tm_free(arg);
    return NULL;
}

static void double_free(void)
{
    free_twice(block);
}

static void double_free_small(void)
{
    free_twice(tm_malloc(0));
}

static void double_free_large(void)
{
    free_twice(tm_malloc(3 << 20));
}

static void double_free_aligned(void)
{
    free_twice(tm_memalign(256, 100)); /* an object so large begins at a multiple of 128, not 16 before this */
}

static void double_free_small_aligned(void)
{
    free_twice(tm_memalign(64, 64));
}

static void double_free_large_aligned(void)
{
    free_twice(tm_memalign(64, 1 << 20)); /* wide: too large for the header of an aligned block */
}

static void free_twice_after_realloc(size_t from, size_t to)
{
    free_twice(tm_realloc(tm_malloc(from), to));
}

static void double_free_of_shrunk(void)
{
    free_twice_after_realloc(1000, 600);
}

static void double_free_of_grown(void)
{
    free_twice_after_realloc(1000, 1040);
}

static void double_free_of_trimmed(void)
{
    free_twice_after_realloc(3 << 20, (3 << 20) - 100000);
}

static void double_free_delayed(void)
{
    enum { COUNT = 100 };
    static char *others[COUNT];
    tm_free(block);
    for (size_t i = 0; i < COUNT; i++)
        others[i] = tm_malloc(1000 + 10 * i); /* of other sizes, or block would be used again */
    for (size_t i = 0; i < COUNT; i++)
        tm_free(others[i]);
    tm_free(block);
}

/* A malloc that looks only at what was freed last does not see it. */
static void double_free_interleaved(void)
{
    char *other = tm_malloc(96);
    tm_free(block);
    tm_free(other);
    tm_free(block);
}

static void free_on_another_thread(char *twice)
{
    tm_free(twice);
    in_second(free_it, twice);
}

static void double_free_on_another_thread(void)
{
    free_on_another_thread(block);
}

static void double_free_large_on_another_thread(void)
{
    free_on_another_thread(tm_malloc(3 << 20));
}

static void double_free_aligned_on_another_thread(void)
{
    free_on_another_thread(tm_memalign(256, 100));
}

static void *make_block(void *arg)
{
    pthread_setname_np(pthread_self(), "worker-3");
    *(char **)arg = tm_malloc(96);
    return NULL;
}

static void double_free_of_anothers(void)
{
    char *anothers;
    in_second(make_block, &anothers);
    make_block(&block); /* this thread is called worker-3, too */
    free_twice(anothers);
}

static void *make_next_block(void *arg)
{
    make_block(arg);
    pthread_setname_np(pthread_self(), "worker-4");
    return NULL;
}

/* The line names the slot, and the thread that has it now: nothing is left of the thread that had it before. */
static void double_free_after_the_slot_was_used_again(void)
{
    char *first_of_slot, *second_of_slot;
    in_second(make_block, &first_of_slot);
    tm_free(first_of_slot); /* the last block of a thread that has exited */
    in_second(make_next_block, &second_of_slot);
    tm_free(first_of_slot == second_of_slot ? second_of_slot : first_of_slot);
    tm_free(first_of_slot);
}

static pthread_key_t last_key;

/* Once a round; in the last one, the thread has left its slot already. */
static void allocate_last(void *arg)
{
    static int rounds;
    if (++rounds < PTHREAD_DESTRUCTOR_ITERATIONS)
        pthread_setspecific(last_key, arg);
    else
        *(char **)arg = tm_malloc(96);
}

static void *exit_with_destructor(void *arg)
{
    tm_free(tm_malloc(1));
    pthread_setspecific(last_key, arg);
    return NULL;
}

static void double_free_of_an_exiting_threads(void)
{
    char *late;
    pthread_key_create(&last_key, allocate_last); /* later than the meter's, so it runs after that */
    in_second(exit_with_destructor, &late);
    free_twice(late);
}

static void write_nothing(int number)
{
    (void)number;
    if (write(STDERR_FILENO, "", 0) != 0)
        _exit(1);
}

static void *free_twice_though_cancelled(void *arg)
{
    signal(SIGABRT, write_nothing);
    pthread_cancel(pthread_self());
    free_twice(arg);
    return NULL;
}

/* Where the line is written, or the program's handler writes, the thread would end, and the program go on. */
static void double_free_by_a_cancelled_thread(void)
{
    in_second(free_twice_though_cancelled, block);
}

static char *again(void)
{
    char *next = NULL;
    tm_free(block);
    for (int i = 0; i < 1000 && next != block; i++)
        next = tm_malloc(96);
    return next;
}

static void freed_and_used_again(void)
{
    again();
    tm_free(block);
}

/* The second free is that of the block's present owner, who did nothing wrong. */
static void freed_and_used_again_and_freed(void)
{
    char *next = again();
    tm_free(block);
    tm_free(next);
}

static void realloc_after_free(void)
{
    tm_free(block);
    block = tm_realloc(block, 200);
}

static void free_after_realloc_moved_it(void)
{
    char *old = block;
    block = tm_realloc(block, 100000);
    tm_free(old);
}

static void free_after_realloc_to_nothing(void)
{
    char *gone = block;
    block = tm_realloc(block, 0);
    tm_free(gone);
}

const struct misuse double_frees[] = {
    TOLD(double_free, "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(double_free_small, "double free of " ADDRESS " \\(0 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(double_free_large, "double free of " ADDRESS " \\(3145728 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(double_free_aligned, "double free of " ADDRESS " \\(100 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(double_free_small_aligned, "double free of " ADDRESS " \\(64 bytes, owner " FIRST ", freed by " FIRST "\\)",
         0),
    TOLD(double_free_large_aligned,
         "double free of " ADDRESS " \\(1048576 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(double_free_of_shrunk, "double free of " ADDRESS " \\(600 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(double_free_of_grown, "double free of " ADDRESS " \\(1040 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(double_free_of_trimmed, "double free of " ADDRESS " \\(3045728 bytes, owner " FIRST ", freed by " FIRST "\\)",
         0),
    TOLD(double_free_delayed, "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(double_free_interleaved, "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(double_free_on_another_thread,
         "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " SECOND "\\)", 0),
    TOLD(double_free_large_on_another_thread,
         "double free of " ADDRESS " \\(3145728 bytes, owner " FIRST ", freed by " SECOND "\\)", 0),
    TOLD(double_free_aligned_on_another_thread,
         "double free of " ADDRESS " \\(100 bytes, owner " FIRST ", freed by " SECOND "\\)", 0),
    TOLD(double_free_of_anothers, "double free of " ADDRESS " \\(96 bytes, owner " WORKER ", freed by " WORKER "\\)",
         0),
    TOLD(double_free_after_the_slot_was_used_again,
         "double free of " ADDRESS " \\(96 bytes, owner " NEXT_WORKER ", freed by " FIRST "\\)", 0),
    TOLD(double_free_of_an_exiting_threads,
         "double free of " ADDRESS " \\(96 bytes, owner an exiting thread, freed by " FIRST "\\)", 0),
    TOLD(double_free_by_a_cancelled_thread,
         "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " SECOND "\\)", 0),
    CASE(freed_and_used_again),
    TOLD(freed_and_used_again_and_freed,
         "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    TOLD(realloc_after_free,
         "realloc after free of " ADDRESS " \\(96 bytes, owner " FIRST ", reallocated by " FIRST "\\)", 0),
    TOLD(free_after_realloc_moved_it, "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)",
         0),
    TOLD(free_after_realloc_to_nothing,
         "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0),
    {0},
};
