/* SPDX-License-Identifier: BSD-3-Clause */
/* What an ELF file says of itself, without running it. The file is not trusted: it may be damaged, and may change. */
#ifndef TM_ELF_FILE_H
#define TM_ELF_FILE_H

#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>

struct tool_elf {
    int fd;
    ElfW(Ehdr) header;
    bool damaged;               /* something that the header or a segment points to is not in the file */
    bool is_go;                 /* the Go linker made it, or linked a part of it */
    char interpreter[PATH_MAX]; /* the dynamic linker; "": it has none */

    /* What follows is filled in by tool_elf_read_dynamic(). */
    ElfW(Shdr) * sections;
    size_t section_count;
    ElfW(Dyn) * dynamic;
    size_t dynamic_count;
    char *dynamic_names;
    size_t dynamic_names_size;
    ElfW(Sym) * symbols;
    size_t symbol_count;
    char *symbol_names;
    size_t symbol_names_size;
};

/*
 * Opens a file by its path, or takes over a descriptor. False if it cannot be read or is no ELF file for this kind of
 * machine; then `header` is all 0, or that of an ELF file for another kind. It is to be closed in any case.
 */
bool tool_elf_open(struct tool_elf *elf, const char *path);
bool tool_elf_take(struct tool_elf *elf, int fd);
void tool_elf_close(struct tool_elf *elf);

/* Sections, symbols, and what the dynamic linker is told. What is damaged is left out. */
void tool_elf_read_dynamic(struct tool_elf *elf);

/* The text of the first entry with this tag (such as DT_RUNPATH) after number *at, which is set to behind it; or NULL. */
const char *tool_elf_text(const struct tool_elf *elf, ElfW(Sxword) tag, size_t *at);
bool tool_elf_has_entry(const struct tool_elf *elf, ElfW(Sxword) tag);

/* Whether others find the name here; whether the file asks others for it. */
bool tool_elf_exports(const struct tool_elf *elf, const char *name);
bool tool_elf_imports(const struct tool_elf *elf, const char *name);

/* Whether the constant data has this text. Reads at most 64 MiB. */
bool tool_elf_contains(const struct tool_elf *elf, const char *text);

#endif
