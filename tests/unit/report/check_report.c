/* SPDX-License-Identifier: BSD-3-Clause */
/* report.c: tm_report(), read back from a file and taken apart. */
#define _GNU_SOURCE
#include "support/support.h"

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <threadmeter/tags.h>
#include <unistd.h>

/* A row, or a line that is a sum. */
struct row {
    char name[36]; /* or the label */
    long tid;      /* 0: none */
    char state[9]; /* or empty */
    uint64_t live, blocks, peak, allocated, remote_frees_received, remote_frees_made;
};

static struct {
    char text[1 << 16];
    struct row rows[100];
    int count;
    struct row others, retired, total; /* an empty name: not there */
    struct tm_cross_allocator_calls cross_allocator_calls;
} report;

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

static struct row parse_row(const char *line, bool is_sum)
{
    struct row row = {0};
    copy_trimmed(row.name, line, is_sum ? 35 : 16);
    if (!is_sum) {
        row.tid = strtol(line + 16, NULL, 10);
        ck_assert_int_eq(line[25], ' ');
        copy_trimmed(row.state, line + 27, 8);
    }
    line += 35;
    int length = 0;
    row.live = take_bytes(&line);
    ck_assert_int_eq(sscanf(line, "%lu%n", &row.blocks, &length), 1);
    line += length;
    ck_assert_int_eq(sscanf(line, " <= %n", &length), 0);
    if (is_sum)
        line += length;
    row.peak = take_bytes(&line);
    row.allocated = take_bytes(&line);
    row.remote_frees_received = take_bytes(&line);
    row.remote_frees_made = take_bytes(&line);
    ck_assert_int_eq(*line, '\n');
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
            report.total = parse_row(line, true);
        else if (starts_with(line, "(exited"))
            report.retired = parse_row(line, true);
        else if (strstr(line, " more)") && strstr(line, " more)") < strchr(line, '\n'))
            report.others = parse_row(line, true);
        else
            report.rows[report.count++] = parse_row(line, false);
        line = strchr(line, '\n') + 1;
    }
    while (*line == '\n') /* tags, and the matrix */
        line = strstr(line + 1, "\n\n") ? strstr(line + 1, "\n\n") + 1 : line + 1;
    struct tm_cross_allocator_calls *c = &report.cross_allocator_calls;
    int length = 0;
    sscanf(line, "%lu foreign frees, %lu foreign reallocs, %lu intercepted frees, %lu intercepted reallocs\n%n",
           &c->foreign_frees, &c->foreign_reallocs, &c->intercepted_frees, &c->intercepted_reallocs, &length);
    ck_assert_int_gt(length, 0);
    ck_assert_str_eq(line + length, ""); /* nothing behind it */
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

/* Through a file, which holds any length; nothing is allocated, by anyone. */
static void take_report(void)
{
    int fd = memfd_create("report", 0);
    ck_assert_int_ge(fd, 0);
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
    if (ON_TCMALLOC) { /* libc's figures change as it puts its own books in order */
        ck_assert_uint_eq(libc_after.uordblks, libc_before.uordblks);
        ck_assert_uint_eq(libc_after.hblkhd, libc_before.hblkhd);
    }
    ck_assert_mem_eq(&after, &before, sizeof after);

    ssize_t length = pread(fd, report.text, sizeof report.text - 1, 0);
    ck_assert_int_gt(length, 0);
    report.text[length] = '\0';
    close(fd);
    parse();
    expect_sums();
}

enum { KIB = 1024, MANY = 100 };
static pthread_barrier_t barrier;
static sem_t allocated;

struct worker {
    pthread_t thread;
    pid_t tid;
    int number;
    void *blocks[MANY];
};
static struct worker workers[MANY];

/* As many blocks of 1 KiB as its number says; lives between two meetings. */
static void *work(void *arg)
{
    struct worker *worker = arg;
    char name[16];
    sprintf(name, "worker %d", worker->number);
    pthread_setname_np(pthread_self(), name);
    worker->tid = gettid();
    for (int i = 0; i < worker->number; i++)
        worker->blocks[i] = tm_malloc(KIB);
    sem_post(&allocated);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

/* One after another, each larger than the one before, and the smallest last: so their slots are in no order of size. */
static void start_workers(int count)
{
    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, (unsigned)count + 1), 0);
    ck_assert_int_eq(sem_init(&allocated, 0, 0), 0);
    for (int i = 0; i < count; i++) {
        struct worker *worker = &workers[(i + 1) % count];
        worker->number = (int)(worker - workers) + 1;
        ck_assert_int_eq(pthread_create(&worker->thread, NULL, work, worker), 0);
        sem_wait(&allocated);
    }
    pthread_barrier_wait(&barrier);
}

