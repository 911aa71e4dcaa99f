/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs with one misuse each, in one executable: the case is named on its command line. */
#ifndef MISUSE_H
#define MISUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef WITHOUT_THREADMETER /* to see what others say: the names below are macros then */
#include <malloc.h>
#else
#include <threadmeter/malloc.h>
#endif

/* For lines that are told: threads by their names, an address, or a name that chance gives. */
#define ADDRESS "0x[0-9a-f]+"
#define FIRST "first tid [0-9]+"
#define SECOND "second tid [0-9]+"
#define WORKER "worker-3 tid [0-9]+"
#define NEXT_WORKER "worker-4 tid [0-9]+"
#define ANYONE "[a-z0-9 -]+"

struct misuse {
    const char *name;
    void (*run)(void);
    const char
        *line; /* what is told of it, after "threadmeter: ", as a regular expression; NULL: check_misuse.c knows */
    int up_to; /* it is told with each number from 1 to that; 0: without one */
    bool with_guard; /* only with THREADMETER_GUARD=1 */
};

#define CASE(function)                                                                                                 \
    {                                                                                                                  \
        .name = #function, .run = function                                                                             \
    }
#define TOLD(function, line, up_to)                                                                                    \
    {                                                                                                                  \
#function, function, line, up_to, false                                                                        \
    }
#define TOLD_WITH_GUARD(function, line, up_to)                                                                         \
    {                                                                                                                  \
#function, function, line, up_to, true                                                                         \
    }

/* Each ends with an empty one. */
extern const struct misuse double_frees[], damages[], pointers[];

/* 96 bytes, of the first thread; not with the number 0, where the misuse comes before all blocks. */
extern char *block;

/* The number after the case's name. */
extern size_t amount;

/* Runs it in a thread called "second". */
void in_second(void *(*run)(void *), void *arg);

#endif
