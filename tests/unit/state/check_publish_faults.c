/* SPDX-License-Identifier: BSD-3-Clause */
/* THREADMETER_PUBLISH where it cannot work, or fails later: there is a message, and the totals are exact. */
#define _GNU_SOURCE
#include "support/published.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <threadmeter/tags.h>
#include <unistd.h>

static pthread_barrier_t gate;

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
    /* The 22nd word of the kernel's line; the program's name comes before it. */
    FILE *stat_file = fopen("/proc/self/stat", "r");
    ck_assert_ptr_nonnull(fgets(line, sizeof line, stat_file));
    fclose(stat_file);
    unsigned long long ticks = 0;
    ck_assert_int_eq(sscanf(strrchr(line, ')') + 1,
                            "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &ticks),
                     1);
    /* Tests may be run in a container. */
    const ino_t first = 0xeffffffc;
    struct stat namespace = {.st_ino = first};
    char suffix[32] = "";
    if (stat("/proc/self/ns/pid", &namespace) == 0 && namespace.st_ino != first)
        snprintf(suffix, sizeof suffix, "-%llu", (unsigned long long)namespace.st_ino);
    snprintf(link_path, sizeof link_path, "%s/%d-%llu%s.new1", directory, (int)getpid(), ticks, suffix);
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
    expect_invariant();
    in_child(expect_invariant);                          /* there is no room for its file */
    ck_assert_int_eq(umount2(directory, MNT_DETACH), 0); /* the region is there */
}
END_TEST

/* Tags for which there is no room are "other", as those beyond the table are. */
START_TEST(tags_on_a_disk_that_fills_up)
{
    if (!mount_small("size=64k"))
        return;
    char name[16];
    int opened = 0;
    while (opened < TM_TAGS_MAX && tm_tag_open((snprintf(name, sizeof name, "tag %d", opened), name)) != TM_TAG_OTHER)
        opened++;
    ck_assert_int_ge(opened, 30); /* a page has more */
    ck_assert_int_lt(opened, 1000);
    ck_assert_int_eq(tm_tag_open("tag 7"), tm_tag_open("tag 7"));
    ck_assert_int_gt(tm_tag_open("tag 7"), TM_TAG_OTHER);
    tm_tag_enter(tm_tag_open("one more"));
    void *block = tm_malloc(5);
    struct tm_totals other;
    ck_assert_int_eq(tm_tag_totals(TM_TAG_OTHER, &other), 0);
    expect_live(&other, 5, 1);
    tm_free(block);
    tm_tag_leave(0);
    ck_assert_int_eq(tm_tag_close(tm_tag_open("tag 7")), 0);
    expect_invariant();
    ck_assert_int_eq(umount2(directory, MNT_DETACH), 0); /* the region is there */
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
    ck_assert_int_eq(umount2(directory, MNT_DETACH), 0); /* the region is there */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("publish_faults");
    TCase *tcase = add_case(suite, "publish_faults", 60);
    tcase_add_checked_fixture(tcase, make_directory, remove_directory);
    tcase_add_test(tcase, a_directory_that_is_not_there);
    tcase_add_test(tcase, a_limit_of_file_sizes);
    tcase_add_test(tcase, a_link_in_the_place_of_the_file);
    add_unless_emulated(tcase, a_disk_that_fills_up, ASKS_FOR_MEMORY);
    add_unless_emulated(tcase, tags_on_a_disk_that_fills_up, ASKS_FOR_MEMORY);
    add_unless_emulated(tcase, a_disk_that_is_full, ASKS_FOR_MEMORY);
    return run_suite(suite);
}
