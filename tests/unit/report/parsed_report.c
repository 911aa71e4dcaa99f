/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "parsed_report.h"
#include "support/support.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

struct parsed_report report;

static void copy_trimmed(char *cell, const char *from, size_t size)
{
    memcpy(cell, from, size);
    cell[size] = '\0';
    while (size > 0 && cell[size - 1] == ' ')
        cell[--size] = '\0';
}

/* Takes a figure such as "1.50 KiB" off the front of a line. */
static uint64_t take_bytes(const char **line)
{
    char unit[4];
    double number;
    int length = 0;
    ck_assert_msg(sscanf(*line, "%lf %3s%n", &number, unit, &length) == 2, "no figure: %s", *line);
    *line += length;
    for (const char *c = "BKMGTPE"; *c != unit[0]; c++) {
        ck_assert_int_ne(*c, '\0');
        number *= 1024;
    }
    return (uint64_t)(number + 0.5);
}

/* Copies what stands below a title of the header. Columns are found by it, so the test does not have to know them all. */
static const char *cell_below(const char *header, const char *line, const char *title)
{
    enum { LABEL = 35 };
    static char cell[64];
    size_t start = (size_t)(strstr(header, title) - header), end = start + strlen(title);
    while (start > LABEL && header[start - 1] == ' ')
        start--;
    copy_trimmed(cell, line + start, end - start);
    return cell + strspn(cell, " <=");
}

static uint64_t bytes_below(const char *header, const char *line, const char *title)
{
    const char *cell = cell_below(header, line, title);
    uint64_t bytes = take_bytes(&cell);
    ck_assert_str_eq(cell, "");
    return bytes;
}

static struct row parse_row(const char *header, const char *line, bool is_sum)
{
    struct row row = {0};
    copy_trimmed(row.name, line, is_sum ? 35 : 16);
    if (!is_sum) {
        row.tid = strtol(line + 16, NULL, 10);
        ck_assert_int_eq(line[25], ' ');
        copy_trimmed(row.state, line + 27, 8);
    }
    row.live = bytes_below(header, line, "LIVE");
    ck_assert_int_eq(sscanf(cell_below(header, line, "BLOCKS"), "%lu", &row.blocks), 1);
    row.peak = bytes_below(header, line, "PEAK");
    row.allocated = bytes_below(header, line, "ALLOCATED");
    row.remote_frees_received = bytes_below(header, line, "FREED BY OTHERS");
    row.remote_frees_made = bytes_below(header, line, "FREED FOR OTHERS");
    return row;
}

/* The last characters of each row's figures stand below those of the labels. */
static void expect_aligned(const char *header, const char *line)
{
    static const char *const labels[] = {"LIVE", "BLOCKS", "PEAK", "ALLOCATED", "FREED BY OTHERS", "FREED FOR OTHERS"};
    for (int i = 0; i < 6; i++) {
        size_t end = (size_t)(strstr(header, labels[i]) - header) + strlen(labels[i]);
        ck_assert_msg(line[end - 1] != ' ' && line[end - 1] != '\n' && strchr(" \n", line[end]), "%s%s", header, line);
    }
}

static bool starts_with(const char *line, const char *start)
{
    return strncmp(line, start, strlen(start)) == 0;
}

static void parse(void)
{
    char expected[200];
    sprintf(expected, "threadmeter: %s, pid %d\n", program_invocation_short_name, (int)getpid());
    ck_assert(starts_with(report.text, expected));
    const char *header = report.text + strlen(expected), *line = strchr(header, '\n') + 1;
    ck_assert(starts_with(header, "THREAD                TID  STATE          LIVE "));

    report.count = 0;
    report.others = report.retired = report.total = (struct row){0};
    while (report.total.name[0] == '\0') {
        expect_aligned(header, line);
        if (starts_with(line, "total "))
            report.total = parse_row(header, line, true);
        else if (starts_with(line, "(exited"))
            report.retired = parse_row(header, line, true);
        else if (strstr(line, " more)") && strstr(line, " more)") < strchr(line, '\n'))
            report.others = parse_row(header, line, true);
        else
            report.rows[report.count++] = parse_row(header, line, false);
        line = strchr(line, '\n') + 1;
    }
    while (*line == '\n') /* tags, and the matrix */
        line = strstr(line + 1, "\n\n") ? strstr(line + 1, "\n\n") + 1 : line + 1;
    struct tm_cross_allocator_calls *c = &report.cross_allocator_calls;
    int length = 0;
    sscanf(line, "%lu foreign frees, %lu foreign reallocs, %lu intercepted frees, %lu intercepted reallocs\n%n",
           &c->foreign_frees, &c->foreign_reallocs, &c->intercepted_frees, &c->intercepted_reallocs, &length);
    ck_assert_int_gt(length, 0);
    ck_assert_str_eq(line + length, ""); /* nothing follows */
}

/* The total is the sum of the lines above it: exactly for blocks, for bytes but for the digits that are cut off. */
static void expect_sums(void)
{
    struct row sum = {0};
    for (int i = 0; i < report.count + 2; i++) {
        const struct row *row = i < report.count    ? &report.rows[i]
                                : i == report.count ? &report.others
                                                    : &report.retired;
        sum.live += row->live;
        sum.blocks += row->blocks;
        sum.allocated += row->allocated;
        sum.remote_frees_received += row->remote_frees_received;
        sum.remote_frees_made += row->remote_frees_made;
    }
    ck_assert_uint_eq(report.total.blocks, sum.blocks);
    uint64_t pairs[][2] = {{report.total.live, sum.live},
                           {report.total.allocated, sum.allocated},
                           {report.total.remote_frees_received, sum.remote_frees_received},
                           {report.total.remote_frees_made, sum.remote_frees_made}};
    for (int i = 0; i < 4; i++)
        ck_assert_msg(pairs[i][0] <= pairs[i][1] && pairs[i][1] - pairs[i][0] <= pairs[i][1] / 100,
                      "total %lu, sum %lu\n%s", pairs[i][0], pairs[i][1], report.text);
}

/* Parses what is in the file, and closes it. */
static void parse_file(int fd)
{
    ssize_t length = pread(fd, report.text, sizeof report.text - 1, 0);
    ck_assert_int_gt(length, 0);
    report.text[length] = '\0';
    close(fd);
    parse();
}

/* A file in memory holds a report of any length; a pipe does not. */
static int open_file(void)
{
    int fd = memfd_create("report", 0);
    ck_assert_int_ge(fd, 0);
    return fd;
}

void read_report(void)
{
    int fd = open_file();
    ck_assert_int_eq(tm_report(fd), 0);
    parse_file(fd);
}

void take_report(void)
{
    int fd = open_file();
    struct tm_totals before = process_totals();
    struct mallinfo2 libc_before = mallinfo2();
    size_t heap_before = 0, heap_after = 0;
    heap_bytes(&heap_before);
    errno = 4321;
    int result = tm_report(fd);
    int error = errno;
    heap_bytes(&heap_after);
    struct mallinfo2 libc_after = mallinfo2();
    struct tm_totals after = process_totals();
    ck_assert_int_eq(result, 0);
    ck_assert_int_eq(error, 4321);
    ck_assert_uint_eq(heap_after, heap_before);
    if (ON_TCMALLOC) { /* with libc's malloc below, its figures change as it tidies up its own lists */
        ck_assert_uint_eq(libc_after.uordblks, libc_before.uordblks);
        ck_assert_uint_eq(libc_after.hblkhd, libc_before.hblkhd);
    }
    ck_assert_mem_eq(&after, &before, sizeof after);

    parse_file(fd);
    expect_sums();
}
