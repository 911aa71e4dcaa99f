/* SPDX-License-Identifier: BSD-3-Clause */
/* text.c: numbers and units as text, and where the text goes. */
#define _GNU_SOURCE
#include "support/support.h"
#include "base/text.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

struct figure {
    uint64_t value;
    const char *text;
};

static const struct figure bytes[] = {
    {0, "0 B"},
    {1, "1 B"},
    {999, "999 B"},
    {1000, "1000 B"},
    {1023, "1023 B"},
    {1024, "1.00 KiB"},
    {1025, "1.00 KiB"},
    {1034, "1.00 KiB"},
    {1035, "1.01 KiB"},
    {1536, "1.50 KiB"},
    {2047, "1.99 KiB"},
    {2048, "2.00 KiB"},
    {10239, "9.99 KiB"},
    {10240, "10.0 KiB"},
    {102399, "99.9 KiB"},
    {102400, "100 KiB"},
    {1023 * 1024, "1023 KiB"},
    {1024 * 1024 - 1, "1023 KiB"},
    {1024 * 1024, "1.00 MiB"},
    {UINT64_C(1) << 30, "1.00 GiB"},
    {(UINT64_C(1) << 30) - 1, "1023 MiB"},
    {UINT64_C(1) << 40, "1.00 TiB"},
    {UINT64_C(1) << 50, "1.00 PiB"},
    {(UINT64_C(1) << 60) - 1, "1023 PiB"},
    {UINT64_C(1) << 60, "1.00 EiB"},
    {UINT64_MAX, "15.9 EiB"},
};

static const struct figure counts[] = {
    {0, "0"},
    {7, "7"},
    {1000, "1000"},
    {999999, "999999"},
    {1000000, "1.00M"},
    {1009999, "1.00M"},
    {1010000, "1.01M"},
    {9999999, "9.99M"},
    {10000000, "10.0M"},
    {99999999, "99.9M"},
    {100000000, "100M"},
    {999999999, "999M"},
    {1000000000, "1.00G"},
    {UINT64_C(1000000000000), "1.00T"},
    {UINT64_C(1000000000000000), "1.00P"},
    {UINT64_C(999999999999999999), "999P"},
    {UINT64_C(1000000000000000000), "1.00E"},
    {UINT64_MAX, "18.4E"},
};

enum { BYTES = sizeof bytes / sizeof bytes[0], COUNTS = sizeof counts / sizeof counts[0] };

START_TEST(bytes_have_three_digits_or_four_and_a_unit)
{
    char string[32];
    struct tm__text text = TM__TEXT(string, -1);
    tm__put_bytes(&text, bytes[_i].value, 0);
    ck_assert_str_eq(tm__string(&text), bytes[_i].text);
}
END_TEST

START_TEST(counts_are_exact_below_a_million)
{
    char string[32];
    struct tm__text text = TM__TEXT(string, -1);
    tm__put_count(&text, counts[_i].value, 0);
    ck_assert_str_eq(tm__string(&text), counts[_i].text);
}
END_TEST

/* Each figure is cut off, not rounded: so it is never more than the number, and never a whole last digit less. */
START_TEST(any_number_of_bytes_is_cut_off)
{
    uint64_t seed = 1;
    for (int i = 0; i < 100000; i++) {
        uint64_t value = random_next(&seed) >> random_next(&seed) % 54;
        char string[32], unit[4];
        struct tm__text text = TM__TEXT(string, -1);
        tm__put_bytes(&text, value, 0);
        unsigned whole = 0, fraction = 0;
        if (sscanf(tm__string(&text), "%u.%u %3s", &whole, &fraction, unit) != 3) {
            ck_assert_int_eq(sscanf(string, "%u %3s", &whole, unit), 2);
            fraction = 0;
        }
        unsigned step = whole >= 100 || value < 1024 ? 1 : whole >= 10 ? 10 : 100;
        int shift = 10 * (int)(strchr(" KMGTPE", value < 1024 ? ' ' : unit[0]) - " KMGTPE");
        unsigned __int128 said = ((unsigned __int128)whole * step + fraction) << shift;
        ck_assert(said <= (unsigned __int128)value * step);
        ck_assert((unsigned __int128)value * step - said < (unsigned __int128)1 << shift);
    }
}
END_TEST

START_TEST(cells_are_padded_on_either_side)
{
    char string[100];
    struct tm__text text = TM__TEXT(string, -1);
    tm__put_padded(&text, "ab", 5);
    tm__put_padded(&text, "cd", -5);
    tm__put(&text, "|");
    tm__put_padded(&text, "ef", 2);
    tm__put_padded(&text, "gh", 0);
    tm__put_padded(&text, "too long", 3);
    tm__put_padded(&text, "too long", -3);
    tm__put_padded(&text, "", 2);
    tm__put(&text, "|");
    tm__put_bytes(&text, 1536, 10);
    tm__put_count(&text, 12, -4);
    tm__put(&text, "|");
    ck_assert_str_eq(tm__string(&text), "   abcd   |efghtoo longtoo long  |  1.50 KiB12  |");
}
END_TEST

