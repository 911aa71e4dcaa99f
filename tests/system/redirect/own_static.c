/* SPDX-License-Identifier: BSD-3-Clause */
/* Static functions of the program, with names that redirect.h renames. */
#include <stddef.h>
#include <stdlib.h>

static char *strdup(const char *string)
{
    static char copy[2];
    copy[0] = string[0];
    return copy;
}

static int asprintf(char **result, const char *format, ...)
{
    *result = strdup(format);
    return 1;
}

static void *memalign(size_t alignment, size_t size)
{
    static char where[64];
    return alignment + size < sizeof where ? where : NULL;
}

static char *getcwd(char *buffer, size_t size)
{
    return size ? buffer : NULL;
}

int main(void)
{
    char *text;
    void *block = malloc(10);
    free(block);
    return asprintf(&text, "x") == 1 && text[0] == 'x' && memalign(16, 16) && !getcwd(text, 0) ? 0 : 1;
}
