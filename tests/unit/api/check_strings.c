/* SPDX-License-Identifier: BSD-3-Clause */
/* strings.c: tm_strdup, tm_strndup, tm_wcsdup, tm_asprintf, tm_vasprintf, and what redirect.h gives glibc's aliases. */
#define _GNU_SOURCE
#include "support/support.h"

#include <stdarg.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

extern char *tm___strdup(const char *string);
extern char *tm___strndup(const char *string, size_t size);
extern int tm___asprintf_chk(char **result, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));
extern int tm___vasprintf_chk(char **result, int flag, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static const size_t lengths[] = {0, 1, 15, 16, 17, 119, 120, 254, 255, 256, 257, 1000, 4095, 4096, 70000, 300000};
enum { LENGTHS = sizeof lengths / sizeof lengths[0] };

static char *string_of(size_t length)
{
    static char string[300001];
    for (size_t i = 0; i < length; i++)
        string[i] = (char)('a' + i % 26);
    string[length] = '\0';
    return string;
}

/* Expects that this is the only block, of exactly this size, with these contents. Frees it. */
static void expect_copy(void *copy, const void *of, size_t size)
{
    ck_assert_ptr_nonnull(copy);
    ck_assert_ptr_ne(copy, of);
    ck_assert_uint_eq(tm_malloc_usable_size(copy), size);
    ck_assert_mem_eq(copy, of, size);
    struct tm_totals totals = thread_totals();
    expect_live(&totals, size, 1);
    expect_process_live(size, 1);
    tm_free(copy);
    expect_process_live(0, 0);
}

START_TEST(strdup_copies_each_length)
{
    char *string = string_of(lengths[_i]);
    expect_copy(tm_strdup(string), string, lengths[_i] + 1);
    expect_copy(tm___strdup(string), string, lengths[_i] + 1);
    ck_assert_uint_eq(thread_totals().freed_bytes, 2 * (lengths[_i] + 1));
    expect_no_crossings();
}
END_TEST

START_TEST(strndup_copies_no_more_than_it_may)
{
    static const size_t limits[] = {0, 1, 14, 15, 16, 17, 256, SIZE_MAX - 1, SIZE_MAX};
    char *string = string_of(lengths[_i]);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        char *expected = strndup(string, limits[i]);
        expect_copy(tm_strndup(string, limits[i]), expected, strlen(expected) + 1);
        expect_copy(tm___strndup(string, limits[i]), expected, strlen(expected) + 1);
        free(expected);
    }
    expect_no_crossings();
}
END_TEST

START_TEST(strndup_reads_no_further_than_it_may)
{
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(pages, MAP_FAILED);
    ck_assert_int_eq(mprotect(pages + 4096, 4096, PROT_NONE), 0);
    char *unterminated = pages + 4096 - 10;
    memcpy(unterminated, "0123456789", 10);
    expect_copy(tm_strndup(unterminated, 10), "0123456789", 11);
    expect_copy(tm_strndup(pages + 4096, 0), "", 1);
    munmap(pages, 8192);
}
END_TEST

START_TEST(wcsdup_copies_each_length)
{
    static wchar_t wide[300001];
    wmemset(wide, L'\x20ac', lengths[_i]);
    wide[lengths[_i]] = L'\0';
    expect_copy(tm_wcsdup(wide), wide, (lengths[_i] + 1) * sizeof *wide);
    expect_no_crossings();
}
END_TEST

__attribute__((format(printf, 2, 3))) static int by_vasprintf(char **result, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = tm_vasprintf(result, format, arguments);
    va_end(arguments);
    return length;
}

__attribute__((format(printf, 3, 4))) static int by_vasprintf_chk(char **result, int flag, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = tm___vasprintf_chk(result, flag, format, arguments);
    va_end(arguments);
    return length;
}

START_TEST(asprintf_prints_each_length)
{
    char *string = string_of(lengths[_i]), *result = NULL;
    int length = (int)lengths[_i];
    ck_assert_int_eq(tm_asprintf(&result, "%s", string), length);
    expect_copy(result, string, lengths[_i] + 1);
    ck_assert_int_eq(by_vasprintf(&result, "%s", string), length);
    expect_copy(result, string, lengths[_i] + 1);
    for (int flag = 0; flag <= 2; flag++) {
        ck_assert_int_eq(tm___asprintf_chk(&result, flag, "%s", string), length);
        expect_copy(result, string, lengths[_i] + 1);
        ck_assert_int_eq(by_vasprintf_chk(&result, flag, "%s", string), length);
        expect_copy(result, string, lengths[_i] + 1);
    }
    ck_assert_uint_eq(process_totals().allocated_blocks, 8);
    expect_no_crossings();
}
END_TEST

