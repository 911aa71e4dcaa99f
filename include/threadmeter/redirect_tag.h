/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threadmeter/redirect_tag.h: charges what one unit of a redirected program allocates to a tag, with no change to the
 * unit:
 *
 *     cc $(pkg-config --cflags threadmeter-redirect) -DTM_TAG=parser -c parser.c
 *
 * Included by redirect.h. A pragma can rename malloc, but cannot pass it a tag; so malloc is renamed to a function that
 * knows its tag. There is one for each tag: weak, so that the linker keeps only one for many units, and hidden, so that
 * each library has its own. All names here are ones that no unit has otherwise, and nothing needs the program's
 * headers.
 */
#ifndef THREADMETER_REDIRECT_TAG_H
#define THREADMETER_REDIRECT_TAG_H

#pragma GCC system_header

#define TM__UNIT_PASTE2(tag, name) tm__in_##tag##_##name
#define TM__UNIT_PASTE(tag, name) TM__UNIT_PASTE2(tag, name)
#define TM__UNIT(name) TM__UNIT_PASTE(TM_TAG, name)
#define TM__UNIT_STRING2(tag) #tag
#define TM__UNIT_STRING(tag) TM__UNIT_STRING2(tag)
#define TM__UNIT_PRAGMA(words) _Pragma(#words)
#define TM__UNIT_RENAME(name, ours) TM__UNIT_PRAGMA(redefine_extname name ours)
#define TM__UNIT_SHARED __attribute__((weak, visibility("hidden")))

/*
 * libc's headers define some of these names, too, only for inlining. clang takes that for a second definition; so with
 * clang our function has another name, and only the assembler knows that the two are the same.
 */
