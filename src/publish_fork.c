/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fork's child of a process that publishes gets books of its own, in place of its parent's: page by page, so that no
 * more memory is needed than there is. Nothing here allocates, or takes a lock.
 */
#define _GNU_SOURCE
#include "kernel.h"
#include "publication.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = TM__HEAD };

static char *address_of(enum tm__area area, size_t offset)
{
    return (char *)tm__books_now() + tm__start_of(area) + offset;
}

/* ---- in a file ---- */

/* 0, or the error; so the next ones. */
static int write_page(int fd, const char *page, off_t offset)
{
    for (size_t size = PAGE; size > 0;) {
        ssize_t written = tm__sys_pwrite(fd, page + (PAGE - size), size, offset + (off_t)(PAGE - size));
        if (written == -EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? (int)-written : EIO;
        size -= (size_t)written;
    }
    return 0;
}

/* Whole pages, so that there is room for what comes next in them. */
static int write_books(int fd)
{
    int error = 0;
    for (enum tm__area area = 0; area < TM__AREAS; area++)
        for (size_t offset = 0; offset < tm__used_in_child(area) && !error; offset += PAGE)
            error = write_page(fd, tm__child_page(area, offset, true), (off_t)(tm__start_of(area) + offset));
    return error;
}

static int map_books(int fd)
{
    int error = 0;
    for (enum tm__area area = 0; area < TM__AREAS && !error; area++)
        if (tm__size_of(area) > 0)
            error =
                tm__sys_failed(tm__sys_map_file(address_of(area, 0), tm__size_of(area), fd, (off_t)tm__start_of(area)));
    return error;
}

/*
 * What nobody has used yet. It is not used from now on, nor mapped again later: something else may be there by then. If
 * it cannot be unmapped, it stays as it is.
 */
static void let_go_of_unused(void)
{
    for (enum tm__area area = 0; area < TM__AREAS; area++) {
        size_t used = tm__used_in_child(area), unused = tm__size_of(area) - used;
        if (unused > 0)
            tm__sys_munmap(address_of(area, used), unused);
        tm__publication.let_go[area] += unused;
    }
}

/*
 * In place of the parent's: no more address space than before. But nothing at all is mapped where a limit has been set
 * to less than there is; so what is not used has to go.
 */
static bool publish(tm__draft *draft)
{
    int fd = tm__create_draft(draft, tm__books_now()->head.size);
    if (fd < 0)
        return false;
    int error = tm__reserve_again(fd);
    if (!error)
        error = write_books(fd);
    if (!error && map_books(fd) != 0) {
        let_go_of_unused();
        error = map_books(fd);
    }
    if (error)
        tm__give_up_draft(*draft, error);
    tm__sys_close(fd);
    return !error;
}

/* ---- in memory of its own ---- */

/* It would write to its parent's books. */
static void die(void)
{
    static const char line[] = "threadmeter: no memory for the books of a fork's child\n";
    tm__sys_write(STDERR_FILENO, line, sizeof line - 1);
    abort();
}

/* That no limit forbids. A page of the copy is read once, and nothing is copied any more where nothing is published. */
static bool move_copied_page(enum tm__area area, size_t offset, const char *page)
{
    char *copied = tm__copied_page(area, offset);
    if (!copied)
        return false;
    memcpy(copied, page, PAGE);
    return !tm__sys_failed(tm__sys_move(copied, PAGE, address_of(area, offset)));
}

static void *map_anonymous(char *to, size_t size)
{
    return tm__sys_mmap(to, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1);
}

/*
 * The page is put where it was read from. Where a limit has been set to less than there is even without what is unused,
 * not even one page can be mapped in place of another; then the copy's is moved.
 */
static void own_page(enum tm__area area, size_t offset)
{
    const char *page = tm__child_page(area, offset, false);
    char *to = address_of(area, offset);
    if (!tm__sys_failed(map_anonymous(to, PAGE)))
        memcpy(to, page, PAGE);
    else if (!move_copied_page(area, offset, page))
        die();
}

/*
 * What is not used goes first, and is mapped again last: as a new mapping, which limits of address space and of data
 * apply to. Where they forbid it, or a page in between has failed, there are no more slots and tags than there were.
 */
static void keep_for_itself(void)
{
    size_t size[TM__AREAS];
    for (enum tm__area area = 0; area < TM__AREAS; area++)
        size[area] = tm__size_of(area);
    let_go_of_unused();
    for (enum tm__area area = 0; area < TM__AREAS; area++)
        for (size_t offset = 0; offset < tm__used_in_child(area); offset += PAGE)
            own_page(area, offset);
    for (enum tm__area area = 0; area < TM__AREAS; area++) {
        size_t used = tm__used_in_child(area), unused = size[area] - used;
        if (unused > 0 && !tm__sys_failed(map_anonymous(address_of(area, used), unused)))
            tm__publication.let_go[area] -= unused;
    }
}

void tm__publish_in_child(uint64_t survivor, pid_t parent)
{
    if (!tm__books_are_shared())
        return;
    tm__draft draft;
    atomic_store(&tm__publication.start_ticks, 0);  /* there is one thread */
    atomic_store(&tm__publication.has_file, false); /* it is the parent's */
    tm__begin_child(survivor, parent);
    if (publish(&draft))
        tm__publish_draft(draft);
    else
        keep_for_itself();
    tm__drop_copy();
}
