/* SPDX-License-Identifier: BSD-3-Clause */
/* The ways out of threadmeter export. Each collects anew for every time that it is asked. */
#ifndef TM_TOOL_EXPORT_H
#define TM_TOOL_EXPORT_H

#include "tool.h"

struct tool_export;

/* export.c: the figures as they are now, as text, to be given to free(). NULL, with a message: there is no memory. */
char *tool_export_collect(struct tool_export *export, size_t *size);

/* Both block SIGINT and SIGTERM, which end them: TOOL_OK. */

/* export_file.c: what cannot be written is told, and tried again. SIGHUP ends it, too, if it is not ignored. */
int tool_export_to_file(struct tool_export *export, const char *path, uint64_t every_ns);

/* export_http.c: `address` is PORT, ADDRESS:PORT or [ADDRESS]:PORT. */
int tool_export_over_http(struct tool_export *export, const char *address);

#endif
