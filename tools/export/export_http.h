/* SPDX-License-Identifier: BSD-3-Clause */
/* Over HTTP, for Prometheus itself. */
#ifndef TM_EXPORT_HTTP_H
#define TM_EXPORT_HTTP_H

#include "export/export_collect.h"

/* `address` is PORT, ADDRESS:PORT or [ADDRESS]:PORT. SIGINT, SIGTERM and SIGHUP end it: TOOL_OK. */
int tool_export_over_http(struct tool_export *export, const char *address);

#endif
