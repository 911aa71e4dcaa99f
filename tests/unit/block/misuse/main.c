/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "misuse.h"

#include <pthread.h>

char *block;
size_t amount;

struct call {
    void *(*run)(void *);
    void *arg;
};

static void *second(void *arg)
{
    struct call *call = arg;
    pthread_setname_np(pthread_self(), "second");
    return call->run(call->arg);
}

void in_second(void *(*run)(void *), void *arg)
{
    pthread_t thread;
    struct call call = {run, arg};
    pthread_create(&thread, NULL, second, &call);
    pthread_join(thread, NULL);
}

static const struct misuse *const all[] = {double_frees, damages, pointers};
enum { LISTS = sizeof all / sizeof all[0] };

static const struct misuse *find(const char *name)
{
    for (size_t i = 0; i < LISTS; i++)
        for (const struct misuse *misuse = all[i]; misuse->name; misuse++)
            if (strcmp(misuse->name, name) == 0)
                return misuse;
    return NULL;
}

static void list(void)
{
    for (size_t i = 0; i < LISTS; i++)
        for (const struct misuse *misuse = all[i]; misuse->name; misuse++)
            puts(misuse->name);
}

/* A line each, for check_misuse.c: with a guard or not, up to which number, the name, what is told. */
static void list_told(void)
{
    for (size_t i = 0; i < LISTS; i++)
        for (const struct misuse *misuse = all[i]; misuse->name; misuse++)
            if (misuse->line)
                printf("%d %d %s %s\n", misuse->with_guard, misuse->up_to, misuse->name, misuse->line);
}

static void *among; /* so many bytes that what is freed waits in the thread's cache */

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        list();
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--list-told") == 0) {
        list_told();
        return 0;
    }
    const struct misuse *misuse = argc == 2 || argc == 3 ? find(argv[1]) : NULL;
    if (!misuse) {
        fprintf(stderr, "usage: misuse CASE [N] | --list | --list-told\n");
        return 2;
    }
    amount = argc == 3 ? strtoul(argv[2], NULL, 10) : 1;
    pthread_setname_np(pthread_self(), "first");
    if (getenv("MISUSE_AMONG_MANY"))
        among = tm_malloc(1 << 20);
    if (amount != 0)
        block = tm_malloc(96);
    misuse->run();
    fprintf(stderr, "not told\n");
    return 1;
}
