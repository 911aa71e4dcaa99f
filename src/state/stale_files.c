/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files stay when their processes end, since a process makes no system call for us at its end. A reader that lists the
 * directory removes the files of processes that have ended. So that there are never many where nobody lists them, one
 * in eight of the processes that publish does the same when it begins.
 */
#define _GNU_SOURCE
#include "state/stale_files.h"
#include "base/kernel.h"
#include "base/liveness_lock.h"
#include "state/process.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* The form in which getdents64() writes entries. */
struct entry {
    uint64_t inode, next;
    uint16_t size;
    uint8_t type;
    char name[];
};

static bool is_published(const char *name)
{
    size_t length = strlen(name);
    return length > 3 && memcmp(name + length - 3, ".tm", 4) == 0;
}

/* Reads no more of the file than it needs, and checks that: a file of another kind is left alone. */
static bool has_ended(int directory, bool locks_tell, const char *name, struct stat *file)
{
    struct {
        char magic[8];
        uint32_t layout, byte_order;
    } begin;
    pid_t pid = 0;
    struct {
        uint32_t ended, locked;
    } end = {0};
    int fd = tm__sys_openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool is_ours = tm__sys_fstat(fd, file) == 0 && tm__sys_pread(fd, &begin, sizeof begin, 0) == sizeof begin &&
                   memcmp(begin.magic, TM__MAGIC, sizeof begin.magic) == 0 && begin.layout == TM__LAYOUT &&
                   begin.byte_order == TM__BYTE_ORDER &&
                   tm__sys_pread(fd, &pid, sizeof pid, offsetof(struct tm__head, pid)) == sizeof pid &&
                   tm__sys_pread(fd, &end, sizeof end, offsetof(struct tm__head, ended)) == sizeof end;
    /* A process marks its end before exec, and takes the mark back if that fails; so the process must be gone, too. */
    bool is_gone = end.locked != 0 && locks_tell
                       ? !tm__sys_is_locked(fd)
                       : pid > 0 && tm__is_of_own_pid_namespace(name) && tm__sys_tgkill(pid, pid, 0) == -ESRCH;
    tm__sys_close(fd);
    return is_ours && end.ended != 0 && is_gone;
}
static_assert(offsetof(struct tm__head, locked) == offsetof(struct tm__head, ended) + sizeof(uint32_t),
              "both are read at once");

/*
 * Like tm_reader_remove(), for the same reason: the process may have executed another program, which then may have a
 * new file of this name.
 */
static void remove_only(int directory, const char *name, const struct stat *file)
{
    char aside[300];
    struct stat now;
    struct tm__text text = {.bytes = aside, .capacity = sizeof aside, .fd = -1};
    tm__put(&text, name);
    text.used -= strlen(".tm");
    tm__put(&text, ".new0");
    if (tm__sys_renameat_new(directory, name, tm__string(&text)) != 0)
        return;
    if (tm__sys_lstatat(directory, aside, &now) == 0 && now.st_dev == file->st_dev && now.st_ino == file->st_ino)
        tm__sys_unlinkat(directory, aside);
    else
        tm__sys_renameat_new(directory, aside, name);
}

void tm__remove_stale_files(int directory, const struct tm__head *head)
{
    if (((head->started_ns >> 6) + (uint64_t)head->pid) % 8 != 0)
        return;
    /* Pieces of the directory, with some 30 files each: a process that begins must not wait because many left files. */
    enum { READ_AT_MOST = 4 };
    alignas(struct entry) char entries[1024];
    struct statfs file_system;
    struct stat file;
    bool locks_tell = tm__sys_fstatfs(directory, &file_system) == 0 && tm__locks_tell_on((uint32_t)file_system.f_type);
    ssize_t got;
    for (int i = 0; i < READ_AT_MOST && (got = tm__sys_getdents(directory, entries, sizeof entries)) > 0; i++)
        for (ssize_t at = 0; at < got;) {
            const struct entry *entry = (const void *)&entries[at];
            if (is_published(entry->name) && has_ended(directory, locks_tell, entry->name, &file))
                remove_only(directory, entry->name, &file);
            at += entry->size;
        }
}
