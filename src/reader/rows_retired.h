/* SPDX-License-Identifier: BSD-3-Clause */
/* What is gone, by thread name and tag. */
#ifndef TM_ROWS_RETIRED_H
#define TM_ROWS_RETIRED_H

#include "reader/rows_store.h"
#include "reader/source.h"

/* The rows as they are in the file, before and after the slots were read. */
struct tm__retired_tables {
    struct tm__retired *before, *after;
    uint32_t count;
};

/*
 * Return 0; or -EINVAL for a damaged file, or -ENOMEM, with a message. The caller frees *table in any case. `same`:
 * whether no slot was retired while the slots were read.
 */
int tm__read_retired(const struct tm__source *source, uint32_t count, struct tm__retired **table,
                     char message[TM_READER_MESSAGE]);
int tm__collect_retired(const struct tm__source *source, struct tm__rows *rows, const struct tm__retired_tables *tables,
                        bool *same, char message[TM_READER_MESSAGE]);
void tm__sort_retired(struct tm__rows *rows);

#endif