static void end_workers(int count)
{
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
}

static void free_blocks(int count)
{
    for (int i = 0; i < count; i++)
        for (int j = 0; j < workers[i].number; j++)
            tm_free(workers[i].blocks[j]);
}

/* Row by row, the largest first: worker `most` and those below, in this state. */
static void expect_workers(const struct row *rows, int count, int most, const char *state)
{
    for (int i = 0; i < count; i++) {
        const struct worker *worker = &workers[most - 1 - i];
        char name[16];
        sprintf(name, "worker %d", worker->number);
        ck_assert_str_eq(rows[i].name, name);
        ck_assert_int_eq(rows[i].tid, worker->tid);
        ck_assert_str_eq(rows[i].state, state);
        uint64_t bytes = (uint64_t)worker->number * KIB;
        ck_assert_uint_eq(rows[i].live, bytes);
        ck_assert_uint_eq(rows[i].blocks, (unsigned)worker->number);
        ck_assert_uint_eq(rows[i].peak, bytes);
        ck_assert_uint_eq(rows[i].allocated, bytes);
        ck_assert_uint_eq(rows[i].remote_frees_received, 0);
    }
}

START_TEST(a_report_of_nothing)
{
    take_report();
    ck_assert_int_eq(report.count, 0);
    ck_assert_str_eq(report.total.name, "total");
    ck_assert_uint_eq(report.total.allocated, 0);
    ck_assert_str_eq(report.retired.name, "");
}
END_TEST

