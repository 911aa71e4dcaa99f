/* SPDX-License-Identifier: BSD-3-Clause */
/* Which file a program is, and whether a library can be preloaded into it. This file does not know which library. */
#include "run/program.h"
#include "common/messages.h"
#include "common/printable.h"
#include "run/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* FIRST_LINE: the kernel reads no more of a script's first line. SCRIPTS: the longest chain of scripts. */
enum { FIRST_LINE = 256, SCRIPTS = 5 };

/* Returns 0 if the file can be run, else an errno value. */
static int try_file(const char *path)
{
    struct stat file;
    if (stat(path, &file) != 0)
        return errno;
    if (S_ISDIR(file.st_mode))
        return EISDIR;
    return S_ISREG(file.st_mode) && access(path, X_OK) == 0 ? 0 : EACCES;
}

/* Searches $PATH as execvp() does: a file that cannot be run does not end the search. */
static int search_path(char path[PATH_MAX], const char *name)
{
    const char *places = getenv("PATH");
    int error = ENOENT;
    for (const char *place = places ? places : "/bin:/usr/bin", *end; place; place = *end ? end + 1 : NULL) {
        end = place + strcspn(place, ":");
        int length =
            snprintf(path, PATH_MAX, "%.*s/%s", end > place ? (int)(end - place) : 1, end > place ? place : ".", name);
        if (length >= PATH_MAX)
            continue;
        int found = try_file(path);
        if (found == 0)
            return 0;
        if (found == EACCES)
            error = EACCES;
    }
    return error;
}

static int find(struct tool_program *program, const char *name)
{
    char shown[PATH_MAX];
    int error;
    if (strchr(name, '/')) {
        error = strlen(name) < sizeof program->path ? 0 : ENAMETOOLONG;
        if (!error)
            error = try_file(strcpy(program->path, name));
    } else {
        error = *name ? search_path(program->path, name) : ENOENT;
    }
    if (!error)
        return 0;
    tool_printable(shown, sizeof shown, name);
    if (error == ENOENT && !strchr(name, '/'))
        tool_warn("%s: no such program in $PATH", shown);
    else
        tool_warn("%s: %s", shown, strerror(error));
    return error == ENOENT || error == ENOTDIR ? TOOL_NOT_FOUND : TOOL_CANNOT_RUN;
}

/* ---- what is in the file ---- */

