/* SPDX-License-Identifier: BSD-3-Clause */
#include "searched.h"
#include "support/small_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

char directory[64], moved[80];

void make_directory(void)
{
    strcpy(directory, "/dev/shm/check_find.XXXXXX"); /* a tmpfs, where locks show which processes are alive */
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(moved, sizeof moved, "%s.moved", directory);
}

void empty(const char *path)
{
    DIR *files = opendir(path);
    for (struct dirent *entry; files && (entry = readdir(files));)
        unlinkat(dirfd(files), entry->d_name, 0);
    if (files)
        closedir(files);
    rmdir(path);
    unlink(path);
}

void remove_directory(void)
{
    empty(directory);
    empty(moved);
}

/* The file looks as if its process was killed two minutes ago, soon after its start. */
void publish(const char *where, const char *name, char path[256])
{
    struct tm__head head = small_head();
    head.pid = INT32_MAX; /* no process has this number */
    head.started_ns = 1;
    strcpy(head.program, "a program");
    head.slots_used = TM__SHARED_SLOTS;
    head.locked = 1;
    snprintf(path, 256, "%s/%s", where, name);
    int file = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(pwrite(file, &head, sizeof head, 0), sizeof head);
    ck_assert_int_eq(ftruncate(file, SIZE), 0);
    struct timespec then[2] = {{.tv_sec = time(NULL) - 120}, {.tv_sec = time(NULL) - 120}};
    ck_assert_int_eq(futimens(file, then), 0);
    close(file);
}

void publish_some(int count)
{
    char path[256], name[32];
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%d-1.tm", i + 1);
        publish(directory, name, path);
    }
}

bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

struct tool_search search;
int visits;
void (*at_visit)(void);

void visit(struct tm_reader *reader, void *arg)
{
    (void)arg;
    visits++;
    if (at_visit)
        at_visit();
    tm_reader_close(reader);
}

void look(void)
{
    search.directory = directory;
    search.visit = visit;
    visits = 0;
    ck_assert(tool_each_process(&search));
}

int run_as_it_may(const char *name, void (*add)(TCase *tcase), void (*add_rooted)(TCase *tcase),
                  void (*end_rooted)(void))
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name), *rooted = tcase_create("as root");
    tcase_set_timeout(tcase, 120);
    tcase_set_timeout(rooted, 120);
    tcase_add_checked_fixture(tcase, make_directory, remove_directory);
    tcase_add_checked_fixture(rooted, make_directory, end_rooted);
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, rooted);
    add(tcase);
    if (geteuid() == 0)
        add_rooted(rooted);
    return run_suite(suite);
}
