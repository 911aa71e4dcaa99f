/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies of libc's memory in blocks of ours, and the functions to which redirect.h redirects glibc's internal names. */
#ifndef TM_COPIES_H
#define TM_COPIES_H

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>

#pragma GCC visibility push(default)

/* Makes a block of `size` bytes with the contents of `memory`. NULL with ENOMEM. */
void *tm__copy(const void *memory, size_t size);

ssize_t tm___getdelim(char **line, size_t *size, int delimiter, FILE *stream);
int tm_scandir64(const char *directory, struct dirent64 ***list, int (*filter)(const struct dirent64 *),
                 int (*compare)(const struct dirent64 **, const struct dirent64 **));
int tm_scandirat64(int base, const char *directory, struct dirent64 ***list, int (*filter)(const struct dirent64 *),
                   int (*compare)(const struct dirent64 **, const struct dirent64 **));

#pragma GCC visibility pop

#endif
