/* SPDX-License-Identifier: BSD-3-Clause */
/* What processes left, and what they had begun: whether it may be removed, and how. */
#include "find.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* There is none of this number, or only its exit status, which nobody has asked for yet. */
static bool runs_nothing(pid_t pid)
{
    char path[64], program[1];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    return readlink(path, program, sizeof program) < 0 && errno == ENOENT;
}

/* One that has become another program has its number still, and perhaps a new file of this name. */
bool tool_may_be_removed(const struct tm_reading *reading)
{
    return !reading->live && !reading->unknown && (!reading->ended || runs_nothing(reading->pid));
}

bool tool_remove(const struct tool_place *place)
{
    struct stat now;
    if (place->why_foreign) {
        errno = EPERM;
        return false;
    }
    if (fstatat(place->directory, place->name, &now, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    if (now.st_dev != place->file.st_dev || now.st_ino != place->file.st_ino || !S_ISREG(now.st_mode) ||
        now.st_uid != geteuid()) {
        errno = now.st_uid == geteuid() ? ESTALE : EPERM;
        return false;
    }
    return unlinkat(place->directory, place->name, 0) == 0;
}

/* ---- drafts: what processes began that were killed as they started ---- */

struct draft {
    long pid; /* in its own pid namespace */
    char *name;
};

/* PID-TICKS.newN: the process's number. 0: the name is of another kind. */
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

static struct draft *list_drafts(DIR *names, size_t most, size_t *count)
{
    struct draft *drafts = NULL;
    *count = 0;
    for (struct dirent *entry; *count < most && !tool_is_stopped() && (entry = readdir(names));) {
        long pid = pid_in(entry->d_name);
        if (pid == 0)
            continue;
        if ((*count & (*count - 1)) == 0) /* a power of two, or none: it is full */
            drafts = tool_resize(drafts, *count ? 2 * *count : 1, sizeof *drafts);
        char *name = tool_allocate(strlen(entry->d_name) + 1, 1);
        drafts[(*count)++] = (struct draft){pid, strcpy(name, entry->d_name)};
    }
    return drafts;
}

/* The last number of NStgid is the process's own; which it is for one in no namespace of its own, too. */
static long number_inside(const char *process)
{
    char path[64], line[256];
    long number = strtol(process, NULL, 10); /* kernels before 4.1 do not say */
    snprintf(path, sizeof path, "/proc/%.20s/status", process);
    FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "NStgid:", 7) == 0) {
            const char *last = strrchr(line, '\t');
            number = last ? strtol(last + 1, NULL, 10) : number;
            break;
        }
    if (status)
        fclose(status);
    return number;
}

static int by_number(const void *a, const void *b)
{
    const long *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

/* In any pid namespace that is to be seen from here; NULL if /proc is not there: nobody is called dead then. */
static long *list_numbers(size_t *count)
{
    long *numbers = NULL;
    *count = 0;
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; processes && (entry = readdir(processes));) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        if ((*count & (*count - 1)) == 0)
            numbers = tool_resize(numbers, *count ? 2 * *count : 1, sizeof *numbers);
        numbers[(*count)++] = number_inside(entry->d_name);
    }
    if (processes)
        closedir(processes);
    if (*count > 0)
        qsort(numbers, *count, sizeof *numbers, by_number);
    return numbers;
}

/* By its process, which may be where it cannot be seen: in another pid namespace, which has the same directory. */
static bool is_locked(int file)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(file, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

static void remove_draft(struct tool_place *place)
{
    struct stat *file = &place->file;
    if (fstatat(place->directory, place->name, file, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(file->st_mode) ||
        file->st_uid != geteuid())
        return;
    int fd = openat(place->directory, place->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    bool left = fd >= 0 && fstat(fd, file) == 0 && !is_locked(fd);
    if (fd >= 0)
        close(fd);
    if (!left)
        return;
    if (tool_remove(place))
        printf("%s was begun by a process that is gone (removed)\n", place->path);
    else if (errno != ENOENT)
        tool_warn("cannot remove %s: %s", place->path, strerror(errno));
}

/* Who is there is asked behind what there is: so whoever begins meanwhile is not taken for gone. */
size_t tool_prune_drafts(int directory, const char *path, size_t most)
{
    size_t draft_count, number_count;
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
    if (!names) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    struct draft *drafts = list_drafts(names, most, &draft_count);
    closedir(names);
    long *numbers = draft_count > 0 ? list_numbers(&number_count) : NULL;
    for (size_t i = 0; i < draft_count; i++) {
        char whole[PATH_MAX], shown[PATH_MAX];
        struct tool_place place = {.directory = directory, .name = drafts[i].name, .path = shown};
        snprintf(whole, sizeof whole, "%s/%s", path, drafts[i].name);
        tool_utf8(shown, sizeof shown, whole);
        if (numbers && !bsearch(&drafts[i].pid, numbers, number_count, sizeof *numbers, by_number))
            remove_draft(&place);
        free(drafts[i].name);
    }
    free(drafts);
    free(numbers);
    return draft_count;
}
