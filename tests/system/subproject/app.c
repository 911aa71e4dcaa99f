/* SPDX-License-Identifier: BSD-3-Clause */
#define _DEFAULT_SOURCE
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <threadmeter/malloc.h>
#include <threadmeter/totals.h>

#ifdef REDIRECTED
void *plain(void);
#else
static void *plain(void)
{
    return tm_malloc(100);
}
#endif

/* However this project got tcmalloc, only the process's malloc may move the break. */
static bool break_stays(void)
{
    const void *before = sbrk(0);
    for (int i = 0; i < 64; i++) {
        void *volatile block = tm_malloc(1 << 20);
        if (!block)
            return false;
    }
    return sbrk(0) == before;
}

int main(void)
{
    struct tm_totals totals;
    void *block = plain();
    tm_thread_totals(&totals);
    tm_free(block);
    return tm_live_bytes(&totals) == 100 && break_stays() ? EXIT_SUCCESS : EXIT_FAILURE;
}
