/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors with blocks that a memory checker must report. The command line names the case. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <threadmeter/malloc.h>

static volatile char sink;

static char *make(size_t size) __attribute__((noinline));
static char *make(size_t size)
{
    void *volatile block = tm_malloc(size);
    return block;
}

static void drop(char *block) __attribute__((noinline));
static void drop(char *block)
{
    tm_free(block);
}

static char *block;

static void honest(void)
{
    char *aligned = tm_memalign(4096, 100), *grown = tm_realloc(tm_strdup("text"), 100000);
    memset(block, 1, 96);
    memset(aligned, 1, 100);
    grown = tm_realloc(grown, 5);
    if (strcmp(grown, "text") != 0)
        abort();
    char *zeroed = tm_calloc(10, 10);
    if (zeroed[99] != 0)
        abort();
    tm_free(zeroed);
    tm_free(grown);
    tm_free(aligned);
    tm_free(malloc(10)); /* foreign, and valid, too */
    drop(block);
}

static void underflow_of_1(void)
{
    block[-1] = 1;
}

static void underflow_of_16(void)
{
    block[-16] = 1;
}

static void overflow_of_1(void)
{
    block[96] = 1;
}

static void read_after_end(void)
{
    sink = block[100];
}

static void overflow_of_aligned(void)
{
    block = tm_memalign(256, 100);
    block[100] = 1;
}

static void underflow_of_aligned(void)
{
    block = tm_memalign(256, 100);
    block[-1] = 1;
}

static void read_after_free(void)
{
    drop(block);
    sink = block[5];
}

static void double_free(void)
{
    drop(block);
    drop(block);
}

static void leak(void)
{
    block = make(50);
    block = NULL;
}

static void read_of_nothing_written(void)
{
    if (block[5])
        puts("set");
    drop(block);
}

static void read_of_nothing_written_after_realloc(void)
{
    memset(block, 0, 96);
    block = tm_realloc(block, 200);
    if (block[95])
        puts("set");
    if (block[96])
        puts("set");
    drop(block);
}

#define CASE(function)                                                                                                 \
    {                                                                                                                  \
#function, function                                                                                            \
    }
static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    CASE(honest),
    CASE(underflow_of_1),
    CASE(underflow_of_16),
    CASE(overflow_of_1),
    CASE(read_after_end),
    CASE(overflow_of_aligned),
    CASE(underflow_of_aligned),
    CASE(read_after_free),
    CASE(double_free),
    CASE(leak),
    CASE(read_of_nothing_written),
    CASE(read_of_nothing_written_after_realloc),
};

int main(int argc, char **argv)
{
    block = make(96);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (argc == 2 && strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            return 0;
        }
    fprintf(stderr, "usage: cases NAME\n");
    return 2;
}
