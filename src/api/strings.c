/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions that return a string in a new block. */
#define _GNU_SOURCE
#include "api/strings.h"
#include "api/copies.h"
#include "threadmeter/malloc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

char *tm_strdup(const char *string)
{
    return tm__copy(string, strlen(string) + 1);
}

char *tm_strndup(const char *string, size_t size)
{
    size_t length = strnlen(string, size);
    char *copy = tm_malloc(length + 1);
    if (copy) {
        memcpy(copy, string, length);
        copy[length] = '\0';
    }
    return copy;
}

wchar_t *tm_wcsdup(const wchar_t *string)
{
    return tm__copy(string, (wcslen(string) + 1) * sizeof *string);
}

/*
 * glibc's checked vsnprintf. A flag above 0 forbids %n in writable memory. Headers declare it only for _FORTIFY_SOURCE.
 */
extern int __vsnprintf_chk(char *buffer, size_t size, int flag, size_t buffer_size, const char *format,
                           va_list arguments);

__attribute__((format(printf, 3, 0))) static int print(char **result, int flag, const char *format, va_list arguments)
{
    char first[256];
    va_list again;
    va_copy(again, arguments);
    *result = NULL;
    int saved = errno;
    int length = __vsnprintf_chk(first, sizeof first, flag, sizeof first, format, arguments);
    if (length >= 0) {
        size_t size = (size_t)length + 1;
        *result = tm_malloc(size);
        if (!*result) {
            length = -1;
        } else if (size <= sizeof first) {
            memcpy(*result, first, size);
        } else {
            errno = saved; /* for "%m": the allocation may have changed it */
            length = __vsnprintf_chk(*result, size, flag, size, format, again);
        }
    }
    va_end(again);
    if (length < 0 && *result) {
        tm_free(*result);
        *result = NULL;
    }
    return length;
}

int tm_vasprintf(char **result, const char *format, va_list arguments)
{
    return print(result, 0, format, arguments);
}

int tm_asprintf(char **result, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = print(result, 0, format, arguments);
    va_end(arguments);
    return length;
}

/* These are called by programs that are built with -D_FORTIFY_SOURCE. */
int tm___vasprintf_chk(char **result, int flag, const char *format, va_list arguments)
{
    return print(result, flag, format, arguments);
}

int tm___asprintf_chk(char **result, int flag, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = print(result, flag, format, arguments);
    va_end(arguments);
    return length;
}

/* glibc's own names, which the macros and inline functions of its headers call. */
char *tm___strdup(const char *string)
{
    return tm_strdup(string);
}

char *tm___strndup(const char *string, size_t size)
{
    return tm_strndup(string, size);
}
