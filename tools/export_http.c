/* SPDX-License-Identifier: BSD-3-Clause */
/* For Prometheus itself: a small server, of which libmicrohttpd does HTTP. One thread serves all, one at a time. */
#include "export.h"
#include "config.h"

#ifdef TM_HAVE_MICROHTTPD

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

enum { MOST_CONNECTIONS = 32, IDLE_SECONDS = 10 };

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

/* libmicrohttpd leaves the body of an answer to HEAD out by itself. */
static enum MHD_Result serve(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                             const char *version, const char *upload, size_t *upload_size, void **state)
{
    static const char plain[] = "text/plain; charset=utf-8";
    (void)version, (void)upload, (void)upload_size;
    static int seen;
    if (!*state) { /* the headers only have come: an answer now would end the connection */
        *state = &seen;
        if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
            return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, plain, "GET and HEAD only\n");
    if (strcmp(url, "/") == 0)
        return answer_text(connection, MHD_HTTP_OK, "text/html; charset=utf-8", index_page);
    if (strcmp(url, "/metrics") != 0)
        return answer_text(connection, MHD_HTTP_NOT_FOUND, plain, "not found; there is /metrics\n");
    size_t size;
    char *text = tool_export_collect(arg, &size);
    if (!text)
        return answer_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, plain, "out of memory\n");
    struct MHD_Response *response = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
    if (!response)
        free(text);
    return answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", response);
}

/* PORT, ADDRESS:PORT or [ADDRESS]:PORT. False if it is none; that an address is left empty is none, too. */
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
    if (bind(server, at->ai_addr, at->ai_addrlen) == 0 && listen(server, MOST_CONNECTIONS) == 0)
        return server;
    int error = errno;
    close(server);
    errno = error;
    return -1;
}

/* -1, with a message. */
static int listen_at(const char *address, const char *host, const char *port)
{
    struct addrinfo *found, wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    int error = getaddrinfo(host, port, &wanted, &found);
    if (error != 0) {
        tool_warn("cannot listen at %s: %s", address, error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
        return -1;
    }
    int server = open_socket(found);
    if (server < 0)
        tool_warn("cannot listen at %s: %s", address, strerror(errno));
    freeaddrinfo(found);
    return server;
}

static void say_where(int server)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
    getsockname(server, (struct sockaddr *)&address, &size);
    getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    bool v6 = address.ss_family == AF_INET6;
    printf("listening at http://%s%s%s:%s/metrics\n", v6 ? "[" : "", host, v6 ? "]" : "", port);
    fflush(stdout);
}

int tool_export_over_http(struct tool_export *export, const char *address)
{
    char host[256];
    const char *port;
    if (!split(address, host, &port))
        return tool_misused("'%s' is no [ADDRESS:]PORT", address);
    int server = listen_at(address, host, port);
    if (server < 0)
        return TOOL_FAILED;

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* in the server's thread, too */
    signal(SIGPIPE, SIG_IGN);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, serve, export,
                         MHD_OPTION_LISTEN_SOCKET, server, MHD_OPTION_CONNECTION_LIMIT, (unsigned)MOST_CONNECTIONS,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_END);
    if (!daemon) {
        close(server);
        return tool_fail("cannot start the server");
    }
    say_where(server);
    int which;
    sigwait(&signals, &which);
    tool_stop();
    MHD_stop_daemon(daemon);
    return TOOL_OK;
}

#else

int tool_export_over_http(struct tool_export *export, const char *address)
{
    (void)export, (void)address;
    return tool_fail("built without libmicrohttpd, so there is no --listen; there is --textfile");
}

#endif
