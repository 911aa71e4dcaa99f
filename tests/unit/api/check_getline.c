/* SPDX-License-Identifier: BSD-3-Clause */
/* copies.c: getline and getdelim, into blocks of ours and of others. libc itself is the oracle. */
#define _GNU_SOURCE
#include "support/support.h"

extern ssize_t tm___getdelim(char **line, size_t *size, int delimiter, FILE *stream);

/* Files to read: a text, or lines, each some bytes longer than the one before. */
static const struct {
    const char *text;
    size_t length;
    int lines, step;
} inputs[] = {
    {"", 0, 0, 0},
    {"\n", 1, 0, 0},
    {"no newline at the end", 21, 0, 0},
    {"one\ntwo\nthree", 13, 0, 0},
    {"one\n\ntwo;three;\n;\n", 18, 0, 0},
    {"nulls\0in\0it\n\0\n\0\0", 16, 0, 0},
    {NULL, 119, 5, 0},
    {NULL, 120, 5, 0},
    {NULL, 0, 300, 1},
    {NULL, 4090, 10, 1},
    {NULL, 10000, 100, -100},
    {NULL, 0, 101, 100},
};
enum { INPUTS = sizeof inputs / sizeof inputs[0] };

static FILE *open_input(int row)
{
    FILE *stream = tmpfile();
    ck_assert_ptr_nonnull(stream);
    if (inputs[row].text)
        fwrite(inputs[row].text, inputs[row].length, 1, stream);
    for (int i = 0, length = (int)inputs[row].length; i < inputs[row].lines; i++, length += inputs[row].step)
        fprintf(stream, "%*s\n", length, length ? "x" : "");
    rewind(stream);
    return stream;
}

typedef ssize_t read_function(char **line, size_t *size, int delimiter, FILE *stream);

static ssize_t by_getline(char **line, size_t *size, int delimiter, FILE *stream)
{
    ck_assert_int_eq(delimiter, '\n');
    return tm_getline(line, size, stream);
}

/* Reads all of a file both ways, beginning with a block of `size` bytes or none. */
static void compare_reading(int row, read_function *read_one, int delimiter, size_t size)
{
    FILE *streams[] = {open_input(row), open_input(row)};
    char *ours = size ? tm_malloc(size) : NULL, *theirs = NULL;
    size_t theirs_size = 0;
    for (ssize_t expected = 0; expected >= 0;) {
        expected = getdelim(&theirs, &theirs_size, delimiter, streams[1]);
        errno = 4321;
        ck_assert_int_eq(read_one(&ours, &size, delimiter, streams[0]), expected);
        ck_assert_int_eq(errno, 4321);
        ck_assert_ptr_nonnull(ours); /* at the end of an empty file, too */
        if (expected >= 0)
            ck_assert_mem_eq(ours, theirs, (size_t)expected + 1);
        ck_assert_uint_eq(tm_malloc_usable_size(ours), size);
        expect_process_live(size, 1);
        ck_assert_int_eq(feof(streams[0]), feof(streams[1]));
        ck_assert_int_eq(ftell(streams[0]), ftell(streams[1]));
    }
    tm_free(ours);
    free(theirs);
    fclose(streams[0]);
    fclose(streams[1]);
    expect_process_live(0, 0);
    expect_no_crossings();
}

START_TEST(getline_reads_what_glibc_does)
{
    static const size_t sizes[] = {0, 1, 2, 60, 119, 120, 121, 20000};
    static const int delimiters[] = {'\n', ';', '\0', 'x', 0xff, 256 + '\n'};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        compare_reading(_i, by_getline, '\n', sizes[i]);
        for (size_t j = 0; j < sizeof delimiters / sizeof delimiters[0]; j++) {
            compare_reading(_i, tm_getdelim, delimiters[j], sizes[i]);
            compare_reading(_i, tm___getdelim, delimiters[j], sizes[i]);
        }
    }
}
END_TEST

