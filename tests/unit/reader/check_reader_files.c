/* SPDX-License-Identifier: BSD-3-Clause */
/* threadmeter/reader.h: what is no published file, or one whose head is wrong, or that is cut off, or grows. */
#define _GNU_SOURCE
#include "support/published_file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- the head ---- */

#define OUTSIDE "is damaged: a table lies outside of it"
#define NO_TABLE "is damaged: it has no such table"
#define NO_ROWS "is damaged: its rows are of another size"
#define CUT "is damaged: it is cut off"
#define LONGER "is damaged: it is longer than it should be"

static const struct {
    size_t offset, size;
    uint64_t value;
    int error;
    const char *text;
} heads[] = {
    {HEAD(magic), 0, -EINVAL, "is not published by threadmeter"},
    {HEAD(byte_order), 0x04030201, -EPROTONOSUPPORT, "is of a machine with another order of bytes"},
    {HEAD(byte_order), 0, -EPROTONOSUPPORT, "is of a machine with another order of bytes"},
    {HEAD(size), 0, -EINVAL, LONGER},
    {HEAD(size), SIZE - 1, -EINVAL, LONGER},
    {HEAD(size), SIZE + 1, -EINVAL, CUT},
    {HEAD(size), UINT64_MAX, -EINVAL, CUT},
    {HEAD(tags_offset), 0, -EINVAL, OUTSIDE},
    {HEAD(tags_offset), 1, -EINVAL, OUTSIDE},
    {HEAD(tags_offset), TAGS_OFFSET + 8, -EINVAL, OUTSIDE},
    {HEAD(tags_offset), SIZE - 64, -EINVAL, OUTSIDE},
    {HEAD(tags_offset), SIZE, -EINVAL, OUTSIDE},
    {HEAD(tags_offset), UINT64_MAX, -EINVAL, OUTSIDE},
    {HEAD(tags_offset), UINT64_MAX - 63, -EINVAL, OUTSIDE},
    {HEAD(retired_offset), 0, -EINVAL, OUTSIDE},
    {HEAD(retired_offset), SIZE - 64, -EINVAL, OUTSIDE},
    {HEAD(retired_offset), UINT64_MAX - 63, -EINVAL, OUTSIDE},
    {HEAD(retired_size), 64, -EINVAL, NO_ROWS},
    {HEAD(retired_places), TM__RETIRED_PLACES + 1, -EINVAL, NO_TABLE},
    {HEAD(slots_offset), 0, -EINVAL, OUTSIDE},
    {HEAD(slots_offset), SLOTS_OFFSET + 1, -EINVAL, OUTSIDE},
    {HEAD(slots_offset), SIZE - 4096, -EINVAL, OUTSIDE},
    {HEAD(slots_offset), UINT64_C(1) << 63, -EINVAL, OUTSIDE},
    {HEAD(slots_offset), UINT64_MAX - 4095, -EINVAL, OUTSIDE},
    {HEAD(flows_offset), 0, -EINVAL, OUTSIDE},
    {HEAD(flows_offset), FLOWS_OFFSET + 32, -EINVAL, OUTSIDE},
    {HEAD(flows_offset), FLOWS_OFFSET + 8192, -EINVAL, OUTSIDE},
    {HEAD(flows_offset), UINT64_C(1) << 62, -EINVAL, OUTSIDE},
    {HEAD(flows_offset), UINT64_MAX - 4095, -EINVAL, OUTSIDE},
    {HEAD(tag_size), 0, -EINVAL, NO_ROWS},
    {HEAD(tag_size), sizeof(struct tm__tag) * 2, -EINVAL, NO_ROWS},
    {HEAD(tag_size), UINT32_MAX, -EINVAL, NO_ROWS},
    {HEAD(slot_size), 0, -EINVAL, NO_ROWS},
    {HEAD(slot_size), 1, -EINVAL, NO_ROWS},
    {HEAD(slot_size), UINT32_MAX, -EINVAL, NO_ROWS},
    {HEAD(tag_places), TM__TAG_PLACES + 1, -EINVAL, NO_TABLE},
    {HEAD(tag_places), UINT32_MAX, -EINVAL, NO_TABLE},
    {HEAD(slot_places), 0, -EINVAL, NO_TABLE},
    {HEAD(slot_places), TM__SHARED_SLOTS - 1, -EINVAL, NO_TABLE},
    {HEAD(slot_places), 131073, -EINVAL, NO_TABLE},
    {HEAD(slot_places), UINT32_MAX, -EINVAL, NO_TABLE},
    {HEAD(slot_places), 131072, -EINVAL, OUTSIDE},
};

