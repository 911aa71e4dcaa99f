/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * threadmeter/malloc.h: allocate, and be charged for it.
 *
 * These functions are the C library's, with the prefix tm_. A block that they return is charged to the calling thread,
 * by the number of bytes asked for, until it is freed or reallocated, by any thread. What they do, what they return and
 * how they set errno is as in glibc; the comments below say only what is worth knowing in addition, and where two
 * definitions differ.
 *
 * All of them are thread-safe. None is async-signal-safe (as malloc is not). All may be called in a child after fork(),
 * also of a process with many threads. A block may be freed by any thread.
 *
 * A pointer that tm_free, tm_realloc and the rest do not recognize as one of our blocks is checked:
 *   - If the process's own malloc can have returned it, it is given to the process's own free or realloc, and counted
 *     (tm_process_cross_allocator_calls).
 *   - If it is a block that was freed already, a block whose header is damaged, or no heap memory at all, the process
 *     ends with one line on stderr and abort(), as far as that can be known (docs/guide/misuse.md).
 *
 * Some environment variables are read before the first block: as the program was started with them, whatever it has
 * done to its environment since, or as it has set them itself. Programs with raised privileges ignore them.
 *   - THREADMETER_ON_ERROR=report instead of abort: after the line the program goes on. The pointer is left alone, so
 *     its block leaks and stays charged; tm_realloc returns NULL with EINVAL. tm_process_cross_allocator_calls() counts
 *     it.
 *   - THREADMETER_GUARD=N: N bytes after each block, rounded up to 16 and at most 4,096, are checked when it is freed
 *     or reallocated, and are charged to nobody. A write to them is reported like a damaged header; and so is a pointer
 *     to where nothing can be read, which is a segmentation fault otherwise. That process is slower, of course.
 *   - THREADMETER_CACHE=0: threads keep no freed memory for their next blocks (tm_flush_cache), but give it all to
 *     tcmalloc: for programs that watch tcmalloc, by its hooks, samples or count of bytes in use. Slower. This is also
 *     so with THREADMETER_GUARD and, if the variable is not set, where gperftools' heap profiler or checker is asked
 *     for (HEAPPROFILE, HEAPCHECK). THREADMETER_CACHE=1: threads keep it from their first block on; without the
 *     variable they do after some 64 calls of malloc and free, which many threads never make.
 *   - TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES=N, tcmalloc's own variable, bounds what threads keep, too: three quarters of
 *     N bytes in all, beyond some 10 KB a thread. 32 MiB without the variable.
 */
#ifndef THREADMETER_MALLOC_H
#define THREADMETER_MALLOC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <wchar.h>

#if defined(__GNUC__)
#define TM__ATTRIBUTE(list) __attribute__(list)
#else
#define TM__ATTRIBUTE(list)
#endif

/* The block is new memory, to be freed by tm_free() and nothing else, which GCC 11 can check. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define TM__NEW_BLOCK TM__ATTRIBUTE((__malloc__, __malloc__(tm_free, 1), __warn_unused_result__))
#else
#define TM__NEW_BLOCK TM__ATTRIBUTE((__malloc__, __warn_unused_result__))
#endif

#if defined(__cplusplus) && __cplusplus >= 201103L
#define TM__NOTHROW noexcept
#elif defined(__cplusplus)
#define TM__NOTHROW throw()
#else
#define TM__NOTHROW TM__ATTRIBUTE((__nothrow__))
#endif

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

struct dirent;

/**
 * Frees a block and credits its bytes to the thread that owns it, whichever thread calls. NULL: nothing happens.
 * errno is preserved (POSIX.1-2024, glibc 2.33).
 */
void tm_free(void *block) TM__NOTHROW;

/**
 * A block of `size` bytes, 16-aligned, with undefined contents. 0 bytes: a block of its own, counted as one block of
 * 0 bytes, to be freed like any other. NULL with ENOMEM if there is no memory or size exceeds PTRDIFF_MAX.
 */
