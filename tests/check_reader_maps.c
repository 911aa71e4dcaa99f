/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * src/reader/mappings.c: what a process has mapped is of no weight to who looks at it. The steps are counted: files that
 * are opened, and lines that are read.
 */
#include "reading.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    unsigned maps, files, lines;
} steps;

static void count(const char *path)
{
    steps.maps += strstr(path, "/maps") != NULL;
    steps.files += strstr(path, ".tm") || strstr(path, "/self/fd/") || strstr(path, "/map_files/");
}

/* Nobody creates anything here but map(), which does so before it counts. */
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
    count(path);
    return __real_open64(path, flags, 0600);
}

int __real_openat64(int directory, const char *path, int flags, ...);
int __wrap_openat64(int directory, const char *path, int flags, ...);
int __wrap_openat64(int directory, const char *path, int flags, ...)
{
    count(path);
    return __real_openat64(directory, path, flags, 0600);
}

ssize_t __real_getline(char **line, size_t *size, FILE *file);
ssize_t __wrap_getline(char **line, size_t *size, FILE *file);
ssize_t __wrap_getline(char **line, size_t *size, FILE *file)
{
    steps.lines++;
    return __real_getline(line, size, file);
}

static void map(const char *path, int times)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    for (int i = 0; i < times; i++) /* of one page each, which the kernel cannot take together */
        ck_assert_ptr_ne(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0), MAP_FAILED);
    close(fd);
}

static unsigned count_mappings(void)
{
    char line[1000];
    unsigned count = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (fgets(line, sizeof line, maps))
        count++;
    fclose(maps);
    return count;
}

static const struct {
    int own, others;
} sizes[] = {{1, 1}, {1000, 15000}};

static void *volatile kept;

static const char *publish(void)
{
    static char path[4096];
    kept = tm_malloc(100);
    strcpy(path, find_file(publish_directory));
    return path;
}

static void expect_live_here(struct tm_reader *reader)
{
    const struct tm_reading *reading = read_from(reader);
    ck_assert(reading->live && reading->visible);
    ck_assert_int_eq(reading->pid, getpid());
    expect_live(&reading->process, 100, 1);
    tm_reader_close(reader);
}

START_TEST(many_mappings)
{
    char other[200];
    const char *path = publish();
    snprintf(other, sizeof other, "%s/%d-1.tm", publish_directory, (int)getpid());
    map(other, sizes[_i].others);
    map(path, sizes[_i].own);
    unlink(other);
    unsigned mappings = count_mappings();
    memset(&steps, 0, sizeof steps);
    struct tm_reader *reader = open_pid(getpid());
    ck_assert_uint_eq(steps.maps, 1);
    ck_assert_uint_eq(steps.files, 2); /* found, and then opened */
    ck_assert_uint_le(steps.lines, mappings + 10);
    expect_live_here(reader);
    memset(&steps, 0, sizeof steps);
    reader = open_file(path);
    ck_assert_uint_eq(steps.maps, 1);
    ck_assert_uint_eq(steps.files, 2);
    ck_assert_uint_le(steps.lines, mappings + 10);
    expect_live_here(reader);
}
END_TEST

/* One that it is not, by its own name, and listed before its own: looked at once. */
START_TEST(another_file_many_times)
{
    char other[300], name[100];
    snprintf(name, sizeof name, "%s", strrchr(publish(), '/') + 1);
    snprintf(other, sizeof other, "%s/folder", publish_directory);
    ck_assert_int_eq(mkdir(other, 0700), 0);
    snprintf(other, sizeof other, "%s/folder/%s", publish_directory, name);
    map(other, sizes[_i].own);
    memset(&steps, 0, sizeof steps);
    struct tm_reader *reader = open_pid(getpid());
    ck_assert_uint_eq(steps.maps, 1);
    ck_assert_uint_le(steps.files, 4);
    expect_live_here(reader);
    unlink(other);
}
END_TEST

/* Of its own name, each another. Whoever does so may not be found; others are none the worse for it. */
START_TEST(many_files_of_its_name)
{
    enum { DECOYS = 500, MOST = 8 };
    char folder[200], decoy[300], name[100];
    snprintf(name, sizeof name, "%s", strrchr(publish(), '/') + 1);
    for (int i = 0; i < DECOYS; i++) {
        snprintf(folder, sizeof folder, "%s/%d", publish_directory, i);
        ck_assert_int_eq(mkdir(folder, 0700), 0);
        snprintf(decoy, sizeof decoy, "%s/%s", folder, name);
        map(decoy, 1);
    }
    memset(&steps, 0, sizeof steps);
    struct tm_reader *reader = NULL;
    int error = tm_reader_open_pid(getpid(), &reader, NULL);
    ck_assert(error == 0 || error == -EINVAL); /* by where the kernel put its own */
    tm_reader_close(reader);
    ck_assert_uint_eq(steps.maps, 1);
    ck_assert_uint_le(steps.files, 2 * MOST);
    for (int i = 0; i < DECOYS; i++) {
        snprintf(decoy, sizeof decoy, "%s/%d/%s", publish_directory, i, name);
        unlink(decoy);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader_maps");
    TCase *tcase = tcase_create("maps");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, make_publish_directory, remove_publish_directory);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, many_mappings, 0, 2);
    tcase_add_loop_test(tcase, another_file_many_times, 0, 2);
    tcase_add_test(tcase, many_files_of_its_name);
    return run_suite(suite);
}
