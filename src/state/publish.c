/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "state/publish.h"
#include "base/kernel.h"
#include "base/liveness_lock.h"
#include "base/messages.h"
#include "base/populate.h"
#include "base/options.h"
#include "base/task.h"
#include "base/text.h"
#include "state/area.h"
#include "state/pages.h"
#include "state/process.h"
#include "state/slot.h"
#include "state/stale_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file of this process has its name; a thread that sees this sees the region, too (default order). */
static _Atomic bool has_file;

/* Paths are opened in two steps, not concatenated: they may be long, and there may be little stack left. */
static int open_directory(void)
{
    return tm__sys_openat(AT_FDCWD, tm__publish_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
}

static void unlink_file(tm__temporary temporary)
{
    char name[TM__FILE_NAME];
    int directory = open_directory();
    if (directory < 0)
        return;
    tm__sys_unlinkat(directory, tm__name_file(name, temporary));
    tm__sys_close(directory);
}

void tm__discard_temporary(tm__temporary temporary)
{
    if (temporary != 0)
        unlink_file(temporary);
}

/*
 * On these file systems space that a file has on the disk does not suffice when it is written to again: they write
 * changed data to another place, so once it was written back a change needs new space. With a full disk, a store to the
 * region is then a signal, whatever was reserved before. (f2fs: if checkpoints are off.)
 */
static bool needs_new_space_on(uint32_t file_system)
{
    static const uint32_t known[] = {
        0x9123683e, /* btrfs */
        0xca451a4e, /* bcachefs */
        0x2fc12fc1, /* zfs */
        0x3434,     /* nilfs2 */
        0xf2f52010, /* f2fs */
        0x24051905, /* ubifs */
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i] == file_system)
            return true;
    return false;
}

enum { NEEDS_NEW_SPACE = 4096 }; /* not an error number of the kernel */
static const char needs_new_space[] = "its file system does not keep room for what is changed, and on a full disk the "
                                      "program would be killed; use a tmpfs, as /dev/shm or /run are";

void tm__abandon_temporary(tm__temporary temporary, int error)
{
    tm__discard_temporary(temporary);
    /* A sandbox refuses the call; nothing is wrong that the user could change. */
    if ((error == ENOSYS || error == EPERM) && tm__sys_seccomp_mode() != 0)
        return;
    char line[512];
    struct tm__text text = TM__TEXT(line, tm__fd_for_notice());
    tm__put(&text, "threadmeter: cannot publish in ");
    tm__put(&text, tm__publish_directory);
    tm__put(&text, ": ");
    const char *reason = error == NEEDS_NEW_SPACE ? needs_new_space : strerrordesc_np(error);
    tm__put(&text, reason ? reason : "unknown error");
    tm__put(&text, "\n");
    tm__flush(&text);
}

/* -errno if it cannot be created. */
static int create_file(tm__temporary temporary)
{
    char name[TM__FILE_NAME];
    int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, directory = open_directory();
    if (directory < 0)
        return directory;
    struct statfs file_system = {.f_type = 0};
    if (tm__sys_fstatfs(directory, &file_system) == 0 && needs_new_space_on((uint32_t)file_system.f_type)) {
        tm__sys_close(directory);
        return -NEEDS_NEW_SPACE;
    }
    bool locks_tell = tm__locks_tell_on((uint32_t)file_system.f_type);
    int fd = tm__sys_openat(directory, tm__name_file(name, temporary), flags, 0600);
    /* This process may have left such a file when it executed another program in the middle of this. */
    if (fd == -EEXIST && tm__sys_unlinkat(directory, name) == 0)
        fd = tm__sys_openat(directory, name, flags, 0600);
    tm__sys_close(directory);
    if (fd >= 0 && locks_tell)
        tm__sys_lock_file(fd); /* whether it worked is found out later: see is_lock_held() */
    return fd;
}

int tm__create_temporary(tm__temporary *temporary, size_t size)
{
    static _Atomic tm__temporary last; /* memory order does not matter here: each number must only be different */
    *temporary = atomic_fetch_add(&last, 1) + 1;
    struct rlimit limit;
    int fd = create_file(*temporary);
    int error = fd < 0 ? -fd : 0;
    /* Beyond this limit ftruncate() does not fail, but raises a signal that ends the process. */
    if (!error && tm__sys_getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < size)
        error = EFBIG;
    if (!error)
        error = -tm__sys_ftruncate(fd, (off_t)size);
    if (!error)
        return fd;
    if (fd >= 0)
        tm__sys_close(fd);
    tm__abandon_temporary(*temporary, error);
    *temporary = 0;
    return -1;
}

/*
 * Older kernels cannot populate memory. There we reserve space for the first part of the file, and use no more than
 * that. The flows are large, so space for them is reserved only if they are wanted; if there is none,
 * tm__turn_flow_on() says so.
 */
