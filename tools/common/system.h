/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel says of a process. */
#ifndef TM_SYSTEM_H
#define TM_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tool_memory {
    uint64_t resident_bytes;
    uint64_t peak_resident_bytes;
};

/* False if the kernel says nothing of it. */
bool tool_process_memory(pid_t pid, struct tool_memory *memory);

#endif
