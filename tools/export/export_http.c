/* SPDX-License-Identifier: BSD-3-Clause */
/* A small HTTP server for Prometheus itself, by libmicrohttpd. One thread serves all clients, one request at a time. */
#include "export/export_http.h"
#include "common/clock.h"
#include "common/messages.h"
#include "common/stop.h"
#include "config.h"
#include "export/export.h"
#include "export/export_clients.h"
#include "export/export_collect.h"

#ifdef TM_HAVE_MICROHTTPD

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

enum { LONGEST_BODY = 64 << 10, CONTENT_TOO_LARGE = 413 };

struct server {
    struct tool_export *export;
    struct tool_clients clients;
};

static const char plain[] = "text/plain; charset=utf-8";
static const char index_page[] = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                                 "<title>threadmeter export</title></head><body><h1>threadmeter export</h1>"
                                 "<p><a href=\"/metrics\">Metrics</a></p></body></html>\n";

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
                              struct MHD_Response *response)
{
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status, const char *type,
                                   const char *text)
{
    return answer(connection, status, type,
                  MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT));
}

/* A HEAD request is answered as a GET request: libmicrohttpd leaves out the body. */
static enum MHD_Result answer_request(struct server *server, struct MHD_Connection *connection, const char *url,
                                      const char *method)
{
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, plain, "GET and HEAD only\n");
    if (strcmp(url, "/") == 0)
        return answer_text(connection, MHD_HTTP_OK, "text/html; charset=utf-8", index_page);
    if (strcmp(url, "/metrics") != 0)
        return answer_text(connection, MHD_HTTP_NOT_FOUND, plain, "not found; there is /metrics\n");
    size_t size;
    uint64_t began = tool_clock();
    char *text = tool_export_collect(server->export, &size);
    server->clients.busy_ns += tool_clock() - began;
    if (!text)
        return answer_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, plain, "out of memory\n");
    if (tool_is_stopped()) { /* the search may have ended early, so some processes may be missing in the text */
        free(text);
        return answer_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, plain, "the exporter is ending\n");
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
    if (!response)
        free(text);
    return answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", response);
}

static struct tool_client *client_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static bool is_too_long(struct MHD_Connection *connection)
{
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return length && strtoull(length, NULL, 10) > LONGEST_BODY;
}

/*
 * For a body in chunks, whose length was not known before: libmicrohttpd accepts no answer before the request is
 * complete, so this one is written directly to the socket.
 */
static enum MHD_Result refuse_body(const struct tool_client *client)
{
    static const char refusal[] = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    (void)!send(client->socket, refusal, sizeof refusal - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    return MHD_NO; /* so libmicrohttpd closes the connection */
}

/*
 * libmicrohttpd calls this when the headers have come, for each piece of the body, and at the end. A body has no
 * meaning here. A short one is read before the answer is sent, since a client that is still sending may not read an
 * answer.
 */
static enum MHD_Result serve(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                             const char *version, const char *upload, size_t *upload_size, void **state)
{
    struct server *server = arg;
    struct tool_client *client = client_of(connection);
    (void)version, (void)upload;
    if (!client)
        return MHD_NO;
    if (!*state) {
        *state = client;
        if (!is_too_long(connection))
            return MHD_YES;
        tool_client_is_answered(&server->clients, client);
        return answer_text(connection, CONTENT_TOO_LARGE, plain, "a request needs no body\n");
    }
    if (*upload_size > 0) {
        client->body_bytes += *upload_size;
        *upload_size = 0;
        return client->body_bytes <= LONGEST_BODY ? MHD_YES : refuse_body(client);
    }
    enum MHD_Result result = answer_request(server, connection, url, method);
    tool_client_is_answered(&server->clients, client);
    return result;
}

static void notify_connection(void *arg, struct MHD_Connection *connection, void **context,
                              enum MHD_ConnectionNotificationCode what)
{
    struct server *server = arg;
    struct tool_client *client = *context;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (what == MHD_CONNECTION_NOTIFY_STARTED && info)
        *context = tool_client_comes(&server->clients, info->connect_fd);
    else if (client)
        client->connected = false;
}

static void notify_completed(void *arg, struct MHD_Connection *connection, void **state,
                             enum MHD_RequestTerminationCode how)
{
    struct server *server = arg;
    struct tool_client *client = client_of(connection);
    (void)state, (void)how;
    if (client)
        tool_client_waits(&server->clients, client);
}

/* Splits PORT, ADDRESS:PORT or [ADDRESS]:PORT. False if the text is none of these, or if ADDRESS is empty. */
static bool split(const char *text, char host[256], const char **port)
{
    const char *colon = strrchr(text, ':');
    const char *from = text, *to = colon;
    *port = colon ? colon + 1 : text;
    if (!**port || strlen(*port) > 5 || strspn(*port, "0123456789") != strlen(*port) || atoi(*port) > 65535)
        return false;
    if (!colon) {
        strcpy(host, "127.0.0.1");
        return true;
    }
    bool bracketed = *from == '[';
    if (bracketed) {
        from++;
        to--;
        if (to < from || *to != ']')
            return false;
    }
    size_t length = (size_t)(to - from);
    if (length == 0 || length > 255 || (!bracketed && memchr(from, ':', length)))
        return false;
    memcpy(host, from, length);
    host[length] = '\0';
    return true;
}

static int open_socket(const struct addrinfo *at)
{
    int yes = 1, server = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server < 0)
        return -1;
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(server, at->ai_addr, at->ai_addrlen) == 0 && listen(server, SOMAXCONN) == 0)
        return server;
    int error = errno;
    close(server);
    errno = error;
    return -1;
}

