/* SPDX-License-Identifier: BSD-3-Clause */
/* Tags as they are in the file, and by tm__collect_tags() with what slots have charged to them. */
#ifndef TM_ROWS_TAGS_H
#define TM_ROWS_TAGS_H

#include "reader/rows_store.h"
#include "reader/source.h"

/* 0; or -EINVAL for a file that cannot be so, -ENOMEM; with a message. The tags are to be freed in any case. */
int tm__read_tags(const struct tm__source *source, uint32_t count, struct tm__tag **tags,
                  char message[TM_READER_MESSAGE]);
int tm__collect_tags(const struct tm__source *source, struct tm__rows *rows, const struct tm__tag *tags, uint32_t count,
                     char message[TM_READER_MESSAGE]);
void tm__sort_tags(struct tm__rows *rows);

/* Whether no tag lost a slot between the two: then each slot is counted once, with its tag's rest or by itself. */
bool tm__are_same_tags(const struct tm__tag *before, const struct tm__tag *behind, uint32_t count);

#endif
