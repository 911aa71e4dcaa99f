/* SPDX-License-Identifier: BSD-3-Clause */
/* What the keys do. */
#ifndef TM_TOP_KEYS_H
#define TM_TOP_KEYS_H

#include "common/numbers.h"
#include "top/top_columns.h"
#include "top/top_processes.h"
#include "top/top_watch.h"

struct top {
    struct top_processes processes;
    struct top_watch watch;
    enum top_view view;
    bool has_list; /* the command line names no process, so there is a list of all to go back to */
    bool opened;   /* the process was opened from the list: q goes back to it */
    bool paused, help, filtering, quit;
    bool due; /* the next reading is to be made now, before the interval is over */
    uint64_t interval_ns;
    bool ascii;
    long page;                      /* by how many rows PgUp and PgDn move; set by the view */
    char notice[TM_READER_MESSAGE]; /* the answer to a key; it is shown until the next key */
    char error[TM_READER_MESSAGE];  /* why the last reading failed; "" if it did not */
};

struct top_list *tool_top_list(struct top *top); /* the list that is on the screen */
void tool_top_press(struct top *top, int key);   /* `key` is what getch() returned */
char *tool_top_interval(char text[TOOL_BYTES], uint64_t ns);

#endif
