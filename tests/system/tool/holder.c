/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program for the tool's tests, whose threads own what its arguments say:
 *
 *   holder NAME=COUNTxSIZE[-COUNT][@TAG][!]…
 *
 * Each argument is a thread of that name, which allocates COUNT blocks of SIZE bytes, in TAG if one is given; then main
 * frees -COUNT of them; with "!" the thread exits. When all is done it prints "ready". At each line on stdin the live
 * threads allocate as much again, and it prints "ready" once more. At "end", or the end of stdin, it frees all, and
 * exits.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <threadmeter/malloc.h>
#include <threadmeter/tags.h>

enum { MOST = 64, MOST_BLOCKS = 1 << 20 };

struct holder {
    char name[16], tag[32];
    size_t count, size, freed;
    bool exits, ends;
    pthread_t thread;
    pthread_barrier_t barrier; /* with main, twice in each step: when the thread has allocated, and when it may go on */
    void **blocks;
    size_t owned;
};

static struct holder holders[MOST];

static void meet(struct holder *holder)
{
    pthread_barrier_wait(&holder->barrier);
}

static void *hold(void *arg)
{
    struct holder *holder = arg;
    pthread_setname_np(pthread_self(), holder->name);
    if (*holder->tag)
        tm_tag_enter(tm_tag_open(holder->tag));
    do {
        for (size_t i = 0; i < holder->count && holder->owned < MOST_BLOCKS; i++) {
            void *block = tm_malloc(holder->size);
            if (!block)
                abort();
            memset(block, 1, holder->size);
            holder->blocks[holder->owned++] = block;
        }
        if (holder->exits)
            return NULL;
        meet(holder);
        meet(holder);
    } while (!holder->ends);
    return NULL;
}

static void parse(struct holder *holder, const char *text)
{
    int used = 0;
    if (sscanf(text, "%15[^=]=%zux%zu%n", holder->name, &holder->count, &holder->size, &used) != 3)
        abort();
    text += used;
    if (sscanf(text, "-%zu%n", &holder->freed, &used) == 1)
        text += used;
    if (sscanf(text, "@%31[^!]%n", holder->tag, &used) == 1)
        text += used;
    holder->exits = *text == '!';
}

int main(int argc, char **argv)
{
    char line[64];
    if (argc - 1 > MOST)
        return 2;
    /* One after the other, so that their thread numbers are in order. */
    for (int i = 0; i < argc - 1; i++) {
        struct holder *holder = &holders[i];
        parse(holder, argv[i + 1]);
        holder->blocks = calloc(MOST_BLOCKS, sizeof *holder->blocks);
        if (!holder->blocks || pthread_barrier_init(&holder->barrier, NULL, 2) != 0 ||
            pthread_create(&holder->thread, NULL, hold, holder) != 0)
            return 1;
        if (holder->exits)
            pthread_join(holder->thread, NULL);
        else
            meet(holder);
        for (size_t k = 0; k < holder->freed; k++)
            tm_free(holder->blocks[--holder->owned]);
    }
    for (;;) {
        puts("ready");
        fflush(stdout);
        bool ends = !fgets(line, sizeof line, stdin) || strcmp(line, "end\n") == 0;
        for (int i = 0; i < argc - 1; i++) {
            if (holders[i].exits)
                continue;
            holders[i].ends = ends;
            meet(&holders[i]);
            if (ends)
                pthread_join(holders[i].thread, NULL);
            else
                meet(&holders[i]);
        }
        if (ends)
            break;
    }
    for (int i = 0; i < argc - 1; i++)
        while (holders[i].owned)
            tm_free(holders[i].blocks[--holders[i].owned]);
    return 0;
}
