/* SPDX-License-Identifier: BSD-3-Clause */
/* Serves the metrics over HTTP, for Prometheus itself. */
#ifndef TM_EXPORT_HTTP_H
#define TM_EXPORT_HTTP_H

#include "export/export_collect.h"

/*
 * `address` is PORT, ADDRESS:PORT or [ADDRESS]:PORT. Returns an exit code: TOOL_OK after SIGINT, SIGTERM, or SIGHUP if
 * that is not ignored.
 */
int tool_export_over_http(struct tool_export *export, const char *address);

#endif
