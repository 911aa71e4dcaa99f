/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * THREADMETER_PUBLISH, from the side of who publishes: when there is a file, whose, for how long; and that whatever
 * goes wrong with it the books are exact. What is in it is check_reader.c's. Each test is a process of its own, which
 * has not allocated yet.
 */
#define _GNU_SOURCE
#include "../src/layout.h"
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];

static void make_directory(void)
{
    strcpy(directory, "/dev/shm/check_publish.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    setenv("THREADMETER_PUBLISH", directory, 1);
}

/* Without what allocates, which the preloaded library would count. */
static void remove_directory(void)
{
    DIR *files = opendir(directory);
    for (struct dirent *entry; files && (entry = readdir(files));)
        unlinkat(dirfd(files), entry->d_name, 0);
    if (files)
        closedir(files);
    rmdir(directory);
}

/* How many files there are; the name of one. */
static int count_files(char name[256])
{
    int count = 0;
    DIR *files = opendir(directory);
    ck_assert_ptr_nonnull(files);
    for (struct dirent *entry; (entry = readdir(files));)
        if (entry->d_name[0] != '.') {
            strcpy(name, entry->d_name);
            count++;
        }
    closedir(files);
    return count;
}

static const struct tm__books *map_file_of(pid_t pid)
{
    DIR *files = opendir(directory);
    ck_assert_ptr_nonnull(files);
    struct dirent *entry;
    while ((entry = readdir(files)) && (strtol(entry->d_name, NULL, 10) != pid || !strstr(entry->d_name, ".tm")))
        ;
    ck_assert_msg(entry != NULL, "%d has no file", (int)pid);
    int fd = openat(dirfd(files), entry->d_name, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    struct stat file;
    fstat(fd, &file);
    void *books = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(books, MAP_FAILED);
    close(fd);
    closedir(files);
    return books;
}

static uint64_t live_in(const struct tm__books *books)
{
    uint64_t live = 0;
    for (uint32_t i = 0; i < books->head.slots_used; i++) {
        const struct tm__slot *slot = &books->slots[i];
        live += slot->owner.allocated_bytes - slot->owner.freed_bytes;
        for (int lane = 0; lane < TM__LANES; lane++)
            live -= slot->others[lane].freed_bytes + slot->others[lane].shared_bytes;
    }
    return live;
}

static pid_t start(void (*body)(void))
{
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        body();
        _exit(99);
    }
    return child;
}

static int end_of(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

static void allocate(void)
{
    void *volatile block = tm_malloc(1000);
    (void)block;
}

/* ---- whose, and for how long ---- */

START_TEST(there_is_a_file_from_the_first_block_on)
{
    char name[256], expected[64];
    umask(0);
    ck_assert_int_eq(count_files(name), 0);
    allocate();
    ck_assert_int_eq(count_files(name), 1);
    snprintf(expected, sizeof expected, "%d-", (int)getpid());
    ck_assert_msg(strncmp(name, expected, strlen(expected)) == 0, "%s", name);
    ck_assert_str_eq(name + strlen(name) - 3, ".tm");

    struct stat file;
    char path[400];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    ck_assert_int_eq(stat(path, &file), 0);
    ck_assert_uint_eq(file.st_mode & 07777, 0600);
    ck_assert_uint_lt((uint64_t)file.st_blocks * 512, 64 * 1024); /* of 67 MB, what is used */

    const struct tm__books *books = map_file_of(getpid());
    ck_assert_str_eq(books->head.magic, TM__MAGIC);
    ck_assert_uint_eq(books->head.layout, TM__LAYOUT);
    ck_assert_uint_eq(books->head.size, (uint64_t)file.st_size);
    ck_assert_int_eq(books->head.pid, getpid());
    ck_assert_int_eq(books->head.parent, 0);
    ck_assert_str_eq(books->head.program, "check_publish");
    ck_assert_uint_eq(live_in(books), 1000);
    void *more = tm_malloc(500);
    ck_assert_uint_eq(live_in(books), 1500);
    tm_free(more);
    ck_assert_uint_eq(live_in(books), 1000);
}
END_TEST

START_TEST(without_the_option_there_is_none)
{
    char name[256];
    unsetenv("THREADMETER_PUBLISH");
    allocate();
    ck_assert_int_eq(count_files(name), 0);
}
END_TEST

static void allocate_and_exit(void)
{
    allocate();
    if (chdir("/") != 0)
        _exit(1);
    exit(0);
}

static void allocate_and_be_killed(void)
{
    allocate();
    raise(SIGKILL);
}

static void allocate_and_leave(void)
{
    allocate();
    _exit(0);
}

START_TEST(a_clean_end_removes_it)
{
    char name[256];
    ck_assert_int_eq(end_of(start(allocate_and_exit)), 0);
    ck_assert_int_eq(count_files(name), 0);
}
END_TEST

START_TEST(a_relative_directory_is_where_the_program_began)
{
    char name[256];
    ck_assert_int_eq(chdir("/dev/shm"), 0);
    setenv("THREADMETER_PUBLISH", strrchr(directory, '/') + 1, 1);
    ck_assert_int_eq(end_of(start(allocate_and_be_killed)), SIGKILL);
    ck_assert_int_eq(count_files(name), 1);
    ck_assert_int_eq(end_of(start(allocate_and_exit)), 0);
    ck_assert_int_eq(count_files(name), 1);
}
END_TEST

START_TEST(a_crash_leaves_it)
{
    pid_t child = start(allocate_and_be_killed);
    ck_assert_int_eq(end_of(child), SIGKILL);
    ck_assert_uint_eq(live_in(map_file_of(child)), 1000);
    child = start(allocate_and_leave);
    ck_assert_int_eq(end_of(child), 0);
    ck_assert_uint_eq(live_in(map_file_of(child)), 1000);
}
END_TEST

static pthread_barrier_t gate;

static void *allocate_at_once(void *unused)
{
    pthread_barrier_wait(&gate);
    allocate();
    return unused;
}

static void first_blocks_at_once(void)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    char name[256];
    pthread_barrier_init(&gate, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, allocate_at_once, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(count_files(name), 1);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), 1000 * THREADS);
    exit(0);
}

