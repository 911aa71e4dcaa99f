/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fork's child of a process that publishes gets books of its own, in place of its parent's: page by page, so that no
 * more memory is needed than there is. Nothing here allocates, or takes a lock.
 */
#define _GNU_SOURCE
#include "state/publish_fork.h"
#include "base/kernel.h"
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

enum { PAGE = TM__HEAD, LARGEST_PIECE = 16 * PAGE };

static char *address_of(size_t offset)
{
    return (char *)tm__region_now() + offset;
}

/* Whether there is anything in the piece, if each area has that much. */
static bool has_part(size_t offset, const size_t sizes[TM__AREAS])
{
    for (enum tm__area area = 0; area < TM__AREAS; area++) {
        size_t start = tm__start_of(area);
        if (sizes[area] > 0 && offset < start + sizes[area] && offset + tm__region_memory.page > start)
            return true;
    }
    return false;
}

/* Pieces from `offset` on that have a part of these sizes, and none of those: the next of them, and how many bytes. */
static size_t next_run(size_t *offset, const size_t sizes[TM__AREAS], const size_t but[TM__AREAS])
{
    size_t all = tm__start_of(TM__AREAS), end;
    while (*offset < all && (!has_part(*offset, sizes) || has_part(*offset, but)))
        *offset += tm__region_memory.page;
    for (end = *offset; end < all && has_part(end, sizes) && !has_part(end, but);)
        end += tm__region_memory.page;
    return end == *offset ? 0 : (end < all ? end : all) - *offset;
}

static const size_t nothing[TM__AREAS];

