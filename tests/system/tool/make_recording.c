/* SPDX-License-Identifier: BSD-3-Clause */
/* usage: make_recording READINGS SEED FILE [CROWD]; a recording of a made-up process, with CROWD more threads. */
#include "made_up.h"
#include "common/messages.h"
#include "recording/recording_write.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static struct made_up process;
    if (argc != 4 && argc != 5)
        return TOOL_USAGE;
    made_up_begin(&process, strtoul(argv[2], NULL, 10));
    process.crowd = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
    if (process.crowd > MADE_UP_CROWD)
        return TOOL_USAGE;
    struct recording_info info = made_up_info(&process);
    int fd = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 0666);
    struct recording_writer *writer = recording_begin(fd, &info);
    for (long left = strtol(argv[1], NULL, 10); left > 0; left--)
        if (recording_add(writer, made_up_step(&process)) != 0)
            return TOOL_FAILED;
    return recording_finish(writer, RECORDING_ENDED) == 0 && close(fd) == 0 ? TOOL_OK : TOOL_FAILED;
}