START_TEST(a_head_that_cannot_be)
{
    put(heads[_i].offset, &heads[_i].value, heads[_i].size);
    expect_unopened(heads[_i].error, heads[_i].text);
}
END_TEST

static const uint32_t other_layouts[] = {0, TM__LAYOUT - 1, TM__LAYOUT + 1, UINT32_MAX};

START_TEST(a_file_of_another_layout)
{
    uint32_t layout = other_layouts[_i];
    char text[100];
    snprintf(text, sizeof text, "is of another version of threadmeter (layout %u, this reads %d)", layout, TM__LAYOUT);
    put(offsetof(struct tm__head, layout), &layout, sizeof layout);
    expect_unopened(-EPROTONOSUPPORT, text);
}
END_TEST

#define TOO_MANY "is damaged: it says that more rows are used than there are"

static const struct {
    size_t offset, size;
    uint64_t value;
    const char *text;
} counts[] = {
    {HEAD(slots_used), 0, "is damaged: it has no slots"},
    {HEAD(slots_used), 1, "is damaged: it has no slots"},
    {HEAD(slots_used), SLOTS + 1, TOO_MANY},
    {HEAD(slots_used), UINT32_MAX, TOO_MANY},
    {HEAD(tags_used), TAGS + 1, TOO_MANY},
    {HEAD(tags_used), UINT32_MAX, TOO_MANY},
};

START_TEST(more_is_used_than_there_is)
{
    struct tm_reader *reader = open_file(file_path);
    read_from(reader);
    put(counts[_i].offset, &counts[_i].value, counts[_i].size);
    expect_unread(reader, counts[_i].text); /* which was right when it was opened */
    tm_reader_close(reader);
    expect_damage(counts[_i].text);
}
END_TEST

/* Each word of the head is anything, and nothing else happens than an error, or a reading. */
START_TEST(any_word_of_the_head)
{
    static const uint64_t values[] = {0, 1, 65, 4096, 131072, SIZE - 64, UINT32_MAX, 1ul << 62, UINT64_MAX};
    for (uint64_t offset = 0; offset < 192; offset += 4)
        for (size_t i = 0; i < 2 * sizeof values / sizeof values[0]; i++) {
            uint64_t word;
            size_t size = i % 2 == 0 ? 4 : 8;
            ck_assert_int_eq(pread(file, &word, sizeof word, (off_t)offset), sizeof word);
            put(offset, &values[i / 2], size);
            read_if_possible();
            put(offset, &word, size);
        }
    ck_assert(read_if_possible());
}
END_TEST

START_TEST(tables_that_overlap)
{
    for (uint64_t at = TAGS_OFFSET; at <= FLOWS_OFFSET; at += 64) {
        put(offsetof(struct tm__head, tags_offset), &at, sizeof at);
        read_if_possible();
    }
    uint64_t at = TAGS_OFFSET;
    put(offsetof(struct tm__head, flows_offset), &at, sizeof at);
    read_if_possible();
}
END_TEST

/* ---- the file ---- */

static const off_t lengths[] = {0,
                                1,
                                7,
                                8,
                                64,
                                TM__HEAD - 1,
                                TM__HEAD,
                                TAGS_OFFSET + 100,
                                SLOTS_OFFSET,
                                SLOTS_OFFSET + 1,
                                SLOTS_OFFSET + (USED_SLOTS - 1) * sizeof(struct tm__slot),
                                FLOWS_OFFSET,
                                SIZE - 4096,
                                SIZE - 1};

