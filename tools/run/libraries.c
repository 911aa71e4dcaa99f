/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Searches libraries in the paths that the file that needs them names, in LD_LIBRARY_PATH, and in the directories of
 * this program's own dynamic linker. The linker's cache is not read: what only it knows is not found, and then left out.
 */
#include "run/libraries.h"
#include "common/allocate.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 1000 };

struct tool_libraries {
    char *paths[MOST]; /* what was found; before `next`, it was looked at */
    size_t count, next;
};

/* ORIGIN, of all that may be in such a path, is the directory of the file that has it. False: it has something else. */
static bool expand(char directory[PATH_MAX], const char *place, size_t length, const char *file)
{
    static const char *const origins[] = {"$ORIGIN", "${ORIGIN}"};
    for (size_t i = 0; i < 2; i++) {
        size_t origin = strlen(origins[i]);
        const char *slash = strrchr(file, '/');
        if (length >= origin && strncmp(place, origins[i], origin) == 0 && slash)
            return snprintf(directory, PATH_MAX, "%.*s%.*s", (int)(slash - file), file, (int)(length - origin),
                            place + origin) < PATH_MAX &&
                   !strchr(directory, '$');
    }
    return length > 0 && length < PATH_MAX && !memchr(place, '$', length) &&
           snprintf(directory, PATH_MAX, "%.*s", (int)length, place) < PATH_MAX;
}

static bool is_in(char path[PATH_MAX], const char *directory, const char *name)
{
    return snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX && access(path, R_OK) == 0;
}

/* places: separated by colons; NULL: none. */
static bool search(char path[PATH_MAX], const char *places, const char *file, const char *name)
{
    char directory[PATH_MAX];
    for (const char *place = places, *end; place; place = *end ? end + 1 : NULL) {
        end = place + strcspn(place, ":");
        if (expand(directory, place, (size_t)(end - place), file) && is_in(path, directory, name))
            return true;
    }
    return false;
}

static bool search_system(char path[PATH_MAX], const char *name)
{
    static Dl_serinfo *system;
    Dl_serinfo size;
    if (!system) {
        void *self = dlopen(NULL, RTLD_LAZY);
        if (!self || dlinfo(self, RTLD_DI_SERINFOSIZE, &size) != 0)
            return false;
        Dl_serinfo *found = tool_allocate(size.dls_size, 1);
        if (dlinfo(self, RTLD_DI_SERINFOSIZE, found) != 0 || dlinfo(self, RTLD_DI_SERINFO, found) != 0) {
            free(found);
            return false;
        }
        system = found;
    }
    for (unsigned i = 0; i < system->dls_cnt; i++)
        if (is_in(path, system->dls_serpath[i].dls_name, name))
            return true;
    return is_in(path, "/usr/local/lib", name);
}

static bool find(char path[PATH_MAX], const struct tool_elf *elf, const char *file, const char *name)
{
    size_t at = 0;
    const char *run_path = elf ? tool_elf_text(elf, DT_RUNPATH, &at) : NULL;
    at = 0;
    const char *old_path = elf && !run_path ? tool_elf_text(elf, DT_RPATH, &at) : NULL;
    if (strchr(name, '/'))
        return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX && access(path, R_OK) == 0;
    return *name && (search(path, old_path, file, name) || search(path, getenv("LD_LIBRARY_PATH"), file, name) ||
                     search(path, run_path, file, name) || search_system(path, name));
}

bool tool_find_library(char path[PATH_MAX], const char *name)
{
    return find(path, NULL, "", name);
}

static bool is_known(const struct tool_libraries *libraries, const char *path)
{
    for (size_t i = 0; i < libraries->count; i++)
        if (strcmp(libraries->paths[i], path) == 0)
            return true;
    return false;
}

static void add_needed(struct tool_libraries *libraries, const struct tool_elf *elf, const char *file)
{
    const char *name;
    char path[PATH_MAX];
    for (size_t at = 0; libraries->count < MOST && (name = tool_elf_text(elf, DT_NEEDED, &at));)
        if (find(path, elf, file, name) && !is_known(libraries, path)) {
            char *kept = tool_allocate(strlen(path) + 1, 1);
            libraries->paths[libraries->count++] = strcpy(kept, path);
        }
}

struct tool_libraries *tool_begin_libraries(const struct tool_elf *program, const char *path)
{
    struct tool_libraries *libraries = tool_allocate(1, sizeof *libraries);
    add_needed(libraries, program, path);
    return libraries;
}

const char *tool_next_library(struct tool_libraries *libraries, struct tool_elf *elf)
{
    while (libraries->next < libraries->count) {
        const char *path = libraries->paths[libraries->next++];
        if (tool_elf_open(elf, path)) {
            tool_elf_read_dynamic(elf);
            add_needed(libraries, elf, path);
            return path;
        }
        tool_elf_close(elf);
    }
    return NULL;
}

void tool_end_libraries(struct tool_libraries *libraries)
{
    for (size_t i = 0; i < libraries->count; i++)
        free(libraries->paths[i]);
    free(libraries);
}
