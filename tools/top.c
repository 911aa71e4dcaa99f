/* placeholder until the command lands */
#include "tool.h"
int tool_top(int argc, char **argv)
{
    (void)argc, (void)argv;
    return tool_fail("not built");
}
