/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program that is not redirected, with other_side.c as its redirected library: linked, or opened as a plugin, if
 * LIBRARY is its path; MODE is the second argument of dlopen(). If the program has an argument, each of the two frees a
 * block of the other; else the library frees its own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#ifndef MODE
#define MODE RTLD_NOW
#endif

void other_free(void *block);
char *other_text(void);

int main(int argc, char **argv)
{
    (void)argv;
#ifdef LIBRARY
    void *plugin = dlopen(LIBRARY, MODE);
    if (!plugin)
        return 2;
    void (*their_free)(void *) = (void (*)(void *))dlsym(plugin, "other_free");
    char *(*their_text)(void) = (char *(*)(void))dlsym(plugin, "other_text");
#else
    void (*their_free)(void *) = other_free;
    char *(*their_text)(void) = other_text;
#endif
    void (*volatile my_free)(void *) = free;
    char *text = their_text();
    int right = strncmp(text, "from the other side", 19) == 0;
    if (argc > 1) {
        my_free(text);
        their_free(malloc(100));
    } else {
        their_free(text);
    }
    return right ? 0 : 1;
}
