/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: make_published ROWS TAGS FILE; the file of a process that had ROWS threads, and was killed. Each thread has
 * one slot, and they use the tags in turn, of which the first is no tag.
 */
#include "support/small_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int file;

static void put(uint64_t offset, const void *bytes, size_t size)
{
    if (pwrite(file, bytes, size, (off_t)offset) != (ssize_t)size) {
        perror("make_published");
        exit(1);
    }
}

static uint64_t page_after(uint64_t offset)
{
    return (offset + 4095) / 4096 * 4096;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    uint32_t rows = (uint32_t)strtoul(argv[1], NULL, 10), tags = (uint32_t)strtoul(argv[2], NULL, 10);
    uint32_t slots = rows + TM__SHARED_SLOTS;
    file = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 0600);

    struct tm__head head = small_head();
    head.tag_places = TM__TAG_PLACES;
    head.slot_places = slots;
    head.slots_offset = TAGS_OFFSET + TM__TAG_PLACES * sizeof(struct tm__tag);
    head.flows_offset = page_after(head.slots_offset + slots * sizeof(struct tm__slot));
    head.size = page_after(head.flows_offset + sizeof(struct tm__flows));
    head.pid = INT32_MAX;                                   /* nobody has it */
    head.started_ns = UINT64_C(1795000000000000000) + rows; /* so two files are of two processes */
    strcpy(head.program, "large");
    head.slots_used = slots;
    head.tags_used = tags + 2; /* the places 0 and 1 are not for these */
    if (file < 0 || ftruncate(file, (off_t)head.size) != 0) {
        perror(argv[3]);
        return 1;
    }
    put(0, &head, sizeof head);

    for (uint32_t i = 0; i < tags; i++) {
        struct tm__tag tag = {.number = (int32_t)i + 2, .state = TM__TAG_OPEN};
        snprintf(tag.name.text, sizeof tag.name.text, "tag-%u", (unsigned)i);
        put(head.tags_offset + (i + 2) * sizeof tag, &tag, sizeof tag);
    }
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t place = TM__SHARED_SLOTS + i, turn = i % (tags + 1);
        struct tm__slot slot = {.home = place};
        char name[32];
        snprintf(name, sizeof name, "thread-%u", (unsigned)i);
        slot.owner.allocated_bytes = 1000 + i;
        slot.owner.allocated_blocks = 3;
        slot.owner.freed_bytes = 500;
        slot.owner.freed_blocks = 1;
        slot.identity.generation_state = 1 << 8 | TM__OWNED;
        slot.identity.thread = i + 1;
        slot.identity.tid = (pid_t)i + 1;
        slot.identity.tag = turn == 0 ? 0 : turn + 1;
        slot.identity.peak_bytes = 1000 + i;
        memcpy((void *)slot.identity.name, name, TM__NAME - 1);
        put(head.slots_offset + place * sizeof slot, &slot, sizeof slot);
    }
    return close(file) == 0 ? 0 : 1;
}
