/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program that runs beside the tool. Whoever started the tool sees the program: signals go on to it, the terminal's
 * stop and foreground keys work, the exit code is its own.
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

/* False if it is called off, or nobody is there any more who would say so. */
static bool may_go(const struct tool_child *child)
{
    char byte;
    ssize_t got;
    close(child->go[1]);
    do
        got = read(child->go[0], &byte, 1);
    while (got < 0 && errno == EINTR);
    return got == 1;
}

bool tool_spawn(struct tool_child *child, const struct tool_program *program, char **argv)
{
    sigemptyset(&child->signals);
    for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++)
        sigaddset(&child->signals, passed_on[i]);
    sigprocmask(SIG_BLOCK, &child->signals, &child->before);

    /* Ignored, as some who start programs leave it, the end of a child is nowhere to be seen. */
    struct sigaction usual = {.sa_handler = SIG_DFL}, inherited;
    sigaction(SIGCHLD, &usual, &inherited);
    fflush(NULL);
    child->status = 0;
    child->pid = pipe2(child->go, O_CLOEXEC) == 0 ? fork() : -1;
    if (child->pid == 0) {
        sigaction(SIGCHLD, &inherited, NULL);
        sigprocmask(SIG_SETMASK, &child->before, NULL);
        _exit(may_go(child) ? tool_become(program, argv) : TOOL_CANNOT_RUN);
    }
    if (child->pid < 0) {
        tool_warn("cannot start %s: %s", program->path, strerror(errno));
        sigprocmask(SIG_SETMASK, &child->before, NULL);
    }
    return child->pid > 0;
}

void tool_let_go(struct tool_child *child)
{
    ssize_t written = write(child->go[1], "", 1); /* there is room, and a reader: we are one ourselves */
    (void)written;
    close(child->go[0]);
    close(child->go[1]);
}

void tool_call_off(struct tool_child *child)
{
    close(child->go[0]);
    close(child->go[1]);
    tool_wait(child, UINT64_MAX);
}

/* True if it has ended. Where it has stopped, so do we, for the shell to see: until SIGCONT, which is passed on. */
static bool look_after(struct tool_child *child)
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
 * What the kernel sends on account of the terminal, it sends to the whole foreground group, so that the program has it
 * already. What was sent to us by a process is for the program.
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
    while (!look_after(child)) {
        siginfo_t signal;
        uint64_t gone = monotonic() - start, left = ns > gone ? ns - gone : 0;
        struct timespec timeout = {(time_t)(left / 1000000000), (long)(left % 1000000000)};
        int received =
            ns == UINT64_MAX ? sigwaitinfo(&child->signals, &signal) : sigtimedwait(&child->signals, &signal, &timeout);
        if (received > 0 && received != SIGCHLD)
            pass_on(child, &signal);
        else if (received < 0 && errno == EAGAIN)
            return look_after(child);
    }
    return true;
}

int tool_exit_code(const struct tool_child *child)
{
    return WIFSIGNALED(child->status) ? 128 + WTERMSIG(child->status) : WEXITSTATUS(child->status);
}
