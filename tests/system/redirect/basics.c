/* SPDX-License-Identifier: BSD-3-Clause */
/* An ordinary program, which names nothing of threadmeter. At its exit totals_at_exit.c checks that all was charged. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

struct table {
    void *(*malloc)(size_t);
    void (*free)(void *);
};

static int failed;
#define require(condition) ((condition) ? (void)0 : (void)(failed = 1, fprintf(stderr, "line %d\n", __LINE__)))

static void *thread(void *arg)
{
    free(arg);
    return strdup("from a thread");
}

static void *fold_to_calloc(size_t size)
{
    void *block = malloc(size); /* gcc makes one call of these two */
    if (block)
        memset(block, 0, size);
    return block;
}

static void lines(void)
{
    char *line = NULL;
    size_t size = 0;
    FILE *file = fopen("/proc/self/status", "r");
    require(file && getline(&line, &size, file) > 0);
    require(getdelim(&line, &size, ':', file) > 0);
    require(malloc_usable_size(line) == size);
    fclose(file);
    free(line);
}

static void names(void)
{
    char *path = realpath("/proc/self/exe", NULL), *directory = getcwd(NULL, 0), *current = get_current_dir_name();
    char *canonical = canonicalize_file_name("/proc/self/exe");
    require(path && directory && current && canonical && strcmp(path, canonical) == 0);
    free(path);
    free(directory);
    free(current);
    free(canonical);
    struct dirent **list;
    int count = scandir("/proc/self", &list, NULL, alphasort);
    require(count > 2);
    while (count > 0)
        free(list[--count]);
    free(list);
}

static void streams(void)
{
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    fprintf(stream, "%d", 12345);
    fclose(stream);
    require(size == 5 && strcmp(text, "12345") == 0);
    free(text);
    require(asprintf(&text, "%s", "some text") == 9);
    free(text);
}

int main(void)
{
    struct table table = {malloc, free};
    table.free(table.malloc(10));
    void (*volatile release)(void *) = free;
    void *volatile nothing = NULL;

    release(calloc(3, 7));
    release(realloc(nothing, 100));
    release(realloc(NULL, 100));
    release(fold_to_calloc(100));
    release(reallocarray(NULL, 3, 4));
    release(aligned_alloc(64, 128));
    release(memalign(128, 10));
    release(valloc(10));
    void *aligned = NULL;
    require(posix_memalign(&aligned, 256, 10) == 0 && (uintptr_t)aligned % 256 == 0);
    free(aligned);
    release(strndup("some text", 4));
    release(wcsdup(L"wide"));
    void *here[] = {(void *)(uintptr_t)&main};
    release(backtrace_symbols(here, 1));
    lines();
    names();
    streams();

    pthread_t id;
    void *text;
    pthread_create(&id, NULL, thread, malloc(77));
    pthread_join(id, &text);
    require(strcmp(text, "from a thread") == 0);
    free(text);
    return failed;
}
