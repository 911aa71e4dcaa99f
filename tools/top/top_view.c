/* SPDX-License-Identifier: BSD-3-Clause */
/* Draws the state by curses. Of the state it changes only the parts that depend on the size of the screen. */
#include "top/top_view.h"
#include "common/numbers.h"
#include "common/printable.h"
#include "common/totals.h"
#include "top/top_columns.h"
#include "top/top_headline.h"
#include "top/top_keys.h"
#include "top/top_model.h"
#include "top/top_text.h"
#include "top/top_watch.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLAIN, GOOD, MARKED, BAD, COOL }; /* pairs of colours, as top_screen.c defines them */

/* Cuts the text at the right edge, since curses would continue it in the next line. */
static void put(int y, int x, const char *text)
{
    size_t length;
    if (y >= LINES || x >= COLS)
        return;
    tool_columns(text, COLS - x, &length);
    mvaddnstr(y, x, text, (int)length);
}

static void fill(int y, attr_t attributes)
{
    attrset(attributes);
    if (y < LINES)
        mvhline(y, 0, ' ' | attributes, COLS);
}

static int draw_headline(struct top *top)
{
    struct top_headline headline;
    char state[64], interval[TOOL_BYTES];
    snprintf(state, sizeof state, "%s%s", top->paused ? "PAUSED, " : "every ",
             tool_top_interval(interval, top->interval_ns));
    if (top->view == TOP_PROCESSES)
        tool_top_processes_headline(&headline, &top->processes, COLS);
    else
        tool_top_headline(&headline, &top->watch, COLS);
    bool ended = top->view != TOP_PROCESSES && top->watch.read && !top->watch.live && !top->watch.unknown;
    if (headline.count > (LINES + 2) / 3) /* leave most of a small screen to the table */
        headline.count = (LINES + 2) / 3;
    for (int i = 0; i < headline.count; i++) {
        attrset(i > 0 ? A_NORMAL : ended ? A_BOLD | COLOR_PAIR(BAD) : A_BOLD);
        put(i, 0, headline.lines[i]);
    }
    attrset(top->paused ? A_BOLD | COLOR_PAIR(MARKED) : A_NORMAL);
    if (!ended && tool_columns(headline.lines[0], COLS, NULL) + (int)strlen(state) + 2 <= COLS)
        put(0, COLS - (int)strlen(state), state);
    return headline.count;
}

static void draw_titles(int y, const struct top_layout *layout, enum top_view view, enum top_key key)
{
    fill(y, A_REVERSE);
    for (int i = 0; i < layout->count; i++) {
        const struct top_column *column = &layout->columns[i];
        const char *title = tool_top_title(column, view);
        bool left = column->field == TOP_NAME_FIELD || column->field == TOP_BAR_FIELD;
        size_t length;
        int columns = tool_columns(title, column->width, &length);
        char cut[TOP_CELL];
        snprintf(cut, sizeof cut, "%.*s", (int)length, title);
        attrset(A_REVERSE | (tool_top_sorts(column->field, key) ? A_BOLD | A_UNDERLINE : 0));
        put(y, column->at + (left ? 0 : column->width - columns), cut);
    }
}

static attr_t attributes_of(enum top_field field, const struct top_row *row)
{
    if (field == TOP_BAR_FIELD)
        return COLOR_PAIR(row->group == TOP_CURRENT ? GOOD : MARKED);
    if (field == TOP_HISTORY_FIELD)
        return COLOR_PAIR(COOL);
    if (field == TOP_NAME_FIELD)
        return row->group == TOP_CURRENT ? A_BOLD : row->group == TOP_LEFT ? COLOR_PAIR(MARKED) : A_NORMAL;
    return A_NORMAL;
}

static void draw_row(int y, const struct top_layout *layout, const struct top_row *row, bool selected,
                     const struct top_watch *watch, const struct top_scale *scale)
{
    char text[TOP_CELL];
    if (selected)
        fill(y, A_REVERSE);
    for (int i = 0; i < layout->count; i++) {
        const struct top_column *column = &layout->columns[i];
        attrset(selected ? A_REVERSE : attributes_of(column->field, row));
        put(y, column->at, tool_top_text(text, layout, column, row, watch, scale));
    }
}

/* A list as lines: a heading stands before the first row of each group but TOP_CURRENT. */
struct lines {
    const struct top_list *list;
    size_t starts[TOP_REST + 1]; /* by group: its first row, SIZE_MAX if it has none */
    size_t counts[TOP_REST + 1];
    uint64_t bytes[TOP_REST + 1];
};

static void find_groups(struct lines *lines, const struct top_list *list)
{
    *lines = (struct lines){.list = list};
    for (int group = 0; group <= TOP_REST; group++)
        lines->starts[group] = SIZE_MAX;
    for (size_t i = 0; i < list->shown_count; i++) {
        const struct top_row *row = &list->rows[list->shown[i]];
        if (lines->counts[row->group]++ == 0)
            lines->starts[row->group] = i;
        tool_add_saturating(&lines->bytes[row->group], tm_live_bytes(&row->totals));
    }
}

