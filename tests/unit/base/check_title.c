/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options and name of a program that writes its title over its arguments and its environment, as setproctitle() does,
 * before its first block. The program is this one, called with an argument; its status says what it found to be wrong, and
 * its stderr has what the library prints.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <threadmeter/limits.h>
#include <unistd.h>

/* ---- the program ---- */

extern char **environ;

/* Writes over the strings where the kernel put them, one after the other. */
static void write_over_environment(void)
{
    char *start = environ[0], *end = start;
    for (char **one = environ; *one && *one == end; one++)
        end += strlen(end) + 1;
    memset(start, 'x', (size_t)(end - start - 1));
}

/* Some programs move the environment away first. */
static void move_environment(void)
{
    static char *moved[1000], strings[400000];
    char *at = strings;
    size_t count = 0;
    for (; environ[count]; count++) {
        moved[count] = at;
        at = stpcpy(at, environ[count]) + 1;
    }
    write_over_environment();
    environ = moved;
}

static void expect(bool right, int number)
{
    if (!right)
        _exit(number);
}

static size_t most_in(const char *tag)
{
    size_t most = 1;
    tm_tag_enter(tm_tag_open(tag));
    for (void *block; most < 1 << 20 && (block = tm_malloc(most + 1)); most++)
        tm_free(block);
    tm_tag_leave(0);
    return most;
}

static void limits(void)
{
    expect(most_in("first") == 1000, 1);
    expect(most_in("last") == 2048, 2);
    expect(most_in("other") == 3000, 3);
}

static void guard(void)
{
    void *volatile hidden = tm_malloc(10); /* a sanitizer would object */
    char *block = hidden;
    block[10]++;
    tm_free(block);
    expect(cross_allocator_calls().errors_reported == 1, 1);
}

static int count_pair(const struct tm_flow *flow, void *count)
{
    *(uint64_t *)count += flow->bytes;
    return 0;
}

static void flow(void)
{
    uint64_t bytes = 0;
    in_thread(free_it, tm_malloc(321));
    tm_each_flow(count_pair, &bytes);
    expect(bytes == 321, 1);
}

static void publish(void)
{
    int files = 0;
    expect(chdir("/") == 0, 1);
    void *block = tm_malloc(10);
    DIR *directory = fdopendir(200);
    rewinddir(directory); /* its position is shared with whichever process read it before */
    for (struct dirent *entry; (entry = readdir(directory));) {
        char head[4096];
        if (!strstr(entry->d_name, ".tm") || atoi(entry->d_name) != (int)getpid()) /* others have ended */
            continue;
        files++;
        int fd = openat(dirfd(directory), entry->d_name, O_RDONLY);
        expect(read(fd, head, sizeof head) == sizeof head && memmem(head, sizeof head, "check_title", 11), 3);
        close(fd);
    }
    expect(files == 1, 2);
    tm_free(block);
    closedir(directory);
}

/* Whether freed blocks are kept, or tcmalloc gets them back. */
static void cache(void)
{
    size_t before, after;
    tm_free(tm_malloc(1));
    void *block = tm_malloc(100);
    bool known = raw_heap_bytes(&before);
    tm_free(block);
    raw_heap_bytes(&after);
    expect(!known || (after == before) == HAS_CACHES, 1);
}

static void report(void)
{
    tm_free(tm_malloc(12345));
}

static void fork_once(void)
{
    int status = 0;
    tm_free(tm_malloc(10));
    pid_t child = fork();
    if (child != 0)
        expect(waitpid(child, &status, 0) == child && status == 0, 1);
}

static const struct {
    const char *name, *option, *value;
    void (*body)(void);
    const char *said;
} programs[] = {
    {"limits", "LIMIT", NULL, limits, ""},
    {"guard", "GUARD", "1", guard, "threadmeter: overrun of 0x"},
    {"flow", "FLOW", "1", flow, ""},
    {"publish", "PUBLISH", "/", publish, ""}, /* whichever name it has in this directory */
    {"cache", "CACHE", "1", cache, ""},
    {"report", "REPORT", "stderr", report, "threadmeter: "},
    {"fork", "REPORT", "stderr", fork_once, "threadmeter: "},
};
enum { PROGRAMS = sizeof programs / sizeof programs[0] };

static void write_over_arguments(char **argv)
{
    char *end = argv[0];
    for (char **one = argv; *one && *one == end; one++)
        end += strlen(end) + 1;
    memset(argv[0], 'y', (size_t)(end - argv[0] - 1));
}

