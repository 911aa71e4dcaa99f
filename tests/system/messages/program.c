/* SPDX-License-Identifier: BSD-3-Clause */
/* A program that does what its arguments say, one after the other. All that it writes itself is "data", if told to. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <threadmeter/malloc.h>
#include <threadmeter/totals.h>
#include <unistd.h>

extern char tm__last_message[];
static void *kept; /* for leak sanitizer */

static void free_twice(void)
{
    void *volatile block = tm_malloc(96);
    tm_free(block);
    tm_free(block);
}

/* The child does the other actions; then this process ends with the child's status. */
static void go_on_in_child(void)
{
    pid_t child = fork();
    int status;
    if (child == 0)
        return;
    waitpid(child, &status, 0);
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WIFSTOPPED(status) ? 1 : WEXITSTATUS(status));
}

/* As daemons do that close all files and then open their database, which gets the number 2. */
static void open_data_as_stderr(const char *path)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        close(fd);
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (open(path, O_RDWR | O_CREAT | O_APPEND, 0600) != fd)
            _exit(1);
    if (write(STDERR_FILENO, "data\n", 5) != 5)
        _exit(1);
}

static void put_over_stderr(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0600);
    dup2(fd, STDERR_FILENO);
    close(fd);
}

static void print_last_message(int number)
{
    (void)number;
    if (write(STDOUT_FILENO, tm__last_message, strlen(tm__last_message)) < 0)
        _exit(1);
}

static void set_blocked(int how)
{
    sigset_t raised;
    sigemptyset(&raised);
    sigaddset(&raised, SIGPIPE);
    sigaddset(&raised, SIGXFSZ);
    sigprocmask(how, &raised, NULL);
}

/*
 * Goes on in a background process of a terminal with TOSTOP, which stops a process that writes there. This process ends
 * with its status, or with 3 if it was stopped.
 */
static void go_on_in_background(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY), status;
    grantpt(master);
    unlockpt(master);
    pid_t child = fork();
    if (child == 0) {
        setsid();
        int terminal = open(ptsname(master), O_RDWR);
        struct termios settings;
        tcgetattr(terminal, &settings);
        settings.c_lflag |= TOSTOP;
        tcsetattr(terminal, TCSANOW, &settings);
        dup2(terminal, STDERR_FILENO);
        pid_t background = fork();
        if (background == 0) {
            setpgid(0, 0);
            return;
        }
        waitpid(background, &status, WUNTRACED);
        if (WIFSTOPPED(status))
            kill(background, SIGKILL);
        _exit(WIFSTOPPED(status) ? 3 : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    }
    waitpid(child, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* Does one action, and returns how many arguments that took. */
static int act(char *const argv[], const char *program)
{
    const char *action = argv[0];
    if (strcmp(action, "allocate") == 0) {
        kept = tm_malloc(100);
    } else if (strcmp(action, "misuse") == 0) {
        free_twice();
    } else if (strcmp(action, "fork") == 0) {
        go_on_in_child();
    } else if (strcmp(action, "exec") == 0) {
        char *rest[20] = {(char *)program};
        for (int i = 1; argv[i] && i < 18; i++)
            rest[i] = argv[i];
        execv(program, rest);
        _exit(127);
    } else if (strcmp(action, "user") == 0) {
        if (setresuid(65534, 65534, 65534) != 0)
            _exit(1);
    } else if (strcmp(action, "data") == 0) {
        open_data_as_stderr(argv[1]);
        return 2;
    } else if (strcmp(action, "over") == 0) {
        put_over_stderr(argv[1]);
        return 2;
    } else if (strcmp(action, "last") == 0) {
        signal(SIGABRT, print_last_message);
    } else if (strcmp(action, "background") == 0) {
        go_on_in_background();
    } else if (strcmp(action, "block") == 0) {
        set_blocked(SIG_BLOCK);
    } else if (strcmp(action, "unblock") == 0) {
        set_blocked(SIG_UNBLOCK);
    } else if (strcmp(action, "raise") == 0) {
        raise(SIGXFSZ);
    } else if (strcmp(action, "report") == 0) {
        int error = tm_report(STDERR_FILENO);
        if (error != 0)
            _exit(-error);
    } else {
        _exit(2);
    }
    return 1;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc;)
        i += act(argv + i, argv[0]);
    return 0;
}
