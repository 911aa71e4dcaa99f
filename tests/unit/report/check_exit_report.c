/* SPDX-License-Identifier: BSD-3-Clause */
/* exit_report.c: THREADMETER_REPORT, by a program that is run with it. HELPER_EXITS says where that is. */
#define _GNU_SOURCE
#include "support/support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS = 42, LONG = 5000 };

/* A run of the program, and what it wrote. */
static struct {
    pid_t pid;
    char output[20000];
    char errors[20000];
} run;

/* A directory that is the program's and ours to work in. */
static char directory[] = "/tmp/check_exit_report.XXXXXX";

static void enter_directory(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(chdir(directory), 0);
}

static void leave_directory(void)
{
    char command[100];
    ck_assert_int_eq(chdir("/"), 0);
    sprintf(command, "rm -r %s", directory);
    ck_assert_int_eq(system(command), 0);
}

static void read_whole(int fd, char *text, size_t capacity)
{
    ssize_t length = pread(fd, text, capacity - 1, 0);
    ck_assert_int_ge(length, 0);
    text[length] = '\0';
    close(fd);
}

static void start(const char *report, const char *const *actions, int out, int err)
{
    const char *argv[8] = {getenv("HELPER_EXITS")};
    for (int i = 0; actions && actions[i]; i++)
        argv[i + 1] = actions[i];
    if (report)
        setenv("THREADMETER_REPORT", report, 1);
    else
        unsetenv("THREADMETER_REPORT");
    if (out >= 0)
        dup2(out, STDOUT_FILENO);
    if (err >= 0)
        dup2(err, STDERR_FILENO);
    else
        close(STDERR_FILENO);
    become(argv);
    _exit(127);
}

static int status_of_run(const char *report, const char *const *actions, int out, int err)
{
    ck_assert_msg(getenv("HELPER_EXITS") != NULL, "HELPER_EXITS is not set");
    run.pid = fork();
    ck_assert_int_ge(run.pid, 0);
    if (run.pid == 0)
        start(report, actions, out, err);
    int status;
    ck_assert_int_eq(waitpid(run.pid, &status, 0), run.pid);
    return status;
}

/* Whether or not the report can be written, the program ends as it would without. */
static void run_to(const char *report, const char *const *actions, int out, int err)
{
    int status = status_of_run(report, actions, out, err);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == STATUS, "status %#x", status);
}

#define ACTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void run_with(const char *report, const char *const *actions)
{
    int out = memfd_create("stdout", MFD_CLOEXEC), err = memfd_create("stderr", MFD_CLOEXEC);
    run_to(report, actions, out, err);
    read_whole(out, run.output, sizeof run.output);
    read_whole(err, run.errors, sizeof run.errors);
}

/* Takes a report of the helper off the front of a text; whose it is. */
static pid_t take_report(const char **text)
{
    const char *name = strrchr(getenv("HELPER_EXITS"), '/') + 1;
    char header[200];
    int pid = 0;
    size_t length = (size_t)sprintf(header, "threadmeter: %s, pid ", name);
    ck_assert_msg(strncmp(*text, header, length) == 0, "no report: \"%s\"", *text);
    ck_assert_int_eq(sscanf(*text + length, "%d", &pid), 1);
    const char *total = strstr(*text, "\ntotal      "), *last = strstr(*text, " intercepted reallocs\n");
    ck_assert(total && last && total < last);
    const char *owner = strstr(*text, " 1.00 KiB        1     1.00 KiB    1.00 KiB ");
    ck_assert(owner && owner < total);
    *text = last + strlen(" intercepted reallocs\n");
    return pid;
}

static void expect_report(const char *text, pid_t pid)
{
    ck_assert_int_eq(take_report(&text), pid);
    ck_assert_str_eq(text, "");
}

static void expect_report_in(const char *file, pid_t pid)
{
    static char text[20000];
    read_whole(open(file, O_RDONLY), text, sizeof text);
    expect_report(text, pid);
}

START_TEST(unset_or_empty_prints_nothing)
{
    run_with(_i == 0 ? NULL : "", ACTIONS("fork", "print"));
    ck_assert_str_eq(run.output, "printed\n");
    ck_assert_str_eq(run.errors, "");
}
END_TEST

