/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_EXPORT_H
#define TM_EXPORT_H

/* Returns an exit code: common/messages.h. argv[0] is what getopt_long() is to call the command in its messages. */
int tool_export(int argc, char **argv);

#endif
