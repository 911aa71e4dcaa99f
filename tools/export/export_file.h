/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes the metrics to a file again and again, for node_exporter's textfile collector. */
#ifndef TM_EXPORT_FILE_H
#define TM_EXPORT_FILE_H

#include "export/export_collect.h"

/*
 * If the file cannot be written, a message says why, and it is tried again after the next interval. Returns an exit
 * code: TOOL_OK after SIGINT, SIGTERM, or SIGHUP if that is not ignored; the file is removed then.
 */
int tool_export_to_file(struct tool_export *export, const char *path, uint64_t every_ns);

#endif
