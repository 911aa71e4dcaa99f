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

/* NULL for a name: lists them all. */
static const struct misuse *find(const char *name)
{
    const struct misuse *const all[] = {double_frees, damages, pointers};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (const struct misuse *misuse = all[i]; misuse->name; misuse++)
            if (!name)
                puts(misuse->name);
            else if (strcmp(misuse->name, name) == 0)
                return misuse;
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        find(NULL);
        return 0;
    }
    const struct misuse *misuse = argc == 2 || argc == 3 ? find(argv[1]) : NULL;
    if (!misuse) {
        fprintf(stderr, "usage: misuse CASE [N] | --list\n");
        return 2;
    }
    amount = argc == 3 ? strtoul(argv[2], NULL, 10) : 1;
    pthread_setname_np(pthread_self(), "first");
    if (amount != 0)
        block = tm_malloc(96);
    misuse->run();
    fprintf(stderr, "not told\n");
    return 1;
}
