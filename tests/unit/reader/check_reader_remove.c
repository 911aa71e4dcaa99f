/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tm_reader_remove(): which file is removed, and that no other is, also if another process interferes: the test puts its
 * own renameat2() in front, and before that moves the file another process may do something.
 */
#include "support/published_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void (*meanwhile)(void);

int __real_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags);
int __wrap_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags);
int __wrap_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags)
{
    void (*act)(void) = meanwhile;
    meanwhile = NULL;
    if (act)
        act();
    return __real_renameat2(from_directory, from, to_directory, to, flags);
}

static int directory;

static void set_word(size_t offset, size_t size, uint32_t word)
{
    put(offset, &word, size);
}

static int open_directory(void)
{
    directory = open(publish_directory, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(directory, 0);
    return directory;
}

/* By another opening of it, as a process's mapping has it. */
static int hold(const char *name)
{
    struct flock64 whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = openat(directory, name, O_RDWR);
    ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &whole), 0);
    return fd;
}

static bool is_there(const char *name)
{
    return faccessat(directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static const struct {
    uint32_t locked, ended;
    bool held, mine; /* the number is of a process that runs */
    int result;
    bool elsewhere; /* the name is of another pid namespace */
} files[] = {
    {1, 0, false, false, 0, false},     {1, 1, false, false, 0, false},     {1, 0, false, true, 0, false},
    {1, 0, true, false, -EBUSY, false}, {1, 1, true, false, -EBUSY, false}, {0, 0, false, false, -EBUSY, false},
    {0, 1, false, true, -EBUSY, false}, {0, 1, false, false, 0, false},     {0, 1, false, false, 0, false},
    {0, 0, false, true, -EBUSY, false}, {0, 1, false, false, -EBUSY, true}, {1, 0, false, false, 0, true},
    {1, 1, true, false, -EBUSY, true},
};

/* As a process has it that publishes where this one runs, or in another pid namespace. */
static const char *name_in(bool ours)
{
    static char name[64];
    struct stat namespace;
    ck_assert_int_eq(stat("/proc/self/ns/pid", &namespace), 0);
    if (ours && namespace.st_ino == 0xeffffffcu)
        return "1-2.tm";
    snprintf(name, sizeof name, "1-2-%llu.tm", (unsigned long long)namespace.st_ino + !ours);
    return name;
}

START_TEST(only_what_is_gone)
{
    open_directory();
    const char *name = name_in(!files[_i].elsewhere);
    set_word(HEAD(locked), files[_i].locked);
    set_word(HEAD(ended), files[_i].ended);
    if (files[_i].mine)
        set_word(HEAD(pid), (uint32_t)getpid());
    if (strcmp(name, "1-2.tm") != 0)
        ck_assert_int_eq(renameat(directory, "1-2.tm", directory, name), 0);
    int held = files[_i].held ? hold(name) : -1;
    ck_assert_int_eq(tm_reader_remove(directory, name), files[_i].result);
    ck_assert_int_eq(is_there(name), files[_i].result != 0);
    ck_assert(!is_there("1-2.new0"));
    close(held);
}
END_TEST

static void make_old(const char *name)
{
    struct timespec times[2] = {{.tv_sec = time(NULL) - 100}, {.tv_sec = time(NULL) - 100}};
    ck_assert_int_eq(utimensat(directory, name, times, 0), 0);
}

START_TEST(drafts)
{
    open_directory();
    close(openat(directory, "1-2.new3", O_CREAT | O_WRONLY, 0600));
    ck_assert_int_eq(tm_reader_remove(directory, "1-2.new3"), -EBUSY); /* it is just begun */
    make_old("1-2.new3");
    int held = hold("1-2.new3");
    ck_assert_int_eq(tm_reader_remove(directory, "1-2.new3"), -EBUSY);
    close(held);
    ck_assert_int_eq(tm_reader_remove(directory, "1-2.new3"), 0);
    ck_assert_int_eq(tm_reader_remove(directory, "1-2.new3"), -ENOENT);
    ck_assert(!is_there("1-2.new3") && !is_there("1-2.new0") && is_there("1-2.tm"));
    /* A file that a process was about to remove when it was killed. */
    close(openat(directory, "1-2.new0", O_CREAT | O_WRONLY, 0600));
    set_word(HEAD(locked), 1);
    ck_assert_int_eq(tm_reader_remove(directory, "1-2.tm"), -EBUSY);
    make_old("1-2.new0");
    ck_assert_int_eq(tm_reader_remove(directory, "1-2.new0"), 0);
    ck_assert_int_eq(tm_reader_remove(directory, "1-2.tm"), 0);
    ck_assert(!is_there("1-2.new0") && !is_there("1-2.tm"));
}
END_TEST

START_TEST(what_is_of_another_kind)
{
    static const char *const names[] = {"",          ".",       "..",         "1-2",       "1-2.new", "1-2.newer",
                                        "1-2.new3x", "x.tm",    "1-2x.new1",  "1-.tm",     "-2.tm",   "1-2.tm.tm",
                                        "./1-2.tm",  "1-2-.tm", "1-2-3-4.tm", "1-2-3x.tm", "1--2.tm"};
    open_directory();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!strchr(names[i], '/') && names[i][0] && names[i][0] != '.')
            close(openat(directory, names[i], O_CREAT | O_WRONLY, 0600));
        make_old(names[i][0] ? names[i] : ".");
        ck_assert_msg(tm_reader_remove(directory, names[i]) == -EINVAL, "%s", names[i]);
    }
    close(openat(directory, "3-4.tm", O_CREAT | O_WRONLY, 0600));
    ck_assert_int_eq(tm_reader_remove(directory, "3-4.tm"), -EINVAL);
    set_word(HEAD(locked), 1);
    ck_assert_int_eq(symlinkat("1-2.tm", directory, "5-6.tm"), 0);
    ck_assert_int_eq(tm_reader_remove(directory, "5-6.tm"), -EINVAL);
    ck_assert_int_eq(mkfifoat(directory, "7-8.tm", 0600), 0);
    ck_assert_int_eq(tm_reader_remove(directory, "7-8.tm"), -EINVAL);
    ck_assert(is_there("1-2.tm") && is_there("3-4.tm") && is_there("5-6.tm") && is_there("7-8.tm"));
    ck_assert_int_eq(tm_reader_remove(-1, "1-2.tm"), -EBADF);
}
END_TEST

