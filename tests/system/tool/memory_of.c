/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: memory_of PROGRAM [ARGUMENT]...; prints the most resident memory of the program, in bytes. The program's own
 * output goes to stderr. memory_of is small, because the kernel also counts what was resident before the exec.
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
