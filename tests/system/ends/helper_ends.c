/* SPDX-License-Identifier: BSD-3-Clause */
/* A program for check_ends.c. Its argument says in which way the program, or a thread of it, ends. */
#define _GNU_SOURCE
#include <threadmeter/malloc.h>
#include <threadmeter/totals.h>

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *self;
static void *volatile kept[8];
static sem_t ready;
static pthread_t first;

struct part {
    const char *name;
    void *(*body)(void *);
    void *arg;
};

static void *begin(void *arg)
{
    struct part part = *(struct part *)arg;
    free(arg);
    if (pthread_setname_np(pthread_self(), part.name) != 0)
        abort();
    return part.body(part.arg);
}

static pthread_t start(const char *name, void *(*body)(void *), void *arg)
{
    pthread_t thread;
    struct part *part = malloc(sizeof *part);
    if (part)
        *part = (struct part){name, body, arg};
    if (!part || pthread_create(&thread, NULL, begin, part) != 0)
        abort();
    return thread;
}

static void *wait_for_ever(void *arg)
{
    kept[(intptr_t)arg] = tm_malloc(120);
    sem_post(&ready);
    for (;;)
        pause();
    return NULL;
}

/* ---- the first thread is not the last ---- */

static void *outlive_the_first(void *arg)
{
    if (pthread_join(first, NULL) != 0)
        abort();
    tm_free(kept[1]);
    kept[2] = tm_malloc(200);
    return arg;
}

static void first_leaves(void)
{
    kept[0] = tm_malloc(100);
    kept[1] = tm_malloc(50);
    start("worker", outlive_the_first, NULL);
    pthread_exit(NULL);
}

static void *storm(void *arg)
{
    sem_post(&ready);
    for (;;)
        tm_free(tm_malloc(10));
    return arg;
}

static void first_returns(void)
{
    kept[0] = tm_malloc(70);
    start("waits-1", wait_for_ever, (void *)1);
    start("waits-2", wait_for_ever, (void *)2);
    start("storm", storm, NULL);
    for (int i = 0; i < 3; i++)
        sem_wait(&ready);
}

static void *exit_here(void *arg)
{
    kept[1] = tm_malloc(130);
    exit(0);
    return arg;
}

static void exit_elsewhere(void)
{
    kept[0] = tm_malloc(75);
    start("exits", exit_here, NULL);
    for (;;)
        pause();
}

static void *outlive_without_join(void *arg)
{
    char path[64], text[200] = "";
    sprintf(path, "/proc/self/task/%d/stat", (int)getpid());
    for (char state = ' '; state != 'Z'; sched_yield()) {
        FILE *stream = fopen(path, "r");
        if (!stream || !fgets(text, sizeof text, stream))
            abort();
        fclose(stream);
        state = strrchr(text, ')')[2];
    }
    tm_free(kept[1]);
    kept[2] = tm_malloc(200);
    exit(0);
    return arg;
}

static void first_dies(void)
{
    kept[0] = tm_malloc(100);
    kept[1] = tm_malloc(50);
    start("worker", outlive_without_join, NULL);
    syscall(SYS_exit, 0);
}

/* ---- threads that are ended ---- */

static void clean_up(void *block)
{
    tm_free(block);
    kept[1] = tm_malloc(30);
}

static void *wait_to_be_cancelled(void *arg)
{
    kept[0] = tm_malloc(300);
    pthread_cleanup_push(clean_up, tm_malloc(20));
    sem_post(&ready);
    for (;;)
        pause();
    pthread_cleanup_pop(1);
    return arg;
}

static void *spin_to_be_cancelled(void *arg)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    kept[0] = tm_malloc(310);
    sem_post(&ready);
    for (volatile unsigned spins = 0;; spins++)
        ;
    return arg;
}

static void cancel(const char *name, void *(*body)(void *))
{
    void *result;
    pthread_t thread = start(name, body, NULL);
    sem_wait(&ready);
    if (pthread_cancel(thread) != 0 || pthread_join(thread, &result) != 0 || result != PTHREAD_CANCELED)
        abort();
}

static void cancel_deferred(void)
{
    cancel("deferred", wait_to_be_cancelled);
}

static void cancel_asynchronous(void)
{
    cancel("asynchronous", spin_to_be_cancelled);
}

static int count(const struct tm_slot *slot, void *slots)
{
    (void)slot;
    ++*(int *)slots;
    return 0;
}

/* No function of the library is a cancellation point, not even where it reads names or writes the report. */
static void *go_on_though_cancelled(void *arg)
{
    int slots = 0, dev_null = open("/dev/null", O_WRONLY);
    pthread_cancel(pthread_self());
    kept[0] = tm_malloc(320);
    tm_free(tm_strdup("1234"));
    if (tm_each_slot(count, &slots) != 0 || slots < 2 || tm_report(dev_null) != 0)
        abort();
    kept[1] = tm_malloc(3);
    sem_post(&ready);
    close(dev_null);
    abort();
    return arg;
}

