/* SPDX-License-Identifier: BSD-3-Clause */
/* What makes a program load libthreadmeter_preload.so when it starts. */
#ifndef TM_PRELOAD_H
#define TM_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>

/* Each function that returns false has printed the reason on stderr. */

/* Finds the library: $THREADMETER_PRELOAD, or else the one that was built or installed with this tool. */
bool tool_find_preload(char *path, size_t size);

/* Creates the directory, with mode 0700, if it does not exist; `path` gets its absolute path. NULL: the default one. */
bool tool_find_directory(char *path, size_t size, const char *directory);

/*
 * Sets this process's environment so that programs which it starts are metered, and publish in this directory. NULL:
 * they do not publish.
 */
bool tool_meter_programs(const char *directory);

#endif
