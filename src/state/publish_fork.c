/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fork's child of a process that publishes gets a region of its own, in place of its parent's. It is made page by
 * page, so that no more memory is needed than there is. Nothing here allocates, or takes a lock.
 */
#define _GNU_SOURCE
#include "state/publish_fork.h"
#include "base/kernel.h"
#include "base/large.h"
#include "base/messages.h"
#include "state/area.h"
#include "state/fork_copy.h"
#include "state/pages.h"
#include "state/process.h"
#include "state/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = TM__HEAD, LARGEST_PAGE = 16 * PAGE };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static char *address_of(size_t offset)
{
    return (char *)tm__region_now() + offset;
}

/* Whether this page has a part of an area, if the areas have these sizes. */
static bool has_part(size_t offset, const size_t sizes[TM__AREAS])
{
    for (enum tm__area area = 0; area < TM__AREAS; area++) {
        size_t start = tm__start_of(area);
        if (sizes[area] > 0 && offset < start + sizes[area] && offset + tm__region_memory.page > start)
            return true;
    }
    return false;
}

/* The next page, after this one, where a part of these sizes begins or ends. */
static size_t next_edge(size_t offset, const size_t sizes[TM__AREAS])
{
    size_t next = tm__start_of(TM__AREAS), page = tm__region_memory.page;
    for (enum tm__area area = 0; area < TM__AREAS; area++) {
        size_t start = tm__start_of(area);
        const size_t edges[] = {start / page * page, (start + sizes[area] + page - 1) / page * page};
        for (int i = 0; i < 2 && sizes[area] > 0; i++)
            if (edges[i] > offset && edges[i] < next)
                next = edges[i];
    }
    return next;
}

/*
 * Finds the next run of pages, from `offset` on, that have a part of areas of these sizes, but none of those in
 * `excluded`. Returns its size in bytes; 0 if there is none.
 */
static size_t next_run(size_t *offset, const size_t sizes[TM__AREAS], const size_t excluded[TM__AREAS])
{
    size_t all = tm__start_of(TM__AREAS), end;
    while (*offset < all && (!has_part(*offset, sizes) || has_part(*offset, excluded)))
        *offset = least(next_edge(*offset, sizes), next_edge(*offset, excluded));
    for (end = *offset; end < all && has_part(end, sizes) && !has_part(end, excluded);)
        end = least(next_edge(end, sizes), next_edge(end, excluded));
    return end - *offset;
}

static const size_t none[TM__AREAS];

static void measure(size_t mapped[TM__AREAS], size_t used[TM__AREAS])
{
    for (enum tm__area area = 0; area < TM__AREAS; area++) {
        mapped[area] = tm__size_of(area);
        used[area] = tm__used_in_child(area);
    }
}

/* ---- in a file ---- */

/* This and the next functions return 0, or the error. */
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

/* Whole pages are written, so that there is space for what will be used next in them. */
static int write_region(int fd)
{
    int error = 0;
    for (enum tm__area area = 0; area < TM__AREAS; area++)
        for (size_t offset = 0; offset < tm__used_in_child(area) && !error; offset += PAGE)
            error = write_page(fd, tm__child_page(area, offset, true), (off_t)(tm__start_of(area) + offset));
    return error;
}

/* The flows, at the end, do not matter: what is mapped is one piece without them, too. */
static bool unused_is_mapped(void)
{
    bool all = true;
    for (enum tm__area area = 0; area < TM__FLOWS_AREA; area++)
        all &= tm__region_memory.unmapped[area] == 0;
    return all;
}

static int map_region(int fd)
{
    size_t mapped[TM__AREAS], used[TM__AREAS], all = tm__start_of(TM__AREAS), size;
    measure(mapped, used);
    if (unused_is_mapped())
        return tm__sys_failed(tm__sys_map_file(address_of(0), all - tm__region_memory.unmapped[TM__FLOWS_AREA], fd, 0));
    int error = 0;
    for (size_t offset = 0; !error && (size = next_run(&offset, mapped, none)) > 0; offset += size)
        error = tm__sys_failed(tm__sys_map_file(address_of(offset), size, fd, (off_t)offset));
    return error;
}

/* How many bytes at the end of the area, as it is mapped, have no used page. */
static size_t unused_in(enum tm__area area)
{
    size_t start = tm__start_of(area), used = tm__used_in_child(area), page = tm__region_memory.page;
    size_t kept = used > 0 ? (start + used + page - 1) / page * page - start : 0, mapped = tm__size_of(area);
    return kept < mapped ? mapped - kept : 0;
}

/*
 * Unmaps what has not been used yet. It will not be used later, nor mapped again, since something else may then be at
 * these addresses. If unmapping fails, the memory stays as it is.
 */
static void unmap_unused(void)
{
    size_t mapped[TM__AREAS], used[TM__AREAS], size;
    measure(mapped, used);
    for (size_t offset = 0; (size = next_run(&offset, mapped, used)) > 0; offset += size)
        tm__sys_munmap(address_of(offset), size);
    for (enum tm__area area = 0; area < TM__AREAS; area++)
        tm__region_memory.unmapped[area] += unused_in(area);
}

/*
 * The file is mapped in place of the parent's region, so it needs no more address space. But if a limit was set to less
 * than the process already has, nothing can be mapped at all; then unused parts must be unmapped first.
 */