/* Each kind of argument is fetched a second time for output of more than 255 bytes. */
START_TEST(asprintf_prints_what_glibc_does)
{
    static const int widths[] = {1, 100, 240, 256, 3000};
    char *theirs, *ours;
    int width = widths[_i];
    int at[2] = {-1, -1};
    int length = asprintf(&theirs, "%*d|%c|%s|%.10g|%ld|%zu|%p|%ls|%%|%.3Lf|%n", width, -7, 'c', "string", 2.5, -3l,
                          (size_t)4, (void *)&at, L"wide", 1.25L, &at[0]);
    ck_assert_int_eq(tm_asprintf(&ours, "%*d|%c|%s|%.10g|%ld|%zu|%p|%ls|%%|%.3Lf|%n", width, -7, 'c', "string", 2.5,
                                 -3l, (size_t)4, (void *)&at, L"wide", 1.25L, &at[1]),
                     length);
    ck_assert_int_eq(at[0], length);
    ck_assert_int_eq(at[1], length);
    expect_copy(ours, theirs, (size_t)length + 1);
    free(theirs);

    length = asprintf(&theirs, "%2$*1$d|%3$s|%2$d", width, 5, "last");
    ck_assert_int_eq(tm_asprintf(&ours, "%2$*1$d|%3$s|%2$d", width, 5, "last"), length);
    expect_copy(ours, theirs, (size_t)length + 1);
    free(theirs);
    expect_no_crossings();
}
END_TEST

START_TEST(a_failed_asprintf_says_why_as_glibc_does)
{
    static const wchar_t unprintable[] = L"\x20ac"; /* no such character in the C locale */
    char too_wide[] = "%4294967296d";
    char *theirs, *ours = string_of(1);
    errno = 0;
    ck_assert_int_eq(asprintf(&theirs, "%ls", unprintable), -1);
    int expected = errno;
    ck_assert_int_eq(expected, EILSEQ);
    errno = 0;
    ck_assert_int_eq(tm_asprintf(&ours, "%ls", unprintable), -1);
    ck_assert_int_eq(errno, expected);
    ck_assert_ptr_null(ours);

    ours = string_of(1);
    errno = 0;
    ck_assert_int_eq(tm_asprintf(&ours, "%1000d%ls", 1, unprintable), -1);
    ck_assert_int_eq(errno, expected);
    ck_assert_ptr_null(ours);

    errno = 0;
    ck_assert_int_eq(asprintf(&theirs, too_wide, 1), -1);
    ck_assert_int_eq(errno, EOVERFLOW);
    ours = string_of(1);
    errno = 0;
    ck_assert_int_eq(tm_asprintf(&ours, too_wide, 1), -1);
    ck_assert_int_eq(errno, EOVERFLOW);
    ck_assert_ptr_null(ours);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
    expect_no_crossings();
}
END_TEST

