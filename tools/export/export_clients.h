/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clients that are connected to the exporter, and for how long. A client could open a connection and never send a
 * request, or send it byte by byte, or never read the answer. Such a client must not take the place of a useful one.
 *
 * A client waits until its whole request has come, is then answered, and then waits again. A client that waits longer
 * than ten seconds, or is answered longer than sixty, is disconnected. If a new client comes and all places are taken,
 * the client that has waited longest is disconnected; if none waits, the one that has been answered longest.
 */
#ifndef TM_TOOL_EXPORT_CLIENTS_H
#define TM_TOOL_EXPORT_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TOOL_CLIENTS = 64, /* so many are served */
    TOOL_MOST_CLIENTS =
        96, /* so many connections exist at most: a shut down one stays until the server has closed it */
};

struct tool_client {
    bool connected, shut_down, answered;
    int socket;
    uint64_t since_ns; /* when it began to wait, or to be answered */
    size_t body_bytes; /* of the request's body, which is read and ignored */
};

struct tool_clients {
    struct tool_client all[TOOL_MOST_CLIENTS];
    uint64_t
        busy_ns; /* the time in which the server collected figures and served nobody: no client is charged for it */
};

/* Returns the place of a new client; another one may be disconnected for it. NULL: there is no place. */
struct tool_client *tool_client_comes(struct tool_clients *clients, int socket);
void tool_client_waits(struct tool_clients *clients, struct tool_client *client);
void tool_client_is_answered(struct tool_clients *clients, struct tool_client *client);

/*
 * Disconnects the clients whose time is over. Returns after how many ms to call it again; -1: no client is connected.
 */
int tool_clients_end(struct tool_clients *clients);

#endif
