/* SPDX-License-Identifier: BSD-3-Clause */
/* To a file, for node_exporter's textfile collector. */
#ifndef TM_EXPORT_FILE_H
#define TM_EXPORT_FILE_H

#include "export/export_collect.h"

/*
 * What cannot be written is told, and tried again. SIGINT and SIGTERM end it: TOOL_OK; and SIGHUP, if it is not ignored.
 */
int tool_export_to_file(struct tool_export *export, const char *path, uint64_t every_ns);

#endif
