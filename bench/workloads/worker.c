/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process of one contender. It reads numbers of workloads, runs each once, and answers with the nanoseconds for one
 * operation, until its input ends. Which malloc it calls was decided when it was linked or loaded.
 */
#include "processors.h"
#include "workloads.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    double (*run)(void);
    int processors;
} workloads[] = {
#define X(name, group, processors, what) {name, processors},
    WORKLOADS(X)
#undef X
};

int main(int argc, char **argv)
{
    int have_trace = argc == 2 && load_trace(argv[1]);
    uint32_t which;
    while (read(STDIN_FILENO, &which, sizeof which) == sizeof which && which < WORKLOAD_COUNT) {
        double ns = 0;
        use_processors(workloads[which].processors);
        if (which != trace_workload || have_trace)
            ns = workloads[which].run();
        if (write(STDOUT_FILENO, &ns, sizeof ns) != sizeof ns)
            return 1;
    }
    return 0;
}
