/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * copies.c: what libc allocates for its callers, as blocks of ours: paths, directories, names of functions. libc itself
 * is the oracle. Lines are in check_getline.c.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <dirent.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern int tm_scandir64(const char *directory, struct dirent64 ***list, int (*filter)(const struct dirent64 *),
                        int (*compare)(const struct dirent64 **, const struct dirent64 **));
extern int tm_scandirat64(int base, const char *directory, struct dirent64 ***list,
                          int (*filter)(const struct dirent64 *),
                          int (*compare)(const struct dirent64 **, const struct dirent64 **));

/* Expects that there is one block, charged with the size of its text. Frees both. */
static void expect_same_string(char *ours, char *theirs)
{
    ck_assert_ptr_nonnull(theirs);
    ck_assert_ptr_nonnull(ours);
    ck_assert_str_eq(ours, theirs);
    ck_assert_uint_eq(tm_malloc_usable_size(ours), strlen(ours) + 1);
    expect_process_live(strlen(ours) + 1, 1);
    tm_free(ours);
    free(theirs);
    expect_process_live(0, 0);
    expect_no_crossings();
}

/* A directory to work in, entered; the test's process is its own. */
static char directory[] = "/tmp/check_copies.XXXXXX";

static void enter_directory(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(chdir(directory), 0);
}

static void make_file(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void leave_directory(void)
{
    expect_no_crossings();
    char command[100];
    ck_assert_int_eq(chdir("/"), 0);
    sprintf(command, "rm -r %s", directory);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(realpath_is_libcs)
{
    make_file("file");
    ck_assert_int_eq(symlink("file", "link"), 0);
    ck_assert_int_eq(symlink("loop", "loop"), 0);
    static const char *const paths[] = {"/", ".", "..", "file", "./../../tmp/.", "link", "/proc/self/exe", directory};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char buffer[PATH_MAX], *expected = realpath(paths[i], NULL);
        ck_assert_ptr_eq(tm_realpath(paths[i], buffer), buffer);
        ck_assert_str_eq(buffer, expected);
        free(expected);
        expect_same_string(tm_realpath(paths[i], NULL), realpath(paths[i], NULL));
        expect_same_string(tm_canonicalize_file_name(paths[i]), canonicalize_file_name(paths[i]));
    }

    uint64_t blocks = process_totals().allocated_blocks;
    static const struct {
        const char *path;
        int error;
    } bad[] = {{"none", ENOENT}, {"", ENOENT}, {"loop", ELOOP}, {"file/x", ENOTDIR}};
    char buffer[PATH_MAX];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        EXPECT_ERROR(bad[i].error, !tm_realpath(bad[i].path, NULL));
        EXPECT_ERROR(bad[i].error, !tm_realpath(bad[i].path, buffer));
        EXPECT_ERROR(bad[i].error, !tm_canonicalize_file_name(bad[i].path));
    }
    ck_assert_uint_eq(process_totals().allocated_blocks, blocks);
}
END_TEST

START_TEST(getcwd_is_libcs)
{
    expect_same_string(tm_getcwd(NULL, 0), getcwd(NULL, 0));
    expect_same_string(tm_get_current_dir_name(), get_current_dir_name());
    setenv("PWD", "/nowhere", 1);
    expect_same_string(tm_get_current_dir_name(), get_current_dir_name());

    size_t fits = strlen(directory) + 1;
    size_t sizes[] = {fits, fits + 1, PATH_MAX, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *ours = tm_getcwd(NULL, sizes[i]);
        ck_assert_str_eq(ours, directory);
        ck_assert_uint_eq(tm_malloc_usable_size(ours), sizes[i]);
        expect_process_live(sizes[i], 1);
        tm_free(ours);
    }
    char buffer[100];
    uint64_t blocks = process_totals().allocated_blocks;
    ck_assert_ptr_eq(tm_getcwd(buffer, sizeof buffer), buffer);
    ck_assert_str_eq(buffer, directory);
    EXPECT_ERROR(ERANGE, !tm_getcwd(buffer, fits - 1));
    EXPECT_ERROR(EINVAL, !tm_getcwd(buffer, 0));
    ck_assert_uint_eq(process_totals().allocated_blocks, blocks);
    for (size_t size = 1; size < fits; size++) {
        EXPECT_ERROR(ERANGE, !tm_getcwd(NULL, size));
    }

    ck_assert_int_eq(mkdir("gone", 0700), 0);
    ck_assert_int_eq(chdir("gone"), 0);
    ck_assert_int_eq(rmdir("../gone"), 0);
    for (size_t size = 0; size <= 100; size += 100) {
        EXPECT_ERROR(ENOENT, !tm_getcwd(NULL, size));
    }
    expect_process_live(0, 0);
}
END_TEST

