/* SPDX-License-Identifier: BSD-3-Clause */
/* memstream.c: any sequence of writes, seeks and flushes, against glibc's streams and against a model. */
#define _GNU_SOURCE
#include "support/support.h"

/* What a stream holds. */
static struct {
    char bytes[1 << 20];
    size_t length;
    size_t position;
} model;

/* Our stream, and glibc's, on which the test does the same, except for seeks from the end. */
static struct side {
    FILE *stream;
    char *buffer;
    size_t size;
} sides[2];
static int count;

static void expect_contents(const struct side *side)
{
    ck_assert_uint_eq(side->size, model.position);
    ck_assert_mem_eq(side->buffer, model.bytes, side->size);
}

static void flush_and_compare(void)
{
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(fflush(sides[i].stream), 0);
        expect_contents(&sides[i]);
    }
    ck_assert_int_eq(sides[0].buffer[model.length], '\0');
    ck_assert_uint_gt(tm_malloc_usable_size(sides[0].buffer), model.length);
    struct tm_totals totals = thread_totals();
    ck_assert_uint_eq(tm_live_blocks(&totals), 2); /* the contents, and what describes them */
}

static void seek(long offset, int whence)
{
    long from = whence == SEEK_SET ? 0 : (long)(whence == SEEK_CUR ? model.position : model.length);
    bool legal = from + offset >= 0;
    for (int i = 0; i < count; i++) {
        errno = 0;
        ck_assert_int_eq(fseek(sides[i].stream, offset, whence), legal ? 0 : -1);
        ck_assert_int_eq(errno, legal ? 0 : EINVAL);
    }
    if (!legal)
        return;
    model.position = (size_t)(from + offset);
    if (model.position > model.length) {
        memset(model.bytes + model.length, 0, model.position - model.length);
        model.length = model.position;
    }
}

static void has_written(const char *bytes, size_t size)
{
    memcpy(model.bytes + model.position, bytes, size);
    model.position += size;
    if (size > 0 && model.position > model.length)
        model.length = model.position;
}

static void write_some(const char *bytes, size_t size)
{
    for (int i = 0; i < count; i++)
        ck_assert_uint_eq(fwrite(bytes, 1, size, sides[i].stream), size);
    has_written(bytes, size);
}

static void print(int number, int width)
{
    char text[600];
    int length = sprintf(text, "<%d:%*s>", number, width, "text");
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(fprintf(sides[i].stream, "<%d:%*s>", number, width, "text"), length);
    has_written(text, (size_t)length);
}

static void put(char byte)
{
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(fputc(byte, sides[i].stream), (unsigned char)byte);
    has_written(&byte, 1);
}

static void do_something(uint64_t *seed)
{
    static char noise[9000];
    for (int i = 0; i < 16; i++)
        noise[random_next(seed) % sizeof noise] = (char)random_next(seed);
    uint64_t choice = random_next(seed) % 16, number = random_next(seed);
    bool alone = count == 1;
    switch (choice) {
    case 0:
    case 1:
        write_some(noise, number % 300);
        break;
    case 2:
        write_some(noise, number % sizeof noise);
        break;
    case 3:
    case 4:
        print((int)number, (int)(number % 500));
        break;
    case 5:
    case 6:
    case 7:
        put((char)number);
        break;
    case 8: /* glibc 2.36 can lose what is written after a hole, if the seek came from before the end */
        seek((long)(number % (model.length + (alone || model.position == model.length ? 1000 : 1))), SEEK_SET);
        break;
    case 9:
        seek(-(long)(number % (model.position + 10)), SEEK_CUR);
        break;
    case 10:
        if (model.position < model.length)
            seek((long)(number % (model.length - model.position)), SEEK_CUR);
        break;
    case 11: /* glibc 2.36 takes the position for the end, once something has been written after a seek back */
        if (alone || model.position == model.length)
            seek(-(long)(number % (model.length + 10)), SEEK_END);
        break;
    default:
        flush_and_compare();
    }
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(ftell(sides[i].stream), (long)model.position);
}

/* glibc sets no mode; a program may, and streams with a buffer do more at a flush. */
static void set_buffer(int mode)
{
    static const int modes[] = {_IONBF, _IOFBF, _IOLBF};
    static const size_t sizes[] = {0, 100, BUFSIZ};
    if (mode < 3)
        setvbuf(sides[0].stream, NULL, modes[mode], sizes[mode]);
}

static void run_sequence(int number)
{
    uint64_t seed = (uint64_t)number + 1;
    sides[0].stream = tm_open_memstream(&sides[0].buffer, &sides[0].size);
    sides[1].stream = open_memstream(&sides[1].buffer, &sides[1].size);
    ck_assert_ptr_nonnull(sides[0].stream);
    set_buffer(number % 4);
    for (int i = 0; i < 300 && model.length < sizeof model.bytes / 2; i++)
        do_something(&seed);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(fclose(sides[i].stream), 0);
    for (int i = 0; i < count; i++) {
        expect_contents(&sides[i]);
        ck_assert_int_eq(sides[i].buffer[sides[i].size], '\0');
    }
    ck_assert_uint_eq(tm_malloc_usable_size(sides[0].buffer), sides[0].size + 1);
    expect_process_live(sides[0].size + 1, 1);
    tm_free(sides[0].buffer);
    free(sides[1].buffer);
    expect_process_live(0, 0);
    expect_no_crossings();
}

START_TEST(any_sequence_does_what_glibc_does)
{
    count = 2;
    run_sequence(_i);
}
END_TEST

START_TEST(any_sequence_with_seeks_from_the_end_keeps_all_that_was_written)
{
    count = 1;
    run_sequence(_i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memstream_model");
    TCase *tcase = add_case(suite, "memstream_model", 60);
    tcase_add_loop_test(tcase, any_sequence_does_what_glibc_does, 0, 60);
    tcase_add_loop_test(tcase, any_sequence_with_seeks_from_the_end_keeps_all_that_was_written, 0, 60);
    return run_suite(suite);
}
