/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/system.h"

#include <stdio.h>
#include <string.h>

bool tool_process_memory(pid_t pid, struct tool_memory *memory)
{
    *memory = (struct tool_memory){0};
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "re");
    if (!status)
        return false;
    bool found = false;
    while (fgets(line, sizeof line, status)) {
        unsigned long long kib;
        if (sscanf(line, "VmRSS: %llu kB", &kib) == 1) {
            memory->resident_bytes = kib * 1024;
            found = true;
        } else if (sscanf(line, "VmHWM: %llu kB", &kib) == 1) {
            memory->peak_resident_bytes = kib * 1024;
        } else if (sscanf(line, "RssAnon: %llu kB", &kib) == 1) {
            memory->anonymous_bytes = kib * 1024;
        }
    }
    fclose(status);
    return found;
}