void *tm_malloc(size_t size) TM__NOTHROW TM__NEW_BLOCK TM__ATTRIBUTE((__alloc_size__(1)));

/** A block of count * size bytes, all 0. NULL with ENOMEM if the product overflows. Charged: the product. */
void *tm_calloc(size_t count, size_t size) TM__NOTHROW TM__NEW_BLOCK TM__ATTRIBUTE((__alloc_size__(1, 2)));

/**
 * Changes a block's size; the block may move. The caller becomes the owner: it is charged as if it freed the old block
 * and allocated the new one. With NULL it is tm_malloc(size). Size 0 frees the block and returns NULL (glibc; C23
 * leaves it undefined). If it fails, it returns NULL with ENOMEM and nothing has changed: block, contents, owner, every
 * total.
 */
void *tm_realloc(void *block, size_t size) TM__NOTHROW TM__ATTRIBUTE((__warn_unused_result__, __alloc_size__(2)));

/** tm_realloc(block, count * size); but if the product overflows, NULL with ENOMEM, and nothing has changed. */
void *tm_reallocarray(void *block, size_t count, size_t size) TM__NOTHROW
    TM__ATTRIBUTE((__warn_unused_result__, __alloc_size__(2, 3)));

/**
 * C23: tm_free() for a block whose size, and alignment, the caller knows. A block of ours of another size, or not so
 * aligned, is a broken program: one line on stderr, and abort(). Foreign memory is freed without that check.
 */
void tm_free_sized(void *block, size_t size) TM__NOTHROW;
void tm_free_aligned_sized(void *block, size_t alignment, size_t size) TM__NOTHROW;

/** tm_free(), for old programs that call cfree(). */
void tm_cfree(void *block) TM__NOTHROW;

/**
 * A block of `size` bytes at a multiple of `alignment`, which is any power of two for which there is memory. Charged:
 * `size`. NULL with EINVAL if alignment is 0 or not a power of two (C17, C23, glibc 2.38; an older glibc rounds it up,
 * as tm_memalign does), with ENOMEM if there is no memory. A later tm_realloc keeps only 16-byte alignment, as in
 * glibc.
 */
void *tm_aligned_alloc(size_t alignment, size_t size) TM__NOTHROW TM__NEW_BLOCK
    TM__ATTRIBUTE((__alloc_align__(1), __alloc_size__(2)));

/**
 * POSIX: as tm_aligned_alloc, but the result is 0 with the block in *block, or EINVAL if alignment is not a power of
 * two and a multiple of sizeof(void *), or ENOMEM. On error *block is not changed; errno is set only for ENOMEM, as in
 * glibc.
 */
int tm_posix_memalign(void **block, size_t alignment, size_t size) TM__NOTHROW TM__ATTRIBUTE((__nonnull__(1)));

/** As tm_aligned_alloc, but rounds alignment up to a power of two (glibc). NULL with EINVAL if there is none. */
void *tm_memalign(size_t alignment, size_t size) TM__NOTHROW TM__NEW_BLOCK TM__ATTRIBUTE((__alloc_size__(2)));

/** Blocks at a multiple of the page size; tm_pvalloc also rounds the size up to one, and charges the rounded size. */
void *tm_valloc(size_t size) TM__NOTHROW TM__NEW_BLOCK TM__ATTRIBUTE((__alloc_size__(1)));
void *tm_pvalloc(size_t size) TM__NOTHROW TM__NEW_BLOCK;

/**
 * Gives the calling thread's cache back to tcmalloc: the memory of blocks of up to 9,200 bytes that the thread freed
 * last, of each size at most two lists, of 64 blocks or 64 KiB. Gives back the depot, too: such lists on their way from
 * thread to thread, and those of threads that have exited. All of it is charged to nobody, before and after. For a
 * thread that will have nothing to do for long; a thread that goes on soon has a new cache. What other threads keep
 * stays with them. errno is preserved. Does nothing where the library was built without caches (-Ddepot=disabled).
 */
void tm_flush_cache(void) TM__NOTHROW;