#ifdef __clang__
#define TM__UNIT_OURS(name) TM__UNIT(name##_)
#define TM__UNIT_SYMBOL(name) "tm__in_" TM__UNIT_STRING(TM_TAG) "_" #name
#define TM__UNIT_BOTH(name)                                                                                            \
    __asm__(".weak " TM__UNIT_SYMBOL(name) "\n.hidden " TM__UNIT_SYMBOL(name) "\n.set " TM__UNIT_SYMBOL(               \
        name) ", " TM__UNIT_SYMBOL(name##_));
#define TM__UNIT_KEPT TM__UNIT_SHARED __attribute__((used))
#else
#define TM__UNIT_OURS(name) TM__UNIT(name)
#define TM__UNIT_BOTH(name)
#define TM__UNIT_KEPT TM__UNIT_SHARED
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef char tm__unit_tag_is_no_longer_than_31[sizeof TM__UNIT_STRING(TM_TAG) <= 32 ? 1 : -1];

/* The tag's number, once the first call has opened it. */
extern int TM__UNIT(tag);
int TM__UNIT(tag) TM__UNIT_SHARED;

extern int tm__unit_enter(int *tag, const char *name) __asm__("tm__enter_unit");
extern void tm__unit_leave(int previous) __asm__("tm_tag_leave");

#define TM__UNIT_IN_TAG(type, call)                                                                                    \
    {                                                                                                                  \
        type result;                                                                                                   \
        int previous = tm__unit_enter(&TM__UNIT(tag), TM__UNIT_STRING(TM_TAG));                                        \
        result = call;                                                                                                 \
        tm__unit_leave(previous);                                                                                      \
        return result;                                                                                                 \
    }

/* Our function, under a name of this unit's; and the function that the unit calls instead. */
#define TM__UNIT_FUNCTION(type, name, parameters, arguments)                                                           \
    TM__UNIT_RENAME(name, TM__UNIT(name))                                                                              \
    extern type tm__unit_##name parameters __asm__("tm_" #name);                                                       \
    TM__UNIT_BOTH(name)                                                                                                \
    extern type TM__UNIT_OURS(name) parameters;                                                                        \
    TM__UNIT_KEPT type TM__UNIT_OURS(name)                                                                             \
    parameters TM__UNIT_IN_TAG(type, tm__unit_##name arguments)

typedef __SIZE_TYPE__ tm__unit_size;

TM__UNIT_FUNCTION(void *, malloc, (tm__unit_size size), (size))
TM__UNIT_FUNCTION(void *, calloc, (tm__unit_size count, tm__unit_size size), (count, size))
TM__UNIT_FUNCTION(void *, realloc, (void *block, tm__unit_size size), (block, size))
TM__UNIT_FUNCTION(void *, reallocarray, (void *block, tm__unit_size count, tm__unit_size size), (block, count, size))
TM__UNIT_FUNCTION(void *, aligned_alloc, (tm__unit_size alignment, tm__unit_size size), (alignment, size))
TM__UNIT_FUNCTION(void *, memalign, (tm__unit_size alignment, tm__unit_size size), (alignment, size))
TM__UNIT_FUNCTION(int, posix_memalign, (void **block, tm__unit_size alignment, tm__unit_size size),
                  (block, alignment, size))
TM__UNIT_FUNCTION(void *, valloc, (tm__unit_size size), (size))
TM__UNIT_FUNCTION(void *, pvalloc, (tm__unit_size size), (size))
TM__UNIT_FUNCTION(char *, strdup, (const char *string), (string))
TM__UNIT_FUNCTION(char *, __strdup, (const char *string), (string))
TM__UNIT_FUNCTION(char *, strndup, (const char *string, tm__unit_size most), (string, most))
TM__UNIT_FUNCTION(char *, __strndup, (const char *string, tm__unit_size most), (string, most))
TM__UNIT_FUNCTION(void *, wcsdup, (const void *string), (string))
TM__UNIT_FUNCTION(int, vasprintf, (char **string, const char *format, __builtin_va_list values),
                  (string, format, values))
TM__UNIT_FUNCTION(int, __vasprintf_chk, (char **string, int flag, const char *format, __builtin_va_list values),
                  (string, flag, format, values))
TM__UNIT_FUNCTION(long, getline, (char **line, tm__unit_size *size, void *stream), (line, size, stream))
TM__UNIT_FUNCTION(long, getdelim, (char **line, tm__unit_size *size, int delimiter, void *stream),
                  (line, size, delimiter, stream))
TM__UNIT_FUNCTION(long, __getdelim, (char **line, tm__unit_size *size, int delimiter, void *stream),
                  (line, size, delimiter, stream))
TM__UNIT_FUNCTION(char *, realpath, (const char *path, char *resolved), (path, resolved))
TM__UNIT_FUNCTION(char *, canonicalize_file_name, (const char *path), (path))
TM__UNIT_FUNCTION(char *, getcwd, (char *buffer, tm__unit_size size), (buffer, size))
TM__UNIT_FUNCTION(char *, get_current_dir_name, (void), ())
TM__UNIT_FUNCTION(char *, tempnam, (const char *directory, const char *prefix), (directory, prefix))
TM__UNIT_FUNCTION(int, scandir, (const char *directory, void *list, void *filter, void *compare),
                  (directory, list, filter, compare))
TM__UNIT_FUNCTION(int, scandir64, (const char *directory, void *list, void *filter, void *compare),
                  (directory, list, filter, compare))
TM__UNIT_FUNCTION(int, scandirat, (int base, const char *directory, void *list, void *filter, void *compare),
                  (base, directory, list, filter, compare))
TM__UNIT_FUNCTION(int, scandirat64, (int base, const char *directory, void *list, void *filter, void *compare),
                  (base, directory, list, filter, compare))
TM__UNIT_FUNCTION(void *, backtrace_symbols, (void *const *addresses, int count), (addresses, count))

/* Functions with variable arguments call those that take a va_list. */
#define TM__UNIT_VARIADIC(name, parameters, last, call)                                                                \
    TM__UNIT_RENAME(name, TM__UNIT(name))                                                                              \
    TM__UNIT_BOTH(name)                                                                                                \
    extern int TM__UNIT_OURS(name) parameters;                                                                         \
    TM__UNIT_KEPT int TM__UNIT_OURS(name) parameters                                                                   \
    {                                                                                                                  \
        int result;                                                                                                    \
        __builtin_va_list values;                                                                                      \
        __builtin_va_start(values, last);                                                                              \
        result = call;                                                                                                 \
        __builtin_va_end(values);                                                                                      \
        return result;                                                                                                 \
    }

TM__UNIT_VARIADIC(asprintf, (char **string, const char *format, ...), format,
                  TM__UNIT_OURS(vasprintf)(string, format, values))
TM__UNIT_VARIADIC(__asprintf_chk, (char **string, int flag, const char *format, ...), format,
                  TM__UNIT_OURS(__vasprintf_chk)(string, flag, format, values))

#ifdef __cplusplus
}
#endif

#endif
