/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_LIST_H
#define TM_LIST_H

/* Returns an exit code: common/messages.h. argv[0] is what getopt_long() is to call the command in its messages. */
int tool_list(int argc, char **argv);

#endif
