/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files stay when their processes end, for a process at its end makes no system call for us. Whoever lists removes those
 * whose processes said that they end; and so that there are never many where nobody lists, one in eight of the processes
 * that publish does the same as it begins.
 */
#define _GNU_SOURCE
#include "kernel.h"
#include "publication.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* As getdents64() writes it. */
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

/* Nothing of it is believed but what it is looked at for: a file of another kind is left alone. */
static bool has_ended(int directory, const char *name)
{
    struct {
        char magic[8];
        uint32_t layout, byte_order;
    } begin;
    pid_t pid = 0;
    uint32_t ended = 0;
    int fd = tm__sys_openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool is_ours = tm__sys_pread(fd, &begin, sizeof begin, 0) == sizeof begin &&
                   memcmp(begin.magic, TM__MAGIC, sizeof begin.magic) == 0 && begin.layout == TM__LAYOUT &&
                   begin.byte_order == TM__BYTE_ORDER &&
                   tm__sys_pread(fd, &pid, sizeof pid, offsetof(struct tm__head, pid)) == sizeof pid &&
                   tm__sys_pread(fd, &ended, sizeof ended, offsetof(struct tm__head, ended)) == sizeof ended;
    tm__sys_close(fd);
    /* One that has become another program has its number still, and perhaps a new file of this name. */
    return is_ours && ended != 0 && pid > 0 && tm__sys_tgkill(pid, pid, 0) == -ESRCH;
}

void tm__sweep(int directory, const struct tm__head *head)
{
    if (((head->started_ns >> 6) + (uint64_t)head->pid) % 8 != 0)
        return;
    enum {
        LOOKED_AT = 4
    }; /* pieces of the directory, some 30 files each: who begins is not to wait for what many left */
    alignas(struct entry) char entries[1024];
    ssize_t got;
    for (int i = 0; i < LOOKED_AT && (got = tm__sys_getdents(directory, entries, sizeof entries)) > 0; i++)
        for (ssize_t at = 0; at < got;) {
            const struct entry *entry = (const void *)&entries[at];
            if (is_published(entry->name) && has_ended(directory, entry->name))
                tm__sys_unlinkat(directory, entry->name);
            at += entry->size;
        }
}
