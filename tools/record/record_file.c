/* SPDX-License-Identifier: BSD-3-Clause */
#include "record/record_file.h"
#include "common/messages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool create(struct record_file *file, const char *path)
{
    file->path = path;
    file->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0666);
    file->created = file->fd >= 0;
    return file->created;
}

/* A pid is used again; in containers after every start. So the first free name is taken. */
static bool create_named(struct record_file *file, pid_t pid)
{
    snprintf(file->named, sizeof file->named, "threadmeter-%d.tmrec", (int)pid);
    for (int i = 2; !create(file, file->named); i++) {
        if (errno != EEXIST || i == 1000000)
            return false;
        snprintf(file->named, sizeof file->named, "threadmeter-%d-%d.tmrec", (int)pid, i);
    }
    return true;
}

/* The file is not truncated before there is a first reading, which replaces the old content. */
static bool open_existing(struct record_file *file)
{
    struct stat found;
    file->fd = open(file->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (file->fd < 0)
        return false;
    if (fstat(file->fd, &found) == 0 && !S_ISBLK(found.st_mode))
        return true;
    close(file->fd);
    errno = EINVAL;
    return false;
}

/* The lock is held while the file is open: readers see that the recording goes on, and nobody else records into it. */
static bool lock(struct record_file *file)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(file->fd, F_OFD_SETLK, &whole) == 0 ||
           (errno != EAGAIN && errno != EACCES); /* not all files have locks */
}

static bool open_any(struct record_file *file, const char *output, bool force, pid_t pid)
{
    if (!output && !force)
        return create_named(file, pid);
    snprintf(file->named, sizeof file->named, "threadmeter-%d.tmrec", (int)pid);
    return create(file, output ? output : file->named) || (errno == EEXIST && force && open_existing(file));
}

bool record_file_open(struct record_file *file, const char *output, bool force, pid_t pid)
{
    if (!open_any(file, output, force, pid)) {
        if (errno == EEXIST)
            tool_warn("%s is there already: --force replaces it", file->path);
        else
            tool_warn("cannot write %s: %s", file->path, strerror(errno));
        return false;
    }
    if (lock(file))
        return true;
    tool_warn("%s is being recorded to by another threadmeter", file->path);
    close(file->fd);
    return false;
}

static bool is_still_there(const struct record_file *file)
{
    struct stat ours, found;
    return fstat(file->fd, &ours) == 0 && lstat(file->path, &found) == 0 && ours.st_dev == found.st_dev &&
           ours.st_ino == found.st_ino;
}

bool record_file_close(struct record_file *file, bool used)
{
    if (!used && file->created && is_still_there(file))
        unlink(file->path);
    if (close(file->fd) == 0)
        return true;
    tool_warn("cannot write %s: %s", file->path, strerror(errno));
    return false;
}
