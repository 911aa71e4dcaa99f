/* SPDX-License-Identifier: BSD-3-Clause */
/* What `threadmeter run` says of each of some programs before it starts them, without starting any. */
#include "run/program.h"
#include "run/unseen.h"

int main(int argc, char **argv)
{
    static struct tool_program program;
    for (int i = 1; i < argc; i++)
        if (tool_find_program(&program, argv[i]) == 0)
            tool_tell_unseen(&program);
    return argc < 2;
}
