/* SPDX-License-Identifier: BSD-3-Clause */
/* open_memstream() into a block of ours: one of glibc's custom streams, hidden from exit() and fork(). */
#define _GNU_SOURCE
#include "threadmeter/malloc.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

struct memory {
    char *bytes; /* `capacity` + 1, the last one for the terminating null */
    size_t capacity;
    size_t length;
    size_t position;
    char **buffer; /* the caller's variables, which show() sets */
    size_t *size;
};

static int reserve(struct memory *memory, size_t wanted)
{
    if (wanted <= memory->capacity)
        return 0;
    size_t capacity = wanted > 2 * memory->capacity ? wanted : 2 * memory->capacity;
    char *grown = tm_realloc(memory->bytes, capacity + 1);
    if (!grown)
        return -1;
    memory->bytes = grown;
    memory->capacity = capacity;
    return 0;
}

/*
 * Shows the caller what is there up to the position. That much always is: seek_memory() fills what it skips with zeros.
 */
static void show(struct memory *memory)
{
    *memory->buffer = memory->bytes;
    *memory->size = memory->position;
}

/* Makes room for `end` bytes. */
static int extend(struct memory *memory, size_t end)
{
    if (end >= SIZE_MAX / 4 || reserve(memory, end) != 0) {
        errno = ENOMEM;
        return -1;
    }
    return 0;
}

static ssize_t write_memory(void *cookie, const char *bytes, size_t size)
{
    struct memory *memory = cookie;
    size_t end;
    if (__builtin_add_overflow(memory->position, size, &end))
        end = SIZE_MAX;
    if (extend(memory, end) != 0)
        return 0; /* how a custom stream says that it failed */
    memcpy(memory->bytes + memory->position, bytes, size);
    memory->position = end;
    if (end > memory->length)
        memory->length = end;
    memory->bytes[memory->length] = '\0';
    show(memory);
    return (ssize_t)size;
}

/* As in glibc, a seek beyond the end adds zeros up to there at once; POSIX adds them only at the next write. */
static int seek_memory(void *cookie, off64_t *offset, int whence)
{
    struct memory *memory = cookie;
    off64_t from = whence == SEEK_CUR ? (off64_t)memory->position : whence == SEEK_END ? (off64_t)memory->length : 0;
    off64_t target;
    if (__builtin_add_overflow(from, *offset, &target) || target < 0) {
        errno = EINVAL;
        return -1;
    }
    if (extend(memory, (size_t)target) != 0)
        return -1;
    memory->position = (size_t)target;
    if (memory->position > memory->length) {
        memset(memory->bytes + memory->length, 0, memory->position + 1 - memory->length);
        memory->length = memory->position;
    }
    *offset = target;
    show(memory);
    return 0;
}

static int close_memory(void *cookie)
{
    struct memory *memory = cookie;
    show(memory);
    /* The caller keeps the block and is charged for no more than the contents. As glibc's, they end at the position. */
    char *fitted = tm_realloc(memory->bytes, *memory->size + 1);
    if (fitted)
        *memory->buffer = fitted;
    (*memory->buffer)[*memory->size] = '\0';
    tm_free(memory);
    return 0;
}

/* Part of glibc's interface since 2.0, though no header declares it any more. */
extern void _IO_un_link(FILE *stream);

/*
 * glibc flushes all streams that are in its list. exit() does so without their locks, while another thread may be
 * inside our functions; a fork's child also does so for streams of threads that it does not have, whose variables may
 * not exist any more. glibc's own memory streams are not in the list. So ours is removed from it, as fclose() would do.
 * (In a fork's child the lock of such a stream therefore stays as it was, for glibc's streams as for ours: if another
 * thread had it, the child cannot use the stream.)
 */
static FILE *open_stream(struct memory *memory)
{
    static const cookie_io_functions_t functions = {.write = write_memory, .seek = seek_memory, .close = close_memory};
    FILE *stream = fopencookie(memory, "w", functions);
    if (stream) {
        _IO_un_link(stream);
        setvbuf(stream, NULL, _IONBF, 0); /* the block is the buffer */
    }
    return stream;
}

FILE *tm_open_memstream(char **buffer, size_t *size)
{
    enum { FIRST = 127 };
    struct memory *memory = tm_malloc(sizeof *memory);
    char *bytes = tm_malloc(FIRST + 1);
    FILE *stream = NULL;
    if (memory && bytes) {
        *memory = (struct memory){.bytes = bytes, .capacity = FIRST, .buffer = buffer, .size = size};
        bytes[0] = '\0';
        stream = open_stream(memory);
    }
    if (stream) {
        show(memory);
    } else {
        tm_free(bytes);
        tm_free(memory);
    }
    return stream;
}
