/* SPDX-License-Identifier: BSD-3-Clause */
/* The shared libraries that a program needs, where the dynamic linker would find them. Nothing is loaded or run. */
#ifndef TM_LIBRARIES_H
#define TM_LIBRARIES_H

#include "run/elf_file.h"

#include <stdbool.h>

struct tool_libraries;

/* Of a program, all that it needs, directly or not: each once, at most 1,000. */
struct tool_libraries *tool_begin_libraries(const struct tool_elf *program, const char *path);

/* The path of the next library, which is open then, with tool_elf_read_dynamic() done. NULL: there are no more. */
const char *tool_next_library(struct tool_libraries *libraries, struct tool_elf *elf);
void tool_end_libraries(struct tool_libraries *libraries);

/* As the dynamic linker finds a library that the environment names. False: there is none. */
bool tool_find_library(char path[PATH_MAX], const char *name);

#endif