static int reserve_room(int fd, const struct tm__extent *extent)
{
    enum { RESERVED = offsetof(struct tm__region, slots) + 4096 * sizeof(struct tm__slot) };
    tm__region_memory.reserved = extent->flows_offset < RESERVED ? extent->flows_offset : RESERVED;
    int error = -tm__sys_fallocate(fd, 0, (off_t)tm__region_memory.reserved);
    off_t flows = (off_t)(extent->size - extent->flows_offset);
    if (!error && tm__flow_requested && tm__sys_fallocate(fd, (off_t)extent->flows_offset, flows) != 0)
        tm__region_memory.flows_have_no_room = true;
    return error;
}

/* The machine's page size, but at least ours. */
static size_t page_size(void)
{
    size_t size = getauxval(AT_PAGESZ);
    return size > TM__HEAD ? size : TM__HEAD;
}

static int make_room(int fd, struct tm__region *region, const struct tm__extent *extent)
{
    void *const parts[] = {region, &region->tags, &region->retired, &region->slots};
    int error = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && error == 0; i++)
        error = -tm__sys_madvise(tm__page_of(region, parts[i]), tm__region_memory.page, MADV_POPULATE_WRITE);
    if (error == EINVAL)
        return reserve_room(fd, extent);
    return error ? ENOSPC : 0; /* EFAULT, too, means that there is no space */
}

/* Even if flow is off, it may soon be turned on: another thread may have been opening the region at the fork. */
int tm__reserve_again(int fd)
{
    const struct tm__head *head = &tm__region_now()->head;
    int error = 0;
    if (tm__region_memory.reserved != 0)
        error = -tm__sys_fallocate(fd, 0, (off_t)tm__region_memory.reserved);
    if (error == 0 && tm__region_memory.reserved != 0 && tm__flows_have_room())
        error = -tm__sys_fallocate(fd, (off_t)head->flows_offset, (off_t)(head->size - head->flows_offset));
    return error;
}

bool tm__map_temporary(tm__temporary *temporary, struct tm__region *region, const struct tm__extent *extent)
{
    *temporary = 0;
    int fd = tm__create_temporary(temporary, extent->size);
    if (fd < 0)
        return false;
    tm__region_memory.page = page_size(); /* two threads that ask at once get the same answer */
    tm__region_memory.seccomp = tm__sys_seccomp_mode();
    int error = tm__sys_failed(tm__sys_map_file(region, extent->mapped, fd, 0));
    if (!error) {
        tm__avoid_excess_pages(region, extent->mapped);
        error = make_room(fd, region, extent);
    }
    tm__sys_close(fd);
    if (!error) {
        tm__describe_process(&region->head, 0);
        return true;
    }
    tm__abandon_temporary(*temporary, error);
    *temporary = 0;
    return false;
}

/*
 * Whether the file is locked now, when it is mapped, and its descriptor closed. Some kernels and sandboxes refuse the
 * lock, or drop it with the descriptor.
 */
static bool is_lock_held(int directory, const char *name)
{
    int fd = tm__sys_openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    bool locked = fd >= 0 && tm__sys_is_locked(fd);
    if (fd >= 0)
        tm__sys_close(fd);
    return locked;
}

/* The file replaces what this process published before it executed this program. */
static int rename_temporary(tm__temporary temporary)
{
    char from[TM__FILE_NAME], to[TM__FILE_NAME];
    int directory = open_directory();
    if (directory < 0)
        return directory;
    bool locked = is_lock_held(directory, tm__name_file(from, temporary));
    atomic_store(&tm__region_now()->head.locked, locked);
    int result = tm__sys_renameat(directory, from, tm__name_file(to, 0));
    if (result == 0)
        tm__remove_stale_files(directory, &tm__region_now()->head);
    tm__sys_close(directory);
    return result;
}

void tm__publish_temporary(tm__temporary temporary)
{
    if (temporary == 0)
        return;
    int result = rename_temporary(temporary);
    if (result == 0)
        atomic_store(&has_file, true);
    else
        tm__abandon_temporary(temporary, -result);
}

static bool is_own_file(pid_t tid)
{
    const struct tm__owner *home = tm__thread.home;
    return atomic_load(&has_file) && (!home || atomic_load(&tm__slot_of(home)->identity.tid) == tid);
}

static void set_end(bool ended)
{
    atomic_store(&tm__region_now()->head.ended, ended);
}

/* Not in a child of _Fork: libc knows its tid, and it shares the file with its parent. */
__attribute__((destructor(TM__OUTERMOST))) void tm__mark_ended(void)
{
    if (is_own_file(tm__tid_by_libc()))
        set_end(true);
}

/*
 * This handler is the last to be called, since it is the first to be registered. libc has static memory for 32 of them.
 */
__attribute__((constructor(TM__OUTERMOST))) static void register_at_quick_exit(void)
{
    at_quick_exit(tm__mark_ended);
}

bool tm__mark_own_end(void)
{
    pid_t tid;
    if (!atomic_load(&has_file) || !tm__read_own_tid(&tid) || !is_own_file(tid))
        return false;
    /*
     * A thread that never allocated may be in a child of _Fork, to which libc has given its tid, but which has no file.
     */
    if (!tm__thread.home && tm__sys_getpid() != tm__region_now()->head.pid)
        return false;
    set_end(true);
    return true;
}

void tm__unmark_ended(void)
{
    set_end(false);
}

void tm__forget_file(void)
{
    atomic_store(&has_file, false);
}