START_TEST(names_leave_the_line_and_the_terminal_alone)
{
    static const char *const names[][2] = {{"\033[31mred\n", "?[31mred?   "},
                                           {"gr\u00fc\u00dfe", "gr\u00fc\u00dfe       "},
                                           {"a\302\2339m\302\240\177", "a?9m\302\240?      "},
                                           {"cut\302", "cut\302        "}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char string[100];
        struct tm__text text = TM__TEXT(string, -1);
        tm__put_padded(&text, names[i][0], -12);
        ck_assert_str_eq(tm__string(&text), names[i][1]);
    }
}
END_TEST

START_TEST(numbers_and_addresses)
{
    static const uint64_t numbers[] = {0, 9, 10, 99, 12345678901234567890u, UINT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char string[100], expected[100];
        struct tm__text text = TM__TEXT(string, -1);
        tm__put_number(&text, numbers[i]);
        tm__put(&text, " ");
        tm__put_address(&text, (void *)(uintptr_t)numbers[i]);
        sprintf(expected, "%lu 0x%lx", numbers[i], numbers[i]);
        ck_assert_str_eq(tm__string(&text), expected);
    }
}
END_TEST

START_TEST(what_does_not_fit_is_cut_off)
{
    char around[10];
    memset(around, '#', sizeof around);
    char *string = around + 1;
    struct tm__text text = {.fd = -1, .capacity = 8, .bytes = string};
    ck_assert_str_eq(tm__string(&text), "");
    tm__put(&text, "1234567");
    ck_assert_str_eq(tm__string(&text), "1234567");
    tm__put(&text, "8");
    ck_assert_str_eq(tm__string(&text), "1234567");
    tm__put(&text, "9");
    tm__put_number(&text, UINT64_MAX);
    tm__put_padded(&text, "x", 1000);
    ck_assert_str_eq(tm__string(&text), "1234567");
    ck_assert_int_eq(around[0], '#');
    ck_assert_int_eq(around[9], '#');
}
END_TEST

static void *read_all(void *fd)
{
    static char all[1 << 20];
    size_t used = 0;
    for (ssize_t got; (got = read(*(int *)fd, all + used, sizeof all - 1 - used)) > 0;)
        used += (size_t)got;
    all[used] = '\0';
    return all;
}

/* A pipe holds 64 KiB, so some of the writes are cut short or wait. */
START_TEST(a_long_text_arrives_whole)
{
    static char expected[1 << 20];
    static const size_t capacities[] = {1, 2, 7, 512, 4096, 100000};
    int ends[2];
    void *all;
    ck_assert_int_eq(pipe(ends), 0);
    pthread_t reader;
    ck_assert_int_eq(pthread_create(&reader, NULL, read_all, &ends[0]), 0);
    char *buffer = malloc(capacities[_i]);
    struct tm__text text = {.fd = ends[1], .capacity = capacities[_i], .bytes = buffer};
    int lines = capacities[_i] < 512 ? 1000 : 20000;
    for (int i = 0, used = 0; i < lines; i++) {
        tm__put(&text, "line ");
        tm__put_number(&text, (uint64_t)i);
        tm__put(&text, "\n");
        used += sprintf(expected + used, "line %d\n", i);
    }
    ck_assert_int_eq(tm__flush(&text), 0);
    close(ends[1]);
    pthread_join(reader, &all);
    close(ends[0]);
    ck_assert_str_eq(all, expected);
    free(buffer);
}
END_TEST

START_TEST(the_first_failed_write_is_returned)
{
    static const struct {
        const char *path;
        int error;
    } bad[] = {{"/dev/full", -ENOSPC}, {"/dev/null", -EBADF}};
    char page[16];
    int fd = open(bad[_i].path, bad[_i].error == -EBADF ? O_RDONLY : O_WRONLY);
    struct tm__text text = TM__TEXT(page, fd);
    tm__put(&text, "short");
    ck_assert_int_eq(text.error, 0);
    ck_assert_int_eq(tm__flush(&text), bad[_i].error);
    ck_assert_int_eq(tm__flush(&text), bad[_i].error);

    text = (struct tm__text)TM__TEXT(page, fd);
    tm__put_padded(&text, "much longer than the buffer", 100);
    close(fd);
    tm__put_padded(&text, "and the end", 100);
    ck_assert_int_eq(tm__flush(&text), bad[_i].error);
}
END_TEST

START_TEST(nothing_is_written_of_nothing)
{
    char page[16];
    struct tm__text text = TM__TEXT(page, 12345); /* not open */
    tm__put(&text, "");
    ck_assert_int_eq(tm__flush(&text), 0);
    tm__put(&text, "x");
    ck_assert_int_eq(tm__flush(&text), -EBADF);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *tcase = add_case(suite, "text", 60);
    tcase_add_loop_test(tcase, bytes_have_three_digits_or_four_and_a_unit, 0, BYTES);
    tcase_add_loop_test(tcase, counts_are_exact_below_a_million, 0, COUNTS);
    tcase_add_test(tcase, any_number_of_bytes_is_cut_off);
    tcase_add_test(tcase, cells_are_padded_on_either_side);
    tcase_add_test(tcase, names_leave_the_line_and_the_terminal_alone);
    tcase_add_test(tcase, numbers_and_addresses);
    tcase_add_test(tcase, what_does_not_fit_is_cut_off);
    tcase_add_loop_test(tcase, a_long_text_arrives_whole, 0, 6);
    tcase_add_loop_test(tcase, the_first_failed_write_is_returned, 0, 2);
    tcase_add_test(tcase, nothing_is_written_of_nothing);
    return run_suite(suite);
}
