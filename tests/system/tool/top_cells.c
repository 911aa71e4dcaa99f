/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: top_cells FILE; prints the screens of `threadmeter top` for a published file, on a wide terminal: each row is
 * a line, with tabs between its cells. The first cell names the screen; the first line of a screen has the titles.
 */
#include "common/messages.h"
#include "top/top_headline.h"
#include "top/top_text.h"
#include "top/top_watch.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 300 };

/* Removes the blanks at both ends. */
static void put_cell(const char *text)
{
    text += strspn(text, " ");
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == ' ')
        length--;
    printf("\t%.*s", (int)length, text);
}

static void put_screen(const char *name, struct top_watch *watch, enum top_view view)
{
    const struct top_list *list = view == TOP_TAGS ? &watch->tags : &watch->threads;
    const struct top_scale scale = {tool_top_largest(list), true};
    struct top_layout layout;
    tool_top_lay_out(&layout, view, WIDTH, &watch->tags, false);
    printf("%s", name);
    for (int i = 0; i < layout.count; i++)
        put_cell(tool_top_title(&layout.columns[i], view));
    puts("");
    for (size_t k = 0; k < list->shown_count; k++) {
        const struct top_row *row = &list->rows[list->shown[k]];
        char heading[128], text[TOP_CELL];
        printf("%s", name);
        for (int i = 0; i < layout.count; i++)
            put_cell(tool_top_text(text, &layout, &layout.columns[i], row, watch, &scale));
        put_cell(row->group == TOP_CURRENT ? "" : tool_top_heading(heading, sizeof heading, view, row->group, 1, 0));
        puts("");
    }
}

int main(int argc, char **argv)
{
    struct top_watch watch = {0};
    struct top_headline headline;
    struct tm_reader *reader;
    char message[TM_READER_MESSAGE];
    setlocale(LC_CTYPE, "");
    if (argc != 2)
        return TOOL_USAGE;
    if (tm_reader_open(argv[1], &reader, message) != 0)
        return tool_fail("%s", message);
    tool_top_watch(&watch, reader);
    if (!tool_top_read(&watch, 1, message))
        return tool_fail("%s", message);
    tool_top_headline(&headline, &watch, WIDTH);
    for (int i = 0; i < headline.count; i++)
        printf("headline\t%s\n", headline.lines[i]);
    put_screen("threads", &watch, TOP_THREADS);
    put_screen("tags", &watch, TOP_TAGS);
    put_screen("matrix", &watch, TOP_MATRIX);
    tool_top_watch(&watch, NULL);
    return TOOL_OK;
}
