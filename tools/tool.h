/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands of the threadmeter tool share. Each is a file of its own, and main.c knows them by this list. */
#ifndef TM_TOOL_H
#define TM_TOOL_H

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <threadmeter/reader.h>

#include "common/json_writer.h"

/* Exit codes, as in the manual. */
enum {
    TOOL_OK = 0,
    TOOL_FAILED = 1, /* what was asked for cannot be had: a message on stderr said why */
    TOOL_USAGE = 2,  /* the command line is wrong */
};

/* argv[0] is the command's name, for getopt_long. */
int tool_run(int argc, char **argv);
int tool_list(int argc, char **argv);
int tool_top(int argc, char **argv);
int tool_dump(int argc, char **argv);
int tool_record(int argc, char **argv);
int tool_report(int argc, char **argv);
int tool_export(int argc, char **argv);

/* messages.c: "threadmeter COMMAND: …\n" on stderr. tool_fail() returns TOOL_FAILED, tool_misused() TOOL_USAGE. */
extern const char *tool_command;
void tool_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
int tool_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int tool_misused(const char *format, ...) __attribute__((format(printf, 1, 2))); /* adds: see --help */
void *tool_allocate(size_t count, size_t size); /* calloc(); ends the program if there is none */
void *tool_resize(void *memory, size_t count, size_t size);
void tool_need_memory(int error); /* ends the program, too, if that is -ENOMEM: nobody would know what is left out */

/* text.c: a stream into memory. At its end all that was written, with a 0 behind it, the caller's own; or NULL: no memory. */
struct tool_text {
    FILE *out;
    char *bytes;
    size_t size, capacity;
};
bool tool_open_text(struct tool_text *text);
char *tool_close_text(struct tool_text *text);

/* numbers.c */
enum { TOOL_BYTES = 16 };
char *tool_format_bytes(char text[TOOL_BYTES], uint64_t bytes); /* "12.3 KiB": at most 9 columns */
bool tool_parse_seconds(const char *text, uint64_t *ns);        /* "100ms", "2s", "1.5", "1m": above 0, at most a day */
bool tool_parse_bytes(const char *text, uint64_t *bytes);       /* "10", "64M": in K, M or G, below 2^64 */

/*
 * The number of a process, from 1 to INT_MAX, in digits alone; *pid is 0 for what is no number, such as a file. False for
 * any other number, which no process can have: 0, -5; nor is +5 or " 5" taken for one, or for a file.
 */
bool tool_parse_pid(const char *text, pid_t *pid);

/*
 * A name as it may be shown: cut off to fit into `size` bytes, with ? for what is not printable, or would change how what
 * is beside it is shown. Names come from programs, and may be anything. tool_printable() is for a terminal of this
 * locale, in tables: of each character it is known how many columns it takes.
 */
char *tool_printable(char *text, size_t size, const char *name);
char *tool_utf8(char *text, size_t size, const char *name); /* UTF-8 whatever the locale is; in place, too */

/* How many columns a printable text takes, up to `most`; `length` (may be NULL): how many bytes of it that is. */
int tool_columns(const char *text, int most, size_t *length);

/* As tool_printable(), in so many columns: cut off, or with blanks behind it; before it, if that is negative. */
enum { TOOL_FIT = 256 };
char *tool_fit(char text[TOOL_FIT], const char *name, int columns); /* no more than 60 */

/* In one word; "unknown" may be "live". */
static inline const char *tool_state(const struct tm_reading *reading)
{
    return reading->live ? "live" : reading->ended ? "ended" : reading->unknown ? "unknown" : "crashed";
}

/* What says nothing in any column, and so has no row: the rows that are there add up to the total without it. */
static inline bool tool_did_nothing(const struct tm_totals *totals)
{
    return totals->allocated_blocks == 0 && totals->remote_frees_made_bytes == 0;
}

/*
 * All sums of figures that several processes, threads or recordings give are made by it: none wraps. What one process
 * says, which may be anything, makes a sum too large, but never hides what others own.
 */
static inline void tool_add_saturating(uint64_t *sum, uint64_t more)
{
    if (__builtin_add_overflow(*sum, more, sum))
        *sum = UINT64_MAX;
}

/* metrics_totals.c: counters, saturating; peaks are left alone. */
void tool_totals_add(struct tm_totals *sum, struct tm_totals more);
struct tm_totals tool_totals_at_most(struct tm_totals totals, struct tm_totals limit);
bool tool_totals_are_nothing(struct tm_totals totals);

/* What `all` has more than `part`; nothing where it has less, as may be while a process works. */
struct tm_totals tool_totals_beyond(struct tm_totals all, struct tm_totals part);

