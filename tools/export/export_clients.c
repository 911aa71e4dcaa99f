/* SPDX-License-Identifier: BSD-3-Clause */
#include "export/export_clients.h"
#include "common/clock.h"

#include <sys/socket.h>

enum { LONGEST_WAIT = 10, LONGEST_ANSWER = 60 }; /* seconds */

static const uint64_t second_ns = 1000000000;

static uint64_t now_of(const struct tool_clients *clients)
{
    return tool_clock() - clients->busy_ns;
}

/* Not by close(), since the socket is the server's: it sees the end of the connection, and closes it. */
static void disconnect(struct tool_client *client)
{
    client->shut_down = true;
    shutdown(client->socket, SHUT_RDWR);
}

/* True if `client` is to be disconnected rather than `other`. */
static bool is_disconnected_before(const struct tool_client *client, const struct tool_client *other)
{
    return client->answered != other->answered ? other->answered : client->since_ns < other->since_ns;
}

static void make_place(struct tool_clients *clients)
{
    struct tool_client *first = NULL;
    size_t count = 0;
    for (struct tool_client *client = clients->all; client < clients->all + TOOL_MOST_CLIENTS; client++) {
        if (!client->connected || client->shut_down)
            continue;
        count++;
        if (!first || is_disconnected_before(client, first))
            first = client;
    }
    if (count >= TOOL_CLIENTS)
        disconnect(first);
}

struct tool_client *tool_client_comes(struct tool_clients *clients, int socket)
{
    make_place(clients);
    for (struct tool_client *client = clients->all; client < clients->all + TOOL_MOST_CLIENTS; client++)
        if (!client->connected) {
            *client = (struct tool_client){.connected = true, .socket = socket, .since_ns = now_of(clients)};
            return client;
        }
    return NULL;
}

void tool_client_waits(struct tool_clients *clients, struct tool_client *client)
{
    client->answered = false;
    client->body_bytes = 0;
    client->since_ns = now_of(clients);
}

void tool_client_is_answered(struct tool_clients *clients, struct tool_client *client)
{
    client->answered = true;
    client->since_ns = now_of(clients);
}

int tool_clients_end(struct tool_clients *clients)
{
    uint64_t now = now_of(clients);
    bool any = false;
    for (struct tool_client *client = clients->all; client < clients->all + TOOL_MOST_CLIENTS; client++) {
        uint64_t longest = (client->answered ? LONGEST_ANSWER : LONGEST_WAIT) * second_ns;
        if (!client->connected || client->shut_down)
            continue;
        any = true;
        if (now - client->since_ns > longest)
            disconnect(client);
    }
    return any ? 1000 : -1;
}