static void cancelled_before(void)
{
    void *result;
    kept[2] = tm_malloc(1);
    pthread_t thread = start("cancelled", go_on_though_cancelled, NULL);
    pthread_join(thread, &result);
    if (result != PTHREAD_CANCELED || sem_trywait(&ready) != 0)
        abort();
}

/* ---- threads that wait for a line of input ---- */

static FILE *lines;

static void free_line(void *line)
{
    tm_free(*(char **)line);
}

static void *wait_for_a_line(void *arg)
{
    char *line = NULL;
    size_t size = 0;
    pthread_cleanup_push(free_line, &line);
    sem_post(&ready);
    tm_getline(&line, &size, lines);
    pthread_cleanup_pop(1);
    return arg;
}

static void cancel_reading(void)
{
    enum { TIMES = 300 };
    int ends[2];
    if (pipe(ends) != 0 || !(lines = fdopen(ends[0], "r")))
        abort();
    size_t before = 0;
    for (int i = 0; i < 2 * TIMES; i++) {
        if (i == TIMES) /* by then libc has allocated all that it keeps for threads and streams */
            before = mallinfo2().uordblks;
        cancel("reading", wait_for_a_line);
    }
    if (mallinfo2().uordblks > before + 10 * TIMES)
        abort();
    kept[0] = tm_malloc(63);
}

static pid_t tids[3];

static void *leave_one(void *arg)
{
    intptr_t number = (intptr_t)arg;
    pthread_detach(pthread_self());
    kept[number] = tm_malloc(40);
    tm_free(tm_malloc(4));
    tids[number] = gettid();
    sem_post(&ready);
    return NULL;
}

static void wait_for_the_end_of(pid_t tid)
{
    while (syscall(SYS_tgkill, getpid(), tid, 0) == 0)
        sched_yield();
}

static void *leave_named(void *arg)
{
    char name[16];
    sprintf(name, "detached-%d", (int)(intptr_t)arg);
    pthread_setname_np(pthread_self(), name);
    return leave_one(arg);
}

static void detached(void)
{
    for (intptr_t i = 0; i < 3; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, leave_named, (void *)i) != 0)
            abort();
        sem_wait(&ready);
        wait_for_the_end_of(tids[i]);
    }
    tm_free(kept[1]);
}

static void *die(void *arg)
{
    kept[0] = tm_malloc(140);
    kept[1] = tm_malloc(7);
    syscall(SYS_exit, 0);
    return arg;
}

static void dies_by_system_call(void)
{
    pthread_join(start("dies", die, NULL), NULL);
    tm_free(kept[1]);
}

/* ---- other processes ---- */

static void leaf(void)
{
    kept[0] = tm_malloc(61);
}

static void replaced(void)
{
    kept[0] = tm_malloc(60);
    execl(self, self, "leaf", (char *)NULL);
    abort();
}

static void expect_success(pid_t child)
{
    int status;
    if (waitpid(child, &status, 0) != child || status != 0)
        abort();
}

static void by_vfork(void)
{
    kept[0] = tm_malloc(62);
    pid_t child = vfork();
    if (child == 0) {
        execl(self, self, "leaf", (char *)NULL);
        _exit(1);
    }
    expect_success(child);
}

static void by_spawn(void)
{
    extern char **environ;
    pid_t child;
    char *const argv[] = {(char *)self, (char *)"leaf", NULL};
    kept[0] = tm_malloc(62);
    if (posix_spawn(&child, self, NULL, NULL, argv, environ) != 0)
        abort();
    expect_success(child);
}

static void by_system(void)
{
    char command[5000];
    kept[0] = tm_malloc(62);
    if (snprintf(command, sizeof command, "'%s' leaf", self) >= (int)sizeof command || system(command) != 0)
        abort();
}

static void by_popen(void)
{
    char command[5000];
    kept[0] = tm_malloc(62);
    FILE *stream = NULL;
    if (snprintf(command, sizeof command, "'%s' leaf", self) < (int)sizeof command)
        stream = popen(command, "r");
    if (!stream || fgetc(stream) != EOF || pclose(stream) != 0)
        abort();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*act)(void);
    } ways[] = {
        {"first-leaves", first_leaves},
        {"first-returns", first_returns},
        {"first-dies", first_dies},
        {"exit-elsewhere", exit_elsewhere},
        {"cancel-deferred", cancel_deferred},
        {"cancel-asynchronous", cancel_asynchronous},
        {"cancelled-before", cancelled_before},
        {"cancel-reading", cancel_reading},
        {"detached", detached},
        {"dies", dies_by_system_call},
        {"leaf", leaf},
        {"execve", replaced},
        {"vfork", by_vfork},
        {"spawn", by_spawn},
        {"system", by_system},
        {"popen", by_popen},
    };
    self = argv[0];
    first = pthread_self();
    sem_init(&ready, 0, 0);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (argc == 2 && strcmp(argv[1], ways[i].name) == 0) {
            ways[i].act();
            return 0;
        }
    return 2;
}
