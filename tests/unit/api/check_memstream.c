/* SPDX-License-Identifier: BSD-3-Clause */
/* memstream.c: tm_open_memstream against glibc's. Sequences of calls are in check_memstream_model.c. */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>
#include <wchar.h>

START_TEST(an_empty_stream_is_an_empty_string)
{
    char *buffer = NULL;
    size_t size = 99;
    FILE *stream = tm_open_memstream(&buffer, &size);
    if (_i == 1) {
        ck_assert_int_eq(fflush(stream), 0);
        ck_assert_uint_eq(size, 0);
        ck_assert_str_eq(buffer, "");
    }
    ck_assert_int_eq(fclose(stream), 0);
    ck_assert_uint_eq(size, 0);
    ck_assert_str_eq(buffer, "");
    expect_process_live(1, 1);
    tm_free(buffer);
    expect_process_live(0, 0);
}
END_TEST

/* POSIX would have the zeros come with the next write. */
START_TEST(a_seek_past_the_end_adds_zeros_as_in_glibc)
{
    char *buffers[2];
    size_t sizes[2];
    FILE *streams[] = {tm_open_memstream(&buffers[0], &sizes[0]), open_memstream(&buffers[1], &sizes[1])};
    for (int i = 0; i < 2; i++) {
        fputs("abc", streams[i]);
        ck_assert_int_eq(fseek(streams[i], 1000, SEEK_SET), 0);
        ck_assert_int_eq(ftell(streams[i]), 1000);
        ck_assert_int_eq(fflush(streams[i]), 0);
        ck_assert_uint_eq(sizes[i], 1000);
        ck_assert_int_eq(fclose(streams[i]), 0);
        ck_assert_uint_eq(sizes[i], 1000);
    }
    ck_assert_mem_eq(buffers[0], buffers[1], 1001);
    expect_process_live(1001, 1);
    tm_free(buffers[0]);
    free(buffers[1]);
    expect_process_live(0, 0);
}
END_TEST

/* What was written stays. glibc 2.36 loses what is after the position. */
START_TEST(the_end_is_that_of_all_that_was_written)
{
    char *buffer;
    size_t size;
    FILE *stream = tm_open_memstream(&buffer, &size);
    fputs("hello world", stream);
    rewind(stream);
    fputs("J", stream);
    ck_assert_int_eq(fseek(stream, 0, SEEK_END), 0);
    ck_assert_int_eq(fclose(stream), 0);
    ck_assert_uint_eq(size, 11);
    ck_assert_str_eq(buffer, "Jello world");
    tm_free(buffer);
    expect_process_live(0, 0);
}
END_TEST

/* It is not for reading, so that is an error. In glibc it is the end of the file. */
START_TEST(reading_is_an_error)
{
    char *buffer;
    size_t size;
    FILE *stream = tm_open_memstream(&buffer, &size);
    errno = 0;
    ck_assert_int_eq(fgetc(stream), EOF);
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_ne(ferror(stream), 0);
    fclose(stream);
    tm_free(buffer);
    expect_process_live(0, 0);
}
END_TEST

