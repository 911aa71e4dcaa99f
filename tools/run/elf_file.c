/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads ELF files. By pread(), not by a mapping: a file that is cut off meanwhile must not end the tool. Each offset and
 * size in the file is compared with how much there is.
 */
#include "run/elf_file.h"
#include "common/allocate.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The most that is read of a file's tables: those of the largest programs are smaller. SEARCHED: the most of its data;
 * PIECE: so much at once.
 */
enum { TABLE = 64 << 20, SEGMENTS = 4096, NOTES = 1 << 16, SEARCHED = 64 << 20, PIECE = 1 << 20 };

static bool read_at(int fd, void *bytes, size_t size, uint64_t offset)
{
    return offset <= INT64_MAX && pread(fd, bytes, size, (off_t)offset) == (ssize_t)size;
}

/* Returns a part of the file with a 0 after it, for the caller to free. NULL: it is too large, or not all there. */
static char *read_part(int fd, uint64_t offset, uint64_t size)
{
    struct stat file;
    if (size > TABLE || fstat(fd, &file) != 0 || size > (uint64_t)file.st_size)
        return NULL;
    char *bytes = tool_allocate(size + 1, 1);
    if (read_at(fd, bytes, size, offset))
        return bytes;
    free(bytes);
    return NULL;
}

static const char *text_at(const char *names, size_t size, uint64_t offset)
{
    return names && offset < size ? names + offset : "";
}

/* ---- the file's header and segments ---- */

/* The Go linker marks what it makes with a note whose name is "Go". */
static bool has_go_note(const struct tool_elf *elf, const ElfW(Phdr) * segment)
{
    uint64_t size = segment->p_filesz < NOTES ? segment->p_filesz : NOTES;
    char *notes = read_part(elf->fd, segment->p_offset, size);
    bool found = false;
    for (uint64_t at = 0; notes && !found && size - at >= sizeof(ElfW(Nhdr));) {
        ElfW(Nhdr) note;
        memcpy(&note, notes + at, sizeof note);
        at += sizeof note;
        uint64_t length = ((uint64_t)note.n_namesz + 3) / 4 * 4 + ((uint64_t)note.n_descsz + 3) / 4 * 4;
        found = note.n_namesz >= 3 && size - at >= 3 && memcmp(notes + at, "Go", 3) == 0;
        if (length > size - at)
            break;
        at += length;
    }
    free(notes);
    return found;
}

static void read_segments(struct tool_elf *elf)
{
    unsigned count = elf->header.e_phnum;
    if (count > SEGMENTS)
        count = SEGMENTS;
    for (unsigned i = 0; i < count; i++) {
        ElfW(Phdr) segment;
        if (!read_at(elf->fd, &segment, sizeof segment, elf->header.e_phoff + (uint64_t)i * elf->header.e_phentsize)) {
            elf->damaged = true;
            return;
        }
        if (segment.p_type == PT_NOTE) {
            elf->is_go |= has_go_note(elf, &segment);
        } else if (segment.p_type == PT_INTERP && !*elf->interpreter) {
            if (segment.p_filesz == 0 || segment.p_filesz > sizeof elf->interpreter ||
                !read_at(elf->fd, elf->interpreter, segment.p_filesz, segment.p_offset))
                elf->damaged = true;
            elf->interpreter[sizeof elf->interpreter - 1] = '\0';
        }
    }
}

/* The header of this program: files for other kinds of machines have another one. */
static bool is_for_this_machine(const ElfW(Ehdr) * header)
{
    ElfW(Ehdr) own;
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    bool known = self >= 0 && read_at(self, &own, sizeof own, 0);
    if (self >= 0)
        close(self);
    return !known || (header->e_ident[EI_CLASS] == own.e_ident[EI_CLASS] &&
                      header->e_ident[EI_DATA] == own.e_ident[EI_DATA] && header->e_machine == own.e_machine);
}

bool tool_elf_take(struct tool_elf *elf, int fd)
{
    *elf = (struct tool_elf){.fd = fd};
    if (fd < 0 || !read_at(fd, &elf->header, sizeof elf->header, 0) ||
        memcmp(elf->header.e_ident, ELFMAG, SELFMAG) != 0) {
        memset(&elf->header, 0, sizeof elf->header);
        return false;
    }
    if (!is_for_this_machine(&elf->header))
        return false;
    read_segments(elf);
    return true;
}

