/* SPDX-License-Identifier: BSD-3-Clause */
/* Which process has a published file mapped, and which files a process has mapped, by /proc/PID/maps. */
#ifndef TM_MAPPINGS_H
#define TM_MAPPINGS_H

#include "reader/process.h"

/*
 * Opens /proc/PID/maps if the process has the open file mapped, and has the pid and start time that the file says. So
 * it is the process that writes the file, not another that has got its pid since. As long as the address space of that
 * process exists, tm__is_alive() is true for the descriptor, even if its pid is used again later. Returns -1 if it is
 * not so.
 */
int tm__open_maps_of_publisher(pid_t pid, const struct tm__publisher *publisher, int fd);
bool tm__is_alive(int maps);

/*
 * The pid, in the reader's pid namespace, of the process that publishes the file; *maps is what
 * tm__open_maps_of_publisher() returns for it. If no such process is visible, returns 0, and *maps is -1. If there is
 * no memory, both are -1.
 */
pid_t tm__find_process(const struct tm__publisher *publisher, int fd, int *maps);

/*
 * Calls visit(fd, maps, path, arg) for each file that the process has mapped and that is named after it. visit owns the
 * two descriptors: the file, and /proc/PID/maps, for tm__is_alive(). A visit that returns true ends the search. Maps
 * are read once, each file is opened once, and only some files are opened, since an honest process does not have many
 * of such a name. Returns 0, or -errno (such as -ESRCH or -EACCES) for the last file that could not be opened, with its
 * path.
 */
typedef bool tm__visit_mapped(int fd, int maps, const char *path, void *arg);
int tm__each_mapped(pid_t pid, const struct tm__publisher *publisher, tm__visit_mapped *visit, void *arg, char *path,
                    size_t size);

#endif
