/* SPDX-License-Identifier: BSD-3-Clause */
/* A program with a strdup of its own. Redirected, it exports tm_strdup, but the library must still use its own one. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int called;

char *strdup(const char *string)
{
    char *copy = malloc(strlen(string) + 1);
    called++;
    return copy ? strcpy(copy, string) : NULL;
}

extern char *__strdup(const char *string);

int main(void)
{
    free(strdup("mine"));
    free(__strdup("the library's"));
    return called == 1 ? 0 : 1;
}
