/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests/system/sandbox/ends: a program that ends, or executes another, in the way that its argument names. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *const empty[] = {NULL};
static char *const true_argv[] = {(char *)"true", NULL};

/* Like nginx's workers, becomes a user that may not remove root's files. Does nothing if it does not run as root. */
static void drop_root(void)
{
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        abort();
}

static void be_killed(void)
{
    raise(SIGKILL);
}

static void come_back_from_child_of_vfork(void)
{
    pid_t child = vfork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
}

static void fail_to_exec(void)
{
    if (execl("/nonexistent", "x", (char *)NULL) != -1 || errno != ENOENT || execvp("/nonexistent", true_argv) != -1 ||
        errno != ENOENT || execve("/nonexistent", true_argv, empty) != -1 || errno != ENOENT)
        abort();
}

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "";
    free(malloc(1000));
    if (strcmp(way, "daemon") == 0)
        return daemon(0, 1);
    if (strcmp(way, "_exit") == 0)
        _exit(0);
    if (strcmp(way, "quick_exit") == 0)
        quick_exit(0);
    if (strcmp(way, "no-right") == 0)
        drop_root();
    if (strcmp(way, "execve") == 0)
        execve("/bin/true", true_argv, empty);
    if (strcmp(way, "execle") == 0)
        execle("/bin/true", "true", (char *)NULL, empty);
    if (strcmp(way, "execvpe") == 0)
        execvpe("true", true_argv, empty);
    if (strcmp(way, "fork") == 0 && fork() == 0)
        _exit(0);
    if (strcmp(way, "killed") == 0)
        be_killed();
    if (strcmp(way, "killed-after-vfork") == 0) {
        come_back_from_child_of_vfork();
        be_killed();
    }
    if (strcmp(way, "killed-after-exec") == 0) {
        fail_to_exec();
        be_killed();
    }
    while (wait(NULL) > 0)
        ;
    return 0;
}