/* The process has become another program, which publishes by the same name. */
static void publish_anew(void)
{
    int fd = openat(directory, "1-2.new1", O_CREAT | O_WRONLY, 0600);
    ck_assert_int_eq(write(fd, "new", 3), 3);
    close(fd);
    ck_assert_int_eq(renameat(directory, "1-2.new1", directory, "1-2.tm"), 0);
}

static void remove_first(void)
{
    ck_assert_int_eq(unlinkat(directory, "1-2.tm", 0), 0);
}

START_TEST(another_file_comes_by_that_name)
{
    char text[4] = "";
    open_directory();
    set_word(HEAD(locked), 1);
    meanwhile = publish_anew;
    ck_assert_int_eq(tm_reader_remove(directory, "1-2.tm"), -EBUSY);
    ck_assert_ptr_null(meanwhile);
    int fd = openat(directory, "1-2.tm", O_RDONLY);
    ck_assert_int_eq(read(fd, text, 3), 3);
    ck_assert_str_eq(text, "new");
    close(fd);
    ck_assert(!is_there("1-2.new0"));
}
END_TEST

START_TEST(another_one_removes_it)
{
    open_directory();
    set_word(HEAD(locked), 1);
    meanwhile = remove_first;
    ck_assert_int_eq(tm_reader_remove(directory, "1-2.tm"), -ENOENT);
    ck_assert(!is_there("1-2.new0"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader_remove");
    TCase *tcase = tcase_create("remove");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, make_file, remove_file);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, only_what_is_gone, 0, sizeof files / sizeof files[0]);
    tcase_add_test(tcase, drafts);
    tcase_add_test(tcase, what_is_of_another_kind);
    tcase_add_test(tcase, another_file_comes_by_that_name);
    tcase_add_test(tcase, another_one_removes_it);
    return run_suite(suite);
}
