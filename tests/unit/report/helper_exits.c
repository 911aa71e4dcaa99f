/* SPDX-License-Identifier: BSD-3-Clause */
/* A program for check_exit_report.c: owns 1 KiB, does what its arguments say, and exits with 42. */
#define _GNU_SOURCE
#include <threadmeter/malloc.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS = 42, FDS = 256 };

static void *volatile block; /* or nobody would own it */

/* As programs do that must not miss a failed last write. */
static void close_streams(void)
{
    if (fclose(stdout) != 0 || fclose(stderr) != 0)
        _exit(1);
}

static void fork_and_exit(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        tm_free(tm_malloc(1));
        exit(STATUS);
    }
    if (waitpid(child, &status, 0) != child || status != STATUS << 8)
        _exit(1);
}

static void *hold_stdout(void *locked)
{
    flockfile(stdout);
    pthread_barrier_wait(locked);
    pause();
    return NULL;
}

static void start_holding_stdout(void)
{
    static pthread_barrier_t locked;
    pthread_t thread;
    pthread_barrier_init(&locked, NULL, 2);
    pthread_create(&thread, NULL, hold_stdout, &locked);
    pthread_barrier_wait(&locked);
}

static void act(const char *what)
{
    if (strcmp(what, "chdir") == 0) {
        if (chdir("/") != 0)
            _exit(1);
    } else if (strcmp(what, "close-all") == 0) {
        for (int fd = 0; fd < FDS; fd++)
            close(fd);
    } else if (strcmp(what, "take-all") == 0) {
        while (open("taken", O_WRONLY | O_CREAT | O_APPEND, 0600) < FDS - 1)
            ;
    } else if (strcmp(what, "close-at-exit") == 0) {
        atexit(close_streams);
    } else if (strcmp(what, "fork") == 0) {
        fork_and_exit();
    } else if (strcmp(what, "print") == 0) {
        printf("printed\n");
    } else if (strcmp(what, "hold-stdout") == 0) {
        start_holding_stdout();
    } else if (strcmp(what, "_exit") == 0) {
        _exit(STATUS);
    }
}

int main(int argc, char **argv)
{
    block = tm_malloc(1024);
    for (int i = 1; i < argc; i++)
        act(argv[i]);
    return STATUS;
}