/* Returns the socket, or -1, with a message. */
static int listen_at(const char *address, const char *host, const char *port)
{
    struct addrinfo *found, wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    int error = getaddrinfo(host, port, &wanted, &found);
    if (error != 0) {
        tool_warn("cannot listen at %s: %s", address, error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
        return -1;
    }
    int server = -1;
    for (const struct addrinfo *at = found; at && server < 0; at = at->ai_next) /* a name may have several addresses */
        server = open_socket(at);
    if (server < 0)
        tool_warn("cannot listen at %s: %s", address, strerror(errno));
    freeaddrinfo(found);
    return server;
}

static void print_address(int server)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
    getsockname(server, (struct sockaddr *)&address, &size);
    getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    bool v6 = address.ss_family == AF_INET6;
    printf("listening at http://%s%s%s:%s/metrics\n", v6 ? "[" : "", host, v6 ? "]" : "", port);
    if (fflush(stdout) != 0 || ferror(stdout))
        exit(tool_fail("cannot write where it listens: %s", strerror(errno)));
}

/* The shorter one of this timeout and libmicrohttpd's, in ms; below 0: none. */
static int shorter_timeout(int timeout, struct MHD_Daemon *daemon)
{
    MHD_UNSIGNED_LONG_LONG wanted; /* 0: libmicrohttpd has work to do now */
    bool asks = MHD_get_timeout(daemon, &wanted) == MHD_YES;
    return asks && (timeout < 0 || wanted < (unsigned)timeout) ? (int)wanted : timeout;
}

/* Serves until a signal comes. */
static void run(struct server *server, struct MHD_Daemon *daemon, int signals)
{
    int events = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    struct pollfd ready[] = {{.fd = events, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    do {
        MHD_run(daemon);
        poll(ready, 2, shorter_timeout(tool_clients_end(&server->clients), daemon));
    } while (!(ready[1].revents & POLLIN));
}

int tool_export_over_http(struct tool_export *export, const char *address)
{
    static struct server server; /* the only one */
    char host[256];
    const char *port;
    if (!split(address, host, &port))
        return tool_misused("'%s' is no [ADDRESS:]PORT", address);
    int listener = listen_at(address, host, port);
    if (listener < 0)
        return TOOL_FAILED;

    sigset_t set;
    tool_block_stops(&set, NULL);
    tool_ignore_write_signals();
    server.export = export;
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, serve, &server, MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)TOOL_MOST_CLIENTS, MHD_OPTION_NOTIFY_CONNECTION, notify_connection, &server,
        MHD_OPTION_NOTIFY_COMPLETED, notify_completed, &server, MHD_OPTION_END);
    if (!daemon || signals < 0) {
        close(listener);
        return tool_fail("cannot start the server");
    }
    print_address(listener);
    run(&server, daemon, signals);
    MHD_stop_daemon(daemon);
    close(signals);
    return TOOL_OK;
}

#else

int tool_export_over_http(struct tool_export *export, const char *address)
{
    (void)export, (void)address;
    return tool_fail("built without libmicrohttpd, so there is no --listen; there is --textfile");
}

#endif