START_TEST(tempnam_gives_new_names)
{
    char *first = tm_tempnam(directory, "some"), *second = tm_tempnam(directory, NULL);
    ck_assert_ptr_eq(strstr(first, directory), first);
    ck_assert_ptr_eq(strstr(first, "/some"), first + strlen(directory));
    ck_assert_str_ne(first, second);
    ck_assert_int_ne(access(first, F_OK), 0);
    ck_assert_uint_eq(tm_malloc_usable_size(first), strlen(first) + 1);
    expect_process_live(strlen(first) + strlen(second) + 2, 2);
    tm_free(first);
    tm_free(second);
    expect_process_live(0, 0);
}
END_TEST

static int no_dots(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int none(const struct dirent *entry)
{
    (void)entry;
    return 0;
}

static struct dirent **ours, **theirs;

/* Entry by entry, each one a block, and freed here. */
static void compare_lists(int count, int expected)
{
    ck_assert_int_eq(count, expected);
    uint64_t bytes = (unsigned)count * sizeof *ours;
    ck_assert_uint_eq(tm_malloc_usable_size(ours), bytes);
    for (int i = 0; i < count; i++) {
        ck_assert_uint_eq(tm_malloc_usable_size(ours[i]), theirs[i]->d_reclen);
        ck_assert_mem_eq(ours[i], theirs[i], offsetof(struct dirent, d_name));
        ck_assert_str_eq(ours[i]->d_name, theirs[i]->d_name);
        bytes += theirs[i]->d_reclen;
    }
    struct tm_totals totals = thread_totals();
    expect_live(&totals, bytes, (unsigned)count + 1);
    for (int i = 0; i < count; i++) {
        tm_free(ours[i]);
        free(theirs[i]);
    }
    tm_free(ours);
    free(theirs);
    expect_process_live(0, 0);
}

START_TEST(scandir_lists_what_libcs_does)
{
    for (int length = 1; length <= 255; length += _i) {
        char name[256] = {0};
        make_file(memset(name, 'a' + length % 7, (size_t)length));
    }
    int base = open("/tmp", O_RDONLY | O_DIRECTORY);
    const char *below = strrchr(directory, '/') + 1;
    int (*const filters[])(const struct dirent *) = {NULL, no_dots};
    int (*const orders[])(const struct dirent **, const struct dirent **) = {NULL, alphasort, versionsort};
    for (int i = 0; i < 6; i++) {
        int (*filter)(const struct dirent *) = filters[i % 2];
        int (*order)(const struct dirent **, const struct dirent **) = orders[i / 2];
        int count = tm_scandir(".", &ours, filter, order);
        compare_lists(count, scandir(".", &theirs, filter, order));
        count = tm_scandirat(base, below, &ours, filter, order);
        compare_lists(count, scandirat(base, below, &theirs, filter, order));
    }
    int (*filter64)(const struct dirent64 *) = (int (*)(const struct dirent64 *))no_dots;
    int count = tm_scandir64(".", (struct dirent64 ***)&ours, filter64, alphasort64);
    compare_lists(count, scandir64(".", (struct dirent64 ***)&theirs, filter64, alphasort64));
    count = tm_scandirat64(base, below, (struct dirent64 ***)&ours, NULL, versionsort64);
    compare_lists(count, scandirat64(base, below, (struct dirent64 ***)&theirs, NULL, versionsort64));
    close(base);
}
END_TEST

START_TEST(scandir_of_nothing_makes_nothing)
{
    struct dirent *some, **list = &some;
    ck_assert_int_eq(scandir(".", &theirs, none, alphasort), 0);
    ck_assert_int_eq(tm_scandir(".", &list, none, alphasort), 0);
    ck_assert_ptr_eq(list, theirs); /* NULL, and there are programs that do not free a list of 0 */
    list = &some;
    EXPECT_ERROR(ENOENT, tm_scandir("none", &list, NULL, NULL) == -1);
    EXPECT_ERROR(EBADF, tm_scandirat(-1, "none", &list, NULL, NULL) == -1);
    ck_assert_ptr_eq(list, &some);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
}
END_TEST

START_TEST(backtrace_symbols_are_libcs)
{
    void *addresses[64];
    int count = backtrace(addresses, 60);
    ck_assert_int_gt(count, 2);
    addresses[count++] = NULL;
    addresses[count++] = (void *)&addresses; /* nobody's code */
    char **ours = tm_backtrace_symbols(addresses, count), **theirs = backtrace_symbols(addresses, count);
    size_t size = (unsigned)count * sizeof *ours;
    for (int i = 0; i < count; i++) {
        ck_assert_str_eq(ours[i], theirs[i]);
        size += strlen(ours[i]) + 1;
    }
    ck_assert_uint_eq(tm_malloc_usable_size(ours), size);
    expect_process_live(size, 1);
    tm_free(ours);
    free(theirs);
    ours = tm_backtrace_symbols(addresses, 0);
    expect_process_live(0, 1);
    tm_free(ours);
    expect_process_live(0, 0);
}
END_TEST

/* It may be libc that finds no memory, or the library. */
START_TEST(no_memory_is_ENOMEM_and_nothing_is_lost)
{
    make_file("file");
    FILE *stream = tmpfile();
    ck_assert_int_ge(fputs("a line\n", stream), 0);
    rewind(stream);
    setvbuf(stream, NULL, _IONBF, 0);
    volatile char stack[1 << 18]; /* which could not grow later, either */
    for (size_t i = 0; i < sizeof stack; i += 4096)
        stack[i] = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &(struct rlimit){1, RLIM_INFINITY}), 0);
    void **blocks = NULL, **block;
    for (size_t size = 1 << 20; size >= sizeof *block; size = size * 15 / 16)
        for (; (block = tm_malloc(size)); blocks = block)
            *block = blocks;

    struct tm_totals before = process_totals();
    struct {
        bool failed;
        int error;
    } calls[10];
    int count = 0; /* and judged later: an assertion allocates */
