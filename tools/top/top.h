/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of `threadmeter top` share. Only top_view.c and top_screen.c know of a terminal: all else works on
 * lists and texts, and is tested without one.
 */
#ifndef TM_TOP_H
#define TM_TOP_H

#include "tool.h"

/*
 * top_model.c: lists of rows that are read again and again. A process, a thread and a tag are all a row: they are
 * sorted, filtered and followed over time in the same way.
 */
enum { TOP_HISTORY = 60, TOP_NAME = 64, TOP_FILTER = 48 };
#define TOP_UNKNOWN UINT64_MAX

enum top_key { TOP_LIVE, TOP_PEAK, TOP_BLOCKS, TOP_RATE, TOP_OTHERS, TOP_BY_NAME, TOP_KEYS };

/* Rows of a group stay together, in this order, however they are sorted. */
enum top_group {
    TOP_CURRENT, /* running processes, live threads, open tags */
    TOP_UNSEEN,  /* processes of which cannot be told whether they run */
    TOP_LEFT,    /* ended processes, orphans, closed tags */
    TOP_REST,    /* shared slots, and what is gone */
};

struct top_row {
    uint64_t id, birth; /* both together name it in its list, and no other one, ever */
    enum top_group group;
    bool peak_is_bound;
    char name[TOP_NAME]; /* printable */
    pid_t number;        /* pid or tid; 0: it has none */
    uid_t uid;           /* of a process: whose file it is */
    struct tm_totals totals;
    uint64_t rate;                 /* bytes allocated per second since the reading before, or TOP_UNKNOWN */
    uint64_t threads;              /* of a process: living ones */
    uint64_t resident_bytes;       /* of a process that runs, else TOP_UNKNOWN */
    const char *state;             /* of a process: tool_state() */
    uint64_t limit_bytes;          /* of a tag; 0: none */
    size_t place;                  /* of a process: where the caller keeps more about it */
    size_t readings;               /* how many of the history there are */
    uint64_t history[TOP_HISTORY]; /* live bytes; the newest last */
};

struct top_list {
    struct top_row *rows; /* in order of id and birth */
    size_t count, capacity;
    struct top_row *before; /* while it is filled: the rows of the reading before */
    size_t before_count, before_capacity;
    bool all_seen;    /* a row that is new began since the reading before: its rate is known at once */
    uint64_t time_ns; /* of the newest reading */
    uint64_t elapsed; /* from the reading before to it; 0: there is none */
    size_t *shown;    /* indices of rows: those that the filter lets pass, sorted */
    size_t shown_count, shown_capacity;
    enum top_key key;
    bool reversed;
    char filter[TOP_FILTER];
    size_t cursor; /* index into shown */
    size_t scroll; /* the first of shown that is on the screen: the view's */
};

/* Fills a list anew: begin, a put for each row, end. Times are of a clock that only goes forward. */
void tool_top_begin(struct top_list *list, uint64_t time_ns);
/* The new row, which has its rate and history; all else is the caller's to fill in, until the next put. */
struct top_row *tool_top_put(struct top_list *list, uint64_t id, uint64_t birth, const struct tm_totals *totals);
void tool_top_end(struct top_list *list);
void tool_top_free(struct top_list *list);

/* Brings one row forward in time; elapsed 0: there was no reading before. */
void tool_top_follow(struct top_row *row, const struct tm_totals *totals, uint64_t elapsed);

void tool_top_sort(struct top_list *list, enum top_key key, bool reversed);
void tool_top_filter(struct top_list *list, const char *text); /* names that contain it, whatever their case */
bool tool_top_passes(const char *name, const char *filter);
void tool_top_move(struct top_list *list, long by);                   /* the cursor; stops at both ends */
const struct top_row *tool_top_selected(const struct top_list *list); /* NULL if nothing is shown */
/* By all keys but rate and name: below 0 if a comes first. */
int tool_top_compare(const struct tm_totals *a, const struct tm_totals *b, enum top_key key);

const char *tool_top_key_name(enum top_key key);
bool tool_top_parse_key(const char *name, enum top_key *key);
uint64_t tool_top_share(const struct tm_totals *totals); /* freed by others: percent of what was freed, or unknown */

/* top_watch.c: from readers to lists. */
struct top_cell {
    uint64_t thread; /* 0 for the shared slots */
    int32_t tag;
    uint64_t live_bytes;
};

/* One process, as last read. */
struct top_watch {
    struct tm_reader *reader; /* NULL: none is watched */
    bool read;                /* at least once */
    bool live, unknown;       /* if neither, it is its last reading */
    const char *state;        /* tool_state() */
    char program[32];
    pid_t pid;
    uint64_t misuses;        /* that were told */
    uint64_t running_ns;     /* since its first allocation */
    uint64_t resident_bytes; /* or TOP_UNKNOWN */
    struct top_row total;
    size_t thread_count, orphan_count;
    uint64_t orphan_bytes;
    struct top_list threads, tags;
    struct top_cell *cells; /* the matrix: sorted by thread, then tag */
    size_t cell_count;
};