static bool publish(tm__temporary *temporary)
{
    int fd = tm__create_temporary(temporary, tm__region_now()->head.size);
    if (fd < 0)
        return false;
    int error = tm__reserve_again(fd);
    if (!error)
        error = write_region(fd);
    if (!error && map_region(fd) != 0) {
        unmap_unused();
        error = map_region(fd);
    }
    if (error)
        tm__abandon_temporary(*temporary, error);
    tm__sys_close(fd);
    return !error;
}

/* ---- in private memory ---- */

/* Without memory of its own the child would write to its parent's region. */
static void abort_without_memory(void)
{
    char line[TM__MESSAGE];
    struct tm__text text = TM__TEXT(line, -1);
    tm__put(&text, "threadmeter: no memory for the region of a fork's child\n");
    tm__print_fatal(&text);
    abort();
}

char tm__machine_page[LARGEST_PAGE] TM__LARGE;

/* Makes one page of the machine, which may be several of ours. */
static const char *make_machine_page(size_t offset)
{
    for (size_t i = 0; i < tm__region_memory.page; i += PAGE) {
        enum tm__area area = tm__area_at(offset + i);
        size_t in_area = offset + i - tm__start_of(area);
        if (in_area < tm__used_in_child(area))
            memcpy(&tm__machine_page[i], tm__child_page(area, in_area, false), PAGE);
        else
            memset(&tm__machine_page[i], 0, PAGE);
    }
    return tm__machine_page;
}

/*
 * No limit forbids moving a page. The page of the copy may be overwritten: it is read only once, and no copy is needed
 * any more, as this process does not publish.
 */
static bool move_copied_page(size_t offset, const char *page)
{
    enum tm__area area = tm__area_at(offset);
    char *copied = tm__region_memory.page == PAGE ? tm__copied_page(area, offset - tm__start_of(area)) : NULL;
    if (!copied)
        return false;
    memcpy(copied, page, PAGE);
    return !tm__sys_failed(tm__sys_move(copied, PAGE, address_of(offset)));
}

static void *map_anonymous(size_t offset, size_t size, int protection)
{
    return tm__sys_mmap(address_of(offset), size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
                        -1);
}

/*
 * The page replaces the one that it was made from. If a limit was set to less than the process has, even without unused
 * parts, then not even one page can be mapped in place of another: then the page of the copy is moved there.
 */
static void replace_page(size_t offset, size_t size)
{
    if (size > LARGEST_PAGE)
        abort_without_memory();
    const char *page = make_machine_page(offset);
    if (!tm__sys_failed(map_anonymous(offset, size, PROT_READ | PROT_WRITE)))
        memcpy(address_of(offset), page, size);
    else if (!move_copied_page(offset, page))
        abort_without_memory();
}

/*
 * Maps unused parts again. These are new mappings, so limits of address space apply to them, and limits of data size to
 * the rest of the steps that are in use. All is mapped, or nothing is used.
 */
static bool map_unused_again(const size_t mapped[TM__AREAS], const size_t used[TM__AREAS])
{
    size_t size;
    for (size_t offset = 0; (size = next_run(&offset, mapped, used)) > 0; offset += size)
        if (tm__sys_failed(map_anonymous(offset, size, PROT_READ)))
            return false;
    for (enum tm__area area = TM__TAGS_AREA; area <= TM__SLOTS_AREA; area++)
        if (!tm__open_rest(tm__start_of(area), used[area], mapped[area]))
            return false;
    return true;
}

/*
 * Unused parts are unmapped first, and mapped again last. If limits forbid that, the child can have no more slots and
 * tags than it has now.
 */
static void make_private(void)
{
    size_t mapped[TM__AREAS], used[TM__AREAS], before[TM__AREAS], size;
    memcpy(before, tm__region_memory.unmapped, sizeof before);
    measure(mapped, used);
    unmap_unused();
    for (size_t offset = 0; (size = next_run(&offset, used, none)) > 0; offset += size)
        for (size_t i = 0; i < size; i += tm__region_memory.page)
            replace_page(offset + i, size - i < tm__region_memory.page ? size - i : tm__region_memory.page);
    if (map_unused_again(mapped, used))
        memcpy(tm__region_memory.unmapped, before, sizeof before);
}

/* The replaced mappings had this advice, too. */
static void avoid_excess_pages(void)
{
    size_t mapped[TM__AREAS], used[TM__AREAS], size;
    measure(mapped, used);
    for (size_t offset = 0; (size = next_run(&offset, mapped, none)) > 0; offset += size)
        tm__avoid_excess_pages(address_of(offset), size);
}

/*
 * Whether the process was put into a sandbox after it began: it may forbid to open files, though it lets the process
 * fork. (A sandbox that kills the process for this question would also kill it for the file.) In a container there is a
 * sandbox from the start.
 */
static bool is_newly_confined(void)
{
    return atomic_load(&tm__region_memory.seccomp) == 0 && tm__sys_seccomp_mode() != 0;
}

void tm__publish_in_child(pid_t parent)
{
    tm__forget_process(tm__region_now()->head.pid);
    if (!tm__region_is_file())
        return;
    tm__temporary temporary;
    tm__forget_file();
    tm__begin_child(parent);
    if (!is_newly_confined() && publish(&temporary))
        tm__publish_temporary(temporary);
    else
        make_private();
    avoid_excess_pages();
    tm__drop_copy();
}
