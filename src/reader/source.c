/* SPDX-License-Identifier: BSD-3-Clause */
#include "reader/source.h"
#include "reader/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool tm__read_source(const struct tm__source *source, void *bytes, size_t size, uint64_t offset)
{
    char *at = bytes;
    while (size > 0) {
        ssize_t got = pread(source->fd, at, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    atomic_thread_fence(memory_order_acquire); /* what is read next is not older than this */
    return true;
}

int tm__cut_off(const struct tm__source *source, char message[TM_READER_MESSAGE])
{
    tm__say(message, "%s was cut off while it was read", source->path);
    return -EINVAL;
}

/*
 * Whether `count` rows of `size` bytes from `offset` on are within the file. No sum here overflows: see check_head().
 */
static bool is_within(uint64_t offset, uint64_t count, uint64_t size, uint64_t file_size)
{
    return offset >= TM__HEAD && offset % TM__CACHE_LINE == 0 && offset <= file_size &&
           count <= (file_size - offset) / size;
}

/* No table has more slots than this. A file that says more would keep its reader busy with slots that do not exist. */
enum { MOST_SLOTS = 1 << 17 };

/* Returns NULL if the head is right, or else what is wrong with it. */
static const char *check_head(const struct tm__head *head, uint64_t file_size)
{
    if (head->size != file_size)
        return head->size > file_size ? "it is cut off" : "it is longer than it should be";
    if (head->tag_size != sizeof(struct tm__tag) || head->slot_size != sizeof(struct tm__slot) ||
        head->retired_size != sizeof(struct tm__retired))
        return "its rows are of another size";
    if (head->tag_places > TM__TAG_PLACES || head->retired_places > TM__RETIRED_PLACES ||
        head->slot_places < TM__SHARED_SLOTS || head->slot_places > MOST_SLOTS)
        return "it has no such table";
    if (!is_within(head->tags_offset, head->tag_places, sizeof(struct tm__tag), file_size) ||
        !is_within(head->retired_offset, head->retired_places, sizeof(struct tm__retired), file_size) ||
        !is_within(head->slots_offset, head->slot_places, sizeof(struct tm__slot), file_size) ||
        !is_within(head->flows_offset, 1, sizeof(struct tm__flows), file_size))
        return "a table lies outside of it";
    return NULL;
}

static int check(struct tm__source *source, uint64_t file_size, char message[TM_READER_MESSAGE])
{
    struct tm__head read, *head = &read;
    if (file_size < sizeof *head || !tm__read_source(source, head, sizeof *head, 0) ||
        memcmp(head->magic, TM__MAGIC, sizeof head->magic) != 0) {
        tm__say(message, "%s is not published by threadmeter", source->path);
        return -EINVAL;
    }
    if (head->byte_order != TM__BYTE_ORDER) {
        tm__say(message, "%s is of a machine with another order of bytes", source->path);
        return -EPROTONOSUPPORT;
    }
    if (head->layout != TM__LAYOUT) {
        tm__say(message, "%s is of another version of threadmeter (layout %u, this reads %d)", source->path,
                (unsigned)head->layout, TM__LAYOUT);
        return -EPROTONOSUPPORT;
    }
    const char *fault = check_head(head, file_size);
    if (fault) {
        tm__say(message, "%s is damaged: %s", source->path, fault);
        return -EINVAL;
    }
    source->places = (struct tm__places){.tags_offset = head->tags_offset,
                                         .retired_offset = head->retired_offset,
                                         .slots_offset = head->slots_offset,
                                         .flows_offset = head->flows_offset,
                                         .tag_places = head->tag_places,
                                         .retired_places = head->retired_places,
                                         .slot_places = head->slot_places};
    source->publisher = (struct tm__publisher){.pid = head->pid, .start_ticks = head->start_ticks};
    source->locked = head->locked;
    source->parent = head->parent;
    source->started_ns = head->started_ns;
    memcpy(source->program, head->program, sizeof source->program);
    source->program[sizeof source->program - 1] = '\0';
    if (!*source->program)
        strcpy(source->program, TM__UNNAMED);
    return 0;
}

int tm__open_source(int fd, const char *path, struct tm__source *source, char message[TM_READER_MESSAGE])
{
    struct stat file;
    int error = 0;
    *source = (struct tm__source){.fd = fd, .path = strdup(path)};
    if (!source->path) {
        tm__say(message, "out of memory");
        error = -ENOMEM;
    } else if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) {
        tm__say(message, "%s is no file", path);
        error = -EINVAL;
    } else {
        source->device = file.st_dev;
        source->inode = file.st_ino;
        source->uid = file.st_uid;
        error = check(source, (uint64_t)file.st_size, message);
    }
    if (error)
        tm__close_source(source);
    return error;
}

void tm__close_source(struct tm__source *source)
{
    close(source->fd);
    free(source->path);
}

int tm__read_used(const struct tm__source *source, struct tm__head *head, char message[TM_READER_MESSAGE])
{
    const char *fault = "it says that more rows are used than there are";
    if (!tm__read_source(source, head, sizeof *head, 0)) {
        tm__say(message, "%s was cut off while it was read", source->path);
        return -EINVAL;
    }
    if (head->slots_used >= TM__SHARED_SLOTS && head->slots_used <= source->places.slot_places &&
        head->tags_used <= source->places.tag_places && head->retired_used <= source->places.retired_places)
        return 0;
    if (head->slots_used < TM__SHARED_SLOTS)
        fault = "it has no slots";
    tm__say(message, "%s is damaged: %s", source->path, fault);
    return -EINVAL;
}