void tool_top_watch(struct top_watch *watch, struct tm_reader *reader); /* takes the reader over; NULL: watches none */
/* False, with a message, if it cannot be read; all stays as it was then. */
bool tool_top_read(struct top_watch *watch, uint64_t time_ns, char message[TM_READER_MESSAGE]);
void tool_top_fill(struct top_watch *watch, const struct tm_reading *reading, uint64_t time_ns);
uint64_t tool_top_cell(const struct top_watch *watch, uint64_t thread, int32_t tag);

/* All processes there are. */
struct top_processes {
    bool all_users;
    struct top_list list;
    char **paths; /* of their files, by the rows' place */
    size_t count;
};

/* A begin, an add for each, and tool_top_end() of the list: or all that can be seen. */
void tool_top_begin_processes(struct top_processes *processes, uint64_t time_ns);
void tool_top_read_processes(struct top_processes *processes, uint64_t time_ns);
void tool_top_add_process(struct top_processes *processes, const struct tm_reading *reading, const char *path);
const char *tool_top_path(const struct top_processes *processes, const struct top_row *row);
/* The file that is at the row's path, if it is the same user's still. 0, or -errno with a message. */
int tool_top_open(const struct top_processes *processes, const struct top_row *row, struct tm_reader **reader,
                  char message[TM_READER_MESSAGE]);
void tool_top_free_processes(struct top_processes *processes);

/* top_columns.c: rows as text. */
enum top_view { TOP_PROCESSES, TOP_THREADS, TOP_TAGS, TOP_MATRIX };

enum top_field {
    TOP_NAME_FIELD,
    TOP_UID_FIELD,
    TOP_PID_FIELD,
    TOP_TID_FIELD,
    TOP_LIVE_FIELD,
    TOP_PEAK_FIELD,
    TOP_BLOCKS_FIELD,
    TOP_RATE_FIELD,
    TOP_OTHERS_FIELD,
    TOP_THREADS_FIELD,
    TOP_RESIDENT_FIELD,
    TOP_ALLOCATED_FIELD,
    TOP_FREED_OF_FIELD,
    TOP_LIMIT_FIELD,
    TOP_BAR_FIELD,
    TOP_HISTORY_FIELD,
    TOP_TAG_FIELD,    /* the matrix: what a thread owns in a tag, */
    TOP_NO_TAG_FIELD, /* in none, */
    TOP_MORE_FIELD,   /* and in all tags that have no column */
};

enum { TOP_COLUMNS = 32, TOP_CELL = 4 * 256 };

struct top_column {
    enum top_field field;
    int at, width;
    const struct top_row *tag; /* of TOP_TAG_FIELD */
};

struct top_layout {
    struct top_column columns[TOP_COLUMNS];
    int count;
};

/* The columns that fit into so many; the more important ones first to come, last to go. `users`: of processes, theirs. */
void tool_top_lay_out(struct top_layout *layout, enum top_view view, int width, const struct top_list *tags,
                      bool users);
const char *tool_top_title(const struct top_column *column, enum top_view view);
bool tool_top_sorts(enum top_field field, enum top_key key); /* the list is sorted by what is in this column */

struct top_scale {
    uint64_t largest; /* what fills a bar: the largest peak of all rows */
    bool ascii;
};

/* What stands in a column, padded to its width. Only the matrix's columns take the watch. */
char *tool_top_text(char text[TOP_CELL], const struct top_layout *layout, const struct top_column *column,
                    const struct top_row *row, const struct top_watch *watch, const struct top_scale *scale);
uint64_t tool_top_largest(const struct top_list *list);
char *tool_top_bar(char text[TOP_CELL], int width, uint64_t live, uint64_t peak, const struct top_scale *scale);
char *tool_top_sparkline(char text[TOP_CELL], int width, const struct top_row *row, bool ascii);
char *tool_top_count(char text[TOOL_BYTES], uint64_t count); /* at most 7 columns */
char *tool_top_grouped(char text[32], uint64_t count);       /* 78,000 */
char *tool_top_heading(char *text, size_t size, enum top_view view, enum top_group group, size_t count, uint64_t bytes);

/* top_headline.c: what is said of a process as a whole: lines of at most `width` columns. */
enum { TOP_LINES = 6, TOP_LINE = 512 };
struct top_headline {
    char lines[TOP_LINES][TOP_LINE];
    int count;
};
void tool_top_headline(struct top_headline *headline, const struct top_watch *watch, int width);
void tool_top_processes_headline(struct top_headline *headline, const struct top_processes *processes, int width);
/* `memory` as the kernel counts it, beside what is allocated. NULL: it is not known. */
void tool_top_explain(struct top_headline *headline, const struct tm_totals *totals, uint64_t resident_bytes,
                      int width);

/* top_keys.c: what the keys do. */
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

/* top_view.c */
void tool_top_draw(struct top *top);

/* top_screen.c: the terminal, and the loop; returns what tool_top() does. */
int tool_top_run(struct top *top, bool colours);

/* top_once.c */
int tool_top_once(const char *target, bool all_users, bool json, enum top_key key, const char *filter);

#endif
