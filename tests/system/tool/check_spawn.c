/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs that the tool starts, and what the process that started the tool sees of them. */
#include "run/program.h"
#include "run/spawn.h"
#include "support/suite.h"

#include <errno.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Forks a process that does only what the tool does to run a program; *output is the program's output. */
static pid_t start_tool(char **argv, FILE **output)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t tool = fork();
    if (tool == 0) {
        struct tool_program program;
        struct tool_child child;
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        int code = tool_find_program(&program, argv[0]);
        if (!code && !tool_spawn(&child, &program, argv))
            code = 99;
        if (!code) {
            tool_spawn_start(&child);
            while (!tool_wait(&child, 10 * 1000 * 1000)) /* with a timeout, as in a command that does other work, too */
                ;
            code = tool_exit_code(&child);
        }
        _exit(code);
    }
    close(ends[1]);
    *output = fdopen(ends[0], "r");
    return tool;
}

static pid_t start_shell(const char *script, FILE **output)
{
    return start_tool((char *[]){"sh", "-c", (char *)script, NULL}, output);
}

static void expect_line(FILE *output, const char *line)
{
    char buffer[200];
    ck_assert_msg(fgets(buffer, sizeof buffer, output), "no line, but the end");
    buffer[strcspn(buffer, "\n")] = '\0';
    ck_assert_str_eq(buffer, line);
}

static int end_of(pid_t tool, FILE *output)
{
    int status;
    ck_assert_int_eq(waitpid(tool, &status, 0), tool);
    ck_assert(WIFEXITED(status));
    fclose(output);
    return WEXITSTATUS(status);
}

static int run_shell(const char *script)
{
    FILE *output;
    pid_t tool = start_shell(script, &output);
    return end_of(tool, output);
}

START_TEST(exit_codes_are_the_programs)
{
    FILE *output;
    ck_assert_int_eq(run_shell("exit 0"), 0);
    ck_assert_int_eq(run_shell("exit 7"), 7);
    ck_assert_int_eq(run_shell("kill -TERM $$"), 128 + SIGTERM);
    ck_assert_int_eq(run_shell("kill -KILL $$"), 128 + SIGKILL);
    close(STDERR_FILENO);
    pid_t tool = start_tool((char *[]){"/nowhere/at/all", NULL}, &output);
    ck_assert_int_eq(end_of(tool, output), TOOL_NOT_FOUND);
}
END_TEST

static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

START_TEST(signals_are_passed_on)
{
    FILE *output;
    char script[200];
    int number = passed_on[_i];
    snprintf(script, sizeof script, "trap 'echo got it; exit 5' %d; echo ready; while :; do sleep 0.02; done", number);
    pid_t tool = start_shell(script, &output);
    expect_line(output, "ready");
    kill(tool, number);
    expect_line(output, "got it");
    ck_assert_int_eq(end_of(tool, output), 5);
}
END_TEST

/* The program does not handle this signal. */
START_TEST(a_signal_ends_the_program)
{
    FILE *output;
    pid_t tool = start_shell("echo ready; exec sleep 600", &output);
    expect_line(output, "ready");
    kill(tool, SIGTERM);
    ck_assert_int_eq(end_of(tool, output), 128 + SIGTERM);
}
END_TEST

/* Like the stop key and `fg` of a shell, which knows only of the tool. */
START_TEST(it_stops_and_goes_on_with_the_program)
{
    FILE *output;
    int status;
    pid_t tool =
        start_shell("trap 'exit 6' USR1; trap 'echo on' CONT; echo ready; while :; do sleep 0.02; done", &output);
    expect_line(output, "ready");
    for (int i = 0; i < 3; i++) {
        kill(tool, SIGTSTP);
        ck_assert_int_eq(waitpid(tool, &status, WUNTRACED), tool);
        ck_assert(WIFSTOPPED(status));
        kill(tool, SIGCONT);
        expect_line(output, "on");
    }
    kill(tool, SIGUSR1);
    ck_assert_int_eq(end_of(tool, output), 6);
}
END_TEST

/* A key of the terminal reaches the whole foreground group, so the tool must not pass the signal on to the program. */
START_TEST(a_key_of_the_terminal_arrives_once)
{
    int terminal;
    pid_t tool = forkpty(&terminal, NULL, NULL, NULL);
    if (tool == 0) {
        FILE *output;
        pid_t inner = start_shell("n=0; trap 'n=$((n + 1)); echo int' INT; trap 'echo n=$n; exit 0' USR1; echo ready; "
                                  "while :; do sleep 0.02; done",
                                  &output);
        signal(SIGINT, SIG_IGN); /* this process acts as the shell, which is in the foreground group, too */
        char line[100];
        while (fgets(line, sizeof line, output)) {
            fputs(line, stderr);
            if (strcmp(line, "int\n") == 0)
                kill(inner, SIGUSR1);
        }
        _exit(end_of(inner, output));
    }
    FILE *shown = fdopen(terminal, "r");
    char line[100], last[100] = "";
    while (fgets(line, sizeof line, shown)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (strcmp(line, "ready") == 0)
            ck_assert_int_eq(write(terminal, "\003", 1), 1);
        if (line[0] == 'n')
            strcpy(last, line);
    }
    ck_assert_str_eq(last, "n=1");
    int status;
    ck_assert_int_eq(waitpid(tool, &status, 0), tool);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    fclose(shown);
}
END_TEST

int main(void)
{
    /* nohup, or a script that starts this in the background, may ignore signals; then a shell could not trap them. */
    for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++)
        signal(passed_on[i], SIG_DFL);
    Suite *suite = suite_create("spawn");
    TCase *tcase = tcase_create("spawn");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, exit_codes_are_the_programs);
    tcase_add_loop_test(tcase, signals_are_passed_on, 0, sizeof passed_on / sizeof passed_on[0]);
    tcase_add_test(tcase, a_signal_ends_the_program);
    tcase_add_test(tcase, it_stops_and_goes_on_with_the_program);
    tcase_add_test(tcase, a_key_of_the_terminal_arrives_once);
    return run_suite(suite);
}