bool tool_elf_open(struct tool_elf *elf, const char *path)
{
    /* Without waiting, should it be a pipe. */
    return tool_elf_take(elf, open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
}

void tool_elf_close(struct tool_elf *elf)
{
    if (elf->fd >= 0)
        close(elf->fd);
    free(elf->sections);
    free(elf->dynamic);
    free(elf->dynamic_names);
    free(elf->symbols);
    free(elf->symbol_names);
    *elf = (struct tool_elf){.fd = -1};
}

/* ---- its sections ---- */

/* Reads a table, and the names that belong to it: the section that its header is linked with. */
static void *read_table(const struct tool_elf *elf, const ElfW(Shdr) * section, size_t entry, size_t *count,
                        char **names, size_t *names_size)
{
    const ElfW(Shdr) *linked = section->sh_link < elf->section_count ? &elf->sections[section->sh_link] : NULL;
    void *table = read_part(elf->fd, section->sh_offset, section->sh_size);
    *names = table && linked ? read_part(elf->fd, linked->sh_offset, linked->sh_size) : NULL;
    *names_size = *names ? linked->sh_size : 0;
    *count = *names ? section->sh_size / entry : 0;
    return table;
}

void tool_elf_read_dynamic(struct tool_elf *elf)
{
    const ElfW(Ehdr) *header = &elf->header;
    if (header->e_shentsize != sizeof *elf->sections)
        return;
    elf->sections = (void *)read_part(elf->fd, header->e_shoff, (uint64_t)header->e_shnum * sizeof *elf->sections);
    elf->section_count = elf->sections ? header->e_shnum : 0;
    for (size_t i = 0; i < elf->section_count; i++) {
        const ElfW(Shdr) *section = &elf->sections[i];
        if (section->sh_type == SHT_DYNAMIC && !elf->dynamic)
            elf->dynamic = read_table(elf, section, sizeof *elf->dynamic, &elf->dynamic_count, &elf->dynamic_names,
                                      &elf->dynamic_names_size);
        else if (section->sh_type == SHT_DYNSYM && !elf->symbols)
            elf->symbols = read_table(elf, section, sizeof *elf->symbols, &elf->symbol_count, &elf->symbol_names,
                                      &elf->symbol_names_size);
    }
    if (header->e_shstrndx >= elf->section_count)
        return;
    const ElfW(Shdr) *strings = &elf->sections[header->e_shstrndx];
    char *names = read_part(elf->fd, strings->sh_offset, strings->sh_size);
    for (size_t i = 0; names && i < elf->section_count; i++)
        elf->is_go |= strcmp(text_at(names, strings->sh_size, elf->sections[i].sh_name), ".go.buildinfo") == 0;
    free(names);
}

const char *tool_elf_text(const struct tool_elf *elf, ElfW(Sxword) tag, size_t *at)
{
    while (*at < elf->dynamic_count && elf->dynamic[*at].d_tag != DT_NULL) {
        const ElfW(Dyn) *entry = &elf->dynamic[(*at)++];
        if (entry->d_tag == tag)
            return text_at(elf->dynamic_names, elf->dynamic_names_size, entry->d_un.d_val);
    }
    return NULL;
}

bool tool_elf_has_entry(const struct tool_elf *elf, ElfW(Sxword) tag)
{
    size_t at = 0;
    return tool_elf_text(elf, tag, &at) != NULL;
}

static bool has_symbol(const struct tool_elf *elf, const char *name, bool defined)
{
    for (size_t i = 1; i < elf->symbol_count; i++) {
        const ElfW(Sym) *symbol = &elf->symbols[i];
        unsigned visibility = ELF64_ST_VISIBILITY(symbol->st_other), binding = ELF64_ST_BIND(symbol->st_info);
        if ((symbol->st_shndx != SHN_UNDEF) == defined && binding != STB_LOCAL &&
            (visibility == STV_DEFAULT || visibility == STV_PROTECTED) &&
            strcmp(text_at(elf->symbol_names, elf->symbol_names_size, symbol->st_name), name) == 0)
            return true;
    }
    return false;
}

bool tool_elf_exports(const struct tool_elf *elf, const char *name)
{
    return has_symbol(elf, name, true);
}

bool tool_elf_imports(const struct tool_elf *elf, const char *name)
{
    return has_symbol(elf, name, false);
}

/* Two pieces have as many bytes in common as the text could lose between them. */
static bool section_contains(const struct tool_elf *elf, const ElfW(Shdr) * section, const char *text, char *piece)
{
    size_t length = strlen(text);
    uint64_t size = section->sh_size < SEARCHED ? section->sh_size : SEARCHED;
    for (uint64_t at = 0; at + length <= size; at += PIECE - length) {
        if (section->sh_offset > INT64_MAX - SEARCHED)
            return false;
        size_t wanted = size - at < PIECE ? (size_t)(size - at) : PIECE;
        ssize_t got = pread(elf->fd, piece, wanted, (off_t)(section->sh_offset + at));
        if (got < 0 || memmem(piece, (size_t)got, text, length))
            return got >= 0;
        if ((size_t)got < wanted)
            return false;
    }
    return false;
}

bool tool_elf_contains(const struct tool_elf *elf, const char *text)
{
    uint64_t searched = 0;
    bool found = false;
    char *piece = tool_allocate(PIECE, 1);
    for (size_t i = 0; i < elf->section_count && !found && searched < SEARCHED; i++) {
        const ElfW(Shdr) *section = &elf->sections[i];
        if (section->sh_type != SHT_PROGBITS ||
            (section->sh_flags & (SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR)) != SHF_ALLOC)
            continue;
        found = section_contains(elf, section, text, piece);
        searched += section->sh_size < SEARCHED ? section->sh_size : SEARCHED;
    }
    free(piece);
    return found;
}
