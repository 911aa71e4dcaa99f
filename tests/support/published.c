/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "support/published.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <stdatomic.h>
#include <unistd.h>

char directory[64];

void make_directory(void)
{
    strcpy(directory, "/dev/shm/check_publish.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    setenv("THREADMETER_PUBLISH", directory, 1);
}

/* Nothing here allocates, since the preloaded library would count that. */
void remove_directory(void)
{
    DIR *files = opendir(directory);
    for (struct dirent *entry; files && (entry = readdir(files));)
        unlinkat(dirfd(files), entry->d_name, 0);
    if (files)
        closedir(files);
    rmdir(directory);
}

/* Such a file is removed by the next process that lists the directory. */
static bool says_that_it_ended(int files, const char *name)
{
    uint32_t ended = 0;
    int fd = openat(files, name, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ge(pread(fd, &ended, sizeof ended, offsetof(struct tm__head, ended)), 0);
    close(fd);
    return ended != 0;
}

/* Returns how many files there are, without those of processes that ended cleanly; and the name of one. */
int count_files(char name[256])
{
    int count = 0;
    DIR *files = opendir(directory);
    ck_assert_ptr_nonnull(files);
    for (struct dirent *entry; (entry = readdir(files));)
        if (entry->d_name[0] != '.' && !says_that_it_ended(dirfd(files), entry->d_name)) {
            strcpy(name, entry->d_name);
            count++;
        }
    closedir(files);
    return count;
}

const struct tm__region *map_file_of(pid_t pid)
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
    void *region = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(region, MAP_FAILED);
    close(fd);
    closedir(files);
    return region;
}

uint64_t live_in(const struct tm__region *region)
{
    uint64_t live = 0;
    for (uint32_t i = 0; i < region->head.slots_used; i++) {
        const struct tm__slot *slot = &region->slots[i];
        live += slot->owner.allocated_bytes - slot->owner.freed_bytes;
        for (int lane = 0; lane < TM__LANES; lane++)
            live -= slot->lanes[lane].freed_bytes + slot->lanes[lane].shared_bytes;
    }
    return live;
}

pid_t start(void (*body)(void))
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

int end_of(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

/* Each refers to the one before it; otherwise leak sanitizer would report them as lost. */
static void *_Atomic last_block;

void allocate(void)
{
    void **block = tm_malloc(1000);
    *block = atomic_exchange(&last_block, block);
}

int stderr_now(void)
{
    int said = memfd_create("said", 0);
    hear_stderr(said);
    return said;
}

void expect_said(int said, const char *why)
{
    char text[1000] = "", expected[400] = "";
    ck_assert_int_ge(pread(said, text, sizeof text - 1, 0), 0);
    if (why)
        snprintf(expected, sizeof expected, "threadmeter: cannot publish in %s: %s\n", directory, why);
    ck_assert_str_eq(text, expected);
}