/* directories.c */

/* Where programs publish if nothing else is said: in $XDG_RUNTIME_DIR if that is the caller's own, or in /dev/shm. */
void tool_name_default_directory(char *path, size_t size);
/* Created with mode 0700; false, with a message, if it cannot be, or is not the caller's alone. */
bool tool_default_directory(char *path, size_t size);

/*
 * $THREADMETER_PUBLISH, for programs that the caller starts; NULL: there is none, or, with a message, it is a directory
 * of another user's, where root's programs do not publish because somebody's environment says so.
 */
const char *tool_directory_to_publish(void);

/* stop.c: SIGINT, SIGTERM and SIGHUP, while they are blocked, end a search. */
void tool_block_stops(sigset_t *stops, sigset_t *before); /* which these are; `before` may be NULL */
bool tool_is_stopped(void);                               /* one of them has come, and waits */
/* What cannot be written is told: a limit of the file's size as a full disk is, and so a pipe's end. */
void tool_ignore_write_signals(void);

uint64_t tool_clock(void); /* CLOCK_MONOTONIC, ns */

/* Longer than that nobody waits: who looks once, or again and again. */
enum { TOOL_PATIENCE = 60, TOOL_ROUND = 5 }; /* seconds */
static inline uint64_t tool_in(unsigned seconds)
{
    return tool_clock() + seconds * UINT64_C(1000000000);
}

/* find.c: published processes. */
struct tool_search {
    /* What is there; or if that is NULL, in the default one, in $THREADMETER_PUBLISH, and wherever processes publish. */
    const char *directory;
    bool all_users;    /* else only what is the caller's own, by the owner of the file, which nobody can choose */
    bool prune;        /* removes what processes had begun that are gone, and says where nothing may be removed */
    uint64_t until_ns; /* by tool_clock(): nothing more is looked at then; 0: no end */
    size_t most_names; /* of whom is asked for, that are looked at in a directory; 0: as is good for anybody */
    void (*visit)(struct tm_reader *reader, void *arg); /* the reader is the visit's, to be closed */
    void *arg;

    /* Of the file that is visited, if it was found in a directory; else NULL. */
    const struct tool_place *place;

    /* What came of it. */
    size_t others;   /* files of other users, which were not asked for */
    size_t left_out; /* not looked at, since there were too many, or no time, or a signal came: so many at least */
    bool failed;     /* a message has said why */
};

/*
 * Visits each once, the caller's own first. Of a file that cannot be read a message says why, the first time; and another
 * one that something was left out. False, with a message, if the directory cannot be read.
 */
bool tool_each_process(struct tool_search *search);

/*
 * target.c: a pid or a file, whoever's it is; or NULL for the only process there is. NULL, with a message: there is none.
 * Of a number that can be no pid's it ends the program, as of a wrong command line.
 */
struct tm_reader *tool_open(const char *target, bool all_users);

/* system.c: what the kernel says of a process; false if it says nothing. */
struct tool_memory {
    uint64_t resident_bytes;
    uint64_t peak_resident_bytes;
};
bool tool_process_memory(pid_t pid, struct tool_memory *memory);

/* json.c: a reading as dump --json prints it (docs/formats/published-file.md), and parts of it, also of what else is
 * JSON. */
void tool_json_reading(struct tool_json *json, const struct tm_reading *reading);
void tool_json_totals(struct tool_json *json, const char *name, const struct tm_totals *totals);
void tool_json_put_figures(struct tool_json *json, uint64_t live_bytes, uint64_t live_blocks,
                           const struct tm_totals *totals); /* of whose object is open; what is live as it is said */
void tool_json_cross_allocator_calls(struct tool_json *json, const char *name,
                                     const struct tm_cross_allocator_calls *cross_allocator_calls);
void tool_json_flow(struct tool_json *json, const struct tm_flow *flow);
void tool_json_pid_or_null(struct tool_json *json, const char *name, pid_t pid);

/*
 * table.c: a reading as dump prints it, which is as tm_report() does; `left_out` NULL, or what threads make together that
 * are not in the reading any more, but in its total.
 */
void tool_print_reading(FILE *out, const struct tm_reading *reading, const struct tm_totals *left_out);

/* Who freed whose blocks: so many of the first, and the others as one row of this name. All are in each one's share. */
enum { TOOL_FLOWS_SHOWN = 16 };
void tool_print_flows(FILE *out, const struct tm_flow *flows, size_t count, size_t shown, const char *others);

/* The last line, with how many misuses were told, if any. */
void tool_print_cross_allocator_calls(FILE *out, const struct tm_cross_allocator_calls *cross_allocator_calls);

#endif
