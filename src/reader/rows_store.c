/* SPDX-License-Identifier: BSD-3-Clause */
#include "reader/rows_store.h"

#include <stdlib.h>
#include <string.h>

void tm__free_rows(struct tm__rows *rows)
{
    free(rows->slots);
    free(rows->homes);
    free(rows->peaks);
    free(rows->tags);
    free(rows->retired_rows);
    free(rows->flows);
    free(rows->flow_tables);
}

void tm__take_name(char name[TM__NAME], const uint64_t words[2])
{
    memcpy(name, words[0] != 0 ? (const char *)words : "(unknown)\0\0\0\0\0\0", TM__NAME);
    name[TM__NAME - 1] = '\0';
    if (!*name)
        strcpy(name, TM__UNNAMED);
}

bool tm__is_possible(const struct tm_totals *all)
{
    bool possible = all->freed_bytes <= all->allocated_bytes && all->freed_blocks <= all->allocated_blocks &&
                    all->remote_frees_received_bytes <= all->freed_bytes &&
                    all->remote_frees_received_blocks <= all->freed_blocks && all->peak_bytes <= TM__MOST;
#define LIMIT(name, unit, meaning) possible &= all->name <= TM__MOST;
    TM_COUNTERS(LIMIT)
#undef LIMIT
    return possible;
}
