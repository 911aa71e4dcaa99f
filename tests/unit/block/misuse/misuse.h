/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs with one misuse each, in one executable: the case is named on its command line. */
#ifndef MISUSE_H
#define MISUSE_H

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

struct misuse {
    const char *name;
    void (*run)(void);
};

#define CASE(function)                                                                                                 \
    {                                                                                                                  \
#function, function                                                                                            \
    }

/* Each ends with an empty one. */
extern const struct misuse double_frees[], damages[], pointers[];

/* 96 bytes, of the first thread; not with the number 0, where the misuse comes before all blocks. */
extern char *block;

/* The number behind the case's name. */
extern size_t amount;

/* Runs it in a thread called "second". */
void in_second(void *(*run)(void *), void *arg);

#endif