START_TEST(a_file_that_is_cut_off)
{
    off_t length = lengths[_i];
    struct tm_reader *reader = open_file(file_path);
    read_from(reader);
    ck_assert_int_eq(ftruncate(file, length), 0);
    if (length < (off_t)(FLOWS_OFFSET + sizeof(struct tm__flows)))
        expect_unread(reader, "was cut off while it was read");
    else
        read_from(reader); /* there is nothing there */
    tm_reader_close(reader);
    expect_unopened(-EINVAL, length < TM__HEAD ? "is not published by threadmeter" : CUT);
}
END_TEST

START_TEST(a_file_that_grows)
{
    struct tm_reader *reader = open_file(file_path);
    ck_assert_int_eq(ftruncate(file, SIZE + 4096), 0);
    read_from(reader);
    tm_reader_close(reader);
    expect_unopened(-EINVAL, LONGER);
}
END_TEST

static void expect_no_file(int error, const char *format)
{
    struct tm_reader *reader;
    char message[TM_READER_MESSAGE] = "", expected[TM_READER_MESSAGE];
    int result = tm_reader_open(file_path, &reader, message);
    snprintf(expected, sizeof expected, format, file_path);
    ck_assert_str_eq(message, expected);
    ck_assert_int_eq(result, error);
}

START_TEST(what_is_no_file)
{
    unlink(file_path);
    expect_no_file(-ENOENT, "cannot open %s: No such file or directory");
    ck_assert_int_eq(symlink(file_path, file_path), 0);
    expect_no_file(-ELOOP, "cannot open %s: Too many levels of symbolic links");
    unlink(file_path);
    ck_assert_int_eq(mkfifo(file_path, 0600), 0);
    expect_no_file(-EINVAL, "%s is no file");
    unlink(file_path);
    ck_assert_int_eq(mkdir(file_path, 0700), 0);
    expect_no_file(-EINVAL, "%s is no file");
    rmdir(file_path);
    ck_assert_int_eq(symlink("/dev/zero", file_path), 0);
    expect_no_file(-EINVAL, "%s is no file");
    unlink(file_path);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, file_path);
    int end = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(end, (struct sockaddr *)&address, sizeof address), 0);
    expect_no_file(-EINVAL, "%s is no file");
    close(end);
    unlink(file_path);
    int empty = open(file_path, O_WRONLY | O_CREAT, 0600);
    expect_no_file(-EINVAL, "%s is not published by threadmeter");
    ck_assert_int_eq(write(empty, "#!/bin/sh\n", 10), 10);
    expect_no_file(-EINVAL, "%s is not published by threadmeter");
    close(empty);
}
END_TEST

START_TEST(a_path_that_is_long)
{
    static char text[9000];
    memset(text, 'x', sizeof text - 1);
    struct tm_reader *reader;
    char message[TM_READER_MESSAGE] = "";
    ck_assert_int_eq(tm_reader_open(text, &reader, message), -ENAMETOOLONG);
    ck_assert_uint_eq(strlen(message), TM_READER_MESSAGE - 1);
}
END_TEST

START_TEST(a_path_of_any_characters)
{
    static const char shown[] = "na?me?[31m?????\xc2\xa0\xc3\xa4";
    char name[200], expected[TM_READER_MESSAGE], message[TM_READER_MESSAGE] = "";
    struct tm_reader *reader;
    snprintf(name, sizeof name, "%s/na\nme\033[31m\r\177\a\xc2\x9b\xc2\xa0\xc3\xa4", publish_directory);
    snprintf(expected, sizeof expected, "cannot open %s/%s: No such file or directory", publish_directory, shown);
    ck_assert_int_eq(tm_reader_open(name, &reader, message), -ENOENT);
    ck_assert_str_eq(message, expected);
    ck_assert_int_eq(mkdir(name, 0700), 0);
    snprintf(expected, sizeof expected, "%s/%s is no file", publish_directory, shown);
    ck_assert_int_eq(tm_reader_open(name, &reader, message), -EINVAL);
    ck_assert_str_eq(message, expected);
    ck_assert_int_eq(rmdir(name), 0);
}
END_TEST

