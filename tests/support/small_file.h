/* SPDX-License-Identifier: BSD-3-Clause */
/* The layout of a published file with few slots, for tests that write one themselves. Does not use Check. */
#ifndef TESTS_SMALL_FILE_H
#define TESTS_SMALL_FILE_H

#include "state/layout.h"

enum {
    TAGS = 8,
    SLOTS = 16,
    TAGS_OFFSET = TM__HEAD,
    RETIRED = 4,
    RETIRED_OFFSET = TAGS_OFFSET + TAGS * sizeof(struct tm__tag),
    SLOTS_OFFSET = RETIRED_OFFSET + RETIRED * sizeof(struct tm__retired),
    SLOTS_END = SLOTS_OFFSET + SLOTS * sizeof(struct tm__slot),
    FLOWS_OFFSET = (SLOTS_END + 4095) / 4096 * 4096,
    SIZE = FLOWS_OFFSET + (sizeof(struct tm__flows) + 4095) / 4096 * 4096,
};

/* No slot is used yet, and it is the file of no process. */
static inline struct tm__head small_head(void)
{
    return (struct tm__head){.magic = TM__MAGIC,
                             .layout = TM__LAYOUT,
                             .byte_order = TM__BYTE_ORDER,
                             .size = SIZE,
                             .tags_offset = TAGS_OFFSET,
                             .retired_offset = RETIRED_OFFSET,
                             .slots_offset = SLOTS_OFFSET,
                             .flows_offset = FLOWS_OFFSET,
                             .tag_size = sizeof(struct tm__tag),
                             .tag_places = TAGS,
                             .retired_size = sizeof(struct tm__retired),
                             .retired_places = RETIRED,
                             .slot_size = sizeof(struct tm__slot),
                             .slot_places = SLOTS};
}

#endif
