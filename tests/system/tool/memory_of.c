/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memory_of PROGRAM [ARGUMENT]...: the most that was resident of it, in bytes, on stdout; the program's own goes to
 * stderr. Small itself, since the kernel counts what was resident before the program was executed, too.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int status;
    struct rusage used;
    pid_t pid = argc > 1 ? fork() : -1;
    if (pid == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &used) != pid || status != 0)
        return 1;
    printf("%ld\n", used.ru_maxrss * 1024);
    return 0;
}
