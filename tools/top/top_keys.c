/* SPDX-License-Identifier: BSD-3-Clause */
/* What the keys do. They change the state; nothing is drawn here. */
#include "top/top_keys.h"
#include "common/numbers.h"
#include "top/top_columns.h"
#include "top/top_model.h"
#include "top/top_processes.h"
#include "top/top_watch.h"

#include <curses.h>
#include <stdio.h>
#include <string.h>

enum { ESCAPE = 27, DELETE = 127, CONTROL_H = 8, CONTROL_L = 12, CONTROL_U = 21 };

#define MS UINT64_C(1000000)
static const uint64_t intervals[] = {100 * MS,  200 * MS,   500 * MS,   1000 * MS, 2000 * MS,
                                     5000 * MS, 10000 * MS, 30000 * MS, 60000 * MS};
enum { INTERVALS = sizeof intervals / sizeof intervals[0] };

struct top_list *tool_top_list(struct top *top)
{
    return top->view == TOP_PROCESSES ? &top->processes.list
           : top->view == TOP_TAGS    ? &top->watch.tags
                                      : &top->watch.threads;
}

char *tool_top_interval(char text[TOOL_BYTES], uint64_t ns)
{
    if (ns < 1000 * MS)
        snprintf(text, TOOL_BYTES, "%llu ms", (unsigned long long)(ns / MS));
    else
        snprintf(text, TOOL_BYTES, "%g s", (double)ns / 1e9);
    return text;
}

static void change_interval(struct top *top, bool longer)
{
    if (longer) {
        for (int i = 0; i < INTERVALS; i++)
            if (intervals[i] > top->interval_ns) {
                top->interval_ns = intervals[i];
                return;
            }
    } else {
        for (int i = INTERVALS - 1; i >= 0; i--)
            if (intervals[i] < top->interval_ns) {
                top->interval_ns = intervals[i];
                return;
            }
    }
}

/* All lists have the same order: a user who sorts threads by their rate wants the tags in that order, too. */
static void sort_by(struct top *top, enum top_key key)
{
    const struct top_list *list = tool_top_list(top);
    bool reversed = list->key == key && !list->reversed;
    tool_top_sort(&top->processes.list, key, reversed);
    tool_top_sort(&top->watch.threads, key, reversed);
    tool_top_sort(&top->watch.tags, key, reversed);
}

static void open_selected(struct top *top)
{
    const struct top_row *row = tool_top_selected(&top->processes.list);
    struct tm_reader *reader;
    if (!row)
        return;
    if (tool_top_open(&top->processes, row, &reader, top->notice) != 0)
        return;
    tool_top_watch(&top->watch, reader);
    top->view = TOP_THREADS;
    top->opened = true;
    top->due = true;
}

static void go_back(struct top *top)
{
    if (top->view == TOP_PROCESSES || !top->has_list)
        return;
    tool_top_watch(&top->watch, NULL);
    top->view = TOP_PROCESSES;
    top->opened = false;
    top->due = true;
}

static void turn_to_tags(struct top *top)
{
    if (top->view == TOP_PROCESSES)
        return;
    if (top->view == TOP_THREADS && top->watch.tags.count == 0)
        snprintf(top->notice, sizeof top->notice, "this program uses no tags");
    else
        top->view = top->view == TOP_THREADS ? TOP_TAGS : top->view == TOP_TAGS ? TOP_MATRIX : TOP_THREADS;
}

static void press_in_filter(struct top *top, int key)
{
    struct top_list *list = tool_top_list(top);
    char text[TOP_FILTER];
    size_t length = strlen(list->filter);
    memcpy(text, list->filter, sizeof text);
    if (key == '\n' || key == '\r' || key == KEY_ENTER) {
        top->filtering = false;
    } else if (key == ESCAPE || key == CONTROL_U) {
        top->filtering = key != ESCAPE;
        text[0] = '\0';
    } else if (key == KEY_BACKSPACE || key == DELETE || key == CONTROL_H) {
        while (length > 0 && ((unsigned char)text[length - 1] & 0xc0) == 0x80) /* the rest of a UTF-8 character */
            length--;
        text[length > 0 ? length - 1 : 0] = '\0';
    } else if (key >= ' ' && key < 256 && length + 1 < sizeof text) {
        text[length] = (char)key;
        text[length + 1] = '\0';
    }
    tool_top_filter(list, text);
}

static void press_in_table(struct top *top, int key)
{
    static const char sort_keys[TOP_KEYS] = {'l', 'p', 'b', 'r', 'o', 'n'};
    struct top_list *list = tool_top_list(top);
    const char *sort = key > 0 && key < 128 ? memchr(sort_keys, key, TOP_KEYS) : NULL;
    if (sort) {
        sort_by(top, (enum top_key)(sort - sort_keys));
        return;
    }
    switch (key) {
    case 'q':
        if (top->opened)
            go_back(top);
        else
            top->quit = true;
        break;
    case 'Q':
        top->quit = true;
        break;
    case ESCAPE:
    case KEY_BACKSPACE:
    case DELETE:
    case CONTROL_H:
    case KEY_LEFT:
        if (key == ESCAPE && list->filter[0])
            tool_top_filter(list, "");
        else
            go_back(top);
        break;
    case '\n':
    case '\r':
    case KEY_ENTER:
    case KEY_RIGHT:
        if (top->view == TOP_PROCESSES)
            open_selected(top);
        break;
    case KEY_UP:
    case 'k':
        tool_top_move(list, -1);
        break;
    case KEY_DOWN:
    case 'j':
        tool_top_move(list, 1);
        break;
    case KEY_PPAGE:
        tool_top_move(list, -top->page);
        break;
    case KEY_NPAGE:
        tool_top_move(list, top->page);
        break;
    case KEY_HOME:
    case 'g':
        tool_top_move(list, -(long)list->count);
        break;
    case KEY_END:
    case 'G':
        tool_top_move(list, (long)list->count);
        break;
    case '/':
        top->filtering = true;
        break;
    case 't':
        turn_to_tags(top);
        break;
    case ' ':
        top->paused = !top->paused;
        top->due = !top->paused;
        break;
    case '+':
    case '-':
        change_interval(top, key == '+');
        break;
    case 'h':
    case '?':
        top->help = true;
        break;
    default:
        break;
    }
}

void tool_top_press(struct top *top, int key)
{
    top->notice[0] = '\0';
    if (top->help)
        top->help = false; /* any key ends it */
    else if (top->filtering)
        press_in_filter(top, key);
    else
        press_in_table(top, key);
}