/**
 * The bytes of a block that may be used: of our blocks, exactly what was asked for. NULL: 0. Foreign memory: what the
 * process's own malloc_usable_size returns.
 */
size_t tm_malloc_usable_size(void *block) TM__NOTHROW;

/**
 * Copies of strings (POSIX, C23). Charged: the bytes copied, with the terminating null. tm_strndup copies at most
 * `size` bytes and adds the null.
 */
char *tm_strdup(const char *string) TM__NOTHROW TM__NEW_BLOCK TM__ATTRIBUTE((__nonnull__(1)));
char *tm_strndup(const char *string, size_t size) TM__NOTHROW TM__NEW_BLOCK TM__ATTRIBUTE((__nonnull__(1)));
wchar_t *tm_wcsdup(const wchar_t *string) TM__NOTHROW TM__NEW_BLOCK TM__ATTRIBUTE((__nonnull__(1)));

/** Print to a new block in *result. Return its length; or -1 with errno, and NULL in *result. Charged: length + 1. */
int tm_asprintf(char **result, const char *format, ...) TM__NOTHROW
    TM__ATTRIBUTE((__format__(__printf__, 2, 3), __nonnull__(1, 2)));
int tm_vasprintf(char **result, const char *format, va_list arguments) TM__NOTHROW
    TM__ATTRIBUTE((__format__(__printf__, 2, 0), __nonnull__(1, 2)));

/**
 * Read a line, or up to `delimiter`, into *line: a block of *size bytes or NULL, which is grown by tm_realloc, so the
 * calling thread becomes its owner. Return the number of bytes read; or -1, at the end of the file or with errno.
 * (POSIX.1-2008.)
 */
ssize_t tm_getline(char **line, size_t *size, FILE *stream);
ssize_t tm_getdelim(char **line, size_t *size, int delimiter, FILE *stream);

/**
 * Where these return new memory, it is a block of ours. That is tm_realpath with `resolved` NULL, tm_getcwd with
 * `buffer` NULL, and the others always. Charged: the text with the terminating null; by tm_getcwd `size` if that is not
 * 0, which is what glibc allocates.
 */
char *tm_realpath(const char *path, char *resolved) TM__NOTHROW TM__ATTRIBUTE((__warn_unused_result__));
char *tm_canonicalize_file_name(const char *path) TM__NOTHROW TM__NEW_BLOCK;
char *tm_getcwd(char *buffer, size_t size) TM__NOTHROW TM__ATTRIBUTE((__warn_unused_result__));
char *tm_get_current_dir_name(void) TM__NOTHROW TM__NEW_BLOCK;
char *tm_tempnam(const char *directory, const char *prefix) TM__NOTHROW TM__NEW_BLOCK;

/**
 * As scandir(): the entries in a new array in *list; the array and each entry are blocks of ours. Return the number of
 * entries, or -1 with errno. (POSIX.1-2008; the *at forms are glibc's.)
 */
int tm_scandir(const char *directory, struct dirent ***list, int (*filter)(const struct dirent *),
               int (*compare)(const struct dirent **, const struct dirent **)) TM__ATTRIBUTE((__nonnull__(1, 2)));
int tm_scandirat(int base, const char *directory, struct dirent ***list, int (*filter)(const struct dirent *),
                 int (*compare)(const struct dirent **, const struct dirent **)) TM__ATTRIBUTE((__nonnull__(2, 3)));

/**
 * As open_memstream(): a stream that writes into a block of ours, which grows as needed. After fflush or fclose *buffer
 * and *size describe it; after fclose the caller is to free it. The thread that writes becomes its owner.
 * (open_wmemstream has no counterpart: what it allocates stays libc's, and foreign.)
 *
 * As in glibc, *size is the position, also where that is not the end, and a seek past the end adds zeros at once. It is
 * one of glibc's custom streams, and differs in this:
 *   - *buffer and *size are also set by tm_open_memstream itself, and by each write and seek: a custom stream does not
 *     learn of fflush, so nothing may wait for it.
 *   - SEEK_END is from the end of all that was written. In glibc 2.36 it may be from the position, after a seek back,
 *     and what comes after the position is lost.
 *   - Reading sets the error indicator, with EBADF (POSIX). In glibc it is the end of the file, without an error.
 */