START_TEST(threads_that_come_first_at_once_make_one_file)
{
    char name[256];
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(end_of(start(first_blocks_at_once)), 0);
        ck_assert_int_eq(count_files(name), 0);
    }
}
END_TEST

static void *allocate_cancelled(void *done)
{
    pthread_cancel(pthread_self());
    allocate();
    *(bool *)done = true;
    return NULL;
}

START_TEST(a_cancelled_thread_makes_it_and_lives_on)
{
    char name[256];
    bool done = false;
    in_thread(allocate_cancelled, &done);
    ck_assert(done);
    ck_assert_int_eq(count_files(name), 1);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), 1000);
}
END_TEST

static void become_another(void)
{
    allocate();
    become((const char *const[]){"/proc/self/exe", "allocate", NULL});
}

START_TEST(another_program_in_the_same_process_takes_its_place)
{
    char name[256];
    pid_t child = start(become_another);
    ck_assert_int_eq(end_of(child), SIGKILL);
    ck_assert_int_eq(count_files(name), 1);
    ck_assert_uint_eq(live_in(map_file_of(child)), 77);
}
END_TEST

/* ---- forks ---- */

static int pipe_to_child[2], pipe_to_parent[2];

static void tell(const int ends[2])
{
    ck_assert_int_eq(write(ends[1], "", 1), 1);
}

static void wait_for(const int ends[2])
{
    char byte;
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
}

static void *inherited;

static void child_works(void)
{
    tm_free(inherited);
    void *volatile more = tm_malloc(30);
    (void)more;
    tell(pipe_to_parent);
    wait_for(pipe_to_child);
    exit(0);
}