/* An allocator that finds no room at the break looks elsewhere, with errno set. */
START_TEST(asprintf_prints_the_errno_of_its_caller)
{
    uintptr_t end_of_page = ((uintptr_t)sbrk(0) + 4095) / 4096 * 4096;
    mmap((void *)end_of_page, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    char *result;
    errno = EACCES;
    int length = tm_asprintf(&result, "%20000000d: %m", 1);
    ck_assert_int_eq(length, 20000000 + (int)strlen(": Permission denied"));
    ck_assert_str_eq(result + 20000000, ": Permission denied");
    expect_process_live((size_t)length + 1, 1);
    tm_free(result);
    expect_process_live(0, 0);
}
END_TEST

/* Reads what a child prints on stderr; returns its wait status. */
static int run_child(void (*body)(void), char *output, size_t capacity)
{
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        hear_stderr(ends[1]);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        body();
        _exit(0);
    }
    close(ends[1]);
    size_t used = 0;
    for (ssize_t got; used + 1 < capacity && (got = read(ends[0], output + used, capacity - 1 - used)) > 0;)
        used += (size_t)got;
    output[used] = '\0';
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

static char writable[] = "%d%n";

static void print_with_flag_0(void)
{
    char *result;
    int count = 0;
    if (tm___asprintf_chk(&result, 0, writable, 12, &count) != 2 || count != 2)
        _exit(1);
    tm_free(result);
}

static void print_with_flag_1(void)
{
    char *result;
    int count = 0;
    (void)!tm___asprintf_chk(&result, 1, writable, 12, &count);
}

static void vprint_with_flag_1(void)
{
    char *result;
    int count = 0;
    (void)!by_vasprintf_chk(&result, 1, writable, 12, &count);
}

START_TEST(the_chk_forms_forbid_n_in_writable_memory)
{
    char output[1000];
    int status = run_child(print_with_flag_0, output, sizeof output);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    void (*const forbidden[])(void) = {print_with_flag_1, vprint_with_flag_1};
    for (int i = 0; i < 2; i++) {
        status = run_child(forbidden[i], output, sizeof output);
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %#x", status);
        ck_assert_ptr_nonnull(strstr(output, "%n in writable segment detected"));
    }
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
}
END_TEST

START_TEST(no_memory_is_ENOMEM_and_charged_to_nobody)
{
    enum { LENGTH = 64 << 20 };
    static char string[LENGTH + 1];
    static wchar_t wide[LENGTH / 4 + 1];
    memset(string, 'x', LENGTH);
    wmemset(wide, L'x', LENGTH / 4);
    void *warm_up = tm_malloc(1); /* tables and first spans */
    size_t pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    ck_assert_int_eq(fscanf(statm, "%zu", &pages), 1);
    fclose(statm);
    struct rlimit limit = {.rlim_cur = pages * 4096 + LENGTH / 2, .rlim_max = RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);

    struct tm_totals before = process_totals();
    char *result = string;
    errno = 0;
    ck_assert_ptr_null(tm_strdup(string));
    ck_assert_int_eq(errno, ENOMEM);
    errno = 0;
    ck_assert_ptr_null(tm_strndup(string, LENGTH));
    ck_assert_int_eq(errno, ENOMEM);
    errno = 0;
    ck_assert_ptr_null(tm_wcsdup(wide));
    ck_assert_int_eq(errno, ENOMEM);
    errno = 0;
    ck_assert_int_eq(tm_asprintf(&result, "%s", string), -1);
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_ptr_null(result);
    struct tm_totals after = process_totals();
    ck_assert_mem_eq(&before, &after, sizeof before);
    tm_free(warm_up);
    expect_process_live(0, 0);
}
END_TEST

static void *print_string(void *result)
{
    ck_assert_int_eq(tm_asprintf(result, "%300s", "by another"), 300);
    return NULL;
}

START_TEST(a_string_is_charged_to_who_made_it)
{
    char *own = tm_strdup("own"), *others;
    in_thread(print_string, &others);
    struct tm_totals totals = thread_totals();
    expect_live(&totals, 4, 1);
    expect_process_live(4 + 301, 2);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 1);
    tm_free(others);
    tm_free(own);
    expect_process_live(0, 0);
    expect_no_crossings();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("strings");
    TCase *tcase = add_case(suite, "strings", 60);
    tcase_add_loop_test(tcase, strdup_copies_each_length, 0, LENGTHS);
    tcase_add_loop_test(tcase, strndup_copies_no_more_than_it_may, 0, LENGTHS);
    tcase_add_test(tcase, strndup_reads_no_further_than_it_may);
    tcase_add_loop_test(tcase, wcsdup_copies_each_length, 0, LENGTHS);
    tcase_add_loop_test(tcase, asprintf_prints_each_length, 0, LENGTHS);
    tcase_add_loop_test(tcase, asprintf_prints_what_glibc_does, 0, 5);
    tcase_add_test(tcase, a_failed_asprintf_says_why_as_glibc_does);
    tcase_add_test(tcase, asprintf_prints_the_errno_of_its_caller);
    if (!SANITIZED) /* whose vsnprintf has no flag */
        tcase_add_test(tcase, the_chk_forms_forbid_n_in_writable_memory);
    if (!SANITIZED)
        add_unless_emulated(tcase, no_memory_is_ENOMEM_and_charged_to_nobody, NO_LIMIT_OF_MEMORY);
    tcase_add_test(tcase, a_string_is_charged_to_who_made_it);
    return run_suite(suite);
}