/* The file that was opened is read, though another is at its path by then; and the kernel says who owns it. */
START_TEST(a_descriptor)
{
    struct tm_reader *reader;
    char message[TM_READER_MESSAGE] = "";
    uid_t owner = geteuid() == 0 ? 65534 : geteuid();
    int fd = open(file_path, O_RDONLY);
    ck_assert_int_eq(fchown(fd, owner, (gid_t)-1), 0);
    unlink(file_path);
    ck_assert_int_eq(symlink("/dev/zero", file_path), 0);
    ck_assert_int_eq(tm_reader_open_fd(fd, file_path, &reader, message), 0);
    ck_assert_str_eq(tm_reader_path(reader), file_path);
    ck_assert_uint_eq(tm_reader_owner(reader), owner);
    ck_assert_uint_eq(read_from(reader)->uid, owner);
    tm_reader_close(reader);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    int other = open("/dev/zero", O_RDONLY);
    ck_assert_int_eq(tm_reader_open_fd(other, "this", &reader, message), -EINVAL);
    ck_assert_str_eq(message, "this is no file");
    ck_assert_int_eq(fcntl(other, F_GETFD), -1);
}
END_TEST

/* ---- a directory ---- */

static int count_visits(const char *visited, void *arg)
{
    ck_assert_msg(strncmp(visited, publish_directory, strlen(publish_directory)) == 0, "%s", visited);
    return ++*(int *)arg == 3 ? 42 : 0;
}

START_TEST(files_of_a_directory)
{
    static const char *const others[] = {".tm", "x.tmp", "5-6.new1", "tm"};
    char name[200];
    int count = 0;
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s/%s", publish_directory, others[i]);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
    ck_assert_int_eq(tm_reader_each(publish_directory, count_visits, &count), 0);
    ck_assert_int_eq(count, 1);
    snprintf(name, sizeof name, "%s/fifo.tm", publish_directory);
    ck_assert_int_eq(mkfifo(name, 0600), 0);
    snprintf(name, sizeof name, "%s/directory.tm", publish_directory);
    ck_assert_int_eq(mkdir(name, 0700), 0);
    count = 0;
    ck_assert_int_eq(tm_reader_each(publish_directory, count_visits, &count), 42);
    ck_assert_int_eq(count, 3);
    ck_assert_int_eq(tm_reader_each("/nowhere/at/all", count_visits, &count), -ENOENT);
    ck_assert_int_eq(tm_reader_each(file_path, count_visits, &count), -ENOTDIR);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

int main(void)
{
    Suite *suite = suite_create("reader_files");
    TCase *tcase = tcase_create("reader_files");
    tcase_set_timeout(tcase, 300);
    tcase_add_checked_fixture(tcase, make_file, remove_file);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, a_head_that_cannot_be, 0, COUNT(heads));
    tcase_add_loop_test(tcase, a_file_of_another_layout, 0, sizeof other_layouts / sizeof other_layouts[0]);
    tcase_add_loop_test(tcase, more_is_used_than_there_is, 0, COUNT(counts));
    tcase_add_test(tcase, any_word_of_the_head);
    tcase_add_test(tcase, tables_that_overlap);
    tcase_add_loop_test(tcase, a_file_that_is_cut_off, 0, COUNT(lengths));
    tcase_add_test(tcase, a_file_that_grows);
    tcase_add_test(tcase, what_is_no_file);
    tcase_add_test(tcase, a_descriptor);
    tcase_add_test(tcase, a_path_that_is_long);
    tcase_add_test(tcase, a_path_of_any_characters);
    tcase_add_test(tcase, files_of_a_directory);
    return run_suite(suite);
}
