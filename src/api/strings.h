/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions to which redirect.h redirects glibc's internal names. */
#ifndef TM_STRINGS_H
#define TM_STRINGS_H

#include <stdarg.h>
#include <stddef.h>

#pragma GCC visibility push(default)

char *tm___strdup(const char *string);
char *tm___strndup(const char *string, size_t size);
int tm___asprintf_chk(char **result, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));
int tm___vasprintf_chk(char **result, int flag, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#pragma GCC visibility pop

#endif