/* POSIX keeps what is after the position. Programs that rewind to write something shorter rely on glibc. */
START_TEST(the_string_ends_where_the_stream_was_closed)
{
    char *buffers[2];
    size_t sizes[2];
    FILE *streams[] = {tm_open_memstream(&buffers[0], &sizes[0]), open_memstream(&buffers[1], &sizes[1])};
    for (int i = 0; i < 2; i++) {
        fputs("something long", streams[i]);
        rewind(streams[i]);
        fputs("short", streams[i]);
        ck_assert_int_eq(fflush(streams[i]), 0);
        ck_assert_uint_eq(sizes[i], 5);
        ck_assert_mem_eq(buffers[i], "shorthing long", 14);
        ck_assert_int_eq(fclose(streams[i]), 0);
        ck_assert_uint_eq(sizes[i], 5);
        ck_assert_str_eq(buffers[i], "short");
    }
    expect_process_live(6, 1);
    tm_free(buffers[0]);
    free(buffers[1]);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(a_bad_seek_changes_nothing)
{
    static const struct {
        long offset;
        int whence;
    } bad[] = {{-1, SEEK_SET}, {-4, SEEK_CUR}, {-4, SEEK_END}, {0, 9}, {INT64_MAX, SEEK_CUR}, {INT64_MAX, SEEK_END}};
    char *buffer;
    size_t size;
    FILE *stream = tm_open_memstream(&buffer, &size);
    fputs("abc", stream);
    errno = 0;
    ck_assert_int_eq(fseek(stream, bad[_i].offset, bad[_i].whence), -1);
    ck_assert_int_ne(errno, 0);
    ck_assert_int_eq(ftell(stream), 3);
    fputs("d", stream);
    ck_assert_int_eq(fclose(stream), 0);
    ck_assert_uint_eq(size, 4);
    ck_assert_str_eq(buffer, "abcd");
    tm_free(buffer);
    expect_process_live(0, 0);
}
END_TEST

/* A seek allocates, as glibc's does. */
START_TEST(a_seek_too_far_out_is_ENOMEM)
{
    static const long far[] = {INT64_MAX, INT64_MAX - 1, INT64_C(1) << 62, INT64_C(1) << 61};
    char *buffers[2];
    size_t sizes[2];
    FILE *streams[] = {tm_open_memstream(&buffers[0], &sizes[0]), open_memstream(&buffers[1], &sizes[1])};
    for (int i = 0; i < 2; i++) {
        fputs("abc", streams[i]);
        struct tm_totals before = process_totals();
        errno = 0;
        ck_assert_int_eq(fseek(streams[i], far[_i], SEEK_SET), -1);
        if (i == 0)
            ck_assert_int_eq(errno, ENOMEM);
        ck_assert_int_eq(ferror(streams[i]), 0);
        ck_assert_int_eq(ftell(streams[i]), 3);
        struct tm_totals after = process_totals();
        ck_assert_mem_eq(&before, &after, sizeof before);

        fputs("def", streams[i]);
        ck_assert_int_eq(fclose(streams[i]), 0);
        ck_assert_uint_eq(sizes[i], 6);
        ck_assert_str_eq(buffers[i], "abcdef");
    }
    expect_process_live(7, 1);
    tm_free(buffers[0]);
    free(buffers[1]);
    expect_process_live(0, 0);
}
END_TEST

static void allow(size_t bytes)
{
    volatile char stack[1 << 18]; /* which could not grow later, either */
    for (size_t i = 0; i < sizeof stack; i += 4096)
        stack[i] = 0;
    size_t pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    ck_assert_int_eq(fscanf(statm, "%zu", &pages), 1);
    fclose(statm);
    struct rlimit limit = {.rlim_cur = pages * 4096 + bytes, .rlim_max = RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

START_TEST(a_stream_without_memory_keeps_what_it_has)
{
    static char chunk[1 << 20];
    char *buffer;
    size_t size, written = 0;
    FILE *stream = tm_open_memstream(&buffer, &size);
    allow(200 << 20);
    memset(chunk, 'x', sizeof chunk);
    errno = 0;
    while (written < 200 << 20 && fwrite(chunk, sizeof chunk, 1, stream) == 1)
        written += sizeof chunk;
    ck_assert_uint_lt(written, 200 << 20);
    ck_assert_uint_gt(written, 0);
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_int_ne(ferror(stream), 0);
    fclose(stream);
    ck_assert_uint_eq(size, written);
    ck_assert_uint_eq(strlen(buffer), written);
    struct tm_totals totals = thread_totals();
    expect_live(&totals, tm_malloc_usable_size(buffer), 1); /* size + 1, or more if it could not be made smaller */
    tm_free(buffer);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(a_stream_that_cannot_open_leaves_nothing)
{
    char *buffer = NULL;
    size_t size = 7;
    tm_free(tm_malloc(1));
    allow(0);
    static FILE *streams[100000];
    FILE *stream = NULL;
    int opened = 0;
    while (opened < 100000 && (errno = 0, stream = tm_open_memstream(&buffer, &size)))
        streams[opened++] = stream;
    ck_assert_ptr_null(stream);
    ck_assert_int_eq(errno, ENOMEM);
    struct tm_totals totals = process_totals();
    ck_assert_uint_eq(tm_live_blocks(&totals), 2 * (unsigned)opened);
    for (int i = 0; i < opened; i++) {
        buffer = NULL;
        ck_assert_int_eq(fclose(streams[i]), 0);
        tm_free(buffer);
    }
    expect_process_live(0, 0);
}
END_TEST

static void *write_a_lot(void *stream)
{
    fprintf(stream, "%10000s", "another");
    return NULL;
}

START_TEST(the_memory_belongs_to_whoever_writes)
{
    char *buffer;
    size_t size;
    FILE *stream = tm_open_memstream(&buffer, &size);
    struct tm_totals totals = thread_totals();
    ck_assert_uint_eq(tm_live_blocks(&totals), 2);
    uint64_t description = tm_live_bytes(&totals) - tm_malloc_usable_size(buffer);
    in_thread(write_a_lot, stream);
    totals = thread_totals();
    expect_live(&totals, description, 1);
    struct tm_slot orphan;
    ck_assert(find_slot_in(TM_ORPHAN, &orphan));
    ck_assert_uint_eq(size, 10000);
    expect_live(&orphan.totals, tm_malloc_usable_size(buffer), 1);

    ck_assert_int_eq(fclose(stream), 0);
    totals = thread_totals();
    expect_live(&totals, 10001, 1);
    ck_assert(!find_slot_in(TM_ORPHAN, &orphan));
    tm_free(buffer);
    expect_process_live(0, 0);
}
END_TEST

static void *leave_a_stream(void *arg)
{
    char *buffer;
    size_t size;
    FILE *stream = tm_open_memstream(&buffer, &size);
    fputs("never flushed", stream);
    return arg;
}

static void flush_after_its_thread(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 20); /* more than glibc keeps of a thread that has ended */
    pthread_create(&thread, &attributes, leave_a_stream, NULL);
    pthread_join(thread, NULL);
    fflush(NULL);
}

/* exit() flushes all streams, and this one's variables are gone with the stack that they were on. */
START_TEST(a_stream_never_closed_does_no_harm)
{
    in_child(flush_after_its_thread);
}
END_TEST

/* There is no wide stream of ours, and glibc's custom streams could not be one. Its own may be freed all the same. */
START_TEST(a_wide_stream_is_libcs)
{
    char *bytes;
    wchar_t *wide;
    size_t size;
    FILE *stream = tm_open_memstream(&bytes, &size);
    ck_assert_int_lt(fwide(stream, 1), 0);
    fclose(stream);
    tm_free(bytes);
    stream = open_wmemstream(&wide, &size);
    fputws(L"wide", stream);
    fclose(stream);
    expect_process_live(0, 0);
    tm_free(wide);
    ck_assert_uint_eq(cross_allocator_calls().foreign_frees, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memstream");
    TCase *tcase = add_case(suite, "memstream", 60);
    tcase_add_loop_test(tcase, an_empty_stream_is_an_empty_string, 0, 2);
    tcase_add_test(tcase, a_seek_past_the_end_adds_zeros_as_in_glibc);
    tcase_add_test(tcase, the_end_is_that_of_all_that_was_written);
    tcase_add_test(tcase, reading_is_an_error);
    tcase_add_test(tcase, the_string_ends_where_the_stream_was_closed);
    tcase_add_loop_test(tcase, a_bad_seek_changes_nothing, 0, 6);
    tcase_add_loop_test(tcase, a_seek_too_far_out_is_ENOMEM, 0, 4);
    if (!SANITIZED) {
        add_unless_emulated(tcase, a_stream_without_memory_keeps_what_it_has, NO_LIMIT_OF_MEMORY);
        add_unless_emulated(tcase, a_stream_that_cannot_open_leaves_nothing, NO_LIMIT_OF_MEMORY);
    }
    tcase_add_test(tcase, the_memory_belongs_to_whoever_writes);
    tcase_add_test(tcase, a_stream_never_closed_does_no_harm);
    tcase_add_test(tcase, a_wide_stream_is_libcs);
    return run_suite(suite);
}
