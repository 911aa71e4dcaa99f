/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that never became published ones: their processes were killed as they started. */
#include "tool.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* PID-TICKS.newN: the process's number, in its own pid namespace. 0: the name is of another kind. */
static long pid_in(const char *name)
{
    char *end;
    long pid = isdigit((unsigned char)name[0]) ? strtol(name, &end, 10) : 0;
    if (pid <= 0 || pid > INT_MAX || *end != '-' || !isdigit((unsigned char)end[1]))
        return 0;
    end += 1 + strspn(end + 1, "0123456789");
    if (strncmp(end, ".new", 4) != 0 || !isdigit((unsigned char)end[4]))
        return 0;
    return end[4 + strspn(end + 4, "0123456789")] == '\0' ? pid : 0;
}

/* The last number of NStgid is the process's own; which it is for one in no namespace of its own, too. */
static bool has_number(const char *process, long pid)
{
    char path[PATH_MAX], line[256];
    bool has = false, known = false;
    snprintf(path, sizeof path, "/proc/%s/status", process);
    FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "NStgid:", 7) == 0) {
            line[strcspn(line, "\n")] = '\0';
            const char *last = strrchr(line, '\t');
            has = last && strtol(last + 1, NULL, 10) == pid;
            known = true;
            break;
        }
    if (status)
        fclose(status);
    return has || (status && !known && strtol(process, NULL, 10) == pid); /* kernels before 4.1 do not say */
}

/* In any pid namespace that is to be seen from here. If /proc is not there, nobody is called dead. */
static bool is_there(long pid)
{
    DIR *processes = opendir("/proc");
    bool found = !processes;
    for (struct dirent *entry; !found && (entry = readdir(processes));)
        found = isdigit((unsigned char)entry->d_name[0]) && has_number(entry->d_name, pid);
    if (processes)
        closedir(processes);
    return found;
}

void tool_prune_drafts(const char *directory)
{
    char path[PATH_MAX], shown[PATH_MAX];
    DIR *files = opendir(directory);
    for (struct dirent *entry; files && (entry = readdir(files));) {
        long pid = pid_in(entry->d_name);
        if (pid == 0 || is_there(pid) ||
            snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) >= (int)sizeof path)
            continue;
        if (unlink(path) == 0)
            printf("%s was begun by a process that is gone (removed)\n", tool_utf8(shown, sizeof shown, path));
        else if (errno != ENOENT)
            tool_warn("cannot remove %s: %s", path, strerror(errno));
    }
    if (files)
        closedir(files);
}