START_TEST(a_forks_child_has_a_file_of_its_own)
{
    char name[256];
    ck_assert_int_eq(pipe(pipe_to_child), 0);
    ck_assert_int_eq(pipe(pipe_to_parent), 0);
    allocate();
    inherited = tm_malloc(200);
    const struct tm__books *mine = map_file_of(getpid());
    pid_t child = start(child_works);
    wait_for(pipe_to_parent);
    void *volatile more = tm_malloc(5);
    const struct tm__books *its = map_file_of(child);
    ck_assert_uint_eq(live_in(mine), 1205);
    ck_assert_uint_eq(live_in(its), 1030);
    ck_assert_int_eq(its->head.pid, child);
    ck_assert_int_eq(its->head.parent, getpid());
    ck_assert_int_eq(count_files(name), 2);
    tell(pipe_to_child);
    ck_assert_int_eq(end_of(child), 0);
    ck_assert_int_eq(count_files(name), 1);
    ck_assert_uint_eq(live_in(mine), 1205);
    expect_process_live(1205, 3);
    tm_free(more);
}
END_TEST

static int stderr_now(void)
{
    int said = memfd_create("said", 0);
    ck_assert_int_eq(dup2(said, STDERR_FILENO), STDERR_FILENO);
    return said;
}

static void expect_said(int said, const char *why)
{
    char text[1000] = "", expected[300];
    ck_assert_int_ge(pread(said, text, sizeof text - 1, 0), 0);
    snprintf(expected, sizeof expected, "threadmeter: cannot publish in %s: %s\n", directory, why);
    ck_assert_str_eq(text, expected);
}

static void child_without_a_file(void)
{
    tm_free(inherited);
    void *volatile more = tm_malloc(30);
    expect_process_live(1030, 2);
    sums_balance();
    inherited = tm_malloc(10);
    in_child(child_works); /* of a child that is not published */
    tm_free(inherited);
    tm_free(more);
    exit(0);
}

START_TEST(a_child_that_cannot_publish_has_books_of_its_own_still)
{
    ck_assert_int_eq(pipe(pipe_to_child), 0);
    ck_assert_int_eq(pipe(pipe_to_parent), 0);
    int said = stderr_now();
    allocate();
    inherited = tm_malloc(200);
    char moved[80];
    snprintf(moved, sizeof moved, "%s.moved", directory);
    ck_assert_int_eq(rename(directory, moved), 0);
    tell(pipe_to_child);
    pid_t child = start(child_without_a_file);
    ck_assert_int_eq(end_of(child), 0);
    ck_assert_int_eq(rename(moved, directory), 0);
    expect_said(said, "No such file or directory");
    expect_process_live(1200, 2);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), 1200);
}
END_TEST

/* ---- what may be wrong ---- */

START_TEST(a_directory_that_is_not_there)
{
    int said = stderr_now();
    strcat(directory, "/none");
    setenv("THREADMETER_PUBLISH", directory, 1);
    allocate();
    allocate();
    expect_said(said, "No such file or directory");
    expect_process_live(2000, 2);
    *strrchr(directory, '/') = '\0';
}
END_TEST

START_TEST(a_limit_of_file_sizes)
{
    char name[256];
    int said = stderr_now();
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 20, 1 << 20}), 0);
    allocate();
    expect_process_live(1000, 1);
    ck_assert_int_eq(count_files(name), 0);
    char text[200] = "";
    ck_assert_int_ge(pread(said, text, sizeof text - 1, 0), 0);
    ck_assert_ptr_nonnull(strstr(text, ": File too large\n"));
}
END_TEST

