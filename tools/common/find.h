/* SPDX-License-Identifier: BSD-3-Clause */
/* Searches for processes that publish. */
#ifndef TM_FIND_H
#define TM_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <threadmeter/reader.h>

struct tool_place;

struct tool_search {
    /* Search this directory. NULL: the default one, $THREADMETER_PUBLISH, and wherever running processes publish. */
    const char *directory;
    bool all_users;    /* else only the caller's files, by the owner of the file, which another user cannot forge */
    bool prune;        /* remove temporary files of processes that are gone, and say where nothing may be removed */
    uint64_t until_ns; /* the search ends at this time of tool_clock(); 0: it has no time limit */
    size_t most_names; /* the most files to open in a directory; 0: a limit that is high enough for normal use */
    void (*visit)(struct tm_reader *reader, void *arg); /* must close the reader, or keep it */
    void *arg;

    /* The place of the file that is visited, if it was found in a directory; else NULL. */
    const struct tool_place *place;

    /* The result. */
    size_t others;   /* files of other users, which were left out since all_users is false */
    size_t left_out; /* at least so many were left out: there were too many, the time was over, or a signal came */
    bool failed;     /* something failed, and a message has said why */
};

/*
 * Visits each process once, the caller's own first. If a file cannot be read, a message says why, once for each file;
 * another message says that something was left out. False, with a message, if the directory cannot be read.
 */
bool tool_each_process(struct tool_search *search);

#endif
