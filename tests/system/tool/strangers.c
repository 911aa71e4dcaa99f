/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What other users may publish: a process of any user whose file has any contents, until its input ends; or a directory
 * full of files whose processes are dead.
 * usage: strangers run UID DIRECTORY PROGRAM BYTES | strangers fill DIRECTORY COUNT
 */
#define _GNU_SOURCE
#include "support/small_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

static void fail_unless(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    exit(1);
}

static int publish(const char *directory, pid_t pid, unsigned long long ticks, const char *program, uint64_t bytes,
                   bool locked)
{
    char path[PATH_MAX];
    struct tm__head head = small_head();
    head.pid = pid;
    head.started_ns = 1;
    snprintf(head.program, sizeof head.program, "%s", program);
    head.locked = locked; /* if true: a process that holds no lock is dead */
    head.slots_used = TM__SHARED_SLOTS + 1;
    static struct tm__slot slot;
    slot.owner.allocated_bytes = bytes;
    slot.owner.allocated_blocks = 1;
    slot.home = TM__SHARED_SLOTS;
    slot.identity.generation_state = 1 << 8 | TM__OWNED;
    slot.identity.thread = 1;
    slot.identity.tid = pid;
    slot.identity.peak_bytes = bytes;
    memcpy((void *)slot.identity.name, "worker", 7);
    snprintf(path, sizeof path, "%s/%d-%llu.tm", directory, (int)pid, ticks);
    int file = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);
    fail_unless(file >= 0, path);
    fail_unless(ftruncate(file, SIZE) == 0 && pwrite(file, &head, sizeof head, 0) == sizeof head &&
                    pwrite(file, &slot, sizeof slot, SLOTS_OFFSET + TM__SHARED_SLOTS * sizeof slot) == sizeof slot,
                path);
    return file;
}

/* When this process started: the 22nd word of the line, whose second word is a name in parentheses. */
static unsigned long long own_ticks(void)
{
    char line[1024] = "";
    FILE *stat = fopen("/proc/self/stat", "r");
    fail_unless(stat && fgets(line, sizeof line, stat), "/proc/self/stat");
    fclose(stat);
    const char *at = strrchr(line, ')');
    for (int word = 2; at && word < 22; word++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

static int run(uid_t user, const char *directory, const char *program, uint64_t bytes)
{
    /* Dumpable, so that /proc belongs to that user, as with any of the user's processes. */
    fail_unless(setresuid(user, user, user) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0, "setresuid");
    int file = publish(directory, getpid(), own_ticks(), program, bytes, true);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    fail_unless(fcntl(file, F_OFD_SETLK, &lock) == 0, "lock"); /* as long as the process lives */
    void *mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    fail_unless(mapped != MAP_FAILED, "mmap");
    printf("%d\n", (int)getpid());
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "run") == 0)
        return run((uid_t)atoi(argv[2]), argv[3], argv[4], strtoull(argv[5], NULL, 10));
    if (argc == 4 && strcmp(argv[1], "fill") == 0) {
        for (int i = 0; i < atoi(argv[3]); i++)
            close(publish(argv[2], INT_MAX, (unsigned long long)i, "gone", 1, true));
        return 0;
    }
    return 2;
}
