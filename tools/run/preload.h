/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs are started with libthreadmeter_preload.so in them. */
#ifndef TM_PRELOAD_H
#define TM_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>

/* All of these say why on stderr when they return false. */

/* $THREADMETER_PRELOAD, or what was built or installed with this tool. */
bool tool_find_preload(char *path, size_t size);

/* Creates the directory, for its owner alone, if there is none, and says where it is. NULL: the default one. */
bool tool_find_directory(char *path, size_t size, const char *directory);

/* Sets this process's environment for programs that it starts: metered, and published in this directory if not NULL. */
bool tool_meter_programs(const char *directory);

#endif
