/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Starts a program as a child of the tool. To the caller of the tool it looks as if the program had been started
 * directly: it gets the signals, can be stopped and continued at the terminal, and its exit code is the tool's.
 */
#include "run/spawn.h"
#include "common/messages.h"
#include "run/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const int passed_on[] = {SIGINT,  SIGTERM,  SIGHUP,  SIGQUIT, SIGUSR1, SIGUSR2,
                                SIGALRM, SIGWINCH, SIGTSTP, SIGCONT, SIGCHLD};

/* False if the program is not to be started, or if the tool has died. */
static bool wait_for_start(const struct tool_child *child)
{
    char byte;
    ssize_t got;
    close(child->start_pipe[1]);
    do
        got = read(child->start_pipe[0], &byte, 1);
    while (got < 0 && errno == EINTR);
    return got == 1;
}

bool tool_spawn(struct tool_child *child, const struct tool_program *program, char **argv)
{
    sigemptyset(&child->signals);
    for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++)
        sigaddset(&child->signals, passed_on[i]);
    sigprocmask(SIG_BLOCK, &child->signals, &child->old_mask);

    /* The tool's caller may have left SIGCHLD ignored, and then waitpid() would not return the child's status. */
    struct sigaction handled = {.sa_handler = SIG_DFL}, inherited;
    sigaction(SIGCHLD, &handled, &inherited);
    fflush(NULL);
    child->status = 0;
    child->pid = pipe2(child->start_pipe, O_CLOEXEC) == 0 ? fork() : -1;
    if (child->pid == 0) {
        sigaction(SIGCHLD, &inherited, NULL);
        sigprocmask(SIG_SETMASK, &child->old_mask, NULL);
        _exit(wait_for_start(child) ? tool_become(program, argv) : TOOL_CANNOT_RUN);
    }
    if (child->pid < 0) {
        tool_warn("cannot start %s: %s", program->path, strerror(errno));
        sigprocmask(SIG_SETMASK, &child->old_mask, NULL);
    }
    return child->pid > 0;
}

void tool_spawn_start(struct tool_child *child)
{
    ssize_t written =
        write(child->start_pipe[1], "", 1); /* cannot fail: the pipe is empty, and we hold its reading end */
    (void)written;
    close(child->start_pipe[0]);
    close(child->start_pipe[1]);
}

void tool_spawn_cancel(struct tool_child *child)
{
    close(child->start_pipe[0]);
    close(child->start_pipe[1]);
    tool_wait(child, UINT64_MAX);
}

/*
 * True if it has ended. If it has stopped, we stop, too, so that the shell sees it: until SIGCONT, which is passed on.
 */
static bool poll_child(struct tool_child *child)
{
    int status;
    while (waitpid(child->pid, &status, WNOHANG | WUNTRACED) == child->pid) {
        if (!WIFSTOPPED(status)) {
            child->status = status;
            return true;
        }
        raise(SIGSTOP);
    }
    return false;
}

/*
 * A signal from the terminal goes to the whole foreground process group, so the program has got it already. A signal
 * that a process sent (si_code <= 0) was sent to us alone.
 */
static void pass_on(const struct tool_child *child, const siginfo_t *signal)
{
    if (signal->si_code <= 0 || signal->si_signo == SIGCONT)
        kill(child->pid, signal->si_signo);
}

static uint64_t monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

bool tool_wait(struct tool_child *child, uint64_t ns)
{
    const uint64_t start = monotonic();
    while (!poll_child(child)) {
        siginfo_t signal;
        uint64_t elapsed = monotonic() - start, left = ns > elapsed ? ns - elapsed : 0;
        struct timespec timeout = {(time_t)(left / 1000000000), (long)(left % 1000000000)};
        int received =
            ns == UINT64_MAX ? sigwaitinfo(&child->signals, &signal) : sigtimedwait(&child->signals, &signal, &timeout);
        if (received > 0 && received != SIGCHLD)
            pass_on(child, &signal);
        else if (received < 0 && errno == EAGAIN)
            return poll_child(child);
    }
    return true;
}

int tool_exit_code(const struct tool_child *child)
{
    return WIFSIGNALED(child->status) ? 128 + WTERMSIG(child->status) : WEXITSTATUS(child->status);
}