START_TEST(threads_stand_by_live_bytes)
{
    void *own = tm_malloc(2 * KIB + KIB / 2);
    start_workers(4);
    take_report();
    ck_assert_int_eq(report.count, 5);
    expect_workers(&report.rows[0], 2, 4, "live");
    ck_assert_int_eq(report.rows[2].tid, gettid());
    ck_assert_uint_eq(report.rows[2].live, 2 * KIB + KIB / 2);
    expect_workers(&report.rows[3], 2, 2, "live");
    ck_assert_uint_eq(report.total.live, 12 * KIB + KIB / 2);
    ck_assert_uint_eq(report.total.blocks, 11);
    ck_assert_uint_eq(report.total.peak, 12 * KIB + KIB / 2);
    ck_assert_str_eq(report.others.name, "");
    ck_assert_str_eq(report.retired.name, "");

    end_workers(4);
    take_report();
    ck_assert_int_eq(report.count, 5);
    expect_workers(&report.rows[0], 2, 4, "orphan");
    ck_assert_str_eq(report.rows[2].state, "live");
    expect_workers(&report.rows[3], 2, 2, "orphan");

    free_blocks(4);
    take_report();
    ck_assert_int_eq(report.count, 1);
    ck_assert_str_eq(report.retired.name, "(exited)");
    ck_assert_uint_eq(report.retired.live, 0);
    ck_assert_uint_eq(report.retired.blocks, 0);
    ck_assert_uint_eq(report.retired.peak, 10 * KIB);
    ck_assert_uint_eq(report.retired.allocated, 10 * KIB);
    ck_assert_uint_eq(report.retired.remote_frees_received, 10 * KIB);
    tm_free(own);
    take_report();
    ck_assert_uint_eq(report.total.live, 0);
    ck_assert_uint_eq(report.total.blocks, 0);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(each_figure_stands_in_its_column)
{
    start_workers(4);
    tm_free(workers[3].blocks[0]);
    workers[3].blocks[0] = tm_malloc(0);
    take_report();
    ck_assert_int_eq(report.count, 5);
    const struct row *row = &report.rows[strcmp(report.rows[0].name, "worker 4") != 0]; /* two are equal */
    ck_assert_str_eq(row->name, "worker 4");
    ck_assert_uint_eq(row->live, 3 * KIB);
    ck_assert_uint_eq(row->blocks, 3);
    ck_assert_uint_eq(row->peak, 4 * KIB);
    ck_assert_uint_eq(row->allocated, 4 * KIB);
    ck_assert_uint_eq(row->remote_frees_received, KIB);
    ck_assert_uint_eq(report.total.remote_frees_received, KIB);
    ck_assert_uint_eq(report.rows[4].live, 0); /* our block of 0 bytes */
    ck_assert_uint_eq(report.rows[4].blocks, 1);
    end_workers(4);
    free_blocks(4);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(beyond_64_threads_the_smallest_are_one_row)
{
    start_workers(MANY);
    for (int round = 0; round < 2; round++) {
        const char *state = round == 0 ? "live" : "orphan";
        take_report();
        ck_assert_int_eq(report.count, 64);
        expect_workers(report.rows, 64, MANY, state);
        ck_assert_str_eq(report.others.name, "(36 more)");
        ck_assert_uint_eq(report.others.live, 36 * 37 / 2 * KIB);
        ck_assert_uint_eq(report.others.blocks, 36 * 37 / 2);
        ck_assert_uint_eq(report.others.peak, 36 * 37 / 2 * KIB);
        ck_assert_uint_eq(report.total.blocks, MANY * (MANY + 1) / 2);
        if (round == 0)
            end_workers(MANY);
    }
    free_blocks(MANY);
    take_report();
    ck_assert_int_eq(report.count, 1);
    ck_assert_int_eq(report.rows[0].tid, gettid()); /* who freed them all */
    ck_assert_str_eq(report.others.name, "");
    expect_process_live(0, 0);
}
END_TEST

static pthread_key_t last_key;
static void *late_block;

/* Called in each round of destructors after the meter's own, whose key is older. */
static void allocate_late(void *round)
{
    if ((uintptr_t)round == PTHREAD_DESTRUCTOR_ITERATIONS)
        late_block = tm_malloc(5 * KIB);
    else
        pthread_setspecific(last_key, (char *)round + 1);
}

static void *end_late(void *block)
{
    pthread_setspecific(last_key, (void *)1);
    tm_free(tm_malloc(1));
    return block;
}

START_TEST(what_exiting_threads_allocate_has_a_row)
{
    tm_free(tm_malloc(1));
    ck_assert_int_eq(pthread_key_create(&last_key, allocate_late), 0);
    in_thread(end_late, NULL);
    take_report();
    ck_assert_int_eq(report.count, 2);
    ck_assert_str_eq(report.rows[1].name, "(shared)"); /* behind the threads, however large */
    ck_assert_ptr_nonnull(strstr(report.text, "(shared)                -  late "));
    ck_assert_str_eq(report.rows[1].state, "late");
    ck_assert_uint_eq(report.rows[1].live, 5 * KIB);
    ck_assert_uint_eq(report.rows[1].blocks, 1);
    tm_free(late_block);
    expect_process_live(0, 0);
}
END_TEST

static void *free_for_main(void *block)
{
    tm_free(block);
    return NULL;
}

START_TEST(an_exited_thread_that_only_freed_is_in_the_sum)
{
    in_thread(free_for_main, tm_malloc(96));
    take_report(); /* where the rows have to add up */
    ck_assert_str_eq(report.retired.name, "(exited)");
    ck_assert_uint_eq(report.retired.remote_frees_made, 96);
    ck_assert_uint_eq(report.retired.allocated, 0);
    ck_assert_uint_eq(report.total.remote_frees_made, 96);
    ck_assert_uint_eq(report.total.remote_frees_received, 96);
}
END_TEST

static void *free_for_main_in_tag(void *block)
{
    tm_tag_enter(tm_tag_open("freed"));
    tm_free(tm_malloc(50));
    tm_tag_enter(tm_tag_open("freed too"));
    tm_free(block);
    return NULL;
}

START_TEST(rows_add_up_with_tags)
{
    in_thread(free_for_main_in_tag, tm_malloc(96));
    tm_tag_enter(tm_tag_open("freed"));
    void *block = tm_malloc(33);
    tm_tag_enter(0);
    take_report();
    ck_assert_uint_eq(report.retired.remote_frees_made, 96);
    ck_assert_uint_eq(report.total.allocated, 96 + 50 + 33);
    tm_free(block);
}
END_TEST

START_TEST(rows_add_up_in_a_child)
{
    int status;
    void *block = tm_malloc(33);
    in_thread(free_for_main, tm_malloc(96));
    pid_t child = fork();
    if (child == 0) {
        take_report();
        in_thread(free_for_main, block);
        take_report();
        ck_assert_uint_eq(report.total.remote_frees_made, 96 + 33);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    tm_free(block);
}
END_TEST

static pthread_key_t freeing_key;
static void *freed_late;

static void free_late(void *round)
{
    if ((uintptr_t)round == PTHREAD_DESTRUCTOR_ITERATIONS)
        tm_free(freed_late);
    else
        pthread_setspecific(freeing_key, (char *)round + 1);
}

static void *end_by_freeing(void *arg)
{
    pthread_setspecific(freeing_key, (void *)1);
    tm_free(tm_malloc(1));
    return arg;
}

START_TEST(what_exiting_threads_only_free_has_a_row)
{
    freed_late = tm_malloc(96);
    ck_assert_int_eq(pthread_key_create(&freeing_key, free_late), 0);
    in_thread(end_by_freeing, NULL);
    take_report();
    ck_assert_int_eq(report.count, 2);
    const struct row *late = &report.rows[1];
    ck_assert_str_eq(late->state, "late");
    ck_assert_uint_eq(late->allocated, 0);
    ck_assert_uint_eq(late->remote_frees_made, 96);
}
END_TEST

START_TEST(crossings_are_reported)
{
    for (int i = 0; i < 3; i++)
        tm_free(tm_libc_malloc(10));
    tm_free(tm_realloc(tm_libc_malloc(10), 20));
    take_report();
    ck_assert_uint_eq(report.cross_allocator_calls.foreign_frees, 4);
    ck_assert_uint_eq(report.cross_allocator_calls.foreign_reallocs, 1);
    ck_assert_uint_eq(report.cross_allocator_calls.intercepted_frees, 0);
    ck_assert_uint_eq(report.cross_allocator_calls.intercepted_reallocs, 0);
}
END_TEST

static atomic_bool enough;

static void *allocate_and_free(void *arg)
{
    while (!atomic_load(&enough)) {
        void *blocks[10];
        for (int i = 0; i < 10; i++)
            blocks[i] = tm_malloc((size_t)i * 100);
        for (int i = 0; i < 10; i++)
            tm_free(blocks[i]);
    }
    return arg;
}

START_TEST(a_report_while_threads_work_has_nothing_negative)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, allocate_and_free, NULL);
    for (int round = 0; round < 200; round++) {
        int fd = memfd_create("report", 0);
        ck_assert_int_eq(tm_report(fd), 0);
        ssize_t length = pread(fd, report.text, sizeof report.text - 1, 0);
        close(fd);
        report.text[length] = '\0';
        parse();
        for (int i = 0; i < report.count; i++)
            ck_assert_uint_le(report.rows[i].live, report.rows[i].allocated); /* what is negative is huge */
    }
    atomic_store(&enough, true);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    expect_process_live(0, 0);
}
END_TEST

static void expect_result(int fd, int expected)
{
    errno = 4321;
    ck_assert_int_eq(tm_report(fd), expected);
    ck_assert_int_eq(errno, 4321);
    close(fd);
}

START_TEST(a_failed_write_is_returned)
{
    expect_result(-1, -EBADF);
    expect_result(open("/dev/null", O_RDONLY), -EBADF);
    expect_result(open("/dev/full", O_WRONLY), -ENOSPC);
    expect_result(open("/dev/null", O_WRONLY), 0);
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
    while (write(ends[1], "x", 1) == 1)
        ;
    expect_result(ends[1], -EAGAIN);
    close(ends[0]);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *tcase = add_case(suite, "report", 60);
    tcase_add_test(tcase, a_report_of_nothing);
    tcase_add_test(tcase, threads_stand_by_live_bytes);
    tcase_add_test(tcase, each_figure_stands_in_its_column);
    tcase_add_test(tcase, beyond_64_threads_the_smallest_are_one_row);
    if (!SANITIZED)
        tcase_add_test(tcase, what_exiting_threads_allocate_has_a_row);
    if (!SANITIZED)
        tcase_add_test(tcase, what_exiting_threads_only_free_has_a_row);
    tcase_add_test(tcase, rows_add_up_with_tags);
    tcase_add_test(tcase, rows_add_up_in_a_child);
    tcase_add_test(tcase, an_exited_thread_that_only_freed_is_in_the_sum);
    tcase_add_test(tcase, crossings_are_reported);
    tcase_add_test(tcase, a_report_while_threads_work_has_nothing_negative);
    tcase_add_test(tcase, a_failed_write_is_returned);
    return run_suite(suite);
}