START_TEST(a_standard_stream_gets_the_report)
{
    run_with("stderr", NULL);
    ck_assert_str_eq(run.output, "");
    expect_report(run.errors, run.pid);
    run_with("stdout", NULL);
    ck_assert_str_eq(run.errors, "");
    expect_report(run.output, run.pid);
}
END_TEST

START_TEST(what_was_printed_comes_first)
{
    run_with("stdout", ACTIONS("print"));
    ck_assert_str_eq(run.errors, "");
    ck_assert_mem_eq(run.output, "printed\n", 8);
    expect_report(run.output + 8, run.pid);
}
END_TEST

/* A thread that is in the middle of a write, perhaps for ever, does not keep the program from its end. */
START_TEST(a_locked_stream_is_not_waited_for)
{
    run_with("stdout", ACTIONS("print", "hold-stdout"));
    ck_assert_str_eq(run.errors, "");
    ck_assert_ptr_nonnull(strstr(run.output, "printed\n"));
    ck_assert_ptr_nonnull(strstr(run.output, " intercepted reallocs\n"));
}
END_TEST

START_TEST(a_program_that_closes_its_streams_is_reported)
{
    run_with("stderr", ACTIONS("print", "close-at-exit"));
    ck_assert_str_eq(run.output, "printed\n");
    expect_report(run.errors, run.pid);
    run_with("stdout", ACTIONS("print", "close-at-exit"));
    ck_assert_str_eq(run.errors, "");
    ck_assert_mem_eq(run.output, "printed\n", 8);
    expect_report(run.output + 8, run.pid);
}
END_TEST

START_TEST(a_file_is_appended_to)
{
    char path[200];
    sprintf(path, "%s/file", directory);
    run_with(path, NULL);
    pid_t first = run.pid;
    expect_report_in("file", first);
    run_with(path, ACTIONS("close-at-exit"));
    ck_assert_str_eq(run.output, "");
    ck_assert_str_eq(run.errors, "");
    char text[20000];
    read_whole(open("file", O_RDONLY), text, sizeof text);
    const char *rest = text;
    ck_assert_int_eq(take_report(&rest), first);
    expect_report(rest, run.pid);
}
END_TEST

START_TEST(a_new_file_has_the_mode_that_umask_leaves)
{
    struct stat status;
    umask(027);
    run_with("file", NULL);
    ck_assert_int_eq(stat("file", &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0640);
}
END_TEST

START_TEST(a_relative_path_is_from_where_the_program_started)
{
    run_with("file", ACTIONS("chdir"));
    expect_report_in("file", run.pid);
    ck_assert_int_eq(mkdir("folder", 0700), 0);
    run_with("./folder/stderr", ACTIONS("chdir"));
    expect_report_in("folder/stderr", run.pid);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_one_clear_line)
{
    char sub[200], name[LONG];
    sprintf(sub, "%s/none/file", directory);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const struct {
        const char *path, *says, *why;
    } bad[] = {
        {"/dev/full", "/dev/full", "No space left on device"},         {"/", "/", "Is a directory"},
        {"/dev/null/file", "/dev/null/file", "Not a directory"},       {"none/file", sub, "No such file or directory"},
        {name, "a file whose name is too long", "File name too long"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char expected[500];
        sprintf(expected, "threadmeter: no report to %s: %s\n", bad[i].says, bad[i].why);
        run_with(bad[i].path, NULL);
        ck_assert_str_eq(run.output, "");
        ck_assert_str_eq(run.errors, expected);
    }
}
END_TEST

/* The file descriptor that the report was to go to may have another file by then. */
START_TEST(closed_descriptors_are_left_alone)
{
    run_with("stderr", ACTIONS("close-all"));
    ck_assert_str_eq(run.output, "");
    ck_assert_str_eq(run.errors, "");
    run_with("stderr", ACTIONS("close-all", "take-all"));
    ck_assert_str_eq(run.output, "");
    ck_assert_str_eq(run.errors, "");
    struct stat status;
    ck_assert_int_eq(stat("taken", &status), 0);
    ck_assert_int_eq(status.st_size, 0);
    run_with("file", ACTIONS("close-all", "take-all"));
    expect_report_in("file", run.pid);
    run_with("none/file", ACTIONS("close-all"));
    ck_assert_str_eq(run.errors, "");
}
END_TEST

START_TEST(a_forked_child_writes_its_own)
{
    run_with("file", ACTIONS("fork"));
    char text[20000];
    read_whole(open("file", O_RDONLY), text, sizeof text);
    const char *rest = text;
    pid_t child = take_report(&rest);
    ck_assert_int_ne(child, run.pid);
    expect_report(rest, run.pid);

    run_with("stderr", ACTIONS("fork"));
    rest = run.errors;
    child = take_report(&rest);
    ck_assert_int_ne(child, run.pid);
    expect_report(rest, run.pid);
}
END_TEST

START_TEST(a_program_that_ends_at_once_writes_nothing)
{
    run_with("stderr", ACTIONS("_exit"));
    ck_assert_str_eq(run.errors, "");
}
END_TEST

START_TEST(few_descriptors_will_do)
{
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, 64}), 0);
    run_with("stderr", ACTIONS("close-at-exit"));
    expect_report(run.errors, run.pid);
}
END_TEST

