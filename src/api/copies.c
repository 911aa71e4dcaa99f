/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What libc allocates for its callers: libc is asked, the result copied into a block of ours, and the original freed.
 */
#define _GNU_SOURCE
#include "api/copies.h"
#include "threadmeter/malloc.h"

#include <assert.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *tm__copy(const void *memory, size_t size)
{
    void *copy = tm_malloc(size);
    return copy ? memcpy(copy, memory, size) : NULL;
}

/* Takes over a string of libc's: a copy that is ours, or NULL with errno as it is or ENOMEM. */
static char *adopt(char *theirs)
{
    char *ours = theirs ? tm__copy(theirs, strlen(theirs) + 1) : NULL;
    free(theirs);
    return ours;
}

char *tm_realpath(const char *path, char *resolved)
{
    return resolved ? realpath(path, resolved) : adopt(realpath(path, NULL));
}

char *tm_canonicalize_file_name(const char *path)
{
    return adopt(canonicalize_file_name(path));
}

char *tm_getcwd(char *buffer, size_t size)
{
    if (buffer)
        return getcwd(buffer, size);
    if (size == 0)
        return adopt(getcwd(NULL, 0));
    char *ours = tm_malloc(size);
    if (ours && !getcwd(ours, size)) {
        tm_free(ours);
        return NULL;
    }
    return ours;
}

char *tm_get_current_dir_name(void)
{
    return adopt(get_current_dir_name());
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
char *tm_tempnam(const char *directory, const char *prefix)
{
    return adopt(tempnam(directory, prefix)); /* the linker warns of it, rightly; who calls tm_tempnam has chosen it */
}
#pragma GCC diagnostic pop

/* Copies what getdelim gave to the caller's buffer, which grows if it must; what getdelim is to return. */
static ssize_t move_line(char **line, size_t *size, const char *theirs, ssize_t length)
{
    /*
     * As glibc: a size of 0 says that *line is no buffer, whatever it holds; at the end of the file there is one, too.
     */
    char *buffer = *size > 0 ? *line : NULL;
    if (!buffer || (length >= 0 && *size <= (size_t)length)) {
        size_t least = 120, needed = length >= 0 ? (size_t)length + 1 : 1;
        size_t grown = buffer && 2 * *size > needed ? 2 * *size : needed > least ? needed : least;
        char *ours = tm_realloc(buffer, grown);
        if (!ours)
            return -1;
        *line = ours;
        *size = grown;
    }
    if (length >= 0)
        memcpy(*line, theirs, (size_t)length + 1);
    return length;
}

static void free_line(void *line)
{
    free(*(char **)line);
}

ssize_t tm_getdelim(char **line, size_t *size, int delimiter, FILE *stream)
{
    if (!line || !size || !stream) {
        errno = EINVAL;
        return -1;
    }
    char *theirs = NULL;
    size_t capacity = 0;
    ssize_t length;
    pthread_cleanup_push(free_line, &theirs); /* a thread may be cancelled as it waits for the line */
    length = getdelim(&theirs, &capacity, delimiter, stream);
    length = move_line(line, size, theirs, length);
    pthread_cleanup_pop(1);
    return length;
}

ssize_t tm___getdelim(char **line, size_t *size, int delimiter, FILE *stream)
{
    return tm_getdelim(line, size, delimiter, stream);
}

ssize_t tm_getline(char **line, size_t *size, FILE *stream)
{
    return tm_getdelim(line, size, '\n', stream);
}

/* Frees libc's list and moves it to ours; `count` as scandir returned it. */
static int adopt_entries(struct dirent **theirs, int count, struct dirent ***list)
{
    if (count < 0)
        return count;
    if (!theirs) { /* of 0 entries: glibc makes no list */
        *list = NULL;
        return 0;
    }
    int copied = 0;
    struct dirent **ours = tm_malloc((size_t)count * sizeof *ours);
    while (ours && copied < count && (ours[copied] = tm__copy(theirs[copied], theirs[copied]->d_reclen)))
        copied++;
    for (int i = 0; i < count; i++)
        free(theirs[i]);
    free(theirs);
    if (ours && copied == count) {
        *list = ours;
        return count;
    }
    while (copied > 0)
        tm_free(ours[--copied]);
    tm_free(ours);
    errno = ENOMEM;
    return -1;
}

int tm_scandirat(int base, const char *directory, struct dirent ***list, int (*filter)(const struct dirent *),
                 int (*compare)(const struct dirent **, const struct dirent **))
{
    struct dirent **theirs = NULL;
    int count = scandirat(base, directory, &theirs, filter, compare);
    return adopt_entries(theirs, count, list);
}

int tm_scandir(const char *directory, struct dirent ***list, int (*filter)(const struct dirent *),
               int (*compare)(const struct dirent **, const struct dirent **))
{
    return tm_scandirat(AT_FDCWD, directory, list, filter, compare);
}

/* The same entries under another name, where offsets have 64 bits anyway. */
static_assert(sizeof(struct dirent) == sizeof(struct dirent64) &&
                  offsetof(struct dirent, d_name) == offsetof(struct dirent64, d_name),
              "dirent and dirent64 are one layout");

int tm_scandirat64(int base, const char *directory, struct dirent64 ***list, int (*filter)(const struct dirent64 *),
                   int (*compare)(const struct dirent64 **, const struct dirent64 **))
{
    struct dirent64 **theirs = NULL;
    int count = scandirat64(base, directory, &theirs, filter, compare);
    return adopt_entries((struct dirent **)theirs, count, (struct dirent ***)list);
}

int tm_scandir64(const char *directory, struct dirent64 ***list, int (*filter)(const struct dirent64 *),
                 int (*compare)(const struct dirent64 **, const struct dirent64 **))
{
    return tm_scandirat64(AT_FDCWD, directory, list, filter, compare);
}

char **tm_backtrace_symbols(void *const *addresses, int count)
{
    char **theirs = backtrace_symbols(addresses, count);
    if (!theirs)
        return NULL;
    /* One block: pointers, then the strings that they point to, in order. */
    size_t size = (size_t)count * sizeof *theirs;
    for (int i = 0; i < count; i++)
        size += strlen(theirs[i]) + 1;
    char **ours = tm_malloc(size);
    if (ours) {
        char *string = (char *)(ours + count);
        for (int i = 0; i < count; i++) {
            ours[i] = string;
            string = stpcpy(string, theirs[i]) + 1;
        }
    }
    free(theirs);
    return ours;
}
