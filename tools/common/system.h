/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel knows about the memory of a process. */
#ifndef TM_SYSTEM_H
#define TM_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tool_memory {
    uint64_t resident_bytes;
    uint64_t peak_resident_bytes;
    uint64_t anonymous_bytes; /* of what is resident: heap, stacks, private data, and no files */
};

/* False if the kernel does not tell. */
bool tool_process_memory(pid_t pid, struct tool_memory *memory);

#endif
