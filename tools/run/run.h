/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_RUN_H
#define TM_RUN_H

/* Returns an exit code: common/messages.h. argv[0] is what getopt_long() is to call the command in its messages. */
int tool_run(int argc, char **argv);

#endif