static size_t line_of(const struct lines *lines, size_t row)
{
    size_t line = row;
    for (int group = TOP_CURRENT + 1; group <= TOP_REST; group++)
        line += row >= lines->starts[group];
    return line;
}

static void scroll_to_cursor(struct top_list *list, const struct lines *lines, size_t height)
{
    size_t count = list->shown_count ? line_of(lines, list->shown_count - 1) + 1 : 0;
    size_t cursor = line_of(lines, list->cursor);
    if (list->cursor == 0)
        list->scroll = 0;
    else if (cursor < list->scroll)
        list->scroll = cursor;
    else if (cursor >= list->scroll + height)
        list->scroll = cursor - height + 1;
    if (list->scroll + height > count)
        list->scroll = count > height ? count - height : 0;
}

static void draw_table(struct top *top, int first, int height)
{
    struct top_list *list = tool_top_list(top);
    struct top_layout layout;
    struct lines lines;
    struct top_scale scale = {tool_top_largest(list), top->ascii};
    tool_top_lay_out(&layout, top->view, COLS, &top->watch.tags, top->processes.all_users);
    draw_titles(first, &layout, top->view, list->key);
    find_groups(&lines, list);
    scroll_to_cursor(list, &lines, (size_t)height);
    for (size_t i = list->scroll > 2 ? list->scroll - 2 : 0; i < list->shown_count; i++) {
        const struct top_row *row = &list->rows[list->shown[i]];
        long line = (long)line_of(&lines, i) - (long)list->scroll;
        if (line > height)
            break;
        if (i == lines.starts[row->group] && row->group != TOP_CURRENT && line > 0) {
            char heading[128];
            attrset(COLOR_PAIR(MARKED));
            put(first + (int)line, 0, "-- ");
            put(first + (int)line, 3,
                tool_top_heading(heading, sizeof heading, top->view, row->group, lines.counts[row->group],
                                 lines.bytes[row->group]));
        }
        if (line >= 0 && line < height)
            draw_row(first + 1 + (int)line, &layout, row, i == list->cursor, &top->watch, &scale);
    }
}

static void draw_status(struct top *top, int y)
{
    const struct top_list *list = tool_top_list(top);
    const char *message = top->notice[0] ? top->notice : top->error;
    char line[TM_READER_MESSAGE], filter[TOP_FILTER];
    tool_printable(filter, sizeof filter, list->filter);
    if (top->filtering) {
        snprintf(line, sizeof line, "filter by name: %s", filter);
        attrset(A_BOLD);
        put(y, 0, line);
        curs_set(1);
        int end = getcurx(stdscr);
        move(y, end < COLS ? end : COLS - 1);
        return;
    }
    curs_set(0);
    if (message[0]) {
        attrset(A_BOLD | COLOR_PAIR(BAD));
        put(y, 0, tool_printable(line, sizeof line, message));
        return;
    }
    if (filter[0])
        snprintf(line, sizeof line, "only names with '%s': %zu of %zu; Esc: all  h help", filter, list->shown_count,
                 list->count);
    else
        snprintf(line, sizeof line, "h help  q %s  %s/ filter  space pause  l p b r o n: sorted by %s%s",
                 top->opened ? "back" : "quit",
                 top->view == TOP_PROCESSES ? "Enter open  "
                 : top->watch.tags.count    ? "t tags  "
                                            : "",
                 tool_top_key_name(list->key), list->reversed ? ", reversed" : "");
    attrset(A_NORMAL);
    put(y, 0, line);
}

static void draw_help(void)
{
    static const char *const text[] = {
        "threadmeter top: keys",
        "",
        "  up down j k    move; also PgUp PgDn Home End g G",
        "  Enter          open the process; Backspace or Esc: back to all processes",
        "  l p b          sort by live bytes, peak, live blocks",
        "  r o n          sort by rate, share freed by others, name; again: reversed",
        "  /              only names that contain a text; Esc: all again",
        "  t              threads, tags, both as a matrix",
        "  space          pause, and go on",
        "  + -            read less often, more often",
        "  q Q            back or quit, quit",
        "",
        "LIVE      bytes that are allocated and not freed, as they were asked for",
        "PEAK      most that was ever live at once; <=: no more than that",
        "RATE      bytes allocated per second since the last reading",
        "OTHERS    of what was freed, the share that other threads freed",
        "bar       live, in the row's peak, in the largest peak of all rows",
        "HISTORY   live at the last readings, each row by its own largest",
        "orphans   threads that exited, and whose blocks live",
        "resident  what the kernel counts; its rest is not the program's blocks",
        "",
        "any key: back",
    };
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
        attrset(i == 0 ? A_BOLD : A_NORMAL);
        put((int)i, 0, text[i]);
    }
}

void tool_top_draw(struct top *top)
{
    erase();
    attrset(A_NORMAL);
    if (top->help) {
        curs_set(0);
        draw_help();
    } else {
        int first = draw_headline(top), height = LINES - first - 2;
        top->page = height > 1 ? height - 1 : 1;
        if (height > 0)
            draw_table(top, first, height);
        draw_status(top, LINES - 1);
    }
    refresh();
}