static int run_titled(char **argv, bool moves)
{
    char name[20];
    snprintf(name, sizeof name, "%s", argv[1]);
    write_over_arguments(argv);
    if (moves)
        move_environment();
    else
        write_over_environment();
    for (int i = 0; i < PROGRAMS; i++)
        if (strcmp(programs[i].name, name) == 0) {
            programs[i].body();
            return 0;
        }
    return 99;
}

/* ---- its tests ---- */

static const char *me;

static void expect_as_without_a_title(int number)
{
    for (int moves = 0; moves < 2; moves++) {
        char output[4096];
        int status = run_program((const char *const[]){me, programs[number].name, moves ? "moves" : NULL, NULL}, output,
                                 sizeof output);
        ck_assert_msg(status == 0, "%s: status %#x: %s", programs[number].name, (unsigned)status, output);
        const char *said = programs[number].said;
        ck_assert_msg(strncmp(output, said, strlen(said)) == 0 && (*said || !*output), "said: %s", output);
    }
}

/* As long as the kernel permits one string to be: each tag once, and thousands of tags that are never opened. */
static const char *long_list(void)
{
    static char list[120000];
    size_t used = (size_t)sprintf(list, "first=1000");
    while (used < sizeof list - 100)
        used += (size_t)sprintf(list + used, ",tag %zu=64M", used);
    sprintf(list + used, ",other=3000,last=2K");
    return list;
}

static void with_directory(void (*body)(int), int number)
{
    char directory[] = "/dev/shm/check_title.XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    DIR *opened = opendir(directory);
    ck_assert_int_eq(dup2(dirfd(opened), 200), 200); /* the program inherits it */
    ck_assert_int_eq(chdir("/dev/shm"), 0);
    setenv("THREADMETER_PUBLISH", strrchr(directory, '/') + 1, 1);
    body(number);
    setenv("THREADMETER_PUBLISH", directory, 1);
    body(number);
    rewinddir(opened);
    for (struct dirent *entry; (entry = readdir(opened));)
        unlinkat(dirfd(opened), entry->d_name, 0);
    closedir(opened);
    ck_assert_int_eq(rmdir(directory), 0);
}

START_TEST(a_title_takes_no_option_away)
{
    char variable[40];
    snprintf(variable, sizeof variable, "THREADMETER_%s", programs[_i].option);
    setenv("THREADMETER_ON_ERROR", "report", 1);
    setenv(variable, programs[_i].value ? programs[_i].value : long_list(), 1);
    if (strcmp(programs[_i].name, "publish") == 0)
        with_directory(expect_as_without_a_title, _i);
    else
        expect_as_without_a_title(_i);
}
END_TEST

/* In the parent and in a fork's child, each of which reports at its exit. */
START_TEST(a_title_is_not_the_name)
{
    char output[4096], heading[300];
    snprintf(heading, sizeof heading, "threadmeter: %s, pid ", strrchr(me, '/') + 1);
    setenv("THREADMETER_REPORT", "stderr", 1);
    ck_assert_int_eq(run_program((const char *const[]){me, "fork", NULL}, output, sizeof output), 0);
    const char *child = strstr(output + 1, "threadmeter: ");
    ck_assert_msg(strncmp(output, heading, strlen(heading)) == 0, "said: %s", output);
    ck_assert_msg(child && strncmp(child, heading, strlen(heading)) == 0, "said: %s", output);
}
END_TEST

/* Variables that the program sets itself, before its first block, still count. */
START_TEST(what_is_set_later_is_taken)
{
    setenv("THREADMETER_LIMIT", "mine=5K", 1);
    char *mine = getenv("THREADMETER_LIMIT");
    ck_assert_uint_eq(most_in("mine"), 5 * 1024);
    memset(mine, 'x', strlen(mine));
    ck_assert_int_eq(tm_tag_close(tm_tag_open("mine")), 0);
    ck_assert_int_eq(tm_tag_close(tm_tag_open("mine")), 0);
    ck_assert_uint_eq(most_in("mine"), 5 * 1024);
}
END_TEST

int main(int argc, char **argv)
{
    me = realpath(argv[0], NULL);
    if (argc > 1)
        return run_titled(argv, argc > 2);
    Suite *suite = suite_create("title");
    TCase *tcase = add_case(suite, "title", 60);
    tcase_add_loop_test(tcase, a_title_takes_no_option_away, 0, PROGRAMS);
    tcase_add_test(tcase, a_title_is_not_the_name);
    tcase_add_test(tcase, what_is_set_later_is_taken);
    return run_suite(suite);
}
