/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs itself as a child, and becomes itself, as git does with its commands; each of the three is one redirected process more. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char *once_more[] = {argv[0], "once more", NULL};
    int status;
    if (argc > 1)
        return 0;
    pid_t child = fork();
    if (child != 0 && (waitpid(child, &status, 0) != child || status != 0))
        return 1;
    execv(argv[0], once_more);
    return 1;
}