START_TEST(a_link_in_the_place_of_the_file)
{
    char victim[100], name[256], link_path[400], line[1000];
    snprintf(victim, sizeof victim, "%s/.victim", directory);
    int fd = open(victim, O_RDWR | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, "mine", 4), 4);
    /* The 22nd word of the kernel's line, behind the program's name. */
    FILE *stat_file = fopen("/proc/self/stat", "r");
    ck_assert_ptr_nonnull(fgets(line, sizeof line, stat_file));
    fclose(stat_file);
    unsigned long long ticks = 0;
    ck_assert_int_eq(sscanf(strrchr(line, ')') + 1,
                            "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &ticks),
                     1);
    snprintf(link_path, sizeof link_path, "%s/%d-%llu.new1", directory, (int)getpid(), ticks);
    ck_assert_int_eq(symlink(victim, link_path), 0);
    allocate();
    struct stat file;
    ck_assert_int_eq(fstat(fd, &file), 0);
    ck_assert_int_eq(file.st_size, 4);
    ck_assert_int_eq(count_files(name), 1);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), 1000);
    unlink(victim);
}
END_TEST

/* A file system of its own, that no other process sees; false where that is not allowed. */
static bool mount_small(const char *size)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", directory, "tmpfs", 0, size) == 0;
}

static void *hold(void *arg)
{
    *(void **)arg = tm_malloc(10);
    pthread_barrier_wait(&gate);
    pthread_barrier_wait(&gate);
    return NULL;
}

/* More threads at once than there is room for rows. */
static void crowd(void)
{
    enum { THREADS = 200 };
    static void *blocks[THREADS];
    pthread_t threads[THREADS];
    pthread_barrier_init(&gate, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hold, &blocks[i]), 0);
    pthread_barrier_wait(&gate);
    expect_process_live(10 * THREADS, THREADS);
    struct tm_slot overflow;
    ck_assert(find_slot_in(TM_OVERFLOW, &overflow));
    ck_assert_uint_gt(tm_live_blocks(&overflow.totals), 0);
    pthread_barrier_wait(&gate);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        tm_free(blocks[i]);
    expect_process_live(0, 0);
}

START_TEST(a_disk_that_fills_up)
{
    if (!mount_small("size=64k"))
        return;
    crowd();
    books_balance();
    in_child(books_balance);                             /* there is no room for its file */
    ck_assert_int_eq(umount2(directory, MNT_DETACH), 0); /* the books are there */
}
END_TEST

START_TEST(a_disk_that_is_full)
{
    if (!mount_small("size=8k"))
        return;
    int said = stderr_now();
    allocate();
    expect_said(said, "No space left on device");
    expect_process_live(1000, 1);
    ck_assert_int_eq(umount2(directory, MNT_DETACH), 0); /* the books are there */
}
END_TEST

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "allocate") == 0) {
        void *volatile block = tm_malloc(77);
        raise(SIGKILL);
        tm_free(block);
    }
    Suite *suite = suite_create("publish");
    TCase *tcase = add_case(suite, "publish", 60);
    tcase_add_checked_fixture(tcase, make_directory, remove_directory);
    tcase_add_test(tcase, there_is_a_file_from_the_first_block_on);
    tcase_add_test(tcase, without_the_option_there_is_none);
    tcase_add_test(tcase, a_clean_end_removes_it);
    tcase_add_test(tcase, a_relative_directory_is_where_the_program_began);
    tcase_add_test(tcase, a_crash_leaves_it);
    tcase_add_test(tcase, threads_that_come_first_at_once_make_one_file);
    tcase_add_test(tcase, a_cancelled_thread_makes_it_and_lives_on);
    tcase_add_test(tcase, another_program_in_the_same_process_takes_its_place);
    tcase_add_test(tcase, a_forks_child_has_a_file_of_its_own);
    tcase_add_test(tcase, a_child_that_cannot_publish_has_books_of_its_own_still);
    tcase_add_test(tcase, a_directory_that_is_not_there);
    tcase_add_test(tcase, a_limit_of_file_sizes);
    tcase_add_test(tcase, a_link_in_the_place_of_the_file);
    tcase_add_test(tcase, a_disk_that_fills_up);
    tcase_add_test(tcase, a_disk_that_is_full);
    return run_suite(suite);
}