/* To glibc a size of 0 says that there is no buffer, so a pointer never set does no harm. */
START_TEST(a_size_of_0_is_no_buffer)
{
    char *line = (char *)(uintptr_t)0x10, *theirs = (char *)(uintptr_t)0x10;
    size_t size = 0, theirs_size = 0;
    FILE *stream = open_input(_i);
    ssize_t expected = getline(&theirs, &theirs_size, stream);
    rewind(stream);
    ck_assert_int_eq(tm_getline(&line, &size, stream), expected);
    if (expected >= 0)
        ck_assert_mem_eq(line, theirs, (size_t)expected + 1);
    ck_assert_uint_eq(tm_malloc_usable_size(line), size);
    expect_process_live(size, 1);
    tm_free(line);
    free(theirs);
    fclose(stream);
    expect_process_live(0, 0);
    expect_no_crossings();
}
END_TEST

START_TEST(getline_errors_are_glibcs)
{
    char *line = NULL;
    size_t size = 0;
    FILE *writer = fopen("/dev/null", "w"), *reader = fopen("/dev/null", "r"), *folder = fopen("/", "r");
    EXPECT_ERROR(EINVAL, tm_getline(NULL, &size, reader) == -1);
    EXPECT_ERROR(EINVAL, tm_getline(&line, NULL, reader) == -1);
    EXPECT_ERROR(EINVAL, tm_getdelim(&line, &size, ';', NULL) == -1);
    ck_assert_ptr_null(line);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);

    EXPECT_ERROR(EBADF, tm_getline(&line, &size, writer) == -1);
    ck_assert_int_ne(ferror(writer), 0);
    EXPECT_ERROR(EISDIR, tm_getline(&line, &size, folder) == -1);
    expect_process_live(size, line ? 1 : 0);
    tm_free(line);
    fclose(writer);
    fclose(reader);
    fclose(folder);
    expect_process_live(0, 0);
    expect_no_crossings();
}
END_TEST

/* A buffer of the process's malloc stays one of those, as it grows. */
START_TEST(a_foreign_buffer_stays_foreign)
{
    size_t size = 10;
    char *line = tm_libc_malloc(size);
    FILE *stream = open_input(INPUTS - 1);
    for (int i = 0; i <= 100; i++)
        ck_assert_int_eq(tm_getline(&line, &size, stream), 100 * i + 1);
    ck_assert_int_eq(tm_getline(&line, &size, stream), -1);
    ck_assert_uint_ge(size, 10002);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
    uint64_t reallocs = cross_allocator_calls().foreign_reallocs;
    ck_assert(reallocs > 0 && reallocs < 12); /* it grows by doubling */
    tm_free(line);
    ck_assert_uint_eq(cross_allocator_calls().foreign_frees, 1);
    fclose(stream);
    expect_process_live(0, 0);
}
END_TEST

static char *shared_line;
static size_t shared_size = 200;

static void *read_line(void *stream)
{
    ck_assert_int_gt(tm_getline(&shared_line, &shared_size, stream), 0);
    return NULL;
}

START_TEST(growth_charges_the_reader)
{
    shared_line = tm_malloc(shared_size);
    FILE *small = open_input(6), *large = open_input(INPUTS - 2);
    in_thread(read_line, small);
    struct tm_totals totals = thread_totals();
    expect_live(&totals, 200, 1);
    in_thread(read_line, large);
    totals = thread_totals();
    expect_live(&totals, 0, 0);
    ck_assert_uint_eq(totals.remote_frees_received_bytes, 200);
    struct tm_slot orphan;
    ck_assert(find_slot_in(TM_ORPHAN, &orphan));
    expect_live(&orphan.totals, shared_size, 1);
    tm_free(shared_line);
    fclose(small);
    fclose(large);
    expect_process_live(0, 0);
    expect_no_crossings();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("getline");
    TCase *lines = add_case(suite, "lines", 60);
    tcase_add_loop_test(lines, getline_reads_what_glibc_does, 0, INPUTS);
    tcase_add_loop_test(lines, a_size_of_0_is_no_buffer, 0, INPUTS);
    tcase_add_test(lines, getline_errors_are_glibcs);
    tcase_add_test(lines, a_foreign_buffer_stays_foreign);
    tcase_add_test(lines, growth_charges_the_reader);
    return run_suite(suite);
}
