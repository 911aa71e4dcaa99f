/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <threadmeter/macros.h>

struct hooks {
    void (*free_fn)(void *);
};

int main(void)
{
    struct hooks hooks;
    hooks.free_fn = free;
    hooks.free_fn(malloc(10));
    char *text = strdup("text");
    text = realloc(text, 100);
    (free)(text);
    if (asprintf(&text, "%d", 5) != 1)
        return 1;
    free(text);
    return 0;
}
