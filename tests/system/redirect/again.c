/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs itself as a child, and by execv() in its own place, as git does with its commands: three redirected programs, of
 * which only the first may print the warning.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char *arguments[] = {argv[0], "again", NULL};
    int status;
    if (argc > 1)
        return 0;
    pid_t child = fork();
    if (child != 0 && (waitpid(child, &status, 0) != child || status != 0))
        return 1;
    execv(argv[0], arguments);
    return 1;
}
