/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * On which file systems a process publishes. Their numbers in the kernel are listed here a second time, from
 * linux/magic.h and from their own sources. The linker puts fstatfs in front.
 */
#define _GNU_SOURCE
#include "support/published.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

static long file_system; /* that all directories are said to be on; 0: what the kernel says. -1: it does not */

int __real_tm__sys_fstatfs(int fd, struct statfs *of);
int __wrap_tm__sys_fstatfs(int fd, struct statfs *of);
int __wrap_tm__sys_fstatfs(int fd, struct statfs *of)
{
    int result = file_system == -1 ? -ENOSYS : __real_tm__sys_fstatfs(fd, of);
    if (file_system > 0)
        of->f_type = file_system;
    return result;
}

static const struct {
    const char *name;
    long magic;
} refused[] =
    {
        {"btrfs", 0x9123683E}, {"bcachefs", 0xca451a4e}, {"zfs", 0x2fc12fc1},
        {"nilfs", 0x3434},     {"f2fs", 0xF2F52010},     {"ubifs", 0x24051905},
},
  taken[] = {
      {"ext4", 0xEF53}, {"xfs", 0x58465342}, {"tmpfs", 0x01021994}, {"overlayfs", 0x794c7630}, {"not known", -1},
};

#define WHY                                                                                                            \
    "its file system does not keep room for what is changed, and on a full disk the program would be killed; use a "   \
    "tmpfs, as /dev/shm or /run are"

static void child_is_refused(void)
{
    int said = stderr_now();
    file_system = refused[0].magic; /* another one is mounted there by now, say */
    in_child(expect_invariant);
    expect_said(said, NULL);
    expect_process_live(1500, 2);
    exit(0);
}

START_TEST(where_room_is_not_kept_nothing_is_published)
{
    char name[256];
    int said = stderr_now();
    file_system = refused[_i].magic;
    allocate();
    expect_said(said, WHY);
    ck_assert_int_eq(count_files(name), 0);
    void *more = tm_malloc(500);
    expect_process_live(1500, 2);
    in_child(expect_invariant);
    expect_said(said, WHY);
    ck_assert_int_eq(count_files(name), 0);
    tm_free(more);
}
END_TEST

/* An overlay, whatever file systems it is made of; and where the kernel does not say. */
START_TEST(elsewhere_it_is)
{
    char name[256];
    int said = stderr_now();
    file_system = taken[_i].magic;
    allocate();
    char nothing;
    ck_assert_int_eq(pread(said, &nothing, 1, 0), 0);
    ck_assert_int_eq(count_files(name), 1);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), 1000);
}
END_TEST

START_TEST(a_forks_child_is_asked_again)
{
    char name[256];
    allocate();
    void *more = tm_malloc(500);
    in_child(child_is_refused);
    ck_assert_int_eq(count_files(name), 1);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), 1500);
    tm_free(more);
}
END_TEST

/* /var/tmp is on a disk nearly everywhere. On another file system nothing is read ahead, and this says nothing. */
static void make_directory_on_disk(void)
{
    strcpy(directory, "/var/tmp/check_publish.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    setenv("THREADMETER_PUBLISH", directory, 1);
}

/*
 * Pages of the file of `pid` that the kernel has in memory: by mincore(), which does not touch them. -1: there is no
 * file.
 */
static int cached_pages(pid_t pid)
{
    static unsigned char cached[1 << 16];
    char path[256];
    struct stat file;
    int pages = 0, fd = -1;
    DIR *files = opendir(directory);
    for (struct dirent *entry; fd < 0 && (entry = readdir(files));)
        if (strtol(entry->d_name, NULL, 10) == pid && snprintf(path, sizeof path, "%s/%s", directory, entry->d_name))
            fd = open(path, O_RDONLY);
    closedir(files);
    if (fd < 0)
        return -1;
    ck_assert(fstat(fd, &file) == 0 && file.st_size / 4096 <= (off_t)sizeof cached);
    void *memory = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_SHARED, fd, 0);
    ck_assert(memory != MAP_FAILED && mincore(memory, (size_t)file.st_size, cached) == 0);
    for (off_t i = 0; i < file.st_size / getpagesize(); i++)
        pages += cached[i] & 1;
    munmap(memory, (size_t)file.st_size);
    close(fd);
    return pages;
}

/* The head, tags, retired rows and slots begin in a page each. The threads' slots are in two more. */
enum { PAGES = 4, PAGES_OF_THREADS = 2 };

static void *allocate_in_thread(void *go_on)
{
    allocate();
    ck_assert_int_ge(pthread_barrier_wait(go_on), -1);
    ck_assert_int_ge(pthread_barrier_wait(go_on), -1);
    return NULL;
}

static void threads_fill_few_pages(void)
{
    enum { SLOTS_IN_PAGE = 4096 / sizeof(struct tm__slot), THREADS = PAGES_OF_THREADS * SLOTS_IN_PAGE };
    pthread_t threads[THREADS];
    pthread_barrier_t go_on;
    pthread_barrier_init(&go_on, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, allocate_in_thread, &go_on), 0);
    pthread_barrier_wait(&go_on);
    ck_assert_int_le(cached_pages(getpid()), PAGES + PAGES_OF_THREADS);
    pthread_barrier_wait(&go_on);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    exit(0);
}

START_TEST(only_pages_that_are_used_are_in_memory)
{
    allocate();
    ck_assert_int_le(cached_pages(getpid()), PAGES);
    in_child(threads_fill_few_pages);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("publish_disk");
    TCase *tcase = add_case(suite, "publish_disk", 30);
    tcase_add_checked_fixture(tcase, make_directory, remove_directory);
    tcase_add_loop_test(tcase, where_room_is_not_kept_nothing_is_published, 0, sizeof refused / sizeof refused[0]);
    tcase_add_loop_test(tcase, elsewhere_it_is, 0, sizeof taken / sizeof taken[0]);
    tcase_add_test(tcase, a_forks_child_is_asked_again);
    TCase *on_disk = add_case(suite, "on_disk", 30);
    tcase_add_checked_fixture(on_disk, make_directory_on_disk, remove_directory);
    tcase_add_test(on_disk, only_pages_that_are_used_are_in_memory);
    return run_suite(suite);
}
