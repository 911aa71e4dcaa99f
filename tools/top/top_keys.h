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
    bool has_list; /* no process was named: one can go to the list */
    bool opened;   /* from the list: q goes back there */
    bool paused, help, filtering, quit;
    bool due; /* something is to be read now */
    uint64_t interval_ns;
    bool ascii;
    long page;                      /* rows on the screen: the view's */
    char notice[TM_READER_MESSAGE]; /* said in answer to a key, until the next one */
    char error[TM_READER_MESSAGE];  /* of the last reading; "" if there was none */
};

struct top_list *tool_top_list(struct top *top); /* the one that is on the screen */
void tool_top_press(struct top *top, int key);   /* as getch() gives it */
char *tool_top_interval(char text[TOOL_BYTES], uint64_t ns);

#endif