START_TEST(a_stream_not_open_at_the_start_gets_nothing)
{
    run_to("stderr", ACTIONS("take-all"), -1, -1);
    struct stat status;
    ck_assert_int_eq(stat("taken", &status), 0);
    ck_assert_int_eq(status.st_size, 0);
    run_to("none/file", NULL, -1, -1);
}
END_TEST

/* Neither the report nor the line that there is none may end the program by a signal that it would not have got. */
START_TEST(a_reader_that_is_gone_does_no_harm)
{
    static const char *const reports[] = {"stderr", "none/file"};
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_DFL);
    run_to(reports[_i], NULL, -1, ends[1]);
    close(ends[1]);
}
END_TEST

/* What the program printed itself is another matter: that it cannot be written ends it, as it does without us. */
START_TEST(a_programs_own_broken_pipe_stays)
{
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_DFL);
    int without = status_of_run(NULL, ACTIONS("print"), ends[1], -1);
    int with = status_of_run("stdout", ACTIONS("print"), ends[1], -1);
    close(ends[1]);
    ck_assert(WIFSIGNALED(without) && WTERMSIG(without) == SIGPIPE);
    ck_assert_int_eq(with, without);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exit report");
    TCase *tcase = add_case(suite, "exit report", 60);
    tcase_add_checked_fixture(tcase, enter_directory, leave_directory);
    tcase_add_loop_test(tcase, unset_or_empty_prints_nothing, 0, 2);
    tcase_add_test(tcase, a_standard_stream_gets_the_report);
    tcase_add_test(tcase, what_was_printed_comes_first);
    if (!SANITIZED) /* a thread sanitizer flushes all streams itself, and waits */
        tcase_add_test(tcase, a_locked_stream_is_not_waited_for);
    tcase_add_test(tcase, a_program_that_closes_its_streams_is_reported);
    tcase_add_test(tcase, a_file_is_appended_to);
    tcase_add_test(tcase, a_new_file_has_the_mode_that_umask_leaves);
    tcase_add_test(tcase, a_relative_path_is_from_where_the_program_started);
    tcase_add_test(tcase, a_file_that_cannot_be_written_is_one_clear_line);
    tcase_add_test(tcase, closed_descriptors_are_left_alone);
    tcase_add_test(tcase, a_forked_child_writes_its_own);
    tcase_add_test(tcase, a_program_that_ends_at_once_writes_nothing);
    tcase_add_test(tcase, few_descriptors_will_do);
    tcase_add_test(tcase, a_stream_not_open_at_the_start_gets_nothing);
    tcase_add_loop_test(tcase, a_reader_that_is_gone_does_no_harm, 0, 2);
    tcase_add_test(tcase, a_programs_own_broken_pipe_stays);
    return run_suite(suite);
}