static void measure(size_t there[TM__AREAS], size_t used[TM__AREAS])
{
    for (enum tm__area area = 0; area < TM__AREAS; area++) {
        there[area] = tm__size_of(area);
        used[area] = tm__used_in_child(area);
    }
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
static int write_region(int fd)
{
    int error = 0;
    for (enum tm__area area = 0; area < TM__AREAS; area++)
        for (size_t offset = 0; offset < tm__used_in_child(area) && !error; offset += PAGE)
            error = write_page(fd, tm__child_page(area, offset, true), (off_t)(tm__start_of(area) + offset));
    return error;
}

static int map_region(int fd)
{
    size_t there[TM__AREAS], used[TM__AREAS], all = tm__start_of(TM__AREAS), size;
    measure(there, used);
    if (tm__region_memory.let_go[TM__TAGS_AREA] == 0 && tm__region_memory.let_go[TM__SLOTS_AREA] == 0)
        return tm__sys_failed(tm__sys_map_file(address_of(0), all - tm__region_memory.let_go[TM__FLOWS_AREA], fd, 0));
    int error = 0;
    for (size_t offset = 0; !error && (size = next_run(&offset, there, nothing)) > 0; offset += size)
        error = tm__sys_failed(tm__sys_map_file(address_of(offset), size, fd, (off_t)offset));
    return error;
}

/* Of what is there in the area, to its end. What is in a piece that is used anyway stays. */
static size_t unused_in(enum tm__area area)
{
    size_t start = tm__start_of(area), used = tm__used_in_child(area), piece = tm__region_memory.page;
    size_t kept = used > 0 ? (start + used + piece - 1) / piece * piece - start : 0, there = tm__size_of(area);
    return kept < there ? there - kept : 0;
}

/*
 * What nobody has used yet. It is not used from now on, nor mapped again later: something else may be there by then. If
 * it cannot be unmapped, it stays as it is.
 */
static void let_go_of_unused(void)
{
    size_t there[TM__AREAS], used[TM__AREAS], size;
    measure(there, used);
    for (size_t offset = 0; (size = next_run(&offset, there, used)) > 0; offset += size)
        tm__sys_munmap(address_of(offset), size);
    for (enum tm__area area = 0; area < TM__AREAS; area++)
        tm__region_memory.let_go[area] += unused_in(area);
}

/*
 * In place of the parent's: no more address space than before. But nothing at all is mapped where a limit has been set
 * to less than there is; so what is not used has to go.
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
        let_go_of_unused();
        error = map_region(fd);
    }
    if (error)
        tm__abandon_temporary(*temporary, error);
    tm__sys_close(fd);
    return !error;
}

/* ---- in memory of its own ---- */

/* It would write to its parent's books. */
static void die(void)
{
    char line[TM__MESSAGE];
    struct tm__text text = TM__TEXT(line, -1);
    tm__put(&text, "threadmeter: no memory for the books of a fork's child\n");
    tm__print_fatal(&text);
    abort();
}

/* Of several pages, where the machine's are larger. */
static const char *make_piece(size_t offset)
{
    static char piece[LARGEST_PIECE];
    for (size_t i = 0; i < tm__region_memory.page; i += PAGE) {
        enum tm__area area = tm__area_at(offset + i);
        size_t in_area = offset + i - tm__start_of(area);
        if (in_area < tm__used_in_child(area))
            memcpy(&piece[i], tm__child_page(area, in_area, false), PAGE);
        else
            memset(&piece[i], 0, PAGE);
    }
    return piece;
}

/* That no limit forbids. A page of the copy is read once, and nothing is copied any more where nothing is published. */
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
 * The piece is put where it was read from. Where a limit has been set to less than there is even without what is unused,
 * not even one page can be mapped in place of another; then the copy's is moved.
 */
static void own_piece(size_t offset, size_t size)
{
    if (size > LARGEST_PIECE)
        die();
    const char *piece = make_piece(offset);
    if (!tm__sys_failed(map_anonymous(offset, size, PROT_READ | PROT_WRITE)))
        memcpy(address_of(offset), piece, size);
    else if (!move_copied_page(offset, piece))
        die();
}

/*
 * As new mappings, which limits of address space apply to, and of data for the rest of the steps that are begun: all, or
 * none.
 */
static bool regain(const size_t there[TM__AREAS], const size_t used[TM__AREAS])
{
    size_t size;
    for (size_t offset = 0; (size = next_run(&offset, there, used)) > 0; offset += size)
        if (tm__sys_failed(map_anonymous(offset, size, PROT_READ)))
            return false;
    for (enum tm__area area = TM__TAGS_AREA; area <= TM__SLOTS_AREA; area++)
        if (!tm__open_rest(tm__start_of(area), used[area], there[area]))
            return false;
    return true;
}

/*
 * What is not used goes first, and is mapped again last. Where limits forbid that, there are no more slots and tags than
 * there were.
 */
static void keep_for_itself(void)
{
    size_t there[TM__AREAS], used[TM__AREAS], before[TM__AREAS], size;
    memcpy(before, tm__region_memory.let_go, sizeof before);
    measure(there, used);
    let_go_of_unused();
    for (size_t offset = 0; (size = next_run(&offset, used, nothing)) > 0; offset += size)
        for (size_t i = 0; i < size; i += tm__region_memory.page)
            own_piece(offset + i, size - i < tm__region_memory.page ? size - i : tm__region_memory.page);
    if (regain(there, used))
        memcpy(tm__region_memory.let_go, before, sizeof before);
}

/* What was said of the mappings that these took the place of. */
static void keep_sparse(void)
{
    size_t there[TM__AREAS], used[TM__AREAS], size;
    measure(there, used);
    for (size_t offset = 0; (size = next_run(&offset, there, nothing)) > 0; offset += size)
        tm__avoid_huge_pages(address_of(offset), size);
}

/*
 * The process has been put into a sandbox since it began, which need not let it open files, but lets it fork. (One that
 * forbids to ask, too, and kills for it, would do so for the file.) In a container there is a sandbox from the start.
 */
static bool is_newly_confined(void)
{
    return atomic_load(&tm__region_memory.seccomp) == 0 && tm__sys_seccomp_mode() != 0;
}

void tm__publish_in_child(pid_t parent)
{
    if (!tm__region_is_file())
        return;
    tm__temporary temporary;
    tm__forget_process();
    tm__forget_file();
    tm__begin_child(parent);
    if (!is_newly_confined() && publish(&temporary))
        tm__publish_temporary(temporary);
    else
        keep_for_itself();
    keep_sparse();
    tm__drop_copy();
}
