/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is connected to the exporter, and for how long. A connection is cheap for who opens it and never asks, or asks a
 * byte at a time, or never takes its answer: none may keep the place of one that does.
 *
 * A client waits until its whole request has come, then is answered, then waits again. Waiting has an end after ten
 * seconds, being answered after sixty, and before that where there is no place for who comes: then whoever waits longest
 * goes, and only if nobody waits, who is answered longest.
 */
#ifndef TM_TOOL_EXPORT_CLIENTS_H
#define TM_TOOL_EXPORT_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TOOL_CLIENTS = 64,      /* are kept */
    TOOL_MOST_CLIENTS = 96, /* may be there, since those that go are there until the server sees it */
};

struct tool_client {
    bool connected, goes, answered;
    int socket;
    uint64_t since_ns;
    size_t body_bytes; /* of the request, which nobody wants */
};

struct tool_clients {
    struct tool_client all[TOOL_MOST_CLIENTS];
    uint64_t busy_ns; /* when no client could be heard: not on their account */
};

/* Who comes; another may have to go. NULL: there is no place at all. */
struct tool_client *tool_client_comes(struct tool_clients *clients, int socket);
void tool_client_waits(struct tool_clients *clients, struct tool_client *client);
void tool_client_is_answered(struct tool_clients *clients, struct tool_client *client);

/* Sends those away whose time is over. Returns when to look again, in ms: -1 if nobody is there. */
int tool_clients_end(struct tool_clients *clients);

#endif
