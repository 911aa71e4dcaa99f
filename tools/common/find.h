/* SPDX-License-Identifier: BSD-3-Clause */
/* Looks for processes that publish. */
#ifndef TM_FIND_H
#define TM_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <threadmeter/reader.h>

struct tool_place;

struct tool_search {
    /* What is there; or if that is NULL, in the default one, in $THREADMETER_PUBLISH, and wherever processes publish. */
    const char *directory;
    bool all_users;    /* else only what is the caller's own, by the owner of the file, which nobody can choose */
    bool prune;        /* removes what processes had begun that are gone, and says where nothing may be removed */
    uint64_t until_ns; /* by tool_clock(): nothing more is looked at then; 0: no end */
    size_t most_names; /* of those who are asked for, that are looked at in a directory; 0: as is good for anybody */
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

#endif
