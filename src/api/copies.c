/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Functions of libc that return memory which their caller has to free. Each calls libc's function, copies the result
 * into a block of ours, and frees the original.
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

/*
 * Frees a string of libc's, and returns a copy in a block of ours. NULL with ENOMEM, or with errno as it was if NULL.
 */
static char *copy_and_free(char *original)
{
    char *copy = original ? tm__copy(original, strlen(original) + 1) : NULL;
    free(original);
    return copy;
}

char *tm_realpath(const char *path, char *resolved)
{
    return resolved ? realpath(path, resolved) : copy_and_free(realpath(path, NULL));
}

char *tm_canonicalize_file_name(const char *path)
{
    return copy_and_free(canonicalize_file_name(path));
}

char *tm_getcwd(char *buffer, size_t size)
{
    if (buffer)
        return getcwd(buffer, size);
    if (size == 0)
        return copy_and_free(getcwd(NULL, 0));
    char *block = tm_malloc(size);
    if (block && !getcwd(block, size)) {
        tm_free(block);
        return NULL;
    }
    return block;
}

char *tm_get_current_dir_name(void)
{
    return copy_and_free(get_current_dir_name());
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
char *tm_tempnam(const char *directory, const char *prefix)
{
    /* The linker warns of tempnam, and is right; the caller of tm_tempnam chose it. */
    return copy_and_free(tempnam(directory, prefix));
}
#pragma GCC diagnostic pop

/*
 * Copies the line that getdelim read to the caller's buffer, which grows if needed. Returns what getdelim has to
 * return.
 */
static ssize_t copy_line(char **line, size_t *size, const char *original, ssize_t length)
{
    /*
     * As glibc: a size of 0 means that there is no buffer yet, whatever *line holds. One is made even at the end of the
     * file.
     */
    char *buffer = *size > 0 ? *line : NULL;
    if (!buffer || (length >= 0 && *size <= (size_t)length)) {
        size_t least = 120, needed = length >= 0 ? (size_t)length + 1 : 1;
        size_t grown = buffer && 2 * *size > needed ? 2 * *size : needed > least ? needed : least;
        char *block = tm_realloc(buffer, grown);
        if (!block)
            return -1;
        *line = block;
        *size = grown;
    }
    if (length >= 0)
        memcpy(*line, original, (size_t)length + 1);
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
    char *original = NULL;
    size_t capacity = 0;
    ssize_t length;
    pthread_cleanup_push(free_line, &original); /* a thread may be cancelled while it waits for the line */
    length = getdelim(&original, &capacity, delimiter, stream);
    length = copy_line(line, size, original, length);
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

/* Frees libc's list, and makes *list a copy of it in blocks of ours. `count` is what scandir returned. */
static int copy_and_free_entries(struct dirent **originals, int count, struct dirent ***list)
{
    if (count < 0)
        return count;
    if (!originals) { /* glibc makes no list of 0 entries */
        *list = NULL;
        return 0;
    }
    int copied = 0;
    struct dirent **copies = tm_malloc((size_t)count * sizeof *copies);
    while (copies && copied < count && (copies[copied] = tm__copy(originals[copied], originals[copied]->d_reclen)))
        copied++;
    for (int i = 0; i < count; i++)
        free(originals[i]);
    free(originals);
    if (copies && copied == count) {
        *list = copies;
        return count;
    }
    while (copied > 0)
        tm_free(copies[--copied]);
    tm_free(copies);
    errno = ENOMEM;
    return -1;
}

int tm_scandirat(int base, const char *directory, struct dirent ***list, int (*filter)(const struct dirent *),
                 int (*compare)(const struct dirent **, const struct dirent **))
{
    struct dirent **originals = NULL;
    int count = scandirat(base, directory, &originals, filter, compare);
    return copy_and_free_entries(originals, count, list);
}

int tm_scandir(const char *directory, struct dirent ***list, int (*filter)(const struct dirent *),
               int (*compare)(const struct dirent **, const struct dirent **))
{
    return tm_scandirat(AT_FDCWD, directory, list, filter, compare);
}

/* Where offsets have 64 bits anyway, dirent64 is another name for the same struct. */
static_assert(sizeof(struct dirent) == sizeof(struct dirent64) &&
                  offsetof(struct dirent, d_name) == offsetof(struct dirent64, d_name),
              "dirent and dirent64 are one layout");

int tm_scandirat64(int base, const char *directory, struct dirent64 ***list, int (*filter)(const struct dirent64 *),
                   int (*compare)(const struct dirent64 **, const struct dirent64 **))
{
    struct dirent64 **originals = NULL;
    int count = scandirat64(base, directory, &originals, filter, compare);
    return copy_and_free_entries((struct dirent **)originals, count, (struct dirent ***)list);
}

int tm_scandir64(const char *directory, struct dirent64 ***list, int (*filter)(const struct dirent64 *),
                 int (*compare)(const struct dirent64 **, const struct dirent64 **))
{
    return tm_scandirat64(AT_FDCWD, directory, list, filter, compare);
}

char **tm_backtrace_symbols(void *const *addresses, int count)
{
    char **originals = backtrace_symbols(addresses, count);
    if (!originals)
        return NULL;
    /* As glibc's, one block: the pointers, then the strings that they point to, in the same order. */
    size_t size = (size_t)count * sizeof *originals;
    for (int i = 0; i < count; i++)
        size += strlen(originals[i]) + 1;
    char **copies = tm_malloc(size);
    if (copies) {
        char *string = (char *)(copies + count);
        for (int i = 0; i < count; i++) {
            copies[i] = string;
            string = stpcpy(string, originals[i]) + 1;
        }
    }
    free(originals);
    return copies;
}
