/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looks for allocators that a preloaded malloc does not replace: one in the executable, since the dynamic linker finds
 * that first; one that is called by other names; Go's. It is a search by names and texts, so that none of them may be
 * found, but a program that has none is not accused. It does not know what is preloaded.
 */
#include "run/unseen.h"
#include "common/allocate.h"
#include "common/messages.h"
#include "common/printable.h"
#include "run/elf_file.h"
#include "run/libraries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts of messages that only these allocators have. They are in their constant data, also when symbols are stripped. */
static const struct {
    const char *name, *text;
} built_in[] = {
    {"jemalloc", "<jemalloc>: "},
    {"mimalloc", "mimalloc: error: "},
    {"tcmalloc", "tcmalloc: allocation failed"},
};

/* Functions by which programs allocate from a library, other than malloc's. */
static const struct {
    const char *name, *function;
} called[] = {
    {"mimalloc", "mi_malloc"},
    {"tcmalloc", "tc_malloc"},
    {"libgc", "GC_malloc"},
};

/*
 * NULL: none. All of these allocators call madvise(), and few other files do: so little is read of most. Our own library
 * contains tcmalloc's texts at most.
 */
static const char *built_in_allocator(const struct tool_elf *elf)
{
    if (!tool_elf_imports(elf, "madvise"))
        return NULL;
    for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++)
        if (tool_elf_contains(elf, built_in[i].text))
            return built_in[i].name;
    return NULL;
}

static void tell_of_program(const struct tool_elf *elf, const char *name)
{
    const char *allocator = built_in_allocator(elf);
    if (elf->is_go)
        tool_warn("%s is a Go program: only what its C code allocates is counted, not Go's own heap", name);
    else if (tool_elf_exports(elf, "malloc"))
        tool_warn(
            "%s has a malloc of its own%s%s%s, which comes before threadmeter's: what it allocates is not counted",
            name, allocator ? " (" : "", allocator ? allocator : "", allocator ? ")" : "");
    else if (allocator)
        tool_warn("%s has %s built in: what it allocates from that is not counted", name, allocator);
    else
        for (size_t i = 0; i < sizeof called / sizeof called[0]; i++)
            if (tool_elf_imports(elf, called[i].function)) {
                tool_warn("%s calls %s of %s: what it allocates by that is not counted", name, called[i].function,
                          called[i].name);
                return;
            }
}

/* A malloc that a library exports is replaced by ours, unless the library is bound to its own. NULL: there is none. */
static const char *allocator_of_library(const struct tool_elf *elf)
{
    bool exports = tool_elf_exports(elf, "malloc");
    if (elf->is_go)
        return "Go";
    if (exports && tool_elf_has_entry(elf, DT_SYMBOLIC))
        return "a malloc of its own";
    return exports ? NULL : built_in_allocator(elf);
}

static void tell_of_libraries(struct tool_libraries *libraries, const char *name)
{
    char first[NAME_MAX + 1] = "", shown[PATH_MAX];
    const char *first_allocator = NULL, *path;
    struct tool_elf elf;
    unsigned count = 0;
    while ((path = tool_next_library(libraries, &elf))) {
        const char *allocator = allocator_of_library(&elf);
        if (allocator && count++ == 0) {
            snprintf(first, sizeof first, "%s", strrchr(path, '/') + 1);
            first_allocator = allocator;
        }
        tool_elf_close(&elf);
    }
    if (count == 1)
        tool_warn("%s, a library of %s, has %s built in: what it allocates from that is not counted",
                  tool_printable(shown, sizeof shown, first), name, first_allocator);
    else if (count > 1)
        tool_warn("%u libraries of %s have allocators built in, such as %s with %s: what they allocate from these is "
                  "not counted",
                  count, name, tool_printable(shown, sizeof shown, first), first_allocator);
}

/* Ours is in front of all others there. It, and a copy of it, has this name for its own use. */
static void tell_of_preloaded(void)
{
    const char *all = getenv("LD_PRELOAD");
    for (const char *one = all ? all : "", *end; *one; one = end + strspn(end, " :")) {
        char name[PATH_MAX], path[PATH_MAX], shown[PATH_MAX];
        struct tool_elf elf;
        end = one + strcspn(one, " :");
        if (end == one || (size_t)(end - one) >= sizeof name)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(end - one), one);
        if (!tool_find_library(path, name))
            continue;
        if (tool_elf_open(&elf, path)) {
            tool_elf_read_dynamic(&elf);
            if (tool_elf_exports(&elf, "malloc") && !tool_elf_exports(&elf, "tm__next_malloc"))
                tool_warn("threadmeter's malloc comes before that of %s in LD_PRELOAD, which is not used",
                          tool_printable(shown, sizeof shown, name));
        }
        tool_elf_close(&elf);
    }
}

void tool_tell_unseen(const struct tool_program *program)
{
    const char *chosen = getenv("THREADMETER_MESSAGES");
    char shown[PATH_MAX];
    struct tool_elf elf;
    if (program->privileged || (chosen && strcmp(chosen, "0") == 0))
        return;
    if (tool_elf_open(&elf, program->loaded)) {
        tool_elf_read_dynamic(&elf);
        tool_printable(shown, sizeof shown, program->loaded);
        tell_of_program(&elf, shown);
        struct tool_libraries *libraries = tool_begin_libraries(&elf, program->loaded);
        tell_of_libraries(libraries, shown);
        tool_end_libraries(libraries);
        tell_of_preloaded();
    }
    tool_elf_close(&elf);
}
