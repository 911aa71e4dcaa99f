/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * src/reader/mappings.c: a reader's cost does not grow with what a process has mapped, nor, for a reader of many files,
 * with the number of processes. The steps are counted: files that are opened, and lines that are read.
 */
#include "support/elsewhere.h"

#include "state/layout.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
    unsigned maps, files, lines, processes;
} steps;

static void count(const char *path)
{
    steps.maps += strstr(path, "/maps") != NULL;
    steps.processes += strstr(path, "/status") != NULL;
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

/* The list of processes that is kept is as new as ever. */
int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    *time = (struct timespec){.tv_sec = 1000000};
    return clock == CLOCK_MONOTONIC ? 0 : __real_clock_gettime(clock, time);
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

/* Mappings of its own name, each of another file. Such a process may not be found, but others are found as before. */
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

/*
 * Until what was created before is older than what comes next, by the clock that dates files. That one advances in steps,
 * and lags behind on a busy machine; but some kernels date a file exactly.
 */
static void wait_for_clock_of_files(void)
{
    struct timespec exact, time;
    clock_gettime(CLOCK_REALTIME, &exact);
    do
        clock_gettime(CLOCK_REALTIME_COARSE, &time);
    while (time.tv_sec < exact.tv_sec || (time.tv_sec == exact.tv_sec && time.tv_nsec <= exact.tv_nsec));
}

/* As of processes of another pid namespace, where locks do not tell: all of /proc is looked through, but once. */
START_TEST(many_files_of_unseen_processes)
{
    enum { FILES = 50 };
    static char bytes[sizeof(struct tm__region)];
    struct tm__head *head = (struct tm__head *)bytes;
    char path[FILES][200];
    int published = open(publish(), O_RDONLY);
    ssize_t size = read(published, bytes, sizeof bytes);
    ck_assert_int_ge(size, (ssize_t)sizeof *head);
    close(published);
    head->locked = 0;
    head->pid = INT32_MAX;
    for (int i = 0; i < FILES; i++) {
        snprintf(path[i], sizeof path[i], "%s/%d-%d.tm", publish_directory, INT32_MAX, i);
        int file = open(path[i], O_WRONLY | O_CREAT, 0600);
        ck_assert_int_eq(write(file, bytes, sizeof *head), sizeof *head);
        ck_assert_int_eq(ftruncate(file, (off_t)head->size), 0);
        close(file);
    }
    wait_for_clock_of_files();
    memset(&steps, 0, sizeof steps);
    for (int i = 0; i < FILES; i++) {
        tm_reader_close(open_file(path[i]));
        if (i == 0) {
            ck_assert_uint_gt(steps.processes, 1); /* ourselves at least, and the process with that number */
            steps.processes = 0;
        }
        unlink(path[i]);
    }
    ck_assert_uint_eq(steps.processes, FILES - 1);
}
END_TEST

static bool no_memory;

/* As arrays of the reader grow. */
void *__real_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
    return no_memory ? NULL : __real_reallocarray(memory, count, size);
}

/* Otherwise a running process would be shown as if /proc did not show it. */
START_TEST(no_memory_for_the_list)
{
    char message[TM_READER_MESSAGE];
    struct tm_reader *reader;
    const pid_t nobody = INT32_MAX;
    const uint32_t not_locked = 0;
    const char *path = publish();
    int fd = open(path, O_RDWR);
    ck_assert_int_eq(pwrite(fd, &nobody, sizeof nobody, offsetof(struct tm__head, pid)), sizeof nobody);
    ck_assert_int_eq(pwrite(fd, &not_locked, sizeof not_locked, offsetof(struct tm__head, locked)), sizeof not_locked);
    close(fd);
    no_memory = true;
    ck_assert_int_eq(tm_reader_open(path, &reader, message), -ENOMEM);
    ck_assert_str_eq(message, "out of memory");
    no_memory = false;
    tm_reader_close(open_file(path));
}
END_TEST

/* Both are processes 1 to themselves. The second one is not in the list that was made for the first. */
START_TEST(one_that_came_later)
{
    make_channels();
    make_number_channel();
    for (int i = 0; i < 2; i++) {
        pid_t number, parent = start_child(own_in_a_container);
        char path[100];
        if (!hear_number(parent, &number))
            return;
        wait_for_child();
        snprintf(path, sizeof path, "/proc/%d/root%s", (int)number, publish_directory);
        struct tm_reader *reader = open_file(find_file(path));
        const struct tm_reading *reading = read_from(reader);
        ck_assert(reading->live && reading->visible);
        ck_assert_int_eq(reading->pid, number);
        tm_reader_close(reader);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader_maps");
    TCase *tcase = add_publishing_case(suite, "maps", 60);
    tcase_add_loop_test(tcase, many_mappings, 0, 2);
    tcase_add_loop_test(tcase, another_file_many_times, 0, 2);
    tcase_add_test(tcase, many_files_of_its_name);
    tcase_add_test(tcase, many_files_of_unseen_processes);
    tcase_add_test(tcase, no_memory_for_the_list);
    tcase_add_test(tcase, one_that_came_later);
    return run_suite(suite);
}