#define CALL(has_failed) (errno = 0, calls[count].failed = (has_failed), calls[count++].error = errno)
    char *line = NULL;
    size_t size = 0;
    CALL(!tm_realpath("file", NULL));
    CALL(!tm_canonicalize_file_name("file"));
    CALL(!tm_getcwd(NULL, 0));
    CALL(!tm_getcwd(NULL, 1000));
    CALL(!tm_get_current_dir_name());
    CALL(tm_getline(&line, &size, stream) == -1);
    CALL(tm_scandir(".", &ours, NULL, NULL) == -1);
    CALL(!tm_backtrace_symbols((void *[]){&calls, &stream}, 2));
    struct tm_totals after = process_totals();
    setrlimit(RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
    for (; blocks; blocks = block) {
        block = *blocks;
        tm_free(blocks);
    }
    for (int i = 0; i < count; i++)
        ck_assert_msg(calls[i].failed && calls[i].error == ENOMEM, "call %d, errno %d", i, calls[i].error);
    ck_assert_mem_eq(&before, &after, sizeof before);
    ck_assert_ptr_null(line);
    fclose(stream);
    expect_process_live(0, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("copies");
    TCase *paths = add_case(suite, "paths", 60);
    tcase_add_checked_fixture(paths, enter_directory, leave_directory);
    tcase_add_test(paths, realpath_is_libcs);
    tcase_add_test(paths, getcwd_is_libcs);
    tcase_add_test(paths, tempnam_gives_new_names);
    tcase_add_loop_test(paths, scandir_lists_what_libcs_does, 1, 4);
    tcase_add_test(paths, scandir_of_nothing_makes_nothing);
    tcase_add_test(paths, backtrace_symbols_are_libcs);
    if (!SANITIZED)
        add_unless_emulated(paths, no_memory_is_ENOMEM_and_nothing_is_lost, NO_LIMIT_OF_MEMORY);
    return run_suite(suite);
}