FILE *tm_open_memstream(char **buffer, size_t *size) TM__ATTRIBUTE((__nonnull__(1, 2), __warn_unused_result__));

/** As backtrace_symbols(): one block of ours with all strings. Not for broken programs, since it allocates. */
char **tm_backtrace_symbols(void *const *addresses, int count) TM__NOTHROW TM__NEW_BLOCK;

/**
 * The heap that our blocks are in, as glibc describes one (<malloc.h> has the structs). At rest all values are exact to
 * the byte, but for those that are tcmalloc's:
 *   - uordblks: the live bytes of the process by what was asked for, as tm_process_totals() has them.
 *   - arena: what tcmalloc has of the system (its generic.heap_size), minus what it gave back
 *     (pageheap_unmapped_bytes). Our own region, with the table of slots, is not in it.
 *   - fordblks: arena minus uordblks, as in glibc: free memory, headers, rounding, caches.
 *   - fsmblks: of that, free objects in tcmalloc's caches; keepcost: whole free pages, which tm_malloc_trim() gives
 *     back.
 *   - ordblks, smblks, hblks, hblkhd, usmblks: 0. tcmalloc counts no free pieces, and all its memory is in arena.
 *
 * tm_mallinfo returns the same in ints, in which 2 GiB and more are cut off: for programs from before glibc 2.33. Where
 * the process's own malloc is another, neither contains its heap. Not for signal handlers: tcmalloc takes a lock.
 */
struct mallinfo;
struct mallinfo2;
#if defined(__cplusplus) && defined(__clang__) /* which cannot know yet that they are structs of C's */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wreturn-type-c-linkage"
#endif
struct mallinfo tm_mallinfo(void) TM__NOTHROW;
struct mallinfo2 tm_mallinfo2(void) TM__NOTHROW;
#if defined(__cplusplus) && defined(__clang__)
#pragma clang diagnostic pop
#endif

/**
 * Writes what tcmalloc says of its heap to file descriptor 2, as malloc_stats() does. For who owns what: tm_report().
 */
void tm_malloc_stats(void) TM__NOTHROW;

/**
 * Writes tm_mallinfo2() to a stream, as an XML document of glibc's form: one heap, in which "fast" is what caches hold
 * and "rest" all other free memory, so that "current" minus both are the live bytes; counts of pieces are 0, and "max"
 * is the most that tcmalloc ever had of the system. Returns 0; or EINVAL if options is not 0. Errors of the stream are
 * in ferror().
 */
int tm_malloc_info(int options, FILE *stream);

/**
 * Gives free memory back to the system: what the calling thread and the depot keep for next blocks
 * (tm_flush_cache), what tcmalloc keeps for that thread, and then all free pages, if they are more than `pad` bytes. Returns 1 if the system
 * got any of ours, otherwise 0; errno is preserved. What other threads keep stays with them. Where the process's malloc
 * is another, it is trimmed as well, and the result says nothing about that.
 */
int tm_malloc_trim(size_t pad) TM__NOTHROW;

/**
 * Returns 1, and changes nothing for our blocks: tcmalloc is set by its environment, TCMALLOC_*. Where the process's
 * malloc is another, that one is set.
 */
int tm_mallopt(int parameter, int value) TM__NOTHROW;

/**
 * The process's own malloc, free and realloc, whatever macros or redirection say: for memory that a library will free
 * itself, or that a library allocated. Charged to nobody.
 */
void *tm_libc_malloc(size_t size) TM__NOTHROW TM__ATTRIBUTE((__malloc__, __warn_unused_result__, __alloc_size__(1)));
void tm_libc_free(void *memory) TM__NOTHROW;
void *tm_libc_realloc(void *memory, size_t size) TM__NOTHROW TM__ATTRIBUTE((__warn_unused_result__, __alloc_size__(2)));

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
