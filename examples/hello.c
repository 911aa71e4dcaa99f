/* SPDX-License-Identifier: BSD-3-Clause */
/* The README's example: a thread allocates a block and exits, main frees it; the totals say which thread owned it. */
#include <pthread.h>
#include <stdio.h>

#include <threadmeter/malloc.h>
#include <threadmeter/totals.h>

static void *parse(void *result)
{
    *(char **)result = tm_strdup("parsed by another thread");
    return NULL;
}

int main(void)
{
    pthread_t parser;
    char *text, *mine = tm_malloc(1000);
    pthread_create(&parser, NULL, parse, &text);
    pthread_join(parser, NULL);

    struct tm_totals totals;
    tm_thread_totals(&totals);
    printf("main owns %lu bytes; the parser, %zu\n", (unsigned long)tm_live_bytes(&totals),
           tm_malloc_usable_size(text));
    fflush(stdout);
    tm_report(1); /* the parser's slot is an orphan: its thread is gone, its block is not */
    tm_free(text);
    tm_free(mine);
    return 0;
}