/* The dynamic linker ignores paths in LD_PRELOAD if the program has more privileges than its caller. */
static bool raises_privileges(int fd)
{
    struct stat file;
    if (fstat(fd, &file) != 0)
        return false;
    if ((file.st_mode & S_ISUID) && file.st_uid != getuid())
        return true;
    if ((file.st_mode & S_ISGID) && (file.st_mode & S_IXGRP) && file.st_gid != getgid())
        return true;
    return getuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

/* Returns the interpreter of a script, inside `line`, which is changed. NULL: it is no script. */
static char *read_interpreter(char line[FIRST_LINE])
{
    if (strncmp(line, "#!", 2) != 0)
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    char *interpreter = line + 2 + strspn(line + 2, " \t");
    interpreter[strcspn(interpreter, " \t")] = '\0';
    return *interpreter ? interpreter : NULL;
}

/*
 * Another libc than this program's, such as musl: of it, a program needs nothing that is called as glibc is, and its
 * dynamic linker is not called as ours is either. Our library would find none of what it needs there.
 */
static bool has_other_libc(struct tool_elf *elf)
{
    struct tool_elf self;
    const char *name, *own = NULL, *its = strrchr(elf->interpreter, '/');
    if (tool_elf_open(&self, "/proc/self/exe"))
        own = strrchr(self.interpreter, '/');
    bool other = own && (!its || strcmp(its, own) != 0);
    tool_elf_close(&self);
    if (!other)
        return false;
    tool_elf_read_dynamic(elf);
    for (size_t at = 0; (name = tool_elf_text(elf, DT_NEEDED, &at));)
        if (strcmp(name, "libc.so.6") == 0)
            return false;
    return true;
}

/* Returns why our library cannot be preloaded into this ELF file; NULL: it can be, or the kernel says what is wrong. */
static const char *find_objection(struct tool_elf *elf, bool is_for_this_machine)
{
    static char text[PATH_MAX + 128];
    char shown[PATH_MAX];
    if (!is_for_this_machine)
        return elf->header.e_ident[EI_CLASS] == ELFCLASS32 && sizeof(void *) == 8
                   ? "is a 32-bit program: nothing of this 64-bit threadmeter can be preloaded into it"
                   : "is for another kind of machine: nothing of this threadmeter can be preloaded into it";
    if (elf->damaged)
        return NULL;
    if (!*elf->interpreter) {
        tool_elf_read_dynamic(elf);
        return elf->is_go ? "is a Go program, and statically linked: nothing can be preloaded into it"
                          : "is statically linked: nothing can be preloaded into it";
    }
    if (!has_other_libc(elf))
        return NULL;
    snprintf(text, sizeof text,
             "is linked with another libc than glibc (its dynamic linker is %s): threadmeter's library cannot be "
             "preloaded into it",
             tool_printable(shown, sizeof shown, elf->interpreter));
    return text;
}

/*
 * Checks the file and, if it is a script, its interpreter, which may be a script, too. A file that cannot be read may
 * be executable nevertheless, so it is no error here.
 */
static int check_file(struct tool_program *program, const char *path, int scripts)
{
    char line[FIRST_LINE] = {0}, shown[PATH_MAX];
    struct tool_elf elf;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        struct stat file;
        program->privileged = stat(path, &file) == 0 && (file.st_mode & (S_ISUID | S_ISGID)) != 0;
        return 0;
    }
    ssize_t length = pread(fd, line, sizeof line - 1, 0);
    const char *objection = NULL;
    bool is_for_this_machine = tool_elf_take(&elf, fd);
    if (elf.header.e_ident[0]) {
        objection = find_objection(&elf, is_for_this_machine);
        program->privileged = raises_privileges(fd);
    }
    tool_elf_close(&elf);
    strcpy(program->loaded, path);
    if (objection) {
        tool_warn("%s %s", tool_printable(shown, sizeof shown, path), objection);
        return TOOL_CANNOT_RUN;
    }
    char *interpreter = length > 2 && scripts > 0 ? read_interpreter(line) : NULL;
    if (!interpreter)
        return 0;
    int error = try_file(interpreter);
    if (error) {
        tool_warn("%s: its interpreter: %s", tool_printable(shown, sizeof shown, path), strerror(error));
        return TOOL_CANNOT_RUN;
    }
    return check_file(program, interpreter, scripts - 1);
}

int tool_find_program(struct tool_program *program, const char *name)
{
    program->privileged = false;
    program->loaded[0] = '\0';
    int code = find(program, name);
    return code ? code : check_file(program, program->path, SCRIPTS);
}

/*
 * Its children inherit the environment, too, but only the program that this process becomes may print more than the
 * message before an abort: src/base/messages.c compares the pid. THREADMETER_MESSAGES=0 from the user stays as it is.
 */
static void allow_messages(void)
{
    char pid[24];
    const char *chosen = getenv("THREADMETER_MESSAGES");
    if (chosen && strcmp(chosen, "0") == 0)
        return;
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    setenv("THREADMETER_MESSAGES", pid, 1);
}

/* By execvp(), since that gives a file whose format the kernel does not know to the shell, as env and nice do. */
int tool_become(const struct tool_program *program, char **argv)
{
    allow_messages();
    execvp(program->path, argv);
    int error = errno;
    tool_warn("%s: %s", program->path, strerror(error));
    return error == ENOENT ? TOOL_NOT_FOUND : TOOL_CANNOT_RUN;
}
