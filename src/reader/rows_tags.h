/* SPDX-License-Identifier: BSD-3-Clause */
/* Tags: as they are in the file; and, by tm__collect_tags(), with the sums of their slots. */
#ifndef TM_ROWS_TAGS_H
#define TM_ROWS_TAGS_H

#include "reader/rows_store.h"
#include "reader/source.h"

/* Return 0; or -EINVAL for a damaged file, or -ENOMEM, with a message. The caller frees *tags in any case. */
int tm__read_tags(const struct tm__source *source, uint32_t count, struct tm__tag **tags,
                  char message[TM_READER_MESSAGE]);
int tm__collect_tags(const struct tm__source *source, struct tm__rows *rows, const struct tm__tag *tags, uint32_t count,
                     char message[TM_READER_MESSAGE]);
void tm__sort_tags(struct tm__rows *rows);

/*
 * Whether no tag lost a slot between the two readings. If so, each slot is counted once: as a slot, or in what the tag
 * was charged in slots that it no longer has.
 */
bool tm__are_same_tags(const struct tm__tag *before, const struct tm__tag *after, uint32_t count);

#endif
