/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program for `threadmeter run`: two threads own known amounts, and a signal has an exit status of its own. METERED:
 * it calls threadmeter by name. It prints "secure" if it has more rights than its caller.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#ifdef METERED
#include <threadmeter/malloc.h>
#define malloc tm_malloc
#define free tm_free
#endif

static void *volatile kept[2];

static void *work(void *name)
{
    pthread_setname_np(pthread_self(), name);
    kept[strcmp(name, "large") == 0] = malloc(strcmp(name, "large") == 0 ? 3 << 20 : 900);
    return NULL;
}

static void leave(int number)
{
    (void)number;
    exit(42);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (getauxval(AT_SECURE))
        puts("secure");
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, work, "small");
    pthread_create(&threads[1], NULL, work, "large");
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    if (strcmp(what, "wait") == 0) {
        signal(SIGTERM, leave);
        puts("ready");
        fflush(stdout);
        for (;;)
            pause();
    }
    if (strcmp(what, "overrun") == 0) {
        volatile size_t size = 10;
        volatile char *block = malloc(size);
        block[size] ^= 1; /* the old value may be any */
        free((char *)block);
    }
    return argc > 2 ? atoi(argv[2]) : 0;
}
